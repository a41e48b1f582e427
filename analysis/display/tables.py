"""Released tables as HTML: row headers left, numbers right with their released digits, the interval quieter, n last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from analysis.display import values
from analysis.display.labels import Labels, capital
from analysis.display.rows import Row, rows_of
from analysis.display.words import join, say
from analysis.tidy import ALL, COLUMNS, KEYS, NUMBERED, STATUSES

SORTS = ("value", "name", "given")
SPREAD_AT_MOST = 6
Line = tuple[tuple[str, ...], tuple[Row | None, ...]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table before it is written.

    Attributes
    ----------
    heads : tuple of str
        Key columns that stand left.
    spread : str or None
        The key whose values stand side by side.
    across : tuple of str
        Its values; ``("",)`` where nothing is spread.
    lines : tuple of (codes, cells)
        The codes of the heads and one Row or None for each of `across`.
    """

    heads: tuple[str, ...]
    spread: str | None
    across: tuple[str, ...]
    lines: tuple[Line, ...]

    def rows(self) -> list[Row]:
        """Give all rows that stand in the table."""
        return [r for _, cells in self.lines for r in cells if r is not None]

    def beside(self) -> bool:
        """True where intervals have columns of their own; with more than two numbers a line they stand below them."""
        return len(self.across) <= 2 and any(values.limits(r) for r in self.rows() if r.shown)

    def shared_n(self) -> bool:
        """True where the numbers of each line have one n, so that it has a column of its own."""
        per_line = [{r.n for r in cells if r is not None and not math.isnan(r.n)} for _, cells in self.lines]
        return all(len(kinds) <= 1 for kinds in per_line) and any(per_line)


def grid(table: pd.DataFrame, *, rows: str | Sequence[str], columns: str | None, sort: str) -> Grid:
    """Lay a released table out.

    Parameters
    ----------
    table : DataFrame
        Of a Released.
    rows : key or keys
        What stands left. Other keys that vary are spread (one with at most six values) or stand left too.
    columns : key or None
        What is spread; None: found as above.
    sort : {"value", "name", "given"}
        By value of the first spread column (highest first), by code, or as released. The row of all stands first.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        For an unknown key or sort, or two rows in one place of the table.
    """
    if sort not in SORTS:
        raise ValueError(f"sort is one of {list(SORTS)}, seen {sort!r}")
    heads = (rows,) if isinstance(rows, str) else tuple(rows)
    unknown = [k for k in (*heads, *((columns,) if columns else ())) if k not in KEYS]
    if unknown:
        raise ValueError(f"not keys of a tidy table: {unknown}; they are {list(KEYS)}")
    vary = [k for k in KEYS if k not in (*heads, columns) and table[k].nunique() > 1]
    if columns is None and len(vary) == 1 and table[vary[0]].nunique() <= SPREAD_AT_MOST:
        columns, vary = vary[0], []
    heads = (*heads, *vary)
    across = tuple(dict.fromkeys(table[columns])) if columns else ("",)
    across = tuple(sorted(across)) if columns == "wave" else across
    return Grid(heads, columns, across, _lines(rows_of(table), heads, columns, across, sort))


def table_html(laid: Grid, labels: Labels, language: str, *, caption: str, fold: bool, ident: str) -> str:
    """Write a laid-out table as HTML, folded behind its caption if asked; every text is escaped."""
    head = _head(laid, labels, language)
    body = "".join(_line(codes, cells, laid, labels, language) for codes, cells in laid.lines)
    caption_html = f"<caption>{escape(caption)}</caption>"
    table = f'<table class="numbers">{caption_html}<thead>{head}</thead><tbody>{body}</tbody></table>'
    block = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">{table}</div>'
    block += _notes(laid.rows(), language)
    if not fold:
        return f'<div class="released" id="{escape(ident)}">{block}</div>'
    summary = escape(say("table.fold", language, caption=caption))
    return f'<details class="released" id="{escape(ident)}"><summary>{summary}</summary>{block}</details>'


def table_text(laid: Grid, labels: Labels, language: str, *, caption: str) -> str:
    """Write a laid-out table as plain lines."""
    lines = [caption]
    for codes, cells in laid.lines:
        names = say("list.comma", language).join(_names(codes, laid, labels, language))
        lines.append(f"{names}: " + " | ".join(_plain_cell(c, language) for c in cells))
    return "\n".join(lines)


def released_rows(table: pd.DataFrame) -> list[list[Any]]:
    """Give a released table as the rows of its CSV: codes and numbers only, a missing number is None."""
    frame = table[list(COLUMNS)].astype(object)
    decimals = table["decimals"].tolist()
    return [
        [_exact(v, c, d) for c, v in zip(COLUMNS, line, strict=True)]
        for line, d in zip(frame.itertuples(index=False), decimals, strict=True)
    ]


def _exact(value: Any, column: str, decimals: Any) -> Any:
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return None
    digits = 0 if pd.isna(decimals) else max(int(decimals), 0)
    text = f"{value:.{digits}f}" if column in ("estimate", "conf_low", "conf_high") else f"{value:.10g}"
    return int(float(text)) if column == "n" else float(text) + 0.0


