"""Pages to HTML: one self-contained file a page, by the templates beside this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.display import page_words
from reports.pages import Page
from reports.words import say

if TYPE_CHECKING:
    from markupsafe import Markup

    from reports.checking import Account
    from survey import Panel

TEMPLATES = Path(__file__).with_name("template")
SECTIONS = ("found", "changed", "first", "cannot")


@dataclass(frozen=True, slots=True)
class Report:
    """One language of a report, before it is HTML.

    Attributes
    ----------
    panel : Panel
    language, other : str
        This language, and the one to link to (empty: none).
    front : Page
        The first page.
    pages : tuple of Page
        The chapters, in order.
    skipped : dict
        Titles of chapters that the data do not support, and what they lack.
    provenance : tuple of (label, value)
        What the report was made from.
    release : str
        The release that it is frozen for; empty: a draft.
    """

    panel: Panel
    language: str
    other: str
    front: Page
    pages: tuple[Page, ...]
    skipped: Mapping[str, Sequence[str]]
    provenance: tuple[tuple[str, str], ...]
    release: str = ""


def render(report: Report, font_face: str = "") -> dict[str, str]:
    """Give the HTML of every page by file name: ``index`` and a name a chapter.

    Parameters
    ----------
    report : Report
    font_face : str
        CSS that embeds a font; empty: none.
    """
    frame = _frame(report, font_face)
    html = {"index": _template("index.html.j2").render(**frame, **_front(report))}
    for page in report.pages:
        chapter = {"title": page.title}
        html[page.name] = _template("page.html.j2").render(
            **frame | {"other": _other(report, page.name)},
            chapter=chapter,
            nav=_nav(report, page.name),
            body=_safe("\n".join(page.blocks)),
        )
    return html


def render_check(account: Account, language: str, *, synthetic: bool, font_face: str = "") -> str:
    """Give the page of a check's account."""
    css = _safe((TEMPLATES / "style.css").read_text("utf-8"))
    frame = {"language": language, "css": css, "font_face": _safe(font_face), "account": account}
    frame["ribbons"] = [say("synthetic", language)] if synthetic else []
    return str(_template("check.html.j2").render(**frame))


def _frame(report: Report, font_face: str) -> dict[str, Any]:
    labels, language = _labels(report.panel, report.language), report.language
    return {
        "language": language,
        "words": page_words(language),
        "css": _safe((TEMPLATES / "style.css").read_text("utf-8")),
        "font_face": _safe(font_face),
        "ribbons": _ribbons(report.panel, language, report.release),
        "study": {"title": labels["study", "title"]},
        "wave": {"title": labels["wave", report.panel.wave]},
        "other": _other(report, "index"),
        "provenance": [{"label": label, "value": value} for label, value in report.provenance],
    }


def _ribbons(panel: Panel, language: str, release: str) -> list[str]:
    """What stands above every page: whether it may be passed on, what the data are, and what they cannot carry."""
    ribbons = [say("release", language, name=release) if release else say("draft", language)]
    ribbons += [say("synthetic", language)] if panel.study.settings.synthetic else []
    if panel.few_answered is not None:
        answers, asked = panel.few_answered
        ribbons.append(say("few_answered", language, share=f"{answers / asked:.1%}"))
    return ribbons


def _other(report: Report, name: str) -> dict[str, str] | None:
    return {"href": f"../{report.other}/{name}.html"} if report.other else None


def _front(report: Report) -> dict[str, Any]:
    language = report.language
    return {
        "about": _labels(report.panel, language).get(("study", "about")),
        "facts": _facts(report.panel, language),
        "sections": {name: _safe(report.front.sections.get(name, "")) for name in SECTIONS},
        "chapters": [{"href": f"{p.name}.html", "title": p.title, "line": p.line} for p in report.pages],
        "skipped": [
            {"title": title, "why": say("lacks", language, what=_listed(needs, language))}
            for title, needs in report.skipped.items()
        ],
    }


def _facts(panel: Panel, language: str) -> list[dict[str, str]]:
    words, settings = page_words(language), panel.study.wave(panel.wave).settings
    facts = [
        (words["wave"], _labels(panel, language)["wave", panel.wave]),
        (words["dates"], _dates(settings.fieldwork.start, settings.fieldwork.end)),
    ]
    step = panel.study.settings.rules.count_step
    answers = step * round(len(panel.current) / step)
    people = step * round(panel.came / step)
    if answers:
        facts.append((words["answered"], say("answers", language, n=f"{answers:,}")))
        facts.append((words["how"], say(f"mode.{settings.mode}", language)))
    if people:
        facts.append((say("log", language), say("people", language, n=f"{people:,}")))
    return [{"label": label, "value": value} for label, value in facts]


def _dates(start: date, end: date) -> str:
    """Two dates that break only between each other."""
    return " – ".join(day.isoformat().replace("-", "\u2011") for day in (start, end))


def _labels(panel: Panel, language: str) -> dict[tuple[str, str], str]:
    rows = panel.labels[["kind", "code", language]].itertuples(index=False, name=None)
    return {(kind, code): text for kind, code, text in rows}


def _nav(report: Report, current: str) -> list[dict[str, Any]]:
    home = {"href": "index.html", "title": page_words(report.language)["home"], "current": False}
    return [home, *({"href": f"{p.name}.html", "title": p.title, "current": p.name == current} for p in report.pages)]


def _listed(needs: Sequence[str], language: str) -> str:
    return say("and_no", language).join(say(f"need.{need}", language) for need in needs)


def _template(name: str) -> Any:
    return _environment().get_template(name)


@cache
def _environment() -> Any:
    """One for all pages: it keeps the templates compiled."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


def _safe(html: str) -> Markup:
    from markupsafe import Markup

    return Markup(html)
