"""Answers that are kept, and that an analyst should know of: the same code everywhere, the same answers twice, too fast, too early.

They change nothing here. Which answers they are stands in the panel, so that a report can show its results without them.
Sources: Meade and Craig (2012), Psychological Methods 17, 437-455 (long strings); Greszki, Meyer and Schoen (2015), Public
Opinion Quarterly 79, 471-503 (speeders, as a share of the median time); Kuriakose and Robbins (2016), Statistical Journal of
the IAOS 32, 283-291 (near duplicates); Skellam (1948), Journal of the Royal Statistical Society B 10, 257-261 (beta-binomial).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaln

from survey.checks.accepted import Book
from survey.checks.times import DAY
from survey.instrument import Item
from survey.study import Study, Wave

LONG = 10  # items of one code set after which the same code everywhere is a doubt
MANY = 15  # answered items after which two equal answers are a doubt
FAST = 1 / 3  # of the file's median time
FEW, TIMES = 1, 5  # copies, and times what chance would give, that are still no doubt of their own
PAIRS = 20_000  # of answers, by which it is seen how often two agree
SMALLEST = 1e-9
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that the sign of a row hangs on the order of its answers
LARGE = 10  # times the median weight
DOUBTFUL, UNDOUBTED = "doubtful", "undoubted"


def note(study: Study, wave: Wave, frame: pd.DataFrame, asked: Mapping[str, Item], book: Book) -> pd.Series:
    """Take note of doubtful answers among the accepted ones; refuse a file whose answers are of another time.

    Returns
    -------
    Series of str
        `DOUBTFUL` for the same code everywhere and for answers given too fast, else `UNDOUBTED`.
    """
    numeric = [c for c in frame.columns if c in asked and asked[c].numeric and asked[c].kind == "choice"]
    alike = _same_code_everywhere(frame, numeric, asked)
    book.note("same_code_everywhere", int(alike.sum()))
    columns = [c for c in frame.columns if c.partition("=")[0] in asked]
    copies, by_chance = _repeated(frame, columns, ~alike)
    book.note("same_answers", copies)
    book.note("same_answers_beyond_chance", copies - by_chance if copies > FEW + TIMES * by_chance else 0)
    fast = _too_fast(frame, study.settings.rules.least_seconds)
    book.note("too_fast", int(fast.sum()))
    if "weight" in frame:
        book.note("large_weights", int((frame["weight"] > LARGE * frame["weight"].median()).sum()))
    if "submitted" in frame:
        _note_other_times(wave, frame["submitted"], book)
    return pd.Series(np.where(alike | fast, DOUBTFUL, UNDOUBTED), index=frame.index, dtype="str", name="answering")


def _too_fast(frame: pd.DataFrame, least: float | None) -> pd.Series:
    if "seconds" not in frame:
        return pd.Series(False, index=frame.index)
    return frame["seconds"] < (FAST * frame["seconds"].median() if least is None else least)


def _same_code_everywhere(frame: pd.DataFrame, numeric: list[str], asked: Mapping[str, Item]) -> pd.Series:
    """Who gave the same code to all of `LONG` or more items that have the same codes."""
    alike = np.zeros(len(frame), bool)
    sets = {c: (asked[c].lowest, asked[c].highest, asked[c].code_names) for c in numeric}
    for codes in dict.fromkeys(sets.values()):
        own = [c for c in numeric if sets[c] == codes]
        if len(own) >= LONG:
            alike |= _one_code([frame[c] for c in own])
    return pd.Series(alike, index=frame.index)


def _one_code(columns: Sequence[pd.Series]) -> np.ndarray:
    """Rows with `LONG` answers at least that are all the same; column by column, for files of millions."""
    given, highest, lowest = (np.full(len(columns[0]), start) for start in (0, -np.inf, np.inf))
    for column in columns:
        answers = column.to_numpy(dtype="float64")
        given += np.isfinite(answers)
        highest, lowest = np.fmax(highest, answers), np.fmin(lowest, answers)
    return (given >= LONG) & (highest == lowest)


def _repeated(frame: pd.DataFrame, columns: list[str], wanted: pd.Series) -> tuple[int, int]:
    """Rows whose answers, `MANY` at least, all stand in an earlier row; and as many as chance would give."""
    filled, signs = np.zeros(len(frame), np.int32), np.zeros(len(frame), np.uint64)
    for column in columns:
        filled += frame[column].notna().to_numpy()
        signs = signs * MIX + pd.util.hash_array(pd.factorize(frame[column])[0])
    full = wanted.to_numpy() & (filled >= MANY)
    again = pd.Series(signs[full]).duplicated(keep=False).to_numpy()  # nearly: two rows of one sign are looked at
    copies = int(frame.loc[frame.index[full][again], columns].duplicated().sum()) if again.any() else 0
    return copies, _by_chance([frame[c].to_numpy()[full] for c in columns]) if copies else 0


def _by_chance(answers: Sequence[Any]) -> int:
    """How many answers would equal an earlier one if nobody copied.

    How many items any two answers have in common is taken from pairs of the file itself, and spread by a beta-binomial: people who
    think alike agree in more items than independence would give. Pairs that agree in everything are in question, and left out.
    Where people answer by one trait alone, it gives a quarter of the truth at worst: hence `TIMES`.
    """
    rows, items = len(answers[0]), len(answers)
    one, other = np.random.default_rng(1).integers(0, rows, (2, PAIRS))
    agreed = np.zeros(PAIRS, np.int64)
    for column in answers:
        codes = pd.factorize(column)[0]
        agreed += codes[one] == codes[other]
    agreed = agreed[(one != other) & (agreed < items)]
    if not len(agreed):
        return 0
    share = agreed.mean() / items
    spread = agreed.var() / max(items * share * (1 - share), SMALLEST)
    within = min(max((spread - 1) / (items - 1), SMALLEST), 1 - SMALLEST)  # correlation of two items' agreement
    a, b = share * (1 / within - 1), (1 - share) * (1 / within - 1)
    return min(round(rows * (rows - 1) / 2 * math.exp(betaln(a + items, b) - betaln(a, b))), rows)


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
