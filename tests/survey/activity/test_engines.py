"""The seam: which engine is asked, what the embedded one may touch, what is said where one cannot be had."""

from __future__ import annotations

import builtins
import tempfile

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from survey import Refused
from survey.activity import embedded, engines, spark
from survey.activity.embedded import DuckDB
from tests.survey.activity.logs import part, reduced

ROWS = [{"member": "ann", "activity": "a", "start": "2024-05-01"}]


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / name for name in ("given's.parquet", "other.parquet")]
    for path in paths:
        pq.write_table(pa.table({"x": [1, 2]}), path)
    return paths


def test_a_step_is_kept_and_fetched(files):
    with DuckDB.opened(files[:1]) as run:
        run.file("given", files[0])
        run.table("small", pa.table({"x": [2], "y": ["two"]}))
        run.view("seen", "SELECT g.x, s.y FROM given g JOIN small s ON s.x = g.x")
        run.step("kept", "SELECT x, y FROM seen")
        assert run.fetch("SELECT x, y FROM kept").to_pylist() == [{"x": 2, "y": "two"}]
        run.forget("kept")
        with pytest.raises(duckdb.CatalogException):  # a fault of our own SQL is not taken for a damaged file
            run.fetch("SELECT x FROM kept")


CLOSED = (
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM read_text('{other}')",
    "SELECT * FROM glob('/*')",
    "COPY (SELECT 1) TO '{other}.new'",
    "ATTACH '{other}.db'",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '8GB'",
)


@pytest.mark.parametrize("query", CLOSED)
def test_it_opens_no_other_file_and_keeps_its_settings(files, query):
    with DuckDB.opened(files[:1]) as run, pytest.raises((duckdb.Error, Refused)):
        run._connection.execute(query.format(other=files[1]))
    assert {path.name for path in files[0].parent.iterdir()} == {path.name for path in files}


def test_it_reads_no_variable_of_python_and_prints_nothing(files):
    with DuckDB.opened(files[:1]) as run:
        for setting in ("python_enable_replacements", "enable_progress_bar", "enable_external_access"):
            assert run.fetch(f"SELECT current_setting('{setting}') AS x")["x"].to_pylist() == [False], setting


def test_its_memory_is_limited_and_what_it_spills_goes_with_it(files, tmp_path, monkeypatch):
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spill))
    monkeypatch.setattr(embedded, "CAREFUL", ("memory_limit = '60MB'", *embedded.CAREFUL[1:]))
    with DuckDB.opened(files[:1]) as run:
        run.step("large", "SELECT r.range AS x, r.range * 7 AS y FROM range(8000000) r")
        assert run.fetch("SELECT COUNT(*) AS n FROM large")["n"].to_pylist() == [8000000]
        folder = next(spill.iterdir())
        assert folder.stat().st_mode & 0o077 == 0
        assert sum(path.stat().st_size for path in folder.iterdir()) > 10**6
    assert list(spill.iterdir()) == []
    assert embedded.CAREFUL[0] == "memory_limit = '60MB'"


def test_without_memory_and_disk_it_says_what_to_do(files, monkeypatch):
    monkeypatch.setattr(
        embedded, "CAREFUL", ("memory_limit = '60MB'", "max_temp_directory_size = '0KB'", *embedded.CAREFUL[1:])
    )
    with pytest.raises(Refused, match=r"does not fit into.*TMPDIR"), DuckDB.opened(files[:1]) as run:
        run.step("large", "SELECT r.range AS x, r.range * 7 AS y FROM range(20000000) r")


@pytest.mark.parametrize("harm", ["cut", "overwritten", "gone"])
def test_a_damaged_part_ends_in_words(tmp_path, harm):
    whole = part(tmp_path, ROWS * 2000)
    data = whole.path.read_bytes()
    half, foot = len(data) // 2, len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    whole.path.write_bytes(data[:half] if harm == "cut" else data[:4] + b"\xff" * (foot - 4) + data[foot:])
    if harm == "gone":
        whole.path.unlink()
    with pytest.raises(Refused, match=r"cannot be read[\s\S]*无法读取") as told:
        reduced([whole])
    assert str(tmp_path) not in str(told.value)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (None, "duckdb"),
        ("local[2]", "local[2]"),
        ("local[*]", "local[*]"),
        ("spark://m1.example:7077", "spark://m1.example:7077"),
    ],
)
def test_the_environment_says_which_engine(monkeypatch, said, name):
    monkeypatch.delenv(engines.ENGINE, raising=False)
    if said:
        monkeypatch.setenv(engines.ENGINE, said)
    assert engines.chosen() == name
    assert engines.chosen("duckdb") == "duckdb"


@pytest.mark.parametrize("name", ["postgres", "spark://host", "local[2", "spark://a b:1", "yarn"])
def test_an_engine_that_is_not_known_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv(engines.ENGINE, name)
    with pytest.raises(Refused, match=r"duckdb, local\[2\]"):
        reduced([part(tmp_path, ROWS)], again={})


@pytest.mark.parametrize("folder", [None, "nowhere"])
def test_a_cluster_needs_a_folder_that_both_sides_see(tmp_path, monkeypatch, folder):
    monkeypatch.delenv(engines.EXCHANGE, raising=False)
    if folder:
        monkeypatch.setenv(engines.EXCHANGE, str(tmp_path / folder))
    with pytest.raises(Refused, match=engines.EXCHANGE):
        reduced([part(tmp_path, ROWS)], again={}, engine="spark://127.0.0.1:7077")


def test_spark_that_is_not_installed_is_told(tmp_path, monkeypatch):
    really = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "pyspark":
            raise ImportError(name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Refused, match=r"pyspark is not installed.*\[spark\]"), spark.Spark.opened("local[2]", []):
        pass
