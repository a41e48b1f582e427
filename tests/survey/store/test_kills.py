"""A run that is killed leaves the old state or the new one, and the run after it ends as if nothing had been.

Named steps in the fast tier, 50 kills in the slow one; ``WORKBENCH_KILLS=1000`` makes it so many (``make validate``).
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from survey import store
from tests.survey.store.ground import NAME, WAVES, Ground, done, snapshot
from tests.survey.store.kills import SIGKILL, STEPS, at_step, killed, plan, seconds_of
from tests.survey.store.worker import Worker

KILLS = int(os.environ.get("WORKBENCH_KILLS", "50"))
FAST = (
    "between the tables",
    "the copy of the manifest, renamed",
    "before the first rename",
    "the sweep, a table deleted",
)


def test_each_step_is_one_of_an_undisturbed_run(ground: Ground) -> None:
    found = {str(at_step(name, ground.calls)) for name in STEPS}
    assert len(found) == len(STEPS)


@pytest.mark.parametrize("step", FAST)
def test_killed_at_a_named_step(ground: Ground, worker: Worker, tmp_path: Path, step: str) -> None:
    killed(ground, worker, ground.copy(tmp_path / "home"), at_step(step, ground.calls))


@pytest.mark.slow
@pytest.mark.parametrize("step", [name for name in STEPS if name not in FAST])
def test_killed_at_every_other_named_step(ground: Ground, worker: Worker, tmp_path: Path, step: str) -> None:
    killed(ground, worker, ground.copy(tmp_path / "home"), at_step(step, ground.calls))


def test_a_purge_that_is_killed_erases_when_it_is_run_again(ground: Ground, worker: Worker, tmp_path: Path) -> None:
    given = {"wave": WAVES[0]}
    whole = ground.copy(tmp_path / "whole")
    calls = len(done(worker.run("purge", home=whole, **given))["calls"])
    for n, call in enumerate(range(1, calls + 1, calls // 8)):
        home = ground.copy(tmp_path / f"{n}")
        ended = worker.run("purge", home=home, spoil={"kill": [call, "after"]}, **given)
        assert ended.signal == SIGKILL
        assert store.verify(home / "store" / NAME).faults == ()
        done(worker.run("purge", home=home, **given))
        assert snapshot(home) == snapshot(whole), call


@pytest.mark.slow
def test_killed_anywhere(ground: Ground, worker: Worker, tmp_path: Path) -> None:
    kills = plan(KILLS, len(ground.calls), seconds_of(worker, ground, tmp_path / "whole"))
    found = Counter[str]()
    for n, kill in enumerate(kills):
        found[killed(ground, worker, ground.copy(tmp_path / f"{n}"), kill)] += 1
        shutil.rmtree(tmp_path / f"{n}")
    counts = ", ".join(f"{found[state]} {state}" for state in ("old", "between", "new"))
    print(
        f"\n{found.total():,} kills: state found afterwards {counts}; 0 torn, {found.total():,} of the runs after equal"
    )
    assert found.total() == KILLS
    assert min(found["old"], found["between"], found["new"]) > 0, "no kill fell into one of the parts of the run"
