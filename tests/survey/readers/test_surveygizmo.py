"""SurveyGizmo's (Alchemer's) exports in the forms that published scripts read; no real one is at hand.

The file of `carpentries_longterm` came from such a tool, but nothing of it is left in its headings: it must be read as plain.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from survey import RawTable, Refused, read_table
from tests.survey.readers.exports import GIZMO_KINDS, SURVEYGIZMO, WRITE_IN, columns_of
from tests.survey.readers.exports import GIZMO_ROOMS as ROOMS
from tests.survey.readers.exports import gizmo_answer as answer

FIXED = list(GIZMO_KINDS)
(HEAD,), BODY, saved = SURVEYGIZMO.header, SURVEYGIZMO.body, SURVEYGIZMO.save


def options(raw: RawTable) -> list[list[int]]:
    return [[list(raw.frame.columns).index(column) for column in columns] for columns in raw.multiple.values()]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_an_export(tmp_path: Path, name: str) -> None:
    raw = read_table(saved(tmp_path / name, [HEAD, *BODY]))
    assert (raw.platform, raw.marks, raw.ragged) == ("surveygizmo", {}, ())
    assert raw.frame.to_numpy().tolist() == BODY
    assert raw.metadata == GIZMO_KINDS
    # The text of "Other" stands under the same heading as its tick, and is no option; a grid's rows are none either.
    assert list(raw.multiple) == ["Which rooms do you use?"]
    assert options(raw) == [[19, 20, 21]]
    assert raw.frame.columns[22] == f"{ROOMS[3]}.2"
    assert raw.wording[f"{ROOMS[3]}.2"] == ROOMS[3]


@pytest.mark.parametrize("gone", [["IP Address", "Country", "City"], FIXED[4:], ["Response ID", "Status"]])
def test_columns_of_the_platform_may_be_left_out(tmp_path: Path, gone: list[str]) -> None:
    rows = columns_of([HEAD, *BODY], lambda n: HEAD[n] not in gone)
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert raw.platform == "surveygizmo"
    assert list(raw.metadata) == [name for name in FIXED if name not in gone]


def test_the_option_may_stand_last(tmp_path: Path) -> None:
    head = [*FIXED, *["Which rooms: now?:Hall", "Which rooms: now?:Library: quiet", f"Which rooms: now?:{WRITE_IN}"]]
    rows = [row[:22] for row in BODY]
    raw = read_table(saved(tmp_path / "a.csv", [head, *rows]))
    assert (list(raw.multiple), options(raw)) == (["Which rooms: now?"], [[19, 20, 21]])


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([["1", "2", ""], ["", "2", "10"], ["1", "", ""]], [[19, 20, 21]]),  # reporting values
        ([["1", "1", "0"], ["0", "1", "1"], ["1", "0", "0"]], [[19, 20, 21]]),
        ([["Hall", "Library: quiet", ""], ["", "", "mine"], ["Hall", "", ""]], [[19, 20, 21]]),  # the text alone
        ([["3", "1", "2"], ["1", "2", "3"], ["1", "", "2"]], []),  # a ranking
        ([["", "", ""], ["", "", ""], ["", "", ""]], []),
    ],
)
def test_forms_of_a_tick(tmp_path: Path, cells: list[list[str]], found: list[list[int]]) -> None:
    head = [*FIXED, *ROOMS[:3], "Role"]
    rows = [[*row[:19], *ticks, "Staff"] for row, ticks in zip(BODY, cells, strict=True)]
    assert options(read_table(saved(tmp_path / "a.csv", [head, *rows]))) == found


def test_status_and_test_data(tmp_path: Path) -> None:
    head = [*FIXED, "Is Test Data?", *HEAD[19:]]
    statuses = ["Complete", "Partial", "Disqualified", "Deleted", "Complete"]
    rows = [answer(n, ["Yes" if n == 4 else "No", *BODY[0][19:]], status) for n, status in enumerate(statuses)]
    raw = read_table(saved(tmp_path / "a.csv", [head, *rows]))
    assert raw.marks == {"unfinished": (3, 4), "spam": (5,), "test": (6,)}
    assert raw.metadata["Is Test Data?"] == "status"
    assert len(raw.frame) == 5


def test_url_variables_belong_to_the_platform_and_a_question_of_the_same_name_does_not(tmp_path: Path) -> None:
    head = [*FIXED, "URL Variable: wave", "URL Variable: src", "Which rooms?", "Country", "Status"]
    rows = [[*row[:19], "2", "mail", "Hall", "Norway", "Married"] for row in BODY]
    raw = read_table(saved(tmp_path / "a.csv", [head, *rows]))
    assert (raw.metadata["URL Variable: src"], raw.multiple) == ("other", {})
    assert "Country.2" not in raw.metadata
    kept = columns_of([head, *rows], lambda n: n > 18 or head[n] not in ("Country", "Status"))
    raw = read_table(saved(tmp_path / "b.csv", kept))
    assert "Country" not in raw.metadata


def test_line_breaks_in_headings(tmp_path: Path) -> None:
    head = [*HEAD[:19], *[name.replace("do you", "do\nyou") for name in HEAD[19:]]]
    raw = read_table(saved(tmp_path / "a.csv", [head, *BODY]))
    assert list(raw.multiple) == ["Which rooms do you use?"]


def test_shuffled_columns_are_the_same_cells(tmp_path: Path) -> None:
    order = [(5 * n + 2) % len(HEAD) for n in range(len(HEAD))]
    rows = [[row[n] for n in order] for row in [HEAD, *BODY]]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert (raw.platform, raw.frame.to_numpy().tolist()) == ("surveygizmo", rows[1:])
    assert [raw.metadata[name] for name in ("Response ID", "Status", "Date Submitted")] == [
        "respondent",
        "status",
        "submitted",
    ]


def test_broken_exports(tmp_path: Path) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [HEAD, *BODY, BODY[0][:9]]))
    assert (len(raw.frame), raw.ragged) == (3, (5,))
    with pytest.raises(Refused, match="no rows"):
        read_table(saved(tmp_path / "b.csv", [HEAD]))
    with pytest.raises(Refused) as caught:  # without its header an export is no table that names its columns
        read_table(saved(tmp_path / "c.csv", BODY))
    assert "192.0.2.1" not in caught.value.faults[0].en


def test_a_file_without_the_platforms_columns_is_plain(real_table: Callable[[str, str], RawTable]) -> None:
    raw = real_table("carpentries_longterm", "longterm_October2017.csv")
    # Its options lie in columns called Column2, Column3 ...: which belong together is for the mapping to say.
    assert (raw.platform, raw.frame.shape, raw.multiple) == ("plain", (476, 75), {})
