"""Make-up of the answers and what silence leaves open, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis.questions.missing import balance, nonresponse_bias

EXACT = 1e-12  # hand arithmetic
WHERE = {"group": "group", "region": None, "wave": "wave", "hierarchy": None}
ASKED = WHERE | {"weights": "w"}


def answers(a: int, b: int) -> pd.DataFrame:
    frame = pd.DataFrame({"wave": "1", "group": ["a"] * a + ["b"] * b, "w": 1.0})
    return frame.assign(y=np.where(frame["group"] == "a", 4.0, 2.0))


def registry(a: float, b: float) -> pd.DataFrame:
    return pd.DataFrame({"wave": "1", "group": ["a", "b"], "members": [a, b]})


def of(table: pd.DataFrame, statistic: str, **keys: str) -> float:
    for key, value in {"statistic": statistic, **keys}.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return float(table["estimate"].iloc[0])


def test_shares_before_and_after_weighting_beside_the_registry() -> None:
    frame = answers(30, 10)
    frame["w"] = np.where(frame["group"] == "a", 2.0, 6.0)
    table = balance(frame, registry(300, 300), **ASKED).tidy()
    assert of(table, "share_answers", group="a") == 0.75
    assert of(table, "share_weighted", group="a") == 0.5
    assert of(table, "share_registry", group="a") == 0.5
    assert table.query("group == 'b' and statistic == 'share_registry'")["n"].tolist() == [600]
    assert table.query("group == 'b' and statistic == 'share_answers'")["n"].tolist() == [40]


def test_a_group_that_nobody_answered_from_is_there_with_nought() -> None:
    table = balance(answers(30, 0), registry(300, 300), **ASKED).tidy()
    assert of(table, "share_answers", group="b") == 0.0
    assert of(table, "share_registry", group="b") == 0.5


def test_without_a_registry_its_share_was_not_asked() -> None:
    table = balance(answers(30, 10), None, **ASKED).tidy()
    gone = table[table["statistic"].isin(["share_registry", "r_indicator"])]
    assert set(gone["status"]) == {"not_asked"}
    assert gone["estimate"].isna().all()
    assert of(table, "share_answers", group="a") == 0.75


def test_evenness_takes_chance_off() -> None:
    """Rates .3 and .1 of 300 each: variance .01, less what chance gives the two, each half of all: .25 (.21 + .09) / 299."""
    spread = math.sqrt(0.01 - 0.25 * 0.30 / 299)
    table = balance(answers(90, 30), registry(300, 300), **ASKED).tidy()
    assert of(table, "r_indicator") == pytest.approx(1 - 2 * spread, rel=EXACT)
    even = balance(answers(31, 29), registry(300, 300), **ASKED).tidy()
    assert of(even, "r_indicator") == 1.0


def test_the_same_by_places_at_the_highest_level_with_several() -> None:
    tree = pd.DataFrame({"code": ["p", "x", "y"], "parent": [None, "p", "p"], "level": ["top", "low", "low"]})
    counts = pd.DataFrame({"wave": "1", "place": ["x", "y"], "members": [300, 300]})
    frame = answers(90, 30).assign(place=lambda t: t["group"].map({"a": "x", "b": "y"}))
    asked = ASKED | {"group": None, "region": "place", "hierarchy": tree}
    table = balance(frame, counts, **asked).tidy()
    assert of(table, "r_indicator") == pytest.approx(1 - 2 * math.sqrt(0.01 - 0.25 * 0.30 / 299), rel=EXACT)
    assert of(table, "share_answers", region="x") == 0.75
    assert of(table, "share_answers", region="p") == 1.0


def test_bounds_hold_whatever_the_others_think() -> None:
    """40 of 400 answered, mean 3.5 on 1 to 5: 0.1 * 3.5 + 0.9 * 1 and * 5."""
    asked = WHERE | {"variables": ["y"], "limits": {"y": (1, 5)}}
    table = nonresponse_bias(answers(30, 10), registry(200, 200), **asked).tidy()
    assert of(table, "mean_lowest") == pytest.approx(1.25, rel=EXACT)
    assert of(table, "mean_highest") == pytest.approx(4.85, rel=EXACT)
    assert table["n"].tolist() == [40, 40, 40]


def test_the_bounds_hold_for_the_plain_mean_however_unequal_the_weights() -> None:
    """One at 5, nine at 1 of 20: were all the others at 1, the mean is (5 + 19) / 20."""
    frame = answers(5, 5).assign(y=[5.0] + [1.0] * 9, w=[10.0] + [1.0] * 9)
    asked = WHERE | {"variables": ["y"], "limits": {"y": (1, 5)}}
    table = nonresponse_bias(frame, registry(10, 10), **asked).tidy()
    assert of(table, "mean_lowest") == pytest.approx(24 / 20, rel=EXACT)


def test_the_bias_that_unequal_rates_allow() -> None:
    """The bias of the mean is at most S(rate) S(y) / rate; here group tells all, and the truth lies at the bound but for chance."""
    frame, counts = answers(9000, 3000), registry(30_000, 30_000)
    asked = WHERE | {"variables": ["y"], "limits": {"y": (1, 5)}}
    bound = of(nonresponse_bias(frame, counts, **asked).tidy(), "bias_at_most")
    spread = math.sqrt(0.01 - 0.25 * 0.30 / 29_999)
    assert bound == pytest.approx(spread * frame["y"].std(ddof=0) / 0.2, rel=EXACT)
    assert abs(frame["y"].mean() - 3.0) < bound * 1.2


def test_missing_answers_widen_the_bounds_of_their_question_alone() -> None:
    frame = answers(30, 10).assign(z=lambda t: t["y"].where(t.index % 2 == 0))
    asked = WHERE | {"variables": ["y", "z"], "limits": {"y": (1, 5), "z": (1, 5)}}
    table = nonresponse_bias(frame, registry(200, 200), **asked).tidy()
    wide = {v: of(table, "mean_highest", term=v) - of(table, "mean_lowest", term=v) for v in "yz"}
    assert wide == pytest.approx({"y": 0.9 * 4, "z": 0.95 * 4}, rel=EXACT)


@pytest.mark.parametrize(("counts", "status"), [(None, "not_asked"), (registry(10, 10), "not_estimable")])
def test_where_the_registry_does_not_allow_it_there_is_no_number(counts: pd.DataFrame | None, status: str) -> None:
    asked = WHERE | {"variables": ["y"], "limits": {"y": (1, 5)}}
    table = nonresponse_bias(answers(30, 10), counts, **asked).tidy()
    assert set(table["status"]) == {status}
    assert table["estimate"].isna().all()


def test_bad_questions_are_refused_in_plain_words() -> None:
    asked = WHERE | {"variables": ["y"]}
    with pytest.raises(ValueError, match=r"limits= must give.*y"):
        nonresponse_bias(answers(3, 3), registry(9, 9), **asked, limits={})
    with pytest.raises(ValueError, match="outside 3 to 5"):
        nonresponse_bias(answers(3, 3), registry(9, 9), **asked, limits={"y": (3, 5)})
    with pytest.raises(ValueError, match="weights are missing or below 0 in 1 rows"):
        balance(answers(3, 3).assign(w=[1, 1, 1, 1, 1, -1]), registry(9, 9), **ASKED)
    with pytest.raises(ValueError, match="lacks the columns"):
        balance(answers(3, 3).drop(columns="w"), registry(9, 9), **ASKED)
