"""Equal answers against what chance would give: none is told where people think alike, copies are.

People here answer by one trait in common, so that equal answers come up without a copy; what is expected of chance is compared with
other draws of the same people, of which no row was copied. How far the two may differ stands at the top, with its reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey.checks.doubts import FEW, TIMES, _by_chance, _repeated

ITEMS, ROWS = 16, 3000


def chance(answers: pd.DataFrame) -> int:
    return _by_chance([answers[c].to_numpy() for c in answers])


def people(seed: int, items: int = ITEMS, codes: int = 2, alike: float = 0.8) -> pd.DataFrame:
    """Answers with one trait behind them, which says `alike` of each."""
    draw = np.random.default_rng(seed)
    trait, noise = draw.normal(size=(ROWS, 1)), draw.normal(size=(ROWS, items))
    marks = np.linspace(-1.2, 1.2, codes - 1) if codes > 2 else [0.0]
    return pd.DataFrame(np.digitize(alike * trait + np.sqrt(1 - alike**2) * noise, marks).astype(float))


@pytest.mark.parametrize(("codes", "alike"), [(2, 0.5), (5, 0.8), (4, 0.6)])
def test_people_who_think_alike_are_not_taken_for_copies(codes: int, alike: float) -> None:
    """The expected number is within `TIMES` of what other draws have: the tail of a distribution of which two moments are known."""
    pairs = []
    for seed in range(5):
        times = people(seed, codes=codes, alike=alike).value_counts()
        pairs.append(int((times * (times - 1) // 2).sum()))
    told = chance(people(9, codes=codes, alike=alike))
    assert np.mean(pairs) <= FEW + TIMES * told
    assert told <= max(TIMES * np.mean(pairs), 1)


def test_twenty_copies_stand_out_where_chance_gives_none() -> None:
    answers = people(1, items=30, codes=5, alike=0.6)
    copied = pd.concat([answers, answers.iloc[:20]], ignore_index=True)
    assert _repeated(answers, [*answers], pd.Series(True, index=answers.index))[0] == 0
    copies, by_chance = _repeated(copied, [*copied], pd.Series(True, index=copied.index))
    assert copies == 20
    assert by_chance <= 2


def test_one_answer_and_answers_that_are_all_equal_have_no_chance() -> None:
    assert chance(people(1).iloc[:1]) == 0
    assert chance(pd.DataFrame(np.ones((50, ITEMS)))) == 0
