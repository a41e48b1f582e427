"""A study: its folder as typed, frozen objects, with every fault of the folder reported at once.

The contract is ``docs/study-format.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pandas as pd

from survey import instrument, places
from survey.careless_faults import careless_faults
from survey.faults import Fault, Refused, refuse_if
from survey.folder import read_rows
from survey.instrument import Item
from survey.places_changes import crosswalk_faults
from survey.schema import StudyFile, WaveFile
from survey.study_faults import Known, organiser_faults, study_faults, wave_faults
from survey.typed import Typed, read_typed

if TYPE_CHECKING:
    from survey.panel import Panel

ROOT = Path(__file__).resolve().parents[1]
STUDY_FILE, WAVE_FILE = "study.yaml", "wave.yaml"
_TITLE = {"en": "-", "zh": "-"}
# What stands in for a faulty part while the rest of the folder is checked; nothing of it is ever used.
_HARMLESS_STUDY: dict[str, Any] = {
    "format": "1",
    "title": _TITLE,
    "code_sets": {"codes": {"0": _TITLE, "1": {"en": "+", "zh": "+"}}},
    "scales": {"title": _TITLE, "theme": "cohesion"},
}
_HARMLESS_WAVE: dict[str, Any] = {
    "fieldwork": {"start": "2000-01-01", "end": "2000-01-01"},
    "files": {"file": "-", "holds": "registry", "columns": {"-": "members"}},
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave: its settings, and the folder of what arrived."""

    name: str
    folder: Path
    settings: WaveFile

    @property
    def label(self) -> str:
        """Folder of the wave relative to the study's, for messages."""
        return f"{self.name}/"


@dataclass(frozen=True, slots=True)
class Study:
    """A study folder, read and found without fault.

    Attributes
    ----------
    folder : Path
        The study's folder.
    settings : StudyFile
        ``study.yaml``.
    items : tuple of Item
        ``instrument.csv``, in its order; an item with several forms stands once a form.
    groups : DataFrame
        ``code, en, zh``; empty where the study has none or takes any code.
    places : DataFrame
        ``code, parent, level, en, zh, valid_from, valid_to, dated``; empty where the study has none.
    wave_list : tuple of Wave
        In order of their names; those whose wave.yaml is still a proposal are not among them.
    proposed : dict
        Waves whose wave.yaml is a proposal (``status: proposed``): {name: why they do not run, and what else is wrong with them}.
    """

    folder: Path
    settings: StudyFile
    items: tuple[Item, ...]
    groups: pd.DataFrame
    places: pd.DataFrame
    wave_list: tuple[Wave, ...]
    proposed: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.settings.name

    def waves(self) -> tuple[str, ...]:
        """Names of the waves that run, oldest first."""
        return tuple(w.name for w in self.wave_list)

    def wave(self, name: str | None = None) -> Wave:
        """Give a wave by name; None: the one in ``WORKBENCH_WAVE``, else the latest.

        Raises
        ------
        survey.Refused
            Where there is none of this name, and where its wave.yaml, or that of a wave before it, is still a proposal.
        """
        wanted = name or os.environ.get("WORKBENCH_WAVE") or max(*self.waves(), *self.proposed, "")
        if wanted in (*self.waves(), *self.proposed):
            refuse_if(fault for n, faults in self.proposed.items() if n <= wanted for fault in faults)
        for wave in self.wave_list:
            if wave.name == wanted:
                return wave
        there = ", ".join(self.waves())
        return _refuse(
            f"{self.name}/{wanted}",
            f"there is no wave of this name; the study has {there}",
            f"没有这个名称的调查波次；现有：{there}",
        )

    def until(self, name: str | None = None) -> tuple[Wave, ...]:
        """All waves up to the one named."""
        return self.wave_list[: self.wave_list.index(self.wave(name)) + 1]

    def panel(self, wave: str | None = None) -> Panel:
        """Read, check, weight and seal all waves up to the one asked for (`survey.build.build`)."""
        from survey.build import build

        return build(self, wave)

    def period(self, months: str | None = None) -> Panel:
        """Give some months of the log, and the same months of earlier years, as a panel (`survey.period.build_period`).

        Parameters
        ----------
        months : str, optional
            ``2026-07..08``, or ``last``: the last two full months of the log. None: those in ``WORKBENCH_PERIOD``, else ``last``.
        """
        from survey.period import build_period

        wanted = months or os.environ.get("WORKBENCH_PERIOD") or "last"
        return build_period(self, None if wanted == "last" else wanted)

    def __repr__(self) -> str:
        return f"Study {self.name}: waves {', '.join(self.waves())}; {len({i.name for i in self.items})} items"


