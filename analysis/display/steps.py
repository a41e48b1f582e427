"""A chain of steps: how many of all get there, and how many of those who stood on the step before go on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look
from analysis.display.rows import Row
from analysis.display.glyphs import text_width, wrap
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

LABEL = 190.0
_STEP, _FOOT = 58.0, 30.0


def draw_steps(reached: Sequence[Row], going_on: Sequence[Row | None], look: Look) -> Canvas:
    """Draw a line as long as the share that reached each step, with its interval, and the share of those before.

    Parameters
    ----------
    reached : sequence of Row
        Shares of all, in the order of the chain.
    going_on : sequence of Row or None
        Shares of those on the step before; None where nothing stands before.
    look : Look

    Returns
    -------
    Canvas
    """
    lines = [wrap(look.labels.term(r.keys["term"], look.language), LABEL, SIZE) for r in reached]
    label = max(text_width(line, SIZE) for name in lines for line in name)
    number = max(text_width(_numbers(r, look), SIZE) for r in reached)
    span = (label + 18, WIDTH - number - 22)
    foot = 6 + _STEP * len(reached)
    sheet = Canvas(foot + _FOOT, look.language)
    for tick in look.axis.ticks:
        x = look.axis.at(tick, *span)
        sheet.line([(x, 4), (x, foot)], colour="hairline", width=0.8)
        sheet.words((x, foot + 13), look.axis.written(tick), colour="quiet", size=SMALL, align="centre")
    for number_of, (row, on, name) in enumerate(zip(reached, going_on, lines, strict=True)):
        _step(sheet, row, on, name, look, span, 6 + _STEP * (number_of + 0.5))
    return sheet


def _step(
    sheet: Canvas,
    row: Row,
    on: Row | None,
    name: Sequence[str],
    look: Look,
    span: tuple[float, float],
    y: float,
) -> None:
    for number, line in enumerate(name):
        sheet.words((0, y - 7 * (len(name) - 1) + 14 * number), line)
    if not row.shown:
        sheet.words((span[0] + 6, y), say(f"mark.{row.status}", look.language), colour="quiet", size=SMALL)
        return
    at = look.axis.at(row.estimate, *span)
    sheet.line([(span[0], y), (at, y)], colour="accent", width=7)
    if not math.isnan(row.low) and not math.isnan(row.high):
        ends = [(look.axis.at(v, *span), y) for v in (row.low, row.high)]
        sheet.line(ends, colour="ink", width=1.4)
    sheet.words((WIDTH, y), _numbers(row, look), align="right")
    if on is not None and on.shown:
        share = values.estimate(on)
        sheet.words((span[0] + 2, y + 17), say("measure.of_them", look.language, share=share), colour="quiet", size=SMALL)


def _numbers(row: Row, look: Look) -> str:
    return f"{values.estimate(row)}  {values.interval(row, look.language)}" if row.shown else ""
