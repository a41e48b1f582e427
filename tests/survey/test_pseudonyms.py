"""What an attacker could try on pseudonyms; and the key, when two make it at once, when it is lost, when it cannot be made."""

from __future__ import annotations

import ast
import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
import survey
from survey import Refused, open_study
from survey.identity import BITS, Key, key_file, study_key
from tests.survey.builders import FULL, KEY, csv_text, write_study

FIRST, WHOLE, PART = (
    13_800_000_000,
    1_000_000,
    50_000,
)  # numbers that are searched, in the slow tier and in the fast one
PEOPLE = 2000
RANK_LIMIT = 5 / np.sqrt(PEOPLE)  # five standard errors of a rank correlation of nothing with nothing
BIRTHDAY = 200_000
MANY_IDS = 10_000_000

UNKEYED: list[Callable[[bytes], bytes]] = [
    lambda text: hashlib.sha256(text).digest(),
    lambda text: hashlib.sha256(b"survey\x1f" + text).digest(),
    lambda text: hashlib.sha256(b"log\x1f" + text).digest(),
    lambda text: hmac.digest(b"", b"survey\x1f" + text, "sha256"),
    lambda text: hmac.digest(KEY.fingerprint.encode(), b"survey\x1f" + text, "sha256"),
    lambda text: hmac.digest(b"small", b"survey\x1f" + text, "sha256"),
    lambda text: hashlib.md5(text).digest(),
    lambda text: hashlib.sha1(text).digest(),
]


