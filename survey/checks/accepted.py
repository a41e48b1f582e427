"""The bookkeeping of a check: which rows were mended or set aside, by which rule, and how many cells.

The sum always holds: rows read = as is + repaired + set aside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.faults import Fault, Refused
from survey.schema import Decision, Rules

TALLY = ["wave", "file", "holds", "rule", "rows", "cells"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file after its check.

    Attributes
    ----------
    frame : DataFrame
        Accepted rows; index = row in the file.
    tally : DataFrame
        ``wave, file, holds, rule, rows, cells``: rules ``read``, ``as_is``, ``repaired``, each reason for setting
        aside (``aside:REASON``), each rule on cells (``cells:RULE``).
    aside : DataFrame
        ``row, reason`` of the rows set aside; never their content.
    """

    frame: pd.DataFrame
    tally: pd.DataFrame
    aside: pd.DataFrame


class Book:
    """Keeps count while one file is checked; rows are known by their number in the file."""

    def __init__(self, wave: str, file: str, holds: str, rows: Iterable[int], ragged: Iterable[int]) -> None:
        self.wave, self.file, self.holds = wave, file, holds
        ragged = tuple(ragged)
        self.read = len(list(rows)) + len(ragged)
        self.reasons: dict[int, str] = dict.fromkeys(ragged, "ragged")
        self.mended: set[int] = set()
        self.cells: dict[str, int] = {}

    def set_aside(self, rows: Iterable[int], reason: str) -> None:
        """Set rows aside; the first reason a row meets is its reason."""
        for row in rows:
            self.reasons.setdefault(int(row), reason)

    def count_cells(self, rule: str, hit: pd.Series, *, mends: bool = False) -> None:
        """Count cells that met a rule; rows whose cells were mended count as repaired."""
        number = int(hit.sum())
        if number:
            self.cells[rule] = self.cells.get(rule, 0) + number
            if mends:
                self.mended.update(hit.index[hit].tolist())

    def left(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of the frame that are not set aside."""
        return frame[~frame.index.isin(list(self.reasons))]

    def close(self, frame: pd.DataFrame, rules: Rules, decisions: tuple[Decision, ...]) -> Accepted:
        """End the check: refuse the file where too much was set aside, else give what was accepted."""
        share = len(self.reasons) / max(self.read, 1)
        if share > rules.set_aside_share and not overridden("set_aside_share", self.file, decisions):
            self._refuse(share, rules)
        repaired = len(self.mended - set(self.reasons))
        reasons = pd.Series(list(self.reasons.values()), dtype="str").value_counts().sort_index()
        lines = [
            ("read", self.read, 0),
            ("as_is", self.read - len(self.reasons) - repaired, 0),
            ("repaired", repaired, 0),
            *((f"aside:{reason}", int(n), 0) for reason, n in reasons.items()),
            *((f"cells:{rule}", 0, n) for rule, n in sorted(self.cells.items())),
        ]
        tally = pd.DataFrame([(self.wave, self.file, self.holds, *line) for line in lines], columns=TALLY)
        aside = pd.DataFrame(sorted(self.reasons.items()), columns=["row", "reason"])
        return Accepted(frame, tally, aside)

    def _refuse(self, share: float, rules: Rules) -> None:
        counts = pd.Series(list(self.reasons.values())).value_counts()
        seen = ", ".join(f"{reason} {n}" for reason, n in counts.items())
        first = ", ".join(str(row) for row in sorted(self.reasons)[:5])
        raise Refused(
            [
                Fault(
                    f"{self.wave}/{self.file}",
                    0,
                    f"{share:.1%} of the rows would be set aside ({seen}; first rows {first}); at most {rules.set_aside_share:.0%} "
                    "may be. Mend the file, or accept this in wave.yaml under decisions (rule: set_aside_share)",
                    f"将有 {share:.1%} 的行被搁置（{seen}；最前几行：{first}），上限为 {rules.set_aside_share:.0%}。"
                    "请修正文件，或在 wave.yaml 的 decisions 中说明接受（rule: set_aside_share）",
                )
            ]
        )


def overridden(rule: str, file: str, decisions: tuple[Decision, ...]) -> bool:
    """Whether an office accepted this rule's breach for this file."""
    return any(d.rule == rule and d.accept == file for d in decisions)


def first_of_each(keys: pd.DataFrame) -> np.ndarray:
    """True for the rows whose key stood in an earlier row."""
    return keys.duplicated(keep="first").to_numpy()
