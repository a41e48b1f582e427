"""LimeSurvey's exports: one real file, and the tool's other forms as its own export classes write them.

Facts of the real file were counted in it by hand (a table of each column's values). No figure has a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from survey import RawTable, Refused, read_table
from tests.survey.readers.exports import DAY, LIMESURVEY
from tests.survey.readers.exports import LIME_TEXTS as TEXTS

(CODES,), BODY, saved = LIMESURVEY.header, LIMESURVEY.body, LIMESURVEY.save
FIRST = BODY[0][:9]


def answers(raw: RawTable) -> list[list[str]]:
    return [row for row in raw.frame.to_numpy().tolist() if any(row)]


def test_the_real_export(real_table: Callable[[str, str], RawTable]) -> None:
    raw = real_table("limesurvey_testquality", "results-survey.csv")
    assert (raw.platform, raw.frame.shape, raw.ragged) == ("limesurvey", (70, 146), ())
    columns = list(raw.frame.columns)
    assert raw.metadata == dict(
        zip(columns[:5], ["respondent", "submitted", "status", "language", "other"], strict=True)
    )
    # 70 answers without dates: the placeholder is a finished answer, and no date.
    assert raw.marks == {}
    assert raw.no_answer == {"Date submitted": ("1980-01-01 00:00:00",)}
    # Of eleven batteries with headings in brackets only the employment question is ticked.
    assert raw.multiple == {"Employment: What is your current employment status?": columns[135:140]}
    assert (raw.frame[columns[135]] == "Yes").sum() + (raw.frame[columns[135]] == "No").sum() == 69
    assert raw.frame[columns[139]].unique().tolist() == ["", "Information security"]
    assert columns[8].endswith("[].1")
    assert columns[113].endswith("[I rate the overall quality of this unit test as ...].9")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_headings_by_code(tmp_path: Path, kind: str) -> None:
    raw = read_table(saved(tmp_path / f"a.{kind}", [CODES, *BODY]))
    assert raw.platform == "limesurvey"
    assert list(raw.frame.columns) == CODES
    assert answers(raw) == BODY
    assert raw.multiple == {"G02Q02": ["G02Q02[SQ001]", "G02Q02[SQ002]", "G02Q02[other]"]}
    assert raw.marks == {"unfinished": (3,)}
    assert {raw.metadata[name] for name in ("groupTime12", "G01Q01Time")} == {"timing"}
    assert (raw.metadata["ipaddr"], raw.metadata["refurl"], raw.metadata["interviewtime"]) == (
        "person",
        "source",
        "seconds",
    )
    assert set(raw.metadata) == {*CODES[:9], *CODES[18:]}


def test_headings_by_text_and_answers_as_text(tmp_path: Path) -> None:
    body = [
        [*FIRST, "North", "", "Yes", "No", "by letter", "Good", "Bad", "x", "y", "81.5", "40.2", "41.3"],
        ["2", "", *FIRST[2:], "Other", "mine", "N/A", "N/A", "", "", "", "", "", "9", "9", ""],
    ]
    raw = read_table(saved(tmp_path / "a.csv", [TEXTS, *body], ","))
    assert raw.multiple == {"How reached?": TEXTS[11:14]}
    assert raw.no_answer == {TEXTS[11]: ("N/A",), TEXTS[12]: ("N/A",)}
    assert raw.marks == {"unfinished": (3,)}
    assert raw.metadata["Question time: G01Q01"] == "timing"


def test_abbreviated_headings_and_underscores(tmp_path: Path) -> None:
    cut = [text if len(text) < 16 else text[:15] + ".. " for text in TEXTS[:9]]
    raw = read_table(saved(tmp_path / "a.csv", [[*cut, *TEXTS[9:]], *BODY]))
    assert raw.metadata["Date last actio.."] == "other"
    under = [text.replace(" ", "_") for text in TEXTS]
    raw = read_table(saved(tmp_path / "b.csv", [under, *BODY]))
    assert (raw.platform, raw.metadata["Last_page"], raw.metadata["IP_address"]) == ("limesurvey", "status", "person")


@pytest.mark.parametrize("separator", [". ", ": ", " - "])
def test_headings_by_code_and_text(tmp_path: Path, separator: str) -> None:
    both = [code + separator + text for code, text in zip(CODES, TEXTS, strict=True)]
    raw = read_table(saved(tmp_path / "a.csv", [both, *BODY]))
    assert list(raw.frame.columns) == CODES
    assert raw.wording["G02Q02[SQ001]"] == "How reached? [Mail, post]"
    assert list(raw.multiple) == ["G02Q02"]


MERGED = ["How reached?" if n == 11 else "" if n in (12, 13) else text for n, text in enumerate(TEXTS)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("rows", [[TEXTS, CODES], [CODES, TEXTS], [MERGED, CODES], [CODES, MERGED]])
def test_two_header_rows_with_blanks(tmp_path: Path, kind: str, rows: list[list[str]]) -> None:
    raw = read_table(saved(tmp_path / f"a.{kind}", [*rows, *BODY]))
    assert list(raw.frame.columns) == CODES
    assert answers(raw) == BODY
    assert raw.wording["G01Q01"] == "Which office?"
    assert raw.wording["G02Q02[SQ002]"].startswith("How reached?")
    assert raw.marks == {"unfinished": (4,)}


def test_questions_above_sub_questions_with_blanks_to_fill(tmp_path: Path) -> None:
    fixed = TEXTS[:5]
    rows = [
        [*fixed, "Office?", "How reached?", "", "Content with", ""],
        ["", "", "", "", "", "", "Mail", "Phone", "Place", "Hours"],
        ["1", DAY, "3", "en", "12345", "North", "Yes", "No", "Good", "Bad"],
        ["2", DAY, "3", "en", "54321", "South", "Yes", "Yes", "Bad", "Bad"],
    ]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert list(raw.frame.columns)[5:] == [
        "Office?",
        "How reached? [Mail]",
        "How reached? [Phone]",
        "Content with [Place]",
        "Content with [Hours]",
    ]
    assert raw.multiple == {"How reached?": ["How reached? [Mail]", "How reached? [Phone]"]}
    codes = [[*CODES[:5], "Q1", "Q2", "", "Q3", ""], [*rows[1][:6], "a", "b", "c", "d"], *rows[2:]]
    assert list(read_table(saved(tmp_path / "b.csv", codes)).frame.columns)[5:8] == ["Q1", "Q2[a]", "Q2[b]"]


LANGUAGES = {
    "de": ["Antwort ID", "Datum Abgeschickt", "Letzte Seite", "Start-Sprache", "Zufallsstartwert"],
    "fr": ["ID de la réponse", "Date de soumission", "Dernière page", "Langue de départ", "Tête de série"],
    "es": ["ID de respuesta", "Fecha de envío", "Última página", "Lenguaje inicial", "Semilla"],
    "zh-Hans": ["答案ID", "提交日期", "最后一页", "起始语言", "种子"],
    "pl": ["(1)", "(2)", "(3)", "(4)", "(5)"],  # no words are known: by what the columns hold
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_interfaces_in_other_languages(tmp_path: Path, language: str) -> None:
    yes, no = {"de": ("Ja", "Nein"), "fr": ("Oui", "Non"), "es": ("Sí", "No"), "pl": ("Tak", "Nie")}.get(
        language, ("是", "否")
    )
    rows = [
        [*LANGUAGES[language], "Q", "M [a]", "M [b]"],
        ["1", DAY, "3", language, "12345", "x", yes, no],
        ["2", "", "1", language, "54321", "y", no, yes],
    ]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert raw.platform == "limesurvey"
    assert list(raw.metadata.values()) == ["respondent", "submitted", "status", "language", "other"]
    assert raw.multiple == {"M": ["M [a]", "M [b]"]}
    assert raw.marks == {"unfinished": (3,)}


def test_placeholder_dates_are_finished_and_an_empty_one_is_not(tmp_path: Path) -> None:
    day = "1980-01-01 00:00:00"
    rows = [[*CODES[:5], "Q"], ["1", day, "3", "en", "5", "A1"], ["2", "", "1", "en", "6", ""]]
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert raw.no_answer == {"submitdate": (day,)}
    assert raw.marks == {"unfinished": (3,)}


def multiple(tmp_path: Path, names: list[str], *cells: list[str]) -> dict[str, list[str]]:
    head = ["id", "submitdate", "lastpage", "startlanguage"]
    rows = [[str(n), DAY, "2", "en", *row] for n, row in enumerate(cells, start=1)]
    return read_table(saved(tmp_path / "m.csv", [head + names, *rows])).multiple


def test_ticks_and_arrays_are_told_apart_by_their_cells(tmp_path: Path) -> None:
    two = ["Q[SQ001]", "Q[SQ002]"]
    assert multiple(tmp_path, two, ["Y", ""], ["", "Y"]) == {"Q": two}
    assert multiple(tmp_path, two, ["Y", ""], ["", ""]) == {"Q": two}
    assert multiple(tmp_path, two, ["1", "0"], ["0", "0"]) == {"Q": two}
    assert multiple(tmp_path, two, ["Y", "U"], ["N", "N"]) == {}  # yes, no, uncertain
    assert multiple(tmp_path, two, ["A1", "A2"], ["A1", "A1"]) == {}
    assert multiple(tmp_path, two, ["1", "2"], ["2", "1"]) == {}  # an array of two codes, for all one can see
    assert multiple(tmp_path, [*two, "Q[other]"], ["1", "2", ""], ["2", "2", "x"]) == {"Q": [*two, "Q[other]"]}
    assert multiple(tmp_path, two, ["", ""], ["", ""]) == {}
    assert multiple(tmp_path, two[:1], ["Y"], [""]) == {}


def test_comments_rows_underscores_and_questions_of_one_text(tmp_path: Path) -> None:
    names = ["Q[SQ001]", "Q[SQ001comment]", "Q[SQ002]", "Q[SQ002comment]"]
    assert multiple(tmp_path, names, ["Y", "why", "", ""], ["", "", "Y", ""]) == {"Q": [names[0], names[2]]}
    names = ["Q[a_x]", "Q[a_y]", "Q[b_x]", "Q[b_y]"]
    assert multiple(tmp_path, names, ["1", "", "", "1"]) == {"Q[a]": names[:2], "Q[b]": names[2:]}
    assert multiple(tmp_path, ["Q_SQ001", "Q_SQ002"], ["Y", "Y"]) == {"Q": ["Q_SQ001", "Q_SQ002"]}
    twice = multiple(tmp_path, ["T [a]", "T [b]", "T [a]", "T [b]"], ["Yes", "No", "No", "Yes"])
    assert twice == {"T": ["T [a]", "T [b]"], "T.2": ["T [a].2", "T [b].2"]}
    own = ["T [a]", "T [b]", "T [Something else]"]
    assert multiple(tmp_path, own, ["Yes", "No", "by hand"], ["No", "No", ""]) == {"T": own}


def test_vv_files_say_what_was_not_shown(tmp_path: Path) -> None:
    codes = ["id", "submitdate", "lastpage", "startlanguage", "G1Q1", "G1Q2"]
    rows = [
        ["Response ID", "Date submitted", "Last page", "Start language", "One?", "Two?"],
        codes,
        ["1", "{question_not_shown}", "1", "en", "A1", "{question_not_shown}"],
        ["2", DAY, "2", "en", "A2", "A1"],
    ]
    raw = read_table(saved(tmp_path / "vvexport.csv", rows, "\t"))
    assert (list(raw.frame.columns), raw.wording["G1Q2"]) == (codes, "Two?")
    assert raw.no_answer["*"] == ("{question_not_shown}",)
    assert raw.marks == {"unfinished": (3,)}


def test_another_tool_is_not_claimed(tmp_path: Path) -> None:
    rows = [["Response ID", "Date Submitted", "Status", "Language", "Q1"], ["1", DAY, "Complete", "en", "5"]]
    assert read_table(saved(tmp_path / "a.csv", rows)).platform != "limesurvey"


def test_broken_headers(tmp_path: Path) -> None:
    assert (
        read_table(saved(tmp_path / "a.csv", [CODES[::-1], *(row[::-1] for row in BODY)])).metadata["seed"] == "other"
    )
    headless = saved(tmp_path / "b.csv", [[f"x{n}" for n in range(21)], *BODY[:1]])
    assert read_table(headless).platform == "plain"
    assert read_table(headless, platform="limesurvey").metadata == {}
    with pytest.raises(Refused, match="column 3 has no name"):
        read_table(saved(tmp_path / "c.csv", [["id", "submitdate", "", "startlanguage"], ["1", DAY, "3", "en"]]))
    with pytest.raises(Refused, match="rows have more fields"):
        read_table(saved(tmp_path / "d.csv", [CODES[:10], *BODY]))
    with pytest.raises(Refused, match="rows have more fields"):
        read_table(saved(tmp_path / "e.csv", [["(1)", "(2)", "(3)"], *BODY[:2]]), platform="limesurvey")
