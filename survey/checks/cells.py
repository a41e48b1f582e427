"""One column of text at a time: clean signs, codes, numbers. Each gives values and, a rule at a time, which cells it met."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from survey.instrument import Item
from survey.schema import Layout

SEPARATOR = ";"
MOST_PIECES = 8  # of one label, cut by the separator that it has in it
YES = frozenset({"1", "yes", "y", "true", "t", "是", "同意", "√", "✓", "✔"})
NO = frozenset({"", "0", "no", "n", "false", "f", "否", "不同意", "×", "✗", "✘"})
TOTAL = re.compile(
    r"(合\s*计|总\s*计|小\s*计|平\s*均|均\s*值|总\s*和|grand total|total|subtotal|sum|average|mean)\s*[:：]?",
    re.IGNORECASE,
)
# What a reading gives where it gives no code.
_MARKS = {"unknown_label": "\0label", "out_of_range": "\0range", "missing_code": "\0missing"}
_WHOLE = re.compile(r"([+-]?\d{1,9})(?:\.0+)?", re.ASCII)
_CODE_THEN_LABEL = re.compile(r"(?P<code>-?\d+)\s*[-.、:]\s*(?P<label>\D.*)", re.ASCII)
_LABEL_THEN_CODE = re.compile(r"(?P<label>\D.*)\((?P<code>-?\d+)\)", re.ASCII)
_OWN_TEXT = re.compile(r"(?<=.)〖[^〖〗]*〗$")  # what somebody wrote behind an option that asks for words
_CHINESE_DIGITS = {
    sign: n
    for n, signs in enumerate(("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for sign in signs
}
_CHINESE_TENS = re.compile(r"(?P<tens>\D?)[十拾](?P<ones>\D?)")
_DURATIONS = (
    re.compile(
        r"(?:(?P<h>\d{1,3}) ?(?:小时|时|h))? ?(?:(?P<m>\d{1,4}) ?(?:分钟|分|min|m))? ?(?:(?P<s>\d{1,6}) ?(?:秒钟|秒|s))?"
    ),
    re.compile(r"(?:(?P<h>\d{1,3}):)?(?P<m>\d{1,2}):(?P<s>\d{2})"),
)

Met = dict[str, pd.Series]


def by_unique(column: pd.Series, convert: Callable[[str], object]) -> pd.Series:
    """Convert each distinct text that a cell has, once."""
    texts = column.astype("category")
    codes = texts.cat.codes.to_numpy()
    used = (
        np.bincount(codes, minlength=len(texts.cat.categories)) > 0
    )  # rows may have been left out, and with them texts
    values = pd.Series([convert(text) for text, there in zip(distinct(texts), used, strict=True) if there])
    return values.take((np.cumsum(used) - 1)[codes]).set_axis(column.index)


def distinct(column: pd.Series) -> list[str]:
    """Give the categories of a column of text: one by one, an index of them is slow."""
    return list(column.cat.categories.to_numpy(dtype=object))


def places_in(texts: pd.Series, among: pd.Index) -> np.ndarray:
    """Give the place of each text in an index without repetitions, -1 where it is not in it (array of int32)."""
    found = pc.index_in(pa.array(texts, pa.large_string()), pa.array(among, pa.large_string()))
    return found.fill_null(-1).to_numpy()


def rewritten(column: pd.Series, convert: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Convert a column of category by its distinct texts, to a column of category; None and missing become missing.

    Parameters
    ----------
    column : Series of category over str, without missing cells
    convert : callable
        Is given the distinct texts (Series of str), once, and gives as many.
    """
    texts = convert(pd.Series(column.cat.categories, dtype="str"))
    places, kinds = pd.factorize(texts, use_na_sentinel=True)
    codes = places.astype(np.int32).take(column.cat.codes.to_numpy())
    kept = pd.Categorical.from_codes(codes, pd.Index(kinds, dtype="str"))
    return pd.Series(kept, index=column.index, name=column.name)


def emptied(column: pd.Series, cells: pd.Series) -> pd.Series:
    """Empty some cells of a column of category."""
    if not cells.any():
        return column
    with_nothing = column if "" in column.cat.categories else column.cat.add_categories([""])
    return with_nothing.mask(cells, "")


