"""Answers that are kept, and that an analyst should know of: the same code everywhere, the same answers twice, too fast, too early.

They change nothing here. What became of a result without them is for the analysis to show.
Sources: Meade and Craig (2012), Psychological Methods 17, 437-455 (long strings); Greszki, Meyer and Schoen (2015), Public
Opinion Quarterly 79, 471-503 (speeders, as a share of the median time); Kuriakose and Robbins (2016), Statistical Journal of
the IAOS 32, 283-291 (near duplicates).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from survey.checks.accepted import Book
from survey.checks.times import DAY
from survey.instrument import Item
from survey.study import Study, Wave

LONG = 10  # items of one code set after which the same code everywhere is a doubt
MANY = 15  # answered items after which two equal answers are a doubt
FAST = 1 / 3  # of the file's median time
LARGE = 10  # times the median weight


def note(study: Study, wave: Wave, frame: pd.DataFrame, asked: Mapping[str, Item], book: Book) -> None:
    """Take note of doubtful answers among the accepted ones; refuse a file whose answers are of another time."""
    numeric = [c for c in frame.columns if c in asked and asked[c].numeric and asked[c].kind == "choice"]
    alike = _same_code_everywhere(frame, numeric, asked)
    book.note("same_code_everywhere", int(alike.sum()))
    columns = [c for c in frame.columns if c.partition("=")[0] in asked]
    book.note("same_answers", _repeated(frame.loc[~alike, columns]))
    if "seconds" in frame:
        least = study.settings.rules.least_seconds
        book.note(
            "too_fast", int((frame["seconds"] < (FAST * frame["seconds"].median() if least is None else least)).sum())
        )
    if "weight" in frame:
        book.note("large_weights", int((frame["weight"] > LARGE * frame["weight"].median()).sum()))
    if "submitted" in frame:
        _note_other_times(wave, frame["submitted"], book)


def _same_code_everywhere(frame: pd.DataFrame, numeric: list[str], asked: Mapping[str, Item]) -> pd.Series:
    """Who gave the same code to all of `LONG` or more items that have the same codes."""
    alike = pd.Series(False, index=frame.index)
    sets = {c: (asked[c].lowest, asked[c].highest, asked[c].code_names) for c in numeric}
    for codes in dict.fromkeys(sets.values()):
        answers = frame[[c for c in numeric if sets[c] == codes]].to_numpy(dtype="float64")
        if answers.shape[1] >= LONG:
            given = np.isfinite(answers)
            highest = np.where(given, answers, -np.inf).max(axis=1)
            lowest = np.where(given, answers, np.inf).min(axis=1)
            alike |= (given.sum(axis=1) >= LONG) & (highest == lowest)
    return alike


def _repeated(answers: pd.DataFrame) -> int:
    """Rows whose answers, `MANY` at least, all stand in an earlier row."""
    full = answers[answers.notna().sum(axis=1) >= MANY]
    return int(full.duplicated().sum()) if len(full) else 0


def _note_other_times(wave: Wave, submitted: pd.Series, book: Book) -> None:
    said = submitted.dropna()
    start, end = (pd.Timestamp(day) for day in (wave.settings.fieldwork.start, wave.settings.fieldwork.end))
    outside = (said < start - DAY) | (said >= end + 2 * DAY)
    book.note("outside_fieldwork", int(outside.sum()))
    limit = book.rules.outside_fieldwork_share
    if outside.sum() > max(1, limit * len(said)) and not book.accepts("outside_fieldwork_share"):
        share = f"{outside.mean():.2%}"
        book.fault(
            f"{share} of the answers were not given in this wave's fieldwork ({start:%Y-%m-%d} to {end:%Y-%m-%d}); at most "
            f"{limit:.2%} may be. Is this the file of another wave, or of two? Correct fieldwork in wave.yaml, put in the right "
            "file, or accept "
            "this in wave.yaml under decisions (rule: outside_fieldwork_share)",
            f"{share} 的答卷不在本波次的调查期内（{start:%Y-%m-%d} 至 {end:%Y-%m-%d}），上限为 {limit:.2%}。"
            "是否放入了其他波次的文件，或两个波次混在一起？请修改 wave.yaml 的 fieldwork、换上正确的文件，"
            "或在 decisions 中说明接受（rule: outside_fieldwork_share）",
        )
