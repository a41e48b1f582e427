"""What somebody who waits for a large file sees: its name, how much was read, and nothing else of it."""

from __future__ import annotations

import logging

import pytest

from reports.commands import progress


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("survey")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", logging.WARNING)
    progress.show_progress()
    progress.show_progress()
    said = {"progress": ("answers.csv", 358 * 2**20, 1024 * 2**20)}
    log.info("answers.csv: 34 %% of 1,024 MB read", extra=said)
    log.info("of another kind")
    log.info("soon after", extra=said)
    assert capsys.readouterr() == ("", "answers.csv  34 %  (358 / 1,024 MB)\n")
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    log.handlers[0]._next = 0.0
    for _ in range(2):
        log.info("later", extra=said)
    assert capsys.readouterr().err.count("\n") == 2
