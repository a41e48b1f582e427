"""What may not be compared, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.display import values
from analysis.display.labels import Labels, capital
from analysis.display.rows import Row
from analysis.display.words import WORDS, join, say
from analysis.tidy import parse_domain

TOLD = ("wording", "small")  # reasons that are told although the comparison holds
ASKED = ("codes", "wording")  # reasons that lie in the questionnaire
UNTESTED = ("one_item", "few_answers", "poor_fit", "scored", "not_fitted")


def why(row: Row, labels: Labels, language: str) -> str:
    """Say why a row stands alone, as it stands inside a sentence; its basis is ``reason:items``."""
    reason, _, items = row.basis.partition(":")
    names = [say("why.quoted", language, item=labels.term(i, language)) for i in items.split(":")[0].split()]
    key = f"why.{reason}" if names or f"why.{reason}.none" not in WORDS else f"why.{reason}.none"
    return say(key, language, items=join(names, language))


def notes(rows: Sequence[Row], labels: Labels, language: str, *, line: bool = False) -> list[str]:
    """Say once for each reason why rows of a figure stand alone; `line`: waves on a line, which breaks there."""
    key = "measure.apart.line" if line else "measure.apart"
    return list(dict.fromkeys(say(key, language, why=why(r, labels, language)) for r in rows if r.shown and r.apart))


def lines(rows: Sequence[Row], labels: Labels, language: str) -> list[str]:
    """Say verdicts on scales: each comparison that does not hold, what was changed or could not be tested, and how many hold.

    Parameters
    ----------
    rows : sequence of Row
        Statistic ``largest_shift``: term a scale, domain ``cut=...``, the wave an earlier one for the cut by waves.
    labels : Labels
    language : {"en", "zh"}
    """
    said = [_line(r, labels, language) for r in rows if r.apart]
    said += [_line(r, labels, language) for r in rows if not r.apart and _reason(r) in TOLD]
    untested = [r for r in rows if not r.apart and _reason(r) in UNTESTED]
    said += [_line(r, labels, language) for r in untested]
    hold = sum(not r.apart for r in rows) - len(untested)
    said += [say("apart.hold", language, count=hold, total=len(rows))]
    waves = sorted({r.keys["wave"] for r in rows if r.basis.endswith(":mode")})
    names = [labels.unit("wave", w, language) for w in waves]
    return said + ([say("apart.mode", language, wave=join(names, language))] if names else [])


def _reason(row: Row) -> str:
    return row.basis.partition(":")[0]


def _line(row: Row, labels: Labels, language: str) -> str:
    cut = parse_domain(row.keys["domain"])["cut"]
    wave = labels.unit("wave", row.keys["wave"], language)
    where = say(f"apart.{cut}", language, groups=labels.units("group", language), wave=wave)
    key = row.status if row.apart else "untested" if _reason(row) in UNTESTED else "comparable"
    key += ".asked" if key == "linkable" and _reason(row) in ASKED else ""
    told = {"scale": labels.term(row.keys["term"], language), "where": where, "why": why(row, labels, language)}
    moved = values.estimate(row) if row.shown else ""
    return capital(say(f"apart.{key}", language, shift=moved, **told))
