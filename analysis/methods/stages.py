"""What became of what members brought forward: how many of how many went on to each stage, and after how many days.

Source: a file with a row a proposal or a rights case, and the days of its stages. It is a record of all of them, not a sample:
intervals treat its rows as independent draws from those there might be.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import SurvfuncRight

from analysis.methods.counts import wilson
from analysis.methods.design import label
from analysis.methods.estimates import domains
from analysis.methods.lineage import every_cut
from analysis.tidy import ALL, NUMBERS, tidy_frame

# The stages of each file in their order; the first is when it began.
STAGES = {"proposals": ("made", "answered", "adopted", "told"), "cases": ("raised", "accepted", "resolved")}
# Of which stage a later one is a share; one is told of a no as well as of a yes.
BEFORE = {"adopted": "answered", "told": "answered", "resolved": "accepted"}
GAP = {"gap_heard_adopted": ("answered", "adopted")}
HALF, NEARLY = 0.5, 1e-9
Until = pd.Timestamp | Mapping[str, pd.Timestamp] | None


def stage_rows(
    frame: pd.DataFrame,
    term: str,
    *,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    until: Until = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    r"""Count what was brought forward, the shares that went on to each stage, and the median days until then.

    With m rows, a answered and d adopted (for cases: raised, accepted, resolved):

    ====================== ======================================================================= =============
    statistic              estimate                                                                n
    ====================== ======================================================================= =============
    made, raised           m                                                                       m
    answered, adopted, ... a/m, d/m, ...                                                           m
    adopted_of_answered    those of the a that were adopted / a; so ``told_of_answered``,          a
                           ``resolved_of_accepted``
    gap_heard_adopted      (a - d)/m, much heard and little adopted                                m
    days_to_answered, ...  day by which half are (Kaplan-Meier)                                    rows followed
    ====================== ======================================================================= =============

    Parameters
    ----------
    frame : DataFrame
        The first stage of `STAGES` as datetime; of every later one that was recorded ``STAGE`` (bool) and, where days were,
        ``STAGE_on`` (datetime; missing: not yet, or the day is not known); the columns of group, region, wave.
    term : {"proposals", "cases"}
        Which file it is.
    group, region, wave, hierarchy
        As for `analysis.fit_cohesion`.
    until : Timestamp, mapping of wave to Timestamp, or None
        Day up to which the file tells; rows that are open then are censored there. None: the latest day of the wave's rows.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    DataFrame
        Tidy rows. Shares have Wilson's interval. The gap's standard error is that of paired shares,
        :math:`\sqrt{b + c - (b - c)^2/m}/m` with b rows answered only and c adopted only; its interval is Bonett and Price's
        (2012, Communications in Statistics 41), which adds one to b and c. The median's interval is Brookmeyer and Crowley's
        (1982, Biometrics 38) on the scale of log(-log S), an upper end that was not reached being missing; ``n_eff`` counts the
        rows that reached the stage on a known day. A median that was not reached is ``not_estimable``. A stage that no row of a
        wave records, or of which no day is known, is one row ``not_asked``.

    Raises
    ------
    ValueError
        For missing columns, a stage that is not true or false, or a day before the first one.

    Notes
    -----
    Rows of a stage that happened on an unknown day are left out of its median: where they are many, it leans upward. So do rows
    begun after `until`, which were not followed.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-01"])
    >>> rows = pd.DataFrame({"made": days, "answered": [True, True, False],
    ...                      "answered_on": [days[0] + pd.Timedelta(days=5), days[0] + pd.Timedelta(days=9), pd.NaT]})
    >>> told = stage_rows(rows, "proposals", group=None, region=None, wave=None, hierarchy=None).set_index("statistic")
    >>> told.loc[["made", "answered", "days_to_answered"], "estimate"].round(3).tolist()
    [3.0, 0.667, 9.0]
    """
    stages = STAGES[term]
    working = _followed(frame.reset_index(drop=True), stages, wave, until)
    placed, cuts = every_cut(working, group=group, region=region, wave=wave, hierarchy=hierarchy)
    rows = pd.concat([_of_cut(placed, stages, by, conf_level) for by in cuts], ignore_index=True)
    rows = rows.assign(term=term, **({} if wave is not None else {"wave": ALL}))
    recorded = _recorded(working, stages, wave)
    known = [all(recorded[w, s] for s in needed) for w, needed in zip(rows["wave"], rows.pop("needs"), strict=True)]
    once = ~rows.duplicated(["wave", "statistic"])
    rows.loc[~np.array(known), [c for c in NUMBERS if c in rows]], rows.loc[~np.array(known), "status"] = (
        np.nan,
        "not_asked",
    )
    return tidy_frame(rows[np.array(known) | once])


def _followed(frame: pd.DataFrame, stages: tuple[str, ...], wave: str | None, until: Until) -> pd.DataFrame:
    """Give of each later stage whether it happened (1, 0, missing), after how many days, or for how many it did not."""
    first, *later = stages
    if absent := [c for c in (first, wave) if c is not None and c not in frame]:
        raise ValueError(f"the frame lacks the columns {absent}; the first stage of {stages} is needed as days")
    began, out = pd.to_datetime(frame[first]), frame.copy()
    end = _ends(frame, stages, wave, until)
    for stage in later:
        happened = _yes(frame, stage)
        on = pd.to_datetime(frame[f"{stage}_on"]) if f"{stage}_on" in frame else pd.Series(pd.NaT, index=frame.index)
        if early := int((on < began).sum()):
            raise ValueError(f"{early} rows have {stage}_on before {first}: set them aside or mend them")
        seen = (happened == 1) & (on <= end)
        open_ = (happened == 0) | ((happened == 1) & (on > end))
        days = (on.where(seen, end) - began) / pd.Timedelta(days=1)
        out[f"happened {stage}"] = happened
        out[f"seen {stage}"] = seen.astype("float64")
        out[f"days {stage}"] = days.where((seen | open_) & (days >= 0)).astype("float64")
    return out


def _ends(frame: pd.DataFrame, stages: tuple[str, ...], wave: str | None, until: Until) -> pd.Series:
    """The day up to which each row was followed."""
    waves = pd.Series(ALL, index=frame.index) if wave is None else frame[wave].map(label)
    if isinstance(until, Mapping):
        ends = {label(w): pd.Timestamp(day) for w, day in until.items()}
        if absent := sorted(set(waves) - set(ends)):
            raise ValueError(f"until gives no day for the waves {absent}; give each wave its day, or one day for all")
        return waves.map(ends)
    if until is not None:
        return pd.Series(pd.Timestamp(until), index=frame.index)
    days = [pd.to_datetime(frame[c]) for c in (stages[0], *(f"{s}_on" for s in stages[1:])) if c in frame]
    return pd.concat(days, axis=1).max(axis=1).groupby(waves).transform("max")


def _yes(frame: pd.DataFrame, stage: str) -> pd.Series:
    """Whether a stage happened, as 1, 0 or missing."""
    if stage not in frame:
        return pd.Series(np.nan, index=frame.index)
    given = frame[stage]
    wrong = int((given.notna() & ~given.isin([True, False])).sum())
    if wrong:
        raise ValueError(f"{stage} must say True or False of each row; {wrong} rows say something else")
    return given.astype("object").map({True: 1.0, False: 0.0}).astype("float64")


def _recorded(frame: pd.DataFrame, stages: tuple[str, ...], wave: str | None) -> dict[tuple[str, str], bool]:
    """Which stages each wave records at all, and of which it knows days."""
    waves = pd.Series(ALL, index=frame.index) if wave is None else frame[wave].map(label)
    found = {}
    for name, part in frame.groupby(waves):
        found[str(name), stages[0]] = True
        for stage in stages[1:]:
            happened = part[f"happened {stage}"]
            found[str(name), stage] = bool(happened.notna().any())
            dated = part.loc[happened == 1, f"days {stage}"].notna()
            found[str(name), f"days {stage}"] = bool(dated.any() or not len(dated))
    return found


def _of_cut(placed: pd.DataFrame, stages: tuple[str, ...], by: Mapping[str, str], conf_level: float) -> pd.DataFrame:
    """All rows of a cut; ``needs`` names the stages that must have been recorded."""
    domain, keys = domains(placed, by)
    inside = domain >= 0
    rows, cell = placed[inside], domain[inside]

    def count(of: pd.Series) -> pd.Series:
        return pd.Series(np.bincount(cell, of.to_numpy(dtype=np.float64), len(keys)))

    whole = count(pd.Series(1.0, index=rows.index))
    parts = [_part(keys, stages[0], (stages[0],), pd.DataFrame({"estimate": whole, "n": whole, "n_eff": whole}))]
    for stage in stages[1:]:
        did = rows[f"happened {stage}"]
        shares = wilson(count(did.fillna(0.0)), count(did.notna()), conf_level)
        parts.append(_part(keys, stage, (stage,), shares))
        if stage in BEFORE:
            before = rows[f"happened {BEFORE[stage]}"] == 1
            shares = wilson(count(before & (did == 1)), count(before & did.notna()), conf_level)
            parts.append(_part(keys, f"{stage}_of_{BEFORE[stage]}", (BEFORE[stage], stage), shares))
    for name, (heard, done) in GAP.items():
        if {heard, done} <= set(stages):
            one, two = rows[f"happened {heard}"], rows[f"happened {done}"]
            numbers = (count((one == 1) & (two == 0)), count((one == 0) & (two == 1)), count(one.notna() & two.notna()))
            parts.append(_part(keys, name, (heard, done), _paired(*numbers, conf_level)))
    for stage in stages[1:]:
        days = _days(rows[f"days {stage}"], rows[f"seen {stage}"], cell, len(keys), conf_level)
        parts.append(_part(keys, f"days_to_{stage}", (stage, f"days {stage}"), days))
    return pd.concat(parts, ignore_index=True)


def _part(keys: pd.DataFrame, statistic: str, needs: tuple[str, ...], numbers: pd.DataFrame) -> pd.DataFrame:
    status = np.where(numbers["estimate"].isna(), "not_estimable", "ok")
    part = keys.reset_index(drop=True).join(numbers.reset_index(drop=True))
    return part.assign(statistic=statistic, status=status, needs=pd.Series([needs] * len(part), dtype="object"))


def _paired(only_one: pd.Series, only_two: pd.Series, n: pd.Series, conf_level: float) -> pd.DataFrame:
    """Difference of two shares of the same rows, with the interval of Bonett and Price."""
    z, n = NormalDist().inv_cdf((1 + conf_level) / 2), n.where(n > 0)
    error = (only_one + only_two - (only_one - only_two) ** 2 / n).clip(lower=0).pow(0.5) / n
    p, q = (only_one + 1) / (n + 2), (only_two + 1) / (n + 2)
    half = z * ((p + q - (p - q) ** 2) / (n + 2)).pow(0.5)
    ends = {"conf_low": (p - q - half).clip(lower=-1), "conf_high": (p - q + half).clip(upper=1)}
    return pd.DataFrame({"estimate": (only_one - only_two) / n, "std_error": error, **ends, "n": n, "n_eff": n})


def _days(days: pd.Series, seen: pd.Series, cell: np.ndarray, cells: int, conf_level: float) -> pd.DataFrame:
    """Median days in every cell."""
    there = days.notna().to_numpy()
    found = pd.DataFrame(np.nan, index=range(cells), columns=["estimate", "conf_low", "conf_high", "n", "n_eff"])
    time, event = days.to_numpy()[there], seen.to_numpy()[there]
    for at in np.unique(cell[there]):
        mine = cell[there] == at
        found.loc[at] = [*_median(time[mine], event[mine], conf_level), mine.sum(), event[mine].sum()]
    return found


def _median(time: np.ndarray, event: np.ndarray, conf_level: float) -> tuple[float, float, float]:
    """Median and interval; where the curve lies at one half for a while, the middle of that while."""
    if not event.any():
        return np.nan, np.nan, np.nan
    with np.errstate(divide="ignore", invalid="ignore"):  # where nobody or everybody is left, no test can be made
        curve = SurvfuncRight(time, event)
        low, high = curve.quantile_ci(HALF, alpha=1 - conf_level)
    left = curve.surv_prob - HALF
    below, at = np.flatnonzero(left < -NEARLY), np.flatnonzero(np.abs(left) <= NEARLY)
    if not len(below) and not len(at):
        return np.nan, np.nan, np.nan
    ends = [curve.surv_times[f[0]] for f in (at, below) if len(f)]
    return float(np.mean(ends)), low, high if np.isfinite(high) else np.nan
