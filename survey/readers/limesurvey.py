"""Exports of LimeSurvey ("Export results" as CSV or Excel, remote control, and the VV file).

One row an answer. Headings are question codes (``Q[SQ001]``, with underscores ``Q_SQ001``), texts in the language of the interface
(``text [sub-question]``, also cut off), or both (``Q. text``); a VV file has texts above codes, and people stack codes above texts.
The fixed columns stand first: id, submitdate, lastpage, startlanguage, seed, startdate, datestamp, ipaddr, refurl; times come last.
A ticked option is Y (or Yes), one that is not is empty (N, No), one that was not shown is N/A; "other" holds its own text.
Surveys without dates write 1980-01-01 for a finished answer; an unfinished one has no submit date in either case.
Sources: the manual's page "Exporting results", LimeSurvey's own export classes (Writer, SurveyObj, viewHelper).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from survey.readers.encoded import Column
from survey.readers.limesurvey_words import COMMENTS, FIELDS, NO, OTHER, TEXTS, YES
from survey.readers.raw import Grid, RawTable, once, table

_OWN = ("submitdate", "lastpage", "startlanguage")  # codes that no other tool writes
_OWN_TEXTS = ("lastpage", "startlanguage", "seed")
_TIMING = re.compile(r"groupTime\d*|\d+X\d+(X\d+)?time|(Group|Question) time:.*")
_SUB_CODE = re.compile(r"[A-Za-z]\w*\[SQ\d{3}[^\]]*\].*")
_CODED = re.compile(r"(id|submitdate|lastpage|startlanguage|seed)([^\w\[\s]\s*|\s+[^\w\s]\s*)(?=\S)")

_TICKS = (({"y"}, {"n"}), (YES, NO), ({"1"}, {"0"}))
NOT_SHOWN, NOT_ASKED = "{question_not_shown}", "N/A"
PLACEHOLDER = "1980-01-01"

_DAY = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?")
_LANGUAGE = re.compile(
    "(af|am|ar|as|be|bg|bs|ca|cs|cy|da|de|el|en|es|et|eu|fa|fi|fil|fr|ga|gl|gu|he|hi|hr|hu|hy|id|is|it|ja|ka|kk|km|kn|ko|ku|ky"
    "|lo|lt|lv|mk|ml|mn|mr|ms|mt|my|nb|ne|nl|nn|or|pa|pl|ps|pt|ro|ru|si|sk|sl|sq|sr|sv|sw|ta|te|th|tl|tr|uk|ur|uz|vi|xh|zh|zu)"
    "(-[A-Za-z-]+)?"
)
SAMPLE = 50


@dataclass(frozen=True, slots=True)
class _Head:
    """A header as understood.

    Attributes
    ----------
    names : list of str
        Headings as they will be columns' names, before they are made different.
    wording : list of str
        The question of each column where a code is its name; else empty.
    body : int
        How many rows it takes.
    """

    names: list[str]
    wording: list[str]
    body: int


def recognises(grid: Grid) -> bool:
    """Whether a grid is such an export."""
    head = _head(grid)
    if _certain(head.names, head.wording) or _placed(grid, head):
        return True
    return sum(bool(_SUB_CODE.fullmatch(name)) for name in head.names) >= 2


def read(grid: Grid) -> RawTable:
    """Read a grid; see `survey.read_table`.

    Returns
    -------
    RawTable
        Names are the codes where the export has them, else the texts; a heading that stands several times is numbered.
        The column of "other" belongs to its question in ``.multiple``: any text in it is a tick. Comments do not.
    """
    head = _head(grid)
    known = _fields(head.names, head.wording) or _leading(head.names)
    placed = {n: field for n, field in _placed(grid, head).items() if field not in known.values()}
    fields = dict(sorted((placed | known).items()))
    columns = once(head.names)
    wording = {
        column: text for column, text in zip(columns, head.wording, strict=True) if text and text.strip() != column
    }
    wording |= {c: n for c, n in zip(columns, head.names, strict=True) if c != n and c not in wording}
    raw = table(
        grid, "limesurvey", columns, head.body, wording=wording, metadata=_metadata(grid, head, columns, fields)
    )
    _add_multiple(raw, head.names)
    _add_marks(raw, {field: columns[n] for n, field in fields.items()})
    _add_no_answer(raw)
    return raw


def _head(grid: Grid) -> _Head:
    first, second = _without_end(grid.head()), _without_end(grid.head(2))
    if _is_header(first, second):
        return _joined(first, second)
    separators = [m[2] for m in map(_CODED.match, first) if m]
    if len(separators) > 1 and len(set(separators)) == 1:
        parts = [heading.partition(separators[0]) for heading in first]
        return _Head([code.strip() for code, _, _ in parts], [text.strip() for _, _, text in parts], 1)
    return _Head(first, [""] * len(first), 1)


def _without_end(cells: list[str]) -> list[str]:
    """A heading row without blanks at its end, which would otherwise be numbered as if they were names."""
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _is_header(first: list[str], second: list[str]) -> bool:
    """Whether the second row is of the header: it names fixed columns, or is empty below all of them and not elsewhere."""
    if len(_fields(second)) > 1:
        return True
    known = _fields(first)
    below = [second[n] if n < len(second) else "" for n in known]
    return len(known) > 1 and not any(below) and any(second)


def _joined(first: list[str], second: list[str]) -> _Head:
    """Two rows as one: a blank below or beside a heading continues it."""
    width = max(len(first), len(second))
    top, bottom = first + [""] * (width - len(first)), second + [""] * (width - len(second))
    if any(cell in _OWN for cell in bottom):
        names = [code or text for code, text in zip(bottom, top, strict=True)]
        return _Head(names, _filled_in_question(names, top), 2)
    filled = _filled(top, bottom)
    if any(cell in _OWN for cell in top):
        spans = [n + 1 < width and not top[n + 1] and bool(filled[n + 1]) for n in range(width)]
        names = [
            f"{code}[{text}]" if code and text and (span or not own) else code or text
            for own, code, text, span in zip(top, filled, bottom, spans, strict=True)
        ]
        return _Head(names, _filled_in_question(names, bottom), 2)
    names = [
        f"{left} [{sub}]" if left and sub and left != sub else left or sub
        for left, sub in zip(filled, bottom, strict=True)
    ]
    return _Head(names, [""] * width, 2)


def _filled(top: list[str], bottom: list[str]) -> list[str]:
    """The upper row with what stands to the left in cells that are blank above a lower one that is not."""
    found: list[str] = []
    for own, below in zip(top, bottom, strict=True):
        fixed = below in FIELDS or _field(below) is not None
        found.append(own or (found[-1] if found and below and not fixed else ""))
    return found


def _filled_in_question(names: list[str], texts: list[str]) -> list[str]:
    found: list[str] = []
    for n, text in enumerate(texts):
        same = n > 0 and "[" in names[n] and names[n].split("[")[0] == names[n - 1].split("[")[0]
        found.append(text or (found[-1] if same else ""))
    return found


def _field(heading: str) -> str | None:
    """The fixed column that a text names; texts may be cut off and have underscores for blanks."""
    text = " ".join(heading.casefold().replace("_", " ").split())
    start = text.removesuffix("…").rstrip(". ")
    if start != text and len(start) > 7:
        return next((f for f, names in TEXTS.items() if any(name.startswith(start) for name in names)), None)
    return next((f for f, names in TEXTS.items() if text in names), None)


def _fields(names: Sequence[str], wording: Sequence[str] = ()) -> dict[int, str]:
    """Places of the fixed columns, each the first of its kind; nothing where too few are there to be certain."""
    codes = {n: name for n, name in enumerate(names) if name in FIELDS}
    texts = {n: field for n, name in enumerate(names) if (field := _field(name))}
    found = codes if sum(name in _OWN for name in codes.values()) > 1 else texts
    if found is texts and not _certain(names, wording):
        return {}
    return {n: field for n, field in found.items() if field not in [found[m] for m in found if m < n]}


def _leading(names: Sequence[str]) -> dict[int, str]:
    """The fixed columns of an export from which most were left out: those at its beginning, the number of the answer first."""
    if not names or names[0] != "id":
        return {}
    return {n: name for n, name in enumerate(takewhile(FIELDS.__contains__, names)) if name not in names[:n]}


def _certain(names: Sequence[str], wording: Sequence[str]) -> bool:
    """Whether headings hold at least two codes of LimeSurvey's own, or three of its texts with one of its own."""
    if sum(name in names for name in _OWN) > 1:
        return True
    texts = {field for name in (*names, *wording) if (field := _field(name))}
    own = texts.intersection(_OWN_TEXTS)
    return bool(own) and len(texts.intersection(("id", "submitdate", *_OWN_TEXTS))) > 2


