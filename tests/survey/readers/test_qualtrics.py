"""Qualtrics' exports: one real file, and the tool's other forms written here.

Facts of the real file were counted in it by hand (a table of each column's values). No figure has a tolerance.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from survey import RawTable, read_table
from tests.survey.readers.exports import DAY, QUALTRICS, refused
from tests.survey.readers.exports import QUALTRICS_NONE as NONE
from tests.survey.readers.exports import QUALTRICS_TICKS as TICKS
from tests.survey.readers.exports import qualtrics_answer as answer

HEADER, BODY, saved = QUALTRICS.header, QUALTRICS.body, QUALTRICS.save
NAMES, TEXTS, IDS = HEADER


def test_the_real_export(real_table: Callable[[str, str], RawTable]) -> None:
    raw = real_table("qualtrics_voting", "qualtrics_export.csv")
    # 159 records: three of the header, whose texts have line breaks, so that the first answer begins on line 118.
    assert (raw.platform, raw.frame.shape, raw.ragged) == ("qualtrics", (156, 195), ())
    assert raw.frame.index[0] == 118
    assert list(raw.frame.columns[:3]) == ["StartDate", "EndDate", "Status"]
    assert raw.wording["gender"] == "With which gender do you identify?"
    # 28 timing questions of four columns; nobody's status is other than 0; 22 did not finish.
    assert sum(kind == "timing" for kind in raw.metadata.values()) == 4 * 28
    assert sorted(raw.marks) == ["unfinished"]
    assert len(raw.marks["unfinished"]) == 22
    # Approval of five colours is one column of codes; matrix rows and constant sums are questions of their own.
    assert (raw.multiple, raw.separator) == ({"practice_m4.1": ["practice_m4.1"]}, ",")
    assert raw.frame["practice_m4.1"].iloc[0] == "4,5"
    assert raw.metadata["install4 - Topics"] == "other"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx"])
def test_three_header_rows(tmp_path: Path, name: str) -> None:
    raw = read_table(saved(tmp_path / name, HEADER + BODY))
    assert raw.platform == "qualtrics"
    assert raw.frame.to_numpy().tolist() == BODY
    assert list(raw.frame.columns) == NAMES
    assert raw.wording["Q1"] == "How content are you?"
    assert (raw.multiple, raw.separator) == ({"Q5": ["Q5_1", "Q5_4"]}, "")
    assert [raw.metadata[c] for c in ("ResponseId", "EndDate", "Duration (in seconds)", "IPAddress", "Q5_DO_1")] == [
        "respondent",
        "submitted",
        "seconds",
        "person",
        "other",
    ]
    assert raw.no_answer == {"Q1": ("-99",)}
    assert raw.marks == {}


def test_another_language_of_the_interface(tmp_path: Path) -> None:
    texts = [f"Feld {n}" for n in range(len(NAMES))]
    names = ["Startdatum", *NAMES[1:5], "Dauer (in Sekunden)", *NAMES[6:]]
    rows = [names, texts, IDS, answer(1, TICKS, "Umfragevorschau", "Wahr"), answer(2, NONE, "IP-Adresse", "Falsch")]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert [raw.metadata[c] for c in ("Startdatum", "Dauer (in Sekunden)")] == ["started", "seconds"]
    assert raw.marks == {"preview": (4,), "unfinished": (5,)}


@pytest.mark.parametrize(
    ("status", "marks"),
    [
        ("0", []),
        ("IP Address", []),
        ("1", ["preview"]),
        ("Survey Preview", ["preview"]),
        ("2", ["test"]),
        ("Survey Test", ["test"]),
        ("4", []),
        ("Imported", []),
        ("8", ["spam"]),
        ("Spam", ["spam"]),
        ("9", ["preview", "spam"]),
        ("Spam Survey Preview", ["preview", "spam"]),
        ("12", ["spam"]),
        ("16", []),
        ("Offline", []),
        ("17", ["preview"]),
        ("32", []),
        ("36", []),
        ("40", ["spam"]),
        ("问卷预览", ["preview"]),
    ],
)
def test_status_is_a_sum_of_bits_or_words(tmp_path: Path, status: str, marks: list[str]) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [*HEADER, *BODY, answer(3, TICKS, status)]))
    assert raw.marks == dict.fromkeys(marks, (7,))  # line 5: the question's text has a line break


@pytest.mark.parametrize(
    ("finished", "marked"), [("0", 1), ("False", 1), ("FALSE", 1), ("否", 1), ("True", 0), ("1", 0)]
)
def test_unfinished_answers(tmp_path: Path, finished: str, marked: int) -> None:
    raw = read_table(saved(tmp_path / "a.xlsx", [*HEADER, answer(1, TICKS, "0", finished, "40")]))
    assert len(raw.marks.get("unfinished", ())) == marked


def test_progress_tells_where_finished_is_left_out_and_the_channel_where_status_is(tmp_path: Path) -> None:
    rows = [*HEADER, answer(1, TICKS), answer(2, TICKS, progress="85")]
    rows[3][9] = "preview"
    gone = (2, 6)
    kept = [[cell for n, cell in enumerate(row) if n not in gone] for row in rows]
    assert read_table(saved(tmp_path / "a.csv", kept)).marks == {"preview": (5,), "unfinished": (6,)}


OLD_META = ["ResponseID", "ResponseSet", "IPAddress", "StartDate", "EndDate", "RecipientEmail", "ExternalDataReference"]
OLD_META += ["Finished", "Status"]
OLD = ["R_2sPsOsGV0GSrLJb", "Default Response Set", "192.0.2.1", DAY, DAY, "", "", "1", "0"]


def test_the_oldest_form_has_v_names_and_two_rows(tmp_path: Path) -> None:
    top = [*[f"V{n}" for n in range(1, 10)], "Q1", "Q5_1", "Q5_2", "Q6_1", "Q6_2"]
    texts = [*OLD_META, "Content?", "Where?-Library", "Where?-Yard", "Agree?-Rooms", "Agree?-Hours"]
    rows = [top, texts, [*OLD, "5", "1", "", "4", "1"], [*OLD[:-1], "1", "4", "1", "1", "2", "1"]]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert (raw.platform, len(raw.frame), list(raw.frame.columns)) == ("qualtrics", 2, top)
    assert raw.wording["V1"] == "ResponseID"
    assert [raw.metadata[c] for c in ("V1", "V5", "V6", "V9")] == ["respondent", "submitted", "person", "status"]
    assert raw.multiple == {"Q5": ["Q5_1", "Q5_2"]}
    assert raw.marks == {"preview": (4,)}


def test_the_legacy_exporter_quotes_ids_otherwise(tmp_path: Path) -> None:
    ids = ["{'ImportId': 'responseId'}", "{'ImportId': 'startDate'}", "{'ImportId': 'panel-RecipientEmail'}"]
    ids += ["{'ImportId': 'Location-LocationLatitude'}", "{'ImportId': 'QID2'}"]
    names = ["ResponseID", "StartDate", "RecipientEmail", "LocationLatitude", "Q1"]
    rows = [names, [*names[:4], "Which?"], ids, [OLD[0], DAY, "", "30.1", "1,3"], [OLD[0], DAY, "", "", "2"]]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert list(raw.metadata.values()) == ["respondent", "started", "person", "person"]
    assert (raw.multiple, raw.separator, raw.frame.shape) == ({"Q1": ["Q1"]}, ",", (2, 5))


@pytest.mark.parametrize("rows", [[NAMES, TEXTS], [NAMES]])
def test_workbooks_without_ids_and_files_whose_other_header_rows_were_deleted(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    raw = read_table(saved(tmp_path / "a.xlsx", [*rows, *BODY, answer(3, TICKS, "1")]))
    assert (raw.platform, len(raw.frame)) == ("qualtrics", 3)
    assert raw.marks == {"preview": (len(rows) + 3,)}
    assert raw.metadata["T_Click Count"] == "timing"


def joined(tmp_path: Path, id_: str, cells: list[str]) -> RawTable:
    return read_table(
        saved(tmp_path / "a.csv", [["A", "B"], ["a", "b"], ['{"ImportId":"_recordId"}', json.dumps({"ImportId": id_})]]
              + [["R_1", cell] for cell in cells])
    )  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "cells", "found"),
    [
        ("QID4", ["1,3", "2"], True),
        ("1_QID4", ["1,3", "-99"], True),
        ("QID4", ["Library,Yard", "Yard", "Hall"], True),
        ("QID4", ["Yes, often", "No, never"], False),
        ("QID4_TEXT", ["1,3", "2"], False),
        ("QID4_1", ["3,5", "4,2"], False),  # a slider with decimal commas
        ("QID4_1", ["1,2,5", "2"], True),
        ("QID4_DO", ["1,2", "2,1"], False),
        ("mine", ["1,3", "2"], False),
        ("QID4", ["1", "2"], False),
    ],
)
def test_choices_in_one_column(tmp_path: Path, id_: str, cells: list[str], found: bool) -> None:
    raw = joined(tmp_path, id_, cells)
    assert raw.multiple == ({"B": ["B"]} if found else {})
    assert raw.separator == ("," if found else "")


def test_choices_without_a_choice_id_are_known_by_their_cells(tmp_path: Path) -> None:
    names = ["ResponseId", "Q2_1", "Q2_2", "Q3_1", "Q3_2", "Q4_1", "Q4_2"]
    texts = ["Response ID", "W? - A", "W? - B", "M? - r", "M? - s", "W? - A", "W? - B"]
    ids = ["_recordId", "QID2_1", "QID2_2", "QID3_1", "QID3_2", "QID4_1", "QID4_2"]
    cells = [["R_1", "1", "", "1", "1", "A", "B"], ["R_2", "1", "1", "1", "1", "", "B"]]
    raw = read_table(saved(tmp_path / "a.csv", [names, texts, [json.dumps({"ImportId": i}) for i in ids], *cells]))
    assert raw.multiple == {"Q2": ["Q2_1", "Q2_2"], "Q4": ["Q4_1", "Q4_2"]}


def test_names_that_stand_twice_or_not_at_all(tmp_path: Path) -> None:
    ids = ['{"ImportId":"_recordId"}', '{"ImportId":"QID1"}', '{"ImportId":"QID2"}', '{"ImportId":"group"}']
    raw = read_table(saved(tmp_path / "a.csv", [["ResponseId", "Q", "Q", ""], ["", "a", "b", ""], ids, list("1234")]))
    assert list(raw.frame.columns) == ["ResponseId", "Q", "Q.2", "group"]
    assert (raw.wording["Q"], raw.wording["Q.2"]) == ("a", "b")


def test_shuffled_columns_are_the_same_answers(tmp_path: Path) -> None:
    order = [(5 * n + 3) % len(NAMES) for n in range(len(NAMES))]
    rows = [[row[n] for n in order] for row in HEADER + BODY]
    raw, straight = read_table(saved(tmp_path / "a.csv", rows)), read_table(saved(tmp_path / "b.csv", HEADER + BODY))
    assert raw.frame[NAMES].equals(straight.frame)
    assert (raw.metadata, raw.no_answer) == (straight.metadata, straight.no_answer)
    assert {key: set(columns) for key, columns in raw.multiple.items()} == {"Q5": {"Q5_1", "Q5_4"}}


def test_broken_headers_are_refused(tmp_path: Path) -> None:
    fault = refused(saved(tmp_path / "a.csv", [IDS, *BODY]))
    assert (fault.line, "row of names above it is missing" in fault.en) == (1, True)
    fault = refused(saved(tmp_path / "b.csv", HEADER + BODY + HEADER + BODY))
    assert (fault.line, "several exports in one file" in fault.en) == (10, True)
    fault = refused(saved(tmp_path / "c.csv", HEADER))
    assert "no rows" in fault.en


def test_a_truncated_answer_is_kept_apart(tmp_path: Path) -> None:
    raw = read_table(saved(tmp_path / "a.csv", [*HEADER, *BODY, BODY[0][:6]]))
    assert (len(raw.frame), raw.ragged) == (2, (7,))
