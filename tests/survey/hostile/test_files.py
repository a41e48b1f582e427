"""Files that are no table, or pretend to be a small one: pickles, archives, devices, Parquet, SPSS, Stata, CSV, odd names."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from survey import Refused, read_table
from tests.survey.hostile.books import apart, refused, text_of


class Opened:
    """Makes a file where somebody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["a.pkl", "a.csv", "a.xlsx", "a.parquet"])
def test_a_pickle_is_never_loaded(tmp_path: Path, protocol: int, name: str) -> None:
    data = pickle.dumps(Opened(tmp_path / "mark"), protocol=protocol)
    pickle.loads(data)  # the trap works
    (tmp_path / "mark").rmdir()
    (tmp_path / name).write_bytes(data)
    try:
        read_table(tmp_path / name)  # protocol 0 is plain text: some rows of it
    except Refused as told:
        assert told.faults[0].zh  # noqa: PT017
    assert not (tmp_path / "mark").exists()


def test_pickles_in_what_parquet_and_numpy_carry_are_never_loaded(tmp_path: Path) -> None:
    trap = pickle.dumps(Opened(tmp_path / "mark"))
    for kind in (b"arrow.py_extension_type", b"pandas.period", b"unknown"):
        about = {b"ARROW:extension:name": kind, b"ARROW:extension:metadata": trap}
        schema = pa.schema([pa.field("id", pa.string(), metadata=about), pa.field("q1", pa.string())])
        table = pa.table({"id": ["x1"], "q1": ["4"]}, schema=schema.with_metadata({b"pandas": trap}))
        pq.write_table(table, tmp_path / "a.parquet")
        try:
            assert text_of(tmp_path / "a.parquet") == [["id", "q1"], ["x1", "4"]]
        except Refused as told:
            assert told.faults[0].zh  # noqa: PT017
    np.save(tmp_path / "a.npy", np.array([Opened(tmp_path / "mark")], dtype=object), allow_pickle=True)
    assert "not a table" in refused(tmp_path / "a.npy")
    pq.write_table(pa.table({"id": ["x1"], "b": [trap]}), tmp_path / "b.parquet")
    assert "raw bytes" in refused(tmp_path / "b.parquet")
    assert not (tmp_path / "mark").exists()


def _tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name, kind in (("../../evil.csv", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "/etc/passwd", 8 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"a,b\n1,2\n"))


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.csv", "a,b\n1,2\n")


def _arrow(path: Path) -> None:
    with pa.ipc.new_file(path, pa.schema([("a", pa.string())])) as file:
        file.write_table(pa.table({"a": ["1"]}))


ARCHIVES: dict[str, tuple[Callable[[Path], object], str]] = {
    "tar": (_tar, "NUL"),
    "zip": (_zip, "packed archive"),
    "gz": (lambda path: path.write_bytes(gzip.compress(bytes(5_000_000))), "packed"),
    "arrow": (_arrow, "not a table"),
    "zst": (lambda path: path.write_bytes(b"\x28\xb5\x2f\xfd\x04\x00"), "packed"),
    "sqlite": (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(100)), "not a table"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_are_not_unpacked(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in" / "in").mkdir(parents=True)
    make, words = ARCHIVES[kind]
    path = tmp_path / "in" / "in" / "a.csv"
    make(path)
    assert words in refused(path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.csv", "in", "in"]


@pytest.mark.parametrize("kind", ["fifo", "device", "socket", "folder", "link", "link to a device", "broken link"])
def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / "b.csv").write_text("a,b\n1,2\n", "utf-8")
    if kind == "device":
        path = Path("/dev/zero")
    elif kind == "socket":
        listening = socket.socket(socket.AF_UNIX)
        monkeypatch.chdir(tmp_path)  # the name of a socket must be short
        listening.bind("a.csv")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"link": "b.csv", "link to a device": "/dev/zero", "broken link": "nowhere"}[kind])
    assert "not a regular file" in refused(path)


