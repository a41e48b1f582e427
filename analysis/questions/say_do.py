"""Say and do: what members think of an organisation beside what the log holds of them, and whether the one foretells the other.

Source: answers of members who agreed to be linked to the log, and their careers. Results are of organisations and kinds of
members; no person's row or score leaves this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.methods.careers import ends_of, in_next_window
from analysis.methods.contrasts import contrast
from analysis.methods.counts import keyed, require, silent_groups
from analysis.methods.design import Design, numeric
from analysis.methods.estimates import estimates
from analysis.methods.foretelling import foretell
from analysis.methods.said import linked_steps, shares
from analysis.tidy import concat, tidy_frame

PLANE = {"above_present": (1, 1), "above_absent": (1, 0), "below_present": (-1, 1), "below_absent": (-1, 0)}
BOUNDED = ("above_absent", "below_present")
CAME, NEXT, UNLINKED = "came", "came next", "not linked, next window known"


@dataclass(frozen=True, slots=True, repr=False)
class SayDo:
    """Attitudes beside behaviour."""

    rows: pd.DataFrame  #: tidy table, term = scale

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"SayDo({self.rows['term'].nunique()} scales; {states})"


def say_do(
    members: pd.DataFrame,
    careers: pd.DataFrame | None,
    *,
    scales: Sequence[str],
    limits: Mapping[str, tuple[float, float]],
    observed: pd.DataFrame | None,
    group: str | None,
    region: str | None = None,
    wave: str | None,
    design: Design | None = None,
    by: Sequence[str] = (),
    person: str | None = None,
    link: str = "log_member",
    window_days: int | None = None,
) -> SayDo:
    r"""Put every scale beside what its answerers did.

    Of the members who agreed to be linked, and whose organisation reported:

    ===================== =====================================================================================================
    statistic             estimate
    ===================== =====================================================================================================
    above_present, ...    shares: above or below the middle of the scale, and present (a time with the own organisation in the
                          wave's window) or absent: ``above_present, above_absent`` (satisfied but absent), ``below_present``
                          (present but dissatisfied), ``below_absent``. The rest answers the middle
    above_absent_lowest,  bounds of the share among all members who answered: of those not linked nobody, or everybody who is on
    ..._highest (also     that side, did so. Wave, all and group
    below_present)
    present_minus_absent  mean of the scale among those who came less that among those who did not
    odds_ratio            of coming in the next window, for one point more on the scale: domain ``part=within_person`` (between two
                          or more answers of the same person, who came after one and not after another: conditional logit),
                          ``part=between_people`` (within a unit) and ``part=between_units`` (of the unit's mean; logit mixed
                          model with the unit as a random effect). Over all waves
    odds_ratio_lowest,    the same if of those not linked nobody above the mean that the part compares with had come and everybody
    ..._highest           below it, or the other way round, each end with its own interval
    ===================== =====================================================================================================

    Parameters
    ----------
    members : DataFrame
        Answers, a row a person and wave: scores of the scales, `link` and the columns below.
    careers : DataFrame or None
        ``member`` and the columns named by `wave` and `group`; ``last`` where windows overlap. None or empty: ``not_asked``.
    scales : sequence of str
        Columns of scores.
    limits : mapping of str to (lowest, highest)
        Possible range of each scale; its middle is half way.
    observed : DataFrame or None
        ``organisation, end, reported`` and the wave's column: answers of organisations that did not report are left out.
    group, region, wave : str or None
        Columns. `region` makes the units of the model finer (group x region); without both there are no units.
    design : Design, optional
        Of the answers, for shares and means. The odds do not use sampling weights.
    by : sequence of str
        Further columns to cut by, one at a time.
    person : str, optional
        Column of the person who may answer in several waves. None: `link`.
    link : str
        Column of the name in the log; missing: not linked.
    window_days : int, optional
        Length of a wave's window; the next one is that of the first later wave that does not reach back.

    Returns
    -------
    SayDo
        ``n``: linked answers (bounds: all answers; odds within people: people who came after one answer and not after another).
        Intervals: the design's for shares (as proportions) and means; Wald's on the log of odds, as are the errors' (delta
        method). A part without two waves, or that the data cannot carry, is ``not_asked`` or ``not_estimable``.

    Raises
    ------
    ValueError
        For absent columns, scores outside limits, or limits that are missing.

    Notes
    -----
    An association: that those who think well of it come more does not say that they came because of it. Members who agree to be
    linked may differ; the bounds say how far that could go. Conditional logit: Chamberlain (1980), Review of Economic Studies 47;
    within and between: Mundlak (1978), Econometrica 46.

    Examples
    --------
    >>> answers = pd.DataFrame({"log_member": list("abcd"), "trust": [5.0, 4.0, 1.0, 4.0]})
    >>> fit = say_do(answers, pd.DataFrame({"member": ["a", "c"]}), scales=["trust"], limits={"trust": (1, 5)}, observed=None,
    ...              group=None, wave=None)
    >>> fit.tidy().query("statistic == 'above_absent'")["estimate"].tolist()
    [0.5]
    """
    columns = {"wave": wave, "group": group, "region": None}
    _check(members, careers, scales, limits, columns, [*by, link, *([region] if region else [])])
    if careers is None or careers.empty or members.empty:
        return SayDo(tidy_frame([{"term": s, "statistic": "above_absent", "status": "not_asked"} for s in scales]))
    keys = pd.concat([keyed(f, columns)[["wave", "group"]] for f in (careers, members)])
    silent = silent_groups(observed, wave, keys)
    frame = _linked(members, careers, columns, observed, silent, (link, window_days))
    tables = [_plane(frame, s, limits[s], columns, by, design or Design()) for s in scales]
    unit = [c for c in (group, region) if c is not None]
    next_time = partial(foretell, frame, came=NEXT, person=person or link, units=unit, wave=wave, unlinked=UNLINKED)
    odds = [next_time(scale=s) for s in scales]
    return SayDo(tidy_frame(pd.concat([*tables, *odds], ignore_index=True)))


def _check(
    members: pd.DataFrame,
    careers: pd.DataFrame | None,
    scales: Sequence[str],
    limits: Mapping[str, tuple[float, float]],
    columns: Mapping[str, str | None],
    others: Sequence[str],
) -> None:
    if isinstance(scales, str) or not scales:
        raise ValueError(f"scales is a list of columns of members; it is {scales!r}")
    require("members", members, [*scales, *columns.values(), *others])
    require("careers", None if careers is None or careers.empty else careers, ["member", *columns.values()])
    for scale in scales:
        if scale not in limits:
            raise ValueError(f"limits are missing for scale {scale!r}")
        score, (low, high) = numeric(members, scale), limits[scale]
        outside = int(((score < low - 1e-9) | (score > high + 1e-9)).sum())
        if outside:
            raise ValueError(f"{outside} scores of {scale!r} lie outside its limits {low:g} to {high:g}")


def _linked(
    members: pd.DataFrame,
    careers: pd.DataFrame,
    columns: Mapping[str, str | None],
    observed: pd.DataFrame | None,
    silent: pd.MultiIndex,
    how: tuple[str, int | None],
) -> pd.DataFrame:
    """Answers with whether their members came now and in the next window: 1, 0, missing where not known; and for want of a link."""
    link, window_days = how
    people = keyed(careers, columns, [c for c in ("member", "last") if c in careers])
    came = linked_steps(members, people, (), columns, link=link, silent=silent)["took_part"]
    then, unlinked = pd.Series(np.nan, index=members.index), np.zeros(len(members), bool)
    if columns["wave"] is not None:
        asked = keyed(members, {"wave": columns["wave"], "group": columns["group"], "member": link})
        done, known, _ = in_next_window(asked, people, ends_of(observed, columns["wave"]), silent, window_days)
        told = known.to_numpy() & members[link].notna().to_numpy()
        then = pd.Series(np.where(told, done.to_numpy().astype(float), np.nan), index=members.index)
        unlinked = known.to_numpy() & members[link].isna().to_numpy()
    told_of = {CAME: came, NEXT: then, UNLINKED: pd.Series(unlinked, members.index)}
    return members.assign(**told_of)


def _plane(
    frame: pd.DataFrame,
    scale: str,
    limits: tuple[float, float],
    columns: Mapping[str, str | None],
    by: Sequence[str],
    design: Design,
) -> pd.DataFrame:
    """The four corners, their bounds and the difference of those who came, in every cut."""
    score = numeric(frame, scale)
    side = np.where(np.isnan(score), np.nan, np.sign(score - sum(limits) / 2))
    came = frame[CAME].to_numpy(dtype=float)
    told = ~np.isnan(side) & ~np.isnan(came)
    corners = {
        name: np.where(told, ((side == at) & (came == done)).astype(float), np.nan)
        for name, (at, done) in PLANE.items()
    }
    answered = ~np.isnan(side)
    for name in BOUNDED:
        at, done = PLANE[name]
        sure = answered & (side == at) & (came == done)
        maybe = sure | (answered & (side == at) & np.isnan(came))
        corners[f"{name}_lowest"] = np.where(answered, sure.astype(float), np.nan)
        corners[f"{name}_highest"] = np.where(answered, maybe.astype(float), np.nan)
    laid = frame.assign(**corners)
    when = {} if columns["wave"] is None else {"wave": columns["wave"]}
    cuts: list[dict[str, str]] = [{}] + ([] if columns["group"] is None else [{"group": columns["group"]}])
    tables = []
    for cut in [*cuts, *({c: c} for c in by)]:
        names = list(corners) if cut in cuts else list(PLANE)
        rows = shares(laid, names, when | cut, design)
        tables.append(rows.assign(statistic=rows["term"]))
        tables.append(_difference(laid, scale, when | cut, design))
    return concat(tables).assign(term=scale)


def _difference(frame: pd.DataFrame, scale: str, cut: Mapping[str, str], design: Design) -> pd.DataFrame:
    """Mean among those who came less the mean among those who did not, of the same cell."""
    if frame[CAME].isna().all():
        return tidy_frame([])
    found = estimates(frame, variables=[scale], by=dict(cut) | {CAME: CAME}, design=design)
    rows = found.tidy().reset_index(names="at")
    rows["present"] = rows["domain"].str.contains(f"{CAME}=1", regex=False)
    rows["domain"] = [_without(d) for d in rows["domain"]]
    keys = ["wave", "group", "region", "domain"]
    both = rows[rows["present"]].merge(rows[~rows["present"]], on=keys, suffixes=("", "_not"))
    if both.empty:
        return tidy_frame([])
    told = contrast(found, list(zip(both["at"], both["at_not"], strict=True))).tidy()
    heads = both[keys].reset_index(drop=True)
    return told.assign(**{k: heads[k] for k in keys}, statistic="present_minus_absent")


def _without(domain: str) -> str:
    """The domain but for whether somebody came."""
    kept = [part for part in domain.split(";") if not part.startswith(f"{CAME}=")]
    return ";".join(kept) or "*"
