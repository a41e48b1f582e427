"""How cohesive are groups and regions, how alike do their members answer, and how far can a small unit's number be trusted?

Source: the panel's members, a column a scale. Means and differences from the whole are design-based (`estimates`); shrunken
means, shares of the variance, ICC, unit reliability and contextual effects come from mixed models of the same scores
(`fit_mixed`), agreement from the items (`agreement`). Models and agreement do not use the sampling weights: organisations and
places are in the models, and with a registry predictions are weighted to it (`analysis.methods.small_area`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.agreement import agreement
from analysis.methods.comparability import Comparability
from analysis.methods.contrasts import differences_from_all
from analysis.methods.design import Design, label, numeric, present
from analysis.methods.estimates import Estimates, estimates
from analysis.methods.lineage import ancestors
from analysis.methods.mixed import MixedFit
from analysis.methods.series import mark_broken
from analysis.methods.small_area import CODE, Tree, finest_known, registry_cells, small_areas
from analysis.methods.unit_models import Cuts, fit_again, models, shares_over_waves
from analysis.tidy import ALL, concat, tidy_frame

STATISTICS = (
    "mean",
    "difference_from_all",
    "shrunken",
    "variance_share",
    "within",
    "contextual",
    "rwg_j",
    "icc1",
    "icc2",
    "unit_reliability",
    "poststratified",
    "small_area",
    "borrowed",
    "eblup",
)
COVERED = 0.9  # share of members a level must place to stand for regions in the models
LEVEL = 0.95
Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, repr=False)
class CohesionFit:
    """Cohesion by wave, scale, group and region."""

    rows: pd.DataFrame  #: tidy table, term = scale, statistics as ``STATISTICS``
    fits: dict[tuple[str, str], MixedFit]  #: (wave, scale) to the model behind the shrunken means
    levels: tuple[str, ...]  #: levels of the hierarchy that occur, coarsest first
    unit_level: str | None  #: the level whose units are regions in the models

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"CohesionFit({len(self.fits)} models, regions: {self.unit_level or 'none'}, {len(self.rows)} rows: {states})"


def fit_cohesion(
    members: pd.DataFrame,
    *,
    scales: Mapping[str, Sequence[str]],
    limits: Limits,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    design: Design | None,
    registry: pd.DataFrame | None = None,
    comparability: Comparability | None = None,
    min_reliability: float = 0.7,
    count: str = "members",
    adjust: Sequence[str] = (),
    minimum: int = 10,
    context: Sequence[str] = (),
    person: str | None = None,
) -> CohesionFit:
    r"""Estimate cohesion: level, agreement, and what a unit's number is worth.

    Parameters
    ----------
    members : DataFrame
        A row a person and wave; a column of scores for each scale, its items where there are any, and the columns below.
    scales : mapping of str to sequence of str
        Scale to its items; no items where the scale arrived scored.
    limits : mapping of str to (lowest, highest)
        Possible range of each scale, and of items where it differs.
    group, region, wave : str or None
        Columns of the organisation, of the finest region code known of a member, of the wave. None: not asked.
    hierarchy : DataFrame or None
        ``code, parent, level``, one row a code. A member belongs to every ancestor of the code. None: the codes are one
        level. With ``comparable_from``, earlier waves of places whose boundaries moved are ``series_broken``
        (`analysis.methods.series`).
    design : Design or None
        For the means; None: a simple random sample.
    registry : DataFrame, optional
        People by `group`, `region` (and `wave`, where it has that column), with the columns of `adjust`: gives small areas.
    comparability : Comparability, optional
        Verdicts of `analysis.comparability`: rows that may not be compared get their status. A release plan that has them does
        the same for every table.
    min_reliability : float
        Between 0 and 1. A shrunken mean whose unit is less reliable is marked ``pooled``, and the unit is not compared.
    count : str
        Column of the registry's number of people.
    adjust : sequence of str
        Columns of members and registry that the sample depends on (what the weights are made of, beyond group and place): fixed
        terms of the small areas' model, weighted to the registry. Only with a registry.
    minimum : int
        Answers under which a small area shows the place above it.
    context : sequence of str
        Columns of numbers whose effect within units, and as the unit's mean, is estimated (`analysis.contextual`).
    person : str, optional
        Column of the person, to tell what lies between people from what changes within them. Only with `wave`.

    Returns
    -------
    CohesionFit
        ``tidy()``: term = scale, for each wave:

        - ``mean``: design-based, for all, by group, by region of every level, by group and region of every level.
        - ``shrunken``: fixed mean plus random effects of group, region and their combination (`MixedFit.cell_means`),
          for groups, for regions of the finest level that places at least 90 % of members and has more than one unit,
          and for cells of both; z interval by the standard error of prediction. ``pooled`` under `min_reliability`,
          basis = what it leans on: the group for a cell, otherwise ``all``.
        - ``difference_from_all``: of groups and of regions of that level, design-based, with intervals that hold together over all
          units of the kind in the wave, and all scales (`differences_from_all`); ``not_estimable`` for units less reliable
          than `min_reliability`.
        - ``variance_share``: domain ``part=group``, ``region``, ``group:region`` and ``person`` (with error); over all waves that
          may be compared, in rows of wave ``*``, also ``wave`` and, with `person`, ``residual``: within people.
        - ``within``, ``contextual``: domain ``of=column;unit=group`` or ``unit=region``.
        - ``poststratified``, ``small_area``, ``borrowed``, ``eblup``: see `analysis.methods.small_area`.
        - ``icc1``, ``icc2``: domain ``unit=group`` or ``unit=region``, by REML with that factor alone.
        - ``unit_reliability``: :math:`\tau^2 / (\tau^2 + \sigma^2 / n_j)` for each group and region (same models) and
          cell (:math:`\tau^2` the sum of the shrinking model's components).
        - ``rwg_j`` and ``rwg_j_out_of_range`` by group from the items; ``not_asked`` for scales without items.

        No scales give no rows. ``n`` is persons. A part that was not asked for, and a scale without answers in a wave, is one row
        ``not_asked``; a model that the data cannot carry is one row ``not_estimable``.

    Raises
    ------
    ValueError
        For unknown columns, scores outside their limits, options that change nothing, or a hierarchy with a code twice or a
        loop.

    Notes
    -----
    Assumes normal random effects and one residual variance. Shrunken means have smaller error but lean towards the
    mean: they are not for adding up.

    Examples
    --------
    >>> frame = pd.DataFrame({"trust": [4.0, 5.0, 4.5, 2.0, 1.0, 1.5], "unit": list("aaabbb")})
    >>> fit = fit_cohesion(frame, scales={"trust": ()}, limits={"trust": (1, 5)}, group="unit", region=None, wave=None,
    ...                    hierarchy=None, design=None)
    >>> fit.tidy().query("statistic == 'mean' and group != '*'")["estimate"].tolist()
    [4.5, 1.5]
    """
    more = _More(registry, count, tuple(adjust), minimum, tuple(context), person, min_reliability)
    _check(members, scales, limits, (group, region, wave), more)
    if not scales:
        return CohesionFit(tidy_frame([]), {}, (), None)
    frame, cuts = _placed(members, group, region, wave, hierarchy)
    means = _means(frame, list(scales), cuts, design or Design())
    direct = _silent_once(concat(e.tidy() for e in means.values()))
    small = None if registry is None else _Small.of(more, registry, region, hierarchy, cuts)
    tables: list[pd.DataFrame] = [_not_asked_units(scales, cuts), direct]
    fits: dict[tuple[str, str], MixedFit] = {}
    for when, part in _waves(frame, cuts):
        for scale, items in scales.items():
            if part[scale].notna().any():
                modelled, fit = models(part, scale, cuts, more.context, min_reliability)
                own = [_agreement(part, scale, items, limits, cuts), modelled]
                own += [] if small is None else [small.areas(part, scale, when, direct, limits[scale])]
                tables += [t.assign(wave=when) for t in own]
                fits |= {} if fit is None else {(when, scale): fit}
    tables += _over_waves(frame, list(scales), cuts, person, comparability)
    rows = _together([*tables, _differences(means, cuts, tables, min_reliability)])
    rows = mark_broken(rows, hierarchy)
    rows = rows if comparability is None else comparability.mark(rows)
    unit = next((level for level, column in cuts.levels.items() if column == cuts.unit), None)
    return CohesionFit(rows, fits, tuple(cuts.levels), unit)


@dataclass(frozen=True, slots=True)
class _More:
    """Options beside what is measured and where."""

    registry: pd.DataFrame | None
    count: str
    adjust: tuple[str, ...]
    minimum: int
    context: tuple[str, ...]
    person: str | None
    min_reliability: float


def _check(
    members: pd.DataFrame,
    scales: Mapping[str, Sequence[str]],
    limits: Limits,
    places: tuple[str | None, str | None, str | None],
    more: _More,
) -> None:
    if not 0 <= more.min_reliability <= 1:
        raise ValueError(f"min_reliability must lie between 0 and 1, seen {more.min_reliability}")
    if more.adjust and more.registry is None:
        raise ValueError("adjust changes nothing without a registry; leave it out, or give the registry")
    if more.registry is not None:
        if places[1] is None:
            raise ValueError("small areas need region= beside the registry")
        keys = [p for p in places[:2] if p is not None]
        present(more.registry, [*keys, more.count, *more.adjust], "fit_cohesion's registry")
    if more.person is not None and places[2] is None:
        raise ValueError("person changes nothing in a single wave; leave it out, or give wave=")
    items = (i for items in scales.values() for i in items)
    named = (*places, more.person)
    wanted = {*scales, *items, *more.context, *more.adjust, *(p for p in named if p is not None)}
    absent = sorted(wanted - set(members.columns))
    if absent:
        raise ValueError(f"the members do not have the columns {absent}")
    for scale in scales:
        if scale not in limits:
            raise ValueError(f"limits are missing for scale {scale!r}")
        score, (low, high) = numeric(members, scale), limits[scale]
        outside = int(((score < low - 1e-9) | (score > high + 1e-9)).sum())
        if outside:
            raise ValueError(f"{outside} scores of {scale!r} lie outside its limits {low:g} to {high:g}")


def _placed(
    members: pd.DataFrame, group: str | None, region: str | None, wave: str | None, hierarchy: pd.DataFrame | None
) -> tuple[pd.DataFrame, Cuts]:
    """Give every member the region of each level that holds the member's code."""
    if region is None:
        return members, Cuts(wave, group, {}, None)
    lineage = ancestors(members[region], hierarchy)
    columns = {level: f"level of place: {level}" for level in lineage.columns}
    frame = members.assign(**{columns[k]: lineage[k].to_numpy() for k in columns})
    some = members[region].notna().sum()
    fit = [c for c in columns.values() if frame[c].nunique() > 1 and frame[c].notna().sum() >= COVERED * some]
    return frame, Cuts(wave, group, columns, fit[-1] if fit else None)


def _together(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Complete all rows at once: a tidy table is costly to make many times."""
    return tidy_frame(pd.concat([t for t in tables if len(t)], ignore_index=True))


def _waves(frame: pd.DataFrame, cuts: Cuts) -> Iterable[tuple[str, pd.DataFrame]]:
    if cuts.wave is None:
        return [(ALL, frame)]
    return [(label(when), part) for when, part in frame.groupby(cuts.wave, sort=True, observed=True)]


def _not_asked_units(scales: Iterable[str], cuts: Cuts) -> pd.DataFrame:
    """One row for each kind of unit that was not asked for."""
    absent = [name for name, there in (("group", cuts.group), ("region", cuts.levels)) if not there]
    rows = [
        {"term": s, "statistic": "mean", "domain": f"unit={u}", "status": "not_asked"} for u in absent for s in scales
    ]
    return pd.DataFrame(rows)


def _means(frame: pd.DataFrame, scales: list[str], cuts: Cuts, design: Design) -> dict[tuple[str, ...], Estimates]:
    """Design-based means of every cut, by what they are cut by beside the wave."""
    when = {} if cuts.wave is None else {"wave": cuts.wave}
    groups: list[dict[str, str]] = [{}] if cuts.group is None else [{}, {"group": cuts.group}]
    regions: list[dict[str, str]] = [{}, *({"region": c} for c in cuts.levels.values())]
    return {
        tuple((g | r).values()): estimates(frame, variables=scales, by=when | g | r, design=design, conf_level=LEVEL)
        for r in regions
        for g in groups
    }


def _silent_once(found: pd.DataFrame) -> pd.DataFrame:
    """Scales without an answer in a wave are one row not_asked."""
    silent = found.groupby(["wave", "term"])["n"].transform("max") == 0
    first = silent & ~found.duplicated(["wave", "term"])
    return found[~silent | first].assign(status=found["status"].mask(silent, "not_asked"))


def _differences(
    means: Mapping[tuple[str, ...], Estimates], cuts: Cuts, tables: Iterable[pd.DataFrame], min_reliability: float
) -> pd.DataFrame:
    """Each group and each region against the whole, where its own number is reliable."""
    told = [t[t["statistic"] == "unit_reliability"] for t in tables if "statistic" in t]
    known = tidy_frame(pd.concat(told, ignore_index=True)) if any(len(t) for t in told) else tidy_frame([])
    keys = ["wave", "term", "group", "region"]
    reliable = known[known["estimate"] >= min_reliability].set_index(keys).index
    asked = means[()].rows.loc[means[()].rows["n"] > 0].set_index(keys[:2]).index
    found = []
    for column in cuts.units.values():
        units = means[(column,)]
        among = pd.Series(pd.MultiIndex.from_frame(units.rows[keys]).isin(reliable))
        rows = differences_from_all(means[()], units, among=among).tidy()
        found.append(rows[pd.MultiIndex.from_frame(rows[keys[:2]]).isin(asked)])
    return concat(found)


def _over_waves(
    frame: pd.DataFrame, scales: list[str], cuts: Cuts, person: str | None, comparability: Comparability | None
) -> list[pd.DataFrame]:
    """Shares of the variance over the waves that may be compared with the latest."""
    if cuts.wave is None or frame[cuts.wave].nunique() < 2 or not cuts.units:
        return []
    waves = frame[cuts.wave].map(label)
    apart = _waves_apart(comparability)
    kept = {s: ~waves.isin(apart.get(s, ())) & frame[s].notna() for s in scales}
    return [
        shares_over_waves(frame[kept[s]], s, cuts, cuts.wave, person).assign(wave=ALL)
        for s in scales
        if waves[kept[s]].nunique() > 1
    ]


def _waves_apart(comparability: Comparability | None) -> dict[str, list[str]]:
    """Waves that a scale cannot be compared in."""
    if comparability is None:
        return {}
    verdicts = comparability.verdicts
    apart = verdicts[(verdicts["cut"] == "wave") & (verdicts["verdict"] != "comparable")]
    return {str(s): list(w) for s, w in apart.groupby("scale")["wave"]}


@dataclass(frozen=True, slots=True)
class _Small:
    """The registry as cells of a model, and what its areas are made of."""

    cells: dict[str, pd.DataFrame]  #: by wave
    tree: Tree
    cuts: Cuts
    region: str
    hierarchy: pd.DataFrame | None
    more: _More

    @classmethod
    def of(
        cls, more: _More, registry: pd.DataFrame, region: str | None, hierarchy: pd.DataFrame | None, cuts: Cuts
    ) -> _Small | None:
        """Lay the registry out; None where no level of places can stand in a model."""
        if cuts.unit is None or region is None:
            return None
        tree = Tree(cuts.group, cuts.levels, cuts.unit)
        waved = cuts.wave is not None and cuts.wave in registry.columns
        parts = {label(w): p for w, p in registry.groupby(cuts.wave)} if waved else {ALL: registry}
        cells = {w: registry_cells(p, tree, region, hierarchy, more.count, more.adjust) for w, p in parts.items()}
        return cls(cells, tree, cuts, region, hierarchy, more)

    def areas(
        self, part: pd.DataFrame, scale: str, when: str, direct: pd.DataFrame, limits: tuple[float, float]
    ) -> pd.DataFrame:
        """The small areas of a scale in a wave."""
        cells = self.cells.get(when, self.cells.get(ALL))
        columns = [c for c in (scale, self.cuts.group, self.cuts.unit, *self.more.adjust) if c is not None]
        known = finest_known(part[list(self.cuts.levels.values())])
        used = part.assign(**{CODE: known}).dropna(subset=[*columns, CODE])
        fit = fit_again(used, scale, self.cuts, self.more.adjust, CODE)
        if cells is None or fit is None or not fit.converged:
            status = "not_reported" if cells is None else "not_estimable" if fit is None else "not_converged"
            return pd.DataFrame([{"term": scale, "statistic": "small_area", "status": status}])
        means = direct[(direct["term"] == scale) & (direct["wave"] == when)]
        return small_areas(fit, used, cells, self.tree, means, minimum=self.more.minimum, limits=limits).drop(
            columns="wave"
        )


def _agreement(part: pd.DataFrame, scale: str, items: Sequence[str], limits: Limits, cuts: Cuts) -> pd.DataFrame:
    ranges = {limits.get(i, limits[scale]) for i in items}
    if cuts.group is None:
        return pd.DataFrame()
    if not items or any(float(v) != int(v) for r in ranges for v in r):
        return pd.DataFrame([{"term": scale, "statistic": "rwg_j", "status": "not_asked"}])
    if len(ranges) > 1:
        raise ValueError(f"the items of {scale!r} have different limits; agreement needs one range of answers")
    low, high = next(iter(ranges))
    frame = part[[*items, cuts.group]]
    found = agreement(frame, group=cuts.group, n_options=int(high - low) + 1, lowest=low).tidy()
    return found.assign(term=scale)
