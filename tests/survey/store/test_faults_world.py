"""What must not matter: clock, zone, locale, hash seed, threads, folder, network. And what must: the study's key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from survey import Refused, open_study
from survey import build as panels
from tests.survey.store.faults import said
from tests.survey.store.ground import NAME, Ground, done, snapshot, write
from tests.survey.store.worker import ROOT, Worker

TIMES = (
    "1970-01-01T00:00:01",
    "2024-02-29T23:59:59",
    "2024-03-05T10:00:00",
    "2038-01-19T03:14:08",
    "2100-12-31T12:00:00",
)
ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns")
LOCALES = {"de_DE": "ISO-8859-1", "tr_TR": "ISO-8859-9", "zh_CN": "GB18030"}  # besides C
INGEST = """
import sys
from tests.survey.store import actions
actions.ingest(sys.argv[1], sys.argv[2])
"""


def _one_fast(values: tuple[str, ...], which: int) -> list[Any]:
    """All values; the slow tier has those but one."""
    return [v if n == which else pytest.param(v, marks=pytest.mark.slow) for n, v in enumerate(values)]


def _same(ground: Ground, worker: Worker, tmp_path: Path, before: str, **environment: str) -> None:
    home = ground.copy(tmp_path / "home")
    given = {"study": ground.second, "home": home, "before": before, "environment": environment}
    done(worker.run("ingest", **given))
    assert snapshot(home) == ground.after


@pytest.mark.parametrize("now", _one_fast(TIMES, 1))
def test_the_same_bytes_whatever_the_clock_says(ground: Ground, worker: Worker, tmp_path: Path, now: str) -> None:
    _same(ground, worker, tmp_path, "clock", TEST_NOW=now)


@pytest.mark.parametrize("zone", _one_fast(ZONES, 2))
def test_the_same_bytes_in_every_zone(ground: Ground, worker: Worker, tmp_path: Path, zone: str) -> None:
    _same(ground, worker, tmp_path, "zone", TZ=zone)


@pytest.mark.parametrize("threads", _one_fast(("1", "2", "8"), 2))
def test_the_same_bytes_with_any_number_of_threads(
    ground: Ground, worker: Worker, tmp_path: Path, threads: str
) -> None:
    _same(ground, worker, tmp_path, "threads", TEST_THREADS=threads)


@pytest.mark.parametrize("name", _one_fast(("C", *LOCALES), 2))
def test_the_same_bytes_in_every_locale(ground: Ground, worker: Worker, tmp_path: Path, name: str) -> None:
    if name != "C":
        _made(tmp_path, name)
    _same(ground, worker, tmp_path, "language", LC_ALL=name, LOCPATH=str(tmp_path))


def _made(place: Path, name: str) -> None:
    """Make a locale here: a machine need not have it."""
    command = ["localedef", "-i", name, "-f", LOCALES[name], str(place / name)]
    try:
        made = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("localedef is not here, and the locale cannot be made")
    if not (place / name).is_dir():
        pytest.skip(f"the locale {name} cannot be made: {made.stderr.decode(errors='replace')[:200]}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "4294967295"])
def test_the_same_bytes_with_every_hash_seed(ground: Ground, tmp_path: Path, seed: str) -> None:
    home = ground.copy(tmp_path / "home")
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", INGEST, str(ground.second), str(home)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
    assert snapshot(home) == ground.after


def test_the_same_bytes_in_another_folder(ground: Ground, worker: Worker, tmp_path: Path) -> None:
    study = Path(shutil.copytree(ground.second, tmp_path / "else where 别处" / NAME))
    home = ground.copy(tmp_path / "home")
    for _ in range(2):
        done(worker.run("ingest", study=study, home=home))
        assert snapshot(home) == ground.after
        home = home.rename(tmp_path / "moved")


def test_no_network_is_needed(ground: Ground, worker: Worker, tmp_path: Path) -> None:
    _same(ground, worker, tmp_path, "no_network")


@pytest.mark.parametrize("how", ["lost", "changed"])
def test_a_key_that_is_lost_or_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(panels, "_open", {})
    folder = write(tmp_path, 20)
    settings = folder / "study.yaml"
    settings.write_text(settings.read_text("utf-8").replace("synthetic: true", "synthetic: false"), "utf-8")
    first = open_study(folder).panel()
    key, before = tmp_path / "keys" / f"{NAME}.key", snapshot(tmp_path / "home")
    old = key.read_bytes()
    key.unlink()
    if how == "changed":
        key.write_bytes(bytes(32))
        key.chmod(0o600)
    monkeypatch.setattr(panels, "_open", {})
    with pytest.raises(Refused) as refused:
        open_study(folder).panel()
    assert said("key lost or changed", str(refused.value))
    assert first.provenance["key"] in str(refused.value)
    assert old.hex() not in str(refused.value)
    assert snapshot(tmp_path / "home") == before
    key.write_bytes(old)
    key.chmod(0o600)
    assert open_study(folder).panel().members.equals(first.members)
