"""Figures of many units, each with its sentences: caterpillar, forest, heat map, tile grid, small multiples.

`Show` has these verbs too. A sentence is made from the same released rows as its figure, and is part of the figure's
alternative text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from analysis.display import caterpillar, cells, figures, forest, grid, multiples, sentences
from analysis.display.axis import limits_for
from analysis.display.desk import Bilingual, Desk, Tables, both, or_nothing, reference_for
from analysis.display.dots import Look
from analysis.display.heat import COLUMNS, Heat, Line, draw_heat, numbers_fit
from analysis.display.layouts import layout_for
from analysis.display.output import Output, bundle
from analysis.display.rows import Cut, NothingThere, Row, cut, pairs, waves_of
from analysis.display.shades import Shades, shades_for
from analysis.display.summaries import Spread, moves, spread
from analysis.display.trend import moves_since
from analysis.display.words import say
from analysis.tidy import ALL


@dataclass(frozen=True, slots=True)
class PairLook(Look):
    """The look of a figure of pairs.

    Attributes
    ----------
    columns : str
        The second key.
    """

    columns: str

    def name(self, row: Row) -> str:
        """Name a pair by its place and its column."""
        names = [self.labels.unit(k, row.keys[k], self.language) for k in (self.by, self.columns)]
        return say("spread.pair", self.language, place=names[0], column=names[1])


@dataclass(frozen=True, slots=True)
class Waves:
    """Units over the waves.

    Attributes
    ----------
    lines : mapping of unit to Cut by wave
    waves : list of str
    now : Cut
        The units' rows of the latest wave.
    """

    lines: Mapping[str, Cut]
    waves: Sequence[str]
    now: Cut

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return tuple(r for line in self.lines.values() for r in line.rows)


class Plates(Desk):
    """The verbs for many units; parameters that are not explained are those of `Show.dots`."""

    @or_nothing
    def caterpillar(
        self,
        released: Tables,
        *,
        by: str = "group",
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        reference: float | None = None,
        worse: str = "lower",
        title: Bilingual | None = None,
    ) -> Output:
        """Draw all units from the highest to the lowest, with the row of all as a line in the band of its interval.

        Five to some four hundred units; over sixty only every tenth, at most, has its name. Units without a number are
        listed below. Where rows are not compared, units stand in the order of the table.
        """
        chosen = self._cut(released, by=by, term=term, statistic=statistic, where=where, level=level)
        against, rows = reference_for(chosen, reference), chosen.ordered()

        def one(language: str) -> dict[str, Any]:
            look = self._look(chosen, against, language, worse)
            banded = look.reference is not None and look.reference.kind == "average"
            notes = figures.marks_notes(rows, look)
            notes += [say("measure.band", language, reference=look.reference_name)] if banded else []
            notes += [say("measure.some_names", language)] if sum(r.shown for r in rows) > caterpillar.NAMED else []
            sheet = partial(caterpillar.draw_caterpillar, rows, chosen.whole, look)
            return self._figure(
                "caterpillar", chosen, rows, look, sheet, notes, title, where, self._spread(chosen, look)
            )

        return both(one)

    @or_nothing
    def forest(
        self,
        released: Tables,
        *,
        by: str = "group",
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        reference: float | None = None,
        worse: str = "lower",
        title: Bilingual | None = None,
    ) -> Output:
        """Draw few rows with n, number and interval beside their lines, and the row of all as a diamond below.

        At most 30 rows: of more the ends, and the figure says so.
        """
        chosen = self._cut(released, by=by, term=term, statistic=statistic, where=where, level=level)
        against, rows = reference_for(chosen, reference), forest.choose(chosen)
        whole = chosen.whole if chosen.by not in ("term", "wave") else None

        def one(language: str) -> dict[str, Any]:
            look = self._look(chosen, against, language, worse)
            notes = figures.marks_notes(rows, look)
            notes += [say("measure.diamond", language)] if whole is not None and whole.shown else []
            notes += [_cut_short(chosen, len(rows), language)]
            sheet = partial(forest.draw_forest, rows, whole, look)
            return self._figure("forest", chosen, rows, look, sheet, notes, title, where, self._spread(chosen, look))

        return both(one)

    @or_nothing
    def grid(
        self,
        released: Tables,
        *,
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        layout: pd.DataFrame | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw one tile a place of a level, near where it lies.

        Parameters
        ----------
        layout : DataFrame, optional
            ``code, row, column, level``. Default: a layout that comes with the project and has all the places; where
            there is none, tiles stand in blocks of the place above, and the figure says so.
        """
        chosen = self._cut(released, by="region", term=term, statistic=statistic, where=where, level=level)
        codes = [r.keys["region"] for r in chosen.rows]
        laid = layout_for(codes, layout)
        shades = shades_for(chosen.rows, chosen.statistic)

        def one(language: str) -> dict[str, Any]:
            look = self._look(chosen, reference_for(chosen, None), language, "")
            short = cells.short_names([look.name(r) for r in chosen.rows], language)
            what = grid.Map(chosen.rows, dict(zip(codes, short, strict=True)), self.places.parents, laid)
            notes = [say("measure.layout" if laid is not None else "measure.automatic", language)]
            notes += [say("measure.borders", language)] if grid.parted(what) else []
            notes += cells.cell_notes(chosen.rows, language, signed=shades.signed)
            sheet = partial(grid.draw_grid, what, shades, look)
            told = self._spread(chosen, look)
            return self._figure("grid", chosen, chosen.ordered(), look, sheet, notes, title, where, told)

        return both(one)

    @or_nothing
    def heat(
        self,
        released: Tables,
        *,
        rows: str = "region",
        columns: str = "group",
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw a cell for each place and organisation (or wave, or measure), places in the order of their tree.

        Parameters
        ----------
        rows, columns : key
            Two keys of the tidy table. At most 24 columns are drawn.
        """
        found = pairs(released, by=(rows, columns), term=term, statistic=statistic, where=where)
        chosen = replace(found, ranked=found.ranked and self.ranked)

        def one(language: str) -> dict[str, Any]:
            look = self._pair_look(chosen, columns, language)
            what = self._heat(chosen, look)
            signed = any(s.signed for s in what.shades.values())
            notes = cells.cell_notes(list(what.cells.values()), language, signed=signed)
            notes += self._heat_notes(chosen, what, look)
            line = title or {language: self._heat_title(chosen, look)}
            sheet, told = partial(draw_heat, what, look), self._spread(chosen, look)
            drawn = [what.cells[k.code, c] for k in what.lines for c in what.columns if (k.code, c) in what.cells]
            return self._figure(f"heat-{columns}", chosen, drawn, look, sheet, notes, line, where, told)

        return both(one)

    @or_nothing
    def multiples(
        self,
        released: Tables,
        *,
        by: str = "group",
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw a measure over the waves, a small panel a unit on one scale (at most 24, the lowest first).

        The other units stand behind as quiet lines, unless units may not be held against each other.
        """
        waved = self._waves(released, by, level, where, {"term": term, "statistic": statistic})
        free = waved.now.ranked and not any(r.apart for r in waved.rows)
        units = multiples.choose_panels(waved.lines, ranked=free)
        drawn = {u: waved.lines[u] for u in units}
        last = [r for u in units for r in drawn[u].rows if r.keys["wave"] == waved.waves[-1]]

        def one(language: str) -> dict[str, Any]:
            look = self._look(replace(waved.now, rows=waved.rows), None, language, "")
            line, told = self._moved(waved, look)
            notes = self._wave_notes(waved, look, free and len(units) > 1, len(units))
            sheet = partial(multiples.draw_multiples, drawn, waved.waves, look, others=free)
            shown = title or ({language: line} if line else None)
            return self._figure("multiples", waved.now, last, look, sheet, notes, shown, where, told)

        return both(one)

    @or_nothing
    def overview(
        self,
        released: Tables,
        *,
        by: str = "group",
        columns: str | None = None,
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        reference: float | None = None,
    ) -> Output:
        """Say in a few sentences where all units stand: counts by verdict, the ends if they can be told, pooled, withheld.

        Parameters
        ----------
        columns : key, optional
            Says it of the cells of a heat map of `by` and `columns`.
        """
        kinds = {"term": term, "statistic": statistic, "where": where}
        if columns is None:
            chosen = self._cut(released, by=by, level=level, **kinds)
        else:
            found = pairs(released, by=(by, columns), **kinds)  # type: ignore[arg-type]
            chosen = replace(found, ranked=found.ranked and self.ranked)

        def one(language: str) -> dict[str, Any]:
            against = reference_for(chosen, reference)
            look = self._pair_look(chosen, columns, language) if columns else self._look(chosen, against, language, "")
            return _said(self._spread(chosen, look), chosen.name, language)

        return both(one)

    @or_nothing
    def moves(
        self,
        released: Tables,
        *,
        by: str = "group",
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
    ) -> Output:
        """Say in a few sentences how many units rose and fell since the wave before, and how many cannot be compared."""
        waved = self._waves(released, by, level, where, {"term": term, "statistic": statistic})

        def one(language: str) -> dict[str, Any]:
            look = self._look(replace(waved.now, rows=waved.rows), None, language, "")
            return _said(self._moved(waved, look)[1], waved.now.name, language)

        return both(one)

    def _spread(self, chosen: Cut, look: Look) -> str:
        unit = "cell" if isinstance(look, PairLook) else chosen.by
        topic = sentences.topic_of(chosen, self.labels, look.language)
        pair = look.columns if isinstance(look, PairLook) else ""
        ends = chosen.term != ALL and "wave" not in (chosen.by, pair)
        return spread(Spread(chosen.rows, topic, unit, look, chosen.ranked, look.name, ends))

    def _pair_look(self, chosen: Cut, columns: str, language: str) -> PairLook:
        held = columns not in ("wave", "term") and chosen.by not in ("wave", "term")
        look = self._look(chosen, reference_for(chosen, None) if held else None, language, "")
        named = (look.labels, language, look.axis, look.reference, look.reference_name, look.span)
        return PairLook(*named, "", chosen.by, columns)

    def _heat(self, chosen: Cut, look: PairLook) -> Heat:
        codes = list(dict.fromkeys(r.keys[chosen.by] for r in chosen.rows))
        across = sorted({r.keys[look.columns] for r in chosen.rows}) if look.columns == "wave" else None
        kept = (across or list(dict.fromkeys(r.keys[look.columns] for r in chosen.rows)))[:COLUMNS]
        found = {(r.keys[chosen.by], r.keys[look.columns]): r for r in chosen.rows if r.keys[look.columns] in kept}
        names = {c: self.labels.unit(look.columns, c, look.language) for c in kept}
        return Heat(self._lines(codes, look), names, found, self._shades(chosen, look, kept))

    def _lines(self, codes: Sequence[str], look: PairLook) -> tuple[Line, ...]:
        named = [self.labels.unit(look.by, c, look.language) for c in codes]
        if look.by != "region":
            return tuple(Line(c, n, 0, "") for c, n in zip(codes, named, strict=True))
        names = dict(zip(codes, cells.short_names(named, look.language), strict=True))
        paths = {c: self.places.path(c) for c in codes}
        deepest = max(map(len, paths.values())) - 1
        return tuple(
            Line(c, names[c], sum(p in paths for p in paths[c][:-1]), "/".join(paths[c][:deepest]))
            for c in sorted(codes, key=lambda c: paths[c])
        )

    def _shades(self, chosen: Cut, look: PairLook, kept: Sequence[str]) -> dict[str, Shades]:
        scales = {limits_for(self.limits, r.keys["term"], chosen.statistic) for r in chosen.rows}
        if len(scales) == 1:
            return dict.fromkeys(kept, shades_for(chosen.rows, chosen.statistic))
        by_column = {c: [r for r in chosen.rows if r.keys[look.columns] == c] for c in kept}
        return {c: shades_for(rows, chosen.statistic) for c, rows in by_column.items()}

    def _heat_notes(self, chosen: Cut, what: Heat, look: PairLook) -> list[str]:
        language, pairs_there = look.language, len(what.lines) * len(what.columns)
        every = len({r.keys[look.columns] for r in chosen.rows})
        notes = [] if what.same else [say("measure.shade.terms", language)]
        notes += [say("measure.blank", language)] if len(what.cells) < pairs_there else []
        notes += [] if numbers_fit(what, figures.WIDTH) else [say("measure.bare", language)]
        return notes + ([say("measure.first", language, count=COLUMNS, total=every)] if every > COLUMNS else [])

    def _heat_title(self, chosen: Cut, look: PairLook) -> str:
        language, topic = look.language, sentences.topic_of(chosen, self.labels, look.language)
        own = [r for r in chosen.rows if r.own]
        if look.reference is None or not chosen.ranked or not own:
            keys = {"rows": chosen.by, "columns": look.columns}
            units = {k: self.labels.units(v, language) for k, v in keys.items()}
            return sentences.capital(say("title.cells.plain", language, subject=topic, **units))
        found = [sentences.verdict(r, look.reference, look.span) for r in own]
        key = "title.cells.zero" if look.reference.kind == "zero" else "title.cells"
        counts = {"low": found.count("lower"), "high": found.count("higher"), "count": len(own)}
        return sentences.capital(say(key, language, subject=topic, reference=look.reference_name, **counts))

    def _waves(
        self,
        released: Tables,
        by: str,
        level: str | None,
        where: Mapping[str, str] | None,
        kinds: Mapping[str, str | None],
    ) -> Waves:
        chosen = self._cut(released, by=by, where=where, level=level, **kinds)
        units = [r.keys[by] for r in chosen.rows]
        lines = {u: cut(released, by="wave", where={**(where or {}), by: u}, **kinds) for u in units}
        waves = waves_of([r for line in lines.values() for r in line.rows])
        if len(waves) < 2:
            raise NothingThere("wave")
        return Waves(lines, waves, replace(chosen, wave=waves[-1]))

    def _moved(self, waved: Waves, look: Look) -> tuple[str, str]:
        """The title and the sentences about what moved."""
        now, before = waved.now, waved.waves[-2]
        found = moves_since(waved.lines, waved.waves, look.span)
        title = sentences.movement(found, now.term, now.statistic, before, self.labels, look.language) if found else ""
        topic = sentences.subject(now.term, now.statistic, self.labels, look.language)
        return title, moves(found, before, topic, now.rows, look)

    def _wave_notes(self, waved: Waves, look: Look, others: bool, drawn: int) -> list[str]:
        language = look.language
        notes = figures.marks_notes(waved.rows, look, vertical=True)
        bars = say("measure.bars", language)
        notes = [say("measure.ribbon", language) if n == bars else n for n in notes]
        notes += [say("measure.others", language)] if others else []
        notes += [say("note.series_broken", language)] if any(r.status == "series_broken" for r in waved.rows) else []
        return notes + (
            [say("measure.first", language, count=drawn, total=len(waved.lines))] if drawn < len(waved.lines) else []
        )


def _cut_short(chosen: Cut, drawn: int, language: str) -> str:
    if drawn == len(chosen.rows):
        return ""
    if chosen.ranked:
        return figures.ends_note(chosen, forest.ROWS // 2, language)
    return say("measure.first", language, count=drawn, total=len(chosen.rows))


def _said(text: str, name: str, language: str) -> dict[str, Any]:
    return bundle("sentence", language, name, html=f'<p class="sentence">{escape(text)}</p>', text=text)
