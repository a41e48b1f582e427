"""From a draft to a release and after it: what readers get, and what a corrected wave is told."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from reports import releasing
from reports.export import export
from survey import Refused, open_study, releases, store
from survey.study import Study
from tests.survey.builders import ANSWERS, FULL, csv_text, write_study

TITLE = {"en": "Do members belong?", "zh": "会员有归属感吗？"}
SETUP = """import analysis
import survey

panel = survey.open_study().panel()
plan = analysis.plan_release(**panel.release_inputs)
show = analysis.display.Show(**panel.show_inputs)"""
QUESTION = """cuts = [{}, {"group": "group"}, {"region": "region"}]
found = [analysis.estimates(panel.members, variables=["belonging"], by={"wave": "wave"} | c) for c in cuts]
show.table([analysis.release(f, plan, name="belonging") for f in found], rows=["group", "region"])"""
SIZES = {("union", "990102"): 40, ("union", "990104"): 30, ("league", "990102"): 35, ("women", "990104"): 25}


def answers(less: dict[tuple[str, str], int]) -> str:
    """A file of answers, some fewer of some organisations and places."""
    rows = [
        FULL | {"id": f"m{number}{k:03d}", "org": group, "place": place, "q1": str(1 + k % 5)}
        for number, ((group, place), n) in enumerate(SIZES.items())
        for k in range(n - less.get((group, place), 0))
    ]
    return csv_text(rows, list(ANSWERS["columns"]))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return open_study(write_study(tmp_path, {"2024": {"files": {"answers.csv": answers({})}}}))


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, QUESTION)]
    about = {"title": TITLE, "requires": [], "front": True}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"workbench": about})
    nbformat.write(book, folder / "01-belonging.ipynb")
    return folder


def again(study: Study, less: dict[tuple[str, str], int]) -> Study:
    """The study with another file of answers."""
    (study.folder / "2024" / "answers.csv").write_text(answers(less), "utf-8")
    return open_study(study.folder)


def prepared(study: Study, notebooks: Path) -> releases.Release:
    return releasing.prepare(study, "2024", lambda _: None, folder=notebooks)


def published(study: Study, notebooks: Path) -> Path:
    prepared(study, notebooks)
    releasing.sign(study, "2024", "Research Office")
    return releasing.released_home() / study.name / releasing.sign(study, "2024", "Ethics Board").name


def test_from_draft_to_release_to_a_correction(study: Study, notebooks: Path, tmp_path: Path):
    draft = export(study, out=tmp_path / "out", folder=notebooks)
    for language, word in (("en", "Draft"), ("zh", "草稿")):
        assert word in (draft / language / "index.html").read_text("utf-8")
    place = published(study, notebooks)
    page = (place / "en" / "index.html").read_text("utf-8")
    assert "Release 2024-1" in page
    assert "Draft" not in page
    told = json.loads((place / "release.json").read_text("utf-8"))
    assert told["signed_by"] == ["Research Office", "Ethics Board"]
    assert {n: store.sum_of(place / n) for n in told["files"]} == told["files"]
    assert not list(place.rglob("*.npz"))  # the sets of people stay in the store

    # three members of the union in Hill asked to be forgotten
    fewer = again(study, {("union", "990104"): 3})
    with pytest.raises(Refused) as caught:
        prepared(fewer, notebooks)
    text = str(caught.value)
    assert "Belonging" in text
    assert "the number for 2024, Hill and the number for 2024, Hill, which was published with release 2024-1" in text
    assert "2024，山县" in text
    assert "3" not in text.replace("2024-1", "").replace("2024", "")  # never by how many
    assert [r.name for r in releases.read(study.name).releases] == ["2024-1"]

    # a dozen more did: now the difference is of enough people
    many = again(study, {("union", "990104"): 15})
    assert prepared(many, notebooks).name == "2024-2"


@pytest.mark.slow
def test_a_release_that_was_overtaken_is_not_published(study: Study, notebooks: Path, monkeypatch: pytest.MonkeyPatch):
    """What was frozen first is held against what went out meanwhile, once more, before the second signature counts."""
    prepared(study, notebooks)
    releasing.sign(study, "2024", "Research Office")
    early = releases.read(study.name)
    fewer = again(study, {("union", "990104"): 3})
    other = prepared(fewer, notebooks)  # nothing is out yet, so that it may be frozen
    assert other.name == "2024-2"
    sets = releases.folder_of(study.name, "2024-1") / releases.SETS
    log = releases.read(study.name)
    with_first = dict.fromkeys(["2024-1"], sets.read_bytes())
    monkeypatch.setattr(type(log), "sets", lambda self: with_first)
    releasing.sign(fewer, "2024", "Research Office")
    with pytest.raises(Refused, match="published with release 2024-1"):
        releasing.sign(fewer, "2024", "Ethics Board")
    assert releases.read(study.name).latest("2024").state == "signed"
    assert not (releasing.released_home() / study.name / "2024-2").exists()
    assert len(releases.read(study.name).events) == len(early.events) + 2


def test_a_withdrawal_is_told_beside_the_pages(study: Study, notebooks: Path):
    place = published(study, notebooks)
    releasing.withdraw(study, "2024", "Ethics Board", "a column was mapped wrongly")
    told = json.loads((place / "withdrawn.json").read_text("utf-8"))
    assert (told["office"], told["why"]) == ("Ethics Board", "a column was mapped wrongly")
    assert releases.read(study.name).latest("2024").state == "withdrawn"
