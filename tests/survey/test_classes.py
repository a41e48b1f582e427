"""Weights that make up for those who did not answer, or not again: by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.weighting.cells import CannotWeight, kish_effect
from survey.weighting.classes import adjust_nonresponse, attrition_weights

PENCIL = 1e-12  # hand arithmetic


def asked() -> pd.DataFrame:
    """Class a: 10 asked, weights 1 and 3 in turn, the first 5 answer; b: 8 asked, all but two answer; index from 100."""
    frame = pd.DataFrame({"c": ["a"] * 10 + ["b"] * 8, "d": [1.0, 3.0] * 5 + [2.0] * 8})
    here = [True] * 5 + [False] * 5 + [True] * 6 + [False] * 2
    return frame.assign(here=here).set_index(pd.Index(range(100, 118)))


def test_those_who_answered_stand_for_their_class_by_hand() -> None:
    """a: those asked weigh 20, those who answered 1 + 3 + 1 + 3 + 1 = 9; b: 16 of 12."""
    frame = asked()
    found = adjust_nonresponse(frame, answered="here", classes="c", base="d")
    assert found.weights.index.tolist() == [*range(100, 105), *range(110, 116)]
    assert found.weights.tolist() == pytest.approx(
        [x * 20 / 9 for x in (1, 3, 1, 3, 1)] + [2 * 16 / 12] * 6, rel=PENCIL
    )
    tally = found.tally.set_index("class")
    assert tally.loc["a"].tolist() == pytest.approx([10, 5, 9 / 20, 20 / 9], rel=PENCIL)
    assert tally.loc["b"].tolist() == pytest.approx([8, 6, 12 / 16, 16 / 12], rel=PENCIL)
    effect = kish_effect(found.weights.to_numpy())
    assert tally.loc["*"].tolist() == pytest.approx([18, 11, 21 / 36, effect], rel=PENCIL)


def test_without_weights_everyone_who_was_asked_counts_one() -> None:
    found = adjust_nonresponse(asked(), answered="here", classes="c")
    assert found.weights.tolist() == pytest.approx([2.0] * 5 + [8 / 6] * 6, rel=PENCIL)


def test_a_series_tells_by_index_who_answered_and_what_people_weigh() -> None:
    frame = asked()
    turned = frame.iloc[::-1]
    found = adjust_nonresponse(frame, answered=turned["here"], classes=["c"], base=turned["d"])
    same = adjust_nonresponse(frame, answered="here", classes="c", base="d")
    pd.testing.assert_series_equal(found.weights, same.weights)


@given(st.integers(0, 2**32 - 1), st.integers(60, 200))
@settings(max_examples=25, deadline=None)
def test_every_class_keeps_its_total_and_its_proportions(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": np.resize(list("xy"), n), "b": np.resize([1, 1, 2, 2], n), "d": random.uniform(1, 4, n)})
    frame["here"] = (np.arange(n) % 12 < 5) | (random.random(n) < 0.3)
    found = adjust_nonresponse(frame, answered="here", classes=["a", "b"], base="d").weights
    keys = [frame["a"], frame["b"]]
    whole = frame["d"].groupby(keys).sum()
    assert found.groupby([k[frame["here"]] for k in keys]).sum().to_dict() == pytest.approx(whole.to_dict(), rel=1e-10)
    ratio = (found / frame.loc[frame["here"], "d"]).groupby([k[frame["here"]] for k in keys])
    assert (ratio.max() / ratio.min()).max() == pytest.approx(1, rel=PENCIL)
    assert (found > 0).all()


def waves() -> tuple[pd.DataFrame, pd.Series]:
    """16 people before, one of them without a key; 6 of x and 5 of y came again, and a stranger."""
    earlier = pd.DataFrame({"who": [f"p{k}" for k in range(15)] + [None], "c": list("x" * 8 + "y" * 8), "d": 2.0})
    return earlier, pd.Series(["p0", "p1", "p2", "p3", "p4", "p5", "p8", "p9", "p10", "p11", "p12", "new", None])


def test_those_who_came_again_stand_for_all_who_were_there_by_hand() -> None:
    earlier, later = waves()
    found = attrition_weights(earlier, later, member="who", classes="c", base="d")
    assert found.weights.index.tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12]
    assert found.weights.tolist() == pytest.approx([2 * 8 / 6] * 6 + [2 * 7 / 5] * 5, rel=PENCIL)
    assert found.tally["asked"].tolist() == [8, 7, 15]
    plain = attrition_weights(earlier, later, member="who", classes="c").weights
    assert plain.tolist() == pytest.approx((found.weights / 2).tolist(), rel=PENCIL)


REFUSED = [
    ({"answered": "gone"}, "no column 'gone' that says who answered"),
    ({"classes": "gone"}, r"classes need columns of the frame; not there: \['gone'\]"),
    ({"classes": []}, "classes need columns of the frame"),
    ({"classes": "hole"}, "1 rows have a missing value in .*hole.*: give the missing a class of their own"),
    ({"answered": "unsaid"}, "1 rows do not say whether they answered"),
    ({"answered": "word"}, "who answered must be True or False; seen .*no.*yes"),
    ({"answered": "all"}, "everybody answered, or nobody"),
    ({"answered": "none"}, "everybody answered, or nobody"),
    ({"classes": "thin"}, "classes with fewer than 5 answers: .*0.*collapse each with the class"),
    ({"base": "nought"}, "1 base weights are missing or not above zero"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_refuses_by_name(options: dict, said: str) -> None:
    frame = asked().assign(all=True, none=False, word=np.resize(["yes", "no"], 18), thin=np.arange(18) // 3)
    frame = frame.assign(
        hole=frame["c"].where(frame.index > 100), unsaid=frame["here"].astype(object).where(frame.index > 100)
    )
    frame["nought"] = np.where(frame.index == 100, 0.0, 1.0)
    with pytest.raises(CannotWeight, match=said):
        adjust_nonresponse(frame, **({"answered": "here", "classes": "c"} | options))


def test_five_answers_in_a_class_are_enough_and_four_are_not() -> None:
    frame = asked()
    frame.loc[104, "here"] = False
    with pytest.raises(CannotWeight, match=r"fewer than 5 answers: \['a'\]"):
        adjust_nonresponse(frame, answered="here", classes="c")


def test_attrition_refuses_by_name() -> None:
    earlier, later = waves()
    with pytest.raises(CannotWeight, match="1 people stand twice in the wave before"):
        attrition_weights(pd.concat([earlier, earlier.head(1)], ignore_index=True), later, member="who", classes="c")
    with pytest.raises(CannotWeight, match="no column 'gone' of keys"):
        attrition_weights(earlier, later, member="gone", classes="c")
    with pytest.raises(CannotWeight, match="nobody of the wave before is found"):
        attrition_weights(earlier, pd.Series(["new"]), member="who", classes="c")
