"""A study's waves, file by file, to accepted tables: everything is checked before anything is kept.

Faults of all files of all waves are gathered and refused at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from survey import places, store
from survey.checks import CHECKS, Accepted
from survey.checks.accepted import ARRIVED
from survey.checks.direction import turned_batteries
from survey.checks.registry import additive_gaps, refused_gaps
from survey.faults import Fault, Refused, refuse_if
from survey.identity import Key
from survey.schema import REGISTRY_COUNTS, FileEntry
from survey.study import Study, Wave

MANY = 20  # rows from which equal content is no chance
LOG = ["wave", "member", "activity", "groups", "region", "start", "end", "channel", "response", "took_part"]
REGISTRY = ["wave", "group", "region", *REGISTRY_COUNTS]
_DTYPES = {
    "start": "datetime64[us]",
    "end": "datetime64[us]",
    "took_part": "bool",
    "groups": "object",
    **dict.fromkeys(REGISTRY_COUNTS, "float64"),
}


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
        ``wave, file, row, reason, nearest``: which rows were set aside.
    located : DataFrame
        ``wave, file, rule, column, row``: the first rows in which cells of a column met a rule.
    arrived : DataFrame
        `survey.checks.accepted.ARRIVED`: how each file came.
    gaps : DataFrame
        `survey.checks.registry.additive_gaps` of the registry as it came.
    """

    answers: dict[str, pd.DataFrame]
    log: pd.DataFrame
    registry: pd.DataFrame
    tally: pd.DataFrame
    aside: pd.DataFrame
    located: pd.DataFrame
    arrived: pd.DataFrame
    gaps: pd.DataFrame


def take_in(study: Study, waves: Sequence[Wave], key: Key) -> Intake:
    """Check every file of the waves.

    Raises
    ------
    survey.Refused
        With the faults of all files.
    """
    parts: list[Part] = []
    faults: list[Fault] = []
    for wave in waves:
        for entry in wave.settings.files:
            try:
                parts.append(Part(wave, entry, CHECKS[entry.holds](study, wave, entry, key)))
            except Refused as refused:
                faults += [_placed(fault, wave) for fault in refused.faults]
    refuse_if([*faults, *_same_answers_twice(parts)])
    parts = _without_repeated_rows(_without_repeated_answers(parts))
    answers = {w.name: _answers(w, parts) for w in waves if any(p.brings(w, "answers") for p in parts)}
    registry = _together(parts, "registry", REGISTRY)
    gaps = additive_gaps(registry, places.hierarchy(places.with_seen(study.places, registry["region"].dropna())))
    refuse_if([*turned_batteries(study, waves, answers), *refused_gaps(study, waves, gaps)])
    return Intake(
        answers,
        _together(parts, "log", LOG),
        registry,
        pd.concat([p.accepted.tally for p in parts], ignore_index=True),
        pd.concat([p.accepted.aside for p in parts], ignore_index=True).astype({"row": "int64"}),
        pd.concat([p.accepted.located for p in parts], ignore_index=True).astype({"row": "int64"}),
        pd.DataFrame([p.accepted.arrived for p in parts], columns=ARRIVED, dtype="str"),
        gaps,
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One file of one wave, after its check."""

    wave: Wave
    entry: FileEntry
    accepted: Accepted

    def brings(self, wave: Wave, holds: str) -> bool:
        """Whether it is of that wave and kind, and a row of it was accepted."""
        return self.wave.name == wave.name and self.entry.holds == holds and len(self.accepted.frame) > 0


def _placed(fault: Fault, wave: Wave) -> Fault:
    """Name the wave's folder before a file's name where the reader knew only the file."""
    file = fault.file if fault.file.startswith(wave.label) else f"{wave.label}{fault.file}"
    return Fault(file, fault.line, fault.en, fault.zh)


def _same_answers_twice(parts: Sequence[Part]) -> Iterator[Fault]:
    """Files of answers with the same content: one wave's file beside itself, or in another wave's folder."""
    first: dict[tuple[int, str, str | None], Part] = {}
    for part in (p for p in parts if p.entry.holds == "answers" and p.accepted.read >= MANY):
        path = part.wave.folder / part.entry.file
        content = (path.stat().st_size, store.digest([path]), part.entry.layout.sheet)
        before = first.setdefault(content, part)
        if before is not part:
            name = f"{before.wave.label}{before.entry.file}"
            yield Fault(
                f"{part.wave.label}{part.entry.file}",
                0,
                f"the file has the same content as {name}: the same answers would count twice. Put in the right file, or take "
                "one of the two out of wave.yaml",
                f"文件内容与 {name} 完全相同，同样的答卷会计入两次。请换上正确的文件，或从 wave.yaml 中去掉其中一个",
            )


def _without_repeated_answers(parts: Sequence[Part]) -> list[Part]:
    """People who answered in two files of a wave: the answer in the first file is kept."""
    seen: dict[str, set[str]] = {}
    kept = []
    for part in parts:
        if part.entry.holds == "answers":
            known = seen.setdefault(part.wave.name, set())
            members = part.accepted.frame["member"]
            part = replace(part, accepted=part.accepted.without(members.isin(known).to_numpy(), "repeated_answer"))
            known.update(members)
        kept.append(part)
    return kept


def _without_repeated_rows(parts: Sequence[Part]) -> list[Part]:
    """Rows of the log that an earlier file has brought: the same key, held by the same groups."""
    earlier: list[pd.DataFrame] = []
    kept = []
    for part in parts:
        if part.entry.holds == "log":
            frame, keys = part.accepted.frame, _key_columns(part.entry)
            rows = pd.concat([*(rows.reindex(columns=keys) for rows in earlier), frame[keys]])
            again = rows.duplicated(keep="first").to_numpy()[len(rows) - len(frame) :]
            part = replace(part, accepted=part.accepted.without(again, "duplicate"))
            earlier.append(frame)
        kept.append(part)
    return kept


def _key_columns(entry: FileEntry) -> list[str]:
    roles = entry.key or ("activity", "member")
    return list(dict.fromkeys([*("groups" if role == "group" else role for role in roles), "groups"]))


def _together(parts: Sequence[Part], holds: str, columns: list[str]) -> pd.DataFrame:
    frames = [p.accepted.frame.assign(wave=p.wave.name) for p in parts if p.brings(p.wave, holds)]
    if not frames:
        return pd.DataFrame({c: pd.Series(dtype=_DTYPES.get(c, "str")) for c in columns})
    return pd.concat(frames, ignore_index=True).reindex(columns=columns)


def _answers(wave: Wave, parts: Sequence[Part]) -> pd.DataFrame:
    frames = [p.accepted.frame for p in parts if p.brings(wave, "answers")]
    both = pd.concat(frames, ignore_index=True).sort_values("member", kind="stable", ignore_index=True)
    said = pd.DataFrame({"mode": wave.settings.mode, "wave": wave.name}, index=both.index, dtype="str")
    return pd.concat([both, said], axis=1)
