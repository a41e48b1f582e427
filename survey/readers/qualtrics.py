"""Exports of Qualtrics (Data & Analysis, the API, and the older "legacy" exporter; CSV, TSV, XLSX).

One row an answer below three header rows: names, question texts, and an ImportId a column as JSON (``{"ImportId":"QID5"}``; the
legacy exporter writes it with single quotes). Other forms have two rows (names and texts; the oldest has V1, V2 ... as names), and
people delete both rows below the names. ImportIds are the same in every language; names and texts of fixed columns are not.
A multiple-response question is one column of codes or choices joined by commas, or one column a choice: its ImportId then has a
``choiceId`` (older exports: the same ImportId as a matrix row, known by its cells). ``..._TEXT`` is what was typed beside a choice,
``..._DO`` the order of display. Status is a sum (1 preview, 2 test, 4 imported, 8 spam, 16 offline, 32 employee survey), or its
words. Seen but unanswered is -99 where the export was told so (0 in a column of one choice). Finished and Progress tell who got to
the end.
Sources: Qualtrics' support pages on response datasets (also of 360 projects), headers of exports that projects published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from survey.readers.raw import Grid, RawTable, once, refuse, table

FIELDS = {
    "recordid": "respondent",
    "responseid": "respondent",
    "responseset": "other",
    "startdate": "started",
    "enddate": "submitted",
    "recordeddate": "other",
    "status": "status",
    "finished": "status",
    "progress": "status",
    "duration": "seconds",
    "duration(inseconds)": "seconds",
    "ipaddress": "person",
    "recipientlastname": "person",
    "recipientfirstname": "person",
    "recipientemail": "person",
    "externaldatareference": "person",
    "externalreference": "person",
    "locationlatitude": "person",
    "locationlongitude": "person",
    "locationaccuracy": "person",
    "distributionchannel": "source",
    "userlanguage": "language",
    "lastseenflowelementid": "other",
    "lastseenquestionids": "other",
    "qrecaptchascore": "other",
    "qrelevantidduplicate": "other",
    "qrelevantidduplicatescore": "other",
    "qrelevantidfraudscore": "other",
    "qrelevantidlaststartdate": "other",
    "qballotboxstuffing": "other",
    "qduplicaterespondent": "other",
    "qtotalduration": "seconds",
    "qlanguage": "language",
    "qurl": "source",
    "qdatapolicyviolations": "other",
    "responsetype": "status",
}
OLD_FIELDS = {
    "name": "person",
    "emailaddress": "person",
}  # of the oldest form, below V1, V2 ...; a question may be called so
ID_COLUMNS = ("recordid", "responseid")
LEAST_FIELDS = 4  # fixed columns that make an export without ImportIds certain
BITS = {"preview": 1, "test": 2, "spam": 8}
WORDS = {
    "preview": ("preview", "vorschau", "aperçu", "vista previa", "anteprima", "pré-visualização", "预览", "預覽"),
    "test": ("test", "prueba", "测试", "測試"),
    "spam": ("spam", "垃圾"),
}
FALSE = {"0", "false", "falsch", "faux", "falso", "onwaar", "no", "nein", "non", "否", "假", "错误", "偽"}
UNANSWERED = "-99"
SEPARATOR = ","
_CUT = re.compile(r",(?!\s)")  # a comma within a choice has a blank behind it
SAMPLE = 50

_OBJECT = re.compile(r"\s*\{\s*[\"']ImportId[\"']\s*:.*\}\s*", re.DOTALL)
_QUOTED = re.compile(r"'(\w+)'\s*:\s*'([^']*)'")
_RESPONSE = re.compile(r"R_[0-9A-Za-z]{8,}")
_OLD_NAME = re.compile(r"V\d+")
_TIMING = re.compile(r"_(first_click|last_click|page_submit|click_count)$", re.IGNORECASE)
_BESIDE = re.compile(r"_DO$|^DO[-_]|_(BROWSER|VERSION|OS|RESOLUTION|FLASH|JAVA|USERAGENT)$|_TEXT_[0-9a-f]{16,}")
_QUESTION = re.compile(r"(?P<question>(?:\w+_)?QID\d+(?:#\d+)?)(?P<row>[-_]\d+)*")
_CODES = re.compile(r"-?\d{1,5}(,-?\d{1,5})*")


@dataclass(frozen=True, slots=True)
class _Head:
    """A header as understood.

    Attributes
    ----------
    names : list of str
        First row: names of the columns, before they are made different.
    wording : list of str
        Question texts; empty where the export has none.
    ids : list of dict
        The ImportId objects; empty ones where the export has none.
    body : int
        How many rows it takes.
    """

    names: list[str]
    wording: list[str]
    ids: list[dict[str, str]]
    body: int

    def fields(self) -> dict[int, str]:
        """Places of the fixed columns, by ImportId, else by name or text; each the first of its kind."""
        found: dict[int, str] = {}
        for n, keys in enumerate(zip(self.names, self.wording, self.ids, strict=True)):
            own, text, id_ = keys
            candidates = [id_.get("ImportId", "")] if id_ else [own, text if _OLD_NAME.fullmatch(own) else ""]
            field = next((f for c in candidates if (f := _field(c)) in FIELDS), None)
            if field and field not in found.values():
                found[n] = field
        return found


def recognises(grid: Grid) -> bool:
    """Whether a grid is such an export."""
    if _row_of_ids(grid) is not None:
        return True
    head = _head(grid)
    fields = head.fields()
    return len(fields) >= LEAST_FIELDS and (_labelled(head, fields) or _has_ids(grid, head, fields))


def read(grid: Grid) -> RawTable:
    """Read a grid; see `survey.read_table`.

    Returns
    -------
    RawTable
        Names are those of the first header row (a column without one takes its ImportId); a name that stands twice is numbered.
        The key of a question over several columns in ``.multiple`` is what their names have in common (``Q5`` of ``Q5_1, Q5_2``).
    """
    if _row_of_ids(grid) == 0:
        refuse(
            grid.path,
            "the first row holds ImportIds: the row of names above it is missing; export again with all header rows",
            "第一行是 ImportId，缺少其上方的列名行；请保留全部表头重新导出",
            grid.numbers[0],
        )
    head = _head(grid)
    _refuse_second_header(grid, head.body)
    columns, fields = once(head.names), head.fields()
    wording = {c: text for c, text in zip(columns, head.wording, strict=True) if text and text != c}
    raw = table(grid, "qualtrics", columns, head.body, wording=wording)
    raw.metadata.update({c: kind for n, c in enumerate(raw.columns) if (kind := _kind(head, fields, n))})
    _add_choices(raw, head)
    joined = _joined(raw, head)
    raw.multiple.update({column: [column] for column in joined})
    _add_marks(raw, {field: columns[n] for n, field in fields.items() if columns[n] in raw.columns})
    _add_no_answer(raw)
    return replace(raw, separator=SEPARATOR) if joined else raw


def _field(heading: str) -> str:
    """A fixed column's key, from any of the ways to write it: ``_recordId``, ``panel-RecipientEmail``, ``Start Date``."""
    return re.sub(r"^(panel|location)-|[\s_]+", "", heading.casefold())


