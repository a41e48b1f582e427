"""SPSS system files (.sav, .zsav): codes as text, with their labels, missing codes and multiple-response sets.

A file begins with ``$FL2``, or ``$FL3`` where it is packed by zlib. Numbers are doubles; dates and times are seconds since
14 October 1582 and known by their print format; text is padded with blanks and in the code page that records 7/3 and 7/20
name, which other programs than SPSS often leave at Windows-1252. Up to three codes of a variable, or a range and a code, may be
declared missing. Described by the PSPP project ("System File Format").
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyreadstat

from survey.readers import labelled
from survey.readers.labelled import Told, clock, milliseconds, plain
from survey.readers.raw import RawTable
from survey.schema import Layout

EPOCH = datetime(1582, 10, 14)
LONGEST = 9999 * 366 * 86400.0  # seconds; beyond, a cell of a date's column is no date
_MAGIC = re.compile(rb"\$FL[23][^\s,;|\"]")
_DAY = re.compile(r"(?:[AEJS]?DATE|QYR|MOYR|WKYR)\d*")
_MOMENT = re.compile(r"(?:DATETIME|YMDHMS)\d*(?:\.\d+)?")
_LENGTH = re.compile(r"(?:D|M)?TIME\d*(?:\.\d+)?")
_WESTERN = {"WINDOWS-1252": "cp1252", "ISO-8859-1": "latin-1", "ISO-8859-15": "iso8859-15"}


def recognises(magic: bytes) -> bool:
    """Whether a file that begins so is an SPSS system file."""
    return _MAGIC.match(magic) is not None


def read(path: Path, layout: Layout) -> RawTable:
    """Read it; see `survey.read_table`. Missing codes stay in the frame and are listed in ``.no_answer``."""
    return labelled.read_apart(path, layout, "spss", "SPSS (.sav, .zsav)")


def main() -> None:
    """Read the file that the command line names; see `survey.readers.labelled.answer`."""
    labelled.answer(tell)


def tell(path: str, encoding: str | None) -> tuple[dict[str, list[str]], Told]:
    """Give a file's columns as text and what it says of them; this is what the process that reads it answers.

    Raises
    ------
    UnicodeError
        Where the text's encoding is not said, or not what is said.
    """
    values, about = labelled.opened(pyreadstat.read_sav, path, encoding) if encoding else _as_declared(path)
    labels = labelled.code_labels(about, plain)
    no_answer = {name: codes for name in values if (codes := _no_answer(values[name], name, about))}
    coded = {name: {*labels.get(name, {}), *no_answer.get(name, [])} for name in values}
    columns = {name: _as_text(cells, name, about, coded[name]) for name, cells in values.items()}
    form = {"format": "spss", "encoding": str(about.file_encoding or "utf-8").lower()}
    return columns, Told(labels, labelled.wording(about), _multiple(columns, labels, about), no_answer, form)


def _as_declared(path: str) -> tuple[dict[str, list[Any]], Any]:
    """Read a file in the code page that it names; "Windows-1252" is believed only of text that can be Western."""
    declared = _decoded(path, None)
    western = _WESTERN.get(str(declared[1].file_encoding).upper()) if declared else None
    foreign = [text for text in _all_text(*declared) if not text.isascii()] if declared and western else []
    if declared and not foreign:
        return declared
    # Text beyond ASCII that is UTF-8 throughout is so by no chance.
    utf8 = _decoded(path, "utf-8")
    if utf8:
        return utf8
    if not declared or _is_chinese(foreign, str(western)):
        raise UnicodeError("the text is not in the code page that the file names")
    return declared


def _decoded(path: str, encoding: str | None) -> tuple[dict[str, list[Any]], Any] | None:
    try:
        return labelled.opened(pyreadstat.read_sav, path, encoding)
    except UnicodeError:
        return None


def _all_text(values: dict[str, list[Any]], about: Any) -> Iterator[str]:
    yield from about.column_names
    yield from filter(None, about.column_labels)
    for codes in about.variable_value_labels.values():
        yield from map(str, codes.values())
    for name, cells in values.items():
        if about.readstat_variable_types[name] == "string":
            yield from filter(None, cells)


def _is_chinese(texts: list[str], western: str) -> bool:
    """Whether most texts beyond ASCII are pairs of bytes that are characters of GB 2312; accents stand alone."""
    read = [_as_gb(text, western) for text in texts]
    return sum(read) > 0.8 * len(read)


def _as_gb(text: str, western: str) -> bool:
    try:
        # Not to the end: a field's width may have cut its last character in two.
        return not codecs.getincrementaldecoder("gb2312")().decode(text.encode(western), False).isascii()
    except UnicodeError:
        return False


def _no_answer(cells: list[Any], name: str, about: Any) -> list[str]:
    """Codes declared missing: single ones always; of a range, those that stand in the column or have a label."""
    single, seen = set(), {v for v in (*cells, *about.variable_value_labels.get(name, {})) if v is not None}
    ranges = about.missing_ranges.get(name, [])
    for missing in ranges:
        low, high = missing["lo"], missing["hi"]
        single |= {low} if low == high else {v for v in seen if isinstance(v, float) and low <= v <= high}
    return [plain(v) for v in sorted(single) if v != ""]


def _as_text(cells: list[Any], name: str, about: Any, codes: set[str]) -> list[str]:
    if about.readstat_variable_types[name] == "string":
        return [(cell or "").rstrip(" ") for cell in cells]
    shape = str(about.original_variable_types[name])
    write = next((write for form, write in _WRITTEN.items() if form.fullmatch(shape)), plain)
    return labelled.texts(cells, lambda v: plain(v) if v is None or plain(v) in codes else write(v))


def _moment(seconds: float) -> str:
    if not 0 <= seconds < LONGEST:
        return plain(seconds)
    try:
        moment = EPOCH + milliseconds(seconds)
    except OverflowError:
        return plain(seconds)
    return plain(moment)


def _day(seconds: float) -> str:
    """A day; with its clock time where it has one, which SPSS would not show."""
    return _moment(seconds).removesuffix(" 00:00:00")


def _length(seconds: float) -> str:
    return clock(seconds) if abs(seconds) < LONGEST else plain(seconds)


_WRITTEN = {_DAY: _day, _MOMENT: _moment, _LENGTH: _length}


def _multiple(columns: dict[str, list[str]], labels: labelled.Labels, about: Any) -> dict[str, list[str]]:
    """The file's own multiple-response sets, then what is one by its labels; a column stands in one question only."""
    known = {name.casefold(): name for name in columns}
    found: dict[str, list[str]] = {}
    for question, declared in about.mr_sets.items():
        names = [known[n.casefold()] for n in declared["variable_list"] if n.casefold() in known]
        if len(names) > 1:
            found[question.removeprefix("$")] = names
    free = {name: cells for name, cells in columns.items() if not any(name in names for names in found.values())}
    return found | {q: names for q, names in labelled.dichotomies(free, labels).items() if q not in found}


if __name__ == "__main__":
    main()
