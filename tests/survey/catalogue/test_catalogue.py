"""Every case of the catalogue of bad input: the right class, the right words in both languages, nothing changed or given away."""

from __future__ import annotations

import importlib
from pathlib import Path

import pandas as pd
import pytest

from tests.survey.catalogue import table
from tests.survey.catalogue.ground import CANARIES, CASES, CLASSES, Case, Outcome, healthy, outcome, snapshot

for module in table.MODULES:
    importlib.import_module(f"tests.survey.catalogue.{module}")
# Cases of the catalogue that concern no file of a survey, a log or a study; where they are looked after instead.
ELSEWHERE = table.ELSEWHERE


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What comes of the healthy folder."""
    return outcome(healthy().write(tmp_path_factory.mktemp("healthy")))


@pytest.fixture(scope="session")
def committed(project: Path) -> tuple[str, ...]:
    """The table's lines as they stand in the documents."""
    return tuple((project / "docs" / "bad-input.md").read_text("utf-8").splitlines())


def test_the_healthy_folder_is_healthy(whole: Outcome) -> None:
    assert not whole.refused
    assert not whole.mended
    assert not [rule for _, rule in whole.tally if rule.startswith(("aside:", "cells:", "note:", "items:"))]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(
    case: Case, tmp_path: Path, whole: Outcome, committed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    folder = healthy()
    case.spoil(folder)
    study = folder.write(tmp_path)
    before = snapshot(study)
    with folder.meanwhile(study):
        found = outcome(study)
    assert table.class_of(found, whole) == case.answer, found.text("en")
    for language, pieces in (("en", case.en), ("zh", case.zh)):
        assert [p for p in pieces if p not in found.text(language)] == [], found.text(language)
        assert [c for c in CANARIES if c in found.text(language)] == []
        assert [line for line in found.told[language] if not line.isprintable()] == []
    assert snapshot(study) == before
    if case.answer == "refused":
        assert snapshot(home) == {}
    assert table.row(case, found, whole) in committed, "docs/bad-input.md says something else: make catalogue"
    if case.same:
        assert found.members is not None
        pd.testing.assert_frame_equal(_by_item(found.members), _by_item(whole.members))


def _by_item(members: pd.DataFrame | None) -> pd.DataFrame:
    """Answers of the current wave without who gave them, in one order: a repaired id is another id in another file."""
    assert members is not None
    members = members[members["wave"] == members["wave"].max()]
    columns = sorted(c for c in members.columns if c not in ("member", "weight"))
    return members[columns].sort_values(columns, ignore_index=True)


def test_every_case_has_a_class_and_words() -> None:
    for case in CASES.values():
        assert case.answer in CLASSES
        assert case.answer == "harmless" or (case.en and case.zh), case.number


def test_the_whole_catalogue_is_there() -> None:
    numbers = {int("".join(sign for sign in number if sign.isdigit())) for number in CASES}
    assert numbers | set(ELSEWHERE) == set(range(1, 126))
    assert not numbers & set(ELSEWHERE)


def test_the_table_in_the_documents_is_this_one(committed: tuple[str, ...]) -> None:
    assert table.numbers("\n".join(committed)) == list(table.in_order(CASES))
    assert [c for c in CANARIES for line in committed if c in line] == []
