"""What the tests of the readers share: rows saved as tools save them, refusals, and one small export of each tool.

The exports are written here by the tools' own rules (each reader's docstring names them); nothing in them is anybody's.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from survey import RawTable, Refused, read_table
from survey.faults import Fault
from survey.schema import Layout

Rows = list[list[str]]
DAY = "2024-03-05 10:00:00"


def saved(
    path: Path,
    rows: Rows,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    *,
    quoted: bool = False,
    end: str = "",
    numbers: bool = False,
    merged: Sequence[str] = (),
) -> Path:
    """Write rows as CSV, or by the path's ending as XLSX, or as the Parquet file that pandas makes of that CSV.

    `quoted`: every cell; `end`: what stands behind the last row; a workbook's cells are text, or whole numbers where they look
    so and `numbers` is set; `merged`: its merged cells.
    """
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([int(c) if numbers and c.lstrip("-").isdigit() else c or None for c in row])
        for cells in merged:
            book.active.merge_cells(cells)
        book.save(path)
    elif path.suffix == ".parquet":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        text.seek(0)
        pd.read_csv(text, dtype="str", keep_default_na=False).to_parquet(path, index=False)
    else:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(rows)
        path.write_bytes((text.getvalue() + end).encode(encoding))
    return path


def refused(path: Path, layout: Layout | None = None, platform: str | None = None) -> Fault:
    """The first fault for which a file is refused; it names the file alone, and has words in both languages."""
    with pytest.raises(Refused) as caught:
        read_table(path, layout=layout, platform=platform)
    fault = caught.value.faults[0]
    assert fault.file == path.name
    assert fault.en
    assert re.search("[\u4e00-\u9fff]", fault.zh)
    return fault


def told(path: Path, layout: Layout | None = None, platform: str | None = None) -> str:
    """Why a file without lines is refused."""
    fault = refused(path, layout, platform)
    assert fault.line == 0
    return fault.en


def outcome(path: Path, platform: str | None = None) -> RawTable | Fault:
    """What becomes of a file that may be broken: its table, or the fault for which it is refused in both languages."""
    try:
        return read_table(path, platform=platform)
    except Refused:
        return refused(path, platform=platform)


def columns_of(rows: Rows, keep: Callable[[int], bool]) -> Rows:
    """The columns whose place in the first row fits."""
    return [[cell for n, cell in enumerate(row) if keep(n)] for row in rows]


@dataclass(frozen=True)
class Export:
    """A small export: its platform, header rows, answers, and how the tool saves it."""

    platform: str
    header: Rows
    body: Rows
    save: Callable[..., Path]


def _kobo(path: Path, rows: Rows, delimiter: str = ";") -> Path:
    """KoBo's CSV: semicolons, every cell in quotes."""
    return saved(path, rows, delimiter, "utf-8", quoted=True)


def _limesurvey(path: Path, rows: Rows, delimiter: str = ";") -> Path:
    """LimeSurvey's CSV: a BOM, semicolons, every cell in quotes, an empty line at the end."""
    return saved(path, rows, delimiter, quoted=True, end="\r\n")


def _qualtrics(path: Path, rows: Rows) -> Path:
    """Qualtrics' CSV has a BOM, its TSV is UTF-16."""
    return saved(path, rows, "\t", "utf-16") if path.suffix == ".tsv" else saved(path, rows)


def _kobo_answer(n: int, owns: str, ticks: list[str]) -> list[str]:
    start, end = "2024-03-05T10:00:00.000+08:00", "2024-03-05T10:09:00.000+08:00"
    own = [str(100 + n), f"0a1b{n}", "2024-03-05T02:10:00", "", "", "submitted_via_web", "", "vX", "", str(n)]
    return [start, end, "2024-03-05", "u", "d", "north", owns, *ticks, "", "1.5 2.5 0 0", "1.5", "2.5", "0", "0", *own]


KOBO_OWN = ["_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by"]
KOBO_OWN += ["__version__", "_tags", "_index"]
_KOBO = ["start", "end", "today", "username", "deviceid", "office", "owns", "owns/radio", "owns/tv", "owns/bike"]
_KOBO += ["owns_other", "place", "_place_latitude", "_place_longitude", "_place_altitude", "_place_precision"]
KOBO = Export(
    "kobo",
    [[*_KOBO, *KOBO_OWN]],
    [
        _kobo_answer(1, "radio bike", ["1", "0", "1"]),
        _kobo_answer(2, "", ["", "", ""]),
        _kobo_answer(3, "tv", ["0", "1", "0"]),
        _kobo_answer(4, "radio tv", ["1", "1", "0"]),
    ],
    _kobo,
)

