"""What chance makes: null distributions against the literature's figures, cut-offs by hand and by hammering the options."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from analysis.core import agreement_null as chance
from analysis.core.agreement_null import null_of
from analysis.methods.agreement import agreement

PENCIL = 1e-12
PRINTED = {  # LeBreton & Senter (2008), table 2: options, uniform, slight, moderate, heavy skew, normal
    5: (2.00, 1.34, 0.90, 0.44, 1.04),
    6: (2.92, 1.85, 1.26, 0.69, 1.25),
    7: (4.00, 2.90, 2.14, 1.39, 1.40),
    8: (5.25, 3.47, 2.79, 2.35, 1.73),
    9: (6.67, 5.66, 4.73, 3.16, 1.58),
    10: (8.25, 6.30, 5.09, 3.46, 1.45),
    11: (10.00, 7.31, 6.32, 4.02, 1.40),
}


@pytest.mark.parametrize("options", list(PRINTED))
def test_variances_are_those_of_the_table(options: int) -> None:
    names = ("uniform", "slight_skew", "moderate_skew", "heavy_skew", "normal")
    assert [round(null_of(n, options).variance, 2) for n in names] == list(PRINTED[options])


def test_triangles_uniform_and_largest_variance_for_any_number_of_options() -> None:
    """James, Demaree & Wolf (1984): (A^2 + 2A - 3) / 24 odd, (A^2 + 2A - 2) / 24 even; (A^2 - 1) / 12; half at each end."""
    for a in range(2, 12):
        assert null_of("triangular", a).variance == pytest.approx((a**2 + 2 * a - 2 - a % 2) / 24, rel=PENCIL)
        assert null_of("uniform", a).variance == pytest.approx((a**2 - 1) / 12, rel=PENCIL)
        assert null_of("maximum", a).variance == pytest.approx((a - 1) ** 2 / 4, rel=PENCIL)


def test_a_variance_and_probabilities() -> None:
    assert null_of(1.5, 5).variance == 1.5
    assert null_of((0.5, 0.0, 0.5), 3).variance == pytest.approx(1.0, rel=PENCIL)


@pytest.mark.parametrize(
    ("null", "options", "said"),
    [
        ("slight_skew", 4, "defined for 5 to 11 options, not for 4"),
        ("normal", 12, "defined for 5 to 11 options, not for 12"),
        ("flat", 5, "unknown null"),
        (0.0, 5, "above zero"),
        (float("nan"), 5, "above zero"),
        ((0.5, 0.5), 5, "needs 5 probabilities"),
        ((0.5, 0.6), 2, "add up to 1"),
        ((1.5, -0.5), 2, "add up to 1"),
        ((0.0, 1.0), 2, "all its probability on one option"),
    ],
)
def test_nulls_that_are_none(null: object, options: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        null_of(null, options)  # type: ignore[arg-type]


def test_cutoff_of_three_people_by_hand() -> None:
    """Five options, three people: all alike 5 / 125 = .04, two alike and one beside 24 / 125 more: only 1 is beyond chance."""
    frame = pd.DataFrame({"u": list("aaabbbcc"), "q": [4, 4, 4, 4, 4, 5, 2, 2]})
    found = agreement(frame, group="u", n_options=5, index="rwg", cutoffs=True)
    assert found.cutoffs.set_index("size")["cutoff"].loc[3] == pytest.approx(1.0, rel=PENCIL)
    # two people are alike in one case of five: no answers of theirs are beyond chance
    assert np.isnan(found.cutoffs.set_index("size")["cutoff"].loc[2])
    assert found.groups["beyond_chance"].tolist() == [True, False, False]
    rows = found.tidy().set_index(["group", "statistic"])
    assert rows.loc[("c", "rwg_cutoff"), "status"] == "not_estimable"
    assert rows.loc[("*", "rwg_beyond_chance"), "estimate"] == pytest.approx(1 / 3, rel=PENCIL)
    assert rows.loc[("c", "rwg"), "estimate"] == 1.0, "low agreement or none takes no number away"


@pytest.mark.parametrize("index", ["rwg", "rwg_j", "ad_m", "a_wg"])
@pytest.mark.parametrize("null", ["uniform", "heavy_skew", (0.1, 0.6, 0.3)])
def test_listed_cutoffs_are_those_of_every_possible_group(index: str, null: object) -> None:
    """Five people: all A^5 ways, each looked at by `agreement` itself."""
    options = 3 if isinstance(null, tuple) else 5
    p = np.array(null_of(null, options).probabilities)  # type: ignore[arg-type]
    ways = np.array(list(product(range(options), repeat=4)))
    frame = pd.DataFrame({"u": np.repeat(np.arange(len(ways)), 4), "q": 1 + ways.ravel()})
    asked = {"group": "u", "n_options": options, "index": index}
    mine = agreement(frame, cutoffs=True, null=null, **asked)
    value = mine.groups["estimate"].to_numpy()
    chances = np.prod(p[ways], axis=1)
    there = ~np.isnan(value)
    value, chances = value[there].round(9), chances[there] / chances[there].sum()
    better = (lambda v: value <= v) if index == "ad_m" else (lambda v: value >= v)
    fit = [v for v in np.unique(value) if chances[better(v)].sum() <= 0.05 + 1e-12]
    cutoff = mine.cutoffs["cutoff"].iloc[0]
    if fit:
        assert cutoff == pytest.approx(max(fit) if index == "ad_m" else min(fit), abs=1e-8)
        assert mine.groups["beyond_chance"].to_numpy(dtype=float, na_value=0) @ np.prod(p[ways], axis=1) <= 0.05 + 1e-12
    else:
        assert np.isnan(cutoff)


def test_items_that_correlate_ask_for_more_agreement() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(1, 6, (200, 4)), columns=list("pqrs")).assign(u=np.repeat(np.arange(20), 10))
    cut = {
        r: agreement(frame, group="u", n_options=5, cutoffs=True, item_correlation=r).cutoffs["cutoff"].iloc[0]
        for r in (None, 0.3, 0.6, 0.9)
    }
    assert sorted(cut.values()) == list(cut.values())
    assert cut[0.9] - cut[None] > 0.1
    matrix = np.full((4, 4), 0.6) + 0.4 * np.eye(4)
    same = agreement(frame, group="u", n_options=5, cutoffs=True, item_correlation=matrix)
    assert same.cutoffs["cutoff"].iloc[0] == cut[0.6]


def test_observed_correlations_are_those_within_groups() -> None:
    """Groups far apart, items that go against each other inside: what counts is inside."""
    rng = np.random.default_rng(6)
    level, off = np.repeat(np.arange(2, 5), 40), rng.integers(-1, 2, 120)
    frame = pd.DataFrame({"u": level, "p": level + off, "q": level - off})
    seen = agreement(frame, group="u", n_options=5, cutoffs=True, item_correlation="observed")
    told = agreement(frame, group="u", n_options=5, cutoffs=True, item_correlation=-1.0)
    assert seen.cutoffs["cutoff"].iloc[0] == pytest.approx(told.cutoffs["cutoff"].iloc[0], rel=1e-6)
    with pytest.raises(ValueError, match="does not vary inside any group"):
        agreement(frame.assign(q=level), group="u", n_options=5, cutoffs=True, item_correlation="observed")


@pytest.mark.parametrize("bad", [1.5, np.eye(3), -0.9, "seen"])
def test_correlations_that_are_none(bad: object) -> None:
    frame = pd.DataFrame(np.tile([1, 5, 4, 2], (4, 1)), columns=list("pqrs")).assign(u="a")
    with pytest.raises(ValueError, match="item_correlation must be"):
        agreement(frame, group="u", n_options=5, cutoffs=True, item_correlation=bad)  # type: ignore[arg-type]


def test_a_groups_cutoff_hangs_on_seed_and_size_alone() -> None:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.integers(1, 6, (90, 3)), columns=list("pqr")).assign(u=np.repeat([0, 1, 1], 30))
    asked = {"group": "u", "n_options": 5, "cutoffs": True}
    both = agreement(frame, **asked).cutoffs.set_index("size")["cutoff"]
    alone = agreement(frame[frame["u"] == 0], **asked).cutoffs.set_index("size")["cutoff"]
    assert both.index.tolist() == [30, 60]
    assert both[30] == alone[30]
    other = {agreement(frame, seed=k, **asked).cutoffs["cutoff"].iloc[0] for k in range(1, 6)}
    assert len(other) > 1, "the seed changes nothing"


def test_practical_limit_of_the_average_deviation() -> None:
    """Burke & Dunlap (2002): A / 6."""
    frame = pd.DataFrame({"u": list("aaabbb"), "q": [1, 2, 3, 4, 4, 4]})
    assert agreement(frame, group="u", n_options=7, index="ad_m", cutoffs=True).cutoffs["practical"].tolist() == [7 / 6]


def test_random_groups_are_beyond_chance_in_at_most_one_case_of_twenty() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.integers(1, 6, (40_000, 3)), columns=list("pqr")).assign(u=np.repeat(np.arange(4000), 10))
    for index in ("rwg_j", "rwg_j_lindell", "ad_m", "a_wg"):
        found = agreement(frame, group="u", n_options=5, index=index, cutoffs=True)
        assert found.groups["beyond_chance"].mean() == pytest.approx(0.05, abs=0.017)  # 4 errors of both counts


def test_many_draws_and_few_list_alike() -> None:
    asked = chance.Chance("rwg", 1, (0.2,) * 5, None, 200_000, 0)
    assert chance.is_exact(asked, 12)
    drawn = chance.Chance("rwg", 1, (0.2,) * 5, None, 200_000, 0)
    table, _ = chance._drawn(drawn, 12)
    listed, p = chance._listed(asked, 12)
    assert p.sum() == pytest.approx(1, rel=1e-10)
    assert table[:, 0].mean(axis=0) == pytest.approx(p @ listed[:, 0], abs=0.02)
