"""One place's number in a box: shaded, dotted where pooled, unshaded where not compared, hatched where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.display import values
from analysis.display.canvas import Canvas, Point
from analysis.display.glyphs import text_width, wrap
from analysis.display.rows import Row
from analysis.display.shades import LEGEND, Shades
from analysis.display.style import SIZE, SMALL, WIDTH
from analysis.display.words import LANGUAGES, say
from analysis.display.words_figures import ENDINGS

SMALLEST = 10.0


def draw_cell(sheet: Canvas, row: Row, shades: Shades, at: Point, size: Point, name: str = "") -> None:
    """Draw a row in a box from its upper left corner, its number and, where given, its name inside if they fit."""
    ink = "quiet"
    if not row.shown:
        sheet.hatch(at, (size[0], size[1] * (0.5 if name else 1)))
    else:
        ground, ink = shades.of(row.estimate) if row.told_apart else ("paper", "quiet")
        edge = 0.0 if row.own else 0.7
        box = (at[0] + edge, at[1] + edge), (size[0] - 2 * edge, size[1] - 2 * edge)
        sheet.box(*box, colour=ground, rim="" if row.own else "quiet", dotted=not row.own and not row.apart)
    middle = at[0] + size[0] / 2
    if name:
        under = _largest([name], size[0] - 4, SMALL)
        short = _fitted(name, size[0] - 3, under)
        sheet.words((middle, at[1] + size[1] * 0.76), short, colour=ink, size=under, align="centre")
    if row.shown:
        _number(sheet, row, (middle, at[1] + size[1] * (0.34 if name else 0.5)), size, ink)


def number_fits(row: Row, width: float) -> bool:
    """True where a row's number can be written in a box of a width."""
    return not row.shown or text_width(values.estimate(row), SMALLEST) <= width - 3


def draw_legend(sheet: Canvas, shades: Shades | None, rows: Iterable[Row], language: str) -> None:
    """Draw the scale of shades and the marks that the rows use, at the head of a sheet."""
    narrow = sheet.width < WIDTH
    if shades is not None:
        shades.draw(sheet, (0, 2), sheet.width if narrow else 280.0)
    x, y = (0.0, 2.0) if shades is None else (0.0, 2.0 + LEGEND) if narrow else (310.0, 2.0)
    for kind in marks_of(rows):
        if kind == "pooled":
            sheet.box((x + 0.7, y + 0.7), (20, 12), colour="paper", rim="quiet", dotted=True)
        elif kind == "none":
            sheet.hatch((x, y), (22, 13))
        else:
            sheet.words((x + 11, y + 7), say("mark.broken", language), colour="quiet", align="centre")
        text = say(f"legend.{kind}", language)
        sheet.words((x + 28, y + 7), text, colour="quiet", size=SMALL)
        x += 28 + text_width(text, SMALL) + 18


def legend_height(rows: Iterable[Row], width: float) -> float:
    """Give the room that the legend takes."""
    return LEGEND + (24.0 if width < WIDTH and marks_of(rows) else 0.0)


def marks_of(rows: Iterable[Row]) -> list[str]:
    """Say which marks rows need: pooled, none (no number), apart (not compared)."""
    seen = list(rows)
    found = {
        "pooled": any(r.status == "pooled" and r.shown for r in seen),
        "none": any(not r.shown for r in seen),
        "apart": any(r.shown and r.apart for r in seen),
    }
    return [kind for kind, there in found.items() if there]


def cell_notes(rows: Sequence[Row], language: str, *, signed: bool) -> list[str]:
    """Say how shades, dotted edges, hatching and marks are to be read."""
    notes = [say("measure.shade.signed" if signed else "measure.shade", language)]
    marks = marks_of(rows)
    notes += [say("measure.dotted", language)] if "pooled" in marks else []
    if "none" in marks:
        kinds = sorted({r.status for r in rows if not r.shown})
        reasons = dict.fromkeys(say(f"drawn.{k}", language).removeprefix("– ") for k in kinds)
        notes.append(say("measure.hatched", language, reasons=say("list.comma", language).join(reasons)))
    return notes + ([say("measure.unlike", language)] if "apart" in marks else [])


def short_names(names: Sequence[str], language: str) -> list[str]:
    """Leave out what kind of place a name says it is, unless two places would then have one name."""
    short = [_short(name, language) for name in names]
    return [s if short.count(s) == 1 else name for s, name in zip(short, names, strict=True)]


def _short(name: str, language: str) -> str:
    for ending in ENDINGS[LANGUAGES.index(language)]:
        if name.endswith(ending) and len(name) - len(ending) >= 2:
            return name.removesuffix(ending)
    return name


def _number(sheet: Canvas, row: Row, middle: Point, size: Point, ink: str) -> None:
    mark = "" if row.own else f" {say(f'mark.{row.status}', sheet.language)}"
    text = values.estimate(row) + mark
    if text_width(text, SMALLEST) > size[0] - 3:
        text = values.estimate(row)
    if text_width(text, SMALLEST) <= size[0] - 3:
        sheet.stamp(middle, text, colour=ink, size=_largest([text], size[0] - 4, SIZE))


def _fitted(name: str, width: float, size: float) -> str:
    """A name that fits: of several words the first ones, of one word its beginning."""
    words = name.split(" ")
    while len(words) > 1 and text_width(" ".join(words), size) > width:
        words.pop()
    return wrap(" ".join(words), width, size, lines=1)[0]


def _largest(texts: Sequence[str], width: float, most: float) -> float:
    """The largest size of writing at which texts fit, not under the smallest."""
    widest = max(text_width(t, 1.0) for t in texts) or 1.0
    return max(min(most, width / widest), SMALLEST)
