"""Accepted rows, file by file, in the store under what they were made from: a file that did not change is not checked again.

A part is found again by the checksum of its file, what wave.yaml and the study say of it, and the key of its pseudonyms. The code
that checked it stands beside it: other code checks it anew and takes its place.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from survey import provenance, raw_files, store
from survey.checks import CHECKS, Accepted, Roll, check_log
from survey.checks.accepted import ARRIVED
from survey.faults import Fault, Refused, refuse_if
from survey.identity import Key
from survey.schema import FileEntry
from survey.sealed_record import refuse_sealed
from survey.study import Study, Wave

NO_ROWS = np.array([], np.int64)
BY_MEMBER = (
    "log",
    "memberships",
)  # kinds whose rows are stored by pseudonym: neighbours in a file are none in the store


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Part:
    """One file of one wave, after its check.

    Attributes
    ----------
    wave, entry
        Where it belongs.
    file_sum : str
        SHA-256 of the file as it arrived.
    kept : survey.store.Sealed, or what is about to be one
        Its tables: ``rows`` (accepted, column ``row`` = row in the file), ``repaired`` (which of them were mended), ``tally``,
        ``aside``, ``located``.
    again : array of int64
        Accepted rows that stand in an earlier file already, and for which of the checks' reasons.
    reason : str
        That reason; empty: none.
    """

    wave: Wave
    entry: FileEntry
    file_sum: str
    kept: store.Sealed | _Draft
    again: np.ndarray = field(default_factory=lambda: NO_ROWS)
    reason: str = ""

    @property
    def accepted(self) -> int:
        """Number of accepted rows."""
        return int(self.kept.meta["accepted"]) - len(self.again)

    @property
    def read(self) -> int:
        """Number of rows read."""
        return int(self.kept.meta["read"])

    @property
    def path(self) -> Path:
        """The accepted rows' Parquet file, with the rows of `again`."""
        return self.kept.path("rows")

    @property
    def frame(self) -> pd.DataFrame:
        """Accepted rows; index = row in the file."""
        rows = self.kept.frame("rows").set_index("row").rename_axis(None)
        return rows[~rows.index.isin(self.again)] if len(self.again) else rows

    @property
    def tally(self) -> pd.DataFrame:
        """``wave, file, holds, rule, rows, cells``."""
        tally = self.kept.frame("tally")
        if not len(self.again):
            return tally
        mended = int(np.isin(self.again, self.kept.frame("repaired")["row"]).sum())
        less = tally["rule"].map({"as_is": len(self.again) - mended, "repaired": mended}).fillna(0).astype("int64")
        more = tally.iloc[[0]].assign(rule=f"aside:{self.reason}", rows=len(self.again), cells=0)
        return _added_up(tally.assign(rows=tally["rows"] - less), more)

    @property
    def aside(self) -> pd.DataFrame:
        """``wave, file, row, reason, nearest``."""
        aside = self.kept.frame("aside")
        rows = {"row": np.sort(self.again), "reason": self.reason, "nearest": ""}
        more = pd.DataFrame({"wave": self.wave.name, "file": self.entry.file, **rows}).astype(aside.dtypes)
        both = pd.concat([aside, more], ignore_index=True) if len(more) else aside
        return both.sort_values("row", kind="stable", ignore_index=True)

    @property
    def located(self) -> pd.DataFrame:
        """``wave, file, rule, column, row``."""
        return self.kept.frame("located")

    @property
    def arrived(self) -> pd.DataFrame:
        """One row of `survey.checks.accepted.ARRIVED`: how the file came."""
        return pd.DataFrame([self.kept.meta["arrived"]], columns=ARRIVED, dtype="str")

    def brings(self, holds: str) -> bool:
        """Whether it is of that kind, and a row of it was accepted."""
        return self.entry.holds == holds and self.accepted > 0

    def without(self, again: np.ndarray, reason: str) -> Part:
        """Set accepted rows aside after all, by their numbers in the file."""
        return replace(self, again=again, reason=reason) if len(again) else self

    def __repr__(self) -> str:
        return f"Part {self.wave.label}{self.entry.file}: {self.accepted} of {self.read} rows"


