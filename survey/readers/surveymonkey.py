"""Exports of SurveyMonkey ("All responses data", CSV and XLS/XLSX, condensed or expanded columns, text or numbers).

One row an answer below two header rows. The first has the fixed columns (Respondent ID, Collector ID, Start Date, End Date, IP
Address, Email Address, First Name, Last Name, Custom Data 1; newer: Date Created, Date Modified), then each question over the
first of its columns with blanks above the others (merged in workbooks, "Unnamed: 9" where pandas wrote the file). The second is
blank below the fixed columns, and has "Response" or "Open-Ended Response" below a question of one column, else the options, a
matrix' rows, or the author's words for "Other (please specify)" and for a comment, which come last. An option's column holds the
option's own text, or its number, or 0 and 1, and is empty where it was not ticked; a matrix' row holds words or numbers of the
scale. Unfinished answers are not marked, unless End Date is empty or there is a column of status. An empty cell may be a skip.
Sources: exports that projects published, and their scripts that read such files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from survey.readers.raw import Grid, RawTable, once, refuse, table

FIELDS = {
    "respondent id": "respondent",
    "respondentid": "respondent",
    "response id": "respondent",
    "collector id": "source",
    "collectorid": "source",
    "collector": "source",
    "start date": "started",
    "startdate": "started",
    "date created": "started",
    "end date": "submitted",
    "enddate": "submitted",
    "date modified": "submitted",
    "ip address": "person",
    "email address": "person",
    "first name": "person",
    "lastname": "person",
    "last name": "person",
    "firstname": "person",
    "custom data": "person",
    "customdata": "person",
    "response status": "status",
    "completion status": "status",
    "status": "status",
    "language": "language",
    "survey language": "language",
    "total time spent": "seconds",
    "tags": "other",
}
_OWN = ("respondent id", "respondentid", "collector id", "collectorid")
_ORDER = ("respondent", "source", "started", "submitted")
_DATES = ("start date", "startdate", "end date", "enddate", "date created", "date modified")
_SINGLE = {"response", "open-ended response"}
_SINGLE_TOO = {
    "antwort",
    "offene antwort",
    "freie antwort",
    "réponse",
    "réponse ouverte",
    "respuesta",
    "respuesta abierta",
    "resposta",
    "resposta aberta",
    "risposta",
    "risposta aperta",
    "antwoord",
    "回答",
    "开放式回答",
    "开放式答案",
    "答复",
    "回复",
    "开放式回复",
    "开放式答复",
    "回應",
    "開放式回應",
    "自由回答",
    "응답",
    "svar",
    "ответ",
}
_OTHER = re.compile(
    r"(other|anderes?|sonstiges?|autres?|otros?|otra|outros?|outra|altro|anders|overige?|annat|annan|annet|andet|muu|другое|inne"
    r"|diğer)\b"
    r"|其他|其它|その他|기타",
    re.IGNORECASE,
)
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")
_NUMBER = re.compile(r"\d{6,15}")
UNFINISHED = {
    "partial",
    "incomplete",
    "partially completed",
    "partially complete",
    "disqualified",
    "over quota",
    "overquota",
}
SAMPLE = 50


@dataclass(frozen=True, slots=True)
class _Head:
    """A header as understood.

    Attributes
    ----------
    questions : list of str
        The question of each column, filled to the right; of a fixed column its name.
    second : list of str
        What the second row has; empty for fixed columns.
    starts : list of int
        The first column of the question that each column belongs to.
    fixed : int
        How many columns, from the first, are the platform's own.
    body : int
        How many rows it takes.
    """

    questions: list[str]
    second: list[str]
    starts: list[int]
    fixed: int
    body: int

    @property
    def subs(self) -> list[str]:
        """The option, row or field of each column; empty for fixed columns and for a question's own answer."""
        return ["" if sub.casefold() in _SINGLE | _SINGLE_TOO else sub for sub in self.second]

    def is_fixed(self, n: int) -> bool:
        """Whether a column may be one of the platform's own."""
        return n < self.fixed or (self.body > 1 and not self.second[n])

    def names(self) -> list[str]:
        """What the columns are called, before they are made different."""
        return [f"{q} [{sub}]" if q and sub else q or sub for q, sub in zip(self.questions, self.subs, strict=True)]


def recognises(grid: Grid) -> bool:
    """Whether a grid is such an export."""
    top, bottom = _top(grid), _tidy(grid.head(2))
    known = {name for name in map(_key, top) if name in FIELDS}
    if known.intersection(_OWN) and (len(known.intersection(_OWN)) > 1 or known.intersection(_DATES)):
        return len(known) > 2 and (_is_second(bottom, top) or _ids_below(grid, 1))
    return _without_fixed(top, bottom) or _other_language(grid, top, bottom)


