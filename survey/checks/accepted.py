"""The bookkeeping of a check: which rows were mended or set aside, by which rule, and how many cells.

The sum always holds: rows read = as is + repaired + set aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey.faults import Fault, refuse_if
from survey.schema import Decision, Rules

TALLY = ["wave", "file", "holds", "rule", "rows", "cells"]
# Rows that are no answer of anybody in the field: they do not count towards the share set aside.
NOBODY = ("blank", "total", "preview", "test", "spam")
REASONS = (
    *NOBODY,
    "ragged",
    "duplicate",
    "repeated_answer",
    "unknown_group",
    "unknown_region",
    "no_member",
    "no_activity",
    "no_time",
)
CELL_RULES = ("cleaned", "missing_code", "out_of_range", "unknown_label", "not_a_number", "not_a_time")
NOTES = ("unfinished",)


@dataclass(frozen=True, slots=True, repr=False)
class Accepted:
    """A file after its check.

    Attributes
    ----------
    frame : DataFrame
        Accepted rows; index = row in the file.
    wave, file, holds : str
        Where it came from and what it holds.
    read : int
        Rows read.
    reasons : mapping
        {row: reason} of the rows set aside; never their content.
    mended : frozenset of int
        Rows with a cell that was mended, whether set aside or not.
    cells : mapping
        {rule: cells that met it}.
    notes : mapping
        {what: accepted rows of which it is true}.
    """

    frame: pd.DataFrame
    wave: str
    file: str
    holds: str
    read: int
    reasons: Mapping[int, str]
    mended: frozenset[int]
    cells: Mapping[str, int]
    notes: Mapping[str, int]

    @property
    def tally(self) -> pd.DataFrame:
        """``wave, file, holds, rule, rows, cells``: read, as_is, repaired, ``aside:REASON``, ``cells:RULE``, ``note:WHAT``."""
        repaired = len(self.mended - set(self.reasons))
        lines = [
            ("read", self.read, 0),
            ("as_is", self.read - len(self.reasons) - repaired, 0),
            ("repaired", repaired, 0),
            *((f"aside:{reason}", n, 0) for reason, n in sorted(Counter(self.reasons.values()).items())),
            *((f"cells:{rule}", 0, n) for rule, n in sorted(self.cells.items())),
            *((f"note:{what}", n, 0) for what, n in sorted(self.notes.items())),
        ]
        return pd.DataFrame([(self.wave, self.file, self.holds, *line) for line in lines], columns=TALLY)

    @property
    def aside(self) -> pd.DataFrame:
        """``wave, file, row, reason`` of the rows set aside."""
        lines = [(self.wave, self.file, row, reason) for row, reason in sorted(self.reasons.items())]
        return pd.DataFrame(lines, columns=["wave", "file", "row", "reason"])

    def without(self, again: np.ndarray, reason: str) -> Accepted:
        """Set accepted rows (True in `again`) aside after all."""
        moved = dict.fromkeys((int(row) for row in self.frame.index[again]), reason)
        return replace(self, frame=self.frame[~again], reasons={**self.reasons, **moved})


class Book:
    """Keeps count while one file is checked; rows are known by their number in the file."""

    def __init__(self, wave: str, file: str, holds: str, rows: Iterable[int], ragged: Iterable[int]) -> None:
        self.wave, self.file, self.holds = wave, file, holds
        ragged = tuple(ragged)
        self.read = len(list(rows)) + len(ragged)
        self.reasons: dict[int, str] = dict.fromkeys(ragged, "ragged")
        self.mended: set[int] = set()
        self.cells: dict[str, int] = {}
        self.notes: dict[str, int] = {}
        self.faults: list[Fault] = []

    def set_aside(self, rows: Iterable[int], reason: str) -> None:
        """Set rows aside, for one of `REASONS`; the first reason a row meets is its reason."""
        _known(reason, REASONS)
        for row in rows:
            self.reasons.setdefault(int(row), reason)

    def count_cells(self, rule: str, hit: pd.Series, *, mends: bool = False) -> None:
        """Count cells that met one of `CELL_RULES`; rows whose cells were mended count as repaired."""
        _known(rule, CELL_RULES)
        number = int(hit.sum())
        if number:
            self.cells[rule] = self.cells.get(rule, 0) + number
            if mends:
                self.mended.update(hit.index[hit].tolist())

    def note(self, what: str, rows: int) -> None:
        """Count rows of which one of `NOTES` is to be known; it changes nothing."""
        _known(what, NOTES)
        if rows:
            self.notes[what] = self.notes.get(what, 0) + rows

    def left(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of the frame that are not set aside."""
        return frame[~frame.index.isin(list(self.reasons))]

    def fault(self, en: str, zh: str) -> None:
        """Note that the file breaks a rule; `close` refuses it with all that was noted."""
        self.faults.append(Fault(f"{self.wave}/{self.file}", 0, en, zh))

    def close(self, frame: pd.DataFrame, rules: Rules, decisions: tuple[Decision, ...]) -> Accepted:
        """End the check: refuse the file where a rule is broken, else give what was accepted."""
        if not overridden("set_aside_share", self.file, decisions):
            self._check_share(rules.set_aside_share)
        refuse_if(self.faults)
        rest = (self.wave, self.file, self.holds, self.read, self.reasons, frozenset(self.mended))
        return Accepted(frame, *rest, self.cells, self.notes)

    def _check_share(self, most: float) -> None:
        counts = Counter(reason for reason in self.reasons.values() if reason not in NOBODY)
        about_somebody = self.read - sum(reason in NOBODY for reason in self.reasons.values())
        share = counts.total() / max(about_somebody, 1)
        if share > most:
            seen = ", ".join(f"{reason} {n}" for reason, n in counts.most_common())
            first = numbered(row for row, reason in self.reasons.items() if reason not in NOBODY)
            self.fault(
                f"{share:.2%} of the rows would be set aside ({seen}; first rows {first}); at most {most:.2%} may be. "
                "Mend the file, or accept this in wave.yaml under decisions (rule: set_aside_share)",
                f"将有 {share:.2%} 的行被搁置（{seen}；最前几行：{first}），上限为 {most:.2%}。"
                "请修正文件，或在 wave.yaml 的 decisions 中说明接受（rule: set_aside_share）",
            )


def _known(rule: str, rules: tuple[str, ...]) -> None:
    """Whatever happens to a row or a cell has a name that can be told to staff."""
    if rule not in rules:
        raise ValueError(
            f"{rule!r} is not one of {rules}: give it its name there, and its words in reports.check_words"
        )


def overridden(rule: str, file: str, decisions: tuple[Decision, ...]) -> bool:
    """Whether an office accepted this rule's breach for this file."""
    return any(d.rule == rule and d.accept == file for d in decisions)


def numbered(rows: Iterable[int]) -> str:
    """Name the first five rows, for a message."""
    return ", ".join(str(row) for row in sorted(rows)[:5])


def first_of_each(keys: pd.DataFrame) -> np.ndarray:
    """True for the rows whose key stood in an earlier row."""
    return keys.duplicated(keep="first").to_numpy()
