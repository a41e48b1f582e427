"""Exports of KoBoToolbox and ODK (Collect's forms: Central, Aggregate, Briefcase, Ona, SurveyCTO).

One header row, an answer a row; headings are the XLSForm's names or its labels, with groups before them (``group/question``, also
``:``, ``.``, ``-``), and the platform's own columns under their own names in either case (``_id``, ``_uuid``, ``KEY``, ``start``).
A select_multiple is one column of names with blanks between them, a column of 0 and 1 (TRUE and FALSE) an option
(``question/option``), or both; all of its cells are empty where it was not answered. A row of HXL tags (``#...``) may follow the
header. Older servers write ``n/a`` for what was not asked. Geopoints have columns of latitude, longitude, altitude, precision.
Sources: the exporter of KoBo (formpack), the XLSForm reference, ODK Central's page on submissions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import numpy as np

from survey.readers.encoded import Column
from survey.readers.raw import Grid, RawTable, once, table

FIELDS = {
    "_id": "other",
    "_uuid": "respondent",
    "_submission_time": "submitted",
    "_validation_status": "status",
    "_status": "status",
    "_notes": "other",
    "_tags": "other",
    "_submitted_by": "person",
    "__version__": "other",
    "_version_": "other",
    "_version": "other",
    "_index": "other",
    "_parent_index": "other",
    "_parent_table_name": "other",
    "_xform_id": "other",
    "_xform_id_string": "other",
    "_bamboo_dataset_id": "other",
    "_attachments": "other",
    "_geolocation": "person",
    "_duration": "seconds",
    "_total_media": "other",
    "_media_count": "other",
    "_media_all_received": "other",
    "_date_modified": "other",
    "_supplementaldetails": "other",
    "formhub/uuid": "other",
    "instanceid": "other",
    "instancename": "person",
    "rootuuid": "other",
    "deprecatedid": "other",
    "submissiondate": "submitted",
    "completiondate": "other",
    "key": "respondent",
    "parent_key": "other",
    "submitterid": "person",
    "submittername": "person",
    "attachmentspresent": "other",
    "attachmentsexpected": "other",
    "reviewstate": "status",
    "formversion": "other",
    "formdef_version": "other",
    "is-complete": "status",
}
# XLSForm's names for what a device notes by itself; people write them in small letters only.
DEVICE = {
    "start": "started",
    "starttime": "started",
    "end": "other",
    "endtime": "other",
    "today": "other",
    "username": "person",
    "deviceid": "person",
    "subscriberid": "person",
    "simserial": "person",
    "simid": "person",
    "phonenumber": "person",
    "devicephonenum": "person",
    "email": "person",
    "audit": "timing",
    "background-audio": "person",
}
ODK_ONLY = {"DeviceID": "person", "Status": "status", "Edits": "other", "duration": "seconds"}
_KOBO = ("_uuid", "_submission_time", "_validation_status", "_submitted_by", "__version__", "formhub/uuid")
_KOBO_TOO = ("_id", "_index", "_status", "_notes", "_tags", "instanceid", "_xform_id_string", "_version", "_version_")
_ODK = ("submissiondate", "submitterid", "submittername", "instanceid", "reviewstate", "formversion", "formdef_version")
_META = re.compile(r"(?:.*[/:.-])?\*?(?:meta[/:.-])?(instance-?id|instance-?name|rootuuid|deprecatedid|is-complete)\*?")
_POINT = re.compile(r"(?P<group>.*[/:.-])?_(?P<name>.+)_(latitude|longitude|altitude|precision)")
_ODK_POINT = re.compile(r"(?P<name>.+)[-:](Latitude|Longitude|Altitude|Accuracy)")
_TAG = re.compile(r"#[a-z][a-z0-9_]*(\s*[+#]\s*[a-z0-9_]+)*", re.IGNORECASE)
_NAME = re.compile(r"[\w.-]+")
_SLASHES = ("/", " / ")
_OTHER_SEPARATORS = (":", ".", "|", "-", "_")
TICKS = ({"0", "1"}, {"true", "false"}, {"0.0", "1.0"})
NOT_ASKED = "n/a"
_NO_COUNT = ("spam", frozenset({"validation_status_not_approved", "not approved", "rejected", "未通过", "不批准"}))
SAID = {
    "is-complete": ("unfinished", frozenset({"false"})),
    "_validation_status": _NO_COUNT,
    "reviewstate": _NO_COUNT,
}
MAX_OPTIONS = 60


def recognises(grid: Grid) -> bool:
    """Whether a grid is such an export: three of KoBo's columns, or ODK's key with two others, or a table of repeats."""
    own = {_own(heading) for heading in grid.head()}
    kobo, too, odk = (len(own.intersection(names)) for names in (_KOBO, _KOBO_TOO, _ODK))
    repeats = own >= {"_parent_table_name", "_parent_index"}
    return repeats or (kobo > 0 and kobo + too > 2) or ("key" in own and (odk > 1 or _has_uuids(grid)))


def read(grid: Grid) -> RawTable:
    """Read a grid; see `survey.read_table`.

    Returns
    -------
    RawTable
        Names are the headings as they stand; one that stands several times (labels) is numbered. In ``.multiple`` a question
        has the columns of its options where there are any, else the one column of all of them, cut by a blank.
    """
    headings = grid.head()
    while headings and not headings[-1]:
        headings.pop()
    columns = once(headings)
    wording = {column: heading for column, heading in zip(columns, headings, strict=True) if column != heading}
    raw = table(
        grid,
        "kobo",
        columns,
        2 if _is_tags(grid.head(2)) else 1,
        wording=wording,
        metadata=_metadata(columns),
        separator=" ",
    )
    _add_no_answer(raw)
    _add_multiple(raw)
    _add_marks(raw)
    return raw


def _has_uuids(grid: Grid) -> bool:
    """Whether a table of repeats names its rows as ODK does."""
    head, first = [heading.casefold() for heading in grid.head()], grid.head(2)
    at = head.index("key") if "key" in head else len(first)
    return "parent_key" in head and at < len(first) and first[at].startswith("uuid:")


def _own(heading: str) -> str:
    """A platform's column by its own name, whatever group and spelling it stands in; in repeats it is the submission's."""
    name = heading.strip().casefold()
    if (whole := name.removeprefix("_submission_")) in FIELDS:
        return whole
    match = _META.fullmatch(name)
    return match[1].replace("instance-", "instance") if match else name


def _is_tags(cells: list[str]) -> bool:
    written = [cell for cell in cells if cell]
    return bool(written) and all(_TAG.fullmatch(cell) for cell in written)


def _metadata(columns: list[str]) -> dict[str, str]:
    found = {column: FIELDS[_own(column)] for column in columns if _own(column) in FIELDS}
    by_itself = DEVICE | ODK_ONLY if "KEY" in columns else DEVICE
    found |= {column: by_itself[column] for column in columns if column in by_itself}
    for column in columns:
        found |= dict.fromkeys(_of_point(column, columns), "person")
        if column.endswith("_URL") and column.removesuffix("_URL") in columns:
            found[column] = "person"
    return found


def _of_point(column: str, columns: list[str]) -> list[str]:
    """A geopoint's part, and the point itself where it has a column."""
    match = _POINT.fullmatch(column) or _ODK_POINT.fullmatch(column)
    if match is None:
        return []
    whole = (match.groupdict().get("group") or "") + match["name"]
    return [column, *(name for name in (whole, match["name"]) if name in columns)]


