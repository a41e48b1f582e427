"""A study folder: every fault of it at once, each with file, line and both languages; and never a traceback."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import Refused, open_study
from survey.schema import StudyFile
from tests.survey.builders import ANSWERS, LOG, STUDY, as_yaml, change_wave, write_study, write_wave

STUDY_YAML = """\
format: 1
name: other
title: {en: A study}
synthetic: perhaps
time_zone: Mars/Olympus
colour: red
groups: {file: groups.csv}
places: {file: places.csv}
code_sets:
  yesno:
    codes:
      NO: {en: "No", zh: 否}
      "YES": {en: "Yes", zh: 是, also: [否]}
  fine:
    codes: {"1": {en: Bad, zh: 差}, "2": {en: Good, zh: 好}}
scales:
  warmth: {title: {en: Warmth, zh: 温暖}, theme: kindness}
  lonely: {title: {en: Lonely, zh: 孤单}, theme: cohesion}
  region: {title: {en: Region, zh: 地区}, theme: cohesion}
services:
  help: {title: {en: Help, zh: 帮助}, need: nothing_asked, rating: b1}
cuts:
  - [group]
  - [b1]
  - [shoe_size]
weights: {margins: [[street]]}
rules: {minimum: 3}
windows: {took_part: soon}
steps: {in_need: {items: [b1, unknown_item], codes: [no_code]}}
"""
INSTRUMENT = """\
item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic
b1,,C,Good?,好吗？,choice,fine,,,warmth,,,
b2,2,C,Good?,好吗？,choice,1..9,,,warmth,,,
b2,2 3,C,Good?,好吗？,choice,fine,,,warmth,,,
b3,,C,Good?,,choice,fine,,,,,,
b4,,C,Good?,好吗？,choice,finest,,,,,,
b5,,C,Good?,好吗？,text,,,,warmth,,,
b6,,C,Good?,好吗？,choice,fine,,,coldness,,,
b7,,C,Good?,好吗？,choice,7..1,,,,,,
b8,,C,Good?,好吗？,number,,5,1,,,,
b9,,C,Good?,好吗？,multiple,fine,,,,yes,,
c1,,C,Whom do you follow?,您追随谁？,choice,fine,,,,,,party
group,,C,Which?,哪个？,choice,fine,,,,,,
c2,,C,Ill?,生病？,choice,fine,,,,maybe,secret,
c3,,C,Old?,多大？,guess,,,,,,,
"""
PLACES = """\
code,parent,level,name_en,name_zh,valid_from,valid_to
1,,land,Land,国,,
11,12,part,One,一,,
12,11,part,Two,二,,
13,99,part,Three,三,,
"""
WAVE = """\
wave: "2023"
fieldwork: {start: 2024-02-31, end: 2024-04-15}
instrument: "2"
files:
  - file: gone.csv
    holds: answers
    columns: {a: member, b: member, c: b1, d: unheard_of, e: group, f: region, g: c1}
    values: {weight: {x: "1"}}
    took_part: {response: ["yes"]}
  - file: ../study.yaml
    holds: log
    columns: {who: member, what: activity}
  - file: link.csv
    holds: registry
    columns: {o: group, p: region}
  - file: answers.csv
    holds: attic
    columns: {a: member}
not_reporting: [union, ghosts]
decisions:
  - {rule: patience, accept: answers.csv, office: "", why: none}
