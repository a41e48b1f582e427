"""Sentences by rule. A verdict is read from intervals alone, so that a sentence can never say more than its row.

A number is *higher* than its reference when its whole interval lies above the reference's whole interval (above the
reference itself where that has none), *lower* likewise; *same* when its interval lies within a twentieth of the
scale's range around the reference; otherwise nobody can tell. Two intervals that do not touch differ by more than a
test at the same level asks for, so the rule errs on the side of "cannot be told".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.display import values
from analysis.display.apart import why
from analysis.display.labels import Labels, capital, inside
from analysis.display.rows import UNITS, Cut, Row
from analysis.display.told import key_of, told
from analysis.display.words import WORDS, join, say
from analysis.tidy import ALL

SAME = 0.05
DIFFERENCES = ("zero", *values.AGAINST.values())
SCORES = ("mean", "shrunken", "rating", "poststratified", "small_area", "benchmarked", "eblup")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a number is compared with.

    Attributes
    ----------
    kind : {"average", "previous", "target", "zero", "whole", "absent"}
        ``zero``, ``whole``, ``absent``: the number is itself a difference, from before, the whole, or those who did not come.
    value, low, high : float
        The reference and its interval; NaN ends where it has none.
    text : str
        The value as written.
    wave : str
        The earlier wave's code for ``previous``, else empty.
    """

    kind: str
    value: float
    low: float
    high: float
    text: str
    wave: str = ""


def reference_of(row: Row | None, kind: str = "average") -> Reference | None:
    """Make a row the reference; None where it has no number."""
    if row is None or not row.shown or row.apart:
        return None
    wave = row.keys["wave"] if kind == "previous" else ""
    return Reference(kind, row.estimate, row.low, row.high, values.estimate(row), wave)


def target(value: float, decimals: int, statistic: str) -> Reference:
    """Make a number that was set the reference."""
    return Reference("target", value, math.nan, math.nan, values.number(value, decimals, statistic))


def zero(decimals: int, statistic: str) -> Reference:
    """Make no change the reference, or no difference from the whole or from those absent, for numbers that are differences."""
    kind = values.AGAINST.get(statistic, "zero")
    return Reference(kind, 0.0, math.nan, math.nan, values.number(0.0, decimals, statistic))


def verdict(row: Row, reference: Reference | None, span: float = math.nan) -> str:
    """Compare a row with its reference.

    Parameters
    ----------
    row : Row
    reference : Reference or None
    span : float
        Range of the scale (highest - lowest); NaN: unknown, then nothing is called the same.

    Returns
    -------
    {"higher", "lower", "same", "unsure", "none"}
        ``none`` where row or reference has no number of its own, or the row no interval.
    """
    if reference is None or not row.own or math.isnan(row.low) or math.isnan(row.high):
        return "none"
    low = reference.value if math.isnan(reference.low) else reference.low
    high = reference.value if math.isnan(reference.high) else reference.high
    if row.low > high and row.estimate > reference.value:
        return "higher"
    if row.high < low and row.estimate < reference.value:
        return "lower"
    room = SAME * span + 1e-9
    near = row.low >= reference.value - room and row.high <= reference.value + room
    return "same" if near else "unsure"


