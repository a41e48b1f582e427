"""Many units from the highest to the lowest: intervals as whiskers, all together as a line in the band of its interval.

Up to sixty units have their names; of more, the ends and every so many between them, never one over the other. Units
without a number are listed under the drawing and stand nowhere on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look, tick_words
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Row
from analysis.display.style import SMALL, WIDTH
from analysis.display.words import say

NAMED = 60
_ROOMY, _TIGHT, _SMALLEST, _TALL = 27.0, 15.0, 2.2, 900.0
_APART, _HEAD, _FOOT, _LINE, _SECOND_LINE = 14.0, 26.0, 26.0, 17.0, 12.5
Span = tuple[float, float]


def draw_caterpillar(rows: Sequence[Row], whole: Row | None, look: Look, width: float) -> Canvas:
    """Draw the units.

    Parameters
    ----------
    rows : sequence of Row
        In the order to be drawn.
    whole : Row or None
        All together; its interval is the band where the look has a reference.
    look : Look
    width : float
        Of the sheet.

    Returns
    -------
    Canvas
    """
    shown = [r for r in rows if r.shown]
    step = row_height(len(shown))
    names = {k: look.name(shown[k]) for k in named(len(shown), step)}
    label = min(max((text_width(n, SMALL) for n in names.values()), default=0.0), 190.0 if width == WIDTH else 140.0)
    number = max((text_width(_number(r, look), SMALL) for r in shown), default=0.0)
    span = (label + 14, width - number - 12)
    foot = _HEAD + step * len(shown)
    gone, kinds = below(rows, look, width), _legend(rows, whole, look)
    key = max((down + 26 for _, down in _key_places(kinds, look, width).values()), default=0.0)
    sheet = Canvas(foot + _FOOT + key + _LINE * len(gone), look.language, width=width)
    _ground(sheet, whole, look, span, foot)
    for k, row in enumerate(shown):
        _row(sheet, row, look, span, _HEAD + step * (k + 0.5), step)
    for k, name in names.items():
        lines = wrap(name, label, SMALL, lines=2 if step == _ROOMY else 1)
        _named(sheet, shown[k], lines, look, _HEAD + step * (k + 0.5))
    _key(sheet, kinds, look, foot + _FOOT + 8)
    for k, line in enumerate(gone):
        sheet.words((0, sheet.height - _LINE * (len(gone) - k - 0.5)), line, colour="quiet", size=SMALL)
    return sheet


def row_height(count: int) -> float:
    """Give the height of a row: room for a name up to sixty units, then less, so that all fit a page."""
    if count <= 30:
        return _ROOMY
    return _TIGHT if count <= NAMED else max(_SMALLEST, min(12.0, _TALL / count))


def named(count: int, step: float) -> list[int]:
    """Choose the rows that get names: all where there is room, else the ends and every tenth, fourteen units apart at least."""
    if step >= _APART:
        return list(range(count))
    every = 10 * math.ceil(_APART / (10 * step))
    last = count - 1
    between = [k for k in range(every - 1, last, every) if k * step >= _APART and (last - k) * step >= _APART]
    return [0, *between, last] if last > 0 else [0] * count


def _ground(sheet: Canvas, whole: Row | None, look: Look, span: Span, foot: float) -> None:
    banded = whole is not None and look.reference is not None and look.reference.kind == "average"
    if banded and whole is not None and not math.isnan(whole.low):
        left, right = (look.axis.at(v, *span) for v in (whole.low, whole.high))
        sheet.box((left, _HEAD), (max(right - left, 1.5), foot - _HEAD), colour="hairline")
    for tick in look.axis.ticks:
        x = look.axis.at(tick, *span)
        sheet.line([(x, _HEAD), (x, foot)], colour="hairline", width=0.8)
        tick_words(sheet, (x, foot + 13), look.axis.written(tick))
    if look.reference is not None:
        x = look.axis.at(look.reference.value, *span)
        sheet.line([(x, _HEAD - 6), (x, foot)], colour="quiet", width=1.2)
        tick_words(sheet, (x, 10), f"{look.reference_name} {look.reference.text}")


def _row(sheet: Canvas, row: Row, look: Look, span: Span, y: float, step: float) -> None:
    colour = look.colour(row)
    if not math.isnan(row.low) and not math.isnan(row.high):
        ends = [(look.axis.at(v, *span), y) for v in (row.low, row.high)]
        sheet.line(ends, colour=colour, width=1.8 if step > 10 else 1.0)
    pooled = row.status == "pooled"
    size = min(8.5, max(3.0, step * 0.75))
    sheet.dot(
        (look.axis.at(row.estimate, *span), y), colour=colour, hollow=pooled, size=max(size, 5.5) if pooled else size
    )


def _named(sheet: Canvas, row: Row, lines: Sequence[str], look: Look, y: float) -> None:
    for k, line in enumerate(lines):
        sheet.words((0, y + _SECOND_LINE * (k - (len(lines) - 1) / 2)), line, size=SMALL)
    sheet.words((sheet.width, y), _number(row, look), colour=look.colour(row), size=SMALL, align="right")


def _number(row: Row, look: Look) -> str:
    """The number, and behind it the mark of one that is not compared, which grey alone would not tell in print."""
    return values.estimate(row) + (f" {say(f'mark.{row.status}', look.language)}" if row.apart else "")


def _legend(rows: Sequence[Row], whole: Row | None, look: Look) -> list[str]:
    found = ["pooled"] if any(r.status == "pooled" and r.shown for r in rows) else []
    average = look.reference is not None and look.reference.kind == "average"
    band = ["band"] if average and whole is not None and not math.isnan(whole.low) else []
    return ["own", *found, *band] if found or band else []


def _key(sheet: Canvas, kinds: Sequence[str], look: Look, y: float) -> None:
    for kind, (x, down) in _key_places(kinds, look, sheet.width).items():
        if kind == "band":
            sheet.box((x + 4, y + down - 7), (14, 14), colour="hairline")
        else:
            sheet.line([(x, y + down), (x + 22, y + down)], colour="accent", width=1.8)
            sheet.dot((x + 11, y + down), colour="accent", hollow=kind == "pooled", size=8)
        sheet.words((x + 28, y + down), _key_words(kind, look), colour="quiet", size=SMALL)


def _key_words(kind: str, look: Look) -> str:
    return say(f"legend.{kind}", look.language, reference=look.reference_name)


def _key_places(kinds: Sequence[str], look: Look, width: float) -> dict[str, tuple[float, float]]:
    """Where the legend's entries begin, a second line where they do not fit in one."""
    places, x, down = {}, 0.0, 0.0
    for kind in kinds:
        room = 28 + text_width(_key_words(kind, look), SMALL)
        if x and x + room > width:
            x, down = 0.0, down + 19.0
        places[kind] = (x, down)
        x += room + 16
    return places


def below(rows: Sequence[Row], look: Look, width: float) -> list[str]:
    """List the units without a number, a status a line; names that do not fit are counted."""
    gone: dict[str, list[str]] = {}
    for row in rows:
        if not row.shown:
            gone.setdefault(say(f"drawn.{row.status}", look.language), []).append(look.name(row))
    return [line for why, names in gone.items() for line in _listing(why, names, look.language, width)]


def _listing(why: str, names: Sequence[str], language: str, width: float) -> list[str]:
    comma = say("list.comma", language)
    for kept in range(len(names), 0, -1):
        told = comma.join(names[:kept])
        if kept < len(names):
            told = say("listed.more", language, names=told, count=len(names) - kept)
        lines = wrap(say("listed", language, why=why, names=told), width, SMALL, lines=3)
        if not lines[-1].endswith("...") or kept == 1:
            return lines
    return []
