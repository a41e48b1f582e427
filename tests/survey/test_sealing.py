"""Sealing: what is sealed opens for the custodian alone, nothing is sealed that is not kept, and a killed run loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from survey import Refused, open_study, sealing
from survey.sealed_record import RECORD, read_record
from survey.store.place import sum_of
from survey.study import Study
from tests.survey.builders import ANSWERS, COUNTED, FULL, LOG, LOGGED, REGISTRY, change_wave, csv_text, write_study

CUSTODIAN = pyrage.x25519.Identity.generate()
TO = str(CUSTODIAN.to_public())
PEOPLE = ("answers.csv", "log.csv")
KILLS = 60  # calls of the operating system at which a run is killed; a whole run makes fewer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    ids = [f"CANARY{n:04}" for n in range(40)]
    texts = {
        "answers.csv": csv_text([FULL | {"id": i, "q7": f"canary said {i}"} for i in ids], list(FULL)),
        "log.csv": csv_text([LOGGED | {"who": i} for i in ids], list(LOGGED)),
        "registry.csv": csv_text([COUNTED], list(COUNTED)),
    }
    made = write_study(tmp_path, {"2024": {"files": texts}})
    change_wave(made, "2024", files=[ANSWERS, LOG, REGISTRY])
    return made


def run(study: Study, recipient: str | None = TO) -> sealing.Sealing:
    return sealing.seal(study, study.wave("2024"), lambda wave, entry: True, recipient=recipient)


def opened(path: Path) -> bytes:
    return bytes(pyrage.decrypt(path.read_bytes(), [CUSTODIAN]))


def test_the_custodian_opens_what_the_office_cannot(folder: Path) -> None:
    before = {name: (folder / "2024" / name).read_bytes() for name in PEOPLE}
    done = run(open_study(folder))
    assert tuple(one.file for one in done.now) == PEOPLE
    for name, content in before.items():
        assert not (folder / "2024" / name).exists()
        assert opened(folder / "2024" / f"{name}.age") == content
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt((folder / "2024" / f"{name}.age").read_bytes(), [pyrage.x25519.Identity.generate()])
    assert (folder / "2024" / "registry.csv").exists()  # it counts, and names nobody


def test_the_record_says_what_became_of_each_file(folder: Path) -> None:
    sums = {name: sum_of(folder / "2024" / name) for name in PEOPLE}
    sizes = {name: (folder / "2024" / name).stat().st_size for name in PEOPLE}
    run(open_study(folder))
    for name, one in read_record(folder / "2024").items():
        assert (one.sha256, one.bytes, one.method, one.recipient) == (sums[name], sizes[name], "encrypted", TO)
        assert (one.sealed, one.sealed_sha256) == (f"{name}.age", sum_of(folder / "2024" / one.sealed))
        assert one.when.endswith("+00:00")
    assert set(json.loads((folder / "2024" / RECORD).read_text())) == {"files"}


def test_deleting_leaves_the_record_alone(folder: Path) -> None:
    run(open_study(folder), recipient=None)
    assert sorted(p.name for p in (folder / "2024").iterdir()) == ["registry.csv", RECORD, "wave.yaml"]
    assert {one.method for one in read_record(folder / "2024").values()} == {"deleted"}


def test_what_is_sealed_is_nobodys_to_read(folder: Path) -> None:
    run(open_study(folder))
    for path in (folder / "2024").iterdir():
        assert b"canary" not in path.read_bytes().lower()
        if path.suffix == ".age":
            assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_sealed_that_is_not_kept(folder: Path) -> None:
    study = open_study(folder)
    before = sorted(p.name for p in (folder / "2024").iterdir())
    with pytest.raises(Refused, match=r"2024/log\.csv\n.*accepted rows of this file are not in the store") as caught:
        sealing.seal(study, study.wave("2024"), lambda wave, entry: entry.holds == "answers", recipient=TO)
    assert [fault.file for fault in caught.value.faults] == ["2024/log.csv"]
    assert sorted(p.name for p in (folder / "2024").iterdir()) == before


def test_the_study_opens_and_its_panel_is_that_of_the_store(folder: Path) -> None:
    before = open_study(folder).panel()
    run(open_study(folder))
    again = open_study(folder).panel()
    assert again.provenance == before.provenance
    assert len(again.members) == 40


def test_a_sealed_file_whose_rows_are_lost_says_who_can_open_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(open_study(folder))
    monkeypatch.setenv("WORKBENCH_HOME", str(folder.parent / "another"))
    with pytest.raises(Refused, match=r"have the custodian open answers\.csv\.age \(age -d\)"):
        open_study(folder).panel()


def test_a_deleted_file_whose_rows_are_lost_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(open_study(folder), recipient=None)
    monkeypatch.setenv("WORKBENCH_HOME", str(folder.parent / "another"))
    with pytest.raises(Refused, match="was deleted after intake"):
        open_study(folder).panel()


def test_a_file_that_is_missing_and_was_never_sealed_is_missing(folder: Path) -> None:
    (folder / "2024" / "log.csv").unlink()
    with pytest.raises(Refused, match="not there"):
        open_study(folder)


def test_sealing_again_does_nothing(folder: Path) -> None:
    run(open_study(folder))
    before = {p.name: sum_of(p) for p in (folder / "2024").iterdir()}
    done = run(open_study(folder))
    assert (done.now, tuple(one.file for one in done.before)) == ((), PEOPLE)
    assert {p.name: sum_of(p) for p in (folder / "2024").iterdir()} == before


def test_a_corrected_file_is_sealed_beside_the_first(folder: Path) -> None:
    first = (folder / "2024" / "log.csv").read_bytes()
    run(open_study(folder))
    (folder / "2024" / "log.csv").write_bytes(first + b"CANARY0001,b9,union,990102,2024-03-06 10:00,yes\n")
    run(open_study(folder))
    assert opened(folder / "2024" / "log.csv.age") == first
    assert opened(folder / "2024" / "log.csv.2.age").startswith(first)
    assert read_record(folder / "2024")["log.csv"].sealed == "log.csv.2.age"
    assert not (folder / "2024" / "log.csv").exists()


def test_a_file_put_back_by_the_custodian_is_taken_away_again(folder: Path) -> None:
    run(open_study(folder))
    (folder / "2024" / "log.csv").write_bytes(opened(folder / "2024" / "log.csv.age"))
    run(open_study(folder))
    assert sorted(p.name for p in (folder / "2024").glob("log*")) == ["log.csv.age"]


def test_a_deleted_file_put_back_is_encrypted_where_that_is_asked(folder: Path) -> None:
    content = (folder / "2024" / "log.csv").read_bytes()
    run(open_study(folder), recipient=None)
    (folder / "2024" / "log.csv").write_bytes(content)
    run(open_study(folder))
    assert opened(folder / "2024" / "log.csv.age") == content


def test_a_damaged_sealed_file_is_no_reason_to_take_the_original(folder: Path) -> None:
    run(open_study(folder))
    sealed = folder / "2024" / "log.csv.age"
    original = opened(sealed)
    sealed.write_bytes(sealed.read_bytes()[:-1])
    (folder / "2024" / "log.csv").write_bytes(original)
    run(open_study(folder))
    assert opened(folder / "2024" / "log.csv.2.age") == original


def test_a_file_that_changes_meanwhile_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = sealing.add_to_record

    def late(place: Path, one: sealing.SealedFile) -> None:
        add(place, one)
        with (place / one.file).open("ab") as file:
            file.write(b"late,row\n")

    monkeypatch.setattr(sealing, "add_to_record", late)
    with pytest.raises(Refused, match="changed while it was sealed; it stays"):
        run(open_study(folder))
    assert (folder / "2024" / "answers.csv").read_bytes().endswith(b"late,row\n")


@pytest.mark.parametrize(
    "key",
    ["", "age1", "ssh-ed25519 AAAA", TO[:-1], TO.upper() + "X", "x" * 62],
    ids=["nothing", "begun", "of ssh", "cut", "too long", "sixty-two signs"],
)
def test_what_is_no_public_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(Refused, match="not the public key of a recipient") as caught:
        sealing.public_key(key)
    assert len(key) < 20 or key not in str(caught.value)


def test_a_secret_key_is_refused_and_never_shown() -> None:
    secret = str(CUSTODIAN)
    with pytest.raises(Refused, match="this is a secret key") as caught:
        sealing.public_key(secret)
    assert secret not in str(caught.value)


def test_a_record_that_is_none_is_refused(folder: Path) -> None:
    for text in ("", "[]", "{}", '{"files": [1]}', '{"files": [{"file": "log.csv"}]}', "\xff"):
        (folder / "2024" / RECORD).write_text(text, "latin-1")
        with pytest.raises(Refused, match="not a record of sealed files"):
            read_record(folder / "2024")


def test_files_that_nobody_named_are_told(folder: Path) -> None:
    (folder / "2024" / "old export.csv").write_text("x")
    assert run(open_study(folder)).unnamed == ("old export.csv",)
    assert run(open_study(folder)).unnamed == ("old export.csv",)


def test_a_full_disk_is_told_and_the_originals_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    study = open_study(folder)
    monkeypatch.setattr(sealing, "written", full)
    with pytest.raises(Refused, match="ENOSPC"):
        run(study)
    assert all((folder / "2024" / name).exists() for name in PEOPLE)


KILLED = """
import os, signal, sys
from survey import open_study, sealing

