"""What identifies a person, told by content: mobile and land-line numbers, resident id numbers, mail addresses, passports.

Whatever a column is called, its values show whether they lead to people. Everything here looks at each different value once. Names
and handles of chat programs have no form of their own and are not found: columns that nobody maps are not stored for that reason.

Numbers of residents: GB 11643-1999 (18 signs, the last a check digit by ISO 7064, MOD 11-2; 15 before 1999). Mobile numbers: 11
digits from 13 to 19 on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

import pandas as pd

from survey.identity import normalise

Kind = Literal["mobile", "land_line", "resident", "resident_15", "mail", "passport"]
SHORTEST = 5  # signs; nothing shorter identifies
LEAST_DIGITS, RESIDENT_DIGITS = 8, 17  # digits without which nothing identifies, and is no resident's number
LOOKED_AT = 5000  # different values by which the share of identifiers is known to a hundredth or so
MOST = 0.2  # share of a column's different values that may look like an identifier by chance
NEARLY_ALL, FEW = 0.9, 10  # share by which a column's ids are of one kind; fewer ids than that do not tell
BY_CHANCE = (
    0.01  # share of numbers of 18 signs, far above what passes day of birth and check digit by accident (0.003 %)
)
_PROVINCES = "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-2]"
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_RESIDENT = re.compile(rf"(?:{_PROVINCES})\d{{4}}(?:19|20)\d\d{_DAY}\d{{3}}[\dX]")
_RESIDENT_15 = re.compile(rf"(?:{_PROVINCES})\d{{4}}\d\d{_DAY}\d{{3}}")
_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_DOTTED_MOBILE = re.compile(r"(?<!\d)1[3-9]\d\.\d{4}\.\d{4}(?!\d)")
_IN_POWERS = re.compile(r"1\.[3-9]\d{6,9}E\+?10", re.IGNORECASE)  # every digit of a mobile number, or nearly
_LAND_LINE = re.compile(
    r"(?<![\d.-])(?:\+?86[- ]?)?(?:\(0?\d{2,3}\) ?|0(?:10|2\d|[3-9]\d{2})-)[2-9]\d{2,3}[- ]?\d{4}(?!\d)"
)
_AREA_FIRST = re.compile(r"(?<![\d.-])\+86[- ]?(?:10|2\d|[3-9]\d{2})[- ][2-9]\d{2,3}[- ]?\d{4}(?!\d)")
_MAIL = re.compile(r"(?<![^@\s])[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")  # from where a word begins: looked at once
_PASSPORT = re.compile(r"(?:护照|通行证|passport|permit)\D{0,9}?[A-Z]{1,2}\d{7,9}(?!\d)", re.IGNORECASE)
# A run of digits as people write them, and one that stands among words; the decimals of a number are neither.
_DIGITS = re.compile(rf"(?:\d\D{{0,4}}){{{LEAST_DIGITS}}}")
_RESIDENT_DIGITS = re.compile(rf"(?:\d\D{{0,4}}){{{RESIDENT_DIGITS}}}")
_RUN = re.compile(r"(?<![\w.,/:])[+(]?\d(?:[ ()-]{0,3}\d)+(?:[ -]?[Xx])?(?![\w/:]|[.,]\d)")
_PLAIN_RUN = re.compile(r"(?<![0-9A-Za-z_.,])(?:\+?86)?\d{11,18}[Xx]?(?![0-9A-Za-z_]|[.,]\d)")
_WHOLE = re.compile(r"\.0+$")  # what a spreadsheet puts behind a whole number
_APART = re.compile(r"[ ()+-]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identifies(values: Iterable[str], kept: bool) -> bool:
    """Tell whether a column leads to people.

    Parameters
    ----------
    values : iterable of str
        The column's cells, or its different values; a Series is asked for its different ones.
    kept : bool
        Whether the column is kept as text: then one number of a resident, or one cell that is a mail address, is enough.

    Returns
    -------
    bool
        True where more than `MOST` of the different values that are not empty hold an identifier; of very many values, of
        `LOOKED_AT` that stand evenly among them.

    Examples
    --------
    >>> identifies(["+86 138-0013-8000", "13900139000"], kept=False), identifies(["4", "5", "2024-03-05"], kept=True)
    (True, False)
    """
    distinct = [v for v in (values.unique() if isinstance(values, pd.Series) else dict.fromkeys(values)) if v]
    if max(map(len, distinct), default=0) < SHORTEST:
        return False
    some = distinct[:: -(-len(distinct) // LOOKED_AT)]
    if sum(1 for value in some if kind(value)) > MOST * len(some):
        return True
    return kept and _certain(distinct)


def kind(value: str) -> Kind | None:
    """Tell which identifier a value is or holds among other words, the most certain first; None: none.

    Examples
    --------
    >>> kind("13800138000"), kind("身份证 11010519491231002x"), kind("write to a@b.cn"), kind("0571-8765 4321"), kind("1.3800138")
    ('mobile', 'resident', 'mail', 'land_line', None)
    """
    mail = "@" in value or "＠" in value
    if not mail and (len(value) < LEAST_DIGITS or not _DIGITS.search(value)):
        return None
    text = value if value.isascii() else _half_width(value)
    if mail and _MAIL.search(text):
        return "mail"
    if "://" in text:  # numbers in an address of the web are those of pages
        return None
    text = _WHOLE.sub("", text)
    numbers = {_APART.sub("", run) for run in (*_RUN.findall(text), *_PLAIN_RUN.findall(text))}
    if any(map(is_resident, numbers)):
        return "resident"
    if any(map(_MOBILE.fullmatch, numbers)) or _DOTTED_MOBILE.search(text) or _of_powers(text):
        return "mobile"
    if _LAND_LINE.search(text) or _AREA_FIRST.search(text):
        return "land_line"
    if _RESIDENT_15.fullmatch(_APART.sub("", text)):
        return "resident_15"
    return "passport" if _PASSPORT.search(text) else None


def is_resident(number: str) -> bool:
    """Tell whether 18 signs are a resident's id number: a province, a day of birth, and a check digit that fits."""
    number = number.upper()
    if not _RESIDENT.fullmatch(number):
        return False
    total = sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def bad_numbers(members: Iterable[str]) -> frozenset[str]:
    """Give the ids that cannot be right in a column whose ids are nearly all of one kind.

    Parameters
    ----------
    members : iterable of str
        Ids as `survey.identity.normalise` writes them.

    Returns
    -------
    frozenset of str
        Where nearly all are residents' numbers, those of 17 to 19 signs whose length, day or check digit is wrong; where nearly
        all are mobile numbers, those of 8 to 14 digits that are longer or shorter, and begin with no nought (a land line does).
        Passports and the like stay. Empty for any other column, and for one of less than `FEW` ids.
    """
    ids = [m for m in dict.fromkeys(members) if m]
    if len(ids) < FEW:
        return frozenset()
    residents = [m for m in ids if is_resident(m) or _RESIDENT_15.fullmatch(m)]
    if len(residents) >= NEARLY_ALL * len(ids):
        return frozenset(m for m in set(ids).difference(residents) if re.fullmatch(r"\d{16,18}[\dX]", m))
    mobiles = [m for m in ids if len(m) == 11 and _MOBILE.fullmatch(m)]
    if len(mobiles) >= NEARLY_ALL * len(ids):
        return frozenset(m for m in ids if re.fullmatch(r"[1-9]\d{7,13}", m) and len(m) != 11)
    return frozenset()


def _certain(distinct: Sequence[str]) -> bool:
    """One value is enough that is a mail address, or that has a number which is a resident's not by accident."""
    if any(("@" in v or "＠" in v) and _MAIL.fullmatch(_half_width(v).strip()) for v in distinct):
        return True
    long = [v for v in distinct if len(v) >= RESIDENT_DIGITS and _RESIDENT_DIGITS.search(v)]
    return sum(kind(v) == "resident" for v in long) > BY_CHANCE * len(long)


def _half_width(value: str) -> str:
    """Half-width signs, one blank for any, hyphens for dashes, without what nobody sees."""
    return "".join(map(_plain, unicodedata.normalize("NFKC", value)))


def _plain(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    if category.startswith("Z") or sign in "\t\r\n":
        return " "
    if category == "Pd":
        return "-"
    return "" if category in ("Cc", "Cf") else sign


def _of_powers(text: str) -> bool:
    return bool(_IN_POWERS.fullmatch(text)) and bool(_MOBILE.fullmatch(normalise(str(int(Decimal(text))))))
