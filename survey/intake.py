"""A study's waves, file by file, to accepted tables: everything is checked before anything is kept.

`parts` checks file by file; here the files are compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey import activity, parts, places
from survey.activity import LogPart
from survey.checks.accepted import ARRIVED, LOCATED, TALLY
from survey.checks.answers import ALWAYS
from survey.checks.direction import turned_batteries
from survey.checks.memberships import COLUMNS as MEMBERSHIPS
from survey.checks.registry import additive_gaps, refused_gaps
from survey.faults import Fault, refuse_if
from survey.identity import Key
from survey.parts import Part
from survey.schema import REGISTRY_COUNTS, STAGES, FileEntry
from survey.study import Study, Wave

MANY = 20  # rows from which equal content is no chance
LOG_KEY = ("activity", "member")
# What the panel has one table of each for all waves.
TABLES = {
    "registry": ("group", "region", *REGISTRY_COUNTS),
    "memberships": MEMBERSHIPS,
    **dict.fromkeys(STAGES, ("group", "region")),
}
_TYPES = {
    **dict.fromkeys((*REGISTRY_COUNTS, "times"), "float64"),
    **dict.fromkeys(("joined", "left"), "datetime64[us]"),
}


@dataclass(frozen=True, slots=True)
class Intake:
    """Accepted rows of all waves.

    Attributes
    ----------
    answers : dict of DataFrame
        By wave: ``member, log_member, identified, group, region, mode``, roles and items (not yet reversed).
    logs : tuple of LogPart
        The log's accepted rows, file by file, wave by wave.
    again : dict
        {(wave, file): rows} of the log that an earlier file has brought already.
    tables : dict of DataFrame
        `TABLES`, of all waves, each with ``wave``.
    gaps : DataFrame
        `survey.checks.registry.additive_gaps` of the registry as it came.
    parts : tuple of Part
        The files.
    """

    answers: dict[str, pd.DataFrame]
    logs: tuple[LogPart, ...]
    again: Mapping[tuple[str, str], np.ndarray]
    tables: dict[str, pd.DataFrame]
    gaps: pd.DataFrame
    parts: tuple[Part, ...]

    @property
    def registry(self) -> pd.DataFrame:
        """The registry of all waves."""
        return self.tables["registry"]

    @property
    def places(self) -> set[str]:
        """Codes of the places that accepted rows name."""
        frames = [*self.answers.values(), *self.tables.values()]
        logs = (pd.read_parquet(log.path, columns=["region"])["region"].astype("category") for log in self.logs)
        named = [set(frame["region"].dropna()) for frame in frames] + [set(log.cat.categories) for log in logs]
        return {str(code) for code in set().union(*named)}

    @property
    def seen(self) -> pd.DataFrame:
        """``wave, member, group``: whom each wave's log knows, whatever they answered to an invitation."""
        return _stacked([_seen(part) for part in self.parts if part.brings("log")], ["wave", "member", "group"])

    @property
    def listed(self) -> pd.DataFrame | None:
        """``wave, member, group``: who is on the lists of members; None where there is no list."""
        listed = self.tables["memberships"]
        return listed[["wave", "member", "group"]] if len(listed) else None

    @property
    def tally(self) -> pd.DataFrame:
        """``wave, file, holds, rule, rows, cells``."""
        return _stacked([p.tally for p in self.parts], TALLY)

    @property
    def aside(self) -> pd.DataFrame:
        """``wave, file, row, reason, nearest``: which rows were set aside."""
        return _stacked([p.aside for p in self.parts], ["wave", "file", "row", "reason", "nearest"])

    @property
    def located(self) -> pd.DataFrame:
        """``wave, file, rule, column, row``: the first rows in which cells of a column met a rule."""
        return _stacked([p.located for p in self.parts], LOCATED).astype({"row": "int64"})

    @property
    def arrived(self) -> pd.DataFrame:
        """`survey.checks.accepted.ARRIVED`: how each file came."""
        return _stacked([p.arrived for p in self.parts], ARRIVED)


def _stacked(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=list(columns), dtype="str")
    some = [frame for frame in frames if len(frame)] or list(frames[:1])
    return pd.concat(some, ignore_index=True).reindex(columns=list(columns))


def take_in(study: Study, waves: Sequence[Wave], key: Key) -> Intake:
    """Check every file of the waves, each by itself and against the others.

    Raises
    ------
    survey.Refused
        With the faults of all files.
    """
    with parts.checked(study, waves, key) as made:
        found = made.parts
        refuse_if(_same_answers_twice(found))
        found = _without_repeated_answers(found)
        again = _repeated_rows(_logs(found), found)
        found = [
            part.without(again.get((part.wave.name, part.entry.file), parts.NO_ROWS), "duplicate") for part in found
        ]
        answers = {w.name: rows for w in waves if (rows := _answers(w, found)) is not None}
        tables = {holds: _together(found, holds, columns) for holds, columns in TABLES.items()}
        seen = tables["registry"]["region"].dropna()
        gaps = additive_gaps(tables["registry"], places.hierarchy(places.with_seen(study.places, seen)))
        refuse_if([*turned_batteries(study, waves, answers), *refused_gaps(study, waves, gaps)])
        kept = made.keep(found)
    return Intake(answers, tuple(_logs(kept)), again, tables, gaps, tuple(kept))


