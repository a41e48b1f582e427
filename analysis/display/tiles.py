"""One square a place, the value printed in it: the whole map at a glance, ordered by the place above and by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from analysis.display import values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look
from analysis.display.glyphs import wrap
from analysis.display.rows import Row
from analysis.display.style import DIVERGING, ON_DARK, ON_LIGHT, SEQUENTIAL, SIZE, SMALL, WIDTH
from analysis.display.words import say

_GAP, _HEAD, _PER_ROW = 6.0, 30.0, 8


def draw_tiles(rows: Sequence[Row], parents: Mapping[str, str], look: Look, width: float) -> Canvas:
    """Draw the tiles, a band for each place above.

    Parameters
    ----------
    rows : sequence of Row
        Places of one level.
    parents : mapping of place to the place above
        Empty: one band without a name.
    look : Look
        With a reference the five colours diverge from it; without one they run along the scale.
    width : float
        Of the sheet: eight tiles stand side by side, four on a narrow one.

    Returns
    -------
    Canvas
    """
    ordered = sorted(rows, key=lambda r: (parents.get(r.keys["region"], ""), r.keys["region"]))
    bands = [(k, list(v)) for k, v in groupby(ordered, key=lambda r: parents.get(r.keys["region"], ""))]
    per_row = _PER_ROW if width == WIDTH else _PER_ROW // 2
    side = (width - _GAP * (per_row - 1)) / per_row
    tall = side * 0.72
    heights = [(_HEAD if len(bands) > 1 else 0) + -(-len(v) // per_row) * (tall + _GAP) for _, v in bands]
    sheet = Canvas(sum(heights) + 4, look.language, width=width)
    top = 0.0
    for (parent, members), height in zip(bands, heights, strict=True):
        head = _HEAD if len(bands) > 1 else 0
        if head:
            name = look.labels.name("region", parent, look.language) if parent else say("elsewhere", look.language)
            sheet.words((0, top + 18), name)
        for number, row in enumerate(members):
            at = (number % per_row * (side + _GAP), top + head + number // per_row * (tall + _GAP))
            _tile(sheet, row, look, at, (side, tall))
        top += height
    return sheet


def tile_colour(row: Row, look: Look) -> tuple[str, str]:
    """Choose a tile's ground and the ink on it: by a fifth of the scale, or of the distance from the reference."""
    low, high = look.axis.low, look.axis.high
    ramp = SEQUENTIAL
    if look.reference is not None:
        reach = max(high - look.reference.value, look.reference.value - low) / 2
        low, high = look.reference.value - reach, look.reference.value + reach
        ramp = DIVERGING
    step = min(max(int((row.estimate - low) / (high - low) * 5), 0), 4)
    dark = step in (3, 4) if ramp is SEQUENTIAL else step in (0, 4)
    return ramp[step], ON_DARK if dark else ON_LIGHT


def _tile(sheet: Canvas, row: Row, look: Look, at: tuple[float, float], size: tuple[float, float]) -> None:
    middle = at[0] + size[0] / 2
    name = wrap(look.name(row), size[0] - 8, SMALL, lines=1)[0]
    if not row.own:
        text = values.estimate(row) + " ○" if row.shown else say(f"mark.{row.status}", look.language)
        sheet.box(at, size, colour="none", rim="hairline")
        sheet.words((middle, at[1] + 22), text, colour="quiet", align="centre")
        sheet.words((middle, at[1] + 44), name, colour="quiet", size=SMALL, align="centre")
        return
    ground, ink = tile_colour(row, look)
    sheet.box(at, size, colour=ground)
    sheet.words((middle, at[1] + 22), values.estimate(row), colour=ink, size=SIZE + 3, align="centre")
    sheet.words((middle, at[1] + 44), name, colour=ink, size=SMALL, align="centre")