def open_study(name_or_folder: str | os.PathLike[str] | None = None, *, first: bool = False) -> Study:
    """Open a study folder.

    Parameters
    ----------
    name_or_folder : str or path, optional
        A folder, or the name of a study in ``data/raw/`` (``WORKBENCH_STUDIES`` names another place). None: the one in
        the environment variable ``WORKBENCH_STUDY``, and the demo where that is not set.
    first : bool
        Also a study that has no wave yet: its first is about to be made.

    Returns
    -------
    Study

    Raises
    ------
    survey.Refused
        With every fault of the folder, each with file and line, in English and Chinese.
    """
    folder = study_folder(name_or_folder if name_or_folder is not None else os.environ.get("WORKBENCH_STUDY") or "demo")
    typed = read_typed(folder, STUDY_FILE, StudyFile, _HARMLESS_STUDY | {"name": folder.name})
    faults = list(typed.faults)
    arrived, proposals = _wave_files(folder)
    if not arrived and not proposals and not first:
        faults.append(_NO_WAVE)
    if typed.settings is None:
        raise Refused(faults + [f for wave in arrived.values() for f in wave.faults])
    known = _known(folder, typed, typed.settings, faults)
    faults += study_faults(known)
    for name, wave in arrived.items():
        faults += wave.faults
        if wave.settings is not None:
            faults += wave_faults(known, folder / name, wave)
    faults += organiser_faults(arrived.values())
    if known.doubtful == {} and not {"scales", "code_sets", "rules"} & known.broken:
        faults += careless_faults(known.document, known.settings.rules, known.items, arrived.values())
    refuse_if(faults)
    waves = [Wave(name, folder / name, wave.settings) for name, wave in arrived.items() if wave.settings is not None]
    places_or_none = places.none() if known.places is None else known.places
    proposed = {name: _proposal_faults(known, folder / name, wave) for name, wave in proposals.items()}
    return Study(folder, known.settings, known.items, known.groups, places_or_none, tuple(waves), proposed)


def study_folder(name_or_folder: str | os.PathLike[str]) -> Path:
    """Give the folder of a study by its name or place; nothing in it is read.

    Raises
    ------
    survey.Refused
        Where there is none; those that are there are named.
    """
    given = Path(name_or_folder)
    home = Path(os.environ.get("WORKBENCH_STUDIES") or ROOT / "data" / "raw")
    folder = given if len(given.parts) > 1 else home / given.name
    if not (folder / STUDY_FILE).is_file():
        known = ", ".join(sorted(p.parent.name for p in home.glob(f"*/{STUDY_FILE}"))) or "-"
        _refuse(
            f"{given.name}/{STUDY_FILE}",
            f"there is no study of this name; studies here: {known}",
            f"没有这个名称的研究；现有研究：{known}",
        )
    return folder.resolve()


_NO_WAVE = Fault(
    STUDY_FILE,
    0,
    "there is no wave: make a folder for it, with a wave.yaml and what arrived (workbench new-wave does that)",
    "没有调查波次：请为其建立文件夹，放入 wave.yaml 和收到的文件（可用 workbench new-wave）",
)