def _added_up(tally: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """One line more, or more rows in the line that is there; reasons stand between the totals and the cells, by name."""
    there = tally["rule"] == more["rule"].iloc[0]
    if there.any():
        return tally.assign(rows=tally["rows"] + there * int(more["rows"].iloc[0]))
    before = ~tally["rule"].str.contains(":") | (tally["rule"] < more["rule"].iloc[0])
    return pd.concat([tally[before], more, tally[~before]], ignore_index=True)


@contextlib.contextmanager
def checked(study: Study, waves: Sequence[Wave], key: Key) -> Iterator[Checked]:
    """Check every file of the waves that is not in the store as it is now; the store stays as it is until `Checked.keep`.

    Raises
    ------
    survey.Refused
        With the faults of all files.
    """
    home, sums = store.home(study.name), raw_files.sums(study, waves)
    with store.building(home) as folder:
        makers = [
            [_Maker(home, folder / f"{w}-{n}", study, wave, e, sums, key) for n, e in enumerate(wave.settings.files)]
            for w, wave in enumerate(waves)
        ]
        refuse_if(_faults(makers))
        raw_files.refuse_changed(study, waves, sums)
        yield Checked(tuple(maker for of_wave in makers for maker in of_wave))


def of_waves(study: Study, waves: Sequence[Wave], key: Key) -> list[Part]:
    """Check the waves' files, and keep them."""
    with checked(study, waves, key) as found:
        return found.keep(found.parts)


def _faults(makers: Sequence[Sequence[_Maker]]) -> Iterator[Fault]:
    """Check files, a wave's lists of members first: its log is compared with them, or with the last ones that there were."""
    roll: list[_Maker] = []
    for of_wave in makers:
        lists = [maker for maker in of_wave if maker.entry.holds == "memberships"]
        for maker in lists:
            yield from maker.check(())
        roll = lists or roll
        for maker in (m for m in of_wave if m not in lists):
            yield from maker.check(roll if maker.entry.holds == "log" else ())


@dataclass(frozen=True, slots=True)
class _Draft:
    """Tables that are not in the store yet, with what is asked of those that are (`survey.store.Sealed`)."""

    key: str
    meta: Mapping[str, Any]
    files: Mapping[str, Path]

    def path(self, name: str) -> Path:
        """Give a table's Parquet file."""
        return self.files[name]

    def frame(self, name: str) -> pd.DataFrame:
        """Read a table."""
        return pd.read_parquet(self.files[name])


@dataclass(frozen=True, slots=True)
class Checked:
    """Files whose checks are done."""

    _makers: tuple[_Maker, ...]

    @property
    def parts(self) -> list[Part]:
        """The files, to be looked at."""
        return [maker.part() for maker in self._makers]

    def keep(self, found: Sequence[Part]) -> list[Part]:
        """Keep the files in the store; give `found`, one a file in the same order, as they are there."""
        return [replace(part, kept=maker.kept()) for part, maker in zip(found, self._makers, strict=True)]


@dataclass(slots=True, eq=False)
class _Maker:
    """Makes the part of one file: checks it where the store does not have it, and keeps it once all files are accepted."""

    home: Path
    draft: Path
    study: Study
    wave: Wave
    entry: FileEntry
    sums: Mapping[str, str]
    key: Key
    under: str = ""
    _found: store.Sealed | None = None
    _new: dict[str, Path] = field(default_factory=dict)
    _meta: dict[str, Any] = field(default_factory=dict)

    def check(self, roll: Sequence[_Maker]) -> list[Fault]:
        """Look for the part in the store, else check the file; give its faults."""
        try:
            self.under = self._made_from(roll)
            self._found = self._stored()
            if self._found is None:
                self._write(self._checked(roll))
        except Refused as refused:
            return [self._placed(fault) for fault in refused.faults]
        return []

    def _stored(self) -> store.Sealed | None:
        """The part that the store has, made by this code; of a file that was sealed, the one that was made when it was there."""
        found = store.load(self.home, self.under)
        if (self.wave.folder / self.entry.file).exists():
            return found if found is not None and found.meta["code"] == provenance.code() else None
        if found is None:
            known = store.find(self.home, file=self._name, file_sum=self.file_sum, entry=self._entry)
            found = store.load(self.home, known[0]) if known else None
        if found is None:
            refuse_sealed(self.wave.folder / self.entry.file, self._name)
        return found

    def part(self) -> Part:
        """Give the part, whether it is in the store or about to be."""
        return Part(self.wave, self.entry, self.file_sum, self._found or self._draft())

    def kept(self) -> store.Sealed:
        """Keep the tables in the store."""
        if self._found is None:
            store.save(self.home, self.under, self._new, self._meta, fingerprint=self.key.fingerprint)
            self._found = store.load(self.home, self.under)
        if self._found is None:
            store.refuse_gone(self.home, "rows")
        return self._found

    def _draft(self) -> _Draft:
        return _Draft(self.under, self._meta, self._new)

    @property
    def file_sum(self) -> str:
        """SHA-256 of the file."""
        return self.sums[self._name]

    @property
    def _entry(self) -> str:
        """What wave.yaml says of the file, and the key of its pseudonyms, in short."""
        return store.digest([json.dumps(self.entry.model_dump(mode="json"), sort_keys=True), self.key.fingerprint])

    @property
    def _name(self) -> str:
        return f"{self.wave.label}{self.entry.file}"

    def _made_from(self, roll: Sequence[_Maker]) -> str:
        wave = self.wave.settings.model_dump(mode="json", exclude={"files"})
        own = {name: known for name, known in self.sums.items() if "/" not in name}
        said = {"study": own, "wave": wave, "entry": self._entry}
        compared = [maker.under for maker in roll]
        return store.digest([self.file_sum, json.dumps({**said, "roll": compared}, sort_keys=True)])

    def _checked(self, roll: Sequence[_Maker]) -> Accepted:
        if roll:
            listed = pd.concat([maker.part().frame for maker in roll], ignore_index=True)
            return check_log(self.study, self.wave, self.entry, self.key, Roll(listed))
        return CHECKS[self.entry.holds](self.study, self.wave, self.entry, self.key)

    def _write(self, accepted: Accepted) -> None:
        """Write the tables beside the store, so that no two large files stand in memory at once."""
        rows = pd.concat([accepted.frame.index.to_series(name="row"), accepted.frame], axis=1).reset_index(drop=True)
        rows, order = _by_member(rows) if self.entry.holds in BY_MEMBER else (rows, None)
        tables = {
            "rows": rows,
            "repaired": pd.DataFrame({"row": accepted.repaired_rows}),
            "tally": accepted.tally,
            "aside": accepted.aside,
            "located": accepted.located.astype({"wave": "str", "file": "str", "rule": "str", "column": "str"}),
        }
        self._new = {
            name: store.draft(self.draft.with_name(f"{self.draft.name}-{name}"), t, order if name == "rows" else None)
            for name, t in tables.items()
        }
        self._meta = {
            "waves": [self.wave.name],
            "file": self._name,
            "file_sum": self.file_sum,
            "entry": self._entry,
            "code": provenance.code(),
            "read": accepted.read,
            "accepted": len(rows),
            "arrived": list(accepted.arrived),
        }

    def _placed(self, fault: Fault) -> Fault:
        """Name the wave's folder before a file's name where the reader knew only the file."""
        file = fault.file if fault.file.startswith(self.wave.label) else f"{self.wave.label}{fault.file}"
        return Fault(file, fault.line, fault.en, fault.zh)


def _by_member(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows, and the order in which one member's stand together: moved only as they are written, piece by piece."""
    member = rows["member"].astype("category")
    ordered = member.cat.reorder_categories(sorted(member.cat.categories))
    order = np.argsort(ordered.cat.codes.to_numpy(), kind="stable")
    return rows.assign(member=ordered), order