def _lines(
    rows: Sequence[Row], heads: tuple[str, ...], columns: str | None, across: tuple[str, ...], sort: str
) -> tuple[Line, ...]:
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        line = found.setdefault(tuple(row.keys[k] for k in heads), {})
        place = row.keys[columns] if columns else ""
        if place in line:
            raise ValueError("two rows would stand in one place of the table; name more keys in rows=")
        line[place] = row
    lines = [(codes, tuple(cells.get(a) for a in across)) for codes, cells in found.items()]
    return tuple(lines if sort == "given" else sorted(lines, key=lambda line: _order(line, sort)))


def _order(line: Line, sort: str) -> tuple[Any, ...]:
    codes, cells = line
    first = next((c for c in cells if c is not None and c.shown), None)
    whole = all(c == ALL for c in codes)
    value = -first.estimate if first is not None and sort == "value" else 0.0
    return not whole, codes[:-1], sort == "value" and first is None, value, codes


def _head(laid: Grid, labels: Labels, language: str) -> str:
    cells = [f'<th scope="col">{escape(labels.heading(k, language))}</th>' for k in laid.heads]
    for code in laid.across:
        name = labels.unit(laid.spread, code, language) if laid.spread else _only_name(laid, labels, language)
        cells.append(f'<th scope="col" class="number">{escape(capital(name))}</th>')
        if laid.beside():
            cells.append(f'<th scope="col" class="quiet">{escape(say("table.interval", language))}</th>')
    if laid.shared_n():
        cells.append(f'<th scope="col" class="number">{escape(say("n", language))}</th>')
    return f"<tr>{''.join(cells)}</tr>"


def _only_name(laid: Grid, labels: Labels, language: str) -> str:
    kinds = {r.keys["statistic"] for r in laid.rows()}
    return labels.statistic(kinds.pop(), language) if len(kinds) == 1 else ""


def _line(codes: tuple[str, ...], cells: Sequence[Row | None], laid: Grid, labels: Labels, language: str) -> str:
    names = _names(codes, laid, labels, language)
    written = [f'<th scope="row">{escape(n)}</th>' for n in names]
    for cell in cells:
        written.append(_cell(cell, laid, language))
        if laid.beside():
            ends = values.interval(cell, language) if cell is not None and cell.shown else ""
            written.append(f'<td class="quiet">{escape(ends)}</td>')
    if laid.shared_n():
        known = [c.n for c in cells if c is not None and not math.isnan(c.n)]
        written.append(f'<td class="number">{values.count(known[0]) if known else ""}</td>')
    whole = ' class="whole"' if all(c == ALL for c in codes) else ""
    return f"<tr{whole}>{''.join(written)}</tr>"


def _names(codes: tuple[str, ...], laid: Grid, labels: Labels, language: str) -> list[str]:
    return [labels.unit(k, c, language) for k, c in zip(laid.heads, codes, strict=True)]


def _cell(row: Row | None, laid: Grid, language: str) -> str:
    if row is None:
        return '<td class="number"></td>'
    if not row.shown:
        return f'<td class="number quiet">{escape(say(f"mark.{_status(row)}", language))}</td>'
    mark = "" if row.own else f' <span class="quiet">{say(f"mark.{row.status}", language)}</span>'
    below = [] if laid.beside() else [values.interval(row, language)]
    below += [] if laid.shared_n() else [f"{say('n', language)} {values.count(row.n)}" if values.count(row.n) else ""]
    quiet = "".join(f'<span class="below">{escape(text)}</span>' for text in below if text)
    return f'<td class="number">{escape(values.estimate(row))}{mark}{quiet}</td>'


def _plain_cell(row: Row | None, language: str) -> str:
    if row is None:
        return ""
    if not row.shown:
        return say(f"mark.{_status(row)}", language)
    ends, mark = values.interval(row, language), "" if row.own else f" {say(f'mark.{row.status}', language)}"
    return values.estimate(row) + mark + (f" ({ends})" if ends else "")


def _status(row: Row) -> str:
    return row.status if row.status not in NUMBERED else "not_estimable"


def _notes(rows: Iterable[Row], language: str) -> str:
    seen = {r.status if r.shown else _status(r) for r in rows}
    notes = [say(f"note.{s}", language) for s in STATUSES if s in seen and s != "ok"]
    return f'<p class="notes">{escape(say("clause.gap", language).join(notes))}</p>' if notes else ""


def caption_for(laid: Grid, labels: Labels, language: str) -> str:
    """Name what a table holds: its measures (at most three by name) and its wave."""
    terms = list(dict.fromkeys(r.keys["term"] for r in laid.rows()))
    names = [labels.term(t, language) for t in terms]
    text = join(names, language) if len(names) <= 3 else say("list.comma", language).join(names[:3]) + " …"
    waves = {r.keys["wave"] for r in laid.rows()} - {ALL}
    if len(waves) == 1:
        text += say("measure.wave", language, wave=labels.unit("wave", waves.pop(), language))
    return capital(text)
