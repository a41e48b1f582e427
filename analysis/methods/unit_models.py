"""Models of a score by its units: how much units differ, what each would be if luck were out, what goes with their context.

Source: the answers of one wave (for shares of the variance also of all waves), their groups and places as `fit_cohesion` lays
them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import pandas as pd

from analysis.methods.contextual import contextual
from analysis.methods.design import label
from analysis.methods.icc import icc_rows
from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.methods.variance_shares import variance_shares
from analysis.tidy import domain_key

PER_CELL = 2  # members a cell of group and region must have on average to be a factor of its own
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Cuts:
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

    @property
    def parts(self) -> dict[str, str]:
        """What the shares of the variance are called."""
        columns = list(self.units.values())
        return {c: name for name, c in self.units.items()} | (
            {":".join(columns): ":".join(self.units)} if len(columns) > 1 else {}
        )


def models(
    part: pd.DataFrame, scale: str, cuts: Cuts, context: Sequence[str], min_reliability: float
) -> tuple[pd.DataFrame, MixedFit | None]:
    """ICC and reliability of each kind of unit from its own model; shrunken means and shares from the model with all."""
    columns = list(cuts.units.values())
    used = part[[scale, *columns]].dropna()
    tables, reliable = [], {}
    for name, column in cuts.units.items():
        alone = _try(used, scale, [column])
        rows, reliable[name] = _unit_rows(used, scale, name, column, alone)
        tables.append(rows)
    fit = _try(used, scale, factors_of(used, columns))
    if fit is None:
        tables += [_not_estimable(scale, ("shrunken", "variance_share"))] if columns else []
    else:
        tables += _shrunken(used, scale, cuts, fit, reliable, min_reliability)
        tables.append(variance_shares(fit, names=cuts.parts | {"residual": "person"}).tidy())
    tables += [_contextual(part, scale, name, cuts, x) for name in cuts.units for x in context if x != scale]
    return (pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()), fit


def factors_of(used: pd.DataFrame, columns: list[str]) -> list[Any]:
    """Factors with more than one level, and their combination where its cells are not single persons."""
    kept: list[Any] = [c for c in columns if used[c].nunique() > 1]
    if len(kept) == 2 and len(used) >= PER_CELL * len(used[kept].drop_duplicates()):
        return [*kept, tuple(kept)]
    return kept


def _try(used: pd.DataFrame, scale: str, random: list[Any], fixed: Sequence[str] = ()) -> MixedFit | None:
    if not random:
        return None
    try:
        return fit_mixed(used, outcome=scale, random=random, fixed=fixed)
    except NotFittable:
        return None


def shares_over_waves(frame: pd.DataFrame, scale: str, cuts: Cuts, wave: str, person: str | None) -> pd.DataFrame:
    """Shares of the variance over several waves, the waves' own and, where people answered again, theirs among them."""
    columns = list(cuts.units.values())
    used = frame[list(dict.fromkeys([scale, wave, *columns, *([person] if person else [])]))].dropna()
    used = used.assign(**{wave: used[wave].map(label)})
    again = person is not None and bool(used[person].duplicated().any())
    random = [*([person] if again else []), *factors_of(used, columns)]
    fit = _try(used, scale, random, fixed=[wave]) if used[wave].nunique() > 1 else None
    if fit is None:
        return _not_estimable(scale, ("variance_share",))
    names = cuts.parts | {wave: "wave"} | ({str(person): "person"} if again else {"residual": "person"})
    return variance_shares(fit, names=names, across=wave).tidy()


def fit_again(used: pd.DataFrame, scale: str, cuts: Cuts, fixed: Sequence[str], finer: str | None) -> MixedFit | None:
    """The model of all units with the design's variables in it, and with places finer than the unit's where there are any."""
    random = factors_of(used, list(cuts.units.values()))
    if finer is not None and cuts.unit is not None and used[finer].nunique() > used[cuts.unit].nunique():
        random.append(finer)
    return _try(used, scale, random, fixed)


def _contextual(part: pd.DataFrame, scale: str, name: str, cuts: Cuts, covariate: str) -> pd.DataFrame:
    columns, unit = list(cuts.units.values()), cuts.units[name]
    used, domain = part[[scale, covariate, *columns]].dropna(), domain_key({"of": covariate, "unit": name})
    try:
        random = list(dict.fromkeys([unit, *factors_of(used, columns)]))
        return (
            contextual(used, outcome=scale, covariate=covariate, unit=unit, random=random).tidy().assign(domain=domain)
        )
    except NotFittable:
        return _not_estimable(scale, ("within", "contextual")).assign(domain=domain)


def _not_estimable(scale: str, statistics: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([{"term": scale, "statistic": s, "status": "not_estimable"} for s in statistics])


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
    cuts: Cuts,
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


def _cell_reliability(cells: pd.DataFrame, cuts: Cuts, scale: str, fit: MixedFit) -> pd.DataFrame:
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
