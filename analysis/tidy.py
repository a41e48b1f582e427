"""The one currency: the tidy table that every verb returns, and the words in it.

A tidy table has the columns of ``COLUMNS`` in that order, one row a number. What could not be computed is a row too,
with its ``status``; nothing in the table is prose, display puts it into words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

KEYS = ("wave", "group", "region", "domain", "term", "statistic")
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "n", "n_eff")
COLUMNS = (*KEYS, *NUMBERS, "status", "basis")
PLACES = ("wave", "group", "region")
ALL = "*"
STATUSES = (
    "ok",
    "pooled",
    "withheld",
    "not_estimable",
    "not_converged",
    "not_asked",
    "series_broken",
    "not_reported",
    "linkable",
    "broken",
)
# With a number: its own, borrowed, or one that stands alone because its scale cannot be compared in that cut.
APART = ("linkable", "broken")
NUMBERED = ("ok", "pooled", *APART)


@runtime_checkable
class Result(Protocol):
    """What every verb returns: frozen, with its rows as a tidy table."""

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number, columns as ``COLUMNS``."""
        ...


def tidy_frame(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Complete rows to a tidy table.

    Parameters
    ----------
    rows : frame or iterable of mappings
        Any subset of ``COLUMNS``; ``term`` and ``statistic`` are needed. Absent keys mean all (``*``), absent numbers
        are missing, an absent status is ``ok`` where there is an estimate and ``not_estimable`` where there is none.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``; keys, status and basis are text, numbers float64; index 0..rows-1, order kept.

    Raises
    ------
    ValueError
        For a column or a status that the vocabulary does not have, or a row without term or statistic.
    """
    given, n = _columns(rows)
    unknown = [c for c in given if c not in COLUMNS]
    if unknown:
        raise ValueError(f"not columns of a tidy table: {unknown}; they are {list(COLUMNS)}")
    if n and any(c not in given or _gone(given[c]).any() for c in ("term", "statistic")):
        raise ValueError("every row of a tidy table needs a term and a statistic")
    # column by column into one frame: every verb ends here, and a frame that is mended in place costs ten times as much
    numbers = {c: _numbers(given.get(c), n) for c in NUMBERS}
    default = pd.array(["ok", "not_estimable"], dtype="str").take(np.isnan(numbers["estimate"]).astype(np.int64))
    texts = {c: _text(given.get(c), n, ALL) for c in KEYS}
    texts |= {"status": _text(given.get("status"), n, default), "basis": _text(given.get("basis"), n, "")}
    wrong = sorted(set(texts["status"].unique()) - set(STATUSES))
    if wrong:
        raise ValueError(f"not a status: {wrong}; the statuses are {list(STATUSES)}")
    return pd.DataFrame({c: numbers.get(c, texts.get(c)) for c in COLUMNS}, index=pd.RangeIndex(n))


def _columns(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], int]:
    """Columns by name, Series of a frame or lists of few rows, and the number of rows."""
    if isinstance(rows, pd.DataFrame):
        return {str(c): rows[c] for c in rows.columns}, len(rows)
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    return {name: [row.get(name) for row in listed] for name in names}, len(listed)


def _gone(values: pd.Series | list[Any]) -> np.ndarray:
    """Where a value is missing."""
    if isinstance(values, pd.Series):
        return np.asarray(values.isna())
    return np.array([v is None or v is pd.NA or v is pd.NaT or (isinstance(v, float) and v != v) for v in values], bool)


def _numbers(values: pd.Series | list[Any] | None, n: int) -> np.ndarray:
    if values is None:
        return np.full(n, np.nan)
    if isinstance(values, pd.Series):
        return np.asarray(values.to_numpy(dtype="float64", na_value=np.nan))
    return np.array(
        [np.nan if gone else float(v) for v, gone in zip(values, _gone(values), strict=True)], dtype=np.float64
    )


def _text(values: pd.Series | list[Any] | None, n: int, instead: str | pd.api.extensions.ExtensionArray) -> Any:
    """Give a column as text, and what stands in its place where it is missing."""
    if values is None:
        if isinstance(instead, str):
            return pd.array([instead], dtype="str").take(np.zeros(n, dtype=np.int64))
        return instead
    missing = _gone(values)
    if isinstance(values, pd.Series) and values.dtype == "str" and not missing.any():
        return values.array
    other = [instead] * n if isinstance(instead, str) else instead
    listed = values.tolist() if isinstance(values, pd.Series) else values
    found = [str(i if gone else v) for v, i, gone in zip(listed, other, missing, strict=True)]
    return pd.array(found, dtype="str")


def concat(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put tidy tables under each other; an empty list gives an empty tidy table."""
    parts = [t for t in tables if len(t)]
    return tidy_frame(pd.concat(parts, ignore_index=True)) if parts else tidy_frame(pd.DataFrame(columns=list(COLUMNS)))


def domain_key(values: Mapping[str, Any]) -> str:
    r"""Write cut columns other than wave, group and region as one key, ``a=x;b=y`` in the order given.

    ``=``, ``;`` and ``\`` inside a name or a value are escaped by ``\``; no columns give ``*``.
    """
    return ";".join(f"{_escape(k)}={_escape(v)}" for k, v in values.items()) or ALL


def parse_domain(key: str) -> dict[str, str]:
    """Undo `domain_key`."""
    if key == ALL:
        return {}
    pairs, name, current, escaped = {}, "", "", False
    for sign in key + ";":
        if escaped:
            current, escaped = current + sign, False
        elif sign == "\\":
            escaped = True
        elif sign == "=":
            name, current = current, ""
        elif sign == ";":
            pairs[name], current = current, ""
        else:
            current += sign
    return pairs


def place_keys(by: Iterable[str], values: Iterable[Any]) -> dict[str, str]:
    """Spread cut values over the key columns: wave, group and region fill theirs, the others go to domain."""
    pairs = dict(zip(by, values, strict=True))
    keys = {k: str(v) for k, v in pairs.items() if k in PLACES}
    return keys | {"domain": domain_key({k: v for k, v in pairs.items() if k not in PLACES})}


def _escape(value: Any) -> str:
    text = str(value)
    for sign in ("\\", "=", ";"):
        text = text.replace(sign, "\\" + sign)
    return text