def _import_id(cell: str) -> dict[str, str]:
    """The ImportId object of a cell; empty where it is none."""
    if not _OBJECT.fullmatch(cell):
        return {}
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        found = dict(_QUOTED.findall(cell))
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _is_row_of_ids(row: Sequence[str]) -> bool:
    written = [cell for cell in row if cell.strip()]
    ids = sum(bool(_OBJECT.fullmatch(cell)) for cell in written)
    return ids > 1 and 2 * ids >= len(written)


def _row_of_ids(grid: Grid) -> int | None:
    return next((n for n, row in enumerate(grid.top[:3]) if _is_row_of_ids(row)), None)


def _head(grid: Grid) -> _Head:
    at = _row_of_ids(grid)
    body = at + 1 if at is not None else 2 if _second_is_header(grid) else 1
    width = max((len(row) for row in grid.top[:body]), default=0)
    rows = [[_one_line(cell) for cell in grid.head(n + 1)] for n in range(body)]
    rows = [row + [""] * (width - len(row)) for row in rows]
    empty = [""] * width
    ids = [_import_id(cell) for cell in (rows[at] if at is not None else empty)]
    texts = rows[1] if body > 1 and at != 1 else empty
    names = [name or id_.get("ImportId", "") for name, id_ in zip(rows[0] if rows else [], ids, strict=True)]
    return _Head(names, texts, ids, body)


