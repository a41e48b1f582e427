"""Agreement and ICC against R's multilevel, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.agreement import agreement
from analysis.methods.design import Design
from analysis.methods.icc import icc

PRINTED = 6e-7  # absolute: multilevel's numbers are stored with six to seven digits
MODEL = 2e-6  # absolute: mult.icc's model stops earlier than ours
PENCIL = 1e-12

Folder = Callable[[str], Path]
COMPANIES = ("HRS", "WBEING", "LEAD", "COHES")


@pytest.fixture(scope="module")
def companies(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("bh1996") / "bh1996.csv")


@pytest.fixture(scope="module")
def leaders(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("bhr2000") / "bhr2000.csv").iloc[:, :12]


def by_group(rows: pd.DataFrame, statistic: str) -> pd.Series:
    return rows[rows["statistic"] == statistic].set_index("group")["estimate"]


@pytest.mark.parametrize(
    ("outcome", "icc1", "icc2"),
    [
        ("HRS", 0.1331067, 0.9196732),
        ("WBEING", 0.0433691, 0.7717129),
        ("LEAD", 0.127028, 0.915613),
        ("COHES", 0.044265, 0.775460),
    ],
)
def test_icc_by_anova(companies: pd.DataFrame, outcome: str, icc1: float, icc2: float) -> None:
    rows = icc(companies, outcome=outcome, group="GRP").tidy().set_index("statistic")
    assert rows.loc["icc1", "estimate"] == pytest.approx(icc1, abs=PRINTED)
    assert rows.loc["icc2", "estimate"] == pytest.approx(icc2, abs=PRINTED)
    assert (rows["n"] == 7382).all()
    assert (rows.loc[["icc1", "icc2"], "conf_low"] < rows.loc[["icc1", "icc2"], "estimate"]).all()


@pytest.mark.parametrize(
    ("outcome", "icc1", "icc2"),
    [
        ("HRS", 0.1292370, 0.9171286),
        ("LEAD", 0.1474614, 0.9280442),
        ("COHES", 0.0480484, 0.7900745),
        ("WBEING", 0.0433792, 0.7717556),
    ],
)
def test_icc_by_model(companies: pd.DataFrame, outcome: str, icc1: float, icc2: float) -> None:
    rows = icc(companies, outcome=outcome, group="GRP", method="reml").tidy().set_index("statistic")
    assert rows["estimate"].tolist() == pytest.approx([icc1, icc2], abs=MODEL)
    assert rows.index.tolist() == ["icc1", "icc2"]


def test_thirteen_unequal_faculties(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("univer_2002") / "univer.csv")
    rows = icc(frame, outcome="global", group="faculty").tidy()
    assert rows["estimate"].tolist() == pytest.approx([0.226419, 0.980024, 0.235208], abs=PRINTED)
    items = frame[["faculty", "informat", "willingn", "officeho", "compete"]]
    found = by_group(agreement(items, group="faculty", n_options=7).tidy(), "rwg_j")
    assert found["*"] == pytest.approx(0.821521, abs=PRINTED)


def test_icc_of_equal_groups_by_hand() -> None:
    """MSB 27, MSW 2/3, F 40.5 on 1 and 4: F(.975; 1, 4) = 12.2179, F(.975; 4, 1) = 899.5833."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 2.0, 4.0, 4.0, 5.0], "g": list("aaabbb")})
    between, within = 3 * 2 * ((13 / 3 - 5 / 3) / 2) ** 2, (2 / 3 + 2 / 3) / 4
    ratio = between / within
    row = icc(frame, outcome="y", group="g").tidy().set_index("statistic").loc["icc1"]
    ends = [ratio / 12.217862, ratio * 899.583310]
    expected = [(f - 1) / (f + 2) for f in (ratio, *ends)]
    assert row[["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(expected, rel=1e-6)


def test_rwg_of_one_item(companies: pd.DataFrame) -> None:
    rows = agreement(companies[["GRP", "LEAD"]], group="GRP", n_options=5, index="rwg").tidy()
    found = by_group(rows, "rwg")
    assert found[["1", "2", "*"]].tolist() == pytest.approx([0.7521410, 0.8231627, 0.7411556], abs=PRINTED)
    assert rows.set_index("group").loc[["1", "2"], "n"].tolist() == [74, 63]
    a_wg = by_group(agreement(companies[["GRP", "LEAD"]], group="GRP", n_options=5, index="a_wg").tidy(), "a_wg")
    assert a_wg[["1", "2", "3"]].tolist() == pytest.approx([0.7551832, 0.8136389, 0.7509723], abs=PRINTED)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("rwg_j", {"1": 0.900981, "2": 0.922283, "3": 0.886809, "*": 0.887612}),
        ("rwg_j_lindell", {"*": 0.428884}),
        ("ad_m", {"1": 0.8481366, "2": 0.8261279, "3": 0.880983, "*": 0.869072}),
        ("a_wg", {"1": 0.455420918, "2": 0.472666234, "*": 0.412548821}),
    ],
)
def test_eleven_items(leaders: pd.DataFrame, index: str, expected: dict[str, float]) -> None:
    found = by_group(agreement(leaders, group="GRP", n_options=5, index=index).tidy(), index)
    assert found[list(expected)].tolist() == pytest.approx(list(expected.values()), abs=PRINTED)


