"""The one object that notebooks show with: released tables in; tables, figures, sentences out, once in each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

from analysis.disclosure import Released
from analysis.display import apart, figures, sentences, shifts, tables, told, values
from analysis.display.desk import WORSE, Bilingual, Tables, both, maybe, one_of, or_nothing, reference_for
from analysis.display.dots import ENDS, choose, draw_panels, draw_rows
from analysis.display.findings import SECTIONS, Finding, cannot_html, findings_html, pick, said
from analysis.display.output import Output, bundle
from analysis.display.plates import Plates
from analysis.display.plots import Plots
from analysis.display.rows import Cut, NothingThere, Row, cut, frame_of, rows_of, rows_where, waves_of
from analysis.display.sentences import Reference
from analysis.display.steps import draw_steps
from analysis.display.tiles import draw_tiles
from analysis.display.trend import PANELS, draw_trend, moves_since
from analysis.display.words import LANGUAGES, say
from analysis.tidy import ALL, APART, STATUSES

AGAINST = ("average", "previous")


class Show(Plates, Plots):
    """Shows released tables of one study.

    Parameters
    ----------
    labels : DataFrame
        The study's names: ``kind, code, en, zh``.
    hierarchy : DataFrame, optional
        ``code, parent, level``; without it places are neither told by level nor drawn in panels.
    limits : mapping of term to (lowest, highest), optional
        The answer scales; without one an axis is cut to the values, and says so, and nothing is called "the same".
    ranked : bool
        False: organisations, places and parts are neither ordered by their numbers nor held against the average.

    Examples
    --------
    >>> show = Show(panel.labels, hierarchy=panel.hierarchy, limits={"belonging": (1, 5)})  # doctest: +SKIP
    >>> show.dots(released, by="group", term="belonging")  # doctest: +SKIP
    """

    @or_nothing
    def table(
        self,
        released: Tables,
        *,
        rows: str | Sequence[str] = "group",
        columns: str | None = None,
        where: Mapping[str, str | Sequence[str]] | None = None,
        caption: Bilingual | None = None,
        sort: str = "value",
        fold: bool = True,
    ) -> Output:
        """Show a released table.

        Parameters
        ----------
        released : Released or several
        rows : key or keys of the tidy table
            What stands left; a key that varies otherwise is spread over the columns, or stands left too.
        columns : key, optional
            What is spread over the columns.
        where : mapping of key to code or several codes, optional
            Keep these rows only.
        caption : {"en": ..., "zh": ...}, optional
            Default: the measures and the wave.
        sort : {"value", "name", "given"}
        fold : bool
            True: folded behind its caption.

        Returns
        -------
        Output
            Its mark carries ``columns`` and ``rows``: the released rows that are shown, for its CSV, codes in place of
            names.
        """
        whole, name = frame_of(released)
        if whole.empty:
            raise NothingThere(rows if isinstance(rows, str) else rows[0])
        frame = rows_where(whole, where or {})
        unranked = not self.ranked or bool(frame["status"].isin(APART).any())
        laid = tables.grid(frame, rows=rows, columns=columns, sort="name" if sort == "value" and unranked else sort)
        data = {"columns": list(tables.COLUMNS), "rows": tables.released_rows(frame)}
        told = [v for k, v in (where or {}).items() if k in ("term", "statistic") and isinstance(v, str)]
        view = "-".join([*([rows] if isinstance(rows, str) else rows), columns or "", *told])

        def one(language: str) -> dict[str, Any]:
            title = caption[language] if caption else tables.caption_for(laid, self.labels, language)
            style = {"caption": title, "ident": f"table-{name}-{view}-{language}"}
            html = tables.table_html(laid, self.labels, language, fold=fold, **style)
            text = tables.table_text(laid, self.labels, language, caption=title)
            return bundle("table", language, name, html=html, text=text, title=title, **data)

        return both(one)

    @or_nothing
    def dots(
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
        """Draw dots with intervals, ordered by value.

        Parameters
        ----------
        released : Released or several
            Several: units in one, the row of all in another.
        by : key
            One dot a value of this key.
        term, statistic : str, optional
            Needed where the table has several.
        where : mapping of key to code, optional
            Holds other keys; by default they are all (``*``), the wave the latest.
        level : str, optional
            Level of places; default: the highest with more than one place.
        reference : float, optional
            A target; default: the row of all (``*``).
        worse : {"lower", "higher", ""}
            The direction drawn as needing attention.
        title : {"en": ..., "zh": ...}, optional
            Default: the finding, by rule.

        Returns
        -------
        Output
            At most 30 rows; more become panels by the place above (at most 120), else the 15 highest and 15 lowest.
        """
        chosen = self._cut(released, by=by, term=term, statistic=statistic, where=where, level=level)
        against = reference_for(chosen, reference)
        panels, how = choose(chosen, self.places.parents if by == "region" else {})
        drawn = [r for rows in panels.values() for r in rows]

        def one(language: str) -> dict[str, Any]:
            look = self._look(chosen, against, language, worse)
            panel = partial(draw_panels, panels, look)
            sheet = panel if how == "panels" else partial(draw_rows, drawn, look)
            notes = figures.marks_notes(drawn, look)
            notes += [figures.ends_note(chosen, ENDS, language)] if how == "ends" else []
            notes += [figures.line_note(look)] if how == "panels" else []
            return self._figure("dots", chosen, drawn, look, sheet, notes, title, where)

        return both(one)

    @or_nothing
    def trend(
        self,
        released: Tables,
        *,
        by: str | None = None,
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw a measure over the waves, a small panel for each value of `by` (at most 12, the lowest first).

        Parameters are those of `dots`; `by` None draws the row of all alone. One wave is no trend: nothing is drawn.
        """
        kinds = {"term": term, "statistic": statistic}
        whole = maybe(lambda: cut(released, by="wave", where=where, **kinds))
        units = [ALL]
        if by is not None:
            units = [r.keys[by] for r in self._cut(released, by=by, where=where, level=level, **kinds).rows]
        lines = {
            u: cut(released, by="wave", where={**(where or {}), **({by: u} if by else {})}, **kinds) for u in units
        }
        rows = [r for line in lines.values() for r in line.rows]
        waves = waves_of(rows)
        if len(waves) < 2:
            raise NothingThere("wave")
        first = next(iter(lines.values()))
        quiet = [r for r in whole.rows if by] if whole is not None else []
        now = replace(
            first, by=by or "group", wave=waves[-1], rows=tuple(r for r in rows if r.keys["wave"] == waves[-1])
        )

        def one(language: str) -> dict[str, Any]:
            look = self._look(replace(now, rows=tuple(rows)), None, language, "")
            sheet = partial(draw_trend, lines, quiet, waves, look)
            moves = moves_since(lines, waves, look.span)
            line = (
                sentences.movement(moves, now.term, now.statistic, waves[-2], self.labels, language) if moves else None
            )
            notes = [*figures.marks_notes(rows, look, vertical=True), say("measure.quiet", language) if quiet else ""]
            notes += [say("note.series_broken", language)] if any(r.status == "series_broken" for r in rows) else []
            notes += [say("measure.first", language, count=PANELS, total=len(lines))] if len(lines) > PANELS else []
            return self._figure(
                "trend", now, now.rows, look, sheet, notes, title or ({language: line} if line else None), where
            )

        return both(one)

    @or_nothing
    def steps(
        self,
        released: Tables,
        *,
        terms: Sequence[str],
        where: Mapping[str, str] | None = None,
        statistic: str = "cumulative",
        before: str = "conditional",
        title: Bilingual | None = None,
    ) -> Output:
        """Draw a chain of steps.

        Parameters
        ----------
        released : Released or several
        terms : sequence of str
            The steps, in their order.
        where : mapping of key to code, optional
            Whose chain; default: all.
        statistic, before : str
            The share of all, and the share of those on the step before; the latter may be missing.
        title : {"en": ..., "zh": ...}, optional
            Default: the step where most are lost.
        """
        chosen = cut(released, by="term", statistic=statistic, where=where)
        by_term = {r.keys["term"]: r for r in chosen.rows}
        absent = [t for t in terms if t not in by_term]
        if absent:
            raise ValueError(f"no row for the steps {absent}; there are {sorted(by_term)}")
        reached = [by_term[t] for t in terms]
        if not any(r.shown for r in reached):
            raise NothingThere("term")
        shares = maybe(lambda: cut(released, by="term", statistic=before, where=where))
        on = {r.keys["term"]: r for r in shares.rows} if shares is not None else {}
        going = [None, *(on.get(t) for t in terms[1:])]

        def one(language: str) -> dict[str, Any]:
            look = self._look(replace(chosen, rows=tuple(reached)), None, language, "")
            lost = min((r for r in going if r is not None and r.shown), key=lambda r: r.estimate, default=None)
            line = None
            if lost is not None:
                step = {"step": self.labels.term(lost.keys["term"], language)}
                line = {language: say("title.steps", language, share=values.estimate(lost), **step)}
            notes = figures.marks_notes(reached, look)
            sheet = partial(draw_steps, reached, going, look)
            return self._figure("steps", chosen, reached, look, sheet, notes, title or line, where)

        return both(one)

    @or_nothing
    def shifts(
        self,
        released: Tables,
        *,
        by: str = "group",
        term: str | None = None,
        before: str,
        after: str,
        goal: str,
        level: str | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw each unit's number before and after, with its goal: at most 30 units, those furthest from theirs.

        Parameters
        ----------
        released : Released or several
        by, term, level
            As for `dots`.
        before, after, goal : str
            Statistics.
        title : {"en": ..., "zh": ...}, optional
            Default: the unit that stood furthest from its goal.
        """
        cuts = [
            self._cut(released, by=by, term=term, statistic=s, where=None, level=level) for s in (before, after, goal)
        ]
        by_unit = [{r.keys[by]: r for r in c.rows} for c in cuts]
        units = [u for u in by_unit[0] if u in by_unit[1] and u in by_unit[2]]
        every = [shifts.Shift(*(rows[u] for rows in by_unit)) for u in units]
        drawn = shifts.chosen(every, cuts[0].ranked)
        if not any(s.before.shown for s in drawn):
            raise NothingThere(by)
        widest = max(drawn, key=lambda s: abs(s.gap))
        rows = [r for s in drawn for r in s.rows]

        def one(language: str) -> dict[str, Any]:
            look = self._look(replace(cuts[0], rows=tuple(rows)), None, language, "")
            said = {"before": values.estimate(widest.before), "goal": values.estimate(widest.goal)}
            line = (
                say("title.shift", language, unit=look.name(widest.goal), **said)
                if cuts[0].ranked and widest.gap
                else ""
            )
            notes = [*figures.marks_notes(rows, look), say("measure.shift", language)]
            notes += (
                [say("measure.first", language, count=len(drawn), total=len(every))] if len(drawn) < len(every) else []
            )
            sheet = partial(shifts.draw_shifts, drawn, look)
            shown = title or ({language: line} if line else None)
            return self._figure("shifts", cuts[0], [s.before for s in drawn], look, sheet, notes, shown, None)

        return both(one)

    @or_nothing
    def tiles(
        self,
        released: Tables,
        *,
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        title: Bilingual | None = None,
    ) -> Output:
        """Draw one tile a place of a level, its value in it, coloured by its distance from the row of all.

        Parameters are those of `dots`.
        """
        chosen = self._cut(released, by="region", term=term, statistic=statistic, where=where, level=level)
        against = reference_for(chosen, None)

        def one(language: str) -> dict[str, Any]:
            look = self._look(chosen, against, language, "")
            sheet = partial(draw_tiles, chosen.rows, self.places.parents, look)
            notes = [
                figures.tiles_note(look),
                *figures.marks_notes([r for r in chosen.rows if not r.own], look)[1:],
            ]
            return self._figure("tiles", chosen, chosen.ordered(), look, sheet, notes, title, where)

        return both(one)

    def sentence(
        self,
        released: Tables,
        *,
        term: str | None = None,
        statistic: str | None = None,
        group: str | None = None,
        region: str | None = None,
        domain: str | None = None,
        wave: str | None = None,
        against: str = "average",
        unit: str = "days",
    ) -> Output:
        """Say one row in one sentence.

        Parameters
        ----------
        released : Released or several
        term, statistic : str, optional
            Needed where the table has several.
        group, region, domain, wave : str, optional
            Whose number; default: all, the latest wave.
        against : {"average", "previous"}
            Compared with the row of all, or with the wave before.
        unit : {"days", "months"}
            Of times to an event.

        Returns
        -------
        Output
            A direction is said only where `analysis.display.sentences.verdict` finds one.
        """
        given = {"region": region, "group": group, "domain": domain}
        keys = {k: v for k, v in given.items() if v is not None}
        row, reference = self._pair(released, keys, wave, against, {"term": term, "statistic": statistic})
        one_of("unit", unit, told.UNITS)
        name = frame_of(released)[1]
        kinds = {"term": term, "statistic": statistic}
        earlier = cut(released, by="wave", where=keys, **kinds).rows if against == "previous" and not reference else ()
        broken = max((w for r in earlier if (w := r.keys["wave"]) < row.keys["wave"] and r.broken), default="")

        def one(language: str) -> dict[str, Any]:
            span = self._span(row)
            more: dict[str, Any] = {"reference": reference, "span": span, "broken": broken, "unit": unit}
            text = sentences.sentence(row, self.labels, language, **more)
            return bundle("sentence", language, name, html=f'<p class="sentence">{escape(text)}</p>', text=text)

        return both(one)

    def finding(
        self,
        released: Tables,
        *,
        by: str | None = "group",
        term: str | None = None,
        statistic: str | None = None,
        where: Mapping[str, str] | None = None,
        level: str | None = None,
        against: str = "average",
        worse: str = "lower",
        chapter: str = "",
    ) -> Finding | None:
        """Make a finding of a measure: the unit that stands apart most, the worrying direction first.

        None where the study cannot be cut that way.

        Parameters
        ----------
        by : key or None
            None: speaks of the row of all, drawn among the earlier waves.
        against : {"average", "previous"}
            ``previous`` needs `by` None.
        worse : {"lower", "higher"}
        chapter : str
            Name of the page that tells more.

        The other parameters are those of `dots`.
        """
        one_of("worse", worse, WORSE[:2])
        if against == "previous" and by is not None:
            raise ValueError("against='previous' compares the row of all with the wave before: it needs by=None")
        try:
            return self._found(
                released, by, where, level, against, worse, chapter, {"term": term, "statistic": statistic}
            )
        except NothingThere:
            return None

    def _found(
        self,
        released: Tables,
        by: str | None,
        where: Mapping[str, str] | None,
        level: str | None,
        against: str,
        worse: str,
        chapter: str,
        kinds: Mapping[str, str | None],
    ) -> Finding:
        if by is None:
            row, reference = self._pair(released, dict(where or {}), None, against, kinds)
            chosen: Cut = replace(cut(released, by="wave", where=where, **kinds), by="wave")
            return self._finding(chosen, row, reference if against == "previous" else None, worse, chapter)
        chosen = self._cut(released, by=by, where=where, level=level, **kinds)
        reference = reference_for(chosen, None)
        row_or_none = pick(chosen, reference, self._look(chosen, reference, "en", "").span, worse)
        return self._finding(chosen, row_or_none, reference, worse, chapter)

    def every(
        self,
        released: Tables,
        *,
        statistic: str,
        by: str | None = "group",
        against: str = "average",
        worse: Mapping[str, str] | None = None,
        chapter: Mapping[str, str] | None = None,
    ) -> list[Finding]:
        """Make a finding of every term that has a number of this statistic in the latest wave.

        Where the study has no such units, the finding is of all together. With ``against="previous"`` only terms are kept that
        both the latest wave and an earlier one have a number of.

        Parameters
        ----------
        worse, chapter : mapping of term, optional
            Terms that are not in it: ``lower``, no page.

        The other parameters are those of `finding`.
        """
        table = frame_of(released)[0]
        here = table[(table["statistic"] == statistic) & table["estimate"].notna()]
        here = here[here["wave"].isin([max(set(table["wave"]) - {ALL}, default=ALL), ALL])]
        made = []
        for term in dict.fromkeys(here["term"]):
            known = {"worse": (worse or {}).get(term, "lower"), "chapter": (chapter or {}).get(term, "")}
            options = {"term": term, "statistic": statistic, "against": against, **known}
            made.append(self.finding(released, by=by, **options) or self.finding(released, by=None, **options))
        found = [f for f in made if f is not None]
        if against == "previous":
            return [f for f in found if f.reference is not None and f.row is not None and f.row.shown]
        return found

    def findings(self, *findings: Finding | None, section: str = "found") -> Output:
        """Show findings for the first page.

        Parameters
        ----------
        *findings : Finding or None
            Five to seven; those without any number to show are left out.
        section : {"found", "changed", "first"}
            ``first`` keeps the findings that need attention and says where to begin.
        """
        one_of("section", section, SECTIONS)
        kept = [f for f in findings if f is not None and any(r.own for r in f.cut.rows)]
        kept = [f for f in kept if f.needs_attention()] if section == "first" else kept
        name = f"findings-{section}"

        def one(language: str) -> dict[str, Any]:
            lines = said(kept, section, language)
            html = findings_html(kept, section, language)
            return bundle("findings", language, name, html=html, text="\n".join(lines), section=section)

        return both(one)

    @or_nothing
    def comparability(self, released: Released) -> Output:
        """Say verdicts of `analysis.comparability` in words: what does not hold and why, what could not be tested, what holds."""
        frame, name = frame_of(released)
        if frame.empty:
            raise NothingThere("term")
        rows = rows_of(rows_where(frame, {"statistic": "largest_shift"}))

        def one(language: str) -> dict[str, Any]:
            told = apart.lines(rows, self.labels, language)
            return bundle(
                "findings", language, name, html=cannot_html(told), text="\n".join(told), section="comparability"
            )

        return both(one)

    def cannot_say(self, *released: Released) -> Output:
        """Say in words for how many units of the latest wave numbers are withheld, pooled, not reported and so on.

        A unit is a group, a place, or both; one counts where any of its numbers has the status. Never a count below ten.
        """
        rows = rows_of(frame_of(released)[0])
        latest = (waves_of(rows) or [ALL])[-1]
        units = {(r.status, r.keys["group"], r.keys["region"]) for r in rows if r.keys["wave"] in (latest, ALL)}
        counts = {s: sum(status == s for status, *_ in units) for s in STATUSES}

        def one(language: str) -> dict[str, Any]:
            lines = sentences.cannot_say(counts, language)
            html = cannot_html(lines)
            return bundle("findings", language, "findings-cannot", html=html, text="\n".join(lines), section="cannot")

        return both(one)

    def _pair(
        self, released: Tables, keys: dict[str, str], wave: str | None, against: str, kinds: Mapping[str, str | None]
    ) -> tuple[Row, Reference | None]:
        one_of("against", against, AGAINST)
        line = cut(released, by="wave", where=keys, **kinds)
        waves = waves_of(line.rows) or [ALL]
        wave = wave or waves[-1]
        row = next((r for r in (*line.rows, line.whole) if r is not None and r.keys["wave"] == wave), None)
        if row is None:
            raise ValueError(f"no row has wave {wave!r}; there are {waves}")
        if row.keys["statistic"] in values.SIGNED:
            return row, sentences.zero(row.decimals, row.keys["statistic"])
        if against == "previous":
            before = [r for r in line.rows if r.keys["wave"] < wave and r.own]
            return row, sentences.reference_of(max(before, key=lambda r: r.keys["wave"], default=None), "previous")
        if not keys:
            return row, None
        others = {k: v for k, v in keys.items() if k != next(iter(keys))}
        units = maybe(lambda: cut(released, by=next(iter(keys)), where={**others, "wave": wave}, **kinds))
        return row, sentences.reference_of(units.whole if units is not None else None)

    def _finding(self, chosen: Cut, row: Row | None, reference: Reference | None, worse: str, chapter: str) -> Finding:
        en, zh = (self._look(chosen, reference, language, worse) for language in LANGUAGES)
        return Finding(chosen, row, reference, worse, (en, zh), chapter)
