"""One writer at a time, by a lock of the operating system; who waits is told for whom; a dead process's lock is taken over."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from survey import Refused, store
from tests.survey.store.faults import said
from tests.survey.store.ground import snapshot
from tests.survey.store.worker import ROOT

HOLD = """
import pathlib, signal, sys
from survey import store
with store.writing(pathlib.Path(sys.argv[1])):
    pathlib.Path(sys.argv[2]).write_text("held")
    signal.pause()
"""


@pytest.fixture
def holder(home: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock."""
    told = tmp_path / "told"
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home), str(told)], cwd=ROOT)
    _until(told.exists)
    yield process
    process.kill()
    process.wait()


def _until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_second_writer_is_refused_with_process_host_and_since_when(
    home: Path, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_WAIT", "0.3")
    before, start = snapshot(home), time.monotonic()
    with pytest.raises(Refused) as refused:
        store.save(home, "k", {"t": pd.DataFrame({"a": [1]})}, {})
    assert 0.3 <= time.monotonic() - start < 5
    (fault,) = refused.value.faults
    for words in (fault.en, fault.zh):
        assert str(holder.pid) in words
        assert socket.gethostname() in words
        (since,) = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", words)
        assert abs(dt.datetime.now().astimezone() - dt.datetime.fromisoformat(since)) < dt.timedelta(minutes=2)
    assert said("two runs at once", str(refused.value))
    assert snapshot(home) == before


def test_the_wait_ends_when_the_other_is_done(
    home: Path, holder: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "survey")
    threading.Timer(1.0, holder.kill).start()
    store.save(home, "k", {"t": pd.DataFrame({"a": [1]})}, {})
    assert store.load(home, "k") is not None
    assert f"waiting for process {holder.pid}" in caplog.text
    assert caplog.text.count("waiting for") == 1


def test_who_waits_may_say_it_elsewhere(home: Path, holder: subprocess.Popen[bytes]) -> None:
    said: list[str] = []
    with pytest.raises(Refused), store.writing(home, wait=0.8, say=said.append):
        raise AssertionError("two hold the lock")
    (line,) = said
    assert str(holder.pid) in line
    assert "正在等待" in line


def test_a_killed_process_s_lock_is_taken_over_at_once(
    home: Path, holder: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "survey")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads((home / "lock").read_bytes())["pid"] == holder.pid
    with store.writing(home, wait=-1):
        assert json.loads((home / "lock").read_bytes())["pid"] == os.getpid()
    assert f"process {holder.pid}" in caplog.text
    assert "taken over" in caplog.text
    assert not (home / "lock").exists()


def test_a_lock_file_of_a_process_that_lives_and_holds_nothing_locks_nothing(home: Path) -> None:
    (home / "lock").write_text(json.dumps({"pid": 1, "host": "here", "since": "-"}), "utf-8")
    with store.writing(home, wait=-1):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x"}', "\udcff"])
def test_a_lock_file_of_any_content_is_no_obstacle(home: Path, text: str) -> None:
    (home / "lock").write_bytes(text.encode("utf-8", "surrogateescape"))
    with store.writing(home, wait=-1):
        assert json.loads((home / "lock").read_bytes())["pid"] == os.getpid()


def test_the_same_thread_may_take_it_again_and_another_may_not(home: Path) -> None:
    found: list[str] = []

    def other() -> None:
        try:
            with store.writing(home, wait=0.0):
                found.append("held by two")
        except Refused:
            found.append("refused")

    with store.writing(home):
        with store.writing(home):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert (home / "lock").exists()  # the inner one has not given it up
    assert found == ["refused"]


def test_a_wait_that_is_no_number_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_WAIT", "soon")
    with pytest.raises(Refused, match="WORKBENCH_WAIT") as refused:
        store.save(home, "k", {}, {})
    assert "soon" not in str(refused.value)


def test_readers_need_no_lock(home: Path, tmp_path: Path) -> None:
    store.save(home, "k", {"t": pd.DataFrame({"a": [1]})}, {})
    with store.writing(home):
        done: list[int] = []
        thread = threading.Thread(target=lambda: done.append(store.verify(home).files))
        thread.start()
        thread.join(10)
        assert done == [3]
