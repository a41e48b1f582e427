"""Names for codes, in both languages, out of the study's ``labels`` table; a code without a name shows as itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.display.words import LANGUAGES, WORDS, say
from analysis.tidy import ALL, parse_domain

NAMED = ("scale", "item", "service")
# words of a domain that say what a term is about; they are no answers
DESCRIPTIONS = ("unit", "file", "scale", "measure", "of")
COLUMNS = ("kind", "code", "en", "zh")


@dataclass(frozen=True, slots=True)
class Labels:
    """The study's names.

    Attributes
    ----------
    names : mapping of (kind, code) to (English, Chinese)
        Control signs and signs that turn the direction of writing are taken out.
    """

    names: Mapping[tuple[str, str], tuple[str, str]]

    def name(self, kind: str, code: str, language: str) -> str:
        """Name a code of one kind; the code itself where it has no name."""
        pair = self.names.get((kind, code))
        return (pair[LANGUAGES.index(language)] if pair else "") or plain(code)

    def word(self, code: str, language: str) -> str:
        """Say what a group or a member is called here; the catalogue's word where the study has none."""
        return self.name("word", code, language) if ("word", code) in self.names else say(f"word.{code}", language)

    def unit(self, key: str, code: str, language: str) -> str:
        """Name one value of a key column of a tidy table (wave, group, region, domain, term, statistic)."""
        if code == ALL:
            return say("all", language)
        special = {"domain": self.domain, "term": self.term, "statistic": self.statistic}
        return special[key](code, language) if key in special else self.name(key, code, language)

    def domain(self, code: str, language: str) -> str:
        """Name a domain ``a=x;b=y`` by the names of its values; a yes or no keeps the name of its question."""
        parts = [self._value(item, value, language) for item, value in parse_domain(code).items()]
        return say("list.comma", language).join(parts) or say("all", language)

    def term(self, code: str, language: str) -> str:
        """Name a term: a scale, item or service, ``item=code``, a catalogue word, an interaction ``a:b``, or itself."""
        for kind in NAMED:
            if (kind, code) in self.names:
                return self.name(kind, code, language)
        if ("code", code) in self.names:
            item = code.partition("=")[0]
            return say("label.colon", language, item=self.term(item, language), code=self.name("code", code, language))
        if f"term.{code}" in WORDS:
            return say(f"term.{code}", language)
        if ":" in code:
            return " × ".join(self.unit_or_term(part, language) for part in code.split(":"))
        return self.unit_or_term(code, language)

    def unit_or_term(self, code: str, language: str) -> str:
        """Name a key column (``group``), or leave a code as it is."""
        return say(f"key.{code}", language) if f"key.{code}" in WORDS else plain(code)

    def statistic(self, code: str, language: str) -> str:
        """Name a statistic by the catalogue."""
        return say(f"statistic.{code}", language) if f"statistic.{code}" in WORDS else plain(code)

    def units(self, key: str, language: str) -> str:
        """Say what the values of a key are, in the plural: organisations, places."""
        return self.word("groups", language) if key == "group" else say(f"units.{key}", language)

    def counted(self, key: str, count: int, language: str) -> str:
        """Say what values of a key are, behind a count: 1 organisation, 2 organisations."""
        if count != 1:
            return self.units(key, language)
        return self.word("group", language) if key == "group" else say(f"one.{key}", language)

    def heading(self, key: str, language: str) -> str:
        """Head a column of the key's values."""
        if key != "group":
            return say(f"key.{key}", language)
        return capital(self.word("group", language))

    def kind_of(self, term: str) -> str:
        """Say what a term is: ``scale``, ``item``, ``service``, ``code`` (a share of an answer) or ``other``."""
        kinds = [kind for kind in NAMED if (kind, term) in self.names]
        return kinds[0] if kinds else "code" if "=" in term else "other"

    def _value(self, item: str, value: str, language: str) -> str:
        if item in ("scale", "of"):
            return self.term(value, language)
        if item == "cut":
            return self.heading(value, language)
        if item == "file":
            return say("label.file", language, n=plain(value))
        if item in ("time", "period"):
            return say(f"label.{item}", language, n=plain(value))
        if item in ("unit", "measure", "part", "channel", "answering", "again"):
            known = f"part.{value}" in WORDS
            return say(f"part.{value}", language, groups=self.word("groups", language)) if known else plain(value)
        code = f"{item}={value}"
        if item in ("level", "in_need"):
            return say(f"part.{code}", language) if f"part.{code}" in WORDS else plain(value)
        if item in DESCRIPTIONS:
            return self.unit_or_term(value, language) if item == "unit" else self.term(value, language)
        return (
            self.name("code", code, language)
            if ("code", code) in self.names
            else say("label.colon", language, item=self.term(item, language), code=plain(value))
        )


def labels_of(frame: pd.DataFrame) -> Labels:
    """Read the study's ``labels`` table.

    Parameters
    ----------
    frame : DataFrame
        Columns ``kind, code, en, zh``, text. A missing name in one language falls back to the other language's.

    Returns
    -------
    Labels

    Raises
    ------
    ValueError
        Where a column is missing.
    """
    missing = [c for c in COLUMNS if c not in frame.columns]
    if missing:
        raise ValueError(f"labels need the columns {list(COLUMNS)}; missing: {missing}")
    rows = frame[list(COLUMNS)].astype(object).where(frame[list(COLUMNS)].notna(), "")
    names = {}
    for kind, code, en, zh in rows.itertuples(index=False):
        names[str(kind), str(code)] = (plain(en) or plain(zh), plain(zh) or plain(en))
    return Labels(names)


def plain(text: object) -> str:
    """Take control signs and signs that turn the direction of writing out of a text, and join its lines."""
    kept = [
        sign if unicodedata.category(sign) not in ("Cc", "Cf") else " " if sign.isspace() else "" for sign in str(text)
    ]
    return " ".join("".join(kept).split())


def capital(text: str) -> str:
    """Begin a text with a capital."""
    return text[:1].upper() + text[1:]


def inside(text: str) -> str:
    """Write a name as it stands inside an English sentence: small first letter, unless its first word is a name.

    A first word with another capital, a digit, or of one letter stays as it is (``ICC``, ``WBEING``, ``I feel``).
    """
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first[1:].replace("-", "").replace(",", "").islower() else text
