"""The one door from a table to readers: hide what the plan hides, round the rest, refuse everything else.

What comes out is a `Released`. Display and export take nothing else, and only `release` can make one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.disclosure.passed import note
from analysis.disclosure.plan import COUNTS_ONLY, DESCRIPTORS, ReleasePlan, Source
from analysis.disclosure.rounding import (
    EMPTY_MAY_SHOW,
    FEW_OF,
    LINKED,
    OF_LINKED,
    OF_OTHERS,
    Rules,
    check_statistic,
    grid,
    round_count,
    two_digits,
)
from analysis.tidy import ALL, COLUMNS, NUMBERED, NUMBERS, Result, parse_domain, tidy_frame

MIME = "application/vnd.cohesion-workbench.released+json"
_AGAINST = " - "
MOMENTS = {"time", "period"}
OF_TWO = ("difference", "equity_gap")
_DOOR = object()


@dataclass(frozen=True, slots=True, repr=False)
class Released:
    """A table that readers may see. Only `release` makes one.

    Attributes
    ----------
    name : str
        What the table is called in the report; may be empty.
    rules : Rules
        The rules it was released under.
    withheld : int
        Rows whose numbers are hidden.
    """

    _table: pd.DataFrame
    name: str
    rules: Rules
    withheld: int
    door: InitVar[object]

    def __post_init__(self, door: object) -> None:
        if door is not _DOOR:
            raise TypeError("a Released is made by analysis.release(result, plan) and by nothing else")

    @property
    def table(self) -> pd.DataFrame:
        """A copy of the rows: a tidy table, and ``decimals`` (int), the decimals that estimate and interval are shown with."""
        return self._table.copy()

    def tidy(self) -> pd.DataFrame:
        """A copy of the rows as a tidy table, without ``decimals``."""
        return self._table[list(COLUMNS)].copy()

    def __repr__(self) -> str:
        return f"Released {self.name or 'table'}: {len(self._table)} rows, {self.withheld} withheld"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        mark = {"kind": "released", "name": self.name, "rows": len(self._table)}
        return {"text/plain": repr(self), MIME: mark}


def release(result: Result | pd.DataFrame, plan: ReleasePlan, *, name: str | None = None) -> Released:
    """Hide and round a result so that readers may see it.

    Parameters
    ----------
    result : Result or DataFrame
        Anything with ``.tidy()``, or a tidy table. Rows of persons are refused.
    plan : ReleasePlan
        From `plan_release`; a term, cut or source that it does not have is refused.
    name : str, optional
        What the table is called in the report.

    Returns
    -------
    Released
        The rows in their order. Hidden by the plan, or fewer than ``minimum`` people by the row's own n or, for a pooled row,
        by the plan's count of its own cell, or by the few that ``top_tenth`` and ``half`` speak of: status ``withheld``, every
        number missing and no basis, whatever the reason. A pooled row whose basis is the place or group of another
        row, with equal numbers, shows that row's number and is looked at as that row.
        What the plan's comparability refuses to compare is ``linkable`` or ``broken``, with its number. A row with another
        status than these, ok or pooled keeps the status and no number. The rest is rounded: estimate to the
        step (halves to even), interval ends outward on it, standard error to two digits, n and n_eff to the count step.

    Raises
    ------
    ValueError
        For a frame that is no tidy table, an unplanned term, cut, source or statistic, or an estimate outside the range
        declared for its variable.

    Notes
    -----
    In ``domain`` the words of `DESCRIPTORS` that are no column of the source's people describe the term and make no cut. A
    ``difference`` or ``equity_gap`` whose key reads ``a - b`` is of two cells: both must be shown. The term ``variable=code``
    is an indicator: its range is 0 to 1. Registry cells have no people behind them, they are shown as they are and rounded;
    what is told for each member is withheld below ``minimum`` members. The weighted
    estimate's step is that of n equal weights. The step does not stand alone: where a mean crosses a rounding edge a reader
    learns on which side the odd one out lies, so sets that differ by few people are never both shown.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.disclosure.plan import plan_release
    >>> people = pd.DataFrame({"member": [f"m{i}" for i in range(30)]})
    >>> plan = plan_release({"survey": people}, variables={"trust": ("survey", 1, 5)}, cuts=[()], hierarchy=None, rules={})
    >>> rows = pd.DataFrame({"term": ["trust"], "statistic": ["mean"], "estimate": [3.4567], "n": [30.0]})
    >>> release(rows, plan).table.loc[0, ["estimate", "n"]].tolist()
    [3.4, 30.0]
    """
    table = _rows(result)
    if plan.comparability is not None:
        table = plan.comparability.mark(table)
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    lenders = _lenders(rows)
    lent = [_lender(row, lenders) for row in rows]
    shown = [_row(row, plan, lender) for row, lender in zip(rows, lent, strict=True)]
    out = table.assign(**{c: [s[c] for s in shown] for c in (*NUMBERS, "status", "basis", "decimals")})
    out = out.astype(dict.fromkeys(NUMBERS, "float64") | {"decimals": "int64"})
    own = np.array([lender is row for row, lender in zip(rows, lent, strict=True)], dtype=bool)
    note(out[own])  # what is lent is told where it is its own
    return Released(out, name or "", plan.rules, int((out["status"] == "withheld").sum()), _DOOR)


def _rows(result: Result | pd.DataFrame) -> pd.DataFrame:
    rows = result.tidy() if not isinstance(result, pd.DataFrame) and isinstance(result, Result) else result
    if not isinstance(rows, pd.DataFrame):
        raise ValueError(
            f"nothing to release: a result with .tidy() or a tidy table is needed, seen {type(result).__name__}"
        )
    if more := [str(c) for c in rows.columns if c not in COLUMNS]:
        raise ValueError(
            f"only a tidy table is released; the columns {more} are not of it, and rows of persons never pass"
        )
    return tidy_frame(rows)


_LENT = ("estimate", "std_error", "n")
_Lenders = Mapping[tuple[str, str, str, str], list[dict[str, Any]]]


def _lenders(rows: list[dict[str, Any]]) -> _Lenders:
    """Rows of places, and of groups everywhere, by wave, domain, term and code: what others may show in place of their own."""
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        code = row["group"] if row["region"] == ALL else row["region"] if row["group"] == ALL else ALL
        if code != ALL and row["status"] in NUMBERED:
            found.setdefault((row["wave"], row["domain"], row["term"], code), []).append(row)
    return found


def _lender(row: dict[str, Any], lenders: _Lenders) -> dict[str, Any]:
    """The row whose number this one shows, told by its basis and by equal numbers; else the row itself."""
    if row["status"] != "pooled":
        return row
    others = lenders.get((row["wave"], row["domain"], row["term"], row["basis"]), [])
    return next((o for o in others if all(o[k] == row[k] for k in _LENT)), row)


def _row(row: Mapping[str, Any], plan: ReleasePlan, lender: Mapping[str, Any]) -> dict[str, Any]:
    kind = check_statistic(row["statistic"])
    variable, coded = _variable(row["term"], plan)
    name, low, high = plan.variables[variable]
    source = plan.sources[name]
    hidden, people = _look(lender, source, variable)
    if row["statistic"] in OF_LINKED and LINKED in source.sets:
        linked, fewer = _look(lender, source, LINKED)
        hidden, people = hidden or linked, min(people, fewer)
    rules = source.rules_of(variable)
    if hidden or _too_few(row, people, kind, name, rules):
        return _no_numbers("withheld", "")
    if row["status"] not in NUMBERED or np.isnan(row["estimate"]):
        return _no_numbers(row["status"], row["basis"])
    step = rules.small_count_step if row["region"] in plan.finest else rules.count_step
    least = 0 if name == COUNTS_ONLY else rules.minimum
    low, high = (0.0, 1.0) if coded else (low, high)
    # a rate's n is what it is a share of, counted elsewhere; all others stand on people of the plan
    n = row["n"] if kind in OF_OTHERS and row["n"] > 0 else np.fmin(row["n"], people)
    return _rounded(row, kind, low, high, n, step, least)


def _variable(term: str, plan: ReleasePlan) -> tuple[str, bool]:
    """The planned variable of a term, and whether the term is one code of it."""
    if term in plan.variables:
        return term, False
    cut = len(term) - 1
    while cut > 0 and not (term[cut] == "=" and (cut - len(term[:cut].rstrip("\\"))) % 2 == 0):
        cut -= 1
    variable = term[:cut].replace("\\=", "=")
    if cut > 0 and variable in plan.variables:
        return variable, True
    raise ValueError(f"term {term!r} was not planned; planned are {sorted(plan.variables)}")


def _look(row: Mapping[str, Any], source: Source, variable: str) -> tuple[bool, float]:
    """Whether the row's cell is hidden, and its people; a difference ``a - b`` has two cells, and both must be shown."""
    cell = _cell(row, source.columns)
    hidden, people = source.look(variable, cell)
    if row["statistic"] not in OF_TWO or people > 0 or not any(_AGAINST in v for v in cell.values()):
        return hidden, people
    looks = [source.look(variable, side) for side in _sides(cell)]
    return any(h for h, _ in looks), min(p for _, p in looks)


