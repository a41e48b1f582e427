"""The first steps that all kinds of files share: read, compare the header with wave.yaml, clean the cells."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.checks.accepted import Book
from survey.checks.cells import SEPARATOR, TOTAL, by_unique, clean, recode, texts_by_unique
from survey.faults import Fault, Refused
from survey.identity import normalise
from survey.readers import RawTable, read_table
from survey.readers.raw import HIDDEN, shown
from survey.schema import PEOPLE, ROLES, FileEntry
from survey.study import Study, Wave
from survey.wording import guesses

_LIKE_A_NUMBER = re.compile(r"[+\d(][\d\s().-]*[\dXx]")  # times and words are not looked at further
_MOBILE = re.compile(r"1[3-9]\d{9}")
_CITIZEN = re.compile(r"[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]")
_IN_POWERS = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
SHEET_ERRORS = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!")
SPSS_NOTHING = "#NULL!"  # what SPSS writes into a spreadsheet where there is no answer
SHORTEST_IDENTIFIER = 5
EXACT_DIGITS = 15  # of a number that a spreadsheet has held
USUAL_LENGTH = 0.9  # share of member numbers of one length above which shorter ones are to be looked at
_KEPT_AS_TEXT = ("activity", "group", "channel", "response", "service", "strata", "cluster")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of a wave before its check.

    Attributes
    ----------
    frame : DataFrame of str
        Mapped columns under their targets' names, cleaned; without the rows that are set aside already.
    book : Book
    labels : dict
        Labels that the file brings, by target: {target: {code: label}}.
    separator : str
        What stands between several codes of one cell.
    unfinished : frozenset of int
        Rows that the platform calls unfinished.
    """

    frame: pd.DataFrame
    book: Book
    labels: dict[str, dict[str, str]]
    separator: str
    unfinished: frozenset[int]


def open_file(study: Study, wave: Wave, entry: FileEntry) -> Opened:
    """Read one file of a wave; blank and total rows, previews, tests and spam are set aside.

    Ids of members are written in one way (`survey.identity.normalise`). What the platform says is no answer is emptied.
    """
    raw = read_table(
        wave.folder / entry.file,
        platform=entry.platform,
        layout=entry.layout,
        check=lambda names: _refuse_absent(study, wave, entry, names),
    )
    book = Book(wave, entry, study.settings.rules, raw)
    _set_aside_blanks_and_totals(raw, entry, book)
    _follow_marks(raw, book)
    _set_aside_tests(raw, entry, book)
    book.note("hidden_rows", int(raw.form.get("hidden_rows", 0)))
    separator = entry.separator or raw.separator or SEPARATOR
    left = ~raw.index.isin(list(book.reasons))
    columns = {
        target: _cleaned(_answered(raw, header, target, left, book), target, entry, separator, book)
        for header, target in entry.columns.items()
    }
    frame = _without_errors(pd.DataFrame(columns, index=raw.index[left]), study, book)
    _note_identifiers(entry, frame, book)
    labels = {target: raw.labels[header] for header, target in entry.columns.items() if header in raw.labels}
    return Opened(frame, book, labels, separator, frozenset(raw.marks.get("unfinished", ())))


def _follow_marks(raw: RawTable, book: Book) -> None:
    """What is no answer of the field is set aside; what becomes of an unfinished answer is for the check of answers to say."""
    for mark, rows in raw.marks.items():
        if mark != "unfinished":
            book.set_aside(rows, mark)


def _set_aside_tests(raw: RawTable, entry: FileEntry, book: Book) -> None:
    """Rows that wave.yaml names as tests, by what stands in a column."""
    for header, texts in entry.tests.items():
        said = raw.column(header).str.strip()
        book.set_aside(said.index[said.isin(texts)], "test")


def _answered(raw: RawTable, header: str, target: str, left: np.ndarray, book: Book) -> pd.Series:
    """A mapped column's rows that are left; cells by which the platform says that there is no answer are empty and counted."""
    column = raw.column(header)[left]
    texts = (SPSS_NOTHING, *raw.no_answer.get("*", ()), *raw.no_answer.get(header, ()))
    said = column.str.strip().isin(texts)
    book.count_cells("missing_code", target, said)
    return texts_by_unique(column, lambda text: "" if text.strip() in texts else text) if said.any() else column


def _cleaned(column: pd.Series, target: str, entry: FileEntry, separator: str, book: Book) -> pd.Series:
    cleaned, changed = clean(column)
    book.count_cells("cleaned", target, changed, mends=True)
    codes = recode(cleaned, entry.values.get(target, {}), separator)
    if target not in PEOPLE:  # a role's column is few bytes beside those of items, which stay categories
        return codes.astype("str") if target in ROLES[entry.holds] else codes
    if codes.str.fullmatch(_IN_POWERS).any():
        book.fault(
            "the column of member numbers holds numbers in powers of ten (1.38E+10): digits are lost. Export the column as text",
            "会员编号列含有科学计数（如 1.38E+10），已丢失数字。请把该列按文本导出",
        )
    members = by_unique(codes, normalise).astype("str")
    _doubt_numbers(members, book)
    return members


