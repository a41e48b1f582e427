"""What arrived, what became of it and what to do now: one account, as text for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reports.check_words import say
from survey.checks.reasons import OF_ANOTHER_DAY
from survey.faults import printable

if TYPE_CHECKING:
    from survey import Panel
    from survey.faults import Fault

Frame = Any  # a DataFrame: this room handles those of the panel and makes none
Line = tuple[str, int, int]  # a rule of the tally, its rows and cells
FINE, WARNED, REFUSED = 0, 1, 2
NO_CONCERN = ("aside:blank", "aside:total", "aside:preview", "aside:test", "cells:cleaned", "cells:missing_code")
ABOUT_ITEMS = ("series_broken", "wording_changed", "not_asked", "hardly_answered", "unevenly_answered", "runs_against")
COLUMNS = 3  # columns named on a line
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
    earlier = panel.tally["rule"].str.startswith("items:series_broken")  # the current wave has the form that counts
    tally = panel.tally[(panel.tally["wave"] == wave) | earlier]
    files = [e.file for e in panel.study.wave(wave).settings.files]
    about = {name: frame[frame["wave"] == wave] for name, frame in _about(panel).items()}
    sections = [_file(tally, {name: a[a["file"] == f] for name, a in about.items()}, f, language) for f in files]
    sections += _whole(tally[~tally["file"].isin(files)], panel, language) + _decided(panel, language)
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
    kinds = (
        "aside:",
        "cells:",
        "note:",
        "items:",
        "children_differ",
        "places_broken",
        "fewer_members",
        "without_a_count",
        "too_small",
        "not_weighted",
        "link_stopped",
        "nobody_linked",
        "few_answered",
    )
    return any(rule.startswith(kinds) and rule not in NO_CONCERN for rule, _, _ in _lines(tally))


def _about(panel: Panel) -> dict[str, Frame]:
    return {"aside": panel.aside, "located": panel.located, "arrived": panel.arrived}


def _file(tally: Frame, about: dict[str, Frame], file: str, language: str) -> Section:
    lines = _lines(tally[tally["file"] == file])
    rows = {rule: n for rule, n, _ in lines}
    told = {name: f"{rows[name]:,}" for name in ("read", "as_is", "repaired")}
    told["aside"] = f"{rows['read'] - rows['as_is'] - rows['repaired']:,}"
    came = _came(about["arrived"].iloc[0], language)
    return Section(
        printable(file), (*came, say("read", language, **told), *(_rule(line, about, language) for line in lines[3:]))
    )


def _came(file: Frame, language: str) -> tuple[str, ...]:
    """How a file came, and which of its columns nobody mapped."""
    said = [file[part].removesuffix("-sig") for part in ("format", "encoding", "sheet") if file[part]]
    if file["delimiter"] not in ("", ","):
        said.append(say("delimiter", language, sign={"\t": "tab"}.get(file["delimiter"], file["delimiter"])))
    told = {"platform": file["platform"], "form": ", ".join(said), "columns": file["columns"], "mapped": file["mapped"]}
    left_out = (say("left_out", language, names=file["left_out"]),) if file["left_out"] else ()
    personal = (say("identifying", language, names=file["identifying"]),) if file["identifying"] else ()
    return (say("came", language, **told), *left_out, *personal)


def _rule(line: Line, about: dict[str, Frame], language: str) -> str:
    """A rule that rows or cells met; of rows that were set aside, and of cells that are missing, where the first ones stand."""
    rule, rows, cells = line
    kind, _, what = rule.partition(":")
    if kind != "aside":
        where = "" if rule in NO_CONCERN else _where(about["located"], what, language)
        return say(f"{kind}.{what}", language, n=f"{rows or cells:,}") + where
    aside = about["aside"]
    first = sorted(int(n) for n in aside.loc[aside["reason"] == what, "row"])
    numbers = ", ".join(map(str, first[:5])) + (" …" if len(first) > 5 else "")
    told = say("aside", language, n=f"{rows:,}", what=say(rule.replace(":", "."), language), rows=numbers)
    near = ", ".join(sorted(set(aside.loc[aside["reason"] == what, "nearest"]) - {""})[:5])
    key = "another_day" if what in OF_ANOTHER_DAY else "nearest"
    return f"{told}; {say(key, language, codes=near)}" if near else told


def _where(located: Frame, rule: str, language: str) -> str:
    """The columns whose cells met a rule, each with its first rows."""
    of = located[located["rule"] == rule]
    rows = {column: ", ".join(map(str, part["row"])) for column, part in of.groupby("column", sort=False)}
    named = [say("column", language, column=c, rows=rows[c]) for c in list(rows)[:COLUMNS]]
    more = [say("columns", language, n=str(len(rows) - COLUMNS))] if len(rows) > COLUMNS else []
    return say("where", language, columns=say("and", language).join(named + more)) if named else ""


def _whole(tally: Frame, panel: Panel, language: str) -> list[Section]:
    """What is known of the wave and of no single file."""
    rules = [rule.split(":") for rule, _, _ in _lines(tally)]
    about = {what: [r[2] for r in rules if r[:2] == ["items", what]] for what in ABOUT_ITEMS}
    lines = [say(what, language, items=", ".join(items)) for what, items in about.items() if items]
    others = [line for line in _lines(tally) if not line[0].startswith("items:")]
    lines += [
        say(rule.replace(":", "."), language, n=f"{rows or cells:,}", cells=f"{cells:,}")
        for rule, rows, cells in others
    ]
    lines += _linked(panel, language)
    return [Section(say("wave", language), tuple(lines))] if lines else []


def _linked(panel: Panel, language: str) -> list[str]:
    """How many of those who consented the log knows, with the interval, and the bounds for all."""
    table = panel.linkage[(panel.linkage["wave"] == panel.wave) & (panel.linkage["group"] == "*")]
    counts = ("answers", "consented", "found")
    shares = {"rate": "rate", "low": "conf_low", "high": "conf_high", "lowest": "lowest", "highest": "highest"}
    return [
        say(
            "linked",
            language,
            **{name: f"{row[name]:,.0f}" for name in counts},
            **{name: f"{row[column]:.1%}" for name, column in shares.items()},
        )
        for _, row in table.dropna(subset=["rate"]).iterrows()
    ]


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
