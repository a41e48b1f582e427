"""What arrived, what became of it and what to do now: one account, as text for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reports.check_words import say

if TYPE_CHECKING:
    from survey import Panel
    from survey.faults import Fault

Frame = Any  # a DataFrame: this room handles those of the panel and makes none
Line = tuple[str, int, int]  # a rule of the tally, its rows and cells
FINE, WARNED, REFUSED = 0, 1, 2
NO_CONCERN = ("aside:blank", "aside:total", "aside:preview", "aside:test", "cells:cleaned", "cells:missing_code")
_BROKEN = "items:series_broken:"
SCREEN = 12  # faults told on one screen; the page has all


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What a check found, in one language.

    Attributes
    ----------
    state : int
        0 fine, 1 something to look at, 2 refused.
    title : str
    sections : tuple of Section
    """

    state: int
    title: str
    sections: tuple[Section, ...]

    def text(self) -> str:
        """Give the account for a terminal."""
        parts = [self.title, *(f"{s.heading}\n" + "\n".join(f"    {line}" for line in s.lines) for s in self.sections)]
        return "\n\n".join(parts)


def account(panel: Panel, language: str) -> Account:
    """Tell what became of every row of the wave's files.

    Parameters
    ----------
    panel : Panel
    language : {'en', 'zh'}
    """
    study, wave = panel.study.name, panel.wave
    tally = panel.tally[panel.tally["wave"] == wave]
    files = [e.file for e in panel.study.wave(wave).settings.files]
    sections = [_file(tally[tally["file"] == f], panel.aside[panel.aside["wave"] == wave], f, language) for f in files]
    sections += _whole(tally[~tally["file"].isin(files)], language) + _decided(panel, language)
    state = WARNED if _concerns(tally) else FINE
    then = say("next.warned" if state else "next.fine", language, study=study, wave=wave)
    title = say("title", language, study=study, wave=wave)
    return Account(state, title, (*sections, Section(say("next", language), (then,))))


def refusal(faults: Sequence[Fault], study: str, wave: str, language: str, most: int | None = None) -> Account:
    """Tell what stops a study, file by file; at most ``most`` faults, and how many more there are."""
    told = faults[:most]
    sections = [
        Section(file, tuple(_fault(f, language) for f in group)) for file, group in groupby(told, key=lambda f: f.file)
    ]
    if len(told) < len(faults):
        sections.append(Section("…", (say("more", language, n=f"{len(faults) - len(told):,}"),)))
    then = say("next.refused", language, study=study, wave=wave).strip()
    title = say("stopped", language, n=f"{len(faults):,}")
    return Account(REFUSED, title, (*sections, Section(say("next", language), (then,))))


def _fault(fault: Fault, language: str) -> str:
    place = say("row", language, line=f"{fault.line:,}") if fault.line else ""
    return place + (fault.en if language == "en" else fault.zh)


def _concerns(tally: Frame) -> bool:
    """Whether something was set aside, missing or noted that staff should look at."""
    kinds = ("aside:", "cells:", "note:", "items:", "children_differ", "not_weighted")
    return any(rule.startswith(kinds) and rule not in NO_CONCERN for rule, _, _ in _lines(tally))


def _file(tally: Frame, aside: Frame, file: str, language: str) -> Section:
    lines = _lines(tally)
    rows = {rule: n for rule, n, _ in lines}
    told = {name: f"{rows[name]:,}" for name in ("read", "as_is", "repaired")}
    told["aside"] = f"{rows['read'] - rows['as_is'] - rows['repaired']:,}"
    here = aside[aside["file"] == file]
    return Section(file, (say("read", language, **told), *(_rule(line, here, language) for line in lines[3:])))


def _rule(line: Line, aside: Frame, language: str) -> str:
    """A rule that rows or cells met; of rows that were set aside, the first ones."""
    rule, rows, cells = line
    kind, _, what = rule.partition(":")
    if kind != "aside":
        return say(f"{kind}.{what}", language, n=f"{rows or cells:,}")
    first = sorted(int(n) for n in aside.loc[aside["reason"] == what, "row"])
    numbers = ", ".join(map(str, first[:5])) + (" …" if len(first) > 5 else "")
    return say("aside", language, n=f"{rows:,}", what=say(rule.replace(":", "."), language), rows=numbers)


def _whole(tally: Frame, language: str) -> list[Section]:
    """What is known of the wave and of no single file."""
    broken = [rule.rpartition(":")[2] for rule, _, _ in _lines(tally) if rule.startswith(_BROKEN)]
    lines = [say("series_broken", language, items=", ".join(broken))] if broken else []
    others = [line for line in _lines(tally) if not line[0].startswith(_BROKEN)]
    lines += [say(rule.replace(":", "."), language, n=f"{rows or cells:,}") for rule, rows, cells in others]
    return [Section(say("wave", language), tuple(lines))] if lines else []


def _lines(tally: Frame) -> list[Line]:
    return [
        (str(rule), int(rows), int(cells))
        for rule, rows, cells in tally[["rule", "rows", "cells"]].itertuples(index=False, name=None)
    ]


def _decided(panel: Panel, language: str) -> list[Section]:
    lines = [
        say("decision", language, file=d.accept, rule=d.rule, office=d.office, why=d.why)
        for d in panel.study.wave(panel.wave).settings.decisions
    ]
    return [Section(say("decided", language), tuple(lines))] if lines else []
