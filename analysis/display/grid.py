"""One tile a place, where it lies: shaded, with number and short name; without a layout, in blocks of the place above.

On a narrow sheet tiles of many places are too small for names: the map stands above, and below it the same tiles in blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from analysis.display.canvas import Canvas, Point
from analysis.display.cells import draw_cell, draw_legend, legend_height
from analysis.display.dots import Look
from analysis.display.layouts import Cells
from analysis.display.rows import Row
from analysis.display.shades import Shades
from analysis.display.style import SIZE, WIDTH
from analysis.display.words import say

ROOM = 44.0  # a tile narrower than this has no room for a name
_GAP, _MOST, _HEAD = 3.0, 112.0, 28.0


@dataclass(frozen=True, slots=True)
class Map:
    """What a grid of tiles shows.

    Attributes
    ----------
    rows : tuple of Row
        Places of one level.
    names : mapping of place to its short name
    parents : mapping of place to the place above
    cells : mapping of place to (row, column), or None
        None: blocks of the place above.
    """

    rows: tuple[Row, ...]
    names: Mapping[str, str]
    parents: Mapping[str, str]
    cells: Cells | None


def draw_grid(what: Map, shades: Shades, look: Look, width: float) -> Canvas:
    """Draw the tiles under a legend."""
    top = legend_height(what.rows, width) + 8
    mapped = _map_height(what.cells, width) if what.cells is not None else 0.0
    blocks = what.cells is None or _pitch(what.cells, width) < ROOM
    sheet = Canvas(top + mapped + (_blocks_height(what, width) if blocks else 4), look.language, width=width)
    draw_legend(sheet, shades, what.rows, look.language)
    if what.cells is not None:
        _map(sheet, what, what.cells, shades, top, named=not blocks)
    if blocks:
        _blocks(sheet, what, shades, look, top + mapped)
    return sheet


def parted(what: Map) -> bool:
    """True where lines part tiles of several places above."""
    return what.cells is not None and len({what.parents.get(code) for code in what.cells}) > 1


def _pitch(cells: Cells, width: float) -> float:
    first, last = min(c for _, c in cells.values()), max(c for _, c in cells.values())
    return min(_MOST, width / (last - first + 1))


def _tall(pitch: float) -> float:
    return pitch * (0.74 if pitch >= ROOM else 0.86)


def _map_height(cells: Cells, width: float) -> float:
    rows = [r for r, _ in cells.values()]
    return (max(rows) - min(rows) + 1) * _tall(_pitch(cells, width)) + 14


def _map(sheet: Canvas, what: Map, cells: Cells, shades: Shades, top: float, *, named: bool) -> None:
    pitch = _pitch(cells, sheet.width)
    tall = _tall(pitch)
    first = (min(r for r, _ in cells.values()), min(c for _, c in cells.values()))
    corner = {code: ((c - first[1]) * pitch, top + (r - first[0]) * tall) for code, (r, c) in cells.items()}
    for row in what.rows:
        code = row.keys["region"]
        x, y = corner[code]
        at, size = (x + _GAP / 2, y + _GAP / 2), (pitch - _GAP, tall - _GAP)
        draw_cell(sheet, row, shades, at, size, what.names[code] if named else "")
    if parted(what):
        sheet.lines(_borders(cells, what.parents, corner, (pitch, tall)), colour="ink", width=1.1)


def _borders(cells: Cells, parents: Mapping[str, str], corner: Mapping[str, Point], size: Point) -> list[list[Point]]:
    """The lines between tiles of different places above: the left and the upper edge of each tile, where a neighbour is."""
    taken = {cell: code for code, cell in cells.items()}
    lines = []
    for code, (row, column) in cells.items():
        x, y = corner[code]
        for beside, line in (
            ((row, column - 1), [(x, y), (x, y + size[1])]),
            ((row - 1, column), [(x, y), (x + size[0], y)]),
        ):
            if beside in taken and parents.get(taken[beside]) != parents.get(code):
                lines.append(line)
    return sorted(lines)


def _bands(what: Map) -> list[tuple[str, list[Row]]]:
    def key(row: Row) -> str:
        return what.parents.get(row.keys["region"], "")

    ordered = sorted(what.rows, key=lambda r: (key(r), r.keys["region"]))
    return [(parent, list(members)) for parent, members in groupby(ordered, key=key)]


def _block(width: float) -> tuple[int, float, float]:
    """How many tiles stand side by side, how wide and how tall."""
    per_row = 8 if width == WIDTH else 4
    side = width / per_row
    return per_row, side, side * 0.56


def _blocks_height(what: Map, width: float) -> float:
    per_row, _, tall = _block(width)
    return 4 + sum(_HEAD + -(-len(members) // per_row) * tall + 6 for _, members in _bands(what))


def _blocks(sheet: Canvas, what: Map, shades: Shades, look: Look, top: float) -> None:
    per_row, side, tall = _block(sheet.width)
    for parent, members in _bands(what):
        name = look.labels.name("region", parent, look.language) if parent else say("elsewhere", look.language)
        sheet.words((1, top + 16), name, size=SIZE)
        for k, row in enumerate(members):
            at = (k % per_row * side + _GAP / 2, top + _HEAD + k // per_row * tall)
            draw_cell(sheet, row, shades, at, (side - _GAP, tall - _GAP), what.names[row.keys["region"]])
        top += _HEAD + -(-len(members) // per_row) * tall + 6
