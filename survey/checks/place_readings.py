"""What a row of a file may write for a place, and which place of the study it means on a day: by code, by name, by both.

Codes: as they stand in the study's table; of 6 and 9 digits also filled up with noughts to 9 or 12; of provinces and cities also
their first two or four digits. Where the study says so (`survey.schema.Places.to`), townships and villages are known by the
county that their digits name, and what lies below that level is cut to it. Names: labels in both languages, Chinese ones also
without the kind of place, alone or behind the places above (``province city county`` with any sign between), in English also
before them. A name that several places have means none of them, unless the places above, or the row's column ``within``, decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd

from survey.checks.cells import clean
from survey.places import DIGITS, valid_on
from survey.places_names import short

UNKNOWN, ENDED, NOT_YET = "unknown_region", "region_ended", "region_not_yet"
SEVERAL, ELSEWHERE = "region_of_several", "region_elsewhere"
_BETWEEN = re.compile(r"[\s\-–—_/\\|,，、;；:：·>.]+")
# Headings of the code table that forms put between a province and a county; they are no places.
_HEADINGS = "市辖区|县|省直辖县级行政单位|省直辖县级行政区划|自治区直辖县级行政单位|自治区直辖县级行政区划"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell says.

    Attributes
    ----------
    code : str or None
        The place; None where none is meant for certain.
    reason : str
        Why not: ``unknown_region``, ``region_ended``, ``region_not_yet``, ``region_of_several``, ``region_elsewhere``; else empty.
    hint : str
        Of a code of another day: the code, the day, and what it is or was: ``990103 (2021-04-01) → 990102``.
    """

    code: str | None
    reason: str = ""
    hint: str = ""


