"""Findings for the first page: by rule one unit a measure, its sentence, its small figure; the worrying one first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from analysis.display import values
from analysis.display.dots import Look, draw_strip
from analysis.display.rows import Cut, Row
from analysis.display.sentences import Reference, bracket, headline, sentence, subject, verdict
from analysis.display.words import say

SECTIONS = ("found", "changed", "first")


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure and what is said of it.

    Attributes
    ----------
    cut : Cut
        All units of the measure.
    row : Row or None
        The unit spoken of; None where no unit stands apart.
    reference : Reference or None
    worse : {"lower", "higher"}
        The direction that needs attention.
    looks : tuple of two Look
        English, Chinese.
    chapter : str
        Name of the page that tells more; empty: none.
    """

    cut: Cut
    row: Row | None
    reference: Reference | None
    worse: str
    looks: tuple[Look, Look]
    chapter: str

    def look(self, language: str) -> Look:
        """Give the look in a language."""
        return next(look for look in self.looks if look.language == language)

    def needs_attention(self) -> bool:
        """True where the unit stands apart in the worrying direction."""
        return self.row is not None and verdict(self.row, self.reference, self.looks[0].span) == self.worse

    def said(self, language: str) -> str:
        """Say the finding in one sentence."""
        look = self.look(language)
        if self.row is not None:
            return sentence(self.row, look.labels, language, reference=self.reference, span=look.span)
        line = headline(self.cut, look.labels, language, reference=self.reference, span=look.span)
        if self.reference is None:
            return line + say("sentence.stop", language)
        name = {"reference": look.reference_name, "value": self.reference.text}
        return say("nobody", language, headline=line, **name)

    def begun(self, language: str) -> str:
        """Say the finding as where to begin."""
        look, row = self.look(language), self.row
        if row is None or self.reference is None:
            raise ValueError("only a finding that needs attention says where to begin")
        about = subject(row.keys["term"], row.keys["statistic"], look.labels, language)
        numbers = bracket(row, self.reference, look.reference_name, language)
        return say("begin", language, unit=look.name(row), subject=about, numbers=numbers)


def pick(cut: Cut, reference: Reference | None, span: float, worse: str) -> Row | None:
    """Pick the unit to speak of: the furthest in the worrying direction, else the furthest in the other, else none.

    Only units whose number stands apart from the reference by `verdict` are picked.
    """
    for way in (worse, "higher" if worse == "lower" else "lower"):
        apart = [r for r in cut.ordered() if verdict(r, reference, span) == way]
        if apart:
            return apart[0] if way == "higher" else apart[-1]
    return None


def findings_html(findings: Sequence[Finding], section: str, language: str) -> str:
    """Write findings as a list: sentence, link to the chapter, small figure."""
    items = [_item(f, section, language) for f in findings]
    if not items:
        items = [f'<li><p class="sentence">{escape(say(f"{section}.nothing", language))}</p></li>']
    return f'<ol class="findings {section}">{"".join(items)}</ol>'


def said(findings: Sequence[Finding], section: str, language: str) -> list[str]:
    """Give the findings' sentences."""
    lines = [f.begun(language) if section == "first" else f.said(language) for f in findings]
    return lines or [say(f"{section}.nothing", language)]


def cannot_html(lines: Sequence[str]) -> str:
    """Write what a report cannot say as a list."""
    return f'<ul class="findings cannot">{"".join(f"<li><p>{escape(line)}</p></li>" for line in lines)}</ul>'


def _item(finding: Finding, section: str, language: str) -> str:
    text = said([finding], section, language)[0]
    link = ""
    if finding.chapter:
        name = escape(finding.chapter)
        link = f' <a class="more" href="{name}.html">{escape(say("more", language))}</a>'
    sheet = draw_strip(finding.cut.rows, finding.row, finding.look(language))
    key = "|".join((finding.cut.name, section, finding.cut.by, finding.cut.term, finding.cut.statistic, language))
    svg = sheet.svg(key, title=text, alt=_alt(text, finding, language))
    return f'<li><p class="sentence">{escape(text)}{link}</p><div class="strip">{svg}</div></li>'


def _alt(text: str, finding: Finding, language: str) -> str:
    """The sentence has the number; where nobody stands apart the ends of the row are told too."""
    if finding.row is not None:
        return text
    shown = [r for r in finding.cut.ordered() if r.own]
    look = finding.look(language)
    ends = [f"{look.name(r)} {values.estimate(r)}" for r in (shown[:1] + shown[-1:])]
    return text + say("sentence.gap", language) + say("clause.gap", language).join(ends)
