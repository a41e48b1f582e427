"""Where the names of marks stand on a plane: beside their mark, over nothing, a little away where it is crowded.

Greedy: the mark in the densest crowd comes first, and takes the cheapest free place of rings around it. A name never stands
over a mark or another name, and rather beside a line than over it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.display.canvas import Point

RINGS = (8.0, 13.0, 20.0, 29.0, 40.0, 54.0, 70.0, 90.0, 115.0, 145.0, 180.0, 220.0)
NEAR = 15.0  # further away than this a name has a leader
_ANGLES = tuple(math.pi * k / 8 for k in (-1, 1, -3, 3, -7, 7, -5, 5, 0, 8, -4, 4, -2, 2, -6, 6))
_OVER_LINE, _OVER_LEADER, _CROWD = 9.0, 60.0, 60.0
Segment = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the sheet."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether two boxes share any ground."""
        aside = self.right <= other.left or other.right <= self.left
        return not (aside or self.bottom <= other.top or other.bottom <= self.top)

    def holds(self, other: Box) -> bool:
        """Whether another box lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def nearest(self, at: Point) -> Point:
        """Give the point of the box that is nearest to a position."""
        return min(max(at[0], self.left), self.right), min(max(at[1], self.top), self.bottom)

    def crossed(self, line: Segment) -> bool:
        """Whether a straight line goes through the box (Liang and Barsky's clipping)."""
        (x, y), (x2, y2) = line
        first, last = 0.0, 1.0
        sides = ((x - x2, x - self.left), (x2 - x, self.right - x), (y - y2, y - self.top), (y2 - y, self.bottom - y))
        for step, room in sides:
            if step == 0:
                if room <= 0:
                    return False
            elif step < 0:
                first = max(first, room / step)
            else:
                last = min(last, room / step)
        return first < last


def around(at: Point, reach: float) -> Box:
    """Give the box around a mark."""
    return Box(at[0] - reach, at[1] - reach, at[0] + reach, at[1] + reach)


@dataclass(frozen=True, slots=True)
class Named:
    """A mark that gets a name of a size."""

    at: Point
    wide: float
    tall: float


def place(marks: Sequence[Named], room: Box, taken: Sequence[Box], lines: Sequence[Segment]) -> list[Box | None]:
    """Place the names of marks.

    Parameters
    ----------
    marks : sequence of Named
    room : Box
        Names stay inside.
    taken : sequence of Box
        What no name may stand over: all marks, other words.
    lines : sequence of (from, to)
        What names rather do not stand over.

    Returns
    -------
    list of Box or None
        In the order of `marks`; None where there is no free place.
    """
    found: dict[int, Box] = {}
    drawn, busy = list(lines), list(taken)
    for k in sorted(range(len(marks)), key=lambda k: (-_crowd(marks[k], marks), k)):
        best = _best(marks[k], room, busy, drawn)
        if best is not None:
            found[k] = best
            busy.append(best)
            drawn += [leader] if (leader := leader_of(marks[k].at, best)) else []
    return [found.get(k) for k in range(len(marks))]


def leader_of(at: Point, box: Box) -> Segment | None:
    """Give the line from a mark to its name; None where the name stands beside it."""
    to = box.nearest(at)
    return (at, to) if math.dist(at, to) > NEAR else None


def _crowd(mark: Named, marks: Sequence[Named]) -> int:
    return sum(abs(m.at[0] - mark.at[0]) < 2 * _CROWD and abs(m.at[1] - mark.at[1]) < _CROWD for m in marks)


def _best(mark: Named, room: Box, busy: Sequence[Box], lines: Sequence[Segment]) -> Box | None:
    best, cost = None, math.inf
    for ring in RINGS:
        if ring >= cost:
            break
        for angle in _ANGLES:
            box = _beside(mark, ring, angle)
            if not room.holds(box) or any(box.meets(b) for b in busy):
                continue
            leader = leader_of(mark.at, box)
            through = sum(b.crossed(leader) for b in busy if not _inside(b, mark.at)) if leader else 0
            found = ring + _OVER_LINE * sum(box.crossed(s) for s in lines) + _OVER_LEADER * through
            if found < cost:
                best, cost = box, found
    return best


def _inside(box: Box, at: Point) -> bool:
    return box.left <= at[0] <= box.right and box.top <= at[1] <= box.bottom


def _beside(mark: Named, ring: float, angle: float) -> Box:
    """The box whose nearest side or corner stands on the ring."""
    x, y = mark.at[0] + ring * math.cos(angle), mark.at[1] + ring * math.sin(angle)
    left = x - mark.wide * _share(math.cos(angle))
    top = y - mark.tall * _share(math.sin(angle))
    return Box(left, top, left + mark.wide, top + mark.tall)


def _share(way: float) -> float:
    """How much of the name lies before the point on the ring."""
    return 0.0 if way > 0.3 else 1.0 if way < -0.3 else 0.5
