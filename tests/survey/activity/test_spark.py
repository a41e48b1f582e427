"""The contract of the two engines: what Spark gives is what DuckDB gives, on a made-up log, a real one and logs of corners."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec

import pandas as pd
import pytest

from survey import build, open_study
from survey.activity import LogPart, engines, repeated
from tests.survey.activity.by_hand import random_log, written
from tests.survey.activity.logs import part, reduced

pytestmark = pytest.mark.slow
MASTER = "local[2]"
TABLES = ("cells", "careers", "observed", "tally")


@pytest.fixture(scope="module", autouse=True)
def ready():
    """Skip, saying why, where Spark cannot run."""
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make test-slow installs it")
    if shutil.which("java") is None:
        pytest.skip("there is no Java: Spark needs Java 17")
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    if 'version "17' not in told:
        pytest.skip(f"Spark needs Java 17, and here is {told.splitlines()[0] if told else 'none that starts'}")


def same(parts: list[LogPart], wave: str, key: tuple[str, ...] = ("activity", "member"), **options) -> None:
    """Hold both engines' answers against each other."""
    ours, theirs = (repeated(parts, key, engine=engine) for engine in ("duckdb", MASTER))
    assert {name: rows.tolist() for name, rows in ours.items()} == {
        name: rows.tolist() for name, rows in theirs.items()
    }
    one, other = (reduced(parts, wave, again=ours, engine=engine, **options) for engine in ("duckdb", MASTER))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert one.incidence.equals(other.incidence)
    assert len(one.careers) > 0


@pytest.mark.parametrize(
    ("seed", "groups", "days", "key"),
    [
        (1, True, None, ("activity", "member")),
        (2, True, 365, ("activity", "member", "start")),
        (3, False, 20, ("member", "region", "took_part", "rating", "end")),
    ],
)
def test_random_logs(tmp_path, seed, groups, days, key):
    parts = written(tmp_path, random_log(seed, rows=300, groups=groups))
    same(parts, "2", key, took_part_days=days, log_end=pd.Timestamp("2024-02-05 12:00"), not_reporting=["g3"])


def test_a_real_log(shared_data, tmp_path):
    raw = pd.read_csv(shared_data("la_meetup_rsvps") / "rsvps.csv", dtype="str")
    start = pd.to_datetime(raw["created"].astype("int64"), unit="ms").astype("datetime64[us]")
    log = pd.DataFrame(
        {"member": raw["member_id"], "activity": raw["event_id"], "start": start, "response": raw["response"]}
    )
    log = log.assign(took_part=raw["response"] == "yes")
    half = len(log) // 2
    parts = [
        part(tmp_path, log.iloc[:half].reset_index(drop=True), "1"),
        part(tmp_path, log.iloc[half - 500 :].reset_index(drop=True), "2"),
    ]
    same(parts, "2", took_part_days=365)


def test_the_demo_gives_the_same_panel(monkeypatch, tmp_path):
    """Through the environment, as ``workbench report --engine`` does it, with the folder in which Parquet is handed over."""
    ours = open_study("demo").panel()
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv(engines.ENGINE, MASTER)
    monkeypatch.setenv(engines.EXCHANGE, str(exchange))
    monkeypatch.setattr(build, "_open", {})
    theirs = open_study("demo").panel()
    for name in ("cells", "careers", "observed"):
        pd.testing.assert_frame_equal(getattr(ours, name), getattr(theirs, name), check_exact=True)
    assert list(exchange.iterdir()) == []
    assert theirs is not ours
