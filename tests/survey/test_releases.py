"""The release log: every step in its order and once, no step undone or changed unseen, nothing half written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from survey import Refused, releases
from survey.releases import PAGES, SETS, Release, ReleaseLog, folder_of, prepare, read, sign, withdraw

STUDY = "made"
OFFICES = ("Research Office", "Ethics Board")


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    (folder / "en" / "tables").mkdir(parents=True)
    (folder / "en" / "index.html").write_text("<p>found</p>", "utf-8")
    (folder / "en" / "tables" / "one.csv").write_text("term\n", "utf-8")
    return folder


def prepared(pages: Path, wave: str = "2024", sets: bytes = b"sets") -> Release:
    return prepare(STUDY, wave, pages=pages, sets=sets, seen=read(STUDY))


def no_publishing(release: Release, pages: Path, log: ReleaseLog) -> None:
    raise AssertionError("the first signature publishes nothing")


class Published:
    """Takes down what it was given to put out."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, release: Release, pages: Path, log: ReleaseLog) -> None:
        assert (pages / "en" / "index.html").read_text("utf-8") == "<p>found</p>"
        self.names.append(release.name)


def both_signed(wave: str = "2024") -> Release:
    sign(STUDY, wave, OFFICES[0], publish=no_publishing)
    return sign(STUDY, wave, OFFICES[1], publish=Published())


def refused(what: Callable[[], object], words: str) -> None:
    """It is refused in both languages, and the log is as it was."""
    before = read(STUDY)
    with pytest.raises(Refused, match=words) as caught:
        what()
    assert all(f.en and any("\u4e00" <= sign <= "\u9fff" for sign in f.zh) for f in caught.value.faults)
    assert read(STUDY) == before


def test_a_release_goes_its_way_step_by_step(pages: Path):
    assert (read(STUDY).events, releases.faults(STUDY)) == ((), ())
    first = prepared(pages)
    assert (first.name, first.state, first.offices) == ("2024-1", "prepared", ())
    assert set(first.files) == {SETS, "en/index.html", "en/tables/one.csv"}
    out = Published()
    assert sign(STUDY, "2024", OFFICES[0], publish=no_publishing).state == "signed"
    assert sign(STUDY, "2024", OFFICES[1], publish=out).state == "published"
    assert out.names == ["2024-1"]
    assert read(STUDY).latest("2024").offices == OFFICES
    last = withdraw(STUDY, "2024", OFFICES[0], "a wrong column")
    assert [e.event for e in last.steps] == ["prepared", "signed", "published", "withdrawn"]
    assert (last.steps[-1].office, last.steps[-1].reason) == (OFFICES[0], "a wrong column")
    assert [e.number for e in read(STUDY).events] == [1, 2, 3, 4]
    assert releases.faults(STUDY) == ()


def test_what_went_out_stays_known_also_when_it_is_withdrawn(pages: Path):
    prepared(pages, sets=b"first")
    assert read(STUDY).sets() == {}
    both_signed()
    assert read(STUDY).sets() == {"2024-1": b"first"}
    withdraw(STUDY, "2024", OFFICES[0], "a wrong column")
    prepared(pages, sets=b"second")
    assert read(STUDY).sets() == {"2024-1": b"first"}
    both_signed()
    assert read(STUDY).sets() == {"2024-1": b"first", "2024-2": b"second"}


