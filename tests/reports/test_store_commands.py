"""`workbench verify` and `workbench purge`: what a clerk types, what is said, the exit code, what is left."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reports.commands import app
from reports.commands.notes import show_notes
from survey import build as panels
from survey import open_study, store
from tests.survey.store.ground import snapshot, write


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two waves that was taken in, and its home, once for all tests."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("WORKBENCH_HOME", str(place / "home"))
        folder = write(place, 20, ("2023", "2024"))
        open_study(folder).panel()
        open_study(folder).panel("2023")
    return place


@pytest.fixture
def study(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(panels, "_open", {})
    return tmp_path / "small"


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app(), list(arguments), input=answer, catch_exceptions=False)


def test_a_whole_store(study: Path) -> None:
    before = snapshot(study.parents[0])
    done = run("verify", str(study), "--lang", "en")
    assert done.exit_code == 0
    assert "every byte is what was written" in done.stdout
    assert "每个字节" in run("verify", str(study), "--lang", "zh").stdout
    told = json.loads(run("verify", str(study), "--json").stdout)
    assert told["faults"] == []
    assert told["raw"] == {"added": [], "removed": [], "edited": []}
    assert told["files"] == len(snapshot(store.home("small")))
    assert snapshot(study.parents[0]) == before


def test_a_store_with_a_fault_and_nothing_of_a_person(study: Path) -> None:
    path = max((store.home("small") / "objects").iterdir(), key=lambda p: p.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1])
    for language, words in (("en", "was changed"), ("zh", "已被改动")):
        done = run("verify", str(study), "--lang", language)
        assert done.exit_code == 2
        assert words in done.stdout
        assert path.name[:12] in done.stdout
    done = run("verify", str(study), "--json")
    assert done.exit_code == 2
    (fault,) = json.loads(done.stdout)["faults"]
    assert fault["en"].startswith("table members was changed")


def test_nothing_was_stored_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    done = run("verify", str(write(tmp_path, 20)), "--lang", "en")
    assert done.exit_code == 0
    assert "nothing has been stored yet" in done.stdout


def test_verify_tells_which_raw_files_differ(study: Path) -> None:
    (study / "2024" / "log.csv").unlink()
    answers = study / "2023" / "answers.csv"
    answers.write_bytes(answers.read_bytes() + b"\n")
    (study / "more.csv").write_text("a\n", "utf-8")
    done = run("verify", str(study), "--json")
    assert done.exit_code == 1
    told = {"added": ["more.csv"], "removed": ["2024/log.csv"], "edited": ["2023/answers.csv"]}
    assert json.loads(done.stdout)["raw"] == told
    said = run("verify", str(study), "--lang", "en").stdout
    assert "gone: 2024/log.csv" in said
    assert "edited: 2023/answers.csv" in said


def test_a_correction_that_was_taken_in_is_no_difference(study: Path) -> None:
    answers = study / "2023" / "answers.csv"
    answers.write_bytes(answers.read_bytes() + b"\n")
    open_study(study).panel()
    assert run("verify", str(study)).exit_code == 0


def test_purge_asks_and_erases_nothing_without_a_yes(study: Path) -> None:
    before = snapshot(study.parents[0])
    done = run("purge", str(study), "2023", "--lang", "en", answer="n\n")
    assert "cannot be undone" in done.stdout
    assert "nothing was erased" in done.stdout
    assert snapshot(study.parents[0]) == before


def test_purge_erases_a_wave(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = store.home("small")
    done = run("purge", str(study), "2023", "--yes", "--lang", "en")
    assert done.exit_code == 0
    assert not (study / "2023").exists()
    assert store.holding(home, "2023") == ()  # the panel of 2024, which holds the answers of 2023 as well, is gone
    assert {path.stem for path in (home / "objects").iterdir()} == sums_of(home, "2024")
    assert run("verify", str(study), "--json").exit_code == 1  # the wave's files are recorded and gone
    panel = open_study(study).panel()
    assert panel.waves == ("2024",)
    assert store.holding(home, "2023") == ()
    assert "nothing is known of a wave 2023" in run("purge", str(study), "2023", "--lang", "en").stdout


def sums_of(home: Path, wave: str) -> set[str]:
    """Tables of a wave's files, which hold nothing of another wave."""
    sealed = [store.load(home, key) for key in store.holding(home, wave)]
    assert all(one is not None and one.meta["waves"] == [wave] for one in sealed)
    return {total for one in sealed if one is not None for total in one.sums.values()}


def test_what_a_purge_that_was_stopped_has_left_goes_with_the_next(study: Path) -> None:
    home, objects = store.home("small"), {}
    for path in (home / "objects").iterdir():
        objects[path] = path.read_bytes()
    run("purge", str(study), "2023", "--yes")
    for path, data in objects.items():
        path.write_bytes(data)
    run("purge", str(study), "2023", "--yes")
    assert {path.stem for path in (home / "objects").iterdir()} == sums_of(home, "2024")


@pytest.mark.parametrize("wave", ["..", ".", "../small", "/", "2025", "", "2024/"])
def test_purge_takes_no_other_folder(study: Path, wave: str) -> None:
    before = snapshot(study.parents[0])
    assert "没有" in run("purge", str(study), wave, "--yes", "--lang", "zh").stdout
    assert snapshot(study.parents[0]) == before


def test_a_folder_that_is_a_link_is_not_followed(study: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "wave.yaml").write_text("wave: x\n", "utf-8")
    (study / "2025").symlink_to(tmp_path / "elsewhere")
    assert "nothing is known" in run("purge", str(study), "2025", "--yes", "--lang", "en").stdout
    assert (tmp_path / "elsewhere" / "wave.yaml").exists()


def test_what_befalls_the_store_is_shown(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("survey")
    before = list(log.handlers)
    try:
        show_notes("zh")
        answers = study / "2024" / "answers.csv"
        answers.write_bytes(answers.read_bytes() + b"\n")
        open_study(study).panel()
    finally:
        log.handlers = before
    assert "改动：2024/answers.csv" in capsys.readouterr().err
