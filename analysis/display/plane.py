"""A plane of units: one measure across, another upwards, a dot each with its intervals as a cross, the whole as two lines.

Units without both numbers stand nowhere on the plane; they are named below it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.display.canvas import Canvas, Point
from analysis.display.caterpillar import below
from analysis.display.dots import Look, tick_words
from analysis.display.glyphs import text_width, wrap
from analysis.display.placing import Box, Named, Segment, around, leader_of, place
from analysis.display.rows import Row
from analysis.display.sentences import verdict
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import say

NAMED = 20
APART = ("lower", "higher")
_TALL, _TALL_NARROW, _LINE, _NAME_LINE = 400.0, 330.0, 17.0, 13.0
_DOT, _DOT_NARROW, _CLEAR = 8.5, 7.0, 2.0
_WIDE, _NARROW = 150.0, 104.0  # of a name
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """A unit on the plane: its row across and its row upwards."""

    x: Row
    y: Row

    @property
    def shown(self) -> bool:
        """True where both numbers may be shown."""
        return self.x.shown and self.y.shown

    @property
    def pooled(self) -> bool:
        """True where one of the numbers is not all the unit's own."""
        return "pooled" in (self.x.status, self.y.status)

    @property
    def gone(self) -> Row:
        """The row that is why the unit is not drawn."""
        return self.y if self.x.shown else self.x


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two axes: its look, whose reference is the whole, and its name."""

    look: Look
    name: str

    @property
    def reference(self) -> str:
        """What is written at the reference's line."""
        found = self.look.reference
        return f"{self.look.reference_name} {found.text}" if found is not None else ""

    def clear(self, row: Row) -> bool:
        """Whether a row's whole interval lies above or below the reference."""
        return verdict(row, self.look.reference, self.look.span) in APART


@dataclass(frozen=True, slots=True)
class Plane:
    """Two axes on a sheet of a width.

    Attributes
    ----------
    x, y : Side
        Across and upwards.
    across, upwards : (float, float)
        Where the axes begin and end on the sheet.
    head, end : tuple of str
        Names of the axis upwards and of the one across, a line each.
    width : float
    """

    x: Side
    y: Side
    across: Span
    upwards: Span
    head: tuple[str, ...]
    end: tuple[str, ...]
    width: float

    def at(self, spot: Spot) -> Point:
        """Place a unit."""
        across, upwards = self.x.look.axis, self.y.look.axis
        return across.at(spot.x.estimate, *self.across), upwards.at(spot.y.estimate, *self.upwards)

    def lines(self, spot: Spot) -> list[Segment]:
        """Give the intervals of a unit: one across, one upwards, those that it has."""
        left, top = self.at(spot)
        low, high = (self.x.look.axis.at(v, *self.across) for v in (spot.x.low, spot.x.high))
        foot, peak = (self.y.look.axis.at(v, *self.upwards) for v in (spot.y.low, spot.y.high))
        found = [((low, top), (high, top)), ((left, foot), (left, peak))]
        return [line for line in found if not any(math.isnan(v) for end in line for v in end)]

    def references(self) -> list[Segment]:
        """Give the upright and the level line of the whole, those that there are."""
        found: list[Segment] = []
        if self.x.look.reference is not None:
            at = self.x.look.axis.at(self.x.look.reference.value, *self.across)
            found.append(((at, self.upwards[1] - 4), (at, self.upwards[0])))
        if self.y.look.reference is not None:
            at = self.y.look.axis.at(self.y.look.reference.value, *self.upwards)
            found.append(((self.across[0], at), (self.across[1], at)))
        return found


def clear_of(spot: Spot, x: Side, y: Side) -> bool:
    """Whether a unit stands clear of the reference on either axis."""
    return spot.shown and (x.clear(spot.x) or y.clear(spot.y))


def named(spots: Sequence[Spot], x: Side, y: Side) -> list[Spot]:
    """Choose the units that get names: all of twenty, of more those clear of the reference."""
    shown = [s for s in spots if s.shown]
    if len(shown) <= NAMED or (x.look.reference is None and y.look.reference is None):
        return shown
    return [s for s in shown if clear_of(s, x, y)]


def draw_plane(spots: Sequence[Spot], x: Side, y: Side, width: float) -> Canvas:
    """Draw the plane.

    Parameters
    ----------
    spots : sequence of Spot
    x, y : Side
        Across and upwards.
    width : float
        Of the sheet.

    Returns
    -------
    Canvas
    """
    shown = [s for s in spots if s.shown]
    under = below([s.gone for s in spots if not s.shown], x.look, width)
    if not shown:
        return _listed(under, x.look, 4.0, width)
    plane = plane_for(x, y, width)
    room, lines = (_WIDE, 2) if width == WIDTH else (_NARROW, 3)
    names = [(s, wrap(x.look.name(s.x), room, SMALL, lines=lines)) for s in named(shown, x, y)]
    boxes = places(plane, shown, names)
    left_out = [x.look.name(s.x) for (s, _), box in zip(names, boxes, strict=True) if box is None]
    foot = plane.upwards[0] + 28 + _LINE * len(plane.end)
    sheet = _listed([*_unnamed(left_out, x.look, width), *under], x.look, foot, width)
    _ground(sheet, plane)
    _references(sheet, plane, shown)
    for spot in sorted(shown, key=lambda s: clear_of(s, x, y)):
        far = clear_of(spot, x, y)
        colour = _colour(spot, plane) if far else "earlier"
        sheet.lines(plane.lines(spot), colour=colour, width=1.2 if far else 0.8)
    _names(sheet, plane, [(s, lines, box) for (s, lines), box in zip(names, boxes, strict=True) if box is not None])
    for spot in shown:
        size = _DOT if width == WIDTH else _DOT_NARROW
        sheet.dot(plane.at(spot), colour=_colour(spot, plane), hollow=spot.pooled, size=size)
    return sheet