_LIME = ["id", "submitdate", "lastpage", "startlanguage", "seed", "startdate", "datestamp", "ipaddr", "refurl"]
_LIME += ["G01Q01", "G01Q01[other]", "G02Q02[SQ001]", "G02Q02[SQ002]", "G02Q02[other]", "G03Q03[SQ001]"]
_LIME += ["G03Q03[SQ002]", "G04Q04[1]", "G04Q04[2]", "interviewtime", "groupTime12", "G01Q01Time"]
_LIME_FIRST = ["1", DAY, "3", "en", "1234567890", DAY, DAY, "10.0.0.1", "https://a.example"]
LIMESURVEY = Export(
    "limesurvey",
    [_LIME],
    [
        [*_LIME_FIRST, "A1", "", "Y", "", "by letter", "A2", "A5", "A1", "A3", "81.5", "40.2", "41.3"],
        ["2", "", "1", "en", "987654321", DAY, DAY, "10.0.0.2", "", "-oth-", "mine", *[""] * 7, "9", "9", ""],
        ["3", *_LIME_FIRST[1:], "A2", "", "Y", "Y", "", "A4", "A1", "A3", "A1", "60", "30", "30"],
    ],
    _limesurvey,
)
LIME_TEXTS = ["Response ID", "Date submitted", "Last page", "Start language", "Seed", "Date started"]
LIME_TEXTS += ["Date last action", "IP address", "Referrer URL", "Which office?", "Which office? [Other]"]
LIME_TEXTS += ["How reached? [Mail, post]", "How reached? [Phone]", "How reached? [Other]", "Content with [Place]"]
LIME_TEXTS += ["Content with [Hours [evening]]", "Order [Rank 1]", "Order [Rank 2]", "Total time", "Group time: One"]
LIME_TEXTS += ["Question time: G01Q01"]

QUALTRICS_FIXED = {
    "StartDate": ("Start Date", "startDate"),
    "EndDate": ("End Date", "endDate"),
    "Status": ("Response Type", "status"),
    "IPAddress": ("IP Address", "ipAddress"),
    "Progress": ("Progress", "progress"),
    "Duration (in seconds)": ("Duration (in seconds)", "duration"),
    "Finished": ("Finished", "finished"),
    "RecordedDate": ("Recorded Date", "recordedDate"),
    "ResponseId": ("Response ID", "_recordId"),
    "DistributionChannel": ("Distribution Channel", "distributionChannel"),
    "UserLanguage": ("User Language", "userLanguage"),
}
_QUESTIONS = [
    ("Q1", "How content are\nyou?", {"ImportId": "QID1"}),
    ("Q5_1", "Where? - Selected Choice - Library", {"ImportId": "QID5", "choiceId": "1"}),
    ("Q5_4", "Where? - Selected Choice - Other", {"ImportId": "QID5", "choiceId": "4"}),
    ("Q5_4_TEXT", "Where? - Other - Text", {"ImportId": "QID5_4_TEXT"}),
    ("Q5_DO_1", "Where? - Display Order - Library", {"ImportId": "QID5_DO", "choiceId": "1"}),
    ("Q5_DO_4", "Where? - Display Order - Other", {"ImportId": "QID5_DO", "choiceId": "4"}),
    ("Q6_1", "Agree? - Rooms", {"ImportId": "QID6_1"}),
    ("Q6_2", "Agree? - Hours", {"ImportId": "QID6_2"}),
    ("T_First Click", "Timing - First Click", {"ImportId": "QID7_FIRST_CLICK"}),
    ("T_Click Count", "Timing - Click Count", {"ImportId": "QID7_CLICK_COUNT"}),
]
_OBJECTS = [*[{"ImportId": id_} for _, id_ in QUALTRICS_FIXED.values()], *[id_ for *_, id_ in _QUESTIONS]]
QUALTRICS_TICKS = ["5", "1", "1", "the yard", "2", "1", "4", "5", "1.5", "3"]
QUALTRICS_NONE = ["-99", "", "1", "", "1", "2", "1", "1", "1.5", "3"]


def qualtrics_answer(
    n: int, cells: list[str], status: str = "0", finished: str = "1", progress: str = "100"
) -> list[str]:
    """A row of the export, with the question's cells."""
    id_ = f"R_{n:015d}"
    return [DAY, DAY, status, "192.0.2.1", progress, "90", finished, DAY, id_, "anonymous", "EN", *cells]


QUALTRICS = Export(
    "qualtrics",
    [
        [*QUALTRICS_FIXED, *[name for name, *_ in _QUESTIONS]],
        [*[text for text, _ in QUALTRICS_FIXED.values()], *[text for _, text, _ in _QUESTIONS]],
        [json.dumps(object_, separators=(",", ":")) for object_ in _OBJECTS],
    ],
    [qualtrics_answer(1, QUALTRICS_TICKS), qualtrics_answer(2, QUALTRICS_NONE)],
    _qualtrics,
)

