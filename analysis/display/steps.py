"""A chain of steps: how many of all get there, and how many of those who stood on the step before go on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look, name_lines, number_words, tick_words, written
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Row
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

LABEL = 190.0
_STEP, _UNDER, _FOOT = 56.0, 18.0, 28.0


def draw_steps(reached: Sequence[Row], going_on: Sequence[Row | None], look: Look, width: float) -> Canvas:
    """Draw a line as long as the share that reached each step, with its interval, and the share of those before.

    Parameters
    ----------
    reached : sequence of Row
        Shares of all, in the order of the chain.
    going_on : sequence of Row or None
        Shares of those on the step before; None where nothing stands before.
    look : Look
    width : float
        Of the sheet; on a narrow one the line stands under the name.

    Returns
    -------
    Canvas
    """
    narrow = width < WIDTH
    lines = [wrap(look.labels.term(r.keys["term"], look.language), LABEL, SIZE) for r in reached]
    label = max(text_width(line, SIZE) for name in lines for line in name)
    number = max(text_width(written(r, look), SIZE) for r in reached)
    span = (8.0, width - 8) if narrow else (label + 18, width - number - 22)
    step = _STEP + (_UNDER if narrow else 0)
    foot = 6 + step * len(reached)
    sheet = Canvas(foot + _FOOT, look.language, width=width)
    for tick in look.axis.ticks:
        x = look.axis.at(tick, *span)
        if not narrow:
            sheet.line([(x, 4), (x, foot)], colour="hairline", width=0.8)
        tick_words(sheet, (x, foot + 13), look.axis.written(tick))
    for place, (row, on, name) in enumerate(zip(reached, going_on, lines, strict=True)):
        top = 6 + step * place
        middle = top + _STEP / 2 - (_STEP / 2 - 12 if narrow else 0)
        name_lines(sheet, name, middle)
        number_words(sheet, row, look, middle)
        _step(sheet, row, on, look, span, middle + (_UNDER + 6 if narrow else 0))
    return sheet


def _step(
    sheet: Canvas,
    row: Row,
    on: Row | None,
    look: Look,
    span: tuple[float, float],
    y: float,
) -> None:
    if not row.shown:
        sheet.words((span[0] + 6, y), say(f"drawn.{row.status}", look.language), colour="quiet", size=SMALL)
        return
    at = look.axis.at(row.estimate, *span)
    sheet.line([(span[0], y), (at, y)], colour="accent", width=7)
    if not math.isnan(row.low) and not math.isnan(row.high):
        ends = [(look.axis.at(v, *span), y) for v in (row.low, row.high)]
        sheet.line(ends, colour="ink", width=1.4)
    if on is not None and on.shown:
        share = values.estimate(on)
        sheet.words(
            (span[0] + 2, y + 17), say("measure.of_them", look.language, share=share), colour="quiet", size=SMALL
        )