def cells_of(row: Mapping[str, Any], plan: ReleasePlan) -> list[tuple[str, str, dict[str, str]]]:
    """The source, variable and cells that a row of a tidy table speaks of: one, or the two of a difference."""
    variable = _variable(row["term"], plan)[0]
    name = plan.variables[variable][0]
    cell = _cell(row, plan.sources[name].columns)
    if row["statistic"] not in OF_TWO or not any(_AGAINST in v for v in cell.values()):
        return [(name, variable, cell)]
    return [(name, variable, side) for side in _sides(cell)]


def _sides(cell: Mapping[str, str]) -> list[dict[str, str]]:
    """The two cells of a difference ``a - b``."""
    both = [{k: v.split(_AGAINST)[side] if _AGAINST in v else v for k, v in cell.items()} for side in (0, -1)]
    return [{k: v for k, v in side.items() if v != ALL} for side in both]


def _cell(row: Mapping[str, Any], columns: frozenset[str]) -> dict[str, str]:
    """What the row is cut by."""
    keys = {k: row[k] for k in ("wave", "group", "region")} | parse_domain(row["domain"])
    return {k: v for k, v in keys.items() if v != ALL and not (k in DESCRIPTORS and k not in columns)}


def _too_few(row: Mapping[str, Any], people: float, kind: str, source: str, rules: Rules) -> bool:
    """The door's own check: a row that gives itself away is withheld even where the plan knows of no reason."""
    if source == COUNTS_ONLY:
        return kind == "amount" and 0 < row["n"] < rules.minimum  # for each member: of so few it speaks of persons
    if 0 < row["n"] < rules.minimum:
        return True
    if row["status"] not in NUMBERED or np.isnan(row["estimate"]):
        return False
    if row["n"] == 0 and MOMENTS & set(parse_domain(row["domain"])):
        return True  # nobody is watched any longer: it says what became of the last ones
    if row["statistic"] in FEW_OF and _few_of(row, people) < rules.minimum:
        return True
    nobody = people == 0 and row["estimate"] == 0 and kind in EMPTY_MAY_SHOW
    return people < rules.minimum and not nobody


