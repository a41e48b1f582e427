"""Few rows told in full: name, n, line with its interval, number and interval in words, all together as a diamond below."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look, name_lines, number_words, tick_words, written
from analysis.display.glyphs import text_width, wrap
from analysis.display.labels import capital
from analysis.display.rows import Cut, Row
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say
from analysis.tidy import ALL

ROWS = 30
LABEL = 190.0
_STEP, _SECOND_LINE, _UNDER, _HEAD, _FOOT = 26.0, 14.0, 18.0, 44.0, 28.0
Span = tuple[float, float]


def choose(cut: Cut) -> list[Row]:
    """Give the rows that are drawn, in their order: at most 30, of more the ends; unranked the first ones."""
    rows = cut.ordered()
    if len(rows) <= ROWS:
        return rows
    return [*rows[: ROWS // 2], *[r for r in rows if r.shown][-ROWS // 2 :]] if cut.ranked else rows[:ROWS]


def draw_forest(rows: Sequence[Row], whole: Row | None, look: Look, width: float) -> Canvas:
    """Draw the rows, and all together below them where it has a number; on a narrow sheet a line stands under its name."""
    narrow = width < WIDTH
    every = [*rows, *([whole] if whole is not None and whole.shown else [])]
    number = max(text_width(written(r, look), SIZE) for r in every)
    names = [wrap(look.name(r), width - number - 14 if narrow else LABEL, SIZE) for r in every]
    label = max(text_width(line, SIZE) for lines in names for line in lines)
    counted = max(text_width(_n(r, look, narrow), SMALL) for r in every)
    left = counted if narrow else label + 16 + max(counted, text_width(say("n", look.language), SMALL))
    span = (left + 18, width - (8 if narrow else number + 22))
    heights = [_STEP + _SECOND_LINE * (len(lines) - 1) + (_UNDER if narrow else 0) for lines in names]
    head = _HEAD if not narrow else 28.0 if look.reference is not None else 6.0
    ends = [head + sum(heights[: k + 1]) for k in range(len(heights))]
    foot = ends[-1]
    sheet = Canvas(foot + _FOOT, look.language, width=width)
    _heads(sheet, look, left, narrow)
    _ground(sheet, look, span, [(y - 20, y - 2) for y in ends] if narrow else [(head, foot)], foot)
    for row, lines, end, height in zip(every, names, ends, heights, strict=True):
        if row is whole:
            sheet.line([(0, end - height), (width, end - height)], colour="hairline")
        middle = end - height + (height - (_UNDER if narrow else 0)) / 2
        name_lines(sheet, lines, middle)
        number_words(sheet, row, look, middle)
        y, side = (end - 11, "left") if narrow else (middle, "right")
        sheet.words((0 if narrow else left, y), _n(row, look, narrow), colour="quiet", size=SMALL, align=side)
        (_diamond if row is whole else _line)(sheet, row, look, span, y)
    return sheet


def _heads(sheet: Canvas, look: Look, left: float, narrow: bool) -> None:
    if not narrow:
        units = look.labels.heading(look.by, look.language) if look.by != ALL else ""
        sheet.words((0, 30), capital(units), colour="quiet", size=SMALL)
        sheet.words((left, 30), say("n", look.language), colour="quiet", size=SMALL, align="right")
        sheet.words((sheet.width, 30), say("forest.estimate", look.language), colour="quiet", size=SMALL, align="right")
        sheet.line([(0, _HEAD - 4), (sheet.width, _HEAD - 4)], colour="hairline")


def _ground(sheet: Canvas, look: Look, span: Span, bands: Sequence[Span], foot: float) -> None:
    for tick in look.axis.ticks:
        x = look.axis.at(tick, *span)
        sheet.lines([[(x, top), (x, end)] for top, end in bands], colour="hairline", width=0.8)
        tick_words(sheet, (x, foot + 13), look.axis.written(tick))
    if look.reference is not None:
        x = look.axis.at(look.reference.value, *span)
        sheet.lines([[(x, top), (x, end)] for top, end in bands], colour="quiet", width=1.2)
        tick_words(sheet, (x, 12), f"{look.reference_name} {look.reference.text}")


def _n(row: Row, look: Look, narrow: bool) -> str:
    text = values.count(row.n)
    return say("forest.n", look.language, n=text) if narrow and text else text


def _line(sheet: Canvas, row: Row, look: Look, span: Span, y: float) -> None:
    if not row.shown:
        sheet.words((span[0] + 6, y), say(f"drawn.{row.status}", look.language), colour="quiet", size=SMALL)
        return
    colour = look.colour(row)
    if not math.isnan(row.low) and not math.isnan(row.high):
        left, right = (look.axis.at(v, *span) for v in (row.low, row.high))
        sheet.line([(left, y), (right, y)], colour=colour, width=1.8)
        sheet.lines([[(x, y - 4), (x, y + 4)] for x in (left, right)], colour=colour, width=1.4)
    sheet.dot((look.axis.at(row.estimate, *span), y), colour=colour, hollow=row.status == "pooled")


def _diamond(sheet: Canvas, row: Row, look: Look, span: Span, y: float) -> None:
    middle = look.axis.at(row.estimate, *span)
    known = not math.isnan(row.low) and not math.isnan(row.high)
    left, right = (look.axis.at(v, *span) for v in (row.low, row.high)) if known else (middle, middle)
    corners = [(min(left, middle - 4), y), (middle, y - 7), (max(right, middle + 4), y), (middle, y + 7)]
    sheet.shape(corners, colour="quiet")
