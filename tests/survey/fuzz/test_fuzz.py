"""The fuzzer: damaged files by the hundred, each read right or refused in plain words. What must be true stands in `oracle`.

500 files in the fast tier, 2,000 others in the slow one; ``WORKBENCH_FUZZ=10000`` before
``python -m pytest tests/survey/fuzz -m "not slow"`` makes it so many. The counts stand at the end of any run of this folder.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from survey import raw_files, store
from tests.survey.fuzz.cases import FAST, SLOW, by_seed
from tests.survey.fuzz.ground import OUTCOMES, prepare
from tests.survey.fuzz.studies import SEEDS

COUNT = int(os.environ.get("WORKBENCH_FUZZ", FAST))
MANY = 40  # cases of one seed, among which every outcome is found: a fuzzer that is always refused tests nothing


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a study, with a store and a place for temporary files that are empty."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


def fuzz(name: str, numbers: list[int], place: Path, record_property: Callable[[str, object], None]) -> None:
    """Run the cases of one seed and record how many ended in which way."""
    ground, outcomes, begun = prepare(SEEDS[name], place), Counter[str](), time.perf_counter()
    for number in numbers:
        outcomes[ground.run(number)] += 1
    record_property("fuzz", (name, dict(outcomes), time.perf_counter() - begun))
    assert outcomes.total() == len(numbers)
    # A change of the study's own files that is accepted seldom changes a tally.
    assert len(numbers) < MANY or len(outcomes) >= len(OUTCOMES) - (ground.seed.holds == "study")


@pytest.mark.parametrize(("name", "numbers"), by_seed(range(COUNT)).items(), ids=by_seed(range(COUNT)))
def test_damaged_files(
    name: str, numbers: list[int], place: Path, record_property: Callable[[str, object], None]
) -> None:
    fuzz(name, numbers, place, record_property)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "numbers"), by_seed(range(COUNT, COUNT + SLOW)).items(), ids=by_seed(range(COUNT, COUNT + SLOW))
)
def test_more_damaged_files(
    name: str, numbers: list[int], place: Path, record_property: Callable[[str, object], None]
) -> None:
    fuzz(name, numbers, place, record_property)


@pytest.mark.parametrize("name", ["csv", "xlsx", "log", "study.yaml", "wave.yaml", "instrument.csv"])
def test_a_changed_byte_changes_the_provenance(name: str, place: Path) -> None:
    ground = prepare(SEEDS[name], place)
    before = raw_files.sums(ground.study, ground.study.wave_list)
    ground.path.write_bytes(ground.data + b"\n")
    after = raw_files.sums(ground.study, ground.study.wave_list)
    assert {name for name in before if before[name] != after[name]} == {ground.seed.file}
    assert after[ground.seed.file] == store.digest([ground.data + b"\n"])