NAMES = [
    "-rf.csv",
    "a\nb.csv",
    "a\r\x1b[31mred.csv",
    "\u202etxt.csv",
    "a b;$(id).csv",
    "<b>{0}.csv",
    "会" * 83 + ".csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_told_on_one_safe_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("a,b\n1,2\n", "utf-8")
    assert text_of(path) == [["a", "b"], ["1", "2"]]
    path.write_bytes(b"")
    with pytest.raises(Refused) as caught:
        read_table(path)
    assert caught.value.faults[0].file.isprintable()
    assert str(caught.value).count("\n") == 2


BOMBS: dict[str, Callable[[], pa.Table]] = {
    "one row often": lambda: pa.table({c: pa.repeat(pa.scalar(1, pa.int8()), 1_500_000) for c in "ab"}),
    "one long text": lambda: pa.table({"a": pa.DictionaryArray.from_arrays(np.zeros(3000, "int32"), ["y" * 200_000])}),
    "too wide": lambda: pa.table({f"c{n}": [1] for n in range(6000)}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_parquet_that_is_larger_than_it_looks_is_refused(tmp_path: Path, name: str) -> None:
    pq.write_table(BOMBS[name](), tmp_path / "a.parquet")
    assert "too large" in (told := refused(tmp_path / "a.parquet")) or "far larger" in told


def test_parquet_of_many_row_groups_is_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1000)), "b": ["x"] * 1000}), tmp_path / "a.parquet", row_group_size=1)
    assert read_table(tmp_path / "a.parquet").frame["a"].tolist() == [str(n) for n in range(1000)]


def _sav(path: Path) -> bytearray:
    pyreadstat.write_sav(pd.DataFrame({"id": ["a", "b"], "q1": [1.0, 2.0]}), str(path))
    return bytearray(path.read_bytes())


def _dta(path: Path) -> bytearray:
    pyreadstat.write_dta(pd.DataFrame({"id": ["a", "b"], "q1": [1.0, 2.0]}), str(path), version=14)
    return bytearray(path.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_parquet_that_is_larger_than_it_looks_takes_little_memory(tmp_path: Path, name: str) -> None:
    pq.write_table(BOMBS[name](), tmp_path / "a.parquet")
    assert "large" in apart(tmp_path / "a.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("count", [100_000_000, 2_000_000_000])
def test_spss_with_absurd_counts(tmp_path: Path, count: int) -> None:
    data = _sav(tmp_path / "a.sav")
    struct.pack_into("<i", data, 80, count)
    (tmp_path / "a.sav").write_bytes(data)
    told = apart(tmp_path / "a.sav")
    assert "read (2, 2)" in told or "damaged" in told or "too large" in told


@pytest.mark.slow
@pytest.mark.parametrize("record", [struct.pack("<ii", 6, 2**31 - 1), struct.pack("<iiii", 7, 11, 8, 2**31 - 1)])
def test_spss_with_absurd_lengths(tmp_path: Path, record: bytes) -> None:
    data = _sav(tmp_path / "a.sav")
    end = data.find(struct.pack("<ii", 999, 0))
    (tmp_path / "a.sav").write_bytes(data[:end] + record + data[end:])
    assert "damaged" in refused(tmp_path / "a.sav")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tag", "form", "count"), [(b"<N>", "<Q", 2**40), (b"<N>", "<Q", 50_000_000), (b"<K>", "<H", 32767)]
)
def test_stata_with_absurd_counts(tmp_path: Path, tag: bytes, form: str, count: int) -> None:
    data = _dta(tmp_path / "a.dta")
    struct.pack_into(form, data, data.find(tag) + 3, count)
    (tmp_path / "a.dta").write_bytes(data)
    assert "damaged" in (told := refused(tmp_path / "a.dta")) or "too large" in told


TEXTS = {
    "giant cell": (b'a,b\n1,"' + b"x" * 5_000_000 + b'"\n', "131,072 signs"),
    "unclosed": (b'a,b\n1,"' + b"x,y\n" * 1_000_000, "not closed"),
    "quotes": (b"a,b\n" + b'"' * 2_000_001, "not closed|not doubled"),
    "one endless line": (b"a" * 5_000_000, "131,072 signs"),
    "a million columns": (b"," * 1_000_000 + b"\n1,2\n", "too large"),
    "noughts": (bytes(5_000_000), "NUL|encod"),
    "brackets": (b"[" * 100_000, "no rows|JSON"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_are_no_table_are_refused_soon(tmp_path: Path, name: str) -> None:
    data, words = TEXTS[name]
    (tmp_path / "a.csv").write_bytes(data)
    told = refused(tmp_path / "a.csv")
    assert any(word in told for word in words.split("|"))
    assert len(told) < 1000
