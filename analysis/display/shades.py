"""Shades of numbers: five steps from pale to dark that stay told apart in grey and by colour-blind readers.

Steps are of one width and begin at a round number; a difference is shaded from nought to both sides. Only grounds are
chosen here, the number itself is always written as released.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.glyphs import text_width
from analysis.display.rows import Row
from analysis.display.style import DIVERGING, ON_DARK, ON_LIGHT, SEQUENTIAL, SMALL

STEPS = 5
LEGEND = 38.0
_SWATCH = 12.0
_ROUND = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Shades:
    """A scale of shades.

    Attributes
    ----------
    edges : tuple of float
        The six ends of the five steps.
    statistic : str
        Decides how edges are written, and whether shades diverge from nought.
    """

    edges: tuple[float, ...]
    statistic: str

    @property
    def signed(self) -> bool:
        """True where shades diverge from nought."""
        return self.statistic in values.SIGNED

    def of(self, value: float) -> tuple[str, str]:
        """Choose the ground of a value and the ink on it."""
        width = self.edges[1] - self.edges[0]
        step = min(max(math.floor((value - self.edges[0]) / width + 1e-9), 0), STEPS - 1)
        dark = step in (0, 4) if self.signed else step in (3, 4)
        return (DIVERGING if self.signed else SEQUENTIAL)[step], ON_DARK if dark else ON_LIGHT

    def written(self) -> list[str]:
        """Write the edges with the digits that they need."""
        digits = next((d for d in range(6) if all(abs(round(e, d) - e) < 1e-9 for e in self.edges)), 6)
        share = self.statistic in values.SHARES
        return [values.number(e, max(digits, 2) if share else digits, self.statistic) for e in self.edges]

    def draw(self, sheet: Canvas, at: tuple[float, float], width: float) -> None:
        """Draw the scale: five swatches side by side, the edges written under their ends."""
        side, words = width / STEPS, self.written()
        for k in range(STEPS):
            middle = (self.edges[k] + self.edges[k + 1]) / 2
            sheet.box((at[0] + k * side, at[1]), (side - 1.5, _SWATCH), colour=self.of(middle)[0])
        for k, text in enumerate(words):
            half = text_width(text, SMALL) / 2
            x = min(max(at[0] + k * side, at[0] + half), at[0] + width - half)
            sheet.words((x, at[1] + 22), text, colour="quiet", size=SMALL, align="centre")


def shades_for(rows: Iterable[Row], statistic: str) -> Shades:
    """Choose the steps that hold the rows' numbers."""
    seen = [r.estimate for r in rows if r.told_apart] or [0.0]
    if statistic in values.SIGNED:
        step = _round_up(max(map(abs, seen)) / (STEPS / 2) or 0.1)
        return Shades(tuple((k - STEPS / 2) * step for k in range(STEPS + 1)), statistic)
    low, high = min(seen), max(seen)
    step = _round_up(max((high - low) / STEPS, 0.01 if statistic in values.SHARES else 0.02))
    while (start := math.floor(low / step + 1e-9) * step) + STEPS * step < high - 1e-9:
        step = _round_up(step * 1.01)
    return Shades(tuple(round(start + k * step, 10) for k in range(STEPS + 1)), statistic)


def _round_up(step: float) -> float:
    ten = 10 ** math.floor(math.log10(step))
    return next(r * ten for r in _ROUND if r * ten >= step - 1e-12)