def _few_of(row: Mapping[str, Any], people: float) -> float:
    """The people that a number of concentration speaks of: the most active tenth, or the few who make half."""
    share = 0.1 if row["statistic"] == "top_tenth" else row["estimate"]
    return share * float(np.fmin(row["n"], people)) + 1e-9


def _no_numbers(status: str, basis: str) -> dict[str, Any]:
    return dict.fromkeys(NUMBERS, np.nan) | {"status": status, "basis": basis, "decimals": 0}


def _rounded(
    row: Mapping[str, Any], kind: str, low: float, high: float, n: float, step: int, least: int
) -> dict[str, Any]:
    estimate = row["estimate"]
    on = grid(kind, low, high, n, error=row["std_error"], size=estimate, count_step=step)
    if not on.holds(estimate):
        raise ValueError(
            f"{row['statistic']} of {row['term']} lies outside the range {on.low:g} to {on.high:g} declared for it"
        )
    nearest = round_count(estimate, step, least) if kind == "count" else on.nearest(estimate)
    return {
        "estimate": nearest,
        "std_error": two_digits(row["std_error"]),
        "conf_low": row["conf_low"] if np.isnan(row["conf_low"]) else on.below(row["conf_low"]),
        "conf_high": row["conf_high"] if np.isnan(row["conf_high"]) else on.above(row["conf_high"]),
        "n": round_count(row["n"], step, least),
        "n_eff": round_count(row["n_eff"], step, 0),
        "status": row["status"],
        "basis": row["basis"],
        "decimals": on.decimals,
    }
