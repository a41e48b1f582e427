"""What a file says about who people are: numbers of members that cannot be right, and identifiers where none should be.

Raw columns know each different text once (`survey.readers.encoded`), so a log of millions of rows is not looked at row by row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from survey.checks.accepted import Book
from survey.checks.cells import distinct
from survey.identifiers import LOOKED_AT, bad_numbers, identifies
from survey.readers import RawTable
from survey.readers.encoded import Column
from survey.readers.raw import shown
from survey.schema import PEOPLE, FileEntry

EXACT_DIGITS = 15  # of a number that a spreadsheet has held
USUAL_LENGTH = 0.9  # share of member numbers of one length above which shorter ones are to be looked at
KEPT_AS_TEXT = ("activity", "group", "channel", "response", "service", "strata", "cluster")
PERSON = "person"  # what platforms' readers call their own columns of names, mail addresses, machines
_IN_POWERS = re.compile(r"\d(\.\d+)?[eE]\+?\d+")


def refuse_powers(codes: pd.Series, book: Book) -> None:
    """Note a fault where ids arrived as numbers in powers of ten."""
    if any(_IN_POWERS.fullmatch(text) for text in distinct(codes)):
        book.fault(
            "the column of member numbers holds numbers in powers of ten (1.38E+10): digits are lost. Export the column as text",
            "会员编号列含有科学计数（如 1.38E+10），已丢失数字。请把该列按文本导出",
        )


def doubt(members: pd.Series, book: Book) -> None:
    """What a spreadsheet does to numbers: digits after the fifteenth become noughts, leading noughts are lost."""
    digits = pd.Series([m for m in distinct(members) if m.isascii() and m.isdigit()], dtype="str")
    long = digits[digits.str.len() > EXACT_DIGITS]
    if len(long) > 1 and (long.str[EXACT_DIGITS:].str.strip("0") == "").all():
        book.fault(
            f"the column of member numbers holds numbers of more than {EXACT_DIGITS} digits that all end in noughts: a spreadsheet "
            "has rounded them. Export the column as text",
            f"会员编号列中超过 {EXACT_DIGITS} 位的号码末尾全是 0，已被表格软件四舍五入。请把该列按文本导出",
        )
    usual = digits.str.len().max()
    if (digits.str.len() == usual).sum() >= USUAL_LENGTH * len(digits):
        short = digits[digits.str.len() < usual]
        book.note("short_numbers", int(members.isin(short).sum()))


def set_aside_bad(frame: pd.DataFrame, book: Book) -> pd.DataFrame:
    """Set rows aside whose number cannot be anybody's (`survey.identifiers.bad_numbers`); give the others."""
    for role in (r for r in PEOPLE if r in frame):
        bad = bad_numbers(distinct(frame[role]))
        if bad:
            book.set_aside(frame.index[frame[role].isin(bad)], "bad_number")
            frame = book.left(frame)
    return frame


def refuse_identifiers(raw: RawTable, entry: FileEntry, frame: pd.DataFrame, book: Book) -> None:
    """Refuse a file with identifiers in a mapped column that names nobody; name the columns that hold some and are not stored.

    Parameters
    ----------
    raw : RawTable
        As it arrived.
    entry : FileEntry
    frame : DataFrame of str
        Its mapped columns under their targets' names, recoded.
    book : Book
        Takes the fault; ``form["identifying"]`` becomes the names of the columns that are not stored.
    """
    found = ", ".join(_misplaced(raw, entry, frame))
    if found:
        book.fault(
            f"columns that hold phone numbers, id numbers or e-mail addresses: {found}. Remove them, or map the one that "
            "names the member to the role member",
            f"这些列含有手机号、身份证号或电子邮箱：{found}。请删除，或把标识会员的一列对应到角色 member",
        )
    personal = [h for h in raw.columns if h not in entry.columns and _personal(raw, h)]
    book.form["identifying"] = shown(personal, raw.columns) if personal else ""


def _misplaced(raw: RawTable, entry: FileEntry, frame: pd.DataFrame) -> Iterator[str]:
    """Headers of mapped columns that identify; the recoded cells are looked at only where the raw ones do."""
    for header, target in entry.columns.items():
        kept = target in KEPT_AS_TEXT
        if target in PEOPLE or not identifies(_texts(raw.of(header), kept), kept):
            continue
        if identifies(frame[target], kept):
            yield header


def _personal(raw: RawTable, header: str) -> bool:
    column = raw.of(header)
    if raw.metadata.get(header) == PERSON:
        return column.any(str.strip)
    return identifies(_texts(column, kept=False), kept=False)


def _texts(column: Column, kept: bool) -> list[str]:
    """A column's different texts; of one that is not kept, and has very many, some that stand evenly among them."""
    step = 1 if kept else max(sum(len(block.texts) for block in column.blocks) // LOOKED_AT, 1)
    return [text for block in column.blocks for text in block.texts[::step].to_pylist()]