def _placed(grid: Grid, head: _Head) -> dict[int, str]:
    """The fixed columns of an interface in another language, by what they hold and where they stand."""
    sample = [row for row in grid.top[head.body : head.body + SAMPLE] if any(cell.strip() for cell in row)]
    width = min([len(head.names), *(len(row) for row in sample)]) if sample else 0
    cells = [[row[n].strip() for row in sample] for n in range(width)]
    if len(cells) < 6 or not _first_four(cells):
        return {}
    seeds = all(re.fullmatch(r"\d{4,10}|", cell) for cell in cells[4]) and len(set(cells[4])) == len(sample)
    brackets = sum(name.endswith("]") for name in head.names)
    if not (seeds and len(sample) > 1) and brackets < 2:
        return {}
    found = dict(enumerate(("id", "submitdate", "lastpage", "startlanguage", *(["seed"] if seeds else []))))
    return found | _placed_after(cells, len(found))


def _first_four(cells: list[list[str]]) -> bool:
    ids, days, pages, languages = cells[:4]
    return (
        all(re.fullmatch(r"\d{1,9}", cell) for cell in ids)
        and len(set(ids)) == len(ids)
        and any(days)
        and all(not cell or _DAY.fullmatch(cell) for cell in days)
        and all(re.fullmatch(r"-?\d{0,3}", cell) for cell in pages)
        and all(_LANGUAGE.fullmatch(cell) for cell in languages)
    )


