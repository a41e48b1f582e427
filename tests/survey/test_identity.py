"""Ids become pseudonyms: the same person the same, two people never; the key outside and closed; raw ids nowhere after."""

from __future__ import annotations

import os
import pickle
import re
import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import Refused, open_study
from survey.identity import ROOT, Key, normalise, study_key
from tests.survey.builders import ANSWERS, FULL, KEY, LOG, LOGGED, answers, change_wave, csv_text, write_study

EQUAL = [
    ("ab12", "AB12"), ("ａｂ１２", "AB12"), ("AB 12", "AB12"), (" AB12 ", "AB12"), ("AB\u300012", "AB12"),
    ("AB\u00a012", "AB12"), ("AB\u200b12", "AB12"), ("\ufeffAB12", "AB12"), ("AB-12", "AB12"), ("AB‐12", "AB12"),
    ("AB–12", "AB12"), ("AB－12", "AB12"), ("AB\t12", "AB12"), ("+86 138-0013-8000", "13800138000"),
    ("008613800138000", "13800138000"), ("＋８６１３８００１３８０００", "13800138000"), ("138 0013 8000", "13800138000"),
    ("33010219900307123x", "33010219900307123X"), ("33010219900307123Ｘ", "33010219900307123X"), ("1042.0", "1042"),
    ("1042.00", "1042"), ("00123.0", "00123"), ("工-1", "工1"), ("008613800138000.0", "13800138000"),
    ("١٣٨٠٠١٣٨٠٠٠", "13800138000"), ("۱۰۴۲", "1042"), ("१०४२", "1042"), ("AB\u00ad12", "AB12"), ("AB\u202f12", "AB12"),
    ("AB\u221212", "AB12"), ("AB—12", "AB12"), ("AB\r\n12", "AB12"), ("+86　138 0013 8000", "13800138000"), ("①②", "12"),
]  # fmt: skip
UNEQUAL = [
    ("123", "00123"), ("1.23", "12.3"), ("1.23", "123"), ("1/23", "12/3"), ("1_2", "12"), ("a.b", "ab"), ("12", "1²3"),
    ("123456789012345678", "123456789012345679"), ("8613800138000", "13800138000"), ("008612345678901", "12345678901"),
    ("+8612345", "12345"), ("O1", "01"), ("l1", "11"), ("AB12", "АВ12"), ("工1", "工2"), ("1042.5", "1042"), ("1042", "10420"),
    ("0013800138000", "13800138000"), ("AB12", "AB121"), ("+8613800138000", "+8513800138000"), ("10.0.0", "10"),
]  # fmt: skip


def test_the_table_has_forty_pairs_and_more_of_both_sorts() -> None:
    assert len({*EQUAL, *UNEQUAL}) >= 40
    assert min(len(set(EQUAL)), len(set(UNEQUAL))) >= 20


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_the_same_id_in_another_spelling_is_the_same_person(one: str, other: str) -> None:
    assert pseudonym(one) == pseudonym(other)


@pytest.mark.parametrize(("one", "other"), UNEQUAL)
def test_two_ids_are_two_people(one: str, other: str) -> None:
    assert pseudonym(one) != pseudonym(other)


def pseudonym(value: str, purpose: str = "survey", key: Key = KEY) -> str:
    return key.pseudonyms(pd.Series([value], dtype="str"), purpose).iloc[0]


@given(st.text(max_size=30))
def test_writing_an_id_in_one_way_twice_changes_nothing_more(value: str) -> None:
    assert normalise(normalise(value)) == normalise(value)


@pytest.mark.parametrize("value", ["", " ", "-", "——", "/", "\u200b", "…"])
def test_what_holds_no_letter_and_no_digit_is_no_id(value: str) -> None:
    assert normalise(value) == ""
    assert pd.isna(pseudonym(value))


def test_a_pseudonym_is_128_bits_and_another_for_each_purpose_and_key() -> None:
    found = {pseudonym("AB12"), pseudonym("AB12", "log"), pseudonym("AB12", key=Key(b"q" * 32))}
    assert len(found) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", p) for p in found)


def test_a_column_of_ids_keeps_its_index_and_its_dtype() -> None:
    found = KEY.pseudonyms(pd.Series(["", "a", "A", None], index=[7, 3, 5, 1], dtype="str"), "log")
    assert found.index.tolist() == [7, 3, 5, 1]
    assert found.dtype == "str"
    assert found.isna().tolist() == [True, False, False, True]
    assert found[3] == found[5]