def read(grid: Grid) -> RawTable:
    """Read a grid; see `survey.read_table`.

    Returns
    -------
    RawTable
        A column is called as its question where that has one, else ``question [option]``; a name that stands twice is numbered.
        Every question whose options have columns of their own is in ``.multiple``, with the column of "Other"; comments are not.
    """
    head = _head(grid)
    names = head.names()
    columns = once(names)
    wording = {column: name for column, name in zip(columns, names, strict=True) if column != name}
    raw = table(grid, "surveymonkey", columns, head.body, wording=wording)
    raw.metadata.update({columns[n]: kind for n, kind in _metadata(head, names).items() if n < len(raw.columns)})
    _add_multiple(raw, head)
    _add_marks(raw)
    return raw


def _tidy(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in row]


def _top(grid: Grid) -> list[str]:
    """The first row; what pandas writes for a blank heading is blank."""
    return ["" if _UNNAMED.fullmatch(cell) else cell for cell in _tidy(grid.head())]


def _key(name: str) -> str:
    return re.sub(r"[ _]?(?<!\d)\d+$", "", name.casefold().replace("_", " "))


def _is_second(bottom: Sequence[str], top: Sequence[str]) -> bool:
    """Whether a row is the second header row: nothing stands in it below the fixed columns, and something elsewhere."""
    known = [n for n, name in enumerate(top) if _key(name) in (*_OWN, *_DATES) and n < len(bottom)]
    return len(known) > 1 and not any(bottom[n] for n in known) and any(bottom)


def _ids_below(grid: Grid, body: int) -> bool:
    """Whether the first column holds the platform's numbers, each once."""
    cells = [row[0].strip() for row in grid.top[body : body + SAMPLE] if row and any(cell.strip() for cell in row)]
    return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells) and len({*cells}) == len(cells)


def _without_fixed(top: list[str], bottom: list[str]) -> bool:
    """Whether two rows are a header without fixed columns: every column has a second heading, most questions "Response"."""
    top, bottom = _of_one_length(top, bottom)
    if not top or not top[0] or not all(bottom):
        return False
    single = [n for n, sub in enumerate(bottom) if sub.casefold() in _SINGLE]
    if any(not top[n] for n in single):
        return False
    return len(single) > 1 and (len(single) == len(top) or not all(top))


def _other_language(grid: Grid, top: list[str], bottom: list[str]) -> bool:
    """Whether two rows are a header in another language of the interface, by what the first columns hold."""
    fixed = next((n for n, sub in enumerate(bottom) if sub), 0)
    if fixed < 3 or not all(top[:fixed]) or not _ids_below(grid, 2):
        return False
    rest = [sub.casefold() for sub in bottom[fixed:]]
    singles = sum(sub in _SINGLE | _SINGLE_TOO for sub in rest)
    collectors = [row[1].strip() for row in grid.top[2 : 2 + SAMPLE] if len(row) > 1 and row[1].strip()]
    several = any(not name for name in top[fixed : len(bottom)])
    return (
        all(rest)
        and (singles > 0 or several)
        and bool(collectors)
        and all(_NUMBER.fullmatch(cell) for cell in collectors)
    )


def _head(grid: Grid) -> _Head:
    top, bottom = _top(grid), _tidy(grid.head(2))
    second = _is_second(bottom, top) or _without_fixed(top, bottom) or _other_language(grid, top, bottom)
    if not second:
        return _one_row(grid, top)
    top, bottom = _of_one_length(top, bottom)
    fixed = next((n for n, sub in enumerate(bottom) if sub), len(top))
    _refuse_orphans(grid, top, bottom)
    questions, starts = _questions(top, bottom, fixed)
    return _Head(questions, bottom, starts, fixed, 2)


def _of_one_length(top: list[str], bottom: list[str]) -> tuple[list[str], list[str]]:
    """Both rows as long as the longer one without the blanks at its end."""
    width = max((n for row in (top, bottom) for n, cell in enumerate(row, start=1) if cell), default=0)
    return [*top, *[""] * width][:width], [*bottom, *[""] * width][:width]


def _refuse_orphans(grid: Grid, top: list[str], bottom: list[str]) -> None:
    """Refuse a header whose columns were moved: an option without a question before it, or "Response" without its own."""
    own = -1
    for n, (name, sub) in enumerate(zip(top, bottom, strict=True)):
        own = n if name else own
        if name or not sub:
            continue
        if own < 0 or not bottom[own] or sub.casefold() in _SINGLE:
            refuse(
                grid.path,
                f"column {n + 1} has no question above it: columns were moved or deleted; export the file again",
                f"第 {n + 1} 列上方没有题目：列被移动或删除；请重新导出",
                grid.numbers[0],
            )


def _one_row(grid: Grid, top: list[str]) -> _Head:
    """A header of which somebody deleted the second row: still good where no question has several columns."""
    while top and not top[-1]:
        top.pop()
    if not all(top):
        refuse(
            grid.path,
            "the second header row (options, “Response”) of the SurveyMonkey export is missing; export it again",
            "SurveyMonkey 导出文件缺少第二行表头（选项、“Response”）；请重新导出",
            grid.numbers[0],
        )
    fixed = next((n for n, name in enumerate(top) if _key(name) not in FIELDS), len(top))
    return _Head(top, [""] * len(top), list(range(len(top))), fixed, 1)


