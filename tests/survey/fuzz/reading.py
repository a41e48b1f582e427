"""A second, small reading of the fuzzer's files: the rows that stand in a damaged file, and what each cell may become.

It shares no code with `survey.readers` and `survey.checks`: the csv module and ElementTree give the rows; what a text means
comes from the tables in `tests.survey.builders`, by exact comparison first. Only ids are written in one way by
`survey.identity.normalise`, which has tests of its own.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from tests.survey.builders import GROUPS, PLACES, STUDY
from tests.survey.fuzz.damage import Mutated
from tests.survey.fuzz.seeds import Seed, Table

AGREE, JOB, USED = (STUDY["code_sets"][name] for name in ("agree5", "work", "places3"))
CHINESE = dict(zip("一二三四五六七八九两", "1234567892", strict=True))
YES, NO = {"1", "yes", "y", "true", "是", "同意"}, {"", "0", "no", "n", "false", "否", "不同意"}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file.

    Attributes
    ----------
    lines : list of int
        Lines on which rows begin, the header's among them.
    body : dict
        {line: cells} below the header.
    where : dict, optional
        {target: position}; None where the header does not say so for certain.
    whole_header : bool
        Whether the header is that of the seed, columns in any order.
    width : int
        Cells of the header.
    """

    lines: list[int]
    body: dict[int, list[str]]
    where: dict[str, int] | None
    whole_header: bool
    width: int


class NotReadableError(Exception):
    """Nobody can read this file: it has to be refused."""


def rows_of(seed: Seed, file: Mutated) -> Rows | None:
    """Read a mutated file; None where that is not known from outside.

    Raises
    ------
    NotReadableError
        Where its text is in no encoding, or its quotes are not closed.
    """
    if seed.form == "csv":
        return _placed(seed, *_csv(file))
    if seed.form == "xlsx":
        table = _sheet(file.data)
        return _placed(seed, table, list(range(1, len(table) + 1))) if table else None
    if file.table is None:
        return None
    return _placed(seed, *_typed(seed, file.table))


def _typed(seed: Seed, table: Table) -> tuple[Table, list[int]]:
    width = len(table[0])
    cut = [[*row, *[""] * width][:width] for row in table]
    if seed.form != "parquet":
        cut = [[cell.rstrip(" ") for cell in row] for row in cut]
    return cut, list(range(len(cut)))


def _csv(file: Mutated) -> tuple[Table, list[int]]:
    text = _text(file.data)
    if "\0" in text:
        raise NotReadableError
    reader, rows, numbers = csv.reader(io.StringIO(text, newline=""), delimiter=file.delimiter, strict=True), [], [1]
    try:
        for row in reader:
            rows.append(row)
            numbers.append(reader.line_num + 1)
    except csv.Error:
        raise NotReadableError from None
    return rows, numbers[:-1]


def _text(data: bytes) -> str:
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encodings = ("utf-16",) if marked else ("utf-8-sig",) if data.startswith(codecs.BOM_UTF8) else ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except UnicodeError:
            continue
    raise NotReadableError


