"""Answers that are kept, and that an analyst should know of: given without care, the same answers twice, of another time.

They change nothing here. Which answers they are stands in the panel, so that a report can show its results without them.
Sources: Kuriakose and Robbins (2016), Statistical Journal of the IAOS 32, 283-291 (near duplicates); Skellam (1948), Journal of
the Royal Statistical Society B 10, 257-261 (beta-binomial).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaln

from survey.care import copied
from survey.care_items import NOTES
from survey.checks import careless
from survey.checks.accepted import Book
from survey.checks.times import DAY
from survey.instrument import Item
from survey.study import Study, Wave

MANY = 15  # answered items after which two equal answers are a doubt
FEW, TIMES = 1, 5  # copies, and times what chance would give, that are still no doubt of their own
PAIRS = 20_000  # of answers, by which it is seen how often two agree
SMALLEST = 1e-9
LARGE = 10  # times the median weight
DOUBTFUL, UNDOUBTED = "doubtful", "undoubted"


def note(study: Study, wave: Wave, frame: pd.DataFrame, asked: Mapping[str, Item], book: Book) -> pd.Series:
    """Take note of doubtful answers among the accepted ones; refuse a file whose answers are of another time.

    Returns
    -------
    Series of str
        `DOUBTFUL` where as many indices of carelessness flag an answer as the study's ``flags`` says, else `UNDOUBTED`.
    """
    rules = study.settings.rules
    flagged, times = careless.flags(frame, asked, rules), np.zeros(len(frame), np.int64)
    for index, who in flagged.items():
        book.note(NOTES[index], int(who.sum()))
        times += who.to_numpy()
    columns = [c for c in frame.columns if c.partition("=")[0] in asked]
    alike = flagged.get("same_code", pd.Series(False, index=frame.index))
    copies, by_chance = _repeated(frame, columns, ~alike)
    book.note("same_answers", copies)
    book.note("same_answers_beyond_chance", copies - by_chance if copies > FEW + TIMES * by_chance else 0)
    if "weight" in frame:
        book.note("large_weights", int((frame["weight"] > LARGE * frame["weight"].median()).sum()))
    if "submitted" in frame:
        _note_other_times(wave, frame["submitted"], book)
    doubtful = times >= rules.careless.flags
    return pd.Series(np.where(doubtful, DOUBTFUL, UNDOUBTED), index=frame.index, dtype="str", name="answering")


def _repeated(frame: pd.DataFrame, columns: list[str], wanted: pd.Series) -> tuple[int, int]:
    """Rows whose answers, `MANY` at least, all stand in an earlier row; and as many as chance would give.

    Equal rows are wanted together or not at all.
    """
    answers = frame[columns]
    copies = int((copied(answers, MANY, keep="first") & wanted).sum())
    if not copies:
        return 0, 0
    full = ((answers.notna().sum(axis=1) >= MANY) & wanted).to_numpy()
    return copies, _by_chance([answers[c].to_numpy()[full] for c in columns])


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
