"""KoBo's and ODK's exports, as the tools' own exporters write them (formpack; ODK Central). No figure has a tolerance."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey import RawTable, Refused, read_table
from tests.survey.readers.exports import KOBO, KOBO_OWN, columns_of

START = KOBO.body[0][0]
(HEAD,), BODY, saved = KOBO.header, KOBO.body, KOBO.save


def without(rows: list[list[str]], *names: str) -> list[list[str]]:
    return columns_of(rows, lambda n: rows[0][n] not in names)


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


def test_broken_headers(tmp_path: Path) -> None:
    turned: RawTable = read_table(saved(tmp_path / "a.csv", [row[::-1] for row in [HEAD, *BODY]]))
    assert (turned.platform, sorted(turned.multiple["owns"])) == ("kobo", ["owns/bike", "owns/radio", "owns/tv"])
    headless = saved(tmp_path / "b.csv", [[f"x{n}" for n in range(len(HEAD))], *BODY])
    assert read_table(headless).platform == "plain"
    assert read_table(headless, platform="kobo").metadata == {}
    with pytest.raises(Refused, match="column 1 has no name"):
        read_table(saved(tmp_path / "c.csv", [["", *HEAD[1:]], *BODY]))
    with pytest.raises(Refused, match="rows have more fields"):
        read_table(saved(tmp_path / "d.csv", [KOBO_OWN, *BODY]))