def sentence(
    row: Row,
    labels: Labels,
    language: str,
    *,
    reference: Reference | None,
    span: float = math.nan,
    broken: str = "",
    unit: str = "days",
) -> str:
    """Say one row in one sentence.

    Parameters
    ----------
    row : Row
    labels : Labels
    language : {"en", "zh"}
    reference : Reference or None
        None, or a row without an interval: the sentence says the number alone.
    span : float
        Range of the scale; see `verdict`.
    broken : str
        The earlier wave with which the row cannot be compared, where that is why it has no reference.
    unit : {"days", "months"}
        Of times to an event.

    Returns
    -------
    str
        Ends with a full stop. A row without a number of its own is said as such, without a direction.
    """
    where = place(row, labels, language)
    if row.shown and row.apart:
        span_text = values.between(row, language, "alone.interval")
        numbers = {"where": where, "estimate": values.estimate(row), "interval": span_text}
        return capital(say("verdict.apart", language, why=why(row, labels, language), **numbers))
    if not row.own:
        return _empty(row, where, labels, language)
    found = verdict(row, reference, span)
    if not broken and key_of(row, found) is not None:
        wave = labels.unit("wave", reference.wave, language) if reference and reference.wave else ""
        beside = {"value": reference.text, "kind": reference.kind} if reference else {"value": "", "kind": ""}
        return told(row, labels, language, found=found, wave=wave, unit=unit, **beside)
    if reference is None or found == "none":
        span_text = values.between(row, language, "alone.interval")
        alone = {"where": where, "estimate": values.estimate(row), "interval": span_text}
        if broken:
            return capital(say("verdict.broken", language, wave=labels.unit("wave", broken, language), **alone))
        return capital(say("verdict.alone", language, **alone))
    wave = labels.unit("wave", reference.wave, language) if reference.wave else ""
    bracketed = bracket(row, reference, wave, language)
    return capital(say(f"verdict.{reference.kind}.{found}", language, where=where, numbers=bracketed, wave=wave))


def bracket(row: Row, reference: Reference, wave: str, language: str) -> str:
    """Write the bracket behind a verdict: estimate, interval, reference."""
    name = say(f"reference.{reference.kind}", language, wave=wave)
    between = values.between(row, language)
    value = {"reference": name, "value": reference.text}
    if reference.kind in DIFFERENCES:
        return say("numbers.zero", language, estimate=values.estimate(row), between=between)
    return say("numbers", language, estimate=values.estimate(row), between=between, **value)


def place(row: Row, labels: Labels, language: str) -> str:
    """Say whose number it is and of what: ``In Northtown, belonging`` / ``北城的归属感``."""
    statistic = row.keys["statistic"]
    text = subject(row.keys["term"], _measured(statistic), labels, language)
    for key in ("domain", "group", "region"):
        if row.keys[key] != ALL:
            name = labels.unit(key, row.keys[key], language)
            text = say(f"unit.{key}", language, unit=name, subject=text)
    return text


def subject(term: str, statistic: str, labels: Labels, language: str) -> str:
    """Say what is measured, as it stands inside a sentence."""
    name, kind = labels.term(term, language), labels.kind_of(term)
    if language == "en" and kind not in ("item", "code"):
        name = inside(name)
    if f"share.{term}.{statistic}" in WORDS:
        return say(f"share.{term}.{statistic}", language)
    if statistic in values.NAMED_SHARES:
        named = labels.statistic(statistic, language)
        return say(
            "subject.named.share" if named.startswith("share ") else "subject.named",
            language,
            term=name,
            statistic=named,
        )
    if kind == "other" and statistic in values.SHARES and f"share.{term}" in WORDS:
        return say(f"share.{term}", language)
    if kind == "code":
        key = "code"
    elif statistic in (*SCORES, *values.AGAINST):
        key = "item" if kind == "item" else "score"
    elif statistic in values.SIGNED and statistic not in values.SLOPES:
        key = "change"
    else:
        key = "share" if statistic in values.SHARES else "other"
    return say(f"subject.{key}", language, term=name, statistic=labels.statistic(statistic, language))


def _measured(statistic: str) -> str:
    """A difference is named by what differs."""
    return "mean" if statistic in values.SIGNED and statistic not in values.SLOPES else statistic


def headline(cut: Cut, labels: Labels, language: str, *, reference: Reference | None, span: float = math.nan) -> str:
    """Say in one line, without a full stop, which units stand apart from the reference; a figure's title."""
    shown = [r for r in cut.ordered() if r.shown]
    topic = {"subject": topic_of(cut, labels, language)}
    if not shown:
        return capital(say("title.empty", language, **topic))
    if cut.by in UNITS and any(r.apart for r in shown):
        return capital(say("title.apart", language, units=labels.units(cut.by, language), **topic))
    if reference is None:
        return capital(_plain_title(shown, cut, labels, language, topic))
    apart = {w: [r for r in shown if verdict(r, reference, span) == w] for w in ("lower", "higher")}
    wave = labels.unit("wave", reference.wave, language) if reference.wave else ""
    topic["reference"] = say(f"reference.{reference.kind}", language, wave=wave)
    title = "title.zero" if reference.kind == "zero" else "title"
    low, high = (_who(apart[w], len(shown), cut.by, labels, language) for w in ("lower", "higher"))
    if low and high:
        high = (
            say("title.number", language, count=len(apart["higher"]))
            if len(apart["lower"]) > 2 and len(apart["higher"]) > 2
            else high
        )
        return capital(say(f"{title}.both", language, low=low, high=high, **topic))
    if low or high:
        return capital(say(f"{title}.lower" if low else f"{title}.higher", language, units=low or high, **topic))
    return capital(say(f"{title}.none", language, units=labels.units(cut.by, language), **topic))


