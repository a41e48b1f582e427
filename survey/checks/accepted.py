"""The bookkeeping of a check: which rows were mended or set aside, by which rule, and how many cells.

The sum always holds: rows read = as is + repaired + set aside.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.checks.reasons import ADVICE, GARBLED, MEANING, NOBODY, OF_ANOTHER_DAY, REASONS, SPECIAL, WRONG
from survey.faults import Fault, refuse_if
from survey.readers import RawTable
from survey.readers.raw import shown
from survey.schema import FileEntry, Rules
from survey.study import Wave

TALLY = ["wave", "file", "holds", "rule", "rows", "cells"]
LOCATED = ["wave", "file", "rule", "column", "row"]
NEARLY_ALL = 0.9  # of a column's cells; so much is no spelling
FIRST = 5  # rows that are named of a column, in a message
ARRIVED = [
    "wave",
    "file",
    "holds",
    "platform",
    "format",
    "encoding",
    "delimiter",
    "sheet",
    "columns",
    "mapped",
    "left_out",
    "identifying",
]
CELL_RULES = (
    "cleaned",
    "missing_code",
    "not_asked",
    "sheet_error",
    "out_of_range",
    "unknown_label",
    "not_a_number",
    "not_a_time",
    "default_time",
)
# What is true of accepted rows, and changes nothing.
NOTES = (
    "unfinished",
    "hidden_rows",
    "outside_fieldwork",
    "too_fast",
    "same_code_everywhere",
    "careless_longstring",
    "careless_irv",
    "careless_mahalanobis",
    "careless_even_odd",
    "careless_seconds_per_item",
    "careless_copied",
    "same_answers",
    "same_answers_beyond_chance",
    "short_numbers",
    "large_weights",
    "longer_than_a_day",
    "two_places_at_once",
    "near_duplicate",
    "attendance_not_recorded",
    "not_on_the_roll",
    "stage_implied",
    "more_established",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
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
    set_aside : Series of category
        Reasons of the rows set aside; index = row in the file, ascending. Never their content.
    mended_rows : array of int64
        Rows with a cell that was mended, whether set aside or not; ascending.
    cells : mapping
        {rule: cells that met it}.
    notes : mapping
        {what: accepted rows of which it is true}.
    nearest : mapping
        {row: code of the known unit that comes nearest to what the row names}, of rows set aside for an unknown one; of a place's
        code of another day, the code, the day, and what it is or was: ``990103 (2021-04-01) → 990102``.
    where : mapping
        {(rule, header): first rows} in which cells of a column met a rule.
    form : mapping
        How the file came: ``platform, format, encoding, delimiter, sheet``, the numbers of its ``columns`` and of those that are
        ``mapped``, ``left_out``, names of those that are not (they are not stored), and ``identifying``, of these, those that
        lead to people.
    """

    frame: pd.DataFrame
    wave: str
    file: str
    holds: str
    read: int
    set_aside: pd.Series
    mended_rows: np.ndarray
    cells: Mapping[str, int]
    notes: Mapping[str, int]
    nearest: Mapping[int, str]
    where: Mapping[tuple[str, str], tuple[int, ...]]
    form: Mapping[str, str]

    @property
    def reasons(self) -> dict[int, str]:
        """{row: reason} of the rows set aside."""
        return dict(zip(self.set_aside.index.tolist(), self.set_aside, strict=True))

    @property
    def mended(self) -> frozenset[int]:
        """Rows with a cell that was mended."""
        return frozenset(self.mended_rows.tolist())

    @property
    def repaired_rows(self) -> np.ndarray:
        """Accepted rows with a cell that was mended; ascending."""
        return np.setdiff1d(self.mended_rows, self.set_aside.index.to_numpy(), assume_unique=True)

    @property
    def tally(self) -> pd.DataFrame:
        """``wave, file, holds, rule, rows, cells``: read, as_is, repaired, ``aside:REASON``, ``cells:RULE``, ``note:WHAT``."""
        repaired, counts = len(self.repaired_rows), self.set_aside.value_counts()
        lines = [
            ("read", self.read, 0),
            ("as_is", self.read - len(self.set_aside) - repaired, 0),
            ("repaired", repaired, 0),
            *((f"aside:{reason}", int(n), 0) for reason, n in sorted(counts.items()) if n),
            *((f"cells:{rule}", 0, n) for rule, n in sorted(self.cells.items())),
            *((f"note:{what}", n, 0) for what, n in sorted(self.notes.items())),
        ]
        return pd.DataFrame([(self.wave, self.file, self.holds, *line) for line in lines], columns=TALLY)

    @property
    def aside(self) -> pd.DataFrame:
        """``wave, file, row, reason, nearest`` of the rows set aside."""
        rows = self.set_aside.index
        nearest = [self.nearest.get(row, "") for row in rows] if self.nearest else ""
        columns = {"wave": self.wave, "file": self.file, "row": rows, "reason": self.set_aside, "nearest": nearest}
        types = {"wave": "str", "file": "str", "row": "int64", "reason": "str", "nearest": "str"}
        return pd.DataFrame(columns, index=rows).astype(types).reset_index(drop=True)

    @property
    def located(self) -> pd.DataFrame:
        """``wave, file, rule, column, row``: the first rows in which cells of a column met a rule."""
        lines = [(self.wave, self.file, *key, row) for key, rows in self.where.items() for row in rows]
        return pd.DataFrame(lines, columns=LOCATED)

    @property
    def arrived(self) -> tuple[str, ...]:
        """One row of `ARRIVED`: how the file came."""
        return (self.wave, self.file, self.holds, *(self.form.get(name, "") for name in ARRIVED[3:]))