def _without_errors(frame: pd.DataFrame, study: Study, book: Book) -> pd.DataFrame:
    """Empty, and count, the errors of a spreadsheet's formulas: nobody answered them. Text items are not kept anyway."""
    texts = {item.name for item in study.items if item.kind == "text"}
    for target in (t for t in frame.columns if t not in texts):
        hit = frame[target].isin(SHEET_ERRORS)
        if hit.any():
            book.judge(target, frame[target], {"sheet_error": hit})
            frame[target] = frame[target].astype("str").mask(hit, "")
    return frame


def _doubt_numbers(members: pd.Series, book: Book) -> None:
    """What a spreadsheet does to numbers: digits after the fifteenth become noughts, leading noughts are lost."""
    digits = pd.Series([m for m in members.unique() if m.isascii() and m.isdigit()], dtype="str")
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


def _refuse_absent(study: Study, wave: Wave, entry: FileEntry, there: list[str]) -> None:
    lacking = [header for header in (*entry.columns, *entry.tests) if header not in there]
    if lacking:
        names, begins = ", ".join(lacking[:5]), shown(there[:12], there)
        if len(lacking) < len(entry.columns):
            en, zh = _renamed(study, wave, {header: entry.columns.get(header, "") for header in lacking}, there)
        else:
            en = "Does the header stand further down (layout: header_row)? "
            zh = "表头是否在更下面的行（layout 的 header_row）？"
        raise Refused(
            [
                Fault(
                    f"{wave.label}{entry.file}",
                    entry.layout.header_row,
                    f"columns that wave.yaml names are not in the header: {names}. The header begins: {begins}. {en}"
                    "Correct the mapping in wave.yaml; if these look garbled, the encoding is wrong (layout: encoding), if they "
                    "stand in one piece, the delimiter (layout: delimiter)",
                    f"wave.yaml 所列的列不在表头中：{names}。表头开头为：{begins}。{zh}"
                    "请修改 wave.yaml 的对应关系；若显示为乱码，则是编码有误（layout 的 encoding）；"
                    "若连成一片，则是分隔符有误（layout 的 delimiter）",
                )
            ]
        )


def _renamed(study: Study, wave: Wave, lacking: dict[str, str], there: list[str]) -> tuple[str, str]:
    """Guess what absent columns are called now, or name those that nobody mapped, in both languages."""
    mapped = {header for entry in wave.settings.files for header in entry.columns}
    unmapped = [header for header in there if header not in mapped]
    if not unmapped or len(unmapped) == len(there) or shown(unmapped[:1], there) == HIDDEN:
        return "", ""
    found = list(guesses(lacking, there, study, wave).items())[:5]
    pairs = ", ".join(f"{old} → {new[:60]} ({alike:.0%})" for old, (new, alike) in found)
    names = shown(unmapped[:5], there)
    if not pairs:
        return f"Renamed? Nobody mapped: {names}. ", f"是否改了列名？尚未对应的列：{names}。"
    return (
        f"Renamed? Best guess (how alike the words are): {pairs}. ",
        f"是否改了列名？最接近的列（文字相似度）：{pairs}。",
    )


def _set_aside_blanks_and_totals(raw: RawTable, entry: FileEntry, book: Book) -> None:
    """Empty rows, and rows whose first cell says that they are a total.

    An answer may be the word "average"; a total stands beside the answers, in columns of roles or in those that are not mapped.
    """
    nothing = np.ones(len(raw.index), dtype=bool)  # so far, in all columns
    beside, totals = nothing.copy(), ~nothing  # so far, in those beside the answers
    for header in raw.columns:
        texts = raw.column(header).str.strip()
        empty = (texts == "").to_numpy()
        nothing &= empty
        if entry.columns.get(header, "group") in ROLES[entry.holds]:
            totals |= beside & texts.str.fullmatch(TOTAL).to_numpy(dtype=bool)
            beside &= empty
    book.set_aside(raw.index[nothing], "blank")
    book.set_aside(raw.index[totals], "total")


def _note_identifiers(entry: FileEntry, frame: pd.DataFrame, book: Book) -> None:
    headers = {target: header for header, target in entry.columns.items()}
    found = [headers[t] for t in frame.columns if t not in PEOPLE and identifies(frame[t], kept=t in _KEPT_AS_TEXT)]
    if found:
        names = ", ".join(found)
        book.fault(
            f"columns that hold phone numbers, id numbers or e-mail addresses: {names}. Remove them, or map the one that "
            "names the member to the role member",
            f"这些列含有手机号、身份证号或电子邮箱：{names}。请删除，或把标识会员的一列对应到角色 member",
        )


def identifies(column: pd.Series, *, kept: bool) -> bool:
    """Whether a fifth of the distinct values identify people, or, where the column is kept as text, one does for certain."""
    values = [v for v in column.unique() if v]
    if max(map(len, values), default=0) < SHORTEST_IDENTIFIER:
        return False
    numbers = [v for v in values if _LIKE_A_NUMBER.fullmatch(v)]
    certain = sum(1 for v in values if "@" in v and _MAIL.fullmatch(v)) + sum(1 for v in numbers if _citizen(v))
    phones = sum(1 for v in numbers if _MOBILE.fullmatch(normalise(v)))
    return certain + phones > 0.2 * len(values) or (kept and certain > 0)


def _citizen(value: str) -> bool:
    """Whether this is a resident's id number: 18 signs with a day of birth and a check digit that fits."""
    number = normalise(value)
    if not _CITIZEN.fullmatch(number):
        return False
    total = sum(int(d) * w for d, w in zip(number, _CITIZEN_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]