def clean(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Half-width signs, ASCII digits, no invisible signs, no blanks around; and which cells that changed (blanks do not count).

    What is cleaned comes as category.
    """
    texts = column.astype("category")
    arrived = distinct(texts)
    cleaned = [_clean(text) for text in arrived]
    if cleaned == arrived:
        return texts, pd.Series(False, index=column.index)
    other = np.array([now != " ".join(text.split()) for now, text in zip(cleaned, arrived, strict=True)])
    changed = pd.Series(other[texts.cat.codes.to_numpy()], index=column.index)
    return rewritten(texts, lambda _: pd.Series(cleaned, dtype="str")), changed


def _clean(value: str) -> str:
    if value.isascii() and value.isprintable():
        return value if value.isalnum() else " ".join(value.split())
    return " ".join("".join(map(_plain, unicodedata.normalize("NFKC", value))).split())


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    """Digits of any script as ASCII; control and format signs, which nobody sees, as nothing."""
    kind = unicodedata.category(sign)
    if kind in ("Cc", "Cf") and not sign.isspace():
        return ""
    return str(unicodedata.decimal(sign)) if kind == "Nd" else sign


def coded(column: pd.Series, item: Item) -> tuple[pd.Series, Met]:
    """Read answers to a choice item as codes.

    Codes themselves, labels in either language, declared other spellings, "5-label" and "label(5)" (where the label is that
    code's) and Chinese numerals (for whole-number codes) are recognised. Whole-number codes come as float, words as text; what
    counts as not answered, and what is none of these, is missing and counted.
    """
    read = _reader(item)
    codes = {value: read(value) for value in column.unique()}
    met = {rule: column.isin([v for v, code in codes.items() if code == mark]) for rule, mark in _MARKS.items()}
    kept = {v: None if code is None or code in _MARKS.values() else code for v, code in codes.items()}
    if not item.numeric:
        return by_unique(column, kept.__getitem__).astype("str"), met
    numbers_ = {v: math.nan if code is None else float(code) for v, code in kept.items()}
    return by_unique(column, numbers_.__getitem__).astype("float64"), met


def _reader(item: Item) -> Callable[[str], str | None]:
    """Give the function that reads one answer: a code, a mark of what is wrong, or None for nothing."""
    reading = _readings(item)

    def read(value: str) -> str | None:
        value = _OWN_TEXT.sub("", value)
        key = value.casefold()
        if key in reading:
            return reading[key]
        parts = _CODE_THEN_LABEL.fullmatch(key) or _LABEL_THEN_CODE.fullmatch(key)
        if parts and reading.get(parts["code"], "") == reading.get(parts["label"].strip()):
            return reading[parts["code"]]
        number = _whole(value)
        if number is None and item.numeric:
            number = _chinese(value)
        if number is None:
            return _MARKS["unknown_label"]
        if item.codes:
            return reading.get(str(number), _MARKS["out_of_range"])
        return str(number) if item.lowest <= number <= item.highest else _MARKS["out_of_range"]

    return read


def _readings(item: Item) -> dict[str, str | None]:
    """Every spelling of the item's codes; those that count as not answered have the mark for it."""
    spellings = dict(item.codes.spellings()) if item.codes else {}
    marked = {s: _MARKS["missing_code"] if code.startswith("missing:") else code for s, code in spellings.items()}
    return {"": None, **marked}


def _whole(value: str) -> int | None:
    match = _WHOLE.fullmatch(value)
    return int(match[1]) if match else None


def _chinese(value: str) -> int | None:
    """Chinese numerals from 〇 to 九十九."""
    if value in _CHINESE_DIGITS:
        return _CHINESE_DIGITS[value]
    if match := _CHINESE_TENS.fullmatch(value):
        tens, ones = (_CHINESE_DIGITS.get(match[part] or none) for part, none in (("tens", "一"), ("ones", "零")))
        return None if tens is None or ones is None else 10 * tens + ones
    return None


def labelled_otherwise(labels: Mapping[str, str], values: Mapping[str, str], item: Item) -> list[tuple[str, str]]:
    """Codes and labels of a file where the label is that of another of the item's codes; `values` as in wave.yaml."""
    read = _reader(item)
    found = []
    for code, label in labels.items():
        meant, taken = read(_clean(label)), read(_clean(values.get(code, code)))
        if meant in item.code_names and meant != taken:
            found.append((code, label))
    return found


def several(column: pd.Series, item: Item, separator: str) -> tuple[pd.DataFrame, Met]:
    """Read answers to a multiple-response item: a column a code, 1 chosen, 0 not.

    Missing where nothing was answered, and where no part of the answer could be read as a code.
    """
    read, separator = _reader(item), _as_cleaned(separator)

    def parts(cell: str) -> tuple[str | None, ...]:
        whole = read(cell)
        if whole not in _MARKS.values():
            return (whole,)
        return tuple(read(part) for part in _cut(cell, separator, lambda part: read(part) not in _MARKS.values()))

    chosen = by_unique(column, parts)
    answered = chosen.map(lambda found: any(code in item.code_names for code in found)).astype(bool)
    columns = {
        f"{item.name}={code}": chosen.map(lambda found, c=code: float(c in found)).where(answered).astype("float64")
        for code in item.code_names
    }
    met = {rule: chosen.map(lambda found, m=mark: m in found).astype(bool) for rule, mark in _MARKS.items()}
    return pd.DataFrame(columns, index=column.index), met


def _as_cleaned(separator: str) -> str:
    """The separator as it stands in cleaned cells: half-width; a line break or a tab is a blank there."""
    return unicodedata.normalize("NFKC", separator) if separator.strip() else " "


def _cut(cell: str, separator: str, known: Callable[[str], bool]) -> list[str]:
    """Cut a cell into its parts; a label that has the separator in it stays whole, by the longest one that is known."""
    pieces, parts = cell.split(separator), list[str]()
    while pieces:
        ends = range(min(len(pieces), MOST_PIECES), 0, -1)
        end = next((n for n in ends if known(separator.join(pieces[:n]).strip())), 1)
        parts.append(separator.join(pieces[:end]).strip())
        pieces = pieces[end:]
    return [part for part in parts if part]


def ticked(column: pd.Series, item: Item, code: str) -> tuple[pd.Series, Met]:
    """Read one 0/1 column of a multiple-response item: 1 chosen, 0 not or nothing there.

    Words for yes and no are recognised, and the code's own label where that stands for a tick; anything else is missing.
    """
    read = _reader(item)

    def one(value: str) -> float:
        value = _OWN_TEXT.sub("", value)
        tick = _tick(value)
        return 1.0 if math.isnan(tick) and read(value) == code else tick

    values = by_unique(column, one).astype("float64")
    return values, {"unknown_label": values.isna()}


def _tick(value: str) -> float:
    """1 for yes, 0 for no and for nothing; nan for what says neither."""
    key, number = value.casefold(), _whole(value)
    if key in NO or (key not in YES and number == 0):
        return 0.0
    return 1.0 if key in YES or number == 1 else math.nan


def number(column: pd.Series, item: Item, layout: Layout) -> tuple[pd.Series, Met]:
    """Read a number within the item's limits; anything else is missing and counted."""
    return within(column, numbers(column, layout), item.lowest, item.highest)


def within(column: pd.Series, values: pd.Series, lowest: float, highest: float) -> tuple[pd.Series, Met]:
    """Numbers within limits, both inclusive; what is outside, and what is no number, is missing and counted."""
    outside = values.notna() & ~values.between(lowest, highest)
    return values.where(~outside), {"not_a_number": values.isna() & (column != ""), "out_of_range": outside}


def numbers(column: pd.Series, layout: Layout | None = None) -> pd.Series:
    """Plain decimal numbers as float, with the marks that the layout declares; infinite ones, and anything else, missing."""
    layout, texts = layout or Layout(), column.astype("category")
    thousands, point = re.escape(layout.thousands or "\0"), re.escape(layout.decimal)
    form = rf"[+-]?((\d+|\d{{1,3}}({thousands}\d{{3}})+)({point}\d*)?|{point}\d+)([eE][+-]?\d{{1,2}})?"
    distinct = pd.Series(texts.cat.categories, dtype="str")
    plain = distinct.where(distinct.str.fullmatch(form))
    if layout.thousands:
        plain = plain.str.replace(layout.thousands, "", regex=False)
    if layout.decimal != ".":
        plain = plain.str.replace(layout.decimal, ".", regex=False)
    values = pd.to_numeric(plain, errors="coerce").astype("float64")
    return values.where(np.isfinite(values)).take(texts.cat.codes.to_numpy()).set_axis(column.index)


def seconds(column: pd.Series, layout: Layout) -> pd.Series:
    """Read how long something took: ``87``, ``87秒``, ``1分27秒``, ``00:01:27``; anything else is missing."""
    plain = numbers(column, layout)
    return plain.fillna(by_unique(column, _duration).astype("float64"))


def _duration(value: str) -> float:
    match = next((m for form in _DURATIONS if (m := form.fullmatch(value)) and any(m.groups())), None)
    return 3600 * int(match["h"] or 0) + 60 * int(match["m"] or 0) + int(match["s"] or 0) if match else math.nan


def yes(column: pd.Series) -> tuple[pd.Series, Met]:
    """Whether a cell says yes; no and nothing are no, and so is what says neither, which is counted."""
    said = by_unique(column, _tick).astype("float64")
    return said == 1, {"unknown_label": said.isna()}


def recode(column: pd.Series, values: Mapping[str, str], separator: str) -> pd.Series:
    """Replace what stands in the file by the codes that wave.yaml declares for it: a whole cell, or each of several in it."""
    if not values:
        return column
    cleaned, separator = {_clean(seen): code for seen, code in values.items()}, _as_cleaned(separator)

    def one(cell: str) -> str:
        if cell in cleaned:
            return cleaned[cell]
        parts = _cut(cell, separator, cleaned.__contains__)
        if cleaned.keys().isdisjoint(parts):
            return cell
        return separator.join(cleaned.get(part, part) for part in parts)

    return rewritten(column, lambda texts: texts.map(one))
