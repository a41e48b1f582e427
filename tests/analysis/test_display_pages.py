"""The report's pages: nothing from outside, every name escaped, colours that can be read.

Tolerance: none; contrast has the limits of WCAG 2.2 (4.5 for text, 3 for marks).
"""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from analysis.display import LANGUAGES, page_words
from analysis.display.style import COLOURS

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    """Collects elements and attributes, to see what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture
def pages(project: Path) -> jinja2.Environment:
    folder = project / "reports" / "template"
    made = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined)
    made.globals["css"] = Markup((folder / "style.css").read_text("utf-8"))
    return made


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_ask_for_nothing_from_outside_and_escape_names(pages: jinja2.Environment, language: str) -> None:
    frame = {
        "language": language,
        "words": page_words(language),
        "font_face": "",
        "ribbons": [HOSTILE],
        "study": {"title": HOSTILE},
        "wave": {"title": "1"},
        "nav": [
            {"href": "index.html", "title": "x", "current": False},
            {"href": "y.html", "title": "y", "current": True},
        ],
        "other": {"href": "../x/y.html"},
        "provenance": [{"label": "a", "value": HOSTILE}],
    }
    body = Markup("<p>A chapter.</p>")
    chapter = pages.get_template("page.html.j2").render(**frame, chapter={"title": HOSTILE}, body=body)
    sections = {"found": body, "changed": None, "first": None, "cannot": None}
    more = {"about": None, "facts": [], "chapters": [], "skipped": [{"title": "z", "why": HOSTILE}]}
    first = pages.get_template("index.html.j2").render(**frame, **more, sections=sections)
    for html in (chapter, first):
        seen = Tags(html)
        assert not {"script", "img", "iframe", "link"} & set(seen.tags)
        assert "default-src 'none'" in html
        assert not [v for k, v in seen.attributes if k in ("src", "href") and v and re.match(r"\w+:|//", v)]
        assert not re.search(r"url\(|@import", html)
        assert seen.tags.count("h1") == 1
    assert page_words(language)["found_title"] in first
    assert page_words(language)["changed_title"] not in first


def test_colours_of_figures_and_style_sheet_are_the_same_and_have_contrast(project: Path) -> None:
    css = (project / "reports" / "template" / "style.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part))
        for part in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    )
    assert {k: light[k] for k in COLOURS} == COLOURS
    for theme in (light, dark):
        for ink in ("ink", "quiet", "accent", "counter"):
            assert _contrast(theme[ink], theme["paper"]) >= 4.5, ink
        assert _contrast(theme["earlier"], theme["paper"]) >= 3


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio of two colours by relative luminance."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return math.fsum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