class PlaceReader:
    """Reads cells that name places.

    Parameters
    ----------
    places : DataFrame
        The study's (`survey.places.table`).
    day : date
        Places must be valid on it.
    to : {'county', 'township', 'village'} or None
        The finest level of codes that are known by their digits; None: only places of the table.
    changes : DataFrame, optional
        ``from, to`` (`survey.places_changes.changes`), to say what a code of another day is or was.
    """

    def __init__(
        self, places: pd.DataFrame, day: date, to: str | None = None, changes: pd.DataFrame | None = None
    ) -> None:
        self._places, self._day, self._to, self._changes = places, day, to, changes
        self._valid = valid_on(places, day).drop_duplicates("code", keep="last")
        self._parent = dict(zip(places["code"], places["parent"], strict=True))
        self._parent |= dict(zip(self._valid["code"], self._valid["parent"], strict=True))
        spelled = {spelling: code for code in self._valid["code"] for spelling in _spellings(code)}
        self._spelled = spelled | dict(zip(clean(self._valid["code"])[0], self._valid["code"], strict=True))

    def read(self, cell: str, within: str = "") -> Reading:
        """Read a cell, and the cell of the column ``within`` beside it where there is one."""
        found = self._meant(cell)
        above = self._meant(within) if within else set()
        inside = {code for code in found if above & {code, *self._above(code)}} if above else found
        if found and not inside:
            return Reading(None, ELSEWHERE)
        if len(inside) > 1:
            return Reading(None, SEVERAL)
        return Reading(inside.pop()) if inside else self._of_another_day(cell)

    def _meant(self, cell: str) -> set[str]:
        """All places that a cell may mean."""
        if cell in self._spelled:
            return {self._spelled[cell]}
        if cell.isascii() and cell.isdigit():
            deep = self._by_digits(cell)
            return {deep} if deep else set()
        return self._by_label.get(cell) or self._by_name(cell)

    def _by_digits(self, code: str) -> str | None:
        """A township or village whose code is not in the table, by the county that its digits name."""
        if self._to is None or len(code) not in (9, 12):
            return None
        code = code.removesuffix("000") if len(code) == 12 else code
        while len(code) > DIGITS[self._to]:
            code = code[: -len("000")]
        if code in self._spelled:
            return self._spelled[code]
        return code if code[:6] in self._without_counties else None

    @cached_property
    def _without_counties(self) -> set[str]:
        """Counties, and cities that have none: what townships lie in."""
        codes = {code for code in self._valid["code"] if len(code) == DIGITS["county"]}
        return codes - {self._parent[code] for code in codes}

    @cached_property
    def _by_label(self) -> dict[str, set[str]]:
        """Places by their labels, as cells are written."""
        found: dict[str, set[str]] = {}
        for language in ("en", "zh"):
            for label, code in zip(clean(self._valid[language])[0], self._valid["code"], strict=True):
                found.setdefault(str(label), set()).add(str(code))
        return found

    @cached_property
    def _short(self) -> dict[str, set[str]]:
        """Places by their labels without the signs between words, Chinese ones also without their kind."""
        found: dict[str, set[str]] = {}
        for label, codes in self._by_label.items():
            for name in (label, short(label)):
                found.setdefault(_joined(name), set()).update(codes)
        return found

    @cached_property
    def _labels(self) -> dict[str, list[str]]:
        """All spellings of each place."""
        found: dict[str, list[str]] = {}
        for name, codes in self._short.items():
            for code in codes:
                found.setdefault(code, []).append(name)
        return found

    def _by_name(self, cell: str) -> set[str]:
        """Places whose name a cell is, alone, behind the places above, or (as in English) before them."""
        text = _joined(cell)
        if text in self._short:
            return set(self._short[text])
        ends = {
            code for n in range(2, len(text)) for code in self._short.get(text[-n:], ()) if self._led(code, text[:-n])
        }
        if ends:
            return ends
        return {
            code
            for n in range(2, len(text))
            for code in self._short.get(text[:n], ())
            if self._followed(code, text[n:])
        }

    def _led(self, code: str, before: str) -> bool:
        """Whether a text is nothing but places above one, from the top down; each may be repeated or left out."""
        above = [self._one_of(upper) for upper in reversed(list(self._above(code)))]
        return bool(above) and bool(re.fullmatch("".join(above) + f"(?:{_HEADINGS})?", before))

    def _followed(self, code: str, behind: str) -> bool:
        above = [self._one_of(upper) for upper in self._above(code)]
        return bool(above) and bool(re.fullmatch("".join(above), behind))

    def _one_of(self, code: str) -> str:
        names = "|".join(re.escape(name) for name in sorted(self._labels.get(code, ()), key=len, reverse=True))
        return f"(?:{names}){{0,2}}" if names else ""

    def _above(self, code: str) -> Iterator[str]:
        """Places above one, nearest first."""
        at = self._parent.get(code, code[:-3] if len(code) > DIGITS["county"] else "")
        while at:
            yield at
            at = self._parent.get(at, at[:-3] if len(at) > DIGITS["county"] else "")

    def _of_another_day(self, cell: str) -> Reading:
        """Whether a code of the table, or the county of a deeper one, had ended by this day or not begun."""
        base = next((c for c in (cell, cell.rstrip("0").ljust(6, "0"), cell[:6]) if c in self._ever), None)
        if base is None or not cell.isdigit() or base in set(self._valid["code"]):
            return Reading(None, UNKNOWN)
        began, ended = self._ever[base]
        if began and self._day.isoformat() < began:
            return Reading(None, NOT_YET, f"{base} ({began}){self._others(base, '←')}")
        return Reading(None, ENDED, f"{base} ({ended}){self._others(base, '→')}")

    @cached_property
    def _ever(self) -> dict[str, tuple[str, str]]:
        """First and last day of each code of the table."""
        rows = self._places.sort_values("valid_from", kind="stable")
        began = dict(zip(rows["code"][::-1], rows["valid_from"][::-1], strict=True))
        ended = dict(zip(rows["code"], rows["valid_to"], strict=True))
        return {code: (began[code], ended[code]) for code in began}

    def _others(self, code: str, arrow: str) -> str:
        """What a code became, or was before, by the crosswalk; nothing where that is not known."""
        this, other = ("from", "to") if arrow == "→" else ("to", "from")
        if self._changes is None or not (self._changes[this] == code).any():
            return ""
        found = sorted(set(self._changes.loc[self._changes[this] == code, other]))
        return f" {arrow} {', '.join(found)}"


def _joined(text: str) -> str:
    return _BETWEEN.sub("", text).casefold()


def _spellings(code: str) -> Iterable[str]:
    """Other ways in which official tables write a code: filled up with noughts, or only the digits that say something."""
    if not (code.isascii() and code.isdigit() and len(code) in (6, 9)):
        return
    yield from (code.ljust(width, "0") for width in (9, 12) if len(code) < width)
    if len(code) == 6 and code.endswith("00"):
        yield code[:2] if code.endswith("0000") else code[:4]