def found_by_search(published: Iterable[str], numbers: range) -> int:
    """How many pseudonyms a search over all numbers gives away to somebody who has everything but the key."""
    wanted = {bytes.fromhex(one) for one in published}
    texts = [str(number).encode() for number in numbers]
    return sum(way(text)[: BITS // 8] in wanted for way in UNKEYED for text in texts)


def published(numbers: Iterable[int], purpose: str) -> list[str]:
    return KEY.pseudonyms(pd.Series([str(n) for n in numbers], dtype="str"), purpose).tolist()


@pytest.mark.parametrize("size", [PART, pytest.param(WHOLE, marks=pytest.mark.slow)])
def test_a_search_over_all_numbers_without_the_key_finds_nobody(size: int) -> None:
    space = range(FIRST, FIRST + size)
    people = space[:: size // 200]
    assert found_by_search(published(people, "survey") + published(people, "log"), space) == 0


@pytest.mark.parametrize("way", range(len(UNKEYED)))
def test_the_search_would_find_a_pseudonym_without_a_key(way: int) -> None:
    space = range(FIRST, FIRST + 1000)
    planted = [UNKEYED[way](str(n).encode())[: BITS // 8].hex() for n in space[::100]]
    assert found_by_search(planted, space) == 10


def test_the_ids_of_one_study_are_strangers_in_another() -> None:
    other = Key(b"q" * 32).pseudonyms(pd.Series(["13800138000"], dtype="str"), "survey")
    assert other.iloc[0] not in published([13_800_138_000], "survey")


def test_pseudonyms_are_as_long_as_they_say_and_every_bit_of_them_counts() -> None:
    """The first 32 of 128 bits collide as often as birthdays do; a sign of every place has all its values as often."""
    made = published(range(BIRTHDAY), "survey")
    assert len(set(made)) == BIRTHDAY
    assert {len(one) for one in made} == {128 // 4}
    expected = BIRTHDAY**2 / 2**33
    assert 0 < BIRTHDAY - len({one[:8] for one in made}) < 4 * expected
    signs = np.array([list(one) for one in made[:20_000]])
    shares = np.array([[np.mean(signs[:, place] == sign) for sign in "0123456789abcdef"] for place in range(32)])
    assert abs(shares - 1 / 16).max() < 5 * np.sqrt(1 / 16 / 20_000)


@pytest.mark.slow
def test_ten_million_ids_are_ten_million_pseudonyms() -> None:
    made = np.empty((MANY_IDS, 2), np.uint64)
    for start in range(0, MANY_IDS, 500_000):
        some = published(range(start, start + 500_000), "log")
        made[start : start + 500_000] = np.frombuffer(bytes.fromhex("".join(some)), ">u8").reshape(-1, 2)
    order = np.lexsort((made[:, 1], made[:, 0]))
    assert not (made[order][1:] == made[order][:-1]).all(axis=1).any()


def test_the_order_of_pseudonyms_tells_nothing_of_that_of_ids() -> None:
    ranks = pd.Series(published(range(PEOPLE), "survey")).rank()
    assert abs(ranks.corr(pd.Series(range(PEOPLE)), method="spearman")) < RANK_LIMIT


def test_answers_stand_in_the_panel_in_an_order_that_is_not_that_of_the_file(tmp_path: Path) -> None:
    rows = [FULL | {"id": f"{n:06}", "q5": str(14 + n % 86), "q7": str(n)} for n in range(400)]
    panel = open_study(write_study(tmp_path, {"2024": {"files": {"answers.csv": csv_text(rows, list(FULL))}}})).panel()
    assert panel.members["member"].is_monotonic_increasing
    assert panel.members.index.tolist() == list(range(400))
    key = study_key(panel.study.name, synthetic=panel.study.settings.synthetic)
    line = {p: n for n, p in enumerate(key.pseudonyms(pd.Series([row["id"] for row in rows], dtype="str"), "survey"))}
    lines = panel.members["member"].map(line)
    assert abs(lines.corr(pd.Series(range(400)), method="spearman")) < 5 / np.sqrt(400)


def test_nothing_that_people_are_given_makes_a_pseudonym(project: Path) -> None:
    """Whoever could ask for the pseudonym of any number would need no key: only the checks of files ask."""
    assert not [
        n for module in (survey, analysis) for n in dir(module) if "pseudonym" in n.lower() or n in ("Key", "study_key")
    ]
    asking = {
        path.relative_to(project).as_posix()
        for folder in ("survey", "analysis", "reports", "notebooks")
        for path in (project / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "pseudonyms"
    }
    assert asking
    assert {name for name in asking if not name.startswith("survey/checks/")} == set()


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "keys"


MAKER = """
import sys, time
from survey.identity import study_key
time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
print(study_key("real", synthetic=False).fingerprint)
"""


def test_processes_that_make_the_key_at_once_have_one(keys: Path) -> None:
    start = str(time.time() + 4)
    command = [sys.executable, "-c", MAKER, start]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) for _ in range(3)]
    told = {run.communicate()[0] for run in runs}
    assert told == {study_key("real", synthetic=False).fingerprint + "\n"}
    assert [path.name for path in keys.iterdir()] == ["real.key"]


def test_a_lost_key_is_never_made_anew(tmp_path: Path, keys: Path) -> None:
    folder = write_study(tmp_path, synthetic=False)
    panel = open_study(folder).panel()
    kept = key_file("small").read_bytes()
    key_file("small").unlink()
    with pytest.raises(Refused, match=r"not where it was.*put the key back from its backup") as caught:
        open_study(folder).panel()
    assert panel.provenance["key"] in str(caught.value)
    assert list(keys.iterdir()) == []
    key_file("small").write_bytes(kept)
    key_file("small").chmod(0o600)
    assert open_study(folder).panel().provenance["key"] == panel.provenance["key"]


def test_a_key_of_another_study_is_refused_with_both_fingerprints(tmp_path: Path, keys: Path) -> None:
    folder = write_study(tmp_path, synthetic=False)
    first = open_study(folder).panel().provenance["key"]
    key_file("small").write_bytes(b"z" * 32)
    with pytest.raises(Refused, match=f"{Key(b'z' * 32).fingerprint}.*{first}"):
        open_study(folder).panel()


@pytest.mark.parametrize(("call", "error"), [("mkstemp", 13), ("mkstemp", 30), ("mkstemp", 28)])
def test_a_folder_that_cannot_be_written_is_told(
    keys: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(error, "no")

    monkeypatch.setattr(f"survey.identity.tempfile.{call}", fails)
    with pytest.raises(Refused, match=r"cannot be read or made.*WORKBENCH_KEYS"):
        study_key("real", synthetic=False)
    assert list(keys.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_told(keys: Path) -> None:
    keys.write_text("")
    with pytest.raises(Refused, match="cannot be read or made"):
        study_key("real", synthetic=False)


def test_a_disk_that_breaks_off_leaves_no_half_key(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr("survey.identity.os.fsync", fails)
    with pytest.raises(Refused, match="EIO"):
        study_key("real", synthetic=False)
    assert list(keys.iterdir()) == []