def topic_of(cut: Cut, labels: Labels, language: str) -> str:
    """Say what the rows of a cut measure, as it stands inside a sentence."""
    if cut.term != ALL:
        statistic = _measured(cut.statistic)
        return subject(cut.term, statistic, labels, language)
    name = labels.statistic(cut.statistic, language)
    return inside(name) if language == "en" else name


def movement(moves: Mapping[str, str], term: str, statistic: str, wave: str, labels: Labels, language: str) -> str:
    """Say in one line, without a full stop, what moved since a wave; a trend's title.

    Parameters
    ----------
    moves : mapping of unit to verdict against its row in that wave
    term, statistic : str
    wave : str
        The earlier wave.
    labels : Labels
    language : {"en", "zh"}
    """
    topic = {"subject": subject(term, statistic, labels, language), "wave": labels.unit("wave", wave, language)}
    if len(moves) == 1:
        said = {"higher": "rose", "lower": "fell", "same": "flat"}
        return capital(say(f"title.{said.get(next(iter(moves.values())), 'open')}", language, **topic))
    up, down = (sum(v == way for v in moves.values()) for way in ("higher", "lower"))
    if not up and not down:
        return capital(say("title.still", language, **topic))
    return capital(say("title.moved", language, up=up, down=down, total=len(moves), **topic))


def cannot_say(statuses: Mapping[str, int], language: str) -> list[str]:
    """Say in words what a report cannot say, one sentence a status.

    Parameters
    ----------
    statuses : mapping of status to rows
    language : {"en", "zh"}

    Returns
    -------
    list of str
        Never a count below ten, and tens only above it.
    """
    said = [
        say(f"cannot.{status}", language, count=_roughly(rows, language))
        for status, rows in statuses.items()
        if status != "ok" and rows
    ]
    return said or [say("cannot.nothing", language)]


def _empty(row: Row, where: str, labels: Labels, language: str) -> str:
    key = row.status if row.status != "ok" else "not_estimable"
    between = values.between(row, language)
    shown = say("empty.shown", language, estimate=values.estimate(row), between=between) if row.shown else ""
    return capital(say(f"empty.{key}", language, where=where, basis=basis(row, labels, language), shown=shown))


def basis(row: Row, labels: Labels, language: str) -> str:
    """Name the unit that a pooled number is borrowed from."""
    for kind in ("region", "group"):
        if (kind, row.basis) in labels.names:
            return labels.name(kind, row.basis, language)
    return say("all", language) if row.basis == ALL else say("empty.basis", language)


def _who(rows: Sequence[Row], total: int, by: str, labels: Labels, language: str) -> str:
    if not rows:
        return ""
    if len(rows) <= 2:
        return join([labels.unit(by, r.keys[by], language) for r in rows], language)
    return say("title.count", language, count=len(rows), total=total, units=labels.units(by, language))


def _plain_title(rows: Sequence[Row], cut: Cut, labels: Labels, language: str, topic: Mapping[str, str]) -> str:
    said = [f"{labels.unit(cut.by, r.keys[cut.by], language)} {values.estimate(r)}" for r in rows]
    if len(said) == 1 or cut.by == ALL:
        return say("title.one", language, first=said[0], **topic)
    return say("title.plain", language, first=said[0], last=said[-1], **topic)


def _roughly(rows: int, language: str) -> str:
    return say("cannot.some", language) if rows < 10 else say("cannot.about", language, count=f"{rows // 10 * 10:,}")