def test_deviation_of_one_item(leaders: pd.DataFrame) -> None:
    rows = agreement(leaders[["GRP", "AF06"]], group="GRP", n_options=5, index="ad_m").tidy()
    assert by_group(rows, "ad_m")["*"] == pytest.approx(0.8533529, abs=PRINTED)


def test_tiny_platoons_with_a_hole(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("cohesion") / "cohesion.csv")
    frame["unit"] = frame.pop("UNIT") + "." + frame.pop("PLATOON")
    found = by_group(agreement(frame, group="unit", n_options=5).tidy(), "rwg_j")
    assert found.iloc[:4].tolist() == pytest.approx([0.0, 0.813954, 0.921053, 0.909091], abs=PRINTED)
    found = by_group(agreement(frame, group="unit", n_options=5, index="ad_m").tidy(), "ad_m")
    assert found.iloc[:4].tolist() == pytest.approx([1.0, 0.711111, 0.4, 0.488889], abs=PRINTED)


def test_more_spread_than_chance_is_zero_and_said() -> None:
    """Variances 8 and 8 against 2: out of range; the other group 0.5 and 0: m = 1/8, 2 * 7/8 / (2 * 7/8 + 1/8) = 14/15."""
    frame = pd.DataFrame({"u": list("aabbc"), "q": [1, 5, 4, 5, 3], "r": [1, 5, 4, 4, 3]})
    result = agreement(frame, group="u", n_options=5)
    rows = result.tidy().set_index("group")
    assert rows.loc[["a", "b"], "estimate"].tolist() == pytest.approx([0, 14 / 15], rel=PENCIL)
    assert rows.loc["c", "status"] == "not_estimable"
    share = result.tidy().query("statistic == 'rwg_j_out_of_range'").iloc[0]
    assert (share["group"], share["estimate"], share["n"]) == ("*", 0.5, 4)
    assert result.out_of_range.to_dict("records") == [{"group": "a", "term": "q+r", "variance_ratio": 4.0}]


def test_weights_of_two_count_as_two_persons_in_the_mean() -> None:
    plain = pd.DataFrame({"u": list("aaaa"), "q": [1, 1, 3, 5]})
    heavy = pd.DataFrame({"u": list("aaa"), "q": [1, 3, 5], "w": [2.0, 1.0, 1.0]})
    a = agreement(plain, group="u", n_options=5, index="ad_m").tidy()
    b = agreement(heavy, group="u", n_options=5, index="ad_m", design=Design(weights="w")).tidy()
    assert a["estimate"].tolist() == pytest.approx(b["estimate"].tolist(), rel=PENCIL)