def _placed_after(cells: list[list[str]], n: int) -> dict[int, str]:
    """Start, last action and address of the machine, where they follow."""
    found = {}
    for field, form in (("startdate", _DAY), ("datestamp", _DAY), ("ipaddr", re.compile(r"[\da-f.:]{7,}"))):
        if n < len(cells) and any(cells[n]) and all(not cell or form.fullmatch(cell) for cell in cells[n]):
            found[n] = field
            n += 1
    return found


def _metadata(grid: Grid, head: _Head, columns: list[str], fields: dict[int, str]) -> dict[str, str]:
    """Fixed columns, and times: by their names, or numbers that stand behind the total time as the last of the fixed ones."""
    found = {columns[n]: FIELDS[field] for n, field in fields.items()}
    last = max(fields, default=len(columns))
    timed = fields.get(last) == "interviewtime"
    cells = grid.columns(head.body) if timed else []
    for n, name in enumerate(head.names):
        if _TIMING.fullmatch(name) or (timed and n > last and (n >= len(cells) or _numbers(cells[n]))):
            found[columns[n]] = "timing"
    return found


def _numbers(cells: Column) -> bool:
    return not cells.any(lambda cell: not re.fullmatch(r"[\d.,\s]*", cell))


def _add_multiple(raw: RawTable, names: list[str]) -> None:
    columns = raw.columns
    found = [(key, run) for key, run in _runs(names) if _is_multiple(raw, names, run)]
    for key, (_, run) in zip(once([key for key, _ in found]), found, strict=True):
        raw.multiple[key] = [columns[n] for n in run if not _is(names[n], "comment", COMMENTS)]


def _runs(names: list[str]) -> list[tuple[str, list[int]]]:
    """Neighbours that are sub-questions of one question; a sub-question that comes again begins another one."""
    runs: list[tuple[str, list[int]]] = []
    seen: set[str] = set()
    for n, name in enumerate(names):
        question, sub = _parts(name)
        if not sub:
            continue
        if runs and runs[-1][0] == question and runs[-1][1][-1] == n - 1 and sub not in seen:
            runs[-1][1].append(n)
        else:
            runs.append((question, [n]))
            seen = set()
        seen |= set() if sub.casefold() in COMMENTS else {sub}
    return runs


