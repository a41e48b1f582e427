"""Dots with intervals, ordered by value: which units are high, which are low, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.display import values
from analysis.display.axis import Axis
from analysis.display.canvas import Canvas
from analysis.display.glyphs import text_width, wrap
from analysis.display.labels import Labels
from analysis.display.rows import Cut, Row
from analysis.display.sentences import Reference, verdict
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

ROWS = 30
ENDS = 15
IN_PANELS = 120
LABEL = 210.0
_STEP, _SECOND_LINE, _UNDER, _HEAD, _FOOT = 24.0, 14.0, 16.0, 28.0, 28.0
Span = tuple[float, float]
_PANEL_STEP, _PANEL_HEAD, _PANEL_GAP = 19.0, 40.0, 24.0


@dataclass(frozen=True, slots=True)
class Look:
    """What all rows of a figure share.

    Attributes
    ----------
    labels : Labels
    language : {"en", "zh"}
    axis : Axis
    reference : Reference or None
    reference_name : str
        As written on its line.
    span : float
        Range of the scale, for verdicts.
    worse : {"lower", "higher", ""}
        The direction that needs attention; it is drawn in the counter colour.
    by : str
    """

    labels: Labels
    language: str
    axis: Axis
    reference: Reference | None
    reference_name: str
    span: float
    worse: str
    by: str

    def name(self, row: Row) -> str:
        """Name a row."""
        return self.labels.unit(self.by, row.keys[self.by], self.language)

    def colour(self, row: Row) -> str:
        """Colour a row's mark: counter where it needs attention, quiet where it is not compared."""
        if row.apart:
            return "earlier"
        return "counter" if self.worse and verdict(row, self.reference, self.span) == self.worse else "accent"


def choose(cut: Cut, parents: Mapping[str, str]) -> tuple[dict[str, list[Row]], str]:
    """Choose what is drawn: all rows; panels by parent; or the two ends.

    Parameters
    ----------
    cut : Cut
    parents : mapping of region to the region above it
        Empty where the rows are not regions or nothing is known.

    Returns
    -------
    dict of panel's name to rows
        One panel named "" unless there are panels by parent.
    str
        ``all``, ``panels`` or ``ends``.
    """
    rows = cut.ordered()
    if cut.by == "wave":
        rows = sorted(rows, key=lambda r: r.keys["wave"])
    if len(rows) <= ROWS:
        return {"": rows}, "all"
    panels: dict[str, list[Row]] = {}
    for row in rows:
        panels.setdefault(parents.get(row.keys[cut.by], ""), []).append(row)
    if len(panels) > 1 and len(rows) <= IN_PANELS and max(map(len, panels.values())) <= ROWS:
        return dict(sorted(panels.items())), "panels"
    shown = [r for r in rows if r.shown]
    return {"": [*shown[:ENDS], *shown[-ENDS:]] if len(shown) > 2 * ENDS else shown}, "ends"


def draw_rows(rows: Sequence[Row], look: Look, width: float) -> Canvas:
    """Draw one column of rows: name, mark with interval, number; on a narrow sheet the mark stands under the name."""
    narrow = width < WIDTH
    number = max(text_width(written(r, look), SIZE) for r in rows)
    names = [wrap(look.name(r), width - number - 14 if narrow else LABEL, SIZE) for r in rows]
    label = max(text_width(line, SIZE) for lines in names for line in lines)
    span = (8.0, width - 8) if narrow else (label + 18, width - number - 22)
    head = _HEAD if look.reference is not None else 6.0
    heights = [_STEP + _SECOND_LINE * (len(lines) - 1) + (_UNDER if narrow else 0) for lines in names]
    sheet = Canvas(head + sum(heights) + _FOOT, look.language, width=width)
    foot = head + sum(heights)
    # on a narrow sheet the upright lines stay clear of the names above the marks
    ends = [head + sum(heights[: i + 1]) for i in range(len(heights))]
    _frame(sheet, look, span, [(y - 18, y - 2) for y in ends] if narrow else [(head, foot)], foot)
    top = head
    for row, lines, height in zip(rows, names, heights, strict=True):
        middle = top + (height - (_UNDER if narrow else 0)) / 2
        name_lines(sheet, lines, middle)
        number_words(sheet, row, look, middle)
        _mark(sheet, row, look, span, top + height - 10 if narrow else middle)
        top += height
    return sheet


def draw_panels(panels: Mapping[str, Sequence[Row]], look: Look, full: float) -> Canvas:
    """Draw a small panel for every parent, in columns that are filled downwards."""
    names = [look.name(r) for rows in panels.values() for r in rows]
    count = 1 if full < WIDTH else 3 if max(text_width(n, SMALL) for n in names) <= 96 else 2
    width = (full - _PANEL_GAP * (count - 1)) / count
    columns, height = _columns({k: _PANEL_HEAD + _PANEL_STEP * len(v) for k, v in panels.items()}, count)
    sheet = Canvas(height + 26, look.language, width=full)
    label = min(max(text_width(n, SMALL) for n in names), width * 0.45)
    for column, members in enumerate(columns):
        left, top = column * (width + _PANEL_GAP), 0.0
        for parent in members:
            _panel(sheet, parent, panels[parent], look, (left, top, width, label))
            top += _PANEL_HEAD + _PANEL_STEP * len(panels[parent]) + 14
    return sheet


