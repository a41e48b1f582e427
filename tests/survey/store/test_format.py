"""A store of every format that was ever released must be read; one of a newer format is refused and left alone.

The folder ``format-1`` was written by the first workbench that had this store. It is never written again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from survey import Refused, store
from survey.store import manifest
from tests.survey.store.faults import said
from tests.survey.store.ground import snapshot

FIRST = Path(__file__).parent / "format-1"
FRAMES = {
    "members": pd.DataFrame(
        {
            "member": pd.Series(["a1", "b2", None], dtype="str"),
            "score": [1.5, float("nan"), -3.0],
            "submitted": pd.Series(["2024-02-29 10:00:00.000001", None, "2024-03-01"], dtype="datetime64[us]"),
            "kind": pd.Categorical(["x", None, "y"], categories=["y", "x"]),
        }
    ),
    "careers": pd.DataFrame({"groups": [("u", "v"), (), None], "count": pd.Series([3, 1, 2], dtype="int64")}),
}
META = {"waves": ["2023", "2024"], "calibration": {"margins": [["group"]], "totals": [[[["会"], 5.5]]]}}
VERSION = {"of": "panel", "wave": "2024", "inputs": {"2024/answers.csv": "0" * 64}, "code": "c", "changed": {}}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A copy of the store of format 1."""
    return Path(shutil.copytree(FIRST, tmp_path / "small"))


def test_format_1_is_read(first: Path) -> None:
    sealed = store.load(first, "panel")
    assert sealed is not None
    assert sealed.meta == META
    for name, frame in FRAMES.items():
        pd.testing.assert_frame_equal(sealed.frame(name), frame)
    kept = store.load(first, "kept")
    assert kept is not None
    pd.testing.assert_frame_equal(kept.frame("incidence"), FRAMES["careers"])
    assert store.versions(first) == [{**VERSION, "number": 1, "there": True}]
    assert store.verify(first).faults == ()
    store.expect(first, "0123456789abcdef")


def test_format_1_is_gone_on_with(first: Path) -> None:
    store.save(first, "next", {"members": FRAMES["members"]}, {"waves": ["2025"]})
    assert store.record(first, {**VERSION, "of": "next", "wave": "2025"}) == 2
    store.sweep(first)
    assert store.load(first, "panel") is not None
    assert store.verify(first).faults == ()


ACTS: dict[str, Callable[[Path], object]] = {
    "load": lambda home: store.load(home, "panel"),
    "save": lambda home: store.save(home, "new", FRAMES, {}),
    "record": lambda home: store.record(home, {**VERSION, "of": "new"}),
    "sweep": store.sweep,
    "purge": lambda home: store.purge(home, "2024"),
    "verify": store.verify,
    "expect": lambda home: store.expect(home, "f" * 16),
}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("other", ["newer", "lost", "older"])
def test_a_newer_format_is_refused_and_left_alone(first: Path, name: str, other: str) -> None:
    """Also where the second manifest is lost, or an upgrade was stopped before it came to that one."""
    newer(first / manifest.NAME)
    if other == "newer":
        newer(first / manifest.COPY)
    elif other == "lost":
        (first / manifest.COPY).unlink()
    before = snapshot(first)
    with pytest.raises(Refused, match=r"newer version .*\(format 2; this one reads 1\)") as refused:
        ACTS[name](first)
    assert said("new store, old code; an upgrade that was stopped", str(refused.value))
    assert snapshot(first) == before


def newer(path: Path) -> None:
    """Write a manifest as a later workbench would: another format, things that this one does not know, its own checksum."""
    content = json.loads(path.read_bytes()) | {"format": 2, "more": {"new": True}}
    del content["sum"]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
    content["sum"] = hashlib.sha256(text).hexdigest()
    path.write_bytes(json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n")


def test_a_number_of_the_format_that_was_flipped_is_damage_and_no_newer_format(first: Path) -> None:
    text = (first / manifest.NAME).read_bytes()
    (first / manifest.NAME).write_bytes(text.replace(b'"format": 1', b'"format": 9'))
    assert store.load(first, "panel") is not None
    assert (first / manifest.NAME).read_bytes() == text


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"sum": ""}', '{"format": 1, "sum": 3}', "[" * 100_000, "\udcff"]
)
def test_a_manifest_that_is_none(first: Path, text: str) -> None:
    (first / manifest.NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert store.load(first, "panel") is not None