class Book:
    """Keeps count while one file is checked; rows are known by their number in the file."""

    def __init__(self, wave: Wave, entry: FileEntry, rules: Rules, raw: RawTable) -> None:
        self.wave, self.entry, self.rules = wave, entry, rules
        self.read = len(raw.index) + len(raw.ragged)
        self.form = raw.form | _mapping(entry, raw)
        self.cells: dict[str, int] = {}
        self.notes: dict[str, int] = {}
        self.nearest: dict[int, str] = {}
        self.where: dict[tuple[str, str], tuple[int, ...]] = {}
        self.faults: list[Fault] = []
        self._rows = np.sort(np.concatenate([raw.index.to_numpy(), np.array(raw.ragged, np.int64)]))
        self._reason = np.zeros(len(self._rows), np.int8)  # 0: none, n: the n-th of `REASONS`
        self._mended = np.zeros(len(self._rows), bool)
        self.set_aside(raw.ragged, "ragged")

    def set_aside(self, rows: Iterable[int], reason: str) -> None:
        """Set rows aside, for one of `REASONS`; the first reason a row meets is its reason."""
        _known(reason, REASONS)
        at = self._places(rows)
        self._reason[at[self._reason[at] == 0]] = 1 + list(REASONS).index(reason)

    @property
    def asides(self) -> pd.Series:
        """Reasons (category) of the rows set aside so far, by row."""
        out = self._reason > 0
        reasons = pd.Categorical.from_codes(self._reason[out] - 1, pd.Index(list(REASONS), dtype="str"))
        return pd.Series(reasons, index=pd.Index(self._rows[out]))

    def is_left(self, rows: Iterable[int]) -> np.ndarray:
        """Tell of rows whether they are not set aside (array of bool)."""
        return self._reason[self._places(rows)] == 0

    def left(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of the frame that are not set aside."""
        kept = self.is_left(frame.index)
        return frame if kept.all() else frame[kept]

    def _places(self, rows: Iterable[int]) -> np.ndarray:
        numbers = np.asarray(rows if isinstance(rows, pd.Index | np.ndarray) else list(rows), dtype=np.int64)
        return np.searchsorted(self._rows, numbers)

    def count_cells(self, rule: str, target: str, hit: pd.Series, *, mends: bool = False) -> None:
        """Count cells of a column that met one of `CELL_RULES`; rows whose cells were mended count as repaired."""
        _known(rule, CELL_RULES)
        number = int(hit.sum())
        if number:
            self.cells[rule] = self.cells.get(rule, 0) + number
            key, rows = (rule, self.header(target)), hit.index[hit]
            self.where[key] = tuple(sorted({*self.where.get(key, ()), *rows[:FIRST].tolist()})[:FIRST])
            if mends:
                self._mended[self._places(rows)] = True

    def count_all(self, target: str, met: Mapping[str, pd.Series]) -> None:
        """Count the cells of a column that met each rule."""
        for rule, hit in met.items():
            self.count_cells(rule, target, hit)

    def judge(self, target: str, column: pd.Series, met: Mapping[str, pd.Series]) -> None:
        """Count the cells of a column that met each rule; note a fault where too large a share of its cells is `WRONG`."""
        self.count_all(target, met)
        hits = {rule: met[rule] for rule in WRONG if rule in met}
        wrong = pd.concat(hits, axis=1).any(axis=1) if hits else pd.Series(dtype=bool)
        limit, answered = self.rules.out_of_range_share, int((column != "").sum())
        if wrong.sum() > limit * answered and not self.accepts("out_of_range_share"):
            asked = [WRONG[rule] for rule, hit in hits.items() if hit.any()]
            if column[wrong].isin(SPECIAL).any():
                asked.append(MEANING)
            if "unknown_label" in hits and hits["unknown_label"].sum() > NEARLY_ALL * answered:
                asked.insert(0, GARBLED)
            share = f"{wrong.sum() / answered:.2%}"
            self._fault_of_column(target, share, f"{limit:.2%}", numbered(wrong.index[wrong]), asked)

    def _fault_of_column(self, target: str, share: str, limit: str, first: str, asked: list[tuple[str, str]]) -> None:
        en, zh = " ".join(text for text, _ in asked), "".join(text for _, text in asked)
        self.fault(
            f"column “{self.header(target)}” ({target}): {share} of its cells are not in its codes or limits, or no numbers or "
            f"times (first rows {first}); at most {limit} may be. {en} Correct wave.yaml or instrument.csv, or accept this in "
            "wave.yaml under decisions (rule: out_of_range_share)",
            f"列“{self.header(target)}”（{target}）：{share} 的单元格不在编码或范围之内，或不是数字、时间"
            f"（最前几行：{first}），上限为 {limit}。{zh}"
            "请修改 wave.yaml 或 instrument.csv，或在 decisions 中说明接受（rule: out_of_range_share）",
        )

    def header(self, target: str) -> str:
        """Name of the column that is mapped to a target, or to the item of a target ``item=code``."""
        headers = {mapped: header for header, mapped in self.entry.columns.items()}
        return headers[target] if target in headers else headers[target.partition("=")[0]]

    def note(self, what: str, rows: int) -> None:
        """Count rows of which one of `NOTES` is to be known; it changes nothing."""
        _known(what, NOTES)
        if rows:
            self.notes[what] = self.notes.get(what, 0) + int(rows)

    def fault(self, en: str, zh: str) -> None:
        """Note that the file breaks a rule; `close` refuses it with all that was noted."""
        self.faults.append(Fault(f"{self.wave.label}{self.entry.file}", 0, en, zh))

    def accepts(self, rule: str) -> bool:
        """Whether an office accepted that this file breaks a rule."""
        return any(d.rule == rule and d.accept == self.entry.file for d in self.wave.settings.decisions)

    def close(self, frame: pd.DataFrame) -> Accepted:
        """End the check: refuse the file where a rule is broken, else give what was accepted."""
        self._check_shares()
        refuse_if(self.faults)
        whose = (self.wave.name, self.entry.file, self.entry.holds, self.read)
        rows = (self.asides, self._rows[self._mended])
        return Accepted(frame, *whose, *rows, self.cells, self.notes, self.nearest, self.where, self.form)

    def _check_shares(self) -> None:
        every = Counter({str(reason): int(n) for reason, n in self.asides.value_counts().items() if n})
        counts = Counter({reason: n for reason, n in every.items() if reason not in NOBODY})
        totals, about_somebody = every["total"], self.read - every.total() + counts.total()
        share, most = counts.total() / max(about_somebody, 1), self.rules.set_aside_share
        if share > most and not self.accepts("set_aside_share"):
            self._fault_of_rows(f"{share:.2%}", f"{most:.2%}", counts)
        if totals > max(1, self.rules.total_share * self.read) and not self.accepts("total_share"):
            self.fault(
                f"{totals} of {self.read} rows are totals or averages: this looks like a summary, not like one row an answer. "
                "Export the rows themselves, or accept this in wave.yaml under decisions (rule: total_share)",
                f"{self.read} 行中有 {totals} 行是合计或平均：像是汇总表，而不是逐条记录。"
                "请导出原始记录，或在 wave.yaml 的 decisions 中说明接受（rule: total_share）",
            )

    def _fault_of_rows(self, share: str, most: str, counts: Counter[str]) -> None:
        en = ", ".join(f"{n} {REASONS[reason][0]}" for reason, n in counts.most_common())
        zh = "，".join(f"{REASONS[reason][1]}：{n} 行" for reason, n in counts.most_common())
        asides = self.asides
        first = numbered(asides.index[~asides.isin(NOBODY)])
        near, moved = (", ".join(names) for names in self._named_nearest())
        todo = ADVICE.get(counts.most_common(1)[0][0], ("", ""))
        self.fault(
            f"{share} of the rows would be set aside ({en}; first rows {first}); at most {most} may be. "
            + todo[0]
            + (f"Nearest units that the study knows: {near}. " if near else "")
            + (f"Codes of another day: {moved}. " if moved else "")
            + "Mend the file, or accept this in wave.yaml under decisions (rule: set_aside_share)",
            f"将有 {share} 的行被搁置（{zh}；最前几行：{first}），上限为 {most}。"
            + todo[1]
            + (f"研究中最接近的单位：{near}。" if near else "")
            + (f"其他时期的代码：{moved}。" if moved else "")
            + "请修正文件，或在 wave.yaml 的 decisions 中说明接受（rule: set_aside_share）",
        )

    def _named_nearest(self) -> tuple[list[str], list[str]]:
        """Units that come nearest to unknown ones, and what codes of another day are or were; the first five of each."""
        asides = self.asides
        other_day = set(asides.index[asides.isin(OF_ANOTHER_DAY)])
        moved = {text for row, text in self.nearest.items() if row in other_day}
        near = set(self.nearest.values()) - moved - {""}
        return sorted(near)[:5], sorted(moved)[:5]


def _mapping(entry: FileEntry, raw: RawTable) -> dict[str, str]:
    columns = raw.columns
    left_out = [name for name in columns if name not in entry.columns]
    numbers = {"columns": str(len(columns)), "mapped": str(len(columns) - len(left_out))}
    return {"platform": raw.platform, **numbers, "left_out": shown(left_out, columns) if left_out else ""}


def _known(rule: str, rules: Collection[str]) -> None:
    """Whatever happens to a row or a cell has a name that can be told to staff."""
    if rule not in rules:
        raise ValueError(
            f"{rule!r} is not one of {tuple(rules)}: give it its name there, and its words in reports.check_words"
        )


def numbered(rows: Iterable[int]) -> str:
    """Name the first rows, for a message."""
    return ", ".join(str(row) for row in heapq.nsmallest(FIRST, rows))


def first_of_each(keys: pd.DataFrame) -> np.ndarray:
    """True for the rows whose key stood in an earlier row."""
    return keys.duplicated(keep="first").to_numpy()
