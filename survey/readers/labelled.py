"""What SPSS and Stata files share: typed cells, labels of codes, codes that stand for no answer; all given as text.

These files carry no checksums, and a damaged one can end the process that reads it: each is read in a process of its own, with
a limit of time and memory. It answers with an Arrow stream: the columns as text, and beside them what the file says of them.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyreadstat

from survey.readers.apart import limit_memory
from survey.readers.encoded import Column
from survey.readers.raw import MAX_COLUMNS, RawTable, check_header, refuse, refuse_replaced
from survey.readers.workbook import as_text
from survey.schema import Layout

SECONDS = 300
MAX_CELLS = 200_000_000  # these files are read whole, every cell a number or a text of its own
# Bytes that the process may take: so many, and for each of the file's, where its numbers are packed, so many times more.
MEMORY, PACKED = 2**30, 200
ENCODING, LARGE = 3, 4  # how the reading process ends when it can say why it gives no table
NOT_CHOSEN = (
    "not selected",
    "unselected",
    "not checked",
    "unchecked",
    "not chosen",
    "not mentioned",
    "not marked",
    "not quoted",
    "未选",
    "未选中",
    "未选择",
    "未勾选",
    "没有选",
    "没选",
)
_OPTION = re.compile(r"(.*[^_.])[_.]+[A-Za-z]{0,3}\d+")
_ICONV = {"utf-8-sig": "utf-8", "euc_jp": "euc-jp", "euc_kr": "euc-kr", "big5hkscs": "big5-hkscs"}
_NOT_BYTES = ("utf-16", "utf-32", "utf-7")  # no file of SPSS or Stata holds text so
_WORDS = {
    ENCODING: (
        "the file does not say, or says wrongly, in which encoding its text is; declare layout: encoding in wave.yaml "
        "(gb18030 for most Chinese files, cp1252 for Western ones), or save it as a Unicode file; a damaged file says so too",
        "文件没有（或错误地）说明文字编码；请在 wave.yaml 的 layout 中声明 encoding（中文文件多为 gb18030），"
        "或另存为 Unicode 文件；文件损坏时也会如此",
    ),
    LARGE: (
        f"the table is too large: more than {MAX_COLUMNS:,} columns or {MAX_CELLS:,} cells, or more memory than they need",
        f"表格过大：多于 {MAX_COLUMNS:,} 列或 {MAX_CELLS:,} 个单元格，或所需内存过多",
    ),
}

Labels = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of its columns; see `survey.readers.raw.RawTable` for each."""

    labels: Labels
    wording: dict[str, str]
    multiple: dict[str, list[str]]
    no_answer: dict[str, list[str]]
    form: dict[str, str]


def read_apart(path: Path, layout: Layout, platform: str, named: str) -> RawTable:
    """Read a file by the module of its platform, in a process of its own.

    Parameters
    ----------
    path : Path
    layout : Layout
        ``encoding`` counts, before what the file says itself.
    platform : str
        The module of this folder whose `main` reads it.
    named : str
        The program, and the ending of its files, for messages.
    """
    stream = _run(path, platform, _for_iconv(path, layout.encoding), named)
    table = pa.ipc.open_stream(stream).read_all()
    told = json.loads(table.schema.metadata[b"told"])
    names = [name.strip() for name in table.column_names]
    check_header(path, names, 0, table.num_rows)
    cells, index = tuple(map(Column.of_arrow, table.columns)), pd.RangeIndex(1, table.num_rows + 1)
    refuse_replaced(path, cells, index.to_numpy())
    no_answer = {name: tuple(codes) for name, codes in told.pop("no_answer").items()}
    return RawTable(names, index, cells, platform, no_answer=no_answer, **told)


def _for_iconv(path: Path, encoding: str | None) -> str:
    name = codecs.lookup(encoding).name if encoding else ""
    if name.startswith(_NOT_BYTES):
        refuse(path, *_WORDS[ENCODING])
    return _ICONV.get(name, name)


def _environment() -> dict[str, str]:
    """Arrow's own pools reserve address space by the gigabyte, which the limit of memory counts as taken."""
    return {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}


def _run(path: Path, platform: str, encoding: str, named: str) -> bytes:
    command = [sys.executable, "-m", f"survey.readers.{platform}", str(path.absolute()), encoding]
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(command, capture_output=True, cwd=root, timeout=SECONDS, check=False, env=_environment())
    except subprocess.TimeoutExpired:
        refuse(path, *_WORDS[LARGE])
    if done.returncode in _WORDS:
        refuse(path, *_WORDS[done.returncode])
    if done.returncode:
        refuse(
            path,
            f"this is no file of {named}, or it is damaged or incomplete; export it again",
            f"这不是 {named} 文件，或已损坏、不完整；请重新导出",
        )
    return done.stdout