def tap(name):
    call = getattr(os, name)
    def counted(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    setattr(os, name, counted)

study = open_study(sys.argv[1])
left = int(sys.argv[2])
for name in ("rename", "unlink", "fsync", "write", "open"):
    tap(name)
sealing.seal(study, study.wave("2024"), lambda wave, entry: True, recipient=sys.argv[3] or None)
"""


def killed(folder: Path, at: int, recipient: str | None) -> bool:
    """Whether a run that is killed at its `at`-th call did not come to its end."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(at), recipient or ""], check=False, env=dict(os.environ)
    )
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def whole(folder: Path, content: dict[str, bytes]) -> bool:
    """Whether every file is there as it arrived, or sealed and recorded (or recorded as deleted)."""
    record = read_record(folder / "2024")
    for name, data in content.items():
        path, one = folder / "2024" / name, record.get(name)
        if path.exists():
            if path.read_bytes() != data:
                return False
        elif one is None or (one.method == "encrypted" and opened(folder / "2024" / one.sealed) != data):
            return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("recipient", [TO, None], ids=["encrypted", "deleted"])
def test_a_run_killed_at_any_call_leaves_the_original_or_the_sealed_file(folder: Path, recipient: str | None) -> None:
    content = {name: (folder / "2024" / name).read_bytes() for name in PEOPLE}
    for at in range(1, KILLS):
        for name, data in content.items():
            (folder / "2024" / name).write_bytes(data)
        for path in (*(folder / "2024").glob("*.age"), folder / "2024" / RECORD):
            path.unlink(missing_ok=True)
        stopped = killed(folder, at, recipient)
        assert whole(folder, content), f"killed at call {at}"
        run(open_study(folder), recipient)
        assert whole(folder, content)
        assert not any((folder / "2024" / name).exists() for name in PEOPLE)
        assert list((folder / "2024").glob(".*")) == []
        if not stopped:
            break
    else:
        pytest.fail("a whole run makes more calls than were tried")
    assert at > 10