def _one_line(cell: str) -> str:
    return " ".join(part.strip() for part in re.split(r"[\r\n\t]+", cell) if part.strip())


def _second_is_header(grid: Grid) -> bool:
    """Whether the second row names the fixed columns again, as the first does or where that has V1, V2 ... only."""
    first, second = grid.head(1), grid.head(2)
    named = [(_field(a), _field(b)) for a, b in zip(first, second, strict=False) if _field(b) in FIELDS]
    olds = sum(bool(_OLD_NAME.fullmatch(name)) for name in first)
    if sum(a == b for a, b in named) >= LEAST_FIELDS or min(olds, len(named)) >= LEAST_FIELDS:
        return True
    # Texts in another language: a text stands where the rows below have the platform's ids.
    ids = [n for n, name in enumerate(first) if _field(name) in ID_COLUMNS and n < len(second)]
    return any(second[n] and not _RESPONSE.fullmatch(second[n]) and _ids_in(grid, n, 2) for n in ids)


def _labelled(head: _Head, fields: dict[int, str]) -> bool:
    """Whether the second header row has the texts of enough fixed columns, one of them the platform's own."""
    texts = [field for n, field in fields.items() if _field(head.wording[n]) in FIELDS]
    return len(texts) >= LEAST_FIELDS and bool({*texts}.intersection((*ID_COLUMNS, "recordeddate", "responseset")))


def _has_ids(grid: Grid, head: _Head, fields: dict[int, str]) -> bool:
    return any(field in ID_COLUMNS and _ids_in(grid, n, head.body) for n, field in fields.items())


def _ids_in(grid: Grid, column: int, body: int) -> bool:
    cells = [row[column].strip() for row in grid.top[body : body + SAMPLE] if column < len(row)]
    found = [bool(_RESPONSE.fullmatch(cell)) for cell in cells if cell]
    return bool(found) and 2 * sum(found) > len(found)


def _refuse_second_header(grid: Grid, body: int) -> None:
    columns, nowhere = grid.columns(body), np.zeros(len(grid.numbers) - body, int)
    ids = sum((column.where(_is_import_id) for column in columns if column.any(_is_import_id)), start=nowhere)
    if not (ids > 1).any():
        return
    written = sum((column.where(str.strip) for column in columns), start=nowhere)
    again = (ids > 1) & (2 * ids >= written)
    if again.any():
        refuse(
            grid.path,
            "a second header stands here: several exports in one file; put each into a file of its own",
            "此处又出现表头：一个文件中有多次导出；请分成各自的文件",
            grid.numbers[body:][again][0],
        )


def _is_import_id(cell: str) -> bool:
    return "ImportId" in cell and _OBJECT.fullmatch(cell) is not None


def _kind(head: _Head, fields: dict[int, str], n: int) -> str:
    """What a column that is no answer is; empty for an answer."""
    id_, name = head.ids[n].get("ImportId", ""), head.names[n]
    if n in fields:
        return FIELDS[fields[n]]
    if fields and _OLD_NAME.fullmatch(name) and (old := OLD_FIELDS.get(_field(head.wording[n]))):
        return old
    if _TIMING.search(id_ or name.replace(" ", "_")):
        return "timing"
    return "other" if _BESIDE.search(id_) or re.search(r"\bDisplay Order\b", head.wording[n]) else ""


