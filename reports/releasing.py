"""From a report to a release: held against everything published before, frozen, signed for by two offices, then put out."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.export import ROOT, make
from reports.release_words import say, too_near
from survey import releases
from survey.faults import Fault, refuse_if

if TYPE_CHECKING:
    from analysis.disclosure import Clash
    from survey import Panel, Study
    from survey.releases import Release, ReleaseLog

RECORD = "release.json"
MOST_TOLD = 20  # clashes that a refusal lists


def released_home() -> Path:
    """Where published releases go: ``reports/released``, or below ``WORKBENCH_HOME``."""
    base = os.environ.get("WORKBENCH_HOME")
    return Path(base) / "reports" / "released" if base else ROOT / "reports" / "released"


def prepare(study: Study, wave: str, tell: Callable[[str], None], *, folder: Path | None = None) -> Release:
    """Make the report of a wave afresh, hold its numbers against all that went out before, and freeze it.

    Parameters
    ----------
    study : Study
    wave : str
    tell : callable
        Is told each step.
    folder : Path, optional
        Where the notebooks lie; None: the committed ones.

    Returns
    -------
    Release
        In the state ``prepared``. An earlier one of the wave that was never published is left behind with its signatures.

    Raises
    ------
    survey.Refused
        Where a number is of nearly the same people as one that is out, each pair named by its two places.
    """
    import analysis
    from analysis.disclosure import Published, clashes, published

    log = releases.read(study.name)
    name = releases.next_name(log, study.wave(wave).name)
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        made = make(study, wave, out=Path(place), folder=folder, release=name, tell=tell)
        inputs = made.panel.release_inputs
        plan = analysis.plan_release(**inputs)
        sets = published(inputs["people"], made.passed, plan, hierarchy=inputs["hierarchy"])
        earlier = {k: Published.from_bytes(data) for k, data in log.sets().items()}
        refuse_if(_told(list(clashes(sets, earlier, difference=plan.rules.difference)), made.panel, study))
        return releases.prepare(study.name, made.panel.wave, pages=made.place, sets=sets.to_bytes(), seen=log)


def sign(study: Study, wave: str, office: str) -> Release:
    """Take an office's signature; the second one puts the frozen pages out.

    Raises
    ------
    survey.Refused
        As `survey.releases.sign`, and where another release that went out since it was frozen holds nearly the same people.
    """

    def publish(release: Release, pages: Path, log: ReleaseLog) -> None:
        _hold_against(release, log, study)
        _put_out(study.name, release, pages, (*release.offices, office.strip()), log.head)

    return releases.sign(study.name, wave, office, publish=publish)


def withdraw(study: Study, wave: str, office: str, reason: str) -> Release:
    """Take back the newest published release of a wave: recorded, and said beside the pages that are out."""
    release = releases.withdraw(study.name, wave, office, reason)
    last = release.steps[-1]
    told = {"release": release.name, "withdrawn": last.when, "office": last.office, "why": last.reason}
    place = released_home() / study.name / release.name
    if place.is_dir():
        (place / "withdrawn.json").write_text(_json(told), "utf-8")
    return release


def _hold_against(release: Release, log: ReleaseLog, study: Study) -> None:
    from analysis.disclosure import Published, clashes

    earlier = {k: Published.from_bytes(data) for k, data in log.sets().items()}
    own = Published.from_bytes((releases.folder_of(study.name, release.name) / releases.SETS).read_bytes())
    panel = study.panel(release.wave)
    least = panel.release_inputs["rules"]["difference"]
    refuse_if(_told(list(clashes(own, earlier, difference=least)), panel, study))


def _put_out(study: str, release: Release, pages: Path, offices: tuple[str, ...], head: str) -> None:
    """Copy the frozen pages to where readers find them, with who signed and the checksums; whole or not at all."""
    place = released_home() / study / release.name
    place.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    try:
        shutil.copytree(pages, building, dirs_exist_ok=True)
        files = {name: checksum for name, checksum in release.files.items() if name != releases.SETS}
        told = {
            "release": release.name,
            "wave": release.wave,
            "signed_by": list(offices),
            "log_before": head,
            "files": files,
        }
        (building / RECORD).write_text(_json(told), "utf-8")
        building.chmod(0o755)
        if place.exists():  # of a run that was stopped before its signature was recorded
            shutil.rmtree(place)
        building.rename(place)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _told(found: list[Clash], panel: Panel, study: Study) -> Iterator[Fault]:
    """One fault a pair of numbers; the rest are counted."""
    from analysis.display import Show

    labels = Show(**panel.show_inputs).labels
    for clash in found[:MOST_TOLD]:
        said = {
            language: too_near(
                labels.term(clash.variable, language),
                _cell(clash.cell, labels, language),
                _cell(clash.other, labels, language),
                clash.release,
                language,
            )
            for language in ("en", "zh")
        }
        yield Fault(study.name, 0, said["en"], said["zh"])
    if len(found) > MOST_TOLD:
        more = len(found) - MOST_TOLD
        yield Fault(study.name, 0, f"... and {more} more pairs of numbers like these", f"……另有 {more} 对类似的数字")


def _cell(cell: str, labels: Any, language: str) -> str:
    """A cell in words: ``Spring 2024, Trade Union Federation, Jinhua``."""
    from analysis.tidy import ALL, domain_key, parse_domain

    if cell == ALL:
        return say("everybody", language)
    keys = parse_domain(cell)
    named = [labels.unit(k, keys.pop(k), language) for k in ("wave", "group", "region") if k in keys]
    rest = [labels.domain(domain_key(keys), language)] if keys else []
    return say("comma", language).join([*named, *rest])
