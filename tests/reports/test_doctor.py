"""`workbench doctor`: each bad setting of its own is found, in both languages, and a good machine is left in peace."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reports import doctor
from reports.commands import app
from reports.doctor import jupyter, machine, secrecy
from survey import open_study
from survey.identity import key_file, study_key
from survey.study import Study
from tests.survey.builders import write_study

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is wrong, whoever runs the tests and wherever."""
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setattr("jupyter_core.paths.jupyter_config_path", lambda: [str(tmp_path / "jupyter")])
    monkeypatch.setattr(jupyter, "is_root", lambda: False)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**12))
    (tmp_path / "jupyter").mkdir()
    return tmp_path


@pytest.fixture
def study(sound: Path) -> Study:
    made = write_study(sound, synthetic=False)
    (made / "2024" / "answers.csv").chmod(0o600)
    return open_study(made)


def found(study: Study | None = None) -> dict[str, int]:
    return {one.check: one.level for one in doctor.examine(study)}


def settings(home: Path, text: str, name: str = "jupyter_server_config.py") -> list[str]:
    place = home / "jupyter" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)
    return [one.en for one in doctor.examine() if one.check.startswith("jupyter")]


def test_a_sound_machine_is_left_in_peace() -> None:
    assert found() == {}


BAD = [
    ("ip", "'0.0.0.0'"),
    ("ip", "'*'"),
    ("ip", "''"),
    ("ip", "'::'"),
    ("token", "''"),
    ("allow_root", "True"),
    ("allow_origin", "'*'"),
    ("allow_origin_pat", "'.*'"),
    ("allow_origin_pat", "'('"),
    ("disable_check_xsrf", "True"),
    ("allow_remote_access", "True"),
    ("ip", "os.environ['HOST']"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_each_setting_that_lets_others_in_is_found(sound: Path, name: str, value: str) -> None:
    told = settings(sound, f"c = get_config()\nc.ServerApp.{name} = {value}\n")
    assert len(told) == 1
    assert f"jupyter_server_config.py: ServerApp.{name} " in told[0]
    assert doctor.state(doctor.examine()) == doctor.MEND


GOOD = ["ip = '127.0.0.1'", "ip = 'localhost'", "token = 'a'", "allow_root = False", "allow_origin = ''", "port = 8888"]
GOOD += ["allow_origin_pat = 'https://own\\\\.example'", "disable_check_xsrf = False", "allow_remote_access = False"]


@pytest.mark.parametrize("line", GOOD)
def test_a_good_setting_is_left_in_peace(sound: Path, line: str) -> None:
    assert settings(sound, f"c.ServerApp.{line}\n") == []


def test_settings_are_found_in_json_and_in_folders(sound: Path) -> None:
    assert settings(sound, json.dumps({"NotebookApp": {"ip": "*"}}), "jupyter_notebook_config.json")
    (sound / "jupyter" / "jupyter_notebook_config.json").unlink()
    (sound / "jupyter" / "jupyter_server_config.d").mkdir()
    (sound / "jupyter" / "jupyter_server_config.d" / "x.json").write_text('{"IdentityProvider": {"token": ""}}')
    assert found() == {"jupyter": doctor.MEND}


def test_an_empty_token_beside_a_password_is_another_door_with_a_lock(sound: Path) -> None:
    assert settings(sound, "c.ServerApp.token = ''\nc.PasswordIdentityProvider.hashed_password = 'argon2:x'\n") == []


def test_a_history_of_everything_is_warned_of(sound: Path) -> None:
    settings(sound, "c.LabApp.collaborative = True\n")
    assert found() == {"jupyter": doctor.WARN}


def test_settings_are_read_and_never_run(sound: Path) -> None:
    assert settings(sound, f"open({str(sound / 'ran')!r}, 'w')\nc.ServerApp.ip = '*'\n")
    assert not (sound / "ran").exists()


@pytest.mark.parametrize("text", ["c.ServerApp.ip = (", "\0", "(" * 10_000])
def test_settings_that_cannot_be_read_are_told(sound: Path, text: str) -> None:
    settings(sound, text)
    assert found() == {"jupyter_unread": doctor.WARN}


def test_what_ships_is_safe_and_would_be_found_if_it_were_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"--ServerApp.ip=127.0.0.1", "--ServerApp.allow_root=False"} <= set(jupyter.SETTINGS)
    for bad in (
        "--ServerApp.ip=0.0.0.0",
        "--ServerApp.token=",
        "--ServerApp.allow_root=True",
        "--ServerApp.allow_origin=*",
    ):
        monkeypatch.setattr(jupyter, "SETTINGS", (bad,))
        assert found() == {"jupyter": doctor.MEND}, bad


def test_root_is_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter, "is_root", lambda: True)
    assert found() == {"root": doctor.WARN}


def test_key_and_raw_files_of_one_user(study: Study) -> None:
    assert found(study) == {}  # there is no key yet
    study_key(study.name, synthetic=False)
    assert found(study) == {"one_user": doctor.WARN}
    (study.folder / "2024" / "answers.csv").unlink()  # as after seal
    assert found(study) == {}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read(mode: int) -> None:
    study_key("real", synthetic=False)
    key_file("real").chmod(mode)
    assert found() == {"key_open": doctor.MEND}


def test_a_folder_of_keys_that_others_can_enter() -> None:
    study_key("real", synthetic=False)
    key_file("real").parent.chmod(0o755)
    assert found() == {"key_folder_open": doctor.WARN}