def _add_choices(raw: RawTable, head: _Head) -> None:
    """Questions over several columns, one a choice."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for n, column in enumerate(raw.columns):
        if column not in raw.metadata and (key := _group(head, n)):
            groups.setdefault((key, "choiceId" in head.ids[n]), []).append(n)
    found = []
    for (key, certain), places in groups.items():
        if len(places) > 1 and _are_choices(raw, head, places, certain):
            found.append((_stem([head.names[n] for n in places]) or key, places))
    for key, (_, places) in zip(once([key for key, _ in found]), found, strict=True):
        raw.multiple[key] = [raw.columns[n] for n in places]


def _group(head: _Head, n: int) -> str:
    """What the columns of one question have in common: the ImportId, without the choice; else the name without its end."""
    id_ = head.ids[n].get("ImportId", "")
    if "choiceId" in head.ids[n]:
        return id_
    if id_:
        match = _QUESTION.fullmatch(id_)
        return re.sub(r"[-_]\d+$", "", id_) if match and match["row"] else ""
    match = re.fullmatch(r"(.+)_\d+", head.names[n])
    return match[1] if match else ""


def _stem(names: Sequence[str]) -> str:
    stems = {name.rpartition("_")[0] for name in names}
    return stems.pop() if len(stems) == 1 else ""


def _are_choices(raw: RawTable, head: _Head, places: list[int], certain: bool) -> bool:
    """Whether every column holds one value at most, the choice's own: a matrix' rows hold several, and are all filled."""
    cells = [_values(raw, n) for n in places]
    if any(len(values) > 1 for values in cells) or not (any(cells) or certain):
        return False
    if certain or all(_is_text_of(values, head.wording[n]) for values, n in zip(cells, places, strict=True)):
        return True
    filled = np.array([raw.encoded[n].where("1".__eq__) for n in places])
    partly = filled.any(axis=0) & ~filled.all(axis=0)
    return set().union(*cells) == {"1"} and bool(partly.any())


def _values(raw: RawTable, n: int) -> set[str]:
    return {cell.strip() for cell in raw.encoded[n].distinct()} - {"", "0", "-0", UNANSWERED}


def _is_text_of(values: set[str], wording: str) -> bool:
    """Whether cells repeat the choice at the end of the column's text (``question - choice``)."""
    ends = [_one_line(value) for value in values]
    return all(wording.endswith(end) and wording.removesuffix(end).rstrip().endswith("-") for end in ends)


def _joined(raw: RawTable, head: _Head) -> list[str]:
    """Columns that hold all choices of a question, joined by commas; the rows of a matrix are all of one kind."""
    taken = {*raw.metadata}.union(*raw.multiple.values())
    questions: dict[tuple[str, bool], list[int]] = {}
    for n, column in enumerate(raw.columns):
        match = _QUESTION.fullmatch(head.ids[n].get("ImportId", ""))
        if match and column not in taken and "choiceId" not in head.ids[n]:
            questions.setdefault((match["question"], bool(match["row"])), []).append(n)
    joined = [
        n
        for (_, matrix), rows in questions.items()
        if _are_joined(set().union(*(_values(raw, n) for n in rows)), matrix)
        for n in rows
    ]
    return [raw.columns[n] for n in sorted(joined)]


def _are_joined(values: Iterable[str], matrix: bool) -> bool:
    """Whether cells are lists: of codes (a matrix' or slider's: not with two parts only, a decimal comma), or of choices."""
    lists = [parts for value in values if len(parts := _CUT.split(value)) > 1]
    if not lists:
        return False
    if all(_CODES.fullmatch(value) for value in values):
        return all(len({*p}) == len(p) for p in lists) and (not matrix or any(len(p) > 2 for p in lists))
    known = {value for value in values if len(_CUT.split(value)) == 1}
    again = [part for parts in lists for part in {*parts}]
    return all(map(str.strip, again)) and any(again.count(part) > 1 or part in known for part in again)


def _add_marks(raw: RawTable, columns: dict[str, str]) -> None:
    def rows(field: str, test: Callable[[str], Any]) -> np.ndarray:
        column = columns.get(field)
        known = column is not None and raw.of(column).where(lambda cell: test(cell.strip().casefold()))
        return np.zeros(len(raw.index), bool) | known

    status = "status" if "status" in columns else "responsetype"
    found = {"unfinished": rows("finished", FALSE.__contains__)}
    if "finished" not in columns:
        found["unfinished"] = rows("progress", re.compile(r"\d{1,2}(\.\d+)?").fullmatch)
    for mark in BITS:
        says = rows(status, partial(_says, mark=mark))
        found[mark] = says | rows("distributionchannel", mark.__eq__)
    for mark, marked in found.items():
        if marked.any():
            raw.marks[mark] = raw.lines(marked)


def _says(status: str, mark: str) -> bool:
    if re.fullmatch(r"\d{1,4}", status):
        return bool(int(status) & BITS[mark])
    return any(word in status for word in WORDS[mark])


def _add_no_answer(raw: RawTable) -> None:
    for n, column in enumerate(raw.columns):
        if column not in raw.metadata and raw.encoded[n].any(lambda cell: cell.strip() == UNANSWERED):
            raw.no_answer[column] = (UNANSWERED,)
