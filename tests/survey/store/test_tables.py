"""What is saved comes back with its types, under a name that is its content; the same twice changes no byte."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from survey import Refused, store
from survey.store import manifest
from tests.survey.store.ground import snapshot, stamps

FRAMES = {
    "texts": pd.DataFrame({"a": pd.Series(["x", None, "会员"], dtype="str"), "c": pd.Categorical(["u", None, "v"])}),
    "numbers": pd.DataFrame(
        {
            "f": [1.5, float("nan"), -0.0],
            "i": pd.Series([1, 2, -(2**53) - 1], dtype="int64"),
            "n": pd.Series([1, None, 3], dtype="Int64"),
            "b": [True, False, True],
        }
    ),
    "times": pd.DataFrame(
        {
            "t": pd.Series(["2024-02-29 23:59:59.999999", None, "1970-01-01"], dtype="datetime64[us]"),
            "z": pd.Series(pd.to_datetime(["2024-03-05 10:00", "2024-10-27 01:30", None])).dt.tz_localize(
                "Asia/Shanghai"
            ),
        }
    ),
    "containers": pd.DataFrame({"tuple": [("a", "b"), (), None], "list": [[1, 2], [], None]}),
    "nothing": pd.DataFrame({"a": pd.Series(dtype="str"), "f": pd.Series(dtype="float64")}),
}
META = {"calibration": {"totals": [[["x"], 3.5]]}, "waves": ["2024"]}


def test_tables_come_back_with_their_types(home: Path) -> None:
    store.save(home, "k", FRAMES, META)
    sealed = store.load(home, "k")
    assert sealed is not None
    assert sealed.names == tuple(sorted(FRAMES))
    assert sealed.meta == META
    for name, frame in FRAMES.items():
        found = sealed.frame(name)
        pd.testing.assert_frame_equal(found, frame)
        for column in frame.columns:
            pairs = zip(found[column], frame[column], strict=True)
            assert all(type(a) is type(b) for a, b in pairs if frame[column].dtype == object), column


def test_a_column_of_two_kinds_of_lists_is_refused_before_it_is_stored(home: Path) -> None:
    with pytest.raises(ValueError, match="several types"):
        store.save(home, "k", {"t": pd.DataFrame({"a": [(1,), [2]]})}, {})
    assert store.load(home, "k") is None
    assert store.verify(home).faults == ()


def test_a_file_is_named_by_its_bytes_however_the_table_was_put_together(home: Path) -> None:
    frame = pd.DataFrame({"a": range(1000), "b": ["x", "y"] * 500})
    parts = pd.concat([frame.iloc[:300], frame.iloc[300:]])
    store.save(home, "whole", {"t": frame}, {})
    store.save(home, "parts", {"t": parts, "again": frame.copy()}, {})
    files = [path.name for path in (home / "objects").iterdir()]
    assert len(files) == 1
    assert files[0] == f"{hashlib.sha256((home / 'objects' / files[0]).read_bytes()).hexdigest()}.parquet"


def test_a_file_of_an_engine_is_taken_over_without_being_copied(home: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]})
    with store.building(home) as folder:
        frame.to_parquet(folder / "big.parquet")
        inode, data = (folder / "big.parquet").stat().st_ino, (folder / "big.parquet").read_bytes()
        store.save(home, "k", {"big": folder / "big.parquet"}, {})
    sealed = store.load(home, "k")
    assert sealed is not None
    assert sealed.path("big").stat().st_ino == inode
    assert sealed.path("big").read_bytes() == data
    assert pq.read_table(sealed.path("big")).num_rows == 3
    pd.testing.assert_frame_equal(sealed.frame("big"), frame)
    assert store.verify(home).leftovers == 0


def test_the_same_twice_changes_no_byte_and_writes_no_file(home: Path) -> None:
    for _ in range(2):
        store.save(home, "k", FRAMES, META)
        store.record(home, {"of": "k", "inputs": {"a": "1"}, "code": "c", "wave": "2024"})
        store.sweep(home)
        before = snapshot(home), stamps(home)
    store.save(home, "k", FRAMES, META)
    assert store.record(home, {"of": "k", "inputs": {"a": "1"}, "code": "c", "wave": "2024"}) == 1
    store.sweep(home)
    assert (snapshot(home), stamps(home)) == before


def test_two_stores_of_the_same_content_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir(mode=0o700)
        store.save(tmp_path / name, "k", FRAMES, META, keep=True, fingerprint="f" * 16)
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")


def test_kept_tables_are_not_replaced(home: Path) -> None:
    store.save(home, "k", {"t": pd.DataFrame({"a": [1]})}, {}, keep=True)
    with pytest.raises(ValueError, match="other tables are kept under 'k'"):
        store.save(home, "k", {"t": pd.DataFrame({"a": [2]})}, {"n": 1}, keep=True)
    sealed = store.load(home, "k")
    assert sealed is not None
    assert sealed.frame("t")["a"].tolist() == [1]


def test_everything_is_private_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        with store.building(home) as folder:
            pd.DataFrame({"a": [1]}).to_parquet(folder / "e.parquet")
            store.save(home, "k", {"e": folder / "e.parquet", "t": FRAMES["texts"]}, {})
            modes = {
                p.relative_to(home).parts[0][:9]: stat.S_IMODE(p.stat().st_mode) for p in (folder, home / "objects")
            }
    finally:
        os.umask(before)
    assert modes == {".building": 0o700, "objects": 0o700}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in home.rglob("*") if p.is_file()} == {0o600}


def test_a_store_that_others_can_look_into_is_closed(home: Path) -> None:
    home.chmod(0o755)
    assert stat.S_IMODE(store.home("small").stat().st_mode) == 0o700


def test_a_key_that_changed_is_refused_with_both_fingerprints(home: Path) -> None:
    store.save(home, "k", {"t": FRAMES["texts"]}, {}, fingerprint="a" * 16)
    before = snapshot(home)
    store.expect(home, "a" * 16)
    for ask in (
        lambda: store.expect(home, "b" * 16),
        lambda: store.save(home, "other", {"t": FRAMES["texts"]}, {}, fingerprint="b" * 16),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        (fault,) = refused.value.faults
        for words in (fault.en, fault.zh):
            assert "a" * 16 in words
            assert "b" * 16 in words
    assert snapshot(home) == before
    assert manifest.read(home).key == "a" * 16


def test_numbers_keep_their_last_bit(home: Path) -> None:
    values = np.random.default_rng(1).standard_normal(10_000) * 10.0 ** np.arange(-150, 150, 0.03)
    store.save(home, "k", {"t": pd.DataFrame({"v": values})}, {})
    sealed = store.load(home, "k")
    assert sealed is not None
    assert sealed.frame("t")["v"].to_numpy().tobytes() == values.tobytes()