def _sheet(data: bytes) -> Table | None:
    """Cells of the one sheet, where the book is written as the seeds write theirs; None where anything is strange."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.namelist()) != len(set(archive.namelist())) or archive.testzip() is not None:
                return None
            parts = {name: archive.read(name) for name in archive.namelist()}
        book = parts["xl/workbook.xml"] + parts["xl/_rels/workbook.xml.rels"]
        texts = ["".join(si.itertext()) for si in _root(parts["xl/sharedStrings.xml"], "sst")]
        sheet = _root(parts["xl/worksheets/sheet1.xml"], "worksheet")
        if b'name="S1"' not in book or b'"worksheets/sheet1.xml"' not in book or b'"sharedStrings.xml"' not in book:
            return None
        return _grid([list(row) for row in sheet[0]], texts)
    except (*ODD, zipfile.BadZipFile, ElementTree.ParseError):
        return None


ODD = (KeyError, ValueError, IndexError, EOFError, OSError, NotImplementedError, RuntimeError, zlib.error)


def _root(data: bytes, tag: str) -> ElementTree.Element:
    root = ElementTree.fromstring(data)
    if root.tag != f"{{http://schemas.openxmlformats.org/spreadsheetml/2006/main}}{tag}":
        raise ValueError(root.tag)
    return root


def _grid(lines: list[list[ElementTree.Element]], texts: list[str]) -> Table:
    cells: dict[tuple[int, int], str] = {}
    for cell in (cell for line in lines for cell in line):
        match, kind = re.fullmatch(r"([A-Z])([1-9]\d?)", cell.attrib["r"]), cell.attrib["t"]
        place = (int(match[2]), ord(match[1]) - 64) if match else (0, 0)
        value = "".join(cell.itertext())
        if (
            not match
            or place in cells
            or len(cell) != 1
            or set(cell.attrib) != {"r", "t"}
            or not re.fullmatch(r"0|[1-9]\d*", value)
        ):
            raise ValueError(cell.attrib)
        cells[place] = {"n": value, "s": texts[int(value)] if kind == "s" else ""}[kind]
    filled = [place for place, text in cells.items() if text]
    height, width = max(r for r, _ in filled), max(c for _, c in cells)
    return [[cells.get((r, c), "") for c in range(1, width + 1)] for r in range(1, height + 1)]


def _placed(seed: Seed, table: Table, numbers: list[int]) -> Rows:
    head, body = table[: seed.head], table[seed.head :]
    columns, own = _columns(head), _columns(seed.table[: seed.head])
    found = {target: [n for n, c in enumerate(columns) if c == own[at]] for target, at in seed.columns.items()}
    certain = all(len(places) == 1 for places in found.values()) and len({len(row) for row in head}) == 1
    whole = certain and (sorted(columns) == sorted(own) if seed.plain else columns == own)
    where = {target: places[0] for target, places in found.items()} if certain and (seed.plain or whole) else None
    return Rows(numbers, dict(zip(numbers[seed.head :], body, strict=True)), where, whole, len(columns))


def _columns(head: Table) -> list[tuple[str, ...]]:
    width = max((len(row) for row in head), default=0)
    padded = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in head]
    return list(zip(*padded, strict=True))


# ---- what a text may become --------------------------------------------------------------------------------------------------


def tidy(text: str) -> str:
    """Half-width, ASCII digits, without signs that nobody sees, single blanks."""
    seen = [
        c for c in unicodedata.normalize("NFKC", text) if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf")
    ]
    return " ".join("".join(str(unicodedata.decimal(c, c)) for c in seen).split())


def is_mended(text: str) -> bool:
    """Whether tidying changes more than blanks."""
    return tidy(text) != " ".join(text.split())


def _spellings(codes: dict[str, Any]) -> dict[str, str]:
    return {text: code for code, c in codes.items() for text in (code, c["en"], c["zh"], *c.get("also", ()))}


SPELLINGS = {"bel1": _spellings(AGREE["codes"]), "job": _spellings(JOB["codes"]), "used": _spellings(USED["codes"])}
SPELLINGS["bel2"] = SPELLINGS["bel1"]
UNANSWERED = {"bel1": _spellings(AGREE["missing"]), "used": _spellings(USED["missing"]), "job": {}}
UNANSWERED["bel2"] = UNANSWERED["bel1"]


def _units(text: str, names: tuple[int, ...]) -> dict[str, str]:
    lines = [line.split(",") for line in text.splitlines()[1:] if not line.endswith("2021-04-01")]  # not valid any more
    return {line[n]: line[0] for line in lines for n in (0, *names)}


GROUP, REGION = _units(GROUPS, (1, 2)), _units(PLACES, (3, 4))
REGION |= {code.ljust(width, "0"): code for code in REGION.values() for width in (9, 12) if len(code) < width}
# A province and a city are also called by their first two and four digits.
REGION |= {code[:width]: code for code in set(REGION.values()) for width in (2, 4) if set(code[width:]) == {"0"}}
UNITS = {"group": GROUP, "region": REGION, "home": REGION}
NUMBERS = {"age": (14, 99), "weight": (0, None), "seconds": (0, None), "members": (0, None), "funds": (0, None)}


def exact(target: str, text: str) -> tuple[Any] | None:
    """The one value that this text must become, where the tables have it letter by letter: None in it is a missing value."""
    text = text.strip(" ")
    if text == "" or text in UNANSWERED.get(target, {}):
        return (None,)
    if target in SPELLINGS and text in SPELLINGS[target]:
        code = SPELLINGS[target][text]
        return (float(code) if target != "job" else code,)
    if target in UNITS and text in UNITS[target]:
        return (UNITS[target][text],)
    if target in NUMBERS and re.fullmatch(r"[1-9]\d{0,3}(\.\d{1,3})?", text, re.ASCII):
        return (float(text) if within(target, float(text)) else None,)
    if target in ("submitted", "start"):
        return _moment(text)
    return None


def _moment(text: str) -> tuple[Any] | None:
    if not re.fullmatch(r"20\d\d-\d\d-\d\d( \d\d:\d\d)?", text, re.ASCII):
        return None
    try:
        return (datetime.fromisoformat(text),)
    except ValueError:
        return (None,)


def within(target: str, value: float) -> bool:
    """Whether a number is within its limits; a weight is above nought."""
    low, high = NUMBERS[target]
    return value >= low and (high is None or value <= high) and (target != "weight" or value > 0)


def readings(target: str, text: str) -> set[Any]:
    """All values that a text may be read as by a generous reader; a value that is none of them was made up."""
    text = re.sub(r"(?<=.)〖[^〗]*〗$", "", tidy(text))
    if target in UNITS:
        return {code for name, code in UNITS[target].items() if tidy(name) == text}
    if target in NUMBERS:
        return {v for v in (_number(text), _number(text.rstrip("秒").replace(",", ""))) if v is not None}
    if target in ("submitted", "start"):
        return _moments(text)
    key = text.casefold()
    spelled = {tidy(name).casefold(): code for name, code in SPELLINGS[target].items()}
    parts = re.fullmatch(r"(\S+?)\s*[-.、:,(（]\s*(.+?)[)）]?", key)
    behind = {spelled.get(part, "") for part in parts.groups()} if parts else set()
    number = _number(text)
    whole = {str(int(number))} & set(spelled.values()) if number is not None and number.is_integer() else set()
    codes = {spelled.get(key, ""), CHINESE.get(text, "")} | whole | (behind if len(behind) == 1 else set())
    return {c if target == "job" else float(c) for c in codes - {""}}


def _number(text: str) -> float | None:
    """A decimal number, in any script's digits."""
    try:
        return float(text) if not re.search("[_n]", text.casefold()) else None
    except ValueError:
        return None


def _moments(text: str) -> set[datetime]:
    runs = (re.findall(r"\d+", text), re.findall(r"^\d{4}|\d\d", text))
    return {moment for digits in runs for n in (3, 5, 6) for moment in _datetime([int(part) for part in digits[:n]])}


def _datetime(parts: list[int]) -> list[datetime]:
    year, month, day, hour, minute, second = [*parts, 0, 0, 0, 0, 0, 0][:6]
    try:
        return [datetime(year, month, day, hour, minute, second)]
    except (ValueError, OverflowError):
        return []
