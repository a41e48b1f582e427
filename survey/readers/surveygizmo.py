"""Exports of SurveyGizmo, today Alchemer (CSV and Excel export of responses).

One header row, an answer a row. The fixed columns stand first: Response ID, Time Started, Date Submitted, Status (Complete,
Partial, Disqualified, Deleted), Contact ID, Legacy Comments, Comments, Language, Referer, Extended Referer, SessionID, User Agent,
Extended User Agent, Tags, IP Address, Longitude, Latitude, Country, City, State/Region, Postal; then "URL Variable: x" and, where
wanted, a flag of test data. Each may be left out. A question of several columns is ``option:question``, in other exports
``question:option``; an option's column holds the option's own text (or its reporting value) and is empty where it was not ticked,
a grid's row holds the scale's words. "Other - Write In" stands twice under one heading: the tick, then what was written; beside a
question of one answer it is the text alone.
Sources: Alchemer's API help (fields of a response), scripts of projects that read such files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from survey.readers.raw import Grid, RawTable, once, table

FIELDS = {
    "response id": "respondent",
    "time started": "started",
    "date started": "started",
    "date submitted": "submitted",
    "response time": "seconds",
    "status": "status",
    "response status": "status",
    "contact id": "person",
    "legacy comments": "other",
    "comments": "other",
    "language": "language",
    "referer": "source",
    "extended referer": "source",
    "link name": "source",
    "link id": "source",
    "url redirect": "source",
    "sessionid": "other",
    "session id": "other",
    "user agent": "other",
    "extended user agent": "other",
    "tags": "other",
    "data quality": "other",
    "is test data": "status",
    "test data": "status",
    "ip address": "person",
    "longitude": "person",
    "latitude": "person",
    "country": "person",
    "city": "person",
    "state/region": "person",
    "region": "person",
    "postal": "person",
    "dma": "person",
}
# What no other tool and hardly a questionnaire writes.
_OWN = {
    "response id",
    "time started",
    "date submitted",
    "contact id",
    "legacy comments",
    "extended referer",
    "sessionid",
    "extended user agent",
    "state/region",
    "is test data",
    "url redirect",
}
_URL = re.compile(r"url variable\s*:.*")
_STATUS = {
    "complete": "",
    "partial": "unfinished",
    "disqualified": "unfinished",
    "deleted": "spam",  # an answer that the office itself threw away
    "test": "test",
    "test data": "test",
}
_TRUE = {"1", "true", "yes", "y"}
_OTHER = re.compile(r"(other|write.?in)\b", re.IGNORECASE)
LEAST_OWN = 4


def recognises(grid: Grid) -> bool:
    """Whether a grid is such an export."""
    names = {_key(name) for name in grid.head()}
    times = {"time started", "date submitted"} <= names
    return (times and len(names.intersection(FIELDS)) >= LEAST_OWN) or len(names & _OWN) >= LEAST_OWN


def read(grid: Grid) -> RawTable:
    """Read a grid; see `survey.read_table`.

    Returns
    -------
    RawTable
        Names are the headings, line breaks and blanks in a row made one blank; a heading that stands twice is numbered (the text
        of "Other - Write In" is the second). Options that are columns of their own are in ``.multiple`` under their question.
    """
    names = [" ".join(cell.split()) for cell in grid.head()]
    while names and not names[-1]:
        names.pop()
    columns = once(names)
    wording = {column: name for column, name in zip(columns, names, strict=True) if column != name}
    raw = table(grid, "surveygizmo", columns, 1, wording=wording)
    raw.metadata.update({columns[n]: kind for n, kind in _metadata(raw, names).items() if n < len(raw.columns)})
    _add_multiple(raw, ["" if column in raw.metadata else name for column, name in zip(columns, names, strict=True)])
    _add_marks(raw)
    return raw


def _key(name: str) -> str:
    return " ".join(name.split()).casefold().rstrip("?")


def _metadata(raw: RawTable, names: list[str]) -> dict[int, str]:
    """The fixed columns: the platform's own names anywhere, others (``Country``) beside one of them only; each the first."""
    keys = ["url variable" if _URL.fullmatch(_key(name)) else _key(name) for name in names]
    first = [n for n, key in enumerate(keys) if key == "url variable" or (key in FIELDS and keys.index(key) == n)]
    found = {n for n in first if keys[n] in _OWN or keys[n] == "url variable" or _is_status(raw, names[n], keys[n])}
    for order in (first, first[::-1]):
        for n in order:
            if n - 1 in found or n + 1 in found:
                found.add(n)
    return {n: FIELDS.get(keys[n], "other") for n in sorted(found)}