FORBIDDEN: dict[str, tuple[Callable[[Path], object], Callable[[], object], str]] = {
    "signing before anything is prepared": (
        lambda pages: None,
        lambda: sign(STUDY, "2024", OFFICES[0], publish=no_publishing),
        "nothing of wave 2024 is prepared",
    ),
    "signing another wave": (
        lambda pages: prepared(pages),
        lambda: sign(STUDY, "2023", OFFICES[0], publish=no_publishing),
        "nothing of wave 2023 is prepared",
    ),
    "the same office twice": (
        lambda pages: (prepared(pages), sign(STUDY, "2024", OFFICES[0], publish=no_publishing)),
        lambda: sign(STUDY, "2024", "  research  OFFICE ", publish=no_publishing),
        "has signed for release 2024-1 already",
    ),
    "signing without an office": (
        lambda pages: prepared(pages),
        lambda: sign(STUDY, "2024", "  ", publish=no_publishing),
        "name the office",
    ),
    "a third signature": (
        lambda pages: (prepared(pages), both_signed()),
        lambda: sign(STUDY, "2024", "Board", publish=no_publishing),
        "is published",
    ),
    "signing what was withdrawn": (
        lambda pages: (prepared(pages), both_signed(), withdraw(STUDY, "2024", "Board", "wrong")),
        lambda: sign(STUDY, "2024", "Board", publish=no_publishing),
        "is withdrawn",
    ),
    "withdrawing before it is published": (
        lambda pages: (prepared(pages), sign(STUDY, "2024", OFFICES[0], publish=no_publishing)),
        lambda: withdraw(STUDY, "2024", OFFICES[0], "wrong"),
        "no published release",
    ),
    "withdrawing twice": (
        lambda pages: (prepared(pages), both_signed(), withdraw(STUDY, "2024", "Board", "wrong")),
        lambda: withdraw(STUDY, "2024", "Board", "wrong"),
        "no published release",
    ),
    "withdrawing without a reason": (
        lambda pages: (prepared(pages), both_signed()),
        lambda: withdraw(STUDY, "2024", "Board", " "),
        "say why",
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_no_step_is_skipped_or_done_twice(pages: Path, case: str):
    before, step, words = FORBIDDEN[case]
    before(pages)
    refused(step, words)


def test_signatures_do_not_pass_on_to_what_is_prepared_again(pages: Path):
    prepared(pages)
    sign(STUDY, "2024", OFFICES[0], publish=no_publishing)
    again = prepared(pages)
    assert (again.name, again.offices) == ("2024-2", ())
    assert sign(STUDY, "2024", OFFICES[1], publish=no_publishing).state == "signed"


@pytest.mark.parametrize("change", ["page", "sets", "more", "less"])
def test_nobody_signs_for_what_is_not_what_was_frozen(pages: Path, change: str):
    place = folder_of(STUDY, prepared(pages).name)
    page = place / PAGES / "en" / "index.html"
    if change == "page":
        page.write_text("<p>other</p>", "utf-8")
    elif change == "sets":
        (place / SETS).write_bytes(b"other")
    elif change == "more":
        (page.parent / "more.html").write_text("", "utf-8")
    else:
        page.unlink()
    refused(lambda: sign(STUDY, "2024", OFFICES[0], publish=no_publishing), "is not what was frozen")
    assert ["is not what was frozen" in fault.en for fault in releases.faults(STUDY)] == [True]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("change", ["changed", "gone", "none"])
def test_a_log_with_a_step_changed_or_taken_out_is_refused(pages: Path, number: int, change: str):
    prepared(pages)
    both_signed()
    withdraw(STUDY, "2024", OFFICES[0], "wrong")
    path = folder_of(STUDY) / f"{number:04d}.json"
    if change == "changed":
        told = json.loads(path.read_bytes())
        path.write_text(json.dumps(told | {"office": "Nobody"}), "utf-8")
    elif change == "gone":
        path.unlink()
    else:
        path.write_text("{", "utf-8")
    for step in (lambda: read(STUDY), lambda: prepared(pages), lambda: sign(STUDY, "2024", "B", publish=no_publishing)):
        with pytest.raises(Refused, match="does not hold together"):
            step()
    assert ["does not hold together" in fault.en for fault in releases.faults(STUDY)] == [True]


def test_sets_that_were_changed_after_they_went_out_are_refused(pages: Path):
    prepared(pages)
    both_signed()
    (folder_of(STUDY, "2024-1") / SETS).write_bytes(b"")
    with pytest.raises(Refused, match="does not hold together"):
        read(STUDY).sets()


def test_what_keeps_the_pages_in_keeps_the_signature_out(pages: Path):
    prepared(pages)
    sign(STUDY, "2024", OFFICES[0], publish=no_publishing)

    def full_disk(release: Release, pages: Path, log: ReleaseLog) -> None:
        raise OSError("no space left")

    before = read(STUDY)
    with pytest.raises(OSError, match="no space"):
        sign(STUDY, "2024", OFFICES[1], publish=full_disk)
    assert read(STUDY) == before
    assert sign(STUDY, "2024", OFFICES[1], publish=Published()).state == "published"


def test_a_run_that_stops_at_the_second_signature_leaves_it_to_be_given_again(
    pages: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nothing lies between the signature and the publishing: either both are there or none."""
    prepared(pages)
    sign(STUDY, "2024", OFFICES[0], publish=no_publishing)
    with monkeypatch.context() as patched:
        patched.setattr(releases, "_add", lambda *args, **more: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sign(STUDY, "2024", OFFICES[1], publish=Published())
    assert read(STUDY).latest("2024").state == "signed"
    assert sign(STUDY, "2024", OFFICES[1], publish=Published()).state == "published"
    assert len(read(STUDY).events) == 3


def test_what_was_held_against_an_older_log_is_not_frozen(pages: Path):
    seen = read(STUDY)
    prepared(pages, "2023")
    refused(lambda: prepare(STUDY, "2024", pages=pages, sets=b"", seen=seen), "meanwhile")


def test_a_run_that_stopped_before_its_step_leaves_nothing_in_the_way(pages: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(releases, "_add", lambda *args, **more: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepared(pages)
    assert read(STUDY).events == ()
    assert prepared(pages).name == "2024-1"


def test_the_log_is_private_and_a_step_is_never_written_over(pages: Path):
    prepared(pages)
    folder = folder_of(STUDY)
    assert folder.stat().st_mode & 0o077 == 0
    assert all(p.stat().st_mode & 0o077 == 0 for p in folder.rglob("*") if p.is_file())
    log = read(STUDY)
    with pytest.raises(FileExistsError):
        releases._add(ReleaseLog(STUDY, (), ""), "signed", "2024-1", "2024")
    assert read(STUDY) == log
