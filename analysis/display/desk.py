"""What every verb of `Show` stands on: the study's names, the choice of rows, the look, and the frame of a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from html import escape
from typing import Any

import pandas as pd

from analysis.disclosure import Released
from analysis.display import figures, sentences, values
from analysis.display.axis import axis_for, limits_for
from analysis.display.canvas import Canvas
from analysis.display.dots import Look
from analysis.display.labels import labels_of
from analysis.display.output import Output, bundle
from analysis.display.places import places_of
from analysis.display.rows import UNITS, Cut, NothingThere, Row, cut, frame_of
from analysis.display.sentences import Reference
from analysis.display.words import LANGUAGES, say

Tables = Released | Sequence[Released]
Bilingual = Mapping[str, str]
WORSE = ("lower", "higher", "")


def or_nothing(shows: Callable[..., Output]) -> Callable[..., Output]:
    """Where a study cannot be cut that way, let the figure say so in its place."""

    @wraps(shows)
    def shown(self: Desk, released: Tables, **options: Any) -> Output:
        try:
            return shows(self, released, **options)
        except NothingThere as cut_by:
            name = frame_of(released)[1]
            units = {language: self.labels.units(str(cut_by), language) for language in LANGUAGES}

        def one(language: str) -> dict[str, Any]:
            text = say("nothing", language, units=units[language])
            return bundle("nothing", language, name, html=f'<p class="sentence">{escape(text)}</p>', text=text)

        return both(one)

    return shown


class Desk:
    """The study's names, places and scales, and what may be done with released rows; parameters are those of `Show`."""

    def __init__(
        self,
        labels: pd.DataFrame,
        *,
        hierarchy: pd.DataFrame | None = None,
        limits: Mapping[str, tuple[float, float]] | None = None,
        ranked: bool = True,
    ) -> None:
        self.labels = labels_of(labels)
        self.places = places_of(hierarchy)
        self.limits = {k: (float(low), float(high)) for k, (low, high) in (limits or {}).items()}
        self.ranked = ranked

    def _cut(self, released: Tables, *, by: str, level: str | None, **choice: Any) -> Cut:
        found = cut(released, by=by, **choice)
        chosen = replace(found, ranked=found.ranked and (self.ranked or by not in UNITS))
        if by != "region":
            if level is not None:
                raise ValueError(f"level= chooses among places; by is {by!r}")
            return chosen
        return replace(chosen, rows=self.places.on_one_level(chosen.rows, level))

    def _look(self, chosen: Cut, reference: Reference | None, language: str, worse: str) -> Look:
        one_of("worse", worse, WORSE)
        terms = {r.keys["term"] for r in chosen.rows}
        scales = {limits_for(self.limits, t, chosen.statistic) for t in terms}
        limits = scales.pop() if len(scales) == 1 else None
        rows = [*chosen.rows, *([chosen.whole] if chosen.whole is not None else [])]
        axis = axis_for(rows, chosen.statistic, limits)
        wave = self.labels.unit("wave", reference.wave, language) if reference and reference.wave else ""
        name = say(f"reference.{reference.kind}", language, wave=wave) if reference else ""
        span = limits[1] - limits[0] if limits else math.nan
        return Look(self.labels, language, axis, reference, name, span, worse, chosen.by)

    def _span(self, row: Row) -> float:
        limits = limits_for(self.limits, row.keys["term"], row.keys["statistic"])
        return limits[1] - limits[0] if limits else math.nan

    def _figure(
        self,
        kind: str,
        chosen: Cut,
        drawn: Sequence[Row],
        look: Look,
        draw: Callable[[float], Canvas],
        notes: Sequence[str],
        title: Bilingual | None,
        where: Mapping[str, str] | None,
        said: str = "",
    ) -> dict[str, Any]:
        line = title[look.language] if title else self._headline(chosen, look)
        measure = figures.measure_line(chosen, look, notes)
        alt = figures.alt_text(line, measure, drawn, look, said)
        parts = (chosen.name, kind, chosen.by, chosen.term, chosen.statistic, repr(sorted((where or {}).items())))
        html = figures.figure_html(draw, key="|".join((*parts, look.language)), title=line, measure=measure, alt=alt)
        return bundle("figure", look.language, chosen.name, html=html, text=alt, title=line)

    def _headline(self, chosen: Cut, look: Look) -> str:
        return sentences.headline(chosen, self.labels, look.language, reference=look.reference, span=look.span)


def both(one: Callable[[str], dict[str, Any]]) -> Output:
    """Make an output of both languages."""
    en, zh = (one(language) for language in LANGUAGES)
    return Output((en, zh))


def reference_for(chosen: Cut, given: float | None) -> Reference | None:
    """Choose what units are held against: a target given, nought for differences, else the row of all, or nothing."""
    digits = max((r.decimals for r in chosen.rows), default=0)
    if given is not None:
        return sentences.target(given, digits, chosen.statistic)
    if chosen.statistic in values.SLOPES:
        return None
    if chosen.statistic in values.SIGNED:
        return sentences.zero(digits, chosen.statistic)
    return None if chosen.by in ("wave", "term") or not chosen.ranked else sentences.reference_of(chosen.whole)


def maybe(attempt: Callable[[], Cut]) -> Cut | None:
    """Cut where the rows are there; None where the table has no such rows, which is not a fault here."""
    try:
        return attempt()
    except ValueError:
        return None


def one_of(name: str, given: str, known: Sequence[str]) -> None:
    """Refuse an option that is not known."""
    if given not in known:
        raise ValueError(f"{name} is one of {list(known)}, seen {given!r}")
