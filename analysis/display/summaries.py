"""Where all units of a figure stand, in a few sentences: counts by verdict, the ends if intervals let them be told, the gaps.

A unit is called the highest only where its whole interval lies above the whole interval of every other unit that has a
number of its own; the lowest likewise. Pooled and missing units take no part, and are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analysis.display import values
from analysis.display.dots import Look
from analysis.display.labels import capital
from analysis.display.rows import Row
from analysis.display.sentences import verdict
from analysis.display.words import WORDS, join, say
from analysis.tidy import APART

VERDICTS = ("higher", "lower", "same", "unsure")


@dataclass(frozen=True, slots=True)
class Spread:
    """What is to be summed up.

    Attributes
    ----------
    rows : tuple of Row
    subject : str
        What is measured, as it stands inside a sentence.
    unit : str
        Key whose values the rows are, or ``cell``.
    look : Look
        Its reference is what rows are held against.
    ranked : bool
        False: no verdicts, no ends.
    name : callable
        Names a row.
    ends : bool
        False: the rows are of different measures and have no ends.
    """

    rows: tuple[Row, ...]
    subject: str
    unit: str
    look: Look
    ranked: bool
    name: Callable[[Row], str]
    ends: bool = True


def spread(what: Spread) -> str:
    """Sum up where units stand, in one language."""
    lines = [_compared(what)]
    if what.ranked and what.ends and sum(r.own for r in what.rows) > 1:
        lines.append(_ends(what))
    lines += [_counted(f"spread.{key}", count, what) for key, count in gaps(what.rows).items() if count]
    return say("sentence.gap", what.look.language).join(lines)


def moves(found: Mapping[str, str], wave: str, subject: str, rows: Sequence[Row], look: Look) -> str:
    """Sum up how units moved since a wave.

    Parameters
    ----------
    found : mapping of unit to verdict against its row in that wave
    wave : str
        The earlier wave.
    subject : str
    rows : sequence of Row
        The units' rows of this wave.
    look : Look
    """
    language = look.language
    counts = {v: sum(x == v for x in found.values()) for v in (*VERDICTS, "none")}
    told = {"reference": look.labels.unit("wave", wave, language)}
    parts = [say(f"spread.since.{v}", language, count=n, **told) for v, n in counts.items() if n]
    what = Spread(tuple(rows), subject, look.by, look, False, look.name)
    lines = [_head("spread.compared", len(found), what, parts=_listed(parts, language))]
    lines += [_counted(f"spread.{key}", count, what) for key, count in gaps(rows).items() if count]
    return say("sentence.gap", language).join(lines)


def end(rows: Sequence[Row], way: str) -> Row | None:
    """Find the row that is highest (or lowest) beyond doubt among those with numbers of their own; None where none is."""
    own = [r for r in rows if r.own]
    if len(own) < 2 or any(math.isnan(r.low) or math.isnan(r.high) for r in own):
        return None
    if way == "higher":
        best = max(own, key=lambda r: r.estimate)
        clear = all(r.high < best.low for r in own if r is not best)
    else:
        best = min(own, key=lambda r: r.estimate)
        clear = all(r.low > best.high for r in own if r is not best)
    return best if clear else None


def gaps(rows: Sequence[Row]) -> dict[str, int]:
    """Count rows without a number of their own: pooled, withheld, missing for another reason."""
    pooled = sum(r.status == "pooled" for r in rows)
    withheld = sum(r.status == "withheld" for r in rows)
    known = ("pooled", "withheld")
    missing = sum(not r.shown and r.status not in known for r in rows)
    return {"pooled": pooled, "withheld": withheld, "missing": missing}


def _compared(what: Spread) -> str:
    language, reference = what.look.language, what.look.reference
    own = [r for r in what.rows if r.own]
    if any(r.status in APART for r in what.rows):
        units = what.look.labels.units(what.unit, language)
        return capital(say("spread.apart", language, subject=what.subject, units=units))
    if not own:
        return capital(say("spread.none", language, subject=what.subject))
    if not what.ranked or reference is None:
        return _counted("spread.counted" if what.ranked else "spread.alone", len(own), what)
    counts = {v: sum(verdict(r, reference, what.look.span) == v for r in own) for v in VERDICTS}
    kind = "spread.zero" if reference.kind == "zero" else "spread"
    names = _references(what, [v for v in VERDICTS if counts[v]])
    parts = [say(f"{kind}.{v}", language, count=counts[v], reference=name) for v, name in names.items()]
    told = {"total": str(len(what.rows)), "parts": _listed(parts, language)}
    if len(own) == len(what.rows):
        return _head("spread.compared", len(own), what, **told)
    return _head("spread.compared.some", len(own), what, **told, units=what.look.labels.units(what.unit, language))


def _references(what: Spread, kept: Sequence[str]) -> dict[str, str]:
    """Name the reference for each part of the sentence; its value stands behind the first."""
    look = what.look
    if look.reference is None:
        return {}
    told = {"reference": look.reference_name, "value": look.reference.text}
    full = (
        look.reference_name
        if look.reference.kind in values.AGAINST.values()
        else say("spread.reference", look.language, **told)
    )
    return {v: full if k == 0 else look.reference_name for k, v in enumerate(kept)}


def _ends(what: Spread) -> str:
    language = what.look.language
    found = {"high": end(what.rows, "higher"), "low": end(what.rows, "lower")}
    said = {k: what.name(r) for k, r in found.items() if r is not None}
    for k, r in found.items():
        if r is not None:
            told = {"estimate": values.estimate(r), "between": values.between(r, language)}
            said[f"{k}_numbers"] = say("spread.numbers", language, **told)
    key = "both" if all(found.values()) else "highest" if found["high"] else "lowest" if found["low"] else "neither"
    among = say("spread.among", language) if not all(r.own for r in what.rows) else ""
    return capital(say(f"spread.{key}", language, among=among, **said))


def _head(key: str, count: int, what: Spread, **more: str) -> str:
    units = {"units": what.look.labels.counted(what.unit, count, what.look.language)}
    return capital(say(key, what.look.language, subject=what.subject, count=count, **(units | more)))


def _counted(key: str, count: int, what: Spread) -> str:
    one = f"{key}.one"
    return _head(one if count == 1 and one in WORDS else key, count, what)


def _listed(parts: Sequence[str], language: str) -> str:
    """Join the parts of a count; they are clauses, which Chinese parts by commas and not by enumeration marks."""
    return "，".join(parts) if language == "zh" else join(list(parts), language)
