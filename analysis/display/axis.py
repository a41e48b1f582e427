"""The scale that a figure is drawn on: it starts where the answer scale starts, and says so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from analysis.display import values
from analysis.display.rows import Row
from analysis.display.words import say

SHARE_ENDS = (0.1, 0.25, 0.5, 1.0)
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale.

    Attributes
    ----------
    low, high : float
        Its ends, in the numbers' unit.
    ticks : tuple of float
        Where it is marked.
    kind : {"scale", "zero", "fitted"}
        The whole answer scale; from zero; or cut to the values.
    statistic : str
        Decides how ticks are written.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    kind: str
    statistic: str

    def at(self, value: float, start: float, end: float) -> float:
        """Place a value between two positions of the sheet; beyond the scale's end it stays at the end."""
        share = (value - self.low) / (self.high - self.low)
        return start + min(max(share, 0.0), 1.0) * (end - start)

    def written(self, tick: float) -> str:
        """Write a tick with the digits that the ticks need."""
        digits = max(2, _digits(self.ticks)) if self.statistic in values.SHARES else _digits(self.ticks)
        return values.number(tick, digits, self.statistic)

    def said(self, language: str, *, vertical: bool = False) -> str:
        """Say where the axis begins and ends."""
        ends = {"low": self.written(self.low), "high": self.written(self.high)} if self.kind != "fitted" else {}
        return say(f"measure.{'vertical' if vertical and self.kind == 'scale' else self.kind}", language, **ends)


def axis_for(rows: Iterable[Row], statistic: str, limits: tuple[float, float] | None) -> Axis:
    """Choose the scale for rows.

    Parameters
    ----------
    rows : iterable of Row
        Their numbers and intervals have to fit in.
    statistic : str
        Shares begin at 0; coefficients of quality run from 0 to 1; differences contain 0.
    limits : (lowest, highest) or None
        The answer scale, for scores.

    Returns
    -------
    Axis
    """
    seen = [v for r in rows if r.shown for v in (r.estimate, r.low, r.high) if not math.isnan(v)] or [0.0, 1.0]
    if statistic in values.SHARES:
        return _share(max(seen), statistic)
    if statistic in values.UNIT_INTERVAL and min(seen) >= 0 and max(seen) <= 1:
        return Axis(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), "scale", statistic)
    if limits is not None and statistic not in values.SIGNED and limits[0] <= min(seen) and max(seen) <= limits[1]:
        return Axis(*limits, _ticks(*limits), "scale", statistic)
    low, high = (min(*seen, 0.0), max(*seen, 0.0)) if statistic in values.SIGNED else (min(seen), max(seen))
    ticks = _nice(low, high)
    return Axis(ticks[0], ticks[-1], ticks, "fitted", statistic)


def fitted_axis(rows: Iterable[Row], statistic: str) -> Axis:
    """Choose a scale cut to the values, whatever the statistic; shares stay within 0 and 1."""
    seen = [v for r in rows if r.shown for v in (r.estimate, r.low, r.high) if not math.isnan(v)] or [0.0, 1.0]
    share = statistic in values.SHARES
    ticks = _nice(min(seen), max(seen), steps=(1, 2, 5, 10) if share else STEPS)
    if share and min(seen) >= 0 and max(seen) <= 1:
        ticks = tuple(t for t in ticks if -1e-9 <= t <= 1 + 1e-9)
        ticks = ticks if len(ticks) > 1 else (0.0, 1.0)
    return Axis(ticks[0], ticks[-1], ticks, "fitted", statistic)


def limits_for(limits: Mapping[str, tuple[float, float]], term: str, statistic: str) -> tuple[float, float] | None:
    """Give a measure's scale: a share's is 0 to 1, a score's the study's; None where nobody said."""
    if statistic in values.UNIT_INTERVAL:
        return (0.0, 1.0)
    return limits.get(term)


def _share(highest: float, statistic: str) -> Axis:
    end = next((e for e in SHARE_ENDS if highest <= e), 1.0)
    ticks = tuple(end * part for part in ((0, 0.5, 1) if end == 0.1 else (0, 0.2, 0.4, 0.6, 0.8, 1)))
    return Axis(0.0, end, ticks, "scale" if end == 1 else "zero", statistic)


def _ticks(low: float, high: float) -> tuple[float, ...]:
    if high - low <= 10 and float(low).is_integer() and float(high).is_integer():
        return tuple(float(v) for v in range(int(low), int(high) + 1))
    inner = [v for v in _nice(low, high) if low < v < high]
    room = (high - low) / 12
    return (low, *(v for v in inner if v - low > room and high - v > room), high)


def _nice(low: float, high: float, steps: Sequence[float] = STEPS) -> tuple[float, ...]:
    wide = (low, high) if high > low else (low - 0.5, high + 0.5)
    return tuple(float(v) for v in MaxNLocator(nbins=5, steps=steps).tick_values(*wide))


def _digits(ticks: Sequence[float]) -> int:
    return next((d for d in range(6) if all(abs(round(t, d) - t) < 1e-9 for t in ticks)), 6)
