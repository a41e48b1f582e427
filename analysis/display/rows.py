"""Which rows of released tables a figure, a table or a sentence speaks of. Only released tables come in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis.disclosure import Released
from analysis.display.words import WORDS
from analysis.tidy import ALL, APART, KEYS, NUMBERED


@dataclass(frozen=True, slots=True)
class Row:
    """One released number.

    Attributes
    ----------
    keys : mapping
        wave, group, region, domain, term, statistic; codes, ``*`` = all.
    estimate, low, high, n : float
        As released (already rounded); NaN where there is none.
    decimals : int
        Digits after the point of estimate, low and high.
    status, basis : str
        Words of the tidy vocabulary; ``basis`` is the unit that a pooled number is borrowed from.
    """

    keys: Mapping[str, str]
    estimate: float
    low: float
    high: float
    n: float
    decimals: int
    status: str
    basis: str

    @property
    def shown(self) -> bool:
        """True where there is a number to show."""
        return self.status in NUMBERED and not math.isnan(self.estimate)

    @property
    def broken(self) -> bool:
        """True where the number cannot be compared with the latest wave's."""
        return self.status == "series_broken" or self.apart

    @property
    def apart(self) -> bool:
        """True where there is a number that may not be held against others."""
        return self.status in APART

    @property
    def own(self) -> bool:
        """True where the number is the unit's own and not a pooled one."""
        return self.shown and self.status == "ok"

    @property
    def told_apart(self) -> bool:
        """True where the number is of this unit, its own or leaning on others, and not that of another unit."""
        return self.own or (self.shown and self.status == "pooled" and not self.basis)

    def emptied(self) -> Row:
        """Give the row of a unit that has none here: its keys and no number."""
        nothing = math.nan
        return replace(
            self, estimate=nothing, low=nothing, high=nothing, n=nothing, decimals=0, status="not_estimable", basis=""
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows of one measure along one key.

    Attributes
    ----------
    name : str
        The released table's name.
    by : str
        The key that tells the rows apart; ``*`` where there is one row only.
    term, statistic, wave : str
        What the rows have in common; ``*`` where they do not have it in common.
    rows : tuple of Row
        The units, in the order of the table.
    whole : Row or None
        The row of all units together.
    ranked : bool
        False: units are neither ordered by their numbers nor held against the whole.
    """

    name: str
    by: str
    term: str
    statistic: str
    wave: str
    rows: tuple[Row, ...]
    whole: Row | None
    ranked: bool = True

    def ordered(self) -> list[Row]:
        """Give the rows from the highest number to the lowest, ties by code, rows without a number last; unranked as they are."""
        if not self.ranked:
            return list(self.rows)
        return sorted(self.rows, key=lambda r: (not r.shown, -r.estimate if r.shown else 0.0, r.keys[self.by]))


UNITS = ("group", "region", "domain")
ANY = "=*"  # of a column in a domain: whatever its value


class NothingThere(ValueError):
    """A released table has this measure for all together only: the study cannot be cut that way."""


def frame_of(released: Released | Sequence[Released]) -> tuple[pd.DataFrame, str]:
    """Put one or several released tables under each other; the name is the first one's."""
    parts = [released] if isinstance(released, Released) else list(released)
    wrong = [type(p).__name__ for p in parts if not isinstance(p, Released)]
    if wrong or not parts:
        raise TypeError(f"display shows released tables only; seen: {wrong or 'none'}; call analysis.release first")
    return pd.concat([p.table for p in parts], ignore_index=True), parts[0].name


def cut(
    released: Released | Sequence[Released],
    *,
    by: str,
    term: str | None = None,
    statistic: str | None = None,
    where: Mapping[str, str] | None = None,
) -> Cut:
    """Choose the rows of one measure along one key.

    Other keys than `by` are held at what `where` says, else at all (``*``), the wave at the latest one.

    Raises
    ------
    ValueError
        Where term or statistic is not settled, nothing is left, or a unit has two rows; the message says the choices.
    NothingThere
        Where the table has the measure for all together only.
    """
    table, name = frame_of(released)
    if by not in KEYS:
        raise ValueError(f"by must be one of {list(KEYS)}, seen {by!r}")
    held = {k: v for k, v in {"term": term, "statistic": statistic, **(where or {})}.items() if v is not None}
    table = rows_where(table, held)
    if by in UNITS and by not in held and set(table[by]) == {ALL}:
        raise NothingThere(by)
    for key in ("term", "statistic", "wave", "group", "region", "domain"):
        table = table if key == by or key in held else _only(table, key, [_usual(table, key, by)])
    rows = rows_of(table)
    units = tuple(r for r in rows if r.keys[by] != ALL)
    if by in UNITS and units and all(r.status == "not_asked" for r in units):
        raise NothingThere(by)
    if len({r.keys[by] for r in units}) < len(units):
        raise ValueError(f"{name}: a {by} has two rows; say more in where=")
    whole = next((r for r in rows if r.keys[by] == ALL), None)
    shared_term, shared_statistic, wave = (_common(rows, key, by) for key in ("term", "statistic", "wave"))
    ranked = not (by in UNITS and any(r.apart for r in units))
    return Cut(name, by, shared_term, shared_statistic, wave, units, whole, ranked)


def pairs(
    released: Released | Sequence[Released],
    *,
    by: tuple[str, str],
    term: str | None = None,
    statistic: str | None = None,
    where: Mapping[str, str] | None = None,
) -> Cut:
    """Choose the rows of pairs, a place and an organisation say; `by` of the cut is the first key.

    What is held, and what is refused, is as for `cut`; the row of all is the one with all (``*``) of both.
    """
    table, name = frame_of(released)
    if not set(by) <= set(KEYS) or by[0] == by[1]:
        raise ValueError(f"rows and columns are two of {list(KEYS)}, seen {list(by)}")
    held = {k: v for k, v in {"term": term, "statistic": statistic, **(where or {})}.items() if v is not None}
    table = rows_where(table, {k: v for k, v in held.items() if k not in by})
    for key in KEYS:
        table = table if key in by or key in held else _only(table, key, [_usual(table, key, by[0])])
    rows = rows_of(table)
    units = tuple(r for r in rows if ALL not in (r.keys[by[0]], r.keys[by[1]]))
    bare = next((k for k in by if k in UNITS and all(r.keys[k] == ALL for r in rows)), None)
    if bare is not None or not units:
        raise NothingThere(bare or by[0])
    if len({(r.keys[by[0]], r.keys[by[1]]) for r in units}) < len(units):
        raise ValueError(f"{name}: a pair of {by[0]} and {by[1]} has two rows; say more in where=")
    whole = next((r for r in rows if r.keys[by[0]] == r.keys[by[1]] == ALL), None)
    kinds = {k: ALL if k in by else units[0].keys[k] for k in ("term", "statistic", "wave")}
    ranked = not any(r.apart for r in units)
    return Cut(name, by[0], kinds["term"], kinds["statistic"], kinds["wave"], units, whole, ranked)


def rows_where(table: pd.DataFrame, held: Mapping[str, str | Sequence[str]]) -> pd.DataFrame:
    """Keep the rows that have these codes, or one of several; none left is an error that says which codes there are.

    Of a domain, ``column=*`` is every value of a column that cuts alone.
    """
    for key, value in held.items():
        if key not in KEYS:
            raise ValueError(f"where= knows the keys {list(KEYS)}, seen {key!r}")
        table = _only(table, key, [value] if isinstance(value, str) else value)
    return table


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Read the rows of a released table."""
    return [_row(record) for record in table.to_dict("records")]


def waves_of(cuts: Iterable[Row]) -> list[str]:
    """Give the waves in order, without all (``*``)."""
    return sorted({r.keys["wave"] for r in cuts} - {ALL})


def _row(record: Mapping[Any, Any]) -> Row:
    estimate, low, high, n = (float(record[c]) for c in ("estimate", "conf_low", "conf_high", "n"))
    keys = {k: str(record[k]) for k in KEYS}
    return Row(keys, estimate, low, high, n, int(record["decimals"]), str(record["status"]), str(record["basis"]))


def _only(table: pd.DataFrame, key: str, codes: Sequence[str]) -> pd.DataFrame:
    kept = table[table[key].isin([str(c) for c in codes]) | _any_value(table[key], codes)]
    if key == "domain" and any(c.endswith(ANY) for c in codes) and set(kept[key]) <= {ALL}:
        raise NothingThere(key)
    if kept.empty and key == "statistic" and all(f"statistic.{c}" in WORDS for c in codes):
        raise NothingThere("term")  # a statistic that other studies have: nothing was there to make it from
    if kept.empty:
        raise ValueError(f"no row has {key} {' or '.join(repr(c) for c in codes)}; there are {_few(table[key])}")
    return kept


def _any_value(domains: pd.Series, codes: Sequence[str]) -> pd.Series:
    """Whether a domain is cut by one column alone that a code names: ``channel=*`` is every channel."""
    columns = tuple(str(c).removesuffix("*") for c in codes if str(c).endswith(ANY))
    return domains.str.startswith(columns) & ~domains.str.contains(";", regex=False) if columns else domains.isna()


def _usual(table: pd.DataFrame, key: str, by: str) -> str:
    present = list(dict.fromkeys(table[key]))
    if key == "wave":
        return max((w for w in present if w != ALL), default=ALL)
    if key in ("term", "statistic"):
        if len(present) > 1:
            raise ValueError(f"say which {key}: {_few(present)}")
        return present[0]
    if ALL not in present and len(present) > 1:
        raise ValueError(f"by {by!r} there are several of {key}: {_few(present)}; hold one in where=")
    return ALL if ALL in present else present[0]


def _common(rows: Sequence[Row], key: str, by: str) -> str:
    return ALL if key == by else rows[0].keys[key]


def _few(values: Iterable[str]) -> str:
    kinds = sorted(set(values))
    return ", ".join(kinds[:8]) + (f" and {len(kinds) - 8} more" if len(kinds) > 8 else "")
