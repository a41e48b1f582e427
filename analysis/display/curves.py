"""Curves over time, in steps, with their intervals as pale bands: up to four units in one drawing, of more a small panel each.

A curve ends where its next number may not be shown; a small square stands there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.display import values
from analysis.display.canvas import Canvas, Point
from analysis.display.caterpillar import below
from analysis.display.curve_rows import FROM, Curve, Curves
from analysis.display.dots import Look
from analysis.display.glyphs import text_width, wrap
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

TOGETHER, PANELS = 4, 24
STEPS = {"days": (1, 2, 5, 10, 15, 30, 60, 90, 180, 365, 730, 1825), "months": (1, 2, 3, 6, 12, 24, 60, 120)}
# Up to four in one drawing are told apart by colour and weight, and by their names at the end.
STROKES = (("accent", 2.2), ("ink", 2.2), ("accent", 1.1), ("ink", 1.1))
_TALL, _TALL_NARROW, _PANEL, _LINE, _NAME_LINE, _TICK = 300.0, 260.0, 100.0, 17.0, 13.5, 10.5
_SQUARE, _TAIL = 6.5, 5.0
_MARGIN, _MARGIN_NARROW, _GAP, _HEAD, _SECOND_LINE, _FOOT = 176.0, 108.0, 22.0, 26.0, 14.0, 32.0


@dataclass(frozen=True, slots=True)
class Clock:
    """The time axis: from 0 to its end, with ticks, in a unit."""

    end: float
    ticks: tuple[float, ...]
    unit: str

    def written(self, tick: float) -> str:
        """Write a tick."""
        return f"{tick:,.0f}"


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a drawing's axes lie: left and right, foot and top."""

    left: float
    right: float
    foot: float
    top: float
    look: Look
    clock: Clock

    def at(self, time: float, value: float) -> Point:
        """Place a time and a value."""
        x = self.left + (self.right - self.left) * min(time / self.clock.end, 1.0)
        return x, self.look.axis.at(value, self.foot, self.top)


def clock_for(curves: Curves, unit: str, ticks: int = 6) -> Clock:
    """Choose the time axis: whole steps that people count in."""
    end = max((t for c in curves.every for t in c.times), default=1.0) or 1.0
    step = next((s for s in STEPS[unit] if end / s <= ticks), 10 ** math.ceil(math.log10(end / ticks)))
    return Clock(end, tuple(float(step) * k for k in range(int(end / step + 1e-9) + 1)), unit)


def ordered(curves: Curves, *, ranked: bool) -> list[Curve]:
    """Order the units by what they have at the time they are compared at, the lowest first; unranked as given."""
    last = curves.last()

    def standing(curve: Curve) -> tuple[bool, float, str]:
        row = curve.at(last)
        return (row is None, row.estimate if row is not None else curve.drawn[-1][1].estimate, curve.unit)

    return sorted(curves.shown, key=standing) if ranked else curves.shown


def draw_curves(curves: Curves, units: Sequence[Curve], look: Look, unit: str, width: float) -> Canvas:
    """Draw the units, all together in grey behind them, and name those without a number below.

    Parameters
    ----------
    curves : Curves
    units : sequence of Curve
        Those to be drawn, in order; none: all together alone.
    look : Look
    unit : {"days", "months"}
    width : float
        Of the sheet.

    Returns
    -------
    Canvas
    """
    gone = below([c.rows[0] for c in curves.units if not c.length], look, width)
    if not curves.every:
        return _with_words(Canvas(4 + _LINE * len(gone), look.language, width=width), gone)
    draw = _together if len(units) <= TOGETHER else _panels
    return _with_words(draw(curves, units, look, unit, width, _LINE * len(gone)), gone)


def _with_words(sheet: Canvas, lines: Sequence[str]) -> Canvas:
    for k, line in enumerate(lines):
        sheet.words((0, sheet.height - _LINE * (len(lines) - k - 0.5)), line, colour="quiet", size=SMALL)
    return sheet


def _together(curves: Curves, units: Sequence[Curve], look: Look, unit: str, width: float, under: float) -> Canvas:
    wide = width == WIDTH
    tall, margin = (_TALL, _MARGIN) if wide else (_TALL_NARROW, _MARGIN_NARROW)
    edge = max(text_width(look.axis.written(t), SMALL) for t in look.axis.ticks)
    sheet = Canvas(10 + tall + 46 + under, look.language, width=width)
    frame = Frame(edge + 10, width - margin, 10 + tall, 10.0, look, clock_for(curves, unit, 6 if wide else 4))
    _ground(sheet, frame, SMALL)
    name = say(f"curves.time.{unit}", look.language)
    sheet.words((frame.right, frame.foot + 34), name, align="right")
    alone = not units
    if curves.whole is not None and not alone:
        _curve(sheet, curves.whole, frame, "earlier", 1.4, band=False)
    own = [*units] if units else [c for c in (curves.whole,) if c is not None]
    for k, curve in enumerate(own):
        _band(sheet, curve, frame, STROKES[k][0])
    for k, curve in enumerate(own):
        _curve(sheet, curve, frame, *STROKES[k])
    quiet = [(curves.whole, "quiet")] if curves.whole is not None and curves.whole.length and not alone else []
    _ends(sheet, [*((c, STROKES[k][0]) for k, c in enumerate(own)), *quiet], frame, margin - 22)
    return sheet