def test_a_key_that_is_none() -> None:
    study_key("real", synthetic=False)
    key_file("real").write_bytes(b"short")
    assert found() == {"key_broken": doctor.MEND}


def test_keys_inside_a_project(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sound / "project" / ".git").mkdir(parents=True)
    monkeypatch.setenv("WORKBENCH_KEYS", str(sound / "project" / "keys"))
    study_key("real", synthetic=False)
    assert found() == {"key_in_project": doctor.MEND}


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Office", "坚果云", "Nextcloud", "BaiduNetdisk"])
def test_folders_that_are_copied_elsewhere(sound: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("WORKBENCH_KEYS", str(sound / name / "keys"))
    study_key("real", synthetic=False)
    assert found() == {"key_synced": doctor.WARN}
    monkeypatch.setenv("WORKBENCH_HOME", str(sound / name / "home"))
    assert found() == {"key_synced": doctor.WARN, "store_synced": doctor.WARN}


def test_a_mark_of_a_program_that_copies(sound: Path) -> None:
    (sound / ".stfolder").mkdir()
    assert secrecy.synced(sound / "home" / "store") == ".stfolder"


def test_a_lost_key(study: Study) -> None:
    study.panel()
    key_file(study.name).unlink()
    assert found(study) == {"key_lost": doctor.MEND}


def test_raw_files_that_others_can_read(study: Study) -> None:
    (study.folder / "2024" / "answers.csv").chmod(0o644)
    for folder in (study.folder, study.folder / "2024"):
        folder.chmod(0o755)
    assert found(study) == {"raw_open": doctor.WARN}
    assert "2024/answers.csv" in doctor.examine(study)[0].en
    study.folder.chmod(0o700)
    assert found(study) == {}


def test_a_store_that_others_can_enter() -> None:
    home = secrecy.path_of("real")
    home.mkdir(parents=True)
    home.chmod(0o700)
    assert found() == {}
    home.chmod(0o750)
    assert found() == {"store_open": doctor.MEND}


def test_a_store_of_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    home = secrecy.path_of("real")
    home.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: home.stat().st_uid + 1)
    assert found() == {"store_other": doctor.MEND}


LOCK = """numpy==2.4.1 ; python_full_version >= '3.11' \\
    --hash=sha256:00
numpy==1.0 ; python_full_version < '3.0'
pandas==3.1.2 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32'
"""


def test_the_lock_is_read_for_this_machine() -> None:
    assert machine.locked(LOCK) == {"numpy": "2.4.1", "pandas": "3.1.2"}


@pytest.mark.parametrize(
    ("there", "check", "level"),
    [
        ({"numpy": "2.4.1", "pandas": "3.1.2"}, None, 0),
        ({"numpy": "2.4.2", "pandas": "3.1.2"}, "package_other", 1),
        ({"numpy": None, "pandas": "3.1.2"}, "package_missing", 2),
    ],
)
def test_packages_are_those_of_the_lock(
    sound: Path, monkeypatch: pytest.MonkeyPatch, there: dict[str, str | None], check: str | None, level: int
) -> None:
    (sound / "lock.txt").write_text(LOCK)
    monkeypatch.setattr(machine, "LOCK", sound / "lock.txt")
    monkeypatch.setattr(machine, "_version", there.get)
    assert found() == ({check: level} if check else {})


def test_a_package_for_development_may_be_missing(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sound / "lock.txt").write_text("pytest==9.2.0\n")
    monkeypatch.setattr(machine, "LOCK", sound / "lock.txt")
    monkeypatch.setattr(machine, "_version", lambda _: None)
    assert found() == {"package_missing": doctor.WARN}


def test_no_lock(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LOCK", sound / "lock.txt")
    assert found() == {"no_lock": doctor.WARN}


def test_no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.fonts._collection", lambda: Path("nowhere"))
    assert found() == {"no_font": doctor.WARN}


@pytest.mark.parametrize(("free", "level"), [(2**30, doctor.WARN), (2**20, doctor.MEND)])
def test_little_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, free: int, level: int) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(10**12, 0, free))
    assert found() == {"disk_low": level}


def test_no_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        raise machine.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(machine, "ZoneInfo", none)
    assert found() == {"no_zones": doctor.MEND}


def test_the_command_says_it_in_both_languages_and_for_scripts(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner()
    fine = run.invoke(app(), ["doctor", "--lang", "en"])
    assert (fine.exit_code, fine.output) == (0, "Nothing was found that is not as it should be.\n")
    settings(sound, "c.ServerApp.ip = '*'\n")
    monkeypatch.setattr(jupyter, "is_root", lambda: True)
    told = run.invoke(app(), ["doctor", "--lang", "zh"])
    assert told.exit_code == 2
    assert (
        told.output.index("必须改正")
        < told.output.index("其他机器")
        < told.output.index("请留意")
        < told.output.index("root")
    )
    plain = run.invoke(app(), ["doctor", "--json"])
    assert plain.exit_code == 2
    assert [(one["level"], one["check"]) for one in json.loads(plain.output)] == [(2, "jupyter"), (1, "root")]


def test_looking_changes_nothing(study: Study, sound: Path) -> None:
    before = sorted(sound.rglob("*"))
    doctor.examine(study)
    assert sorted(sound.rglob("*")) == before
