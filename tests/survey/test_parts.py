"""Files that did not change are not checked again; what a correction touches is; nothing is kept of a study that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey import Refused, build, open_study, parts, store
from survey.identity import study_key
from survey.intake import take_in
from tests.survey.builders import ANSWERS, FULL, LOG, LOGGED, change_wave, csv_text, write_study

KEY = study_key("small", synthetic=True)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files were checked, in their order."""
    seen: list[str] = []
    original = parts._Maker._checked

    def told(maker: parts._Maker, roll: object) -> object:
        seen.append(f"{maker.wave.name}/{maker.entry.file}")
        return original(maker, roll)  # type: ignore[arg-type]

    monkeypatch.setattr(parts._Maker, "_checked", told)
    monkeypatch.setattr(build, "_open", {})
    return seen


def study(home: Path) -> Path:
    waves = {}
    for name in ("2023", "2024"):
        logged = [LOGGED | {"who": f"m{n}", "what": f"a{name}", "at": f"{name}-03-05 10:00"} for n in range(5)]
        answers = [FULL | {"id": f"m{n}"} for n in range(5)]
        texts = {"answers.csv": csv_text(answers, list(FULL)), "log.csv": csv_text(logged, list(LOGGED))}
        waves[name] = {"files": texts}
    folder = write_study(home, waves)
    for name in waves:
        change_wave(
            folder, name, files=[ANSWERS | {"columns": {k: v for k, v in ANSWERS["columns"].items() if k in FULL}}, LOG]
        )
    return folder


def test_a_new_wave_checks_its_own_files_alone(tmp_path: Path, checked: list[str]) -> None:
    folder = study(tmp_path)
    open_study(folder).panel("2023")
    assert checked == ["2023/answers.csv", "2023/log.csv"]
    open_study(folder).panel("2024")
    assert checked[2:] == ["2024/answers.csv", "2024/log.csv"]


def test_a_corrected_file_is_checked_alone_and_later_waves_of_the_log_are_reduced_again(
    tmp_path: Path, checked: list[str]
) -> None:
    folder = study(tmp_path)
    before = open_study(folder).panel()
    checked.clear()
    path = folder / "2023" / "log.csv"
    path.write_text(
        path.read_text("utf-8")
        + csv_text([LOGGED | {"who": "m9", "what": "a2023", "at": "2023-03-05 10:00"}], list(LOGGED)).split("\n", 1)[1],
        "utf-8",
    )
    after = open_study(folder).panel()
    assert checked == ["2023/log.csv"]
    assert len(after.careers) > len(before.careers)
    assert all(before.reduced[wave] != after.reduced[wave] for wave in ("2023", "2024"))


def test_a_corrected_answer_leaves_the_log_as_it_is(tmp_path: Path, checked: list[str]) -> None:
    folder = study(tmp_path)
    before = open_study(folder).panel()
    checked.clear()
    path = folder / "2024" / "answers.csv"
    path.write_text(path.read_text("utf-8").replace("m4", "m44"), "utf-8")
    after = open_study(folder).panel()
    assert (checked, before.reduced) == (["2024/answers.csv"], after.reduced)


def test_other_code_checks_again(tmp_path: Path, checked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = study(tmp_path)
    open_study(folder).panel()
    checked.clear()
    monkeypatch.setattr("survey.provenance.code", lambda: "other")
    open_study(folder).panel()
    assert len(checked) == 4


def test_nothing_is_kept_where_one_file_is_refused(tmp_path: Path, checked: list[str]) -> None:
    folder = study(tmp_path)
    open_study(folder).panel("2023")
    home = store.home("small")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    (folder / "2024" / "log.csv").write_text("wrong\n1\n", "utf-8")
    with pytest.raises(Refused):
        open_study(folder).panel("2024")
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_rows_always_add_up_in_every_part(tmp_path: Path) -> None:
    opened = open_study(study(tmp_path))
    for part in take_in(opened, opened.wave_list, KEY).parts:
        again = part.without(part.frame.index[:2].to_numpy(), "duplicate")
        rows = again.tally.set_index("rule")["rows"]
        aside = rows[rows.index.str.startswith("aside:")].sum()
        assert rows["read"] == rows["as_is"] + rows["repaired"] + aside
        assert len(again.frame) == again.accepted == part.accepted - 2
        assert len(again.aside) == len(part.aside) + 2


def test_pseudonyms_of_a_log_do_not_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    opened = open_study(study(tmp_path))
    log = next(part for part in take_in(opened, opened.wave_list, KEY).parts if part.entry.holds == "log")
    assert log.frame["member"].is_monotonic_increasing
    assert sorted(log.frame.index) == [2, 3, 4, 5, 6]


def test_who_was_at_what_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    panel = open_study(study(tmp_path)).panel()
    met = panel.incidence("2023")
    assert (set(met.columns), len(met)) == ({"wave", "member", "activity"}, 5)