def _wave_files(folder: Path) -> tuple[dict[str, Typed[WaveFile]], dict[str, Typed[WaveFile]]]:
    """Read the wave.yaml of every wave; those that are proposals apart. Folders that begin with a dot are being built."""
    names = sorted(p.parent.name for p in folder.glob(f"*/{WAVE_FILE}") if not p.parent.name.startswith("."))
    read = {n: read_typed(folder, f"{n}/{WAVE_FILE}", WaveFile, _HARMLESS_WAVE | {"wave": n}) for n in names}
    proposals = {n: wave for n, wave in read.items() if _is_proposal(wave)}
    return {n: wave for n, wave in read.items() if n not in proposals}, proposals


def _is_proposal(wave: Typed[WaveFile]) -> bool:
    content = wave.document.content
    return isinstance(content, dict) and content.get("status") == "proposed"


def _proposal_faults(known: Known, folder: Path, wave: Typed[WaveFile]) -> tuple[Fault, ...]:
    """Why a proposal does not run, and what would stop it once it is confirmed."""
    file, line = wave.document.file, wave.document.line(("status",))
    proposal = Fault(
        file,
        line,
        f"wave {folder.name} is a proposal: read its wave.yaml, correct it, delete the line “status: proposed”",
        f"{folder.name} 波次还只是建议：请通读 wave.yaml，改正后删除“status: proposed”一行",
    )
    return (proposal, *wave.faults, *wave_faults(known, folder, wave))


def _known(folder: Path, typed: Typed[StudyFile], settings: StudyFile, faults: list[Fault]) -> Known:
    """Read the tables of the folder; where one is refused, keep its faults and go on without it."""
    rows = _gather(faults, lambda: _item_rows(folder), None)
    items, found = instrument.read_items(rows or (), settings.code_sets, settings.scales)
    faults += found
    doubtful = {row["item"]: row["scale"] for row in rows or () if row["item"] not in {i.name for i in items}}
    return Known(
        folder,
        settings,
        typed.document,
        frozenset(path[0] for path in typed.broken if len(path) == 1),
        tuple(items),
        doubtful if rows is not None else None,
        _gather(faults, lambda: _groups(folder, settings), _NO_GROUPS),
        _gather(faults, lambda: _places(folder, settings), None),
    )


def _gather(faults: list[Fault], read: Callable[[], T], instead: T) -> T:
    try:
        return read()
    except Refused as refused:
        faults += refused.faults
        return instead


def _item_rows(folder: Path) -> list[dict[str, str]]:
    if not (folder / instrument.FILE).is_file():
        return []
    return read_rows(folder, instrument.FILE, instrument.REQUIRED, instrument.OPTIONAL)


_NO_GROUPS = pd.DataFrame(columns=["code", "en", "zh"], dtype="str")


def _groups(folder: Path, settings: StudyFile) -> pd.DataFrame:
    if settings.groups is None or settings.groups.file is None:
        return _NO_GROUPS
    file, columns = settings.groups.file, ("code", "name_en", "name_zh")
    rows = read_rows(folder, file, columns, filled=columns)
    if not rows:
        _refuse(file, "there are no groups in this file", "文件中没有组织")
    table = pd.DataFrame(rows, dtype="str").rename(columns={"name_en": "en", "name_zh": "zh"})
    refuse_if(
        Fault(file, int(line), f"the code “{code}” stands twice", f"编码“{code}”重复出现")
        for code, line in table.loc[table["code"].duplicated(), ["code", "#line"]].itertuples(index=False)
    )
    return table[["code", "en", "zh"]]


def _places(folder: Path, settings: StudyFile) -> pd.DataFrame:
    table = places.table(folder, settings.places)
    if settings.places is not None:
        refuse_if(crosswalk_faults(folder, settings.places, table["code"].tolist()))
    return table


def _refuse(file: str, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(file, 0, en, zh)])
