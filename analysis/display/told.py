"""Sentences of statistics that have words of their own: ``12% (10 to 14%) are satisfied but absent``.

The words are ``said.<statistic>``; those of a time stand under ``said.<statistic>.time``, those that differ by direction under
``said.<statistic>.<verdict>``.
"""

from __future__ import annotations

import math
from dataclasses import replace

from analysis.display import values
from analysis.display.labels import Labels, capital, inside
from analysis.display.rows import Row
from analysis.display.words import WORDS, say
from analysis.tidy import ALL, domain_key, parse_domain

MOMENTS = ("time", "period")
UNITS = ("days", "months")


def key_of(row: Row, found: str) -> str | None:
    """Give the key of a row's words; None where its statistic has none of its own."""
    base = f"said.{row.keys['statistic']}"
    tries = [f"{base}.{found}", base]
    if moment(row.keys["domain"])[0]:
        tries = [f"{base}.time"]
    return next((k for k in tries if k in WORDS), None)


def moment(domain: str) -> tuple[str, str]:
    """Part a domain into its time (or period), empty where it has none, and the rest."""
    parts = dict(parse_domain(domain))
    found = next((parts.pop(m) for m in MOMENTS if m in parts), "")
    return found, domain_key(parts) if parts else ALL


def lasting(time: str, unit: str, language: str) -> str:
    """Write a time with its unit: ``30 days``, ``1 month``."""
    key = f"unit.time.{unit}"
    return say(f"{key}.one" if time == "1" else key, language, n=time)


def told(row: Row, labels: Labels, language: str, *, found: str, value: str, wave: str, kind: str, unit: str) -> str:
    """Say a row that `key_of` has words for.

    Parameters
    ----------
    row : Row
    labels : Labels
    language : {"en", "zh"}
    found : str
        Its verdict against the reference; ``none``: without one.
    value, wave, kind : str
        The reference as written, its wave's name and its kind.
    unit : {"days", "months"}
        Of times.
    """
    key = key_of(row, found)
    if key is None:
        raise KeyError(f"no words for {row.keys['statistic']!r}")
    time = moment(row.keys["domain"])[0]
    if found in ("higher", "lower") and row.keys["statistic"] in values.AGAINST:
        row = _size(row)
    numbers = {"estimate": values.estimate(row), "interval": _interval(row, language)}
    numbers |= {"between": values.between(row, language), "period": time}
    if unit in UNITS:
        spoken = time or values.estimate(row)
        numbers["time"] = lasting(spoken, unit, language)
    text = say(key, language, **numbers)
    beside = f"said.{kind}.{found}"
    more = say(beside, language, value=value, wave=wave) if beside in WORDS else ""
    return capital(say("said", language, where=_where(row, labels, language), said=text, beside=more))


def _where(row: Row, labels: Labels, language: str) -> str:
    """Whose number it is and of what: ``House A, belonging``."""
    named = [labels.unit(k, row.keys[k], language) for k in ("region", "group") if row.keys[k] != ALL]
    term = labels.term(row.keys["term"], language)
    word = inside(term) if language == "en" and labels.kind_of(row.keys["term"]) not in ("item", "code") else term
    part = moment(row.keys["domain"])[1]
    last = [] if part == ALL else [labels.domain(part, language)]
    return say("said.gap", language).join([*named, word, *(inside(p) if language == "en" else p for p in last)])


def _size(row: Row) -> Row:
    """A difference without its direction, which the words tell."""
    low, high = sorted((abs(row.low), abs(row.high)))
    keys = {**row.keys, "statistic": "mean"}
    return replace(row, keys=keys, estimate=abs(row.estimate), low=low, high=high)


def _interval(row: Row, language: str) -> str:
    if math.isnan(row.low) or math.isnan(row.high):
        return ""
    low, high = values.limits(row) or ("", "")
    signed = row.low < 0 or row.keys["statistic"] in values.SIGNED
    return say("said.interval.signed" if signed else "said.interval", language, low=low.removesuffix("%"), high=high)