def _is_status(raw: RawTable, name: str, key: str) -> bool:
    """Whether a column called "Status" holds the platform's words, not a question's answers."""
    if key not in ("status", "response status") or name not in raw.columns:
        return False
    values = {cell.strip().casefold() for cell in raw.of(name).distinct()} - {""}
    return bool(values) and values <= set(_STATUS)


def _add_multiple(raw: RawTable, names: list[str]) -> None:
    found: list[tuple[str, list[int]]] = []
    taken: set[int] = set()
    for end in (True, False):
        for question, run in _runs(names, end):
            options = _options(raw, question, names, run, end)
            if len(options) > 1 and not taken.intersection(run):
                taken.update(run)
                found.append((question, options))
    found.sort(key=lambda pair: pair[1])
    for key, (_, options) in zip(once([key for key, _ in found]), found, strict=True):
        raw.multiple[key] = [raw.columns[n] for n in options]


def _runs(names: list[str], end: bool) -> list[tuple[str, list[int]]]:
    """Neighbours whose headings have what stands behind (``end``) or before a colon in common: the longest such text."""
    parts = [_parts(name, end) for name in names]
    runs: list[tuple[str, list[int]]] = []
    n = 0
    while n < len(names):
        following = parts[n + 1] if n + 1 < len(names) else []
        shared = next((part for part in parts[n] if part in following), None)
        run = [n]
        while shared and run[-1] + 1 < len(names) and shared in parts[run[-1] + 1]:
            run.append(run[-1] + 1)
        if shared:
            runs.append((shared, run))
        n = run[-1] + 1
    return runs


def _parts(name: str, end: bool) -> list[str]:
    """Every way to cut a question off a heading, the longest first."""
    cuts = [match.start() for match in re.finditer(":", name)][:20]
    found = [name[cut + 1 :].strip() for cut in cuts] if end else [name[:cut].strip() for cut in reversed(cuts)]
    return [part for part in found if part]


def _option(name: str, question: str, end: bool) -> str:
    rest = name.removesuffix(question) if end else name.removeprefix(question)
    return rest.strip().removesuffix(":").removeprefix(":").strip()


def _options(raw: RawTable, question: str, names: list[str], run: Sequence[int], end: bool) -> list[int]:
    """Columns of a run that are options; the second of two with one heading is what was written to the first."""
    kept = [n for n in run if n == run[0] or names[n] != names[n - 1]]
    labels = {n: _option(names[n], question, end) for n in kept}
    if len(kept) < 2:
        return []
    last = kept[-1]
    ticked = kept[:-1] if len(kept) > 2 and _OTHER.match(labels[last]) else kept
    return kept if _are_ticks(raw, {n: labels[n] for n in ticked}) else []


def _are_ticks(raw: RawTable, labels: dict[int, str]) -> bool:
    """Whether every column holds its own option's text, or 0 and 1, or its own value and that not in every row."""
    cells = {n: {_same(cell) for cell in raw.encoded[n].distinct()} - {""} for n in labels}
    seen = set().union(*cells.values())
    if seen and all(cells[n] <= {_same(label)} for n, label in labels.items()):
        return True
    if {"0", "1"} == seen:
        return True
    if any(len(values) > 1 for values in cells.values()):
        return False
    codes = [cell for values in cells.values() for cell in values]
    if len(codes) < 2 or not _are_values(codes):
        return False
    ticks = np.sum([raw.encoded[n].where(str.strip) for n in labels], axis=0)
    return int((ticks > 0).sum()) > 2 and bool(((ticks > 0) & (ticks < len(labels))).any())


def _are_values(codes: list[str]) -> bool:
    """Whether numbers are reporting values of options: all 1, or growing."""
    if not all(re.fullmatch(r"\d{1,6}", code) for code in codes):
        return False
    return {*codes} == {"1"} or all(int(a) < int(b) for a, b in pairwise(codes))


def _same(text: str) -> str:
    return " ".join(text.split()).removesuffix(":").strip().casefold()


def _add_marks(raw: RawTable) -> None:
    marks: dict[str, np.ndarray] = {}
    for column, kind in raw.metadata.items():
        if kind != "status":
            continue
        flag = "test" in column.casefold()
        said = raw.of(column).map(partial(_mark, flag=flag), "O")
        for mark in sorted({*_STATUS.values()} - {""}):
            marks[mark] = marks.get(mark, np.zeros(len(said), bool)) | (said == mark)
    raw.marks.update({mark: raw.lines(rows) for mark, rows in sorted(marks.items()) if rows.any()})


def _mark(cell: str, *, flag: bool) -> str:
    """What a cell of a status, or of a flag of test data, says."""
    said = cell.strip().casefold()
    return ("test" if said in _TRUE else "") if flag else _STATUS.get(said, "")
