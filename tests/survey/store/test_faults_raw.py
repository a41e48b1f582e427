"""Files that arrived and are not what they were: garbled, gone, cut off, still being written."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey import Refused, open_study, parts
from survey import build as panels
from tests.survey.builders import ANSWERS, FULL, change_wave
from tests.survey.store.faults import said
from tests.survey.store.ground import snapshot, write


@pytest.fixture
def taken_in(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, str]]:
    """A study that was taken in, and what its store holds; the next panel is made as by a new process."""
    monkeypatch.setattr(panels, "_open", {})
    folder = write(tmp_path, 20)
    open_study(folder).panel()
    monkeypatch.setattr(panels, "_open", {})
    return folder, snapshot(home)


def _refused(folder: Path, file: str) -> Refused:
    with pytest.raises(Refused) as refused:
        open_study(folder).panel()
    assert file in {f.file for f in refused.value.faults} or file in str(refused.value)
    return refused.value


@pytest.mark.parametrize("file", ["answers.csv", "log.csv", "registry.csv"])
def test_a_raw_file_that_was_garbled(home: Path, taken_in: tuple[Path, dict[str, str]], file: str) -> None:
    folder, before = taken_in
    path = folder / "2024" / file
    data = path.read_bytes()
    for garbled in (bytes(reversed(data)), b"\xff\xfe\xfd" + data, data[:5] + b"\x00" + data[5:], b""):
        path.write_bytes(garbled)
        _refused(folder, f"2024/{file}")
        assert snapshot(home) == before


@pytest.mark.parametrize("file", ["2024/answers.csv", "2024/log.csv", "groups.csv", "places.csv"])
def test_a_raw_file_that_is_gone(home: Path, taken_in: tuple[Path, dict[str, str]], file: str) -> None:
    folder, before = taken_in
    (folder / file).unlink()
    _refused(folder, Path(file).name)
    assert snapshot(home) == before


@pytest.mark.parametrize("change", ["grows", "goes"])
def test_a_file_that_changes_while_it_is_read(
    home: Path, taken_in: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    folder, before = taken_in
    path, check = folder / "2024" / "answers.csv", parts._faults
    path.write_bytes(path.read_bytes() + b"\n")

    def meanwhile(*given: Any) -> Any:
        found = list(check(*given))
        if change == "grows":
            path.write_bytes(path.read_bytes() + b"\n")
        else:
            path.unlink()
        return found

    monkeypatch.setattr(parts, "_faults", meanwhile)
    refused = _refused(folder, "2024/answers.csv")
    if change == "grows":
        assert said("a file still being written while it is read", str(refused))
    assert snapshot(home) == before


def test_a_truncated_parquet_file(home: Path, taken_in: tuple[Path, dict[str, str]]) -> None:
    folder, before = taken_in
    path = folder / "2024" / "answers.parquet"
    rows = [FULL | {"id": f"m{n}"} for n in range(300)]
    pd.DataFrame(rows)[list(ANSWERS["columns"])].to_parquet(path)
    data = path.read_bytes()
    change_wave(folder, "2024", files=[ANSWERS | {"file": path.name}])
    for part in (0.0, 0.01, 0.3, 0.9, 0.999):
        path.write_bytes(data[: int(part * len(data))])
        _refused(folder, "2024/answers.parquet")
        assert snapshot(home) == before
    path.write_bytes(data)
    assert len(open_study(folder).panel().members) == 300


@pytest.mark.parametrize(
    "spoil", [lambda data: data, lambda data: data[:40], lambda data: data[:-8]], ids=["whole", "40", "-8"]
)
def test_a_packed_file_whole_or_truncated(
    home: Path, taken_in: tuple[Path, dict[str, str]], spoil: Callable[[bytes], bytes]
) -> None:
    """Packed files are not unpacked: whoever sent one is asked for the table."""
    folder, before = taken_in
    path = folder / "2024" / "answers.csv"
    path.write_bytes(spoil(gzip.compress(path.read_bytes())))
    assert "packed" in str(_refused(folder, "2024/answers.csv"))
    assert snapshot(home) == before
