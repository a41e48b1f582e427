"""How cohesive are groups and regions, how alike do their members answer, and how far can a small unit's number be trusted?

Source: the panel's members, a column a scale. Means are design-based (`estimates`); shrunken means, ICC and unit reliability
come from mixed models of the same scores (`fit_mixed`), agreement from the items (`agreement`). Models and agreement do not
use the sampling weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import pandas as pd

from analysis.methods.agreement import agreement
from analysis.methods.comparability import Comparability
from analysis.methods.design import Design, label, numeric
from analysis.methods.estimates import estimates
from analysis.methods.icc import icc_rows
from analysis.methods.lineage import ancestors
from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, concat, tidy_frame

STATISTICS = ("mean", "shrunken", "rwg_j", "icc1", "icc2", "unit_reliability")
COVERED = 0.9  # share of members a level must place to stand for regions in the models
PER_CELL = 2  # members a cell of group and region must have on average to be a factor of its own
LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
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


@dataclass(frozen=True, slots=True)
class _Cuts:
    """Names of the working columns."""

    wave: str | None
    group: str | None
    levels: dict[str, str]  #: level to its column, coarsest first
    unit: str | None  #: column of the regions in the models

    @property
    def units(self) -> dict[str, str]:
        """Group and region as far as asked for, name in the table to column."""
        found = {"group": self.group, "region": self.unit}
        return {k: v for k, v in found.items() if v is not None}


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
    registry
        Not offered yet.
    comparability : Comparability, optional
        Verdicts of `analysis.comparability`: rows that may not be compared get their status. A release plan that has them does
        the same for every table.
    min_reliability : float
        Between 0 and 1. A shrunken mean whose unit is less reliable is marked ``pooled``.

    Returns
    -------
    CohesionFit
        ``tidy()``: term = scale, for each wave:

        - ``mean``: design-based, for all, by group, by region of every level, by group and region of every level.
        - ``shrunken``: fixed mean plus random effects of group, region and their combination (`MixedFit.cell_means`),
          for groups, for regions of the finest level that places at least 90 % of members and has more than one unit,
          and for cells of both; z interval by the standard error of prediction. ``pooled`` under `min_reliability`,
          basis = what it leans on: the group for a cell, otherwise ``all``.
        - ``icc1``, ``icc2``: domain ``unit=group`` or ``unit=region``, by REML with that factor alone.
        - ``unit_reliability``: :math:`\tau^2 / (\tau^2 + \sigma^2 / n_j)` for each group and region (same models) and
          cell (:math:`\tau^2` the sum of the shrinking model's components).
        - ``rwg_j`` and ``rwg_j_out_of_range`` by group from the items; ``not_asked`` for scales without items.

        No scales give no rows. ``n`` is persons. A part that was not asked for, and a scale without answers in a wave, is one row
        ``not_asked``; a model that the data cannot carry is one row ``not_estimable``.

    Raises
    ------
    ValueError
        For unknown columns, scores outside their limits, `registry` given, or a hierarchy with a
        code twice or a loop.

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
    _check(members, scales, limits, (group, region, wave), registry, min_reliability)
    if not scales:
        return CohesionFit(tidy_frame([]), {}, (), None)
    frame, cuts = _placed(members, group, region, wave, hierarchy)
    design = design or Design()
    tables = [_not_asked_units(scales, cuts), _means(frame, list(scales), cuts, design)]
    fits: dict[tuple[str, str], MixedFit] = {}
    for when, part in _waves(frame, cuts):
        for scale, items in scales.items():
            if part[scale].notna().any():
                modelled, fit = _models(part, scale, cuts, min_reliability)
                tables += [t.assign(wave=when) for t in (_agreement(part, scale, items, limits, cuts), modelled)]
                fits |= {} if fit is None else {(when, scale): fit}
    unit = next((level for level, column in cuts.levels.items() if column == cuts.unit), None)
    rows = mark_broken(_together(tables), hierarchy)
    rows = rows if comparability is None else comparability.mark(rows)
    return CohesionFit(rows, fits, tuple(cuts.levels), unit)


def _check(
    members: pd.DataFrame,
    scales: Mapping[str, Sequence[str]],
    limits: Limits,
    places: Iterable[str | None],
    registry: pd.DataFrame | None,
    min_reliability: float,
) -> None:
    if registry is not None:
        raise ValueError("registry is not offered yet by fit_cohesion; leave it out")
    if not 0 <= min_reliability <= 1:
        raise ValueError(f"min_reliability must lie between 0 and 1, seen {min_reliability}")
    wanted = {*scales, *(i for items in scales.values() for i in items), *(p for p in places if p is not None)}
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
) -> tuple[pd.DataFrame, _Cuts]:
    """Give every member the region of each level that holds the member's code."""
    if region is None:
        return members, _Cuts(wave, group, {}, None)
    lineage = ancestors(members[region], hierarchy)
    columns = {level: f"level of place: {level}" for level in lineage.columns}
    frame = members.assign(**{columns[k]: lineage[k].to_numpy() for k in columns})
    some = members[region].notna().sum()
    fit = [c for c in columns.values() if frame[c].nunique() > 1 and frame[c].notna().sum() >= COVERED * some]
    return frame, _Cuts(wave, group, columns, fit[-1] if fit else None)


