"""A study's waves, file by file, to accepted tables: everything is checked before anything is kept.

Faults of all files of all waves are gathered and refused at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from survey.checks import Accepted, check_answers, check_log, check_registry
from survey.checks.accepted import TALLY
from survey.faults import Fault, Refused, refuse_if
from survey.identity import Key
from survey.schema import REGISTRY_COUNTS, FileEntry
from survey.study import Study, Wave

ANSWERS = ["wave", "member", "log_member", "group", "region", "mode"]
LOG = ["wave", "member", "activity", "groups", "region", "start", "end", "channel", "response", "took_part"]
REGISTRY = ["wave", "group", "region", *REGISTRY_COUNTS]


@dataclass(frozen=True, slots=True)
class Intake:
    """Accepted rows of all waves.

    Attributes
    ----------
    answers : dict of DataFrame
        By wave: ``member, log_member, group, region, mode``, roles and items (not yet reversed).
    log, registry : DataFrame
        Of all waves, with ``wave``.
    tally : DataFrame
        ``wave, file, holds, rule, rows, cells``.
    aside : DataFrame
        ``wave, file, row, reason``: which rows were set aside.
    """

    answers: dict[str, pd.DataFrame]
    log: pd.DataFrame
    registry: pd.DataFrame
    tally: pd.DataFrame
    aside: pd.DataFrame


def take_in(study: Study, waves: Sequence[Wave], key: Key) -> Intake:
    """Check every file of the waves.

    Raises
    ------
    survey.Refused
        With the faults of all files.
    """
    accepted, faults = [], []
    for wave in waves:
        for entry in wave.settings.files:
            try:
                accepted.append((wave, entry, _check(study, wave, entry, key)))
            except Refused as refused:
                faults += [_placed(fault, wave) for fault in refused.faults]
    refuse_if(faults)
    log = _together(accepted, "log", LOG)
    again = log.duplicated(["activity", "member", "groups"], keep="first") if len(log) else pd.Series(dtype=bool)
    answers = {w.name: a for w in waves if len(a := _answers(w, accepted))}
    tallies = [a.tally for _, _, a in accepted] + _again(log[again.to_numpy()]) + _twice(accepted, answers)
    aside = [a.aside.assign(wave=w.name, file=e.file) for w, e, a in accepted]
    return Intake(
        answers,
        log[~again.to_numpy()].reset_index(drop=True),
        _together(accepted, "registry", REGISTRY),
        pd.concat(tallies, ignore_index=True)[TALLY],
        pd.concat(aside, ignore_index=True)[["wave", "file", "row", "reason"]],
    )


Part = tuple[Wave, FileEntry, Accepted]


def _check(study: Study, wave: Wave, entry: FileEntry, key: Key) -> Accepted:
    if entry.holds == "answers":
        return check_answers(study, wave, entry, key)
    if entry.holds == "log":
        return check_log(study, wave, entry, key)
    return check_registry(study, wave, entry)


def _placed(fault: Fault, wave: Wave) -> Fault:
    """Name the wave's folder before a file's name where the reader knew only the file."""
    file = fault.file if fault.file.startswith(wave.label) else f"{wave.label}{fault.file}"
    return Fault(file, fault.line, fault.en, fault.zh)


def _together(parts: Sequence[Part], holds: str, columns: list[str]) -> pd.DataFrame:
    frames = [a.frame.assign(wave=w.name) for w, e, a in parts if e.holds == holds]
    if not frames:
        return pd.DataFrame({c: pd.Series(dtype="str") for c in columns})
    return pd.concat(frames, ignore_index=True).reindex(columns=columns)


def _answers(wave: Wave, parts: Sequence[Part]) -> pd.DataFrame:
    frames = [a.frame for w, e, a in parts if w.name == wave.name and e.holds == "answers"]
    if not frames:
        return pd.DataFrame(columns=["member"])
    both = pd.concat(frames, ignore_index=True).assign(mode=wave.settings.mode, wave=wave.name)
    return both.drop_duplicates("member").sort_values("member", ignore_index=True)


def _twice(parts: Sequence[Part], answers: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """People who answered in two files of a wave: the first file's answer is kept; the sum of the tally holds."""
    lines = []
    for wave, frame in answers.items():
        read = sum(len(a.frame) for w, e, a in parts if w.name == wave and e.holds == "answers")
        lines += _moved(wave, "answers", "repeated_answer", read - len(frame))
    return lines


def _again(repeated: pd.DataFrame) -> list[pd.DataFrame]:
    """Log rows that an earlier file brought already."""
    lines = []
    for wave, rows in repeated.groupby("wave").size().items():
        lines += _moved(str(wave), "log", "duplicate", int(rows))
    return lines


def _moved(wave: str, holds: str, reason: str, rows: int) -> list[pd.DataFrame]:
    if not rows:
        return []
    lines = [(wave, "*", holds, "as_is", -rows, 0), (wave, "*", holds, f"aside:{reason}", rows, 0)]
    return [pd.DataFrame(lines, columns=TALLY)]
