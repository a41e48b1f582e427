"""How much of what goes on comes from how few?  Concentration of participation, a property of the organisation.

Source: a frame with a row a member who took part at least once, and how often; the registry's number of members. See
`analysis.core.concentration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import concentration as core
from analysis.core.distinct import Cells, cells_of
from analysis.methods.design import names, numeric, present
from analysis.methods.estimates import domains
from analysis.tidy import tidy_frame

MEMBERS = "members"  # column of a population frame
TENTH = 10  # people below which the most active tenth is less than one of them
Population = pd.DataFrame | pd.Series | int
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class Concentration:
    """Concentration of counts, by unit."""

    count: str  #: column of the counts: the term
    rows: pd.DataFrame  #: tidy table
    units: pd.DataFrame  #: key columns, participants, times (sum of counts), mean, members (NaN: not given)
    conf_level: float  #: level of the intervals, 0..1

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        status = self.rows["status"].value_counts().to_dict()
        return f"Concentration({self.count}, {len(self.units)} units; status {status})"


def concentration(
    frame: pd.DataFrame,
    *,
    count: str,
    by: Sequence[str] | str = (),
    population: Population | None = None,
    conf_level: float = 0.95,
) -> Concentration:
    r"""Give the Gini index of participation, the part of the most active tenth, and how few make half of it.

    With counts :math:`x_1 \le \dots \le x_n` of those who took part and the Lorenz curve L, straight between people:

    ============ ==================================================================================================
    statistic    estimate
    ============ ==================================================================================================
    gini         :math:`\sum_i (2i - n - 1) x_i / (n \sum x)`, 0 where all came equally often
    top_tenth    :math:`1 - L(.9)`: share of all times that is the most active tenth's; of a person who belongs to it in
                 part, that part of theirs; .1 where all came equally often
    half         :math:`1 - L^{-1}(.5)`: the smallest share of participants who make half of all times; .5 where equally
    gini_members the Gini index over all N members, those who never came with 0: :math:`1 - (n/N)(1 - G)`
    ============ ==================================================================================================

    Parameters
    ----------
    frame : DataFrame
        A row a member (and unit).
    count : str
        Column: how often the member took part, above 0. Who never did has no row; `population` knows of them.
    by : str or sequence of str
        Cut columns, the unit; rows where one is missing are in none.
    population : int, Series or DataFrame, optional
        Members of each unit: a number where there is no cut, a Series indexed by the values of the one cut, or a frame with the
        cut columns and ``members``. None: no ``gini_members``.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Concentration
        ``tidy()``: term = `count`, ``n`` participants (``gini_members``: members). Errors from influence functions (Gini: Davidson
        2009; shares and quantile shares: Langel & Tille 2011), intervals symmetric in the log odds with Student's t. Where all
        counts are equal, or with one participant, no error can be told. ``not_estimable``: nobody took part;
        ``gini`` of one participant; ``top_tenth`` of fewer than 10 participants, of whom a tenth is less than one;
        ``gini_members`` where more took part than are members. ``not_reported``: no number of members. Units that the
        population alone has are rows too.

    Raises
    ------
    ValueError
        For unknown columns, counts that are missing or not above 0, a population of another form, twice the same unit in
        it, members that are below 0.

    Notes
    -----
    The log is a census of what happened; error and interval treat participants as independent draws from those there might
    be. The index of few people is too low, by about G/n (at most 1 - 1/n): units of very different size are not compared by
    it. In 4,000 drawn units each, intervals of 95 % held the truth (gini, top_tenth, half):

    ================================ ===================== ===================== =====================
    counts                           30 participants       100                   1000
    ================================ ===================== ===================== =====================
    1 + negative binomial (.7, .15)    .89, .86, .90         .92, .91, .93         .94, .94, .95
    Pareto, index 3                  .95, .81, .82         .91, .83, .88         .93, .90, .93
    Pareto, index 2                  .74, .66, .69         .81, .76, .81         .88, .86, .89
    ================================ ===================== ===================== =====================

    With a tail as of Pareto's law a few people to come decide, and no interval from those seen knows of them: read it as a
    lower bound of the doubt.

    A unit in which one member makes more than half of the times tells, by ``half`` and ``top_tenth``, how often that one came:
    whether it may be shown is for the release door to decide, not for this table.

    Examples
    --------
    >>> frame = pd.DataFrame({"times": [1, 1, 2, 4]})
    >>> found = concentration(frame, count="times", population=8)
    >>> found.tidy()[["statistic", "estimate", "n"]].values.tolist()
    [['gini', 0.3125, 4.0], ['top_tenth', nan, 4.0], ['half', 0.25, 4.0], ['gini_members', 0.65625, 8.0]]
    """
    cuts = names(by)
    _check(frame, count, cuts, conf_level)
    times = _times(frame, count)
    unit, keys = domains(frame, {c: c for c in cuts})
    members = None if population is None else _members(population, cuts)
    keys, number = _with_population(keys, members)
    inside = unit >= 0
    seen = int(unit.max(initial=-1)) + 1
    cells = cells_of(times[inside], group=unit[inside], groups=seen)
    units = _units(keys, cells, number)
    found = _of_participants(cells, units, conf_level)
    if members is not None:
        found.append(_of_members(cells, units, conf_level))
    rows = pd.concat([keys.join(part) for part in found]).sort_index(kind="stable")
    return Concentration(count, tidy_frame(rows.assign(term=count)), units, conf_level)


def _check(frame: pd.DataFrame, count: str, cuts: Sequence[str], conf_level: float) -> None:
    present(frame, [count, *cuts], "concentration")
    if len({count, *cuts}) < 1 + len(cuts):
        raise ValueError(
            f"concentration was given a column twice, among count {count!r} and by {list(cuts)}; each has one use"
        )
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")


def _times(frame: pd.DataFrame, column: str) -> Floats:
    values = numeric(frame, column)
    missing, none = int(np.isnan(values).sum()), int((values <= 0).sum())
    if missing:
        raise ValueError(
            f"column {column!r} is missing in {missing} rows; who was not recorded has not stayed away: leave them out"
        )
    if none:
        raise ValueError(
            f"column {column!r} is not above 0 in {none} rows; a row is a member who took part: leave the others out, and give"
            " the number of all members by population="
        )
    return values


def _members(population: Population, cuts: Sequence[str]) -> pd.DataFrame:
    """Members of each unit as a frame: the cut columns as key columns of the table, ``members``."""
    if isinstance(population, pd.DataFrame):
        present(population, [*cuts, MEMBERS], "the population")
        table = population[[*cuts, MEMBERS]].dropna(subset=list(cuts))
    elif isinstance(population, pd.Series) and len(cuts) == 1:
        table = pd.DataFrame({cuts[0]: population.index, MEMBERS: population.to_numpy()})
    elif not isinstance(population, pd.Series) and not cuts:
        table = pd.DataFrame({MEMBERS: [population]})
    else:
        raise ValueError(
            f"a population is a number where there is no cut, a Series for one cut, a frame with {MEMBERS!r} for several; by is"
            f" {list(cuts)}"
        )
    members = numeric(table, MEMBERS)
    if (members < 0).any() or table.duplicated(list(cuts) or None).any():
        raise ValueError("each unit has one number of members in the population, at least 0; mend those that do not")
    order, keys = domains(table.reset_index(drop=True), {c: c for c in cuts})
    return keys.assign(**{MEMBERS: pd.Series(members).groupby(order).first().to_numpy()})


def _with_population(keys: pd.DataFrame, members: pd.DataFrame | None) -> tuple[pd.DataFrame, Floats]:
    """Units of the frame, then those that the population alone has, and the members of each."""
    if members is None:
        return keys, np.full(len(keys), np.nan)
    on = list(keys.columns)
    both = keys.assign(place=np.arange(len(keys))).merge(members, on=on, how="outer")
    both = both.sort_values(["place", *on], ignore_index=True)
    return both[on], both[MEMBERS].to_numpy(np.float64)


def _units(keys: pd.DataFrame, cells: Cells, members: Floats) -> pd.DataFrame:
    often, many = cells.count[0].astype(np.float64), len(keys)
    people = np.bincount(cells.group, often, many)
    times = np.bincount(cells.group, often * cells.value, many)
    mean = np.divide(times, people, out=np.full(many, np.nan), where=people > 0)
    return keys.assign(participants=people.astype(np.int64), times=times, mean=mean, members=members)


def _of_participants(cells: Cells, units: pd.DataFrame, conf_level: float) -> list[pd.DataFrame]:
    curve = core.lorenz(cells)
    n = units["participants"].to_numpy(np.float64)
    needed = {"gini": 2, "top_tenth": TENTH, "half": 1}
    shares = {"gini": core.gini(curve), "top_tenth": core.top_share(curve, 0.1), "half": core.fewest(curve)}
    return [
        _numbers(statistic, *found, n, conf_level, told=n >= needed[statistic]) for statistic, found in shares.items()
    ]


def _of_members(cells: Cells, units: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """The same index over all members: those who never came are one more count, 0, of each unit."""
    many, members = len(units), units["members"].to_numpy()
    absent = members - units["participants"].to_numpy()
    told = (absent >= 0) & (units["participants"].to_numpy() > 0)
    idle = np.where(told, absent, 0).astype(np.int64)
    group, value = np.append(np.arange(many), cells.group), np.append(np.zeros(many), cells.value)
    often, order = np.append(idle, cells.count[0]), np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(many + 1))
    found = core.gini(core.lorenz(Cells(group[order], value[order], often[None, order], starts)))
    numbers = _numbers("gini_members", *found, members, conf_level, told=told)
    return numbers.assign(status=np.where(np.isnan(members), "not_reported", np.where(told, "ok", "not_estimable")))


def _numbers(
    statistic: str, share: Floats, error: Floats, n: Floats, conf_level: float, told: NDArray[np.bool_]
) -> pd.DataFrame:
    """Lay out an estimate; groups at the end that have no numbers of their own get none."""
    more = len(n) - len(share)
    share, error = (np.append(part, np.full(more, np.nan)) for part in (share, error))
    share, error = np.where(told, share, np.nan), np.where(told & (error > 1e-12), error, np.nan)
    low, high = core.logit_interval(share, error, n - 1, conf_level)
    numbers = {"estimate": share, "std_error": error, "conf_low": low, "conf_high": high, "n": n, "n_eff": n}
    return pd.DataFrame(numbers).assign(statistic=statistic, status=np.where(told, "ok", "not_estimable"))
