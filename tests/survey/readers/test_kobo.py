"""KoBo's and ODK's exports, as the tools' own exporters write them (formpack; ODK Central). No figure has a tolerance."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from survey import RawTable, Refused, read_table
from survey.schema import Layout

START, END = "2024-03-05T10:00:00.000+08:00", "2024-03-05T10:09:00.000+08:00"
OWN = ["_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by", "__version__"]
OWN += ["_tags", "_index"]
HEAD = ["start", "end", "today", "username", "deviceid", "office", "owns", "owns/radio", "owns/tv", "owns/bike"]
HEAD += ["owns_other", "place", "_place_latitude", "_place_longitude", "_place_altitude", "_place_precision", *OWN]


def answer(n: int, owns: str, ticks: list[str]) -> list[str]:
    own = [str(100 + n), f"0a1b{n}", "2024-03-05T02:10:00", "", "", "submitted_via_web", "", "vX", "", str(n)]
    return [START, END, "2024-03-05", "u", "d", "north", owns, *ticks, "", "1.5 2.5 0 0", "1.5", "2.5", "0", "0", *own]


BODY = [
    answer(1, "radio bike", ["1", "0", "1"]),
    answer(2, "", ["", "", ""]),
    answer(3, "tv", ["0", "1", "0"]),
    answer(4, "radio tv", ["1", "1", "0"]),
]


def saved(path: Path, rows: list[list[str]], delimiter: str = ";") -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([cell or None for cell in row])
        book.save(path)
        return path
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8"))
    return path


def without(rows: list[list[str]], *names: str) -> list[list[str]]:
    keep = [n for n, name in enumerate(rows[0]) if name not in names]
    return [[row[n] for n in keep] for row in rows]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_names_with_both_forms_of_a_select_multiple(tmp_path: Path, kind: str) -> None:
    raw = read_table(saved(tmp_path / f"a.{kind}", [HEAD, *BODY]))
    assert raw.platform == "kobo"
    assert list(raw.frame.columns) == HEAD
    assert raw.frame.to_numpy().tolist() == BODY
    assert raw.multiple == {"owns": ["owns/radio", "owns/tv", "owns/bike"]}
    assert (raw.marks, raw.no_answer, raw.wording) == ({}, {}, {})
    persons = {"username", "deviceid", "_submitted_by", *HEAD[11:16]}
    assert {name for name, what in raw.metadata.items() if what == "person"} == persons
    assert (raw.metadata["_uuid"], raw.metadata["_submission_time"], raw.metadata["start"]) == (
        "respondent",
        "submitted",
        "started",
    )
    assert set(HEAD) - set(raw.metadata) == {"office", "owns", "owns/radio", "owns/tv", "owns/bike", "owns_other"}


def test_one_column_of_all_options(tmp_path: Path) -> None:
    rows = without([HEAD, *BODY], "owns/radio", "owns/tv", "owns/bike")
    raw = read_table(saved(tmp_path / "a.csv", rows))
    assert raw.multiple == {"owns": ["owns"]}
    assert raw.separator == " "


def test_columns_of_options_alone(tmp_path: Path) -> None:
    raw = read_table(saved(tmp_path / "a.csv", without([HEAD, *BODY], "owns")))
    assert raw.multiple == {"owns": ["owns/radio", "owns/tv", "owns/bike"]}
    # A group of questions is filled question by question, and holds more than 0 and 1.
    group = [[*HEAD, "g/a", "g/b", "h/a", "h/b"], *([*row, "1", "0", "1", ""] for row in BODY)]
    group[2][-4] = "7"
    assert list(read_table(saved(tmp_path / "b.csv", group)).multiple) == ["owns"]


@pytest.mark.parametrize("separator", ["/", ":", ".", "-", "_"])
def test_groups_before_names_by_any_separator(tmp_path: Path, separator: str) -> None:
    head = [name.replace("/", separator) if name.startswith("owns/") else name for name in HEAD]
    head = [f"home{separator}{name}" if name.startswith("owns") else name for name in head]
    raw = read_table(saved(tmp_path / "a.csv", [head, *BODY]))
    assert raw.multiple == {head[6]: head[7:10]}


LABELS = {
    "office": "Which office, north/south?",
    "owns": "What is at home?",
    "owns/radio": "What is at home?/A radio",
    "owns/tv": "What is at home?/TV/video",
    "owns/bike": "What is at home?/Bike",
    "owns_other": "Other",
    "place": "Where?",
} | {f"_place_{part}": f"_Where?_{part}" for part in ("latitude", "longitude", "altitude", "precision")}


def test_labels_of_the_form(tmp_path: Path) -> None:
    words = {"radio bike": "A radio Bike", "tv": "TV/video", "radio tv": "A radio TV/video"}
    head = [LABELS.get(name, name) for name in HEAD]
    body = [[words.get(cell, cell) for cell in row] for row in BODY]
    raw = read_table(saved(tmp_path / "a.xlsx", [[*head, "Other"], *([*row, "x"] for row in body)]))
    assert raw.multiple == {LABELS["owns"]: [LABELS["owns/radio"], LABELS["owns/tv"], LABELS["owns/bike"]]}
    assert raw.wording == {"Other.2": "Other"}
    assert (raw.metadata["Where?"], raw.metadata["_Where?_latitude"]) == ("person", "person")
    # Labels have blanks: one column of all of them cannot be cut.
    alone = without([head, *body], *head[7:10])
    assert read_table(saved(tmp_path / "b.xlsx", alone)).multiple == {}


def test_a_row_of_tags_is_of_the_header(tmp_path: Path) -> None:
    tags = ["#adm1 +name" if name == "office" else "#owns" if name == "owns" else "" for name in HEAD]
    raw = read_table(saved(tmp_path / "a.csv", [HEAD, tags, *BODY]))
    assert raw.frame.to_numpy().tolist() == BODY
    assert raw.frame.index[0] == 3


def test_ona_writes_true_and_not_asked(tmp_path: Path) -> None:
    head = ["owns/radio", "owns/tv", "age", "meta/instanceID", "_uuid", "_submission_time", "_tags", "_duration"]
    rows = [
        head,
        ["True", "False", "5", "uuid:1", "1", START, "", "60.0"],
        ["n/a", "n/a", "n/a", "uuid:2", "2", START, "", "9"],
    ]
    raw = read_table(saved(tmp_path / "a.csv", rows, ","))
    assert raw.multiple == {"owns": head[:2]}
    assert raw.no_answer == {"*": ("n/a",)}
    assert (raw.metadata["meta/instanceID"], raw.metadata["_duration"]) == ("other", "seconds")


def test_odk_central(tmp_path: Path) -> None:
    head = ["SubmissionDate", "start", "home-owns", "home-owns/radio", "home-owns/tv", "gps-Latitude", "gps-Longitude"]
    head += ["meta-instanceID", "KEY", "SubmitterID", "SubmitterName", "DeviceID", "Status", "ReviewState", "Edits"]
    rows = [
        [START, START, "tv", "0", "1", "1.5", "2.5", f"uuid:{n}", f"uuid:{n}", "7", "App", "", "", "", "0"]
        for n in range(2)
    ]
    raw = read_table(saved(tmp_path / "a.csv", [head, *rows], ","))
    assert (raw.platform, raw.multiple) == ("kobo", {"home-owns": ["home-owns/radio", "home-owns/tv"]})
    assert {raw.metadata[name] for name in ("gps-Latitude", "SubmitterName", "DeviceID")} == {"person"}
    assert set(head) - set(raw.metadata) == {"home-owns", "home-owns/radio", "home-owns/tv"}


def test_repeats_and_aggregates_unfinished_ones(tmp_path: Path) -> None:
    head = ["name", "_index", "_parent_table_name", "_parent_index", "_submission__id", "_submission__uuid"]
    raw = read_table(saved(tmp_path / "a.csv", [head, ["x", "1", "form", "1", "9", "u"]]))
    assert (raw.platform, raw.metadata["_submission__uuid"]) == ("kobo", "respondent")
    odk = [["age", "PARENT_KEY", "KEY"], ["4", "uuid:1", "uuid:1/child[1]"]]
    assert read_table(saved(tmp_path / "b.csv", odk)).platform == "kobo"
    rows = [["KEY", "SubmissionDate", "meta-instance-id", "*meta-is-complete*", "q"]]
    rows += [["uuid:1", START, "uuid:1", "TRUE", "3"], ["uuid:2", START, "uuid:2", "FALSE", ""]]
    assert read_table(saved(tmp_path / "c.csv", rows)).marks == {"unfinished": (3,)}


def lists(tmp_path: Path, *cells: str) -> bool:
    rows = [
        ["q", "_id", "_uuid", "_submission_time"],
        *([cell, str(n), f"u{n}", START] for n, cell in enumerate(cells)),
    ]
    return "q" in read_table(saved(tmp_path / "l.csv", rows)).multiple


def test_lists_of_names_and_what_only_looks_so(tmp_path: Path) -> None:
    assert lists(tmp_path, "a b", "b c", "a", "c", "")
    assert not lists(tmp_path, "a b c", "c a b", "b a c")  # a ranking
    assert not lists(tmp_path, "Li Ming", "Wang Fang", "Zhao Lei")  # names of people come once
    assert not lists(tmp_path, "1.5 2.5 0 0", "1.6 2.6 0 0")  # a place on the map
    assert not lists(tmp_path, "good, very", "good, very", "good, very")  # words of a sentence
    assert not lists(tmp_path, "a", "b", "a", "b")  # one answer


NOT_KOBO = {
    "log": [["key", "parent_key", "value"], ["1", "2", "5"]],
    "underscore": [["_id", "name", "_index"], ["1", "x", "1"]],
    "times": [["start", "end", "username", "deviceid"], [START, END, "u", "d"]],
    "one own": [["_id", "_uuid", "q"], ["1", "a", "5"]],
}


@pytest.mark.parametrize("name", NOT_KOBO)
def test_what_is_not_claimed(tmp_path: Path, name: str) -> None:
    assert read_table(saved(tmp_path / "a.csv", NOT_KOBO[name])).platform == "plain"


def test_the_projects_own_tables_stay_plain(project: Path) -> None:
    demo = project / "data" / "raw" / "demo"
    books = list(demo.glob("*/*.xlsx"))  # with a cover sheet, and a title above the header
    tables = [read_table(path) for path in demo.glob("*/*.csv")]
    tables += [read_table(path, layout=Layout(sheet="answers", header_row=2)) for path in books]
    assert (len(books), len(tables)) == (1, 8)
    assert {raw.platform for raw in tables} == {"plain"}


@pytest.mark.parametrize("name", ["bh1996", "la_meetup_rsvps", "univer_2002"])
def test_real_studies_stay_plain(real_study: Callable[[str], Path], name: str) -> None:
    found = [path for path in real_study(name).glob("*/*") if path.suffix in (".csv", ".xlsx", ".parquet")]
    assert found
    assert {read_table(path).platform for path in found} == {"plain"}


@pytest.mark.parametrize("cut", range(0, 1100, 41))
def test_a_file_cut_off_is_read_or_refused(tmp_path: Path, cut: int) -> None:
    path = saved(tmp_path / "a.csv", [HEAD, *BODY])
    path.write_bytes(path.read_bytes()[:cut])
    told = []
    try:
        platform = read_table(path).platform
    except Refused as refusal:
        platform, told = "", refusal.faults
    assert platform in ("kobo", "plain") or (told[0].en and told[0].zh)


def test_broken_headers(tmp_path: Path) -> None:
    turned: RawTable = read_table(saved(tmp_path / "a.csv", [row[::-1] for row in [HEAD, *BODY]]))
    assert (turned.platform, sorted(turned.multiple["owns"])) == ("kobo", ["owns/bike", "owns/radio", "owns/tv"])
    headless = saved(tmp_path / "b.csv", [[f"x{n}" for n in range(len(HEAD))], *BODY])
    assert read_table(headless).platform == "plain"
    assert read_table(headless, platform="kobo").metadata == {}
    with pytest.raises(Refused, match="column 1 has no name"):
        read_table(saved(tmp_path / "c.csv", [["", *HEAD[1:]], *BODY]))
    with pytest.raises(Refused, match="rows have more fields"):
        read_table(saved(tmp_path / "d.csv", [OWN, *BODY]))