def test_icc_of_nothing_is_a_row() -> None:
    for frame in ({"y": [1.0, 2.0], "g": ["a", "b"]}, {"y": [1.0, 1.0, 1.0], "g": ["a", "a", "b"]}):
        for method in ("anova", "reml"):
            rows = icc(pd.DataFrame(frame), outcome="y", group="g", method=method).tidy()
            assert set(rows["status"]) == {"not_estimable"}
            assert np.isnan(rows["estimate"]).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"index": "kappa"}, "unknown index"),
        ({"n_options": 1}, "at least 2"),
        ({"n_options": 4}, "outside 1 to 4"),
        ({"index": "ad_m", "null": 2.0}, "leave null out"),
        ({"n_options": 4.5}, "whole number"),
        ({"null": "skewed"}, "unknown null 'skewed'; nulls are uniform, triangular"),
        ({"null": -1.0}, "above zero, seen -1"),
        ({"design": Design(strata="u")}, "weights only"),
        ({"design": Design(weights="w")}, r"absent: \['w'\]"),
        ({"draws": 500}, "only change cut-offs"),
        ({"cutoffs": True, "draws": 5}, "at least 100"),
        ({"cutoffs": True, "null": 2.0}, "only the variance is known"),
        ({"cutoffs": True, "item_correlation": 0.3}, "nothing to correlate with"),
        ({"group": "z"}, "absent"),
    ],
)
def test_bad_questions(asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        agreement(pd.DataFrame({"u": list("aab"), "q": [1, 5, 4]}), **({"group": "u", "n_options": 5} | asked))


def test_text_and_frames_without_items_are_said_in_words() -> None:
    with pytest.raises(ValueError, match="column 'q' must hold numbers"):
        agreement(pd.DataFrame({"u": list("aab"), "q": ["1", "5", "4"]}), group="u", n_options=5)
    with pytest.raises(ValueError, match="any item"):
        agreement(pd.DataFrame({"u": list("aab")}), group="u", n_options=5)


def test_who_is_left_out_is_told() -> None:
    """Six rows: a hole in an item, a hole in the group, a group of one."""
    frame = pd.DataFrame({"u": ["a", "a", "a", "b", None, "b"], "q": [4, 5, None, 3, 2, None]})
    found = agreement(frame, group="u", n_options=5)
    assert (found.read, found.used, found.single) == (6, 3, ("b",))
    assert "3 of 6 rows complete, 1 groups of one" in repr(found)
    assert found.tidy().query("group == 'b'")["status"].tolist() == ["not_estimable"]


def test_no_complete_row_is_a_table_without_numbers() -> None:
    frame = pd.DataFrame({"u": ["a", "b"], "q": [np.nan, np.nan]})
    rows = agreement(frame, group="u", n_options=5, cutoffs=True).tidy()
    assert set(rows["group"]) == {"*"}
    assert set(rows["status"]) == {"not_estimable"}


@pytest.mark.parametrize("index", ["rwg", "rwg_j", "rwg_j_lindell", "ad_m", "a_wg"])
def test_counting_and_adding_up_rows_give_the_same(index: str) -> None:
    """Whole numbers are counted, others added up: the same answers half an option higher, in a range half an option higher."""
    rng = np.random.default_rng(3)
    items = pd.DataFrame(rng.integers(1, 6, (60, 3)), columns=list("pqr"))
    frame = items.assign(u=rng.integers(0, 9, 60), w=rng.uniform(0.5, 3, 60))
    moved = frame.assign(**{c: frame[c] + 0.5 for c in "pqr"})
    for design in (Design(), Design(weights="w")):
        part = frame if design.weights else frame.drop(columns="w")
        asked = {"group": "u", "n_options": 5, "index": index, "design": design}
        one = agreement(part, **asked).tidy()
        other = agreement(moved[part.columns], lowest=1.5, **asked).tidy()
        np.testing.assert_allclose(one["estimate"], other["estimate"], rtol=1e-10)
        as_float = agreement(part.astype(dict.fromkeys("pqr", float)), **asked).tidy()
        pd.testing.assert_frame_equal(one, as_float)


def test_weighted_deviation_by_hand() -> None:
    """1 with weight 3, 5 with weight 1: mean 2, deviations 1 and 3, (3 * 1 + 1 * 3) / 4."""
    frame = pd.DataFrame({"unit": "a", "q": [1, 5], "w": [3.0, 1.0]})
    rows = agreement(frame, group="unit", n_options=5, index="ad_m", design=Design(weights="w")).tidy()
    assert rows["estimate"].tolist() == pytest.approx([1.5, 1.5], rel=PENCIL)


def test_who_has_no_weight_is_not_there() -> None:
    """4 and 5 have variance 1 / 2: 1 - 0.5 / 2; the third, without weight, is no third person."""
    frame = pd.DataFrame({"unit": "a", "q": [4, 5, 1], "w": [1.0, 1.0, 0.0]})
    found = agreement(frame, group="unit", n_options=5, index="rwg", design=Design(weights="w"))
    assert found.tidy().loc[0, ["estimate", "n"]].tolist() == [0.75, 2]
    assert (found.read, found.used) == (3, 2)


def test_a_spread_as_large_as_the_null_is_not_out_of_range() -> None:
    """2 and 4 have variance 2, that of a uniform answer over five: an agreement of nought, and no more than that."""
    frame = pd.DataFrame({"unit": "a", "q": [2, 4]})
    found = agreement(frame, group="unit", n_options=5, index="rwg")
    assert found.tidy()["estimate"].tolist() == [0.0, 0.0, 0.0]
    assert found.out_of_range.empty


def test_a_wg_of_two_who_answer_the_two_ends() -> None:
    """n = 2: the mean may only be (H + L) / 2 = 3, and is; 1 and 5: s^2 = 8 = the largest one, 1 - 2 * 8 / 8."""
    frame = pd.DataFrame({"unit": list("aabb"), "q": [1, 5, 2, 4]})
    rows = agreement(frame, group="unit", n_options=5, index="a_wg").tidy()
    assert rows["estimate"].tolist() == pytest.approx([-1.0, 0.5, -0.25], rel=PENCIL)
