"""Files with a known mapping, for tests of proposals: what such a case is, and the demo's waves as cases."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from survey import read_table
from survey.proposal.mapping import Proposal, propose
from survey.readers import RawTable
from survey.study import Study, open_study
from tests.survey.builders import as_yaml

HEAD = ["item", "version", "module", "wording_en", "wording_zh", "kind", "codes"]
HEAD += ["lowest", "highest", "scale", "reverse", "sensitive", "topic"]
Sets = dict[str, dict[str, str]]
OWN = {"submitted": "submitted", "seconds": "seconds"}


@dataclass(frozen=True)
class Case:
    """A file, the study it is for, and what its columns are; a column that is left out is nothing."""

    name: str
    raw: RawTable
    study: Study
    truth: dict[str, str]
    version: str = "1"

    @cached_property
    def proposal(self) -> Proposal:
        """What is proposed, once."""
        return propose(self.raw, self.study, self.version, self.study.wave_list)

    def rights(self) -> list[tuple[float, bool]]:
        """Confidence of each proposed target, and whether it is right."""
        return [(r.confidence, r.target == self.truth.get(r.header, "")) for r in self.proposal.rows if r.target]

    def hits(self) -> float:
        """Share of columns with the right line, or rightly none."""
        rows = self.proposal.rows
        return sum((r.target if r.proposed else "") == self.truth.get(r.header, "") for r in rows) / len(rows)


def make_study(
    folder: Path, items: list[tuple[str, str, str, str, str]], sets: Sets, waves: dict[str, dict] | None = None
) -> Study:
    """Write a study: items are (name, English, Chinese, kind, codes or limits)."""
    folder.mkdir(parents=True)
    code_sets = {n: {"codes": {c: {"en": label, "zh": label} for c, label in s.items()}} for n, s in sets.items()}
    title = {"en": "A study", "zh": "研究"}
    settings = {"format": 1, "name": folder.name, "title": title, "synthetic": True, "code_sets": code_sets}
    (folder / "study.yaml").write_text(as_yaml(settings), "utf-8")
    with (folder / "instrument.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, HEAD)
        out.writeheader()
        for name, en, zh, kind, codes in items:
            limits = (
                dict(zip(("lowest", "highest"), codes.split(".."), strict=True))
                if kind == "number"
                else {"codes": codes}
            )
            out.writerow({"item": name, "wording_en": en, "wording_zh": zh, "kind": kind, **limits})
    for name, wave in (waves or {}).items():
        (folder / name).mkdir()
        source = Path(wave["file"])
        (folder / name / source.name).write_bytes(source.read_bytes())
        entry = {"file": source.name, "holds": "answers", "columns": wave["columns"]}
        said = {"wave": name, "fieldwork": {"start": "2020-01-01", "end": "2020-01-31"}, "files": [entry]}
        (folder / name / "wave.yaml").write_text(as_yaml(said), "utf-8")
    return open_study(folder, first=True)


def own_columns(raw: RawTable) -> dict[str, str]:
    """What the platform itself says: times and seconds, the first of each."""
    found: dict[str, str] = {}
    for header, kind in raw.metadata.items():
        if kind in OWN and OWN[kind] not in found.values():
            found[header] = OWN[kind]
    return found


def demo_without(demo: Path, home: Path, *gone: str) -> Study:
    """A copy of the demo without some waves."""
    shutil.copytree(demo, home / "demo", ignore=shutil.ignore_patterns(*gone))
    return open_study(home / "demo", first=True)


def demo_cases(demo: Path, home: Path, wave: str, *gone: str) -> list[Case]:
    """The files of a wave of the demo, for a copy that lacks some waves."""
    study = demo_without(demo, home / f"{wave}-{'-'.join(gone)}", *gone)
    settings = yaml.safe_load((demo / wave / "wave.yaml").read_text("utf-8"))
    there = {w.name: w for w in open_study(demo).wave_list}[wave]
    return [
        Case(
            f"demo {wave} after {' '.join(study.waves())}: {entry.holds}",
            read_table(there.folder / entry.file, platform=entry.platform, layout=entry.layout),
            study,
            dict(entry.columns),
            str(settings["instrument"]),
        )
        for entry in there.settings.files
    ]