def answer(tell: Callable[[str, str | None], tuple[dict[str, list[str]], Told]]) -> None:
    """Read the file that the command line names and write its table to standard output, or end with the reason.

    Parameters
    ----------
    tell : callable
        Gives a file's columns as text and what it says of them, from its path and the declared encoding.
    """
    path, encoding = sys.argv[1:]
    limit_memory(min(MEMORY + PACKED * Path(path).stat().st_size, 40 * MAX_CELLS))
    try:
        columns, told = tell(path, encoding or None)
        table = pa.table({name: pa.array(cells, pa.large_string()) for name, cells in columns.items()})
    except UnicodeError:
        sys.exit(ENCODING)
    except MemoryError:
        sys.exit(LARGE)
    table = table.replace_schema_metadata({"told": json.dumps(asdict(told))})
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
        out.write_table(table)


def opened(read: Callable[..., Any], path: str, encoding: str | None) -> tuple[dict[str, list[Any]], Any]:
    """Give the columns and what pyreadstat says of a file; dates stay numbers, user-defined missing codes stay codes.

    Raises
    ------
    UnicodeError
        For text that is not in the encoding.
    """
    try:
        about = _parsed(read, path, encoding, metadataonly=True)[1]
        width = about.number_columns or 0
        if width > MAX_COLUMNS or width * (about.number_rows or 0) > MAX_CELLS:
            raise MemoryError
        columns, about = _parsed(read, path, encoding, user_missing=True, disable_datetime_conversion=True)
    except pyreadstat.ReadstatError as error:
        if re.search("encoding|character set", str(error)):
            raise UnicodeError(str(error)) from None
        raise
    if len(columns) != len(about.column_names):
        raise ValueError("two columns have one name")
    return columns, about


def _parsed(read: Callable[..., Any], path: str, encoding: str | None, **options: bool) -> tuple[dict[str, Any], Any]:
    with open(path, "rb") as file:
        columns, about = read(file, encoding=encoding, output_format="dict", **options)
    return columns, about


def texts(values: Sequence[Any], show: Callable[[Any], str]) -> list[str]:
    """Write a column's values as text; each different one is written once."""
    shown = {value: show(value) for value in set(values)}
    return [shown[value] for value in values]


def clock(seconds: float) -> str:
    """Write a length of time, or a time of day, as HH:MM:SS; the hours may be more than 24."""
    whole = round(abs(seconds) * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest % 1000:03d}" if rest % 1000 else ""
    return f"{'-' if seconds < 0 else ''}{hours:02d}:{minutes:02d}:{rest // 1000:02d}{fraction}"


def milliseconds(seconds: float) -> timedelta:
    """Give a length of time to the millisecond: a double that counts from long ago holds no more."""
    return timedelta(milliseconds=round(seconds * 1000))


def wording(about: Any) -> dict[str, str]:
    """Give the labels of the variables that have one."""
    return {name: label for name, label in about.column_names_to_labels.items() if label}


def dichotomies(columns: Mapping[str, Sequence[str]], labels: Labels) -> dict[str, list[str]]:
    """Find multiple-response questions of which a file keeps one column an option and says so by its labels.

    They are neighbours whose names differ in the number behind the last ``_`` or ``.`` alone, and either each is labelled in
    the same two codes, one of which says "not selected", or each is labelled in one and the same code, by another text, and
    holds nothing but that code, 0 and blanks. Questions that are answered by yes and no are not taken for one.

    Parameters
    ----------
    columns : mapping
        {column: cells as text}, in the file's order.
    labels : dict
        {column: {code: label}}.
    """
    found = {}
    for stem, group in groupby(columns, key=_stem):
        names = list(group)
        if stem and stem not in found and len(names) > 1 and _are_options({n: columns[n] for n in names}, labels):
            found[stem] = names
    return found


def _stem(name: str) -> str:
    match = _OPTION.fullmatch(name)
    return match[1] if match else ""


def _are_options(columns: Mapping[str, Sequence[str]], labels: Labels) -> bool:
    sets = [labels.get(name, {}) for name in columns]
    if all(len(codes) == 2 for codes in sets):
        no = {label.strip().casefold() for label in sets[0].values()} & set(NOT_CHOSEN)
        return len(no) == 1 and all(codes == sets[0] for codes in sets)
    if any(len(codes) != 1 or codes.keys() != sets[0].keys() for codes in sets):
        return False
    allowed = {*sets[0], "0", ""}
    differ = len({label for codes in sets for label in codes.values()}) == len(sets)
    return differ and all(allowed.issuperset(cells) for cells in columns.values())


def code_labels(about: Any, show: Callable[[Any], str]) -> Labels:
    """Give {column: {code as text: label}}."""
    found = about.variable_value_labels
    return {name: {show(code): label or "" for code, label in codes.items()} for name, codes in found.items()}


def plain(value: Any) -> str:
    """Write a number or a text as a reader would see it; see `survey.readers.workbook.as_text`."""
    return as_text(value)
