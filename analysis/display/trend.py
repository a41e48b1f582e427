"""Waves from left to right: one small panel a unit, this wave in the accent, earlier waves in quiet ink."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Cut, Row
from analysis.display.sentences import reference_of, verdict
from analysis.display.style import SIZE, WIDTH
from analysis.display.words import say

PANELS = 12
_GAP, _HEAD, _PLOT, _FOOT = 28.0, 34.0, 104.0, 34.0


def choose_panels(cuts: Mapping[str, Cut]) -> list[str]:
    """Choose the units to draw: those lowest in the latest wave first, at most twelve; units without numbers last."""

    def latest(unit: str) -> tuple[bool, float, str]:
        last = _in_order(cuts[unit])[-1]
        return (not last.shown, last.estimate if last.shown else 0.0, unit)

    return sorted(cuts, key=latest)[:PANELS]


def draw_trend(cuts: Mapping[str, Cut], whole: Sequence[Row], waves: Sequence[str], look: Look, full: float) -> Canvas:
    """Draw the units' lines over the waves.

    Parameters
    ----------
    cuts : mapping of unit to Cut by wave
        One unit ``*`` alone gives one wide panel.
    whole : sequence of Row
        The rows of all units together, drawn quietly in every panel; may be empty.
    waves : sequence of str
        In order; the last one is this wave.
    look : Look
    full : float
        Width of the sheet.

    Returns
    -------
    Canvas
    """
    units = choose_panels(cuts)
    per_row = min(len(units), 3 if full == WIDTH else 2)
    width = (full - _GAP * (per_row - 1)) / per_row
    rows = math.ceil(len(units) / per_row)
    plot = _PLOT * (1.5 if len(units) == 1 else 1)
    sheet = Canvas(rows * (_HEAD + plot + _FOOT), look.language, width=full)
    for number, unit in enumerate(units):
        left, top = number % per_row * (width + _GAP), number // per_row * (_HEAD + plot + _FOOT)
        _panel(sheet, unit, _in_order(cuts[unit]), whole, waves, look, (left, top, width, plot))
    return sheet


def moves_since(lines: Mapping[str, Cut], waves: Sequence[str], span: float) -> dict[str, str]:
    """Compare each unit's latest wave with the one before, by `verdict`; empty where there is one wave only."""
    if len(waves) < 2:
        return {}
    found = {}
    for unit, line in lines.items():
        rows = {r.keys["wave"]: r for r in line.rows}
        now, before = rows.get(waves[-1]), rows.get(waves[-2])
        if now is not None:
            found[unit] = verdict(now, reference_of(before, "previous"), span)
    return found


def _in_order(cut: Cut) -> list[Row]:
    return sorted(cut.rows, key=lambda r: r.keys["wave"])


def _panel(
    sheet: Canvas,
    unit: str,
    rows: Sequence[Row],
    whole: Sequence[Row],
    waves: Sequence[str],
    look: Look,
    box: tuple[float, float, float, float],
) -> None:
    left, top, width, plot = box
    name = look.labels.unit(look.by, unit, look.language)
    sheet.words((left, top + 10), wrap(name, width, SIZE, lines=1)[0])
    high, low = top + _HEAD, top + _HEAD + plot
    edge = left + max(text_width(look.axis.written(tick), 10) for tick in look.axis.ticks)
    first, last = edge + 16, left + width - 44
    xs = {w: first + (last - first) * (i / max(len(waves) - 1, 1)) for i, w in enumerate(waves)}
    for tick in look.axis.ticks:
        y = look.axis.at(tick, low, high)
        sheet.line([(edge + 6, y), (last + 8, y)], colour="hairline", width=0.8)
        sheet.words((edge, y), look.axis.written(tick), colour="quiet", size=10, align="right")
    names = {w: look.labels.unit("wave", w, look.language) for w in waves}
    if sum(text_width(name, 10) for name in names.values()) + 40 >= last - first + 60:
        names = _short(waves)
    for wave, x in xs.items():
        short = names[wave]
        middle = max(x, left + text_width(short, 10) / 2)  # the first wave's name does not leave the sheet
        sheet.words((middle, low + 15), short, colour="quiet", size=10, align="centre")
    _quiet(sheet, whole, xs, look, (low, high))
    _own(sheet, rows, xs, look, (low, high), waves[-1])


def _short(waves: Sequence[str]) -> dict[str, str]:
    """Names of waves where there is little room: the years alone where all are the same months."""
    parted = {wave: wave.partition("-") for wave in waves}
    same = len({rest for _, _, rest in parted.values()}) == 1
    return {wave: year if same else wave for wave, (year, _, _) in parted.items()}


def _quiet(sheet: Canvas, whole: Sequence[Row], xs: Mapping[str, float], look: Look, span: tuple[float, float]) -> None:
    points = [(xs[r.keys["wave"]], look.axis.at(r.estimate, *span)) for r in whole if r.own]
    if len(points) > 1:
        sheet.line(points, colour="hairline", width=2.5)


def _own(
    sheet: Canvas,
    rows: Sequence[Row],
    xs: Mapping[str, float],
    look: Look,
    span: tuple[float, float],
    this: str,
) -> None:
    shown = [r for r in rows if r.shown]
    points = [(xs[r.keys["wave"]], look.axis.at(r.estimate, *span)) for r in shown]
    for k in range(len(points) - 1):
        if not (shown[k].apart or shown[k + 1].apart):  # the line breaks where two waves are not compared
            sheet.line(points[k : k + 2], colour="earlier", width=1.2)
    for row, (x, y) in zip(shown, points, strict=True):
        colour = "accent" if row.keys["wave"] == this else "earlier"
        if not math.isnan(row.low) and not math.isnan(row.high):
            ends = [(x, look.axis.at(v, *span)) for v in (row.low, row.high)]
            sheet.line(ends, colour=colour, width=1.6)
        sheet.dot((x, y), colour=colour, hollow=row.status == "pooled", size=7.5)
        if row.keys["wave"] == this:
            sheet.words((x + 8, y), values.estimate(row), colour="accent")
    for row in rows:
        if not row.shown:
            at = (xs[row.keys["wave"]], span[0] - 8)
            sheet.words(at, say(f"mark.{row.status}", look.language), colour="quiet", size=10, align="centre")