GIZMO_KINDS = {
    "Response ID": "respondent",
    "Time Started": "started",
    "Date Submitted": "submitted",
    "Status": "status",
    "Contact ID": "person",
    "Legacy Comments": "other",
    "Comments": "other",
    "Language": "language",
    "Referer": "source",
    "SessionID": "other",
    "User Agent": "other",
    "Extended Referer": "source",
    **dict.fromkeys(("IP Address", "Longitude", "Latitude", "Country", "City", "State/Region", "Postal"), "person"),
}
WRITE_IN = "Other - Write In (Required)"
GIZMO_ROOMS = ["Hall:Which rooms do you use?", "Library: quiet:Which rooms do you use?"]
GIZMO_ROOMS += [f"{WRITE_IN}:Which rooms do you use?"] * 2
_GIZMO_REST = ["Rooms:How content are you with:", "Hours:How content are you with:", "What is your role?"]
_GIZMO_REST += ["Other - Write In:What is your role?"]


def gizmo_answer(n: int, cells: list[str], status: str = "Complete") -> list[str]:
    """A row of the export, with the question's cells."""
    return [str(n), DAY, DAY, status, "", "", "", "English", "", "s1", "agent", "", "192.0.2.1", *[""] * 6, *cells]


SURVEYGIZMO = Export(
    "surveygizmo",
    [[*GIZMO_KINDS, *GIZMO_ROOMS, *_GIZMO_REST]],
    [
        gizmo_answer(1, ["Hall", "Library: quiet", "", "", "Agree", "Disagree", "Staff", ""]),
        gizmo_answer(2, ["", "Library: quiet", WRITE_IN, "the yard", "Agree", "Agree", WRITE_IN, "guest"]),
        gizmo_answer(3, ["Hall", "", "", "", "Neutral", "", "", ""]),
    ],
    partial(saved, encoding="utf-8", quoted=True),
)

MONKEY_FIXED = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address"]
MONKEY_FIXED += ["First Name", "Last Name", "Custom Data 1"]
MONKEY_ASKED = ["Which rooms?", "", "", "", "How content?", "", "How long?", "", "Anything else?"]
MONKEY_SECOND = ["Hall", "Library", "Yard", "Other (please specify)", "Rooms", "Hours", "Response"]
MONKEY_SECOND += ["Other (please specify)", "Open-Ended Response"]
_MONKEY_DAY = "03/13/2020 5:53:38 AM"


def monkey_answer(n: int, cells: list[str], end: str = _MONKEY_DAY) -> list[str]:
    """A row of the export, with the question's cells."""
    return [str(11415363257 + n), "254535004", _MONKEY_DAY, end, "192.0.2.1", "", "", "", "", *cells]


SURVEYMONKEY = Export(
    "surveymonkey",
    [MONKEY_FIXED + MONKEY_ASKED, [""] * 9 + MONKEY_SECOND],
    [
        monkey_answer(1, ["Hall", "Library", "", "", "Good", "Poor", "1 year", "", "thanks"]),
        monkey_answer(2, ["", "Library", "", "the roof", "Poor", "Poor", "", "since May", ""]),
        monkey_answer(3, ["", "", "", "", "Good", "Fair", "2 years", "", ""]),
    ],
    partial(saved, merged=("J1:M1", "N1:O1")),  # one cell a question
)

WENJUANXING_OWN = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
WENJUANXING_FIRST = ["1", "2024/3/5 10:00:00", "87秒", "微信", "昵称甲", "10.0.0.1(浙江-杭州)"]
WENJUANXING_SECOND = ["2", "2024/3/5 10:05:00", "102秒", "链接", "直接访问", "10.0.0.2(浙江-宁波)"]
WENJUANXING = Export(
    "wenjuanxing",
    [[*WENJUANXING_OWN, "1、性别", "2、爱好", "3、评价—环境", "3、评价—服务"]],
    [
        [*WENJUANXING_FIRST, "男", "运动┋看书", "满意", "(跳过)"],
        [*WENJUANXING_SECOND, "女", "看书", "一般", "满意"],
    ],
    partial(saved, encoding="gb18030", numbers=True),
)
WEB_FORM = Export(
    "plain",
    [["提交者（自动）", "提交时间（自动）", "满意度（必填）", "3.去过:书店", "3.去过:公园"]],
    [["甲乙丙丁戊", DAY, "很满意", "书店", ""], ["己庚辛壬癸", DAY, "一般", "", "公园"]],
    saved,
)
EXPORTS = (KOBO, LIMESURVEY, QUALTRICS, SURVEYGIZMO, SURVEYMONKEY, WENJUANXING, WEB_FORM)