def _panels(curves: Curves, units: Sequence[Curve], look: Look, unit: str, width: float, under: float) -> Canvas:
    per_row = 4 if width == WIDTH else 2
    wide = (width - _GAP * (per_row - 1)) / per_row
    names = {c.unit: wrap(look.name(c.rows[0]), wide, SIZE) for c in units}
    head = _HEAD + _SECOND_LINE * (max(map(len, names.values())) - 1)
    step = head + _PANEL + _FOOT
    rows = -(-len(units) // per_row)
    sheet = Canvas(rows * step + 18 + under, look.language, width=width)
    edge = max(text_width(look.axis.written(t), _TICK) for t in look.axis.ticks)
    for k, curve in enumerate(units):
        left, top = k % per_row * (wide + _GAP), k // per_row * step
        frame = Frame(
            left + edge + 6, left + wide - 34, top + head + _PANEL, top + head, look, clock_for(curves, unit, 3)
        )
        for n, text in enumerate(names[curve.unit]):
            sheet.words((left, top + head - 15 - _SECOND_LINE * (len(names[curve.unit]) - 1 - n)), text)
        _ground(sheet, frame, _TICK)
        if curves.whole is not None:
            _curve(sheet, curves.whole, frame, "earlier", 1.2, band=False)
        _band(sheet, curve, frame, "accent")
        _curve(sheet, curve, frame, "accent", 1.8)
        time, row = curve.drawn[-1]
        x, y = frame.at(time, row.estimate)
        sheet.named((x + 8, y), values.estimate(row), size=SMALL, colour="accent")
    name = say(f"curves.time.{unit}", look.language)
    sheet.words((0, rows * step + 6), name, colour="quiet", size=SMALL)
    return sheet


def _ground(sheet: Canvas, frame: Frame, size: float) -> None:
    for tick in frame.look.axis.ticks:
        _, y = frame.at(0, tick)
        sheet.line([(frame.left, y), (frame.right, y)], colour="hairline", width=0.8)
        sheet.words((frame.left - 5, y), frame.look.axis.written(tick), colour="quiet", size=size, align="right")
    for tick in frame.clock.ticks:
        x, _ = frame.at(tick, 0)
        sheet.line([(x, frame.foot), (x, frame.foot + 4)], colour="earlier", width=0.8)
        sheet.words((x, frame.foot + 14), frame.clock.written(tick), colour="quiet", size=size, align="centre")


def steps(pairs: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Give the corners of a curve that keeps each value until the next time."""
    for k, (time, value) in enumerate(pairs):
        if k:
            yield time, pairs[k - 1][1]
        yield time, value


def _points(curve: Curve, which: str) -> list[tuple[float, float]]:
    """Times and values of a curve or an end of its interval; before anything happened it has none, and stands at the curve."""
    found = []
    for time, row in curve.drawn:
        value = float(getattr(row, which))
        found.append((time, row.estimate if math.isnan(value) else value))
    start = FROM.get(curve.rows[0].keys["statistic"], 0.0)
    return found if not found or found[0][0] == 0 else [(0.0, start), *found]


def _band(sheet: Canvas, curve: Curve, frame: Frame, colour: str) -> None:
    low, high = (list(steps(_points(curve, which))) for which in ("low", "high"))
    if low != high:
        corners = [frame.at(*p) for p in low] + [frame.at(*p) for p in reversed(high)]
        sheet.shape(corners, colour=colour, faint=True)
        (x, foot), (_, top) = frame.at(*low[-1]), frame.at(*high[-1])  # the last interval, which no step follows
        sheet.shape([(x, foot), (x + _TAIL, foot), (x + _TAIL, top), (x, top)], colour=colour, faint=True)


def _curve(sheet: Canvas, curve: Curve, frame: Frame, colour: str, weight: float, *, band: bool = True) -> None:
    """A curve, and the square where it breaks off (not for the quiet one behind)."""
    if not curve.length:
        return
    points = [frame.at(*p) for p in steps(_points(curve, "estimate"))]
    sheet.line(points, colour=colour, width=weight)
    if curve.ended is not None and band:
        (x, y), half = points[-1], _SQUARE / 2
        corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
        sheet.shape(corners, colour=colour)


def _ends(sheet: Canvas, curves: Sequence[tuple[Curve, str]], frame: Frame, room: float) -> None:
    """Write name and number at the right of each curve, moved apart where they would touch, with a leader to its end."""
    told = []
    for curve, colour in curves:
        time, row = curve.drawn[-1]
        lines = wrap(f"{frame.look.name(row)} {values.estimate(row)}", room, SMALL, lines=3)
        told.append((frame.at(time, row.estimate), lines, colour))
    middles = apart([(at[1], _NAME_LINE * len(lines) + 3) for at, lines, _ in told], 0.0, frame.foot + 8)
    for (at, lines, colour), middle in zip(told, middles, strict=True):
        sheet.line(
            [(at[0] + 6, at[1]), (frame.right + 5, at[1]), (frame.right + 16, middle)], colour="earlier", width=0.6
        )
        for k, line in enumerate(lines):
            y = middle + _NAME_LINE * (k - (len(lines) - 1) / 2)
            sheet.words((frame.right + 20, y), line, colour=colour, size=SMALL)


def apart(wanted: Sequence[tuple[float, float]], top: float, foot: float) -> list[float]:
    """Move middles of given heights apart, as little as a pass down and a pass up can; in the order given."""
    order = sorted(range(len(wanted)), key=lambda k: wanted[k][0])
    found = [w[0] for w in wanted]
    edge = top
    for k in order:
        found[k] = max(found[k], edge + wanted[k][1] / 2)
        edge = found[k] + wanted[k][1] / 2
    edge = foot
    for k in reversed(order):
        found[k] = min(found[k], edge - wanted[k][1] / 2)
        edge = found[k] - wanted[k][1] / 2
    return found