def draw_strip(rows: Sequence[Row], chosen: Row | None, look: Look) -> Canvas:
    """Draw the small figure beside a finding: all units quietly, the chosen one with its interval, the reference."""
    sheet = Canvas(78, look.language, width=300)
    span, middle = (14.0, 286.0), 38.0
    sheet.line([(span[0], middle), (span[1], middle)], colour="hairline")
    for row in rows:
        if row.own and row is not chosen:
            sheet.dot((look.axis.at(row.estimate, *span), middle), colour="earlier", size=5)
    _reference_line(sheet, look, span, [(24, 46)])  # not through the number below
    if chosen is not None:
        _mark(sheet, chosen, look, span, middle)
    if chosen is not None and chosen.shown:
        at = look.axis.at(chosen.estimate, *span)
        sheet.words((at, middle + 19), values.estimate(chosen), colour=look.colour(chosen), align="centre", size=SIZE)
    for tick, align in ((look.axis.low, "left"), (look.axis.high, "right")):
        place = span[0] - 8 if align == "left" else span[1] + 8
        sheet.words((place, 70), look.axis.written(tick), colour="quiet", size=SMALL, align=align)
    return sheet


def _columns(heights: Mapping[str, float], count: int) -> tuple[list[list[str]], float]:
    columns: list[list[str]] = [[] for _ in range(count)]
    used = [0.0] * count
    for name, height in heights.items():
        column = used.index(min(used))
        columns[column].append(name)
        used[column] += height + 14
    return columns, max(used)


def _frame(sheet: Canvas, look: Look, span: Span, bands: Sequence[Span], foot: float) -> None:
    for tick in look.axis.ticks:
        x = look.axis.at(tick, *span)
        for band in bands:
            sheet.line([(x, band[0]), (x, band[1])], colour="hairline", width=0.8)
        tick_words(sheet, (x, foot + 13), look.axis.written(tick))
    _reference_line(sheet, look, span, bands)


def tick_words(sheet: Canvas, at: Span, text: str) -> None:
    """Write a tick's number around a position, kept inside the sheet."""
    half = text_width(text, SMALL) / 2
    sheet.words((min(max(at[0], half), sheet.width - half), at[1]), text, colour="quiet", size=SMALL, align="centre")


def _reference_line(sheet: Canvas, look: Look, span: Span, bands: Sequence[Span]) -> None:
    if look.reference is None:
        return
    x = look.axis.at(look.reference.value, *span)
    for number, band in enumerate(bands):
        sheet.line([(x, band[0] - (0 if number else 4)), (x, band[1])], colour="quiet", width=1.2)
    first = 14.0 if len(bands) > 1 else bands[0][0] - 14
    tick_words(sheet, (x, first), f"{look.reference_name} {look.reference.text}")


def name_lines(sheet: Canvas, lines: Sequence[str], middle: float) -> None:
    """Write a row's name, one or two lines around a height."""
    top = middle - _SECOND_LINE * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        sheet.words((0, top + number * _SECOND_LINE), line)


def _mark(sheet: Canvas, row: Row, look: Look, span: Span, y: float, size: float = 9.0) -> None:
    if not row.shown:
        sheet.words((span[0] + 6, y), say(f"drawn.{row.status}", look.language), colour="quiet", size=SMALL)
        return
    colour = look.colour(row)
    if not math.isnan(row.low) and not math.isnan(row.high):
        ends = [(look.axis.at(v, *span), y) for v in (row.low, row.high)]
        sheet.line(ends, colour=colour, width=1.8)
    sheet.dot((look.axis.at(row.estimate, *span), y), colour=colour, hollow=row.status == "pooled", size=size)


def written(row: Row, look: Look) -> str:
    """Write a row's number and interval; empty where it has none."""
    return f"{values.estimate(row)}  {values.interval(row, look.language)}" if row.shown else ""


def number_words(sheet: Canvas, row: Row, look: Look, middle: float) -> None:
    """Write a row's number and, quieter, its interval at the right edge."""
    if not row.shown:
        return
    ends = values.interval(row, look.language)
    sheet.words((sheet.width, middle), ends, colour="quiet", align="right")
    room = text_width(ends, SIZE) + (8 if ends else 0)
    sheet.words((sheet.width - room, middle), values.estimate(row), colour=look.colour(row), align="right")


def _panel(sheet: Canvas, parent: str, rows: Sequence[Row], look: Look, box: tuple[float, float, float, float]) -> None:
    left, top, width, label = box
    name = look.labels.name("region", parent, look.language) if parent else say("elsewhere", look.language)
    sheet.words((left, top + 10), name, size=SIZE + 1)
    sheet.line([(left, top + 21), (left + width, top + 21)], colour="hairline")
    span, first = (left + label + 10, left + width - 36), top + 30
    foot = first + _PANEL_STEP * len(rows)
    if look.reference is not None:
        x = look.axis.at(look.reference.value, *span)
        sheet.line([(x, first - 4), (x, foot - 4)], colour="earlier")
    for number, row in enumerate(rows):
        y = first + _PANEL_STEP * (number + 0.4)
        sheet.words((left, y), wrap(look.name(row), label, SMALL, lines=1)[0], size=SMALL)
        _mark(sheet, row, look, span, y, size=6.5)
        if row.shown:
            sheet.words((left + width, y), values.estimate(row), colour="quiet", size=SMALL, align="right")
    for tick, align in ((look.axis.low, "centre"), (look.axis.high, "centre")):
        sheet.words(
            (look.axis.at(tick, *span), foot + 3), look.axis.written(tick), colour="quiet", size=10, align=align
        )
