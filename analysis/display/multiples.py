"""Waves from left to right, a small panel a unit on one scale: its intervals as a band, the others as quiet lines behind.

A line and its band break where two waves are not compared and where the wave between them has no number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from analysis.display import values
from analysis.display.canvas import Canvas, Point
from analysis.display.dots import Look
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Cut, Row
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

PANELS = 24
_GAP, _HEAD, _SECOND_LINE, _PLOT, _FOOT, _TICK = 22.0, 26.0, 14.0, 100.0, 30.0, 10.5
Span = tuple[float, float]


def choose_panels(lines: Mapping[str, Cut], *, ranked: bool) -> list[str]:
    """Choose the units to draw, at most 24: the lowest in the latest wave first, without numbers last; unranked as given."""

    def latest(unit: str) -> tuple[bool, float, str]:
        last = in_order(lines[unit])[-1]
        return (not last.shown, last.estimate if last.shown else 0.0, unit)

    return (sorted(lines, key=latest) if ranked else list(lines))[:PANELS]


def draw_multiples(
    lines: Mapping[str, Cut], waves: Sequence[str], look: Look, full: float, *, others: bool = True
) -> Canvas:
    """Draw a panel for each unit.

    Parameters
    ----------
    lines : mapping of unit to Cut by wave
        In the order to be drawn.
    waves : sequence of str
        In order; the last one is this wave.
    look : Look
    full : float
        Width of the sheet.
    others : bool
        Draw the other units' lines quietly in every panel.

    Returns
    -------
    Canvas
    """
    per_row = min(len(lines), 4 if full == WIDTH else 2)
    width = (full - _GAP * (per_row - 1)) / per_row
    names = {u: wrap(look.labels.unit(look.by, u, look.language), width, SIZE) for u in lines}
    head = _HEAD + _SECOND_LINE * (max(map(len, names.values())) - 1)
    tall = head + _PLOT + _FOOT
    sheet = Canvas(-(-len(lines) // per_row) * tall, look.language, width=full)
    for number, unit in enumerate(lines):
        left, top = number % per_row * (width + _GAP), number // per_row * tall
        box = (left, top + head, width)
        for k, text in enumerate(names[unit]):
            sheet.words((left, top + head - 15 - _SECOND_LINE * (len(names[unit]) - 1 - k)), text)
        xs = _ground(sheet, waves, look, box)
        span = (top + head + _PLOT, top + head)
        behind = [in_order(line) for other, line in lines.items() if other != unit and others]
        sheet.lines(
            [_points(run, xs, look, span) for rows in behind for run in runs(rows) if len(run) > 1], colour="hairline"
        )
        _own(sheet, in_order(lines[unit]), xs, look, span)
    return sheet


def in_order(line: Cut) -> list[Row]:
    """Give a unit's rows from the first wave to the last."""
    return sorted(line.rows, key=lambda r: r.keys["wave"])


def runs(rows: Sequence[Row]) -> list[list[Row]]:
    """Part a unit's rows into runs that may be joined by a line: no gap, and nothing that is not compared."""
    found: list[list[Row]] = [[]]
    for row in rows:
        if not row.shown:
            found.append([])
        elif row.apart or (found[-1] and found[-1][-1].apart):
            found.append([row])
        else:
            found[-1].append(row)
    return [run for run in found if run]


def _ground(sheet: Canvas, waves: Sequence[str], look: Look, box: tuple[float, float, float]) -> dict[str, float]:
    left, top, width = box
    edge = left + max(text_width(look.axis.written(t), _TICK) for t in look.axis.ticks)
    first, last = edge + 14, left + width - 38
    xs = {w: first + (last - first) * (k / max(len(waves) - 1, 1)) for k, w in enumerate(waves)}
    for tick in look.axis.ticks:
        y = look.axis.at(tick, top + _PLOT, top)
        sheet.line([(edge + 5, y), (last + 6, y)], colour="hairline", width=0.6)
        sheet.words((edge, y), look.axis.written(tick), colour="quiet", size=_TICK, align="right")
    names = [look.labels.unit("wave", w, look.language) for w in waves]
    room = (last - first) / max(len(waves) - 1, 1) - 4
    fit = all(text_width(n, _TICK) <= room for n in names)
    for wave, name in zip(waves, names, strict=True):
        sheet.words((xs[wave], top + _PLOT + 14), name if fit else wave, colour="quiet", size=_TICK, align="centre")
    return xs


def _points(rows: Sequence[Row], xs: Mapping[str, float], look: Look, span: Span) -> list[Point]:
    return [(xs[r.keys["wave"]], look.axis.at(r.estimate, *span)) for r in rows]


def _own(sheet: Canvas, rows: Sequence[Row], xs: Mapping[str, float], look: Look, span: Span) -> None:
    for run in runs(rows):
        _ribbon(sheet, run, xs, look, span)
        sheet.lines([_points(run, xs, look, span)] if len(run) > 1 else [], colour="accent", width=1.8)
    for row in rows:
        x = xs[row.keys["wave"]]
        if not row.shown:
            sheet.words(
                (x, span[1] + 6), say("mark.withheld", look.language), colour="quiet", size=SMALL, align="centre"
            )
            continue
        y = look.axis.at(row.estimate, *span)
        colour = "earlier" if row.apart else "accent"
        sheet.dot((x, y), colour=colour, hollow=row.status == "pooled", size=7)
        if row is rows[-1]:
            mark = f" {say(f'mark.{row.status}', look.language)}" if row.apart else ""
            sheet.words((x + 7, y), values.estimate(row) + mark, colour=colour, size=SMALL)


def _ribbon(sheet: Canvas, run: Sequence[Row], xs: Mapping[str, float], look: Look, span: Span) -> None:
    """The intervals: a band along a run, a whisker where a wave stands alone."""
    known = [r for r in run if not math.isnan(r.low) and not math.isnan(r.high)]
    ends = [(xs[r.keys["wave"]], look.axis.at(r.low, *span), look.axis.at(r.high, *span)) for r in known]
    if len(known) == len(run) > 1:
        corners = [(x, low) for x, low, _ in ends] + [(x, high) for x, _, high in reversed(ends)]
        sheet.shape(corners, colour="accent", faint=True)
    else:
        colour = "earlier" if any(r.apart for r in run) else "accent"
        sheet.lines([[(x, low), (x, high)] for x, low, high in ends], colour=colour, width=1.6)
