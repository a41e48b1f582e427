"""May these numbers be compared?  A verdict for each scale and each cut: organisations, regions, waves.

Source: the answers, the instrument's forms by wave, and the ladder of invariance (`invariance`). What the instrument says
comes first: answers to other codes are other answers. Then what the answers say: whether people of the same standing answer
alike everywhere, and by how much a scale's mean moves where they do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.methods.design import Design, label, numeric
from analysis.methods.instrument import Change, changes
from analysis.methods.invariance import MEASURED, Invariance, fit_invariance
from analysis.methods.lineage import ancestors
from analysis.methods.mixed import NotFittable
from analysis.tidy import ALL, domain_key, tidy_frame

VERDICTS = ("comparable", "linkable", "broken")
CUTS = ("group", "region", "wave")
STATUS = {"comparable": "ok", "linkable": "linkable", "broken": "broken"}
# Why: of the instrument; of the answers; why nothing could be tested.
REASONS = (
    *("same", "wording", "codes", "reversed"),
    *("meaning", "small", "loadings"),
    *("one_item", "few_answers", "poor_fit", "scored", "not_fitted"),
)
COMPARED = ("difference", "difference_from_all")  # statistics that are a comparison themselves
# statistics that say how high
LEVELS = (
    "mean",
    "shrunken",
    "total",
    "quantile",
    "latent_mean",
    "poststratified",
    "small_area",
    "benchmarked",
    "eblup",
    *COMPARED,
)
MIN_ROWS = 100  # complete answers of a unit that is tested
HARMLESS = 0.1  # standard deviations by which a scale's mean may be moved and still be compared
COLUMNS = (
    *("scale", "cut", "wave", "verdict", "reason", "items", "tested", "shift", "shift_sd", "dmacs"),
    *("units", "untested_units", "mode_changed", "n"),
)


@dataclass(frozen=True, slots=True, repr=False)
class Comparability:
    """Verdicts on scales.

    Attributes
    ----------
    verdicts : DataFrame
        ``scale, cut, wave, verdict, reason, items, tested, shift, shift_sd, dmacs, units, untested_units, mode_changed, n``, a
        row a scale and cut, for the cut by waves a row each earlier wave (`wave`), which is compared with the latest.
        `verdict`: *comparable*; *linkable*: the means are not comparable, the latent means are, by the questions that hold;
        *broken*: nothing is. `items`: the questions it is about. `tested`: whether answers could be asked. `shift`,
        `shift_sd`: furthest that differences of meaning move a unit's mean, in answer points and in standard deviations of
        the scale. `units`: tested; `untested_units`: with fewer than 100 complete answers. `n`: complete answers.
    latest : str
        The wave that earlier ones are compared with, and of which organisations and regions are.
    latent : DataFrame
        ``scale, cut, unit, estimate, std_error, conf_low, conf_high, n``: latent means against the reference unit, where the
        verdict is comparable or linkable by the test.
    ladders : dict of (scale, cut, wave) to Invariance
        The tests behind.
    """

    verdicts: pd.DataFrame
    latest: str
    latent: pd.DataFrame
    ladders: dict[tuple[str, str, str], Invariance] = field(default_factory=dict)

    def mark(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Give the rows of a tidy table the status that their scale has in their cut.

        Parameters
        ----------
        rows : DataFrame
            Tidy table.

        Returns
        -------
        DataFrame
            Rows of levels (`LEVELS`) of a scale, by group, region or an earlier wave, with status ``linkable`` or ``broken``
            where the verdict is, the reason in ``basis``; the numbers stay, since they are true of the unit. A row that is a
            comparison itself (`COMPARED`) loses its numbers.
        """
        return _marked(self, rows)

    @property
    def of_verdicts(self) -> pd.DataFrame:
        """The rows of verdicts."""
        rows = _tidied(self)
        return rows[rows["statistic"] == "largest_shift"].reset_index(drop=True)

    def of_latent(self, cut: str, scale: str | None = None) -> pd.DataFrame:
        """The rows of latent means of a cut, all or of one scale; none where nothing could be tested."""
        rows = _tidied(self)
        told = (rows["statistic"] == "latent_mean") & (rows[cut] != (ALL if cut != "wave" else self.latest))
        return rows[told & ((rows["term"] == scale) if scale else True)].reset_index(drop=True)

    @property
    def linkable_first(self) -> str | None:
        """The scale between groups to look at first: one that is linkable, else the first with latent means."""
        own = self.verdicts[(self.verdicts["cut"] == "group") & (self.verdicts["verdict"] == "linkable")]
        latent = self.latent.loc[self.latent["cut"] == "group", "scale"]
        return next(iter([*own["scale"], *latent]), None)

    def tidy(self) -> pd.DataFrame:
        """Return verdicts and latent means as ``analysis.tidy.COLUMNS``.

        Statistic ``largest_shift`` (term = scale, domain ``cut=...``, wave for the cut by waves): the furthest that differences of
        meaning move a mean, in answer points; status ok, linkable or broken, `basis` = ``reason:items``. Statistic
        ``latent_mean``: a row a unit, in answer points against the reference unit.
        """
        return _tidied(self)

    def __repr__(self) -> str:
        found = self.verdicts["verdict"].value_counts()
        return f"Comparability({', '.join(f'{found.get(v, 0)} {v}' for v in VERDICTS)})"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One comparison to be judged."""

    scale: str
    cut: str
    wave: str
    items: tuple[str, ...]
    frame: pd.DataFrame
    column: str
    reference: str | None
    change: Change
    mode_changed: bool = False


def comparability(
    members: pd.DataFrame,
    *,
    scales: Mapping[str, Sequence[str]],
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None = None,
    forms: pd.DataFrame | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    mode: str | None = None,
    design: Design | None = None,
) -> Comparability:
    """Judge for each scale whether organisations, regions and waves may be compared.

    Waves: each earlier wave against the latest. Where items were asked with other codes, or not at all, or the wave answered
    as if turned round, that decides. Else, and for organisations and regions of the latest wave, the ladder of invariance
    does (`fit_invariance`): means are comparable where intercepts hold, also in spite of items that do not where these move no
    mean by more than a tenth of a standard deviation of the scale. Where they move it more, the scale is linkable by the
    items that hold; where too few hold, it is broken.

    Parameters
    ----------
    members : DataFrame
        A row a person and wave, items as numbers, turned the right way round.
    scales : mapping of str to sequence of str
        Scale to its items; a scale without items arrives scored and is judged by its instrument alone.
    group, region, wave : str or None
        Columns. None: that cut is not judged.
    hierarchy : DataFrame or None
        ``code, parent, level``; regions are judged at the coarsest level with several places.
    forms : DataFrame, optional
        ``wave, item, form, wording``: text that differs where codes (or the direction), or wording, differ; an item that a wave did
        not ask has no row. Absent: told from the answers (other ranges, no answers).
    limits : mapping, optional
        {item: (lowest, highest)}, to know what turned round means; absent: the answers' own.
    mode : str, optional
        Column of how answers came (online, paper, ...); a wave whose answers came otherwise is told, not refused.
    design : Design, optional
        Weights and clusters, for errors and tests.

    Returns
    -------
    Comparability

    Raises
    ------
    ValueError
        For unknown columns.

    Notes
    -----
    Units with fewer than 100 complete answers are not tested and share the verdict of the others. A scale of one item, or whose
    one-factor model does not fit at all, cannot be tested: the verdict is the instrument's, and says so (`tested` False).

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> answers = np.round(3 + rng.normal(size=(900, 1)) * 0.6 + rng.normal(size=(900, 4)) * 0.6).clip(1, 5)
    >>> frame = pd.DataFrame(answers, columns=list("abcd")).assign(unit=np.repeat(["x", "y", "z"], 300))
    >>> frame.loc[frame["unit"] == "z", "d"] -= 1.5
    >>> found = comparability(frame, scales={"s": list("abcd")}, group="unit", region=None, wave=None)
    >>> found.verdicts[["verdict", "items"]].values.tolist()
    [['linkable', 'd']]
    """
    asked = {c for c in (group, region, wave, mode) if c is not None} | {i for items in scales.values() for i in items}
    absent = sorted(asked - set(members.columns))
    if absent:
        raise ValueError(f"the members do not have the columns {absent}")
    return _judged_all(members, scales, group, region, wave, hierarchy, forms, limits or {}, mode, design)


def _judged_all(
    members: pd.DataFrame,
    scales: Mapping[str, Sequence[str]],
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    forms: pd.DataFrame | None,
    limits: Mapping[str, tuple[float, float]],
    mode: str | None,
    design: Design | None,
) -> Comparability:
    waves = [] if wave is None else sorted(members[wave].dropna().map(label).unique())
    latest = waves[-1] if waves else ALL
    labels = members[wave].map(label) if wave is not None else pd.Series(ALL, index=members.index)
    current = members[labels == latest]
    unchanged = Change({}, {}, False)
    jobs = []
    for cut, column, frame in _units(current, group, region, hierarchy):
        jobs += [_Asked(s, cut, ALL, tuple(i), frame, column, None, unchanged) for s, i in scales.items()]
    for earlier in waves[:-1]:
        both = members.assign(**{_WAVE: labels})[labels.isin([earlier, latest])]
        told = changes(both, _WAVE, (earlier, latest), scales, forms, limits)
        moved = mode is not None and _moved(both, mode)
        for scale, items in scales.items():
            jobs.append(_Asked(scale, "wave", earlier, tuple(items), both, _WAVE, latest, told[scale], moved))
    rows, latents, ladders = [], [], {}
    for job in jobs:
        row, ladder = _remembered(job, _errors(design))
        rows.append(row)
        if isinstance(ladder, Invariance):
            ladders[job.scale, job.cut, job.wave] = ladder
            latents.append(_latent(job, ladder, row["verdict"]))
    return Comparability(pd.DataFrame(rows, columns=list(COLUMNS)), latest, _together(latents), ladders)


_WAVE = "wave of the comparison"
_PLACE = "place of the comparison"
_LATENT = ["scale", "cut", "unit", "estimate", "std_error", "conf_low", "conf_high", "n"]


def _together(latents: list[pd.DataFrame]) -> pd.DataFrame:
    some = [one for one in latents if len(one)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=_LATENT)


def _units(
    current: pd.DataFrame, group: str | None, region: str | None, hierarchy: pd.DataFrame | None
) -> list[tuple[str, str, pd.DataFrame]]:
    out = (
        []
        if group is None
        else [("group", _PLACE, current.assign(**{_PLACE: current[group].map(label, na_action="ignore")}))]
    )
    if region is not None:
        lineage = ancestors(current[region], hierarchy)
        level = next((c for c in lineage.columns if lineage[c].nunique() > 1), None)
        if level is not None:
            out.append(("region", _PLACE, current.assign(**{_PLACE: lineage[level]})))
    return out


def _moved(both: pd.DataFrame, mode: str) -> bool:
    """Whether more than a quarter of the answers came another way."""
    share = pd.crosstab(both[_WAVE], both[mode], normalize="index")
    return len(share) == 2 and float((share.iloc[0] - share.iloc[1]).abs().sum()) / 2 > MODE_MOVED


MODE_MOVED = 0.25


KEPT = 500
# A report's notebooks ask the same of the same answers one after the other: what was found is kept, by its content.
_FOUND: dict[str, tuple[dict[str, Any], Invariance | str]] = {}


def _remembered(job: _Asked, design: Design | None) -> tuple[dict[str, Any], Invariance | str]:
    """Judge a comparison, or give the verdict that the same answers got before."""
    key = _content(job, design)
    if key not in _FOUND:
        if len(_FOUND) >= KEPT:
            _FOUND.clear()
        ladder = _ladder(job, design)
        _FOUND[key] = _verdict(job, ladder), ladder
    row, ladder = _FOUND[key]
    return dict(row), ladder


def _content(job: _Asked, design: Design | None) -> str:
    asked = (job.scale, job.cut, job.wave, job.items, job.column, job.reference, job.change, job.mode_changed, design)
    whole = hashlib.sha256(repr(asked).encode())
    more = [] if design is None else [c for c in (design.weights, design.cluster) if isinstance(c, str)]
    for column in dict.fromkeys([*job.items, job.column, *more]):
        whole.update(pd.util.hash_pandas_object(job.frame[column], index=False).to_numpy().tobytes())
    return whole.hexdigest()


def _ladder(job: _Asked, design: Design | None) -> Invariance | str:
    """Test a scale, or say why not."""
    items = job.change.same(job.items)
    if not job.items:
        return "scored"
    if len(items) < 2:
        return "one_item"
    if job.change.turned:
        return "reversed"
    complete = job.frame[[*items, job.column]].dropna()
    sizes = complete[job.column].value_counts()
    large = sizes[sizes >= MIN_ROWS].index
    if len(large) < 2:
        return "few_answers"
    frame = job.frame[job.frame[job.column].isin(large)]
    asked: dict[str, Any] = {"factors": {job.scale: items}, "group": job.column, "last_step": "scalar"}
    try:
        return fit_invariance(frame, **asked, design=design, reference=job.reference)
    except NotFittable:
        return "not_fitted"


def _errors(design: Design | None) -> Design | None:
    if design is None or (design.weights is None and design.cluster is None):
        return None
    return Design(weights=design.weights, cluster=design.cluster)


def _verdict(job: _Asked, ladder: Invariance | str) -> dict[str, Any]:
    row: dict[str, Any] = {"scale": job.scale, "cut": job.cut, "wave": job.wave, "mode_changed": job.mode_changed}
    row |= {
        "tested": False,
        "shift": np.nan,
        "shift_sd": np.nan,
        "dmacs": np.nan,
        "units": 0,
        "untested_units": 0,
        "n": 0,
    }
    verdict, reason, items = _by_instrument(job, ladder if isinstance(ladder, str) else "")
    if isinstance(ladder, str):
        return row | {"verdict": verdict, "reason": reason, "items": items, **_counted(job)}
    verdict, reason, items = _by_answers(job, ladder, (verdict, reason, items))
    harm = _harm(job, ladder)
    units = job.frame[job.column].nunique()
    row |= harm | {
        "units": len(ladder.sizes),
        "untested_units": units - len(ladder.sizes),
        "n": sum(ladder.sizes.values()),
    }
    return row | {"verdict": verdict, "reason": reason, "items": items, "tested": reason != "poor_fit"}


def _counted(job: _Asked) -> dict[str, int]:
    units = job.frame[job.column].nunique()
    columns = [*job.change.same(job.items), job.column]
    return {"untested_units": units, "n": len(job.frame[columns].dropna())}


def _by_instrument(job: _Asked, untested: str) -> tuple[str, str, str]:
    """What the instrument alone says, and why nothing more can be said."""
    change = job.change
    lost, reworded = change.lost(job.items), change.reworded(job.items)
    anchors = [i for i in change.same(job.items) if i not in reworded]
    if change.turned:
        return "broken", "reversed", " ".join(job.items)
    if lost:
        return "linkable" if len(anchors) >= 2 and not untested else "broken", "codes", " ".join(lost)
    if reworded and (untested or len(anchors) < 2):
        return "broken", "wording", " ".join(reworded)
    return "comparable", untested or ("wording" if reworded else "same"), " ".join(reworded)


def _by_answers(job: _Asked, ladder: Invariance, before: tuple[str, str, str]) -> tuple[str, str, str]:
    """What the ladder adds: it can only make a verdict worse."""
    if before[0] == "broken":
        return before
    if not ladder.holds:
        return ("broken", *before[1:]) if before[1] in ("codes", "wording") else ("comparable", "poor_fit", "")
    freed = " ".join(ladder.freed["item"].drop_duplicates())
    if ladder.holds not in MEASURED:
        return "broken", "meaning" if ladder.table["step"].iloc[-1] == "scalar" else "loadings", freed
    if not freed:
        return before
    if _harm(job, ladder)["shift_sd"] <= HARMLESS:
        return before if before[1] == "codes" else ("comparable", "small", freed)
    return "linkable", before[1] if before[1] == "codes" else "meaning", freed if before[1] != "codes" else before[2]


def _harm(job: _Asked, ladder: Invariance) -> dict[str, float]:
    """Furthest that the freed items move a unit's mean together, in points and standard deviations, and the largest dMACS."""
    if ladder.harm.empty:
        known = ladder.holds in MEASURED
        return (
            {"shift": 0.0, "shift_sd": 0.0, "dmacs": 0.0}
            if known
            else dict.fromkeys(("shift", "shift_sd", "dmacs"), np.nan)
        )
    items = list(job.change.same(job.items))
    spread = float(np.nanstd(np.column_stack([numeric(job.frame, i) for i in items]).mean(axis=1)))
    shift = float(ladder.harm.groupby("group")["shift"].sum().abs().max())
    return {"shift": shift, "shift_sd": shift / spread, "dmacs": float(ladder.harm["dmacs"].max())}