def _parts(name: str) -> tuple[str, str]:
    """Question and sub-question: ``Q[a]`` to Q, a; ``Q[a_b]`` and ``text [a][b]`` keep their row with the question."""
    number = re.search(r"\](\.\d+)$", name)
    suffix = number[1] if number else ""
    name = name.removesuffix(suffix)
    if not name.endswith("]"):
        match = re.fullmatch(r"([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)?)_([A-Za-z0-9]+)", name)
        return (match[1], match[2]) if match else (name, "")
    depth = 0
    for n in range(len(name) - 1, -1, -1):
        depth += (name[n] == "]") - (name[n] == "[")
        if not depth:
            question, sub = _row_apart(name[:n].rstrip(), name[n + 1 : -1], suffix)
            of_option = sub.casefold() in COMMENTS and question.endswith("]")  # text [sub-question] [Comment]
            return (_parts(question)[0], sub) if of_option else (question, sub)
    return name, ""


def _row_apart(question: str, sub: str, suffix: str) -> tuple[str, str]:
    if re.fullmatch(r"\w+", question) and re.fullmatch(r"[A-Za-z0-9]+_[A-Za-z0-9]+", sub):
        row, _, sub = sub.partition("_")
        question = f"{question}[{row}]"
    return question + suffix, sub or " "


def _is(name: str, code: str, words: set[str]) -> bool:
    sub = _parts(name)[1].casefold()
    return sub == code or sub in words or (code == "comment" and bool(re.fullmatch(r"\w+comment", sub)))


def _is_multiple(raw: RawTable, names: list[str], run: list[int]) -> bool:
    """Whether a run's cells are ticks: an array's sub-questions hold several codes, and have no "other"."""
    options = [n for n in run if not _is(names[n], "comment", COMMENTS)]
    other = [n for n in options if _is(names[n], "other", OTHER)]
    ticked = [n for n in options if n not in other]
    if len(options) < 2 or not ticked:
        return False
    if _ticks(raw, ticked, bool(other)):
        return True
    # The survey's author may have called "other" something else; it stands last.
    return not other and len(ticked) > 2 and _ticks(raw, ticked[:-1], True) and _both(raw, ticked[:-1])


def _seen(raw: RawTable, columns: list[int]) -> set[str]:
    values: set[str] = set()
    for n in columns:
        values |= {cell.strip().casefold() for cell in raw.encoded[n].distinct()}
    return values - {"", NOT_ASKED.casefold(), NOT_SHOWN}


def _ticks(raw: RawTable, columns: list[int], other: bool) -> bool:
    seen = _seen(raw, columns)
    pairs = (*_TICKS, ({"1"}, {"2"})) if other else _TICKS
    return any(seen & yes and seen <= yes | no for yes, no in pairs)


def _both(raw: RawTable, columns: list[int]) -> bool:
    return bool(_seen(raw, columns) & YES) and bool(_seen(raw, columns) & NO)


def _add_marks(raw: RawTable, columns: dict[str, str]) -> None:
    """An answer without a submit date is unfinished; the placeholder of surveys without dates says that it is finished."""
    if "submitdate" not in columns:
        return
    undated = raw.of(columns["submitdate"]).where(lambda cell: cell.strip() in ("", "N", NOT_SHOWN))
    if lines := raw.lines(undated & raw.written()):
        raw.marks["unfinished"] = lines


def _add_no_answer(raw: RawTable) -> None:
    if any(column.any(NOT_SHOWN.__eq__) for column in raw.encoded):
        raw.no_answer["*"] = (NOT_SHOWN,)
    options = {column for columns in raw.multiple.values() for column in columns}
    for n, column in enumerate(raw.columns):
        cells = set(raw.encoded[n].distinct())
        if raw.metadata.get(column) in ("submitted", "started", "other"):
            cells = {cell for cell in cells if cell.startswith(PLACEHOLDER)}
        else:
            ticks = column in options or set() < _seen(raw, [n]) <= YES | NO
            cells = cells & {NOT_ASKED} if ticks else set()
        if cells:
            raw.no_answer[column] = tuple(sorted(cells))