"""


@pytest.fixture(scope="module")
def refusal(tmp_path_factory: pytest.TempPathFactory) -> Refused:
    folder = tmp_path_factory.mktemp("faulty") / "folder"
    (folder / "2024").mkdir(parents=True)
    for name, text in (("study.yaml", STUDY_YAML), ("instrument.csv", INSTRUMENT), ("places.csv", PLACES)):
        (folder / name).write_text(text, "utf-8")
    (folder / "groups.csv").write_text("code,name_en,name_zh\nunion,Union,工会\nunion,Union,工会\n", "utf-8")
    (folder / "2024" / "wave.yaml").write_text(WAVE, "utf-8")
    (folder / "2024" / "answers.csv").write_text("a\n1\n", "utf-8")
    (folder / "2024" / "link.csv").symlink_to(folder / "groups.csv")
    with pytest.raises(Refused) as caught:
        open_study(folder)
    return caught.value


PLANTED = [
    ("study.yaml", 2, "folder's name"),
    ("study.yaml", 3, "title.zh: is missing"),
    ("study.yaml", 4, "synthetic: must be true or false"),
    ("study.yaml", 5, "time_zone: is not the name of a time zone"),
    ("study.yaml", 6, "colour: is not a key known here"),
    ("study.yaml", 10, "stands for two codes"),
    ("study.yaml", 17, "theme: must be one of attraction, cohesion"),
    ("study.yaml", 18, "“lonely” has no items"),
    ("study.yaml", 19, "must be 1-40"),
    ("study.yaml", 21, "“nothing_asked” is not in instrument.csv"),
    ("study.yaml", 27, "minimum: must be 5 or more"),
    ("study.yaml", 28, "took_part: must be a whole number"),
    ("study.yaml", 29, "“unknown_item” is not in instrument.csv"),
    ("study.yaml", 29, "“no_code” is no code of b1, unknown_item"),
    ("instrument.csv", 4, "stands in line 3 already"),
    ("instrument.csv", 5, "wording_en and wording_zh"),
    ("instrument.csv", 6, "codes is “finest”"),
    ("instrument.csv", 7, "can belong to a scale"),
    ("instrument.csv", 8, "“coldness” is not in study.yaml"),
    ("instrument.csv", 9, "codes is “7..1”"),
    ("instrument.csv", 10, "lowest below highest"),
    ("instrument.csv", 11, "can be reversed"),
    ("instrument.csv", 12, "items on “party” are refused"),
    ("instrument.csv", 13, "cannot be an item's name"),
    ("instrument.csv", 14, "reverse must be yes"),
    ("instrument.csv", 14, "sensitive must be empty"),
    ("instrument.csv", 15, "kind is “guess”"),
    ("groups.csv", 3, "“union” stands twice"),
    ("places.csv", 0, "parents that are not in the table: 99"),
    ("places.csv", 0, "lie in themselves, by way of their parents: 11, 12"),
    ("2024/wave.yaml", 1, "wave must be the folder's name"),
    ("2024/wave.yaml", 2, "start: is not a day of the calendar"),
    ("2024/wave.yaml", 5, "gone.csv: this file is not there"),
    ("2024/wave.yaml", 7, "two columns are mapped to “member”"),
    ("2024/wave.yaml", 7, "“unheard_of” is neither a role"),
    ("2024/wave.yaml", 8, "values names “weight”"),
    ("2024/wave.yaml", 9, "took_part is for a log only"),
    ("2024/wave.yaml", 10, "leads out of its folder"),
    ("2024/wave.yaml", 12, "no column is mapped to “start”"),
    ("2024/wave.yaml", 13, "leads out of its folder"),
    ("2024/wave.yaml", 15, "at least one count"),
    ("2024/wave.yaml", 17, "holds: must be one of answers, log, registry"),
    ("2024/wave.yaml", 21, "rule: must be one of set_aside_share"),
    ("2024/wave.yaml", 21, "office: must not be empty"),
]


@pytest.mark.parametrize(("file", "line", "words"), PLANTED)
def test_every_planted_fault_is_reported_with_its_place(refusal: Refused, file: str, line: int, words: str) -> None:
    told = [(f.file, f.line) for f in refusal.faults if words in f.en]
    assert (file, line) in told, f"{words!r} told at {told}"


def test_nothing_is_reported_that_was_not_planted(refusal: Refused) -> None:
    places = {(file, line) for file, line, _ in PLANTED}
    beside = [f for f in refusal.faults if (f.file, f.line) not in places]
    assert beside == []


def test_both_languages_are_what_they_say(refusal: Refused) -> None:
    for fault in refusal.faults:
        assert len(re.findall("[\u4e00-\u9fff]", fault.zh)) >= 3, fault
        own_words = re.sub("“[^”]*”", "", fault.en)
        assert not re.search("[\u4e00-\u9fff]", own_words), fault
        assert not re.search("Input should|value_error|pydantic|Traceback|int_parsing", fault.en + fault.zh), fault


def test_a_cut_or_margin_that_leads_nowhere(tmp_path: Path) -> None:
    folder = write_study(
        tmp_path,
        cuts=[["bel1"], ["shoe"], ["group", "group"], ["group"]],
        weights={"margins": [["street"], ["group"]], "bounds": [5, 0.2]},
    )
    told = refused(folder)
    for words in ("“bel1” is not a choice item", "“shoe” is not", "names a column twice", "the lower one first"):
        assert words in told
    assert "“street”" not in told, "weights are broken already"
    folder = write_study(tmp_path / "b", weights={"margins": [["street"], ["group"]]})
    assert "“street” is not a level" in refused(folder)


def refused(folder: Path) -> str:
    with pytest.raises(Refused) as caught:
        open_study(folder)
    assert all(f.en and f.zh for f in caught.value.faults)
    return "\n".join(f"{f.file}:{f.line} {f.en}" for f in caught.value.faults)


def test_codes_stay_the_text_that_was_written(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    text = (folder / "study.yaml").read_text("utf-8")
    for code in ("NO", "0110", "12:30"):
        text = text.replace(f"'{code}':", f"{code}:")
    (folder / "study.yaml").write_text(text, "utf-8")
    assert re.search(r"^ +NO:", text, re.MULTILINE)
    assert list(open_study(folder).settings.code_sets["work"].codes) == ["NO", "0110", "12:30"]


def test_a_log_without_organisers_beside_one_with_them(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    bare = LOG | {"columns": {k: v for k, v in LOG["columns"].items() if v != "group"}}
    for name, entry in (("2025", LOG), ("2026", bare)):
        write_wave(folder, name, files={"log.csv": "x\n"})
        change_wave(folder, name, files=[entry])
    assert "2026/wave.yaml:" in refused(folder)


def test_a_file_twice_and_a_decision_about_no_file(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    decision = {"rule": "set_aside_share", "accept": "other.csv", "office": "A", "why": "B"}
    change_wave(folder, "2024", files=[ANSWERS, ANSWERS], decisions=[decision])
    told = refused(folder)
    assert "for the second time" in told
    assert "“other.csv” is not a file of this wave" in told


def test_a_folder_that_is_not_there_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    assert "no study of this name" in refused(tmp_path / "nothing" / "demo")


def test_waves_are_in_order_and_found_by_name(tmp_path: Path) -> None:
    study = open_study(write_study(tmp_path, {"2024": {}, "2022": {}, "2023": {}}))
    assert study.waves() == ("2022", "2023", "2024")
    assert [w.name for w in study.until("2023")] == ["2022", "2023"]
    with pytest.raises(Refused, match="2022, 2023, 2024"):
        study.wave("1999")


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab1.:é ", max_size=4), st.just(float("inf")))
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("abc", max_size=3), below, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(key=st.sampled_from(sorted(StudyFile.model_fields)), value=TREES)
def test_whatever_stands_in_study_yaml_ends_in_plain_words(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    folder = write_study(tmp_path_factory.mktemp("any"))
    (folder / "study.yaml").write_text(as_yaml(STUDY | {key: value}), "utf-8")
    with contextlib.suppress(Refused):
        assert open_study(folder).name == "small"