def _latent(job: _Asked, ladder: Invariance, verdict: str) -> pd.DataFrame:
    """Latent means of the other units; for waves only the earlier one stands there."""
    if verdict == "broken" or ladder.latent_means.empty:
        return pd.DataFrame(columns=_LATENT)
    found = ladder.latent_means.rename(columns={"group": "unit"})
    n = found["unit"].map(ladder.sizes).astype(float)
    return found.assign(scale=job.scale, cut=job.cut, n=n)[_LATENT]


def _marked(found: Comparability, rows: pd.DataFrame) -> pd.DataFrame:
    out = rows.copy()
    level = out["statistic"].isin(LEVELS) & out["status"].isin(("ok", "pooled"))
    order = {v: k for k, v in enumerate(VERDICTS)}
    for verdict in sorted(found.verdicts.to_dict("records"), key=lambda r: order[r["verdict"]]):
        if verdict["verdict"] == "comparable":
            continue
        hit = level & (out["term"] == verdict["scale"]) & _within(out, verdict, found.latest)
        if verdict["verdict"] == "linkable":
            hit &= out["statistic"] != "latent_mean"
        out.loc[hit, "status"] = STATUS[verdict["verdict"]]
        out.loc[hit, "basis"] = _basis(verdict)
    compared = out["status"].isin(("linkable", "broken")) & out["statistic"].isin(COMPARED)
    out.loc[compared, ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    return out


def _basis(verdict: Mapping[Any, Any]) -> str:
    """``reason:items``, and ``:mode`` where answers came another way."""
    return f"{verdict['reason']}:{verdict['items']}" + (":mode" if verdict["mode_changed"] else "")


def _within(rows: pd.DataFrame, verdict: Mapping[Any, Any], latest: str) -> pd.Series:
    """Rows that a verdict is about: an earlier wave (alone, or in a difference), or units of its cut in the latest."""
    if verdict["cut"] == "wave":
        return (rows["wave"] == verdict["wave"]) | rows["wave"].str.split(" - ").map(
            lambda w: len(w) > 1 and verdict["wave"] in w
        )
    return (rows[verdict["cut"]] != ALL) & rows["wave"].isin([latest, ALL])


def _tidied(found: Comparability) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "wave": r["wave"] if r["cut"] == "wave" else found.latest,
            "domain": domain_key({"cut": r["cut"]}),
            "term": r["scale"],
            "statistic": "largest_shift",
            "estimate": 0.0 if np.isnan(r["shift"]) else r["shift"],
            "n": r["n"],
            "status": STATUS[r["verdict"]],
            "basis": _basis(r),
        }
        for r in found.verdicts.to_dict("records")
    ]
    for r in found.latent.to_dict("records"):
        numbers = {k: r[k] for k in ("estimate", "std_error", "conf_low", "conf_high", "n")}
        place = {r["cut"]: r["unit"]} | ({} if r["cut"] == "wave" else {"wave": found.latest})
        rows.append(place | {"term": r["scale"], "statistic": "latent_mean"} | numbers)
    return tidy_frame(rows)