def _together(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Complete all rows at once: a tidy table is costly to make many times."""
    return tidy_frame(pd.concat([t for t in tables if len(t)], ignore_index=True))


def _waves(frame: pd.DataFrame, cuts: _Cuts) -> Iterable[tuple[str, pd.DataFrame]]:
    if cuts.wave is None:
        return [(ALL, frame)]
    return [(label(when), part) for when, part in frame.groupby(cuts.wave, sort=True, observed=True)]


def _not_asked_units(scales: Iterable[str], cuts: _Cuts) -> pd.DataFrame:
    """One row for each kind of unit that was not asked for."""
    absent = [name for name, there in (("group", cuts.group), ("region", cuts.levels)) if not there]
    rows = [
        {"term": s, "statistic": "mean", "domain": f"unit={u}", "status": "not_asked"} for u in absent for s in scales
    ]
    return pd.DataFrame(rows)


def _means(frame: pd.DataFrame, scales: list[str], cuts: _Cuts, design: Design) -> pd.DataFrame:
    """Design-based means of every cut; scales without an answer in a wave are one row not_asked."""
    when = {} if cuts.wave is None else {"wave": cuts.wave}
    groups: list[dict[str, str]] = [{}] if cuts.group is None else [{}, {"group": cuts.group}]
    regions: list[dict[str, str]] = [{}, *({"region": c} for c in cuts.levels.values())]
    found = concat(
        estimates(frame, variables=scales, by=when | g | r, design=design, conf_level=LEVEL).tidy()
        for r in regions
        for g in groups
    )
    silent = found.groupby(["wave", "term"])["n"].transform("max") == 0
    first = silent & ~found.duplicated(["wave", "term"])
    return found[~silent | first].assign(status=found["status"].mask(silent, "not_asked"))


def _agreement(part: pd.DataFrame, scale: str, items: Sequence[str], limits: Limits, cuts: _Cuts) -> pd.DataFrame:
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


def _models(
    part: pd.DataFrame, scale: str, cuts: _Cuts, min_reliability: float
) -> tuple[pd.DataFrame, MixedFit | None]:
    """ICC and reliability of each kind of unit from its own model, shrunken means from the model with all."""
    columns = list(cuts.units.values())
    used = part[[scale, *columns]].dropna()
    tables, reliable = [], {}
    for name, column in cuts.units.items():
        alone = _try(used, scale, [column])
        rows, reliable[name] = _unit_rows(used, scale, name, column, alone)
        tables.append(rows)
    fit = _try(used, scale, _random(used, columns))
    if fit is None:
        tables += (
            [pd.DataFrame([{"term": scale, "statistic": "shrunken", "status": "not_estimable"}])] if columns else []
        )
    else:
        tables += _shrunken(used, scale, cuts, fit, reliable, min_reliability)
    return (pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()), fit


def _random(used: pd.DataFrame, columns: list[str]) -> list[Any]:
    """Factors with more than one level, and their combination where its cells are not single persons."""
    kept: list[Any] = [c for c in columns if used[c].nunique() > 1]
    if len(kept) == 2 and len(used) >= PER_CELL * len(used[kept].drop_duplicates()):
        return [*kept, tuple(kept)]
    return kept


def _try(used: pd.DataFrame, scale: str, random: list[Any]) -> MixedFit | None:
    if not random:
        return None
    try:
        return fit_mixed(used, outcome=scale, random=random)
    except NotFittable:
        return None


def _unit_rows(
    used: pd.DataFrame, scale: str, name: str, column: str, fit: MixedFit | None
) -> tuple[pd.DataFrame, pd.Series]:
    """Rows icc1, icc2 and unit_reliability of one kind of unit, and the reliabilities by unit."""
    key = {"domain": f"unit={name}", "term": scale, "n": len(used)}
    sizes = used.groupby(column, observed=True).size()
    if fit is None:
        rows = [key | {"statistic": s, "status": "not_estimable"} for s in ("icc1", "icc2", "unit_reliability")]
        return pd.DataFrame(rows), pd.Series(0.0, index=sizes.index)
    value = _reliability(fit.variance_of(column), fit.variance_of("residual"), sizes)
    units = pd.DataFrame({name: _labels(value.index), "estimate": value.to_numpy(), "n": sizes.to_numpy()})
    units = units.assign(term=scale, statistic="unit_reliability", status=_state(fit))
    icc = pd.DataFrame([key | r for r in icc_rows(fit, column, float(sizes.mean()))])
    return pd.concat([icc, units], ignore_index=True), value


def _state(fit: MixedFit) -> str:
    return "ok" if fit.converged else "not_converged"


def _reliability(between: float, within: float, sizes: pd.Series) -> pd.Series:
    return (between / (between + within / sizes)).fillna(0.0)


def _labels(index: Iterable[Any]) -> list[str]:
    return [label(v) for v in index]


def _shrunken(
    used: pd.DataFrame,
    scale: str,
    cuts: _Cuts,
    fit: MixedFit,
    reliable: dict[str, pd.Series],
    min_reliability: float,
) -> list[pd.DataFrame]:
    tables = []
    for name, column in cuts.units.items():
        cells = reliable[name].rename("reliability").rename_axis(column).reset_index()
        sizes = used.groupby(column, observed=True).size()
        cells = cells.assign(n=sizes.reindex(cells[column]).to_numpy())
        tables.append(_shrunken_rows(cells, {name: column}, scale, fit, min_reliability))
    if len(cuts.units) == 2:
        cells = used.groupby(list(cuts.units.values()), observed=True).size().rename("n").reset_index()
        between = float(fit.components["variance"].sum()) - fit.variance_of("residual")
        cells["reliability"] = _reliability(between, fit.variance_of("residual"), cells["n"])
        tables.append(_cell_reliability(cells, cuts, scale, fit))
        tables.append(_shrunken_rows(cells, cuts.units, scale, fit, min_reliability))
    return tables


def _cell_reliability(cells: pd.DataFrame, cuts: _Cuts, scale: str, fit: MixedFit) -> pd.DataFrame:
    keys = {name: _labels(cells[column]) for name, column in cuts.units.items()}
    rows = pd.DataFrame(keys | {"estimate": cells["reliability"], "n": cells["n"]})
    return rows.assign(term=scale, statistic="unit_reliability", status=_state(fit))


def _shrunken_rows(
    cells: pd.DataFrame, units: dict[str, str], scale: str, fit: MixedFit, min_reliability: float
) -> pd.DataFrame:
    """Predictions of cells (with columns n and reliability) as rows of a tidy table."""
    found = fit.cell_means(cells[list(units.values())])
    rows = pd.DataFrame({name: _labels(cells[column]) for name, column in units.items()})
    weak = (cells["reliability"].reset_index(drop=True) < min_reliability) & fit.converged
    rows["estimate"], rows["std_error"] = found["estimate"].to_numpy(), found["std_error"].to_numpy()
    reach = Z * rows["std_error"]
    rows["conf_low"], rows["conf_high"] = rows["estimate"] - reach, rows["estimate"] + reach
    rows["n"] = cells["n"].to_numpy()
    rows["status"] = pd.Series(_state(fit), index=rows.index).mask(weak, "pooled")
    rows["basis"] = (rows["group"] if len(units) == 2 else pd.Series("all", index=rows.index)).where(weak, "")
    return rows.assign(term=scale, statistic="shrunken")