def _add_no_answer(raw: RawTable) -> None:
    if sum(column.any(NOT_ASKED.__eq__) for column in raw.encoded) > 1:  # in one column it may be what somebody wrote
        raw.no_answer["*"] = (NOT_ASKED,)


def _add_multiple(raw: RawTable) -> None:
    """First the questions whose options have columns, then those of one column only, where names are the form's own."""
    columns = [column for column in raw.columns if column not in raw.metadata]
    for question, sign, found in _options(columns):
        if question not in raw.multiple and (options := _ticked(raw, question, sign, found)):
            raw.multiple[question] = options
    named = all(" " not in column for column in columns)
    options_too = {*raw.multiple, *(column for options in raw.multiple.values() for column in options)}
    for column in columns:
        if named and column not in options_too and _is_list(raw.of(column)):
            raw.multiple[column] = [column]


def _options(columns: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Question, sign and columns: the longest heading that a column continues, else what stands before the last sign."""
    known = set(columns)
    found: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        signs = _SLASHES if "/" in column else _OTHER_SEPARATORS
        cuts = [(column[:n], sign) for sign in signs for n in range(1, len(column)) if column.startswith(sign, n)]
        wholes = [cut for cut in cuts if cut[0] in known]
        last = [(column.rpartition(sign)[0], sign) for sign in "/:" if column.rpartition(sign)[0]]
        for key in [max(wholes, key=lambda cut: len(cut[0]))] if wholes else last[:1]:
            found.setdefault(key, []).append(column)
    return [(question, sign, options) for (question, sign), options in found.items()]


def _ticked(raw: RawTable, question: str, sign: str, columns: list[str]) -> list[str]:
    """The columns that are options: ticks, in a row all filled or none; without the question's own column it takes two."""
    seen = {name: {_tick(cell) for cell in raw.of(name).distinct()} - {""} for name in columns}
    whole = question in raw.columns
    if whole:  # a question of another name may go on like this one's ("owns_other")
        columns = [name for name in columns if any(set() < seen[name] <= ticks for ticks in TICKS)]
    together = set().union(*(seen[name] for name in columns))
    if not any(set() < together <= ticks for ticks in TICKS) or len(columns) < 2 - whole:
        return []
    empty = np.sum([raw.of(name).where(lambda cell: not _tick(cell)) for name in columns], axis=0)
    if not ((empty == 0) | (empty == len(columns))).all():
        return []
    if whole and not _agrees(raw.of(question), [raw.of(name) for name in columns], exactly=sign not in _SLASHES):
        return []
    return columns


def _tick(cell: str) -> str:
    said = cell.strip().casefold()
    return "" if said == NOT_ASKED else said


def _agrees(whole: Column, options: list[Column], exactly: bool) -> bool:
    """Whether the question's own column has a word a tick; a label has several, so that it may be more behind a slash."""
    words = whole.map(lambda cell: 0 if cell == NOT_ASKED else len(cell.split()), np.int64)
    ticks = np.sum([option.where(lambda cell: _tick(cell) in ("1", "true", "1.0")) for option in options], axis=0)
    return bool((words == ticks).all() if exactly else (words >= ticks).all())


def _is_list(cells: Column) -> bool:
    """Whether a column holds lists of names: some of several, none twice in one, all in one order, and come back often."""
    if not cells.any(lambda cell: len(cell.split()) > 1):
        return False
    lists = [(cell.split(), n) for cell, n in cells.counts().items() if cell.strip() not in ("", NOT_ASKED)]
    longer = [(names, n) for names, n in lists if len(names) > 1]
    words = {name for names, _ in lists for name in names}
    several = sum(n for _, n in longer)
    if several < 2 or len(words) > MAX_OPTIONS or any(len(set(names)) < len(names) for names, _ in lists):
        return False
    if not all(_NAME.fullmatch(word) for word in words) or any(re.fullmatch(r"-?\d+\.\d+", word) for word in words):
        return False
    pairs = {(a, b) for names, _ in longer for n, a in enumerate(names) for b in names[n + 1 :]}
    often = 2 * sum(n * len(names) for names, n in lists) >= 3 * len(words)
    return often and not any((b, a) in pairs for a, b in pairs)


def _add_marks(raw: RawTable) -> None:
    """Aggregate says of a submission whether it came in whole; an office may have said that it is not to count."""
    marks: dict[str, set[int]] = {}
    for column in raw.columns:
        mark, words = SAID.get(_own(column), ("", frozenset()))
        if mark and raw.metadata.get(column) == "status":
            said = raw.of(column).where(partial(_is_one_of, words))
            marks.setdefault(mark, set()).update(raw.lines(said))
    raw.marks.update({mark: tuple(sorted(lines)) for mark, lines in marks.items() if lines})


def _is_one_of(words: frozenset[str], cell: str) -> bool:
    return cell.strip().casefold() in words
