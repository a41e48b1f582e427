"""The first steps that all kinds of files share: read, compare the header with wave.yaml, clean the cells."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from survey.checks.accepted import Book
from survey.checks.cells import SEPARATOR, TOTAL, clean, recode
from survey.faults import Fault, Refused
from survey.readers import RawTable, read_table
from survey.schema import FileEntry
from survey.study import Wave

_MOBILE = re.compile(r"(\+?86)?1[3-9]\d{9}")
_CITIZEN = re.compile(r"\d{17}[\dXx]")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def open_file(wave: Wave, entry: FileEntry) -> tuple[pd.DataFrame, Book]:
    """Read one file of a wave: its mapped columns under their targets' names, cleaned; blank and total rows set aside."""
    raw = read_table(wave.folder / entry.file, platform=entry.platform, layout=entry.layout)
    _refuse_absent(wave, entry, raw)
    book = Book(wave.name, entry.file, entry.holds, raw.frame.index, raw.ragged)
    _set_aside_blanks_and_totals(raw.frame, book)
    mapped = raw.frame[list(entry.columns)].rename(columns=entry.columns)
    frame = book.left(mapped).copy()
    for target in frame.columns:
        frame[target], changed = clean(frame[target])
        book.count_cells("cleaned", changed, mends=True)
        frame[target] = recode(frame[target], entry.values.get(target, {}), entry.separator or SEPARATOR)
    _refuse_identifiers(wave, entry, frame)
    return frame, book


def _refuse_absent(wave: Wave, entry: FileEntry, raw: RawTable) -> None:
    lacking = [header for header in entry.columns if header not in raw.frame.columns]
    if lacking:
        names, there = ", ".join(lacking[:5]), ", ".join(raw.frame.columns[:12])
        raise Refused(
            [
                Fault(
                    f"{wave.label}{entry.file}",
                    entry.layout.header_row,
                    f"columns that wave.yaml names are not in the header: {names}. The header begins: {there}. "
                    "Correct the mapping in wave.yaml; if these look garbled, the encoding is wrong",
                    f"wave.yaml 所列的列不在表头中：{names}。表头开头为：{there}。"
                    "请修改 wave.yaml 的对应关系；若显示为乱码，则是编码有误",
                )
            ]
        )


def _set_aside_blanks_and_totals(frame: pd.DataFrame, book: Book) -> None:
    texts = np.column_stack([frame[c].str.strip().to_numpy(dtype=object) for c in frame.columns])
    filled = texts != ""
    book.set_aside(frame.index[~filled.any(axis=1)], "blank")
    first = pd.Series(texts[np.arange(len(texts)), filled.argmax(axis=1)], index=frame.index, dtype="str")
    book.set_aside(frame.index[first.str.fullmatch(TOTAL)], "total")


def _refuse_identifiers(wave: Wave, entry: FileEntry, frame: pd.DataFrame) -> None:
    headers = {target: header for header, target in entry.columns.items()}
    found = [headers[t] for t in frame.columns if t != "member" and _identifies(frame[t])]
    if found:
        names = ", ".join(found)
        raise Refused(
            [
                Fault(
                    f"{wave.label}{entry.file}",
                    entry.layout.header_row,
                    f"columns that hold phone numbers, id numbers or e-mail addresses: {names}. Remove them, or map the one that "
                    "names the member to the role member",
                    f"这些列含有手机号、身份证号或电子邮箱：{names}。请删除，或把标识会员的一列对应到角色 member",
                )
            ]
        )


def _identifies(column: pd.Series) -> bool:
    values = column[column != ""].unique()[:2000]
    hits = sum(1 for v in values if _MOBILE.fullmatch(v) or _MAIL.fullmatch(v) or _citizen(v))
    return hits > 0.2 * len(values) and hits > 0


def _citizen(value: str) -> bool:
    if not _CITIZEN.fullmatch(value):
        return False
    total = sum(int(d) * w for d, w in zip(value, _CITIZEN_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == value[17].upper()
