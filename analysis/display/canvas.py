"""One sheet to draw on, and its SVG: the same bytes for the same drawing, safe beside other figures in one page.

Positions are in units of the sheet, 720 wide, y downwards; a unit is a pixel when the figure is shown 720 wide. The
SVG has no scripts, no links, no style rules; colours are the look's custom properties with the light colour behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from analysis.display.glyphs import EM, drawn, glyph, text_width
from analysis.display.style import SIZE, WIDTH, paint

Point = tuple[float, float]
_BEFORE = {"left": 0.0, "centre": 0.5, "right": 1.0}
# Half the height of figures and capitals: words stand with their middle at the height that is asked for.
_MIDDLE = 0.36
_HALO = 3.0


class Canvas:
    """A sheet of `width` x `height` units to draw lines, marks, boxes and words on.

    Parameters
    ----------
    height : float
    language : {"en", "zh"}
        Decides the form of quotation marks in words.
    width : float
    """

    def __init__(self, height: float, language: str, *, width: float = WIDTH) -> None:
        self.width, self.height, self.language = width, height, language
        self._drawn: list[str] = []
        self._letters: set[str] = set()

    def line(self, points: Sequence[Point], *, colour: str, width: float = 1.0) -> None:
        """Draw a line through points."""
        self.lines([points], colour=colour, width=width)

    def lines(self, ways: Iterable[Sequence[Point]], *, colour: str, width: float = 1.0) -> None:
        """Draw several lines of one colour and width as one element."""
        drawn = "".join(_way(points) for points in ways)
        if drawn:
            self._drawn.append(f'<path d="{drawn}" style="fill:none;stroke:{paint(colour)};stroke-width:{width:g}"/>')

    def shape(self, corners: Sequence[Point], *, colour: str, rim: str = "", faint: bool = False) -> None:
        """Fill the shape between corners; `rim` is the colour of its edge, `faint` lets what is behind shine through."""
        edge = f";stroke:{paint(rim)};stroke-width:1.6" if rim else ""
        edge += ";fill-opacity:0.2" if faint else ""
        self._drawn.append(f'<path d="{_way(corners)}Z" style="fill:{paint(colour)}{edge}"/>')

    def hatch(self, at: Point, size: Point, *, colour: str = "earlier", step: float = 5.0) -> None:
        """Hatch a box from its upper left corner by slanting lines, with its edge."""
        (x, y), (wide, tall) = at, size
        starts = [step * k for k in range(1, int((wide + tall) / step) + 1) if step * k < wide + tall]
        ways = [
            [(x + min(s, wide), y + max(s - wide, 0.0)), (x + max(s - tall, 0.0), y + min(s, tall))] for s in starts
        ]
        frame = [(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall), (x, y)]
        self.lines([*ways, frame], colour=colour, width=0.7)

    def dot(self, at: Point, *, colour: str, hollow: bool = False, size: float = 9.0) -> None:
        """Draw a round mark `size` wide, hollow for a pooled number."""
        rim = 1.6 if hollow else 0.0
        fill = paint("paper" if hollow else colour)
        edge = f";stroke:{paint(colour)};stroke-width:{rim:g}" if hollow else ""
        place = f'cx="{_short(at[0])}" cy="{_short(at[1])}" r="{_short((size - rim) / 2)}"'
        self._drawn.append(f'<circle {place} style="fill:{fill}{edge}"/>')

    def box(self, at: Point, size: Point, *, colour: str, rim: str = "", dotted: bool = False) -> None:
        """Draw a filled box from its upper left corner; `rim` is the colour of its edge, which may be dotted."""
        place = f'x="{_short(at[0])}" y="{_short(at[1])}" width="{_short(size[0])}" height="{_short(size[1])}"'
        edge = f";stroke:{paint(rim)}" if rim else ""
        edge += ";stroke-dasharray:0.1 2.6;stroke-width:1.3" if dotted else ""
        self._drawn.append(f'<rect {place} rx="3" style="fill:{paint(colour)}{edge}"/>')

    def words(self, at: Point, text: str, *, colour: str = "ink", size: float = SIZE, align: str = "left") -> None:
        """Write a line of words, their middle at the height of `at`; `align` is left, centre or right of it."""
        shown = drawn(text, self.language)
        x = at[0] - _BEFORE[align] * text_width(shown, size)
        place = f"translate({_short(x)} {_short(at[1] + _MIDDLE * size)}) scale({size / EM:g} {-size / EM:g})"
        self._letters |= {s for s in shown if glyph(s).outline}
        self._drawn.append(f'<g transform="{place}" style="fill:{paint(colour)}">{_uses(shown)}</g>')

    def named(self, at: Point, text: str, *, colour: str = "ink", size: float = SIZE, align: str = "left") -> None:
        """Write words as `words` does, on a halo of paper that keeps lines off the letters."""
        rim = f"stroke:{paint('paper')};stroke-width:{EM * _HALO / size:.4g};stroke-linejoin:round"
        first = len(self._drawn)
        self.words(at, text, colour="paper", size=size, align=align)
        self._drawn[first] = (
            self._drawn[first].replace('style="', f'style="{rim};').replace("<g ", '<g aria-hidden="true" ')
        )
        self.words(at, text, colour=colour, size=size, align=align)

    def stamp(self, at: Point, text: str, *, colour: str = "ink", size: float = SIZE) -> None:
        """Write words around a position as `words` does, defined once however often they are written: for many like numbers."""
        x = at[0] - text_width(text, size) / 2
        place = f"translate({_short(x)} {_short(at[1] + _MIDDLE * size)}) scale({size / EM:.4g} {-size / EM:.4g})"
        self._letters |= {s for s in text if glyph(s).outline} | {text}
        self._drawn.append(f'<use href="#{{}}-{_ident(text)}" transform="{place}" style="fill:{paint(colour)}"/>')

    @property
    def letters(self) -> frozenset[str]:
        """The letters, and the words defined as one, that are written on the sheet."""
        return frozenset(self._letters)

    def svg(self, key: str, *, title: str, alt: str, known: frozenset[str] = frozenset()) -> str:
        """Give the drawing as one ``<svg>`` element.

        Parameters
        ----------
        key : str
            Tells the figure from others in a page: ids inside the drawing begin with its hash.
        title : str
            The finding, as the element's title.
        alt : str
            The finding and its numbers, for those who do not see the drawing.
        known : frozenset of str
            Letters that another drawing of the same key in the same page has defined already.
        """
        mark = "f" + hashlib.sha256(key.encode()).hexdigest()[:8]
        letters = "".join(_defined(s) for s in sorted(self._letters - known)).replace("{}-", f"{mark}-")
        size = f"{_short(self.width)} {_short(self.height)}"
        frame = 'role="img" style="stroke-linecap:round;stroke-linejoin:round"'
        box = f'viewBox="0 0 {size}" width="{_short(self.width)}" height="{_short(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} {frame} aria-label="{escape(alt)}">'
        body = "".join(self._drawn).replace("#{}-", f"#{mark}-")
        return f"{head}<title>{escape(title)}</title><defs>{letters}</defs>{body}</svg>"


def _uses(text: str) -> str:
    uses, pen = [], 0.0
    for sign in text:
        if glyph(sign).outline:
            uses.append(f'<use href="#{{}}-{ord(sign):x}" x="{_short(pen)}"/>')
        pen += glyph(sign).advance
    return "".join(uses)


def _defined(text: str) -> str:
    """Define a letter by its outline, words by their letters."""
    if len(text) == 1:
        return f'<path id="{{}}-{ord(text):x}" d="{glyph(text).outline}"/>'
    return f'<g id="{{}}-{_ident(text)}">{_uses(text)}</g>'


def _ident(text: str) -> str:
    return "_".join(f"{ord(sign):x}" for sign in text)


def _way(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in points)


def _short(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
