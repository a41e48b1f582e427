"""Before and after against a goal: how far each unit stood from where it should stand, and whether that was mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look, name_lines, tick_words
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Row
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

ROWS = 30
LABEL = 210.0
_STEP, _SECOND_LINE, _UNDER, _FOOT = 24.0, 14.0, 16.0, 28.0


@dataclass(frozen=True, slots=True)
class Shift:
    """One unit: where it stood, where it stands, where it should.

    Attributes
    ----------
    before, after, goal : Row
    """

    before: Row
    after: Row
    goal: Row

    @property
    def gap(self) -> float:
        """How far below the goal it stood; 0 where one of the two is not shown."""
        return self.goal.estimate - self.before.estimate if self.before.shown and self.goal.shown else 0.0

    @property
    def rows(self) -> tuple[Row, Row, Row]:
        """The three rows."""
        return self.before, self.after, self.goal


def chosen(shifts: Sequence[Shift], ranked: bool) -> list[Shift]:
    """Give those that are drawn: at most 30, the widest gaps; from the one furthest below its goal down."""
    widest = sorted(shifts, key=lambda s: -abs(s.gap))[:ROWS] if len(shifts) > ROWS else list(shifts)
    return sorted(widest, key=lambda s: -s.gap) if ranked else widest


def draw_shifts(shifts: Sequence[Shift], look: Look, width: float) -> Canvas:
    """Draw a line from each unit's hollow mark to its full one, with an upright stroke at its goal."""
    narrow = width < WIDTH
    number = max(text_width(_written(s, look), SIZE) for s in shifts)
    names = [wrap(look.name(s.goal), width - number - 14 if narrow else LABEL, SIZE) for s in shifts]
    label = max(text_width(line, SIZE) for lines in names for line in lines)
    span = (8.0, width - 8) if narrow else (label + 18, width - number - 22)
    heights = [_STEP + _SECOND_LINE * (len(lines) - 1) + (_UNDER if narrow else 0) for lines in names]
    foot = 6.0 + sum(heights)
    sheet = Canvas(foot + _FOOT, look.language, width=width)
    for tick in look.axis.ticks:
        x = look.axis.at(tick, *span)
        if not narrow:
            sheet.line([(x, 4), (x, foot)], colour="hairline", width=0.8)
        tick_words(sheet, (x, foot + 13), look.axis.written(tick))
    top = 6.0
    for shift, lines, height in zip(shifts, names, heights, strict=True):
        middle = top + (height - (_UNDER if narrow else 0)) / 2
        name_lines(sheet, lines, middle)
        sheet.words((width, middle), _written(shift, look), colour="quiet", align="right")
        _marks(sheet, shift, look, span, top + height - 10 if narrow else middle)
        top += height
    return sheet


def _marks(sheet: Canvas, shift: Shift, look: Look, span: tuple[float, float], y: float) -> None:
    if not shift.before.shown:
        text = say(f"drawn.{shift.before.status}", look.language)
        sheet.words((span[0] + 6, y), text, colour="quiet", size=SMALL)
        return
    at = [look.axis.at(r.estimate, *span) if r.shown else None for r in shift.rows]
    if at[1] is not None:
        sheet.line([(at[0] or 0.0, y), (at[1], y)], colour="earlier", width=1.8)
    if at[2] is not None:
        sheet.line([(at[2], y - 8), (at[2], y + 8)], colour="ink", width=1.8)
    sheet.dot((at[0] or 0.0, y), colour="counter", hollow=True)
    if at[1] is not None:
        sheet.dot((at[1], y), colour="accent")


def _written(shift: Shift, look: Look) -> str:
    """The numbers at the right edge: before, after, and the goal."""
    if not shift.before.shown:
        return ""
    shown = {k: values.estimate(r) for k, r in zip(("before", "after", "goal"), shift.rows, strict=True) if r.shown}
    return (
        say("shift.numbers" if "goal" in shown else "shift.without", look.language, **shown) if "after" in shown else ""
    )
