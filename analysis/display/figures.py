"""A drawing becomes a figure of the page: its title says the finding, its subtitle measure, unit and n, its alt text all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from analysis.display import apart, values
from analysis.display.canvas import Canvas
from analysis.display.dots import Look
from analysis.display.labels import capital
from analysis.display.rows import Cut, Row
from analysis.display.sentences import subject
from analysis.display.style import NARROW, WIDTH
from analysis.display.words import say
from analysis.tidy import ALL

SPOKEN = 12


def figure_html(draw: Callable[[float], Canvas], *, key: str, title: str, measure: str, alt: str) -> str:
    """Put a drawing under its title and its measure, once wide and once narrow; all texts are escaped.

    The style sheet shows one of the two; where there is no style sheet the narrow one stays hidden.
    """
    caption = f'<strong class="finding">{escape(title)}</strong><span class="measure">{escape(measure)}</span>'
    wide, narrow = draw(WIDTH), draw(NARROW)
    drawings = f'<div class="wide">{wide.svg(key, title=title, alt=alt)}</div>'
    again = narrow.svg(key, title=title, alt=alt, known=wide.letters)
    drawings += f'<div class="narrow" hidden>{again}</div>'
    return f'<figure class="figure"><figcaption>{caption}</figcaption>{drawings}</figure>'


def measure_line(cut: Cut, look: Look, notes: Sequence[str], *, what: str = "") -> str:
    """Say what is drawn: measure, statistic (or `what`), wave, n, the axis, and how marks are to be read."""
    language = look.language
    text = capital(what or _what(cut, look))
    if cut.wave != ALL:
        text += say("measure.wave", language, wave=look.labels.unit("wave", cut.wave, language))
    n = cut.whole.n if cut.whole is not None else float("nan")
    text += say("measure.n", language, n=values.count(n)) if values.count(n) else ""
    rest = say("clause.gap", language).join([n for n in notes if n])
    stop = say("sentence.stop", language)
    return f"{text}{stop}{say('sentence.gap', language)}{capital(rest)}{stop}" if rest else text + stop


def marks_notes(rows: Sequence[Row], look: Look, *, vertical: bool = False) -> list[str]:
    """Say how axis, intervals, pooled and missing marks are to be read."""
    language = look.language
    notes = [look.axis.said(language, vertical=vertical)]
    if any(values.limits(r) for r in rows if r.shown):
        notes.append(say("measure.bars" if vertical else "measure.line", language))
    if any(r.status == "pooled" for r in rows):
        notes.append(say("measure.pooled", language))
    if any(r.status == "withheld" for r in rows):
        notes.append(say("note.withheld", language))
    return notes + apart.notes(rows, look.labels, language, line=vertical)


def ends_note(cut: Cut, count: int, language: str) -> str:
    """Say that only the highest and the lowest rows are drawn."""
    return say("measure.ends", language, count=count, total=len(cut.rows))


def line_note(look: Look) -> str:
    """Say what the upright line is, where it carries no name of its own."""
    if look.reference is None:
        return ""
    return say("measure.reference", look.language, reference=look.reference_name, value=look.reference.text)


def tiles_note(look: Look) -> str:
    """Say how tiles are ordered."""
    return say("measure.tiles", look.language, parent=say("measure.parent", look.language))


def alt_text(title: str, measure: str, rows: Sequence[Row], look: Look, said: str = "") -> str:
    """Say the finding, what else is said of it, the measure and the numbers; of more than twelve rows six at each end."""
    return alt_of(title, measure, [_spoken(r, look) for r in rows], look.language, said)


def alt_of(title: str, measure: str, numbers: Sequence[str], language: str, said: str = "") -> str:
    """Say the finding, what else is said of it, the measure and what is said of each row; of more than twelve six at each end."""
    shown = list(numbers) if len(numbers) <= SPOKEN else [*numbers[: SPOKEN // 2], *numbers[-SPOKEN // 2 :]]
    gap, stop = say("clause.gap", language), say("sentence.stop", language)
    parts = [title + stop, *([said] if said else []), measure, gap.join(shown) + stop]
    return say("sentence.gap", language).join(parts)


def _what(cut: Cut, look: Look) -> str:
    named = look.labels.statistic(cut.statistic, look.language)
    if cut.term == ALL:
        return named
    text = subject(cut.term, cut.statistic, look.labels, look.language)
    return text if named in text else say("measure", look.language, subject=text, statistic=named)


def _spoken(row: Row, look: Look) -> str:
    name = look.name(row)
    if not row.shown:
        return f"{name} {say(f'mark.{row.status}', look.language)}"
    ends = values.interval(row, look.language)
    return f"{name} {values.estimate(row)}" + (f" ({ends})" if ends else "")
