"""A healthy folder that each case of the catalogue spoils in its own way, and what a clerk is told of it.

A case is a function that changes a `Folder`; what it should come to stands in its decorator. Its number is that of the catalogue of
bad input; several forms of one number are told apart by a letter. Nothing of `CANARIES` may ever be read in a message.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reports import checking
from survey import Refused, open_study
from tests.survey.builders import ANSWERS, COUNTED, FULL, GROUPS, ITEMS, LOG, LOGGED, PLACES, REGISTRY, STUDY, as_yaml

CANARIES = ("canary", "13912345678", "金丝雀")
CLASSES = ("refused", "set aside", "repaired", "warned", "harmless")
PEOPLE = 120  # so that one row in error is below the share that refuses a file
WAVE = "2024"
LARGE = 2**30
Rows = list[dict[str, str]]


@dataclass
class Folder:
    """A study with one wave of 120 answers, a log and a registry, all as they should be; a case changes what it likes.

    Attributes
    ----------
    answers, log, registry : list of dict
        Rows by header; written as CSV in UTF-8 unless `raw` has the file.
    study, wave : dict
        Content of study.yaml and wave.yaml (``wave["files"]`` holds the three entries).
    texts : dict
        Other files of the study's folder: instrument.csv, groups.csv, places.csv; and study.yaml where it is to be spoilt as text.
    raw : dict
        Files of the wave by name as bytes, instead of what is made of the rows; None: the file is not there.
    then : list of callables
        What is done to the folder on the disk after all is written.
    meanwhile : callable
        Gives, for the study's folder, the context in which it is checked: what happens to the disk while it is read.
    """

    answers: Rows
    log: Rows
    registry: Rows
    study: dict[str, Any]
    wave: dict[str, Any]
    texts: dict[str, str]
    raw: dict[str, bytes | None] = field(default_factory=dict)
    then: list[Callable[[Path], None]] = field(default_factory=list)
    meanwhile: Callable[[Path], AbstractContextManager[object]] = nullcontext

    @property
    def entry(self) -> dict[str, Any]:
        """The entry of answers.csv in wave.yaml."""
        return self.wave["files"][0]

    def csv(self, delimiter: str = ",", end: str = "\n", rows: Rows | None = None) -> str:
        """The answers (or other rows) as CSV text."""
        rows = self.answers if rows is None else rows
        columns = list(dict.fromkeys(name for row in rows for name in row))
        lines = [columns, *([row.get(c, "") for c in columns] for row in rows)]
        return "".join(delimiter.join(_quoted(cell, delimiter) for cell in line) + end for line in lines)

    def send(self, content: str | bytes, encoding: str = "utf-8") -> None:
        """Let answers.csv arrive with this content."""
        self.raw["answers.csv"] = content if isinstance(content, bytes) else content.encode(encoding)

    def rename(self, file: str) -> None:
        """Let the answers arrive under another name."""
        self.raw[file] = self.raw.get("answers.csv") or self.csv().encode()
        self.raw["answers.csv"] = None
        self.entry["file"] = file

    def write(self, home: Path) -> Path:
        """Write the folder."""
        study = home / "small"
        wave = study / WAVE
        wave.mkdir(parents=True)
        for name, text in {"study.yaml": as_yaml(self.study), **self.texts}.items():
            (study / name).write_text(text, "utf-8")
        (wave / "wave.yaml").write_text(self.texts.get("wave.yaml") or as_yaml(self.wave), "utf-8")
        (study / "wave.yaml").unlink(missing_ok=True)
        own = {"answers.csv": self.answers, "log.csv": self.log, "registry.csv": self.registry}
        files: dict[str, bytes | None] = {name: self.csv(rows=rows).encode() for name, rows in own.items()}
        for name, content in (files | self.raw).items():
            if content is not None:
                (wave / name).write_bytes(content)
        for step in self.then:
            step(study)
        return study


def _quoted(cell: str, delimiter: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(s in cell for s in f'{delimiter}"\n\r') else cell


def healthy() -> Folder:
    """A folder without fault; ids and free texts hold canaries."""
    answers = [
        FULL
        | {
            "id": f"canary{n:04}",
            "org": ("union", "league", "women")[n % 3],
            "place": ("990102", "990104")[n % 2],
            "q1": str(1 + n % 5),
            "q2": str(5 - n % 5),
            "q3": ("NO", "0110", "12:30")[n % 3],
            "q4": ("1", "2;3", "3", "")[n % 4],
            "q5": str(20 + n % 60),
            "q7": f"canary 金丝雀 {n}",
            "at": f"2024-03-{1 + n % 28:02} 10:{n % 60:02}",
            "took": str(200 + n),
        }
        for n in range(PEOPLE)
    ]
    log = [LOGGED | {"who": f"canary{n:04}", "what": f"a{n % 7}"} for n in range(PEOPLE)]
    registry = [COUNTED | {"org": o, "place": p} for o in ("union", "league", "women") for p in ("990102", "990104")]
    study = copy.deepcopy(STUDY) | {"rules": {}}
    entry = copy.deepcopy(ANSWERS)
    entry["columns"] |= {"at": "submitted", "took": "seconds"}
    files = [entry, copy.deepcopy(LOG), copy.deepcopy(REGISTRY)]
    fieldwork = {"start": "2024-03-01", "end": "2024-04-15"}
    wave = {"wave": WAVE, "fieldwork": fieldwork, "mode": "online", "instrument": "1", "files": files}
    texts = {"instrument.csv": ITEMS, "groups.csv": GROUPS, "places.csv": PLACES}
    return Folder(answers, log, registry, study, wave, texts)


@dataclass(frozen=True)
class Case:
    """One case: how the folder is spoilt and what it should come to.

    Attributes
    ----------
    number, title : str
        As in the catalogue.
    spoil : callable
        Changes a healthy folder.
    answer : str
        One of `CLASSES`.
    en, zh : tuple of str
        What the clerk must be told, in each language.
    same : bool
        The accepted answers equal those of the healthy folder.
    why : str
        Why the answer is not the catalogue's, where it is not.
    """

    number: str
    title: str
    spoil: Callable[[Folder], None]
    answer: str
    en: tuple[str, ...]
    zh: tuple[str, ...]
    same: bool
    why: str


CASES: dict[str, Case] = {}


def case(
    number: str,
    title: str,
    answer: str,
    en: str | tuple[str, ...] = (),
    zh: str | tuple[str, ...] = (),
    *,
    same: bool | None = None,
    why: str = "",
) -> Callable[[Callable[[Folder], None]], Callable[[Folder], None]]:
    """Add a case to the catalogue; ``same`` defaults to True for what is repaired or harmless."""
    said = tuple((part,) if isinstance(part, str) else part for part in (en, zh))
    same = answer in ("repaired", "harmless") if same is None else same

    def add(spoil: Callable[[Folder], None]) -> Callable[[Folder], None]:
        if number in CASES:
            raise ValueError(f"case {number} stands twice")
        CASES[number] = Case(number, title, spoil, answer, *said, same, why)
        return spoil

    return add


@dataclass(frozen=True)
class Outcome:
    """What came of a folder: the answers that were accepted, the tally, and what a clerk reads, by language."""

    refused: bool
    members: pd.DataFrame | None
    tally: dict[tuple[str, str], int]
    told: dict[str, tuple[str, ...]]
    mended: bool

    def text(self, language: str) -> str:
        """Everything a clerk reads."""
        return "\n".join(self.told[language])


def outcome(study: Path) -> Outcome:
    """Check a folder as `workbench check` does."""
    try:
        panel = open_study(study).panel(WAVE)
    except Refused as refused:
        told = {lang: checking.refusal(refused.faults, "small", WAVE, lang) for lang in ("en", "zh")}
        return Outcome(True, None, {}, {lang: _lines(account) for lang, account in told.items()}, mended=False)
    told = {lang: checking.account(panel, lang) for lang in ("en", "zh")}
    counted = panel.tally.groupby(["holds", "rule"], sort=False)[["rows", "cells"]].sum().max(axis=1)
    counts = {(str(holds), str(rule)): int(n) for (holds, rule), n in counted.items()}
    mended = bool((panel.tally.loc[panel.tally["rule"] == "repaired", "rows"] > 0).any())
    members = panel.members.drop(columns=["log_member", "seconds", "submitted"], errors="ignore")
    return Outcome(False, members, counts, {lang: _lines(account) for lang, account in told.items()}, mended)


def _lines(account: checking.Account) -> tuple[str, ...]:
    return tuple(f"{section.heading}: {line}" for section in account.sections[:-1] for line in section.lines)


def snapshot(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder; of one that is larger than any table here, its size and its time."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink() and os.access(p, os.R_OK)]
    return {str(p.relative_to(folder)): _digest(p) for p in files}


def _digest(path: Path) -> str:
    stat = path.stat()
    if stat.st_size > LARGE:
        return f"{stat.st_size} {stat.st_mtime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()
