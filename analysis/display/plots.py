"""Figures of two axes: a plane of units, curves over time. `Show` has these verbs too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from analysis.display import curves, figures, plane, sentences, values
from analysis.display.axis import fitted_axis
from analysis.display.curve_rows import Curve, Curves, curves_of
from analysis.display.desk import Bilingual, Desk, Tables, both, one_of, or_nothing, reference_for
from analysis.display.dots import Look
from analysis.display.labels import capital, inside
from analysis.display.output import Output, bundle
from analysis.display.plane import Side, Spot
from analysis.display.rows import Cut
from analysis.display.told import lasting
from analysis.display.words import WORDS, join, say
from analysis.tidy import ALL


class Plots(Desk):
    """The verbs with two axes; parameters that are not explained are those of `Show.dots`."""

    @or_nothing
    def plane(
        self,
        released: Tables,
        *,
        by: str = "group",
        x: str,
        y: str,
        term: str | None = None,
        also: Tables | None = None,
        also_term: str | None = None,
        wave: str | None = None,
        level: str | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw units on a plane of two statistics, each with both intervals as a cross, the row of all as two lines.

        Parameters
        ----------
        released : Released or several
        x, y : str
            Statistics across and upwards.
        also : Released or several, optional
            Where the rows of `y` are; default: where those of `x` are.
        also_term : str, optional
            Term of `y`; default: `term`, or the only one that `also` has.
        wave : str, optional
            Default: the latest.

        Returns
        -------
        Output
            Two to some forty units; over twenty only those have names of which an interval does not touch the row of all.
            Units that lack one of the two numbers are named below the plane, with the reason, and stand nowhere on it.
        """
        where = {"wave": wave} if wave else None
        across = self._cut(released, by=by, term=term, statistic=x, where=where, level=level)
        second = also_term or (term if also is None else None)
        upwards = self._cut(also or released, by=by, term=second, statistic=y, where=where, level=level)
        spots = _spots(across, upwards)

        def one(language: str) -> dict[str, Any]:
            sides = [self._side(c, other, language) for c, other in ((across, upwards), (upwards, across))]
            return self._plane(across, upwards, spots, sides[0], sides[1], language, title)

        return both(one)

    @or_nothing
    def curves(
        self,
        released: Tables,
        *,
        by: str | None = "group",
        term: str | None = None,
        statistic: str = "cumulative",
        unit: str = "days",
        where: Mapping[str, str] | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw curves over time of `analysis.kaplan_meier`, in steps, with intervals as bands and all together in grey.

        Parameters
        ----------
        released : Released or several
            Rows with ``time=...`` in their domain; units in one table, all together in another, say.
        by : {"group", "region", "domain"} or None
            One curve a value; ``domain``: of the cut beside the time. None: all together alone.
        statistic : str
            ``cumulative``, ``survival``, or another with times.
        unit : {"days", "months"}
            Of the times.

        Returns
        -------
        Output
            Up to four curves in one drawing, named at their ends; of more a small panel each, the lowest first, at most 24. A
            curve ends before its first number that may not be shown. The title holds units against all at the latest time at
            which as many as ever have a number, and a fifth of those watched at first still are.
        """
        one_of("unit", unit, tuple(curves.STEPS))
        found = curves_of(released, by=by, term=term, statistic=statistic, where=where or {})
        last, chosen = found.last(), self._standing(found, by, statistic)
        units = curves.ordered(found, ranked=chosen.ranked)[: curves.PANELS]

        def one(language: str) -> dict[str, Any]:
            every = tuple(r for c in found.every for _, r in c.drawn)
            look = self._look(replace(chosen, rows=every or chosen.rows), None, language, "")
            line = title or {language: self._curves_title(chosen, last, unit, language)}
            notes = self._curves_notes(found, units, look, unit)
            sheet = partial(curves.draw_curves, found, units, look, unit)
            drawn = chosen.ordered() or [r for r in (chosen.whole,) if r is not None]
            return self._figure("curves", replace(chosen, whole=None), drawn, look, sheet, notes, line, where)

        return both(one)

    def _standing(self, found: Curves, by: str | None, statistic: str) -> Cut:
        """The numbers at the time at which units are held against all; of units without one the row that says why."""
        last = found.last()
        rows = tuple(c.at(last) or c.ended or c.rows[-1].emptied() for c in found.units)
        whole = found.whole.at(last) if found.whole is not None else None
        term = next(r.keys["term"] for c in (*found.units, found.whole) if c is not None for r in c.rows)
        ranked = self.ranked and not any(r.apart for r in rows)
        return Cut(found.name, by or "group", term, statistic, found.wave, rows, whole, ranked)

    def _curves_title(self, chosen: Cut, last: float, unit: str, language: str) -> str:
        if chosen.rows:
            reference, look = reference_for(chosen, None), self._look(chosen, None, language, "")
            line = sentences.headline(chosen, self.labels, language, reference=reference, span=look.span)
        else:
            shown = chosen.whole is not None and chosen.whole.shown
            first = values.estimate(chosen.whole) if chosen.whole is not None and shown else ""
            key = "title.one" if shown else "title.empty"
            line = capital(say(key, language, subject=self._topic(chosen, language), first=first))
        if not any(r.shown for r in (*chosen.rows, chosen.whole) if r is not None):
            return line
        key = f"title.curves.{chosen.statistic}"
        return say(
            key if key in WORDS else "title.curves", language, line=line, time=lasting(f"{last:g}", unit, language)
        )

    def _curves_notes(self, found: Curves, units: Sequence[Curve], look: Look, unit: str) -> list[str]:
        language = look.language
        rows = [r for c in found.every for _, r in c.drawn]
        notes = [n for n in figures.marks_notes(rows, look, vertical=True) if n != say("measure.bars", language)]
        notes += [say("measure.curves", language)] if any(values.limits(r) for r in rows) else []
        notes += [say("measure.curves.whole", language)] if found.whole is not None and units else []
        ended = {c.ended.status for c in found.every if c.ended is not None}
        notes += [say(f"measure.curves.{s}", language) for s in ("withheld", "not_estimable") if s in ended]
        notes += [say("note.withheld", language)] if any(c.rows[0].status == "withheld" for c in found.units) else []
        notes += _risk(found.whole, unit, language)
        more = len(found.shown) > len(units)
        return notes + ([say("measure.first", language, count=len(units), total=len(found.shown))] if more else [])

    def _side(self, chosen: Cut, other: Cut, language: str) -> Side:
        """One axis, fitted to the values: on whole scales most of the plane would be empty. The figure says where it begins."""
        free = chosen.ranked and other.ranked
        look = self._look(chosen, reference_for(chosen, None) if free else None, language, "")
        rows = [*chosen.rows, *([chosen.whole] if chosen.whole is not None else [])]
        fitted = fitted_axis(rows, chosen.statistic)
        same = chosen.term == other.term and chosen.statistic != other.statistic
        name = self.labels.statistic(chosen.statistic, language) if same else self._topic(chosen, language)
        return Side(replace(look, axis=fitted), name)

    def _topic(self, chosen: Cut, language: str) -> str:
        return sentences.topic_of(chosen, self.labels, language)

    def _plane(
        self, across: Cut, upwards: Cut, spots: Sequence[Spot], x: Side, y: Side, language: str, title: Bilingual | None
    ) -> dict[str, Any]:
        line = title[language] if title else self._plane_title(across, upwards, spots, x, y)
        measure = figures.measure_line(across, x.look, _notes(spots, x, y), what=self._names(across, upwards, x, y))
        ordered = sorted((s for s in spots if s.shown), key=lambda s: -s.x.estimate)
        alt = figures.alt_of(
            line, measure, [_spoken(s, x) for s in [*ordered, *(s for s in spots if not s.shown)]], language
        )
        kinds = (across.statistic, upwards.name, upwards.term, upwards.statistic)
        key = "|".join((across.name, "plane", across.by, across.term, across.wave, *kinds, language))
        sheet = partial(plane.draw_plane, spots, x, y)
        html = figures.figure_html(sheet, key=key, title=line, measure=measure, alt=alt)
        return bundle("figure", language, across.name, html=html, text=alt, title=line)

    def _names(self, across: Cut, upwards: Cut, x: Side, y: Side) -> str:
        language = x.look.language
        told = {"x": x.name, "y": y.name}
        if across.term != upwards.term or across.term == ALL:
            return say("plane.names", language, **told)
        term = self.labels.term(across.term, language)
        return say("plane.names.of", language, term=inside(term) if language == "en" else term, **told)

    def _plane_title(self, across: Cut, upwards: Cut, spots: Sequence[Spot], x: Side, y: Side) -> str:
        language, by = x.look.language, across.by
        names = {"names": self._names(across, upwards, x, y)}
        shown = [s for s in spots if s.shown]
        if not shown:
            return capital(say("title.plane.empty", language, **names))
        reference = x.look.reference_name or y.look.reference_name
        if not reference:
            unit = self.labels.word("group", language) if by == "group" else say(f"one.{by}", language)
            return capital(say("title.plane.plain", language, unit=unit, **names))
        clear = [x.look.name(s.x) for s in shown if plane.clear_of(s, x, y)]
        units = self.labels.units(by, language)
        if not clear:
            return capital(say("title.plane.none", language, units=units, reference=reference, **names))
        who = (
            join(clear, language)
            if len(clear) <= 2
            else say("title.count", language, count=len(clear), total=len(shown), units=units)
        )
        return capital(say("title.plane", language, units=who, reference=reference, **names))


def _risk(whole: Curve | None, unit: str, language: str) -> list[str]:
    """How many were watched at the first time and at the last that is drawn."""
    if whole is None or whole.length < 2:
        return []
    (start, first), (end, last) = whole.drawn[0], whole.drawn[-1]
    times = {"start": lasting(f"{start:g}", unit, language), "end": lasting(f"{end:g}", unit, language)}
    counts = {"first": values.count(first.n), "last": values.count(last.n)}
    return [say("measure.curves.risk", language, **times, **counts)] if all(counts.values()) else []


def _spots(across: Cut, upwards: Cut) -> list[Spot]:
    """Units that either table has; a row that is not there has no number."""
    by = across.by
    xs, ys = ({r.keys[by]: r for r in c.rows} for c in (across, upwards))
    units = dict.fromkeys([*xs, *ys])
    return [Spot(xs.get(u) or ys[u].emptied(), ys.get(u) or xs[u].emptied()) for u in units]


def _notes(spots: Sequence[Spot], x: Side, y: Side) -> list[str]:
    language = x.look.language
    shown = [s for s in spots if s.shown]
    if not shown:
        return figures.marks_notes([s.gone for s in spots], x.look)[1:]
    ends = {
        f"{k}_{e}": side.look.axis.written(getattr(side.look.axis, e))
        for k, side in (("x", x), ("y", y))
        for e in ("low", "high")
    }
    notes = [say("measure.plane", language, **ends)]
    reference = x.look.reference_name or y.look.reference_name
    notes.append(say("measure.cross.clear" if reference else "measure.cross", language, reference=reference))
    if len(plane.named(shown, x, y)) < len(shown):
        notes.append(say("measure.plane.named", language, reference=reference))
    rows = [r for s in shown for r in (s.x, s.y)] + [s.gone for s in spots if not s.shown]
    marks = figures.marks_notes(rows, x.look)[1:]
    return [*notes, *(n for n in marks if n != say("measure.line", language))]


def _spoken(spot: Spot, x: Side) -> str:
    """A unit and its two numbers with their intervals; of one that is not drawn the reason alone."""
    language, name = x.look.language, x.look.name(spot.x)
    if not spot.shown:
        return f"{name} {say(f'mark.{spot.gone.status}', language)}"
    told = {}
    for key, row in (("x", spot.x), ("y", spot.y)):
        ends = values.interval(row, language)
        told[key] = values.estimate(row) + (f" ({ends})" if ends else "")
    return say("plane.pair", language, unit=name, **told)