def _questions(top: list[str], bottom: list[str], fixed: int) -> tuple[list[str], list[int]]:
    """Questions filled to the right over blanks; the same text again goes on unless its sub-heading begins anew."""
    questions: list[str] = []
    starts: list[int] = []
    for n, (name, sub) in enumerate(zip(top, bottom, strict=True)):
        same = n > fixed and name in ("", questions[-1]) and not _begins(sub, bottom[starts[-1] : n], name)
        questions.append(name or (questions[-1] if same else ""))
        starts.append(starts[-1] if same else n)
    return questions, starts


def _begins(sub: str, before: list[str], name: str) -> bool:
    """Whether a repeated question is another one: ``Response`` never follows, and no option stands twice."""
    return bool(name) and (sub.casefold() in _SINGLE | _SINGLE_TOO or sub in before)


def _metadata(head: _Head, names: list[str]) -> dict[int, str]:
    """What the fixed columns are; where their names are of another language, by the order in which the tool writes them."""
    lead = range(head.fixed)
    known = {n: FIELDS[key] for n, name in enumerate(names) if (key := _key(name)) in FIELDS and head.is_fixed(n)}
    if len(known) > 1:
        return dict.fromkeys(lead, "other") | known
    return dict(zip(lead, (*_ORDER, *["person"] * len(lead)), strict=False))


def _add_multiple(raw: RawTable, head: _Head) -> None:
    found: list[tuple[str, list[int]]] = []
    for start in sorted({s for s in head.starts if s >= head.fixed}):
        run = [n for n, s in enumerate(head.starts) if s == start and n < len(raw.columns)]
        options = _options(raw, head, [n for n in run if head.subs[n]])
        if len(options) > 1 and len(options) >= len(run) - 1:
            found.append((head.questions[start], options))
        else:
            found += [(f"{head.questions[start]} [{row}]", ticks) for row, ticks in _by_row(raw, head, run).items()]
    for key, (_, options) in zip(once([key for key, _ in found]), found, strict=True):
        raw.multiple[key] = [raw.columns[n] for n in options]


def _by_row(raw: RawTable, head: _Head, run: list[int]) -> dict[str, list[int]]:
    """Columns of a matrix with several choices a row, headed ``row - option``, each of which holds its option's text alone."""
    rows: dict[str, list[int]] = {}
    for n in run:
        row, _, option = head.subs[n].rpartition(" - ")
        if not row or not {" ".join(cell.split()) for cell in raw.encoded[n].distinct()} <= {"", option}:
            return {}
        rows.setdefault(row, []).append(n)
    written = any(raw.encoded[n].any(str.strip) for n in run)
    return {row: ticks for row, ticks in rows.items() if written and len(ticks) > 1}


def _options(raw: RawTable, head: _Head, run: list[int]) -> list[int]:
    """Columns of a question's options; the last may be the text of "Other", or a comment, which is none."""
    if len(run) < 2:
        return []
    last = run[-1]
    if _OTHER.match(head.subs[last]) and _are_ticks(raw, head, run[:-1]):
        return run
    if _are_ticks(raw, head, run):
        return run
    return run[:-1] if len(run) > 2 and _are_ticks(raw, head, run[:-1]) else []


def _are_ticks(raw: RawTable, head: _Head, run: list[int]) -> bool:
    """Whether every column holds its own option's text, or 0 and 1, or its own number and that not in every row."""
    cells = [{" ".join(cell.split()) for cell in raw.encoded[n].distinct()} - {""} for n in run]
    if not any(cells):
        return False
    if all(values <= {head.subs[n]} for values, n in zip(cells, run, strict=True)):
        return True
    seen = set().union(*cells)
    if {"0", "1"} <= seen and seen <= {"0", "1"}:
        return True
    if not _are_numbers(cells):
        return False
    ticks = np.sum([raw.encoded[n].where(str.strip) for n in run], axis=0)
    return int((ticks > 0).sum()) > 2 and bool(((ticks > 0) & (ticks < len(run))).any())


def _are_numbers(cells: list[set[str]]) -> bool:
    """Whether columns hold one number each: all 1, or growing with the options."""
    if any(len(values) > 1 for values in cells):
        return False
    codes = [cell for values in cells for cell in values]
    if len(codes) < 2 or not all(re.fullmatch(r"\d{1,3}", code) for code in codes):
        return False
    numbers = [int(code) for code in codes]
    return {*numbers} == {1} or all(a < b for a, b in pairwise(numbers))


def _add_marks(raw: RawTable) -> None:
    """An answer without an end, or with a status that says so, is unfinished."""
    rows = np.zeros(len(raw.index), bool)
    for column, kind in raw.metadata.items():
        if kind == "submitted":
            ended = raw.of(column).where(str.strip)
            rows |= ~ended & ended.any()
        if kind == "status":
            rows |= raw.of(column).where(lambda cell: cell.strip().casefold() in UNFINISHED)
    rows &= raw.written()
    if rows.any():
        raw.marks["unfinished"] = raw.lines(rows)