def plane_for(x: Side, y: Side, width: float) -> Plane:
    """Lay the axes out on a sheet."""
    ticks = max(text_width(y.look.axis.written(t), SMALL) for t in y.look.axis.ticks)
    head = wrap(say("plane.up", y.look.language, name=y.name), width, SIZE)
    end = wrap(say("plane.across", x.look.language, name=x.name), width - ticks, SIZE)
    top = _LINE * len(head) + 24
    tall = _TALL if width == WIDTH else _TALL_NARROW
    return Plane(x, y, (ticks + 12, width - 10), (top + tall, top), tuple(head), tuple(end), width)


def places(plane: Plane, shown: Sequence[Spot], names: Sequence[tuple[Spot, list[str]]]) -> list[Box | None]:
    """Give the box of each name; None where it finds none."""
    marks = [
        Named(plane.at(s), max(text_width(t, SMALL) for t in lines) + 2, _NAME_LINE * len(lines)) for s, lines in names
    ]
    taken = [around(plane.at(s), _DOT / 2 + _CLEAR) for s in shown]
    taken += [_reference_box(plane, shown)] if plane.y.look.reference is not None else []
    drawn = [line for s in shown for line in plane.lines(s)] + plane.references()
    return place(marks, Box(plane.across[0] + 2, plane.upwards[1], plane.width, plane.upwards[0] - 2), taken, drawn)


def _listed(lines: Sequence[str], look: Look, top: float, width: float) -> Canvas:
    """A sheet with lines of words at its foot."""
    sheet = Canvas(top + _LINE * len(lines), look.language, width=width)
    for k, line in enumerate(lines):
        sheet.words((0, top + _LINE * (k + 0.5)), line, colour="quiet", size=SMALL)
    return sheet


def _ground(sheet: Canvas, plane: Plane) -> None:
    (left, right), (foot, top) = plane.across, plane.upwards
    for tick in plane.x.look.axis.ticks:
        at = plane.x.look.axis.at(tick, left, right)
        sheet.line([(at, top), (at, foot)], colour="hairline", width=0.8)
        tick_words(sheet, (at, foot + 14), plane.x.look.axis.written(tick))
    for tick in plane.y.look.axis.ticks:
        at = plane.y.look.axis.at(tick, foot, top)
        sheet.line([(left, at), (right, at)], colour="hairline", width=0.8)
        sheet.words((left - 7, at), plane.y.look.axis.written(tick), colour="quiet", size=SMALL, align="right")
    for k, line in enumerate(plane.head):
        sheet.words((0, 8 + _LINE * k), line)
    for k, line in enumerate(plane.end):
        sheet.words((right, foot + 34 + _LINE * k), line, align="right")


def _references(sheet: Canvas, plane: Plane, shown: Sequence[Spot]) -> None:
    for line in plane.references():
        sheet.line(line, colour="quiet", width=1.2)
    if plane.x.look.reference is not None:
        at = plane.x.look.axis.at(plane.x.look.reference.value, *plane.across)
        tick_words(sheet, (at, plane.upwards[1] - 13), plane.x.reference)
    if plane.y.look.reference is not None:
        box = _reference_box(plane, shown)
        sheet.words((box.left, (box.top + box.bottom) / 2), plane.y.reference, colour="quiet", size=SMALL)


def _reference_box(plane: Plane, shown: Sequence[Spot]) -> Box:
    """Where the name of the level line stands: at an end of it, above or below, where the fewest marks and lines are."""
    (left, right), (foot, top) = plane.across, plane.upwards
    *_, ((_, at), _) = plane.references()
    wide = text_width(plane.y.reference, SMALL)
    tops = [t for t in (at - 16, at + 3) if top <= t and t + 13 <= foot]
    boxes = [Box(e, t, e + wide, t + 13) for e in (right - wide - 2, left + 4) for t in tops]
    marks = [around(plane.at(s), _DOT) for s in shown]
    lines = [line for s in shown for line in plane.lines(s)] + plane.references()[:-1]
    return min(boxes, key=lambda b: (sum(b.meets(m) for m in marks), sum(b.crossed(line) for line in lines)))


def _colour(spot: Spot, plane: Plane) -> str:
    return "earlier" if spot.y.apart else plane.x.look.colour(spot.x)


def _names(sheet: Canvas, plane: Plane, names: Sequence[tuple[Spot, list[str], Box]]) -> None:
    """Write the names, with a leader where one stands away from its mark."""
    leaders = [leader for s, _, box in names if (leader := leader_of(plane.at(s), box))]
    sheet.lines(leaders, colour="earlier", width=0.6)
    for spot, lines, box in names:
        before = box.right <= plane.at(spot)[0]
        for k, line in enumerate(lines):
            at = (box.right - 1 if before else box.left + 1, box.top + _NAME_LINE * (k + 0.5))
            sheet.named(at, line, size=SMALL, align="right" if before else "left")


def _unnamed(names: Sequence[str], look: Look, width: float) -> list[str]:
    """Say which names found no place."""
    if not names:
        return []
    told = say("list.comma", look.language).join(names)
    return wrap(
        say("listed", look.language, why=say("plane.unnamed", look.language), names=told), width, SMALL, lines=4
    )
