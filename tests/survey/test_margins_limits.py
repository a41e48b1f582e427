"""Other ways to weigh a study's waves: linear, trimmed, bounded; what is told, and that each wave stands alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import Design, estimates
from survey.faults import Refused
from survey.weighting.margins import weigh
from tests.survey.test_margins import TREE, answers, registry

MET = 1e-7  # margins are met to this share of their target
MARGINS = [["group"], ["city"]]


def members(wave: str) -> pd.DataFrame:
    frame = answers(wave, {("a", "c1"): 20, ("a", "c2"): 30, ("b", "c1"): 40, ("b", "c2"): 10})
    return frame.assign(city=frame["region"])


def counts(wave: str) -> list[tuple]:
    return [(wave, "a", "c1", 400), (wave, "a", "c2", 200), (wave, "b", "c1", 100), (wave, "b", "c2", 300)]


def weighed(frame: pd.DataFrame, rows: list[tuple], **more: object) -> tuple:
    return weigh(frame, registry(rows), count="members", margins=MARGINS, hierarchy=TREE, **more)


def test_linear_weights_meet_the_same_margins_and_errors_know_them() -> None:
    frame, met, tally = weighed(members("1"), counts("1"), method="linear")
    for column, totals in (("group", {"a": 600, "b": 400}), ("city", {"c1": 500, "c2": 500})):
        assert frame.groupby(column)["weight"].sum().to_dict() == pytest.approx(totals, rel=MET)
    assert (met.linear, met.base) == (True, "weight_before")
    design = Design(weights="weight", calibration=met)
    sizes = estimates(frame.assign(one=1.0), variables="one", statistic="total", by="city", design=design).tidy()
    np.testing.assert_allclose(sizes["std_error"], 0, atol=1e-4)
    assert tally["rule"].tolist() == ["weighted"]


def test_linear_weights_are_other_than_raked_ones() -> None:
    raked, _, _ = weighed(members("1"), counts("1"))
    linear, _, _ = weighed(members("1"), counts("1"), method="linear")
    assert not np.allclose(raked["weight"], linear["weight"], rtol=1e-3)


def test_trimming_to_an_effect_holds_in_every_wave_and_is_told() -> None:
    uneven = members("1").assign(weight=[1.0, 1.0, 1.0, 4.0] * 25)
    both = pd.concat([uneven, members("2").assign(weight=1.0)], ignore_index=True)
    rows = [*counts("1"), ("2", "a", "c1", 210), ("2", "a", "c2", 300), ("2", "b", "c1", 390), ("2", "b", "c2", 100)]
    plain, _, _ = weighed(both, rows)
    assert effects(plain)["1"] > 1.4 > 1.1 > effects(plain)["2"]
    frame, _, tally = weighed(both, rows, trim_to_effect=1.2)
    assert 1.19 < effects(frame)["1"] <= 1.2 * (1 + 1e-9)
    assert frame.groupby(["wave", "group"])["weight"].sum().tolist() == pytest.approx([600, 400, 510, 490], rel=MET)
    told = tally[tally["rule"] == "trimmed"]
    assert told["wave"].tolist() == ["1"]
    assert told["rows"].iloc[0] == 25


def effects(frame: pd.DataFrame) -> pd.Series:
    """Kish's effect of each wave's weights."""
    return frame.groupby("wave")["weight"].agg(lambda w: len(w) * (w**2).sum() / w.sum() ** 2)


def test_bounds_that_bind_are_told_by_wave() -> None:
    frame, _, tally = weighed(members("1"), counts("1"), bounds=(0.75, 1.4))
    told = tally[tally["rule"] == "at_bounds"]
    assert told["rows"].iloc[0] > 0
    base = 1000 / 100
    assert frame["weight"].between(0.75 * base - 1e-9, 1.4 * base + 1e-9).all()


def test_a_refusal_names_the_wave_and_the_rule_to_collapse_by_in_both_languages() -> None:
    with pytest.raises(Refused, match=r"(?s)wave 1: .*collapse it with a cell beside it.*1 波次无法按登记表加权"):
        weighed(members("1"), counts("1"), bounds=(0.9, 1.1))
