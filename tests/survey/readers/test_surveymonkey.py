"""SurveyMonkey's exports: six real files of one foundation, and the tool's other forms, written here.

Facts of the real files were counted in them by hand (a table of each column's values). No figure has a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from survey import RawTable, read_table
from tests.survey.readers.exports import DAY, SURVEYMONKEY, refused
from tests.survey.readers.exports import MONKEY_ASKED as ASKED
from tests.survey.readers.exports import MONKEY_FIXED as FIXED
from tests.survey.readers.exports import MONKEY_SECOND as SECOND
from tests.survey.readers.exports import monkey_answer as answer

(TOP, BOTTOM), BODY, saved = SURVEYMONKEY.header, SURVEYMONKEY.body, SURVEYMONKEY.save
ROOMS = [f"Which rooms? [{sub}]" for sub in SECOND[:4]]


def with_ticks(rows: list[list[str]]) -> list[list[str]]:
    """The export with other cells in the three columns of rooms and the two of the matrix."""
    return [[*row[:9], *cells[:3], row[12], *cells[3:], *row[15:]] for row, cells in zip(BODY, rows, strict=True)]


def test_what_the_real_exports_hold(real_table: Callable[[str, str], RawTable]) -> None:
    raw = real_table("cncf_member_surveys", "CNCF_TOC_Survey_2020_H1.csv")
    statements = [c for c in raw.frame.columns if c.startswith("To what extent do you agree")]
    assert len(statements) == 10  # rows of a matrix, no options
    assert not set(statements).intersection(*raw.multiple.values())
    interact = next(columns for key, columns in raw.multiple.items() if key.startswith("How do you currently interact"))
    assert interact[-1].endswith("[Other (please specify)]")
    assert (raw.frame[interact[0]] != "").sum() == 24  # counted in the file
    member = real_table("cncf_member_surveys", "CNCF_Marketing_and_Member_Survey_1H_2020.csv")
    programs = next(columns for key, columns in member.multiple.items() if "programs are valuable" in key)
    assert programs[-1].endswith("[None]")  # the comment beside it is no option
    assert "How long have you been a member of CNCF?" in member.frame


@pytest.mark.parametrize(("name", "blank"), [("a.csv", False), ("a.csv", True), ("a.xlsx", False)])
def test_two_header_rows(tmp_path: Path, name: str, blank: bool) -> None:
    top = [cell or (f"Unnamed: {n}" if blank else "") for n, cell in enumerate(TOP)]
    raw = read_table(saved(tmp_path / name, [top, BOTTOM, *BODY]))
    assert raw.platform == "surveymonkey"
    assert raw.frame.to_numpy().tolist() == BODY
    assert raw.frame.index.tolist() == [3, 4, 5]
    assert list(raw.frame.columns[9:]) == [
        *ROOMS,
        "How content? [Rooms]",
        "How content? [Hours]",
        "How long?",
        "How long? [Other (please specify)]",
        "Anything else?",
    ]
    assert raw.multiple == {"Which rooms?": ROOMS}
    kinds = ["respondent", "source", "started", "submitted", "person", "person", "person", "person", "person"]
    assert raw.metadata == dict(zip(FIXED, kinds, strict=True))


def test_a_question_filled_to_the_right(tmp_path: Path) -> None:
    top = [*FIXED, *["Which rooms?"] * 4, *["How content?"] * 2, *["How long?"] * 2, "Anything else?"]
    raw = read_table(saved(tmp_path / "a.csv", [top, BOTTOM, *BODY]))
    assert raw.multiple == {"Which rooms?": ROOMS}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([["Hall", "Library", "", "1", "5"], ["", "Library", "", "4", "5"], ["", "", "", "1", "2"]], True),
        ([["1", "1", "0", "1", "5"], ["0", "1", "0", "4", "5"], ["0", "0", "0", "1", "2"]], True),
        ([["1", "2", "", "1", "5"], ["", "2", "", "4", "5"], ["1", "", "3", "1", "2"]], True),  # the option's number
        ([["1", "1", "", "1", "5"], ["", "1", "", "4", "5"], ["1", "", "1", "1", "2"]], True),
        ([["1", "3", "2", "1", "5"], ["2", "1", "3", "4", "5"], ["3", "2", "1", "1", "2"]], False),  # a ranking
        ([["Hall", "Hall", "", "1", "5"], ["", "Library", "", "4", "5"], ["", "", "", "1", "2"]], False),
        ([["", "", "", "1", "5"], ["", "", "", "4", "5"], ["", "", "", "1", "2"]], False),  # nobody ticked: unknown
    ],
)
def test_forms_of_a_tick(tmp_path: Path, cells: list[list[str]], found: bool) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [TOP, BOTTOM, *with_ticks(cells)]))
    assert raw.multiple == ({"Which rooms?": ROOMS} if found else {})


def test_a_comment_is_no_option(tmp_path: Path) -> None:
    bottom = [*BOTTOM[:12], "Tell us more", *BOTTOM[13:]]
    raw = read_table(saved(tmp_path / "a.csv", [TOP, bottom, *BODY]))
    assert raw.multiple == {"Which rooms?": ROOMS[:3]}
    assert raw.frame["Which rooms? [Tell us more]"].tolist() == ["", "the roof", ""]


def test_without_columns_of_the_platform(tmp_path: Path) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [ASKED, SECOND, *[row[9:] for row in BODY]]))
    assert (raw.platform, raw.metadata, raw.multiple) == ("surveymonkey", {}, {"Which rooms?": ROOMS})
    single = [["Content?", "Age?"], ["Response", "Open-Ended Response"], ["Good", "41"]]
    assert read_table(saved(tmp_path / "b.csv", single)).frame.to_numpy().tolist() == [["Good", "41"]]


def test_another_language_of_the_interface(tmp_path: Path) -> None:
    fixed = ["受访者编号", "收集器编号", "开始日期", "结束日期", "IP 地址", "邮件", "名", "姓", "自定义数据"]
    bottom = ["回答" if sub == "Response" else "开放式回答" if "Open" in sub else sub for sub in BOTTOM]
    bottom = [sub.replace("Other (please specify)", "其他（请注明）") for sub in bottom]
    raw = read_table(saved(tmp_path / "a.csv", [[*fixed, *ASKED], bottom, *BODY]))
    assert raw.platform == "surveymonkey"
    assert list(raw.metadata.values()) == ["respondent", "source", "started", "submitted", *["person"] * 5]
    assert [len(columns) for columns in raw.multiple.values()] == [4]
    assert "How long?" in raw.frame


def test_questions_of_one_wording_stay_apart(tmp_path: Path) -> None:
    top = [*FIXED[:4], "Comment", "Comment", "Which?", "", "Which?", ""]
    bottom = ["", "", "", "", "Open-Ended Response", "Open-Ended Response", "A", "B", "A", "B"]
    rows = [[*row[:4], "x", "y", "A", "", "", "B"] for row in BODY]
    raw = read_table(saved(tmp_path / "a.csv", [top, bottom, *rows]))
    assert list(raw.frame.columns[4:8]) == ["Comment", "Comment.2", "Which? [A]", "Which? [B]"]
    assert raw.multiple == {"Which?": ["Which? [A]", "Which? [B]"], "Which?.2": ["Which? [A].2", "Which? [B].2"]}
    assert raw.wording["Comment.2"] == "Comment"


def test_newer_fixed_columns_and_status(tmp_path: Path) -> None:
    top = ["Respondent ID", "Collector ID", "Date Created", "Date Modified", "Response Status", "Content?"]
    rows = [["118", "4", DAY, DAY, status, "Good"] for status in ("Complete", "Partial")]
    raw = read_table(saved(tmp_path / "a.csv", [top, ["", "", "", "", "", "Response"], *rows]))
    assert list(raw.metadata.values()) == ["respondent", "source", "started", "submitted", "status"]
    assert raw.marks == {"unfinished": (4,)}


def test_an_answer_without_an_end_is_unfinished(tmp_path: Path) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [TOP, BOTTOM, *BODY, answer(4, BODY[0][9:], end="")]))
    assert raw.marks == {"unfinished": (6,)}


def test_a_deleted_second_header_row(tmp_path: Path) -> None:
    fault = refused(saved(tmp_path / "a.csv", [TOP, *BODY]))
    assert (fault.line, "second header row" in fault.en) == (1, True)
    top = [*FIXED[:4], "Content?"]
    raw = read_table(saved(tmp_path / "b.csv", [top, *[[*row[:4], "Good"] for row in BODY]]))
    assert (raw.platform, len(raw.frame), list(raw.frame.columns)) == ("surveymonkey", 3, top)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 10, 9, 11], [0, 1, 2, 3, 9, 10, 14, 15, 16, 17, 11, 12]])
def test_moved_columns_are_refused_or_read_no_worse(tmp_path: Path, order: list[int]) -> None:
    rows = [[row[n] for n in order] for row in [TOP, BOTTOM, *BODY]]
    if order[4] == 10:
        assert "no question above it" in refused(saved(tmp_path / "a.csv", rows)).en
    else:
        raw = read_table(saved(tmp_path / "a.csv", rows))
        assert raw.frame.to_numpy().tolist() == rows[2:]


def test_a_truncated_answer_is_kept_apart(tmp_path: Path) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [TOP, BOTTOM, *BODY, BODY[0][:12]]))
    assert (len(raw.frame), raw.ragged) == (3, (6,))
    assert "no rows" in refused(saved(tmp_path / "b.csv", [TOP, BOTTOM])).en
