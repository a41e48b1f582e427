"""Places down, organisations (or waves, or measures) across: a shaded cell for each pair, places in the order of their tree.

Few places stand under each other; of many every block of places (those of one place above) has its own heads, and on a wide
sheet the blocks stand in two columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.display.canvas import Canvas
from analysis.display.cells import draw_cell, draw_legend, legend_height, number_fits
from analysis.display.dots import Look
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Row
from analysis.display.shades import Shades
from analysis.display.style import SMALL, WIDTH

MANY, NARROWEST, COLUMNS = 40, 30.0, 24
_INDENT, _GAP, _BETWEEN, _LINE, _WIDEST = 9.0, 2.0, 28.0, 16.0, 76.0
Box = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One place of a heat map.

    Attributes
    ----------
    code, name : str
    depth : int
        Places above it that have lines too.
    block : str
        The block that it belongs to.
    """

    code: str
    name: str
    depth: int
    block: str


@dataclass(frozen=True, slots=True)
class Heat:
    """What a heat map shows.

    Attributes
    ----------
    lines : tuple of Line
        Places in the order of their tree.
    columns : mapping of code to name
    cells : mapping of (place, column) to Row
        A pair that is not there is left empty.
    shades : mapping of column to Shades
    """

    lines: tuple[Line, ...]
    columns: Mapping[str, str]
    cells: Mapping[tuple[str, str], Row]
    shades: Mapping[str, Shades]

    @property
    def blocks(self) -> list[list[Line]]:
        """The lines by block; one block where there are few lines."""
        if len(self.lines) <= MANY:
            return [list(self.lines)]
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.block, []).append(line)
        return list(found.values())

    @property
    def same(self) -> Shades | None:
        """The shades where all columns have the same ones."""
        kinds = list(dict.fromkeys(self.shades.values()))
        return kinds[0] if len(kinds) == 1 else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """Sizes that all blocks share."""

    width: float
    label: float
    cell: float
    tall: float
    heads: tuple[tuple[str, ...], ...]
    key: tuple[str, ...]

    @property
    def head(self) -> float:
        return 8 + 14.0 * max(len(h) for h in self.heads)


def draw_heat(what: Heat, look: Look, width: float) -> Canvas:
    """Draw the cells under a legend."""
    beside = 2 if width == WIDTH and len(what.blocks) > 1 and _cell(what, (width - _BETWEEN) / 2) >= NARROWEST else 1
    plan = _plan(what, (width - _BETWEEN * (beside - 1)) / beside, width)
    top = legend_height(what.cells.values(), width) + 8 + _LINE * len(plan.key)
    stacks, tallest = _stacks(what, plan, beside)
    sheet = Canvas(top + tallest + 2, look.language, width=width)
    draw_legend(sheet, what.same, what.cells.values(), look.language)
    for k, line in enumerate(plan.key):
        sheet.words((0, top - 6 - _LINE * (len(plan.key) - k - 0.5)), line, colour="quiet", size=SMALL)
    for column, stack in enumerate(stacks):
        left, y = column * (plan.width + _BETWEEN), top
        for block in stack:
            _block(sheet, what, block, plan, (left, y))
            y += _height(block, plan)
    return sheet


def numbers_fit(what: Heat, width: float) -> bool:
    """True where every cell has its number written."""
    beside = 2 if width == WIDTH and len(what.blocks) > 1 and _cell(what, (width - _BETWEEN) / 2) >= NARROWEST else 1
    cell = _cell(what, (width - _BETWEEN * (beside - 1)) / beside) - _GAP
    return all(number_fits(r, cell) for r in what.cells.values())


def _label(what: Heat, width: float) -> float:
    widest = max(text_width(line.name, SMALL) + _INDENT * line.depth for line in what.lines)
    return min(widest + 8, width * 0.36)


def _cell(what: Heat, width: float) -> float:
    return min(_WIDEST, (width - _label(what, width)) / len(what.columns))


def _plan(what: Heat, width: float, full: float) -> _Plan:
    cell = _cell(what, width)
    names = list(what.columns.values())
    wrapped = [wrap(n, cell - 4, SMALL) for n in names]
    fits = all(not line.endswith("...") for lines in wrapped for line in lines)
    heads = tuple(tuple(w) for w in wrapped) if fits else tuple((str(k),) for k in range(1, len(names) + 1))
    key = () if fits else _key([f"{k} {n}" for k, n in enumerate(names, 1)], full)
    return _Plan(width, _label(what, width), cell, 22.0 if len(what.lines) <= MANY else 17.0, heads, key)


def _key(entries: Sequence[str], width: float) -> tuple[str, ...]:
    lines = [""]
    for entry in entries:
        longer = f"{lines[-1]}    {entry}" if lines[-1] else entry
        if lines[-1] and text_width(longer, SMALL) > width:
            lines.append(entry)
        else:
            lines[-1] = longer
    return tuple(lines)


def _height(block: Sequence[Line], plan: _Plan) -> float:
    return plan.head + plan.tall * len(block) + 6


def _stacks(what: Heat, plan: _Plan, beside: int) -> tuple[list[list[list[Line]]], float]:
    """Fill the columns downwards, in order, so that none is much taller than the others."""
    heights = [_height(b, plan) for b in what.blocks]
    stacks: list[list[list[Line]]] = [[] for _ in range(beside)]
    used, at = [0.0] * beside, 0
    for block, height in zip(what.blocks, heights, strict=True):
        if at < beside - 1 and used[at] + height / 2 > sum(heights) / beside:
            at += 1
        stacks[at].append(block)
        used[at] += height
    return stacks, max(used)


def _block(sheet: Canvas, what: Heat, block: Sequence[Line], plan: _Plan, at: tuple[float, float]) -> None:
    left, first = at[0] + plan.label, at[1] + plan.head
    for k, lines in enumerate(plan.heads):
        for n, text in enumerate(lines):
            y = first - 8 - 14.0 * (len(lines) - 1 - n)
            sheet.words((left + plan.cell * (k + 0.5), y), text, colour="quiet", size=SMALL, align="centre")
    lowest = min(line.depth for line in block)
    for number, line in enumerate(block):
        y = first + plan.tall * number
        indent = _INDENT * (line.depth - lowest)
        name = wrap(line.name, plan.label - indent - 4, SMALL, lines=1)[0]
        colour = "ink" if line.depth == lowest or len(what.lines) <= MANY else "quiet"
        sheet.words((at[0] + indent, y + plan.tall / 2), name, colour=colour, size=SMALL)
        _cells(sheet, what, line, plan, (left, y))


def _cells(sheet: Canvas, what: Heat, line: Line, plan: _Plan, at: tuple[float, float]) -> None:
    for k, column in enumerate(what.columns):
        row = what.cells.get((line.code, column))
        if row is not None:
            corner = (at[0] + plan.cell * k + _GAP / 2, at[1] + _GAP / 2)
            draw_cell(sheet, row, what.shades[column], corner, (plan.cell - _GAP, plan.tall - _GAP))