def test_a_key_shows_nothing_of_itself() -> None:
    key = Key(b"0123456789abcdef0123456789abcdef")
    shown = repr(key) + str(key) + f"{key}" + key.fingerprint
    assert "0123456789abcdef" not in shown
    assert key._secret.hex()[:16] not in shown


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_the_key_file_is_made_once_and_for_its_owner_alone(keys: Path) -> None:
    first = study_key("real", synthetic=False)
    made = keys / "real.key"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert [p.name for p in keys.iterdir()] == ["real.key"]
    assert study_key("real", synthetic=False).fingerprint == first.fingerprint
    assert study_key("other", synthetic=False).fingerprint != first.fingerprint


def test_a_key_that_another_run_makes_at_the_same_moment_is_kept(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = b"t" * 32
    link = os.link

    def late(source: str, target: Path) -> None:
        target.write_bytes(theirs)
        target.chmod(0o600)
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert study_key("real", synthetic=False).fingerprint == Key(theirs).fingerprint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(keys: Path, mode: int) -> None:
    study_key("real", synthetic=False)
    (keys / "real.key").chmod(mode)
    with pytest.raises(Refused, match="chmod 600"):
        study_key("real", synthetic=False)


def test_a_key_of_another_length_is_refused(keys: Path) -> None:
    study_key("real", synthetic=False)
    (keys / "real.key").write_bytes(b"short")
    with pytest.raises(Refused, match="not a key"):
        study_key("real", synthetic=False)


def test_no_key_inside_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_KEYS", str(ROOT / "data" / "keys"))
    with pytest.raises(Refused, match="outside the project"):
        study_key("real", synthetic=False)
    assert not (ROOT / "data" / "keys").exists()


@pytest.mark.parametrize(
    ("said", "linked"),
    [
        *((said, True) for said in ("1", "yes", "Y", "TRUE", "是", "同意", "１")),
        *((said, False) for said in ("", "0", "no", "2", "不同意", "maybe", "1.5")),
    ],
)
def test_an_answer_leads_to_the_log_only_with_consent(tmp_path: Path, said: str, linked: bool) -> None:
    frame = answers(tmp_path, [{"ok": said}]).frame
    assert frame["log_member"].notna().tolist() == [linked]
    if linked:
        assert frame["log_member"].iloc[0] == pseudonym("m1", "log")
    assert frame["member"].iloc[0] == pseudonym("m1", "survey")


def test_people_without_a_number_are_nobody_elsewhere(tmp_path: Path) -> None:
    rows = [FULL | {"id": "-", "q5": str(age)} for age in (20, 30)]
    text = csv_text(rows, list(FULL))
    study = open_study(write_study(tmp_path, {w: {"files": {"answers.csv": text}} for w in ("2023", "2024")}))
    members = study.panel().members
    assert members["member"].nunique() == 4
    assert members["log_member"].isna().all()


def test_raw_ids_are_nowhere_after_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys"))
    ids, wish = [f"CANARY{n:04d}" for n in range(40)], "canary sang this"
    texts = {
        "answers.csv": csv_text([FULL | {"id": i, "q7": wish} for i in ids], list(FULL)),
        "log.csv": csv_text([LOGGED | {"who": i} for i in ids], list(LOGGED)),
    }
    folder = write_study(tmp_path, {"2024": {"files": texts}}, synthetic=False)
    change_wave(folder, "2024", files=[ANSWERS, LOG])
    panel = open_study(folder).panel()
    assert (len(panel.members), len(panel.careers)) == (40, 40)
    secret = (tmp_path / "keys" / "small.key").read_bytes()
    tables = [getattr(panel, n) for n in ("members", "careers", "cells", "tally", "aside", "labels", "observed")]
    stored = [p.read_bytes() for p in (tmp_path / "home").rglob("*") if p.is_file()]
    shown = [repr(panel).encode(), repr(panel.provenance).encode(), *(t.to_csv().encode() for t in tables)]
    assert len(stored) > 8
    for data in [*stored, *shown, pickle.dumps(panel.provenance)]:
        low = data.lower()
        assert b"canary" not in low
        assert secret not in data
        assert secret.hex().encode() not in low