def _same_answers_twice(found: Sequence[Part]) -> Iterator[Fault]:
    """Files of answers with the same content: one wave's file beside itself, or in another wave's folder."""
    first: dict[tuple[str, str | None], Part] = {}
    for part in (p for p in found if p.entry.holds == "answers" and p.read >= MANY):
        before = first.setdefault((part.file_sum, part.entry.layout.sheet), part)
        if before is not part:
            name = f"{before.wave.label}{before.entry.file}"
            yield Fault(
                f"{part.wave.label}{part.entry.file}",
                0,
                f"the file has the same content as {name}: the same answers would count twice. Put in the right file, or take "
                "one of the two out of wave.yaml",
                f"文件内容与 {name} 完全相同，同样的答卷会计入两次。请换上正确的文件，或从 wave.yaml 中去掉其中一个",
            )


def _without_repeated_answers(found: Sequence[Part]) -> list[Part]:
    """People who answered in two files of a wave: the answer in the first file is kept."""
    several = {p.wave.name for p in found if sum(q.wave is p.wave and q.entry.holds == "answers" for q in found) > 1}
    seen: dict[str, set[str]] = {}
    kept = []
    for part in found:
        if part.entry.holds == "answers" and part.wave.name in several:
            known = seen.setdefault(part.wave.name, set())
            members = part.frame["member"]
            part = part.without(np.sort(members.index[members.isin(known)].to_numpy()), "repeated_answer")
            known.update(members)
        kept.append(part)
    return kept


def _logs(found: Sequence[Part]) -> list[LogPart]:
    return [
        LogPart(p.wave.name, p.entry.file, p.path) for p in found if p.entry.holds == "log" and p.kept.meta["accepted"]
    ]


def _repeated_rows(logs: Sequence[LogPart], found: Sequence[Part]) -> dict[tuple[str, str], np.ndarray]:
    """Rows of the log that an earlier file has brought: what the later file calls its key, held by the same groups."""
    keys = {(part.wave.name, part.entry.file): _key_columns(part.entry) for part in found if part.entry.holds == "log"}
    if len(logs) < 2:
        return {}
    if len({keys[log.wave, log.file] for log in logs}) == 1:
        return activity.repeated(logs, keys[logs[0].wave, logs[0].file])
    again = {}
    for n, log in enumerate(logs):
        file = (log.wave, log.file)
        again[file] = activity.repeated(logs[: n + 1], keys[file])[file]
    return again


def _key_columns(entry: FileEntry) -> tuple[str, ...]:
    roles = ("groups" if role == "group" else role for role in entry.key or LOG_KEY)
    return tuple(dict.fromkeys(role for role in roles if role != "groups"))


def _seen(part: Part) -> pd.DataFrame:
    """Whom one file of the log knows: ``wave, member, group``, each once; group missing where the study has none."""
    rows = pd.read_parquet(part.path, columns=["member", "groups"])
    members, groups = rows["member"].cat.categories, rows["groups"].cat.categories
    pairs = rows["member"].cat.codes.to_numpy(np.int64) * len(groups) + rows["groups"].cat.codes.to_numpy()
    if len(part.again):
        pairs = pairs[~pd.read_parquet(part.path, columns=["row"])["row"].isin(part.again).to_numpy()]
    each = (
        pd.Series(groups, dtype="str").str.split(activity.BETWEEN).explode()
    )  # organisers, by the place of their list
    who, named = np.divmod(pd.unique(pairs), max(len(groups), 1))
    held = pd.DataFrame({"who": who, "named": named}).merge(each.rename("group"), left_on="named", right_index=True)
    held = held.drop_duplicates(["who", "group"])
    group = held["group"].where(held["group"] != "").to_numpy()
    return pd.DataFrame(
        {"wave": part.wave.name, "member": members.take(held["who"].to_numpy()), "group": group}, dtype="str"
    )


def _together(found: Sequence[Part], holds: str, columns: Sequence[str]) -> pd.DataFrame:
    """Rows of one kind of all waves; columns that some file brings beside those that the kind always has stand behind them."""
    frames = [part.frame.assign(wave=part.wave.name) for part in found if part.brings(holds)]
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    order = dict.fromkeys(["wave", *columns, *whole.columns])
    kinds = {c: _TYPES.get(c, "str") for c in ("wave", *columns)}
    return whole.reindex(columns=list(order)).astype(kinds)


def _answers(wave: Wave, found: Sequence[Part]) -> pd.DataFrame | None:
    frames = [part.frame for part in found if part.wave.name == wave.name and part.brings("answers")]
    if not frames:
        return None
    both = pd.concat(frames, ignore_index=True).sort_values("member", kind="stable", ignore_index=True)
    if lacking := [c for c in ALWAYS if c not in both]:  # rows of a sealed file, kept before there was such a column
        both[lacking] = pd.Series(pd.NA, index=both.index, dtype="str")
    said = pd.DataFrame({"mode": wave.settings.mode, "wave": wave.name}, index=both.index, dtype="str")
    return pd.concat([both, said], axis=1)
