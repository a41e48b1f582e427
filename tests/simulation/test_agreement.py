"""ICC and agreement under weights hold what they say: reduced counts here, ``python -m tests.simulation.agreement`` the whole."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulation.agreement import agreement_table, draw, icc_bias, icc_coverage, plugged_in, sizes_of

SEED = 11
SURE = 4.0  # Monte Carlo errors: one right figure in sixteen thousand


@pytest.mark.slow
def test_pairs_are_free_of_what_plugging_in_does() -> None:
    table = icc_bias(100, SEED)
    pairs = table[table["estimator"] == "pairs"]
    # the estimate is a ratio: a bias of its own, small beside its spread, stays where whole groups are weighted
    allowed = SURE * pairs["mc_error"] + 0.005 + 0.1 * pairs["sd"] * (pairs["weights"] == "groups")
    assert pairs[pairs["bias"].abs() > allowed].to_dict("records") == []
    naive = table[
        (table["estimator"] == "plugged in") & (table["cv"] == 1) & table["weights"].isin(["apart", "answer"])
    ]
    assert (naive["bias"] > 0.02).all(), "the harness no longer sees what it was built to see"


@pytest.mark.slow
def test_intervals_of_icc_cover() -> None:
    table = icc_coverage(100, SEED)
    judged = table[table["what"] != "anova, F of the mean size"]
    low = np.where(judged["what"] == "pairs, replicates", 91.0, 94.0)
    reach = SURE * np.sqrt(94 * 6 / judged["runs"])
    assert judged[judged["coverage"] < low - reach].to_dict("records") == []
    wrong = table[
        (table["what"] == "anova, F of the mean size") & (table["size"] == "3, few 300") & (table["icc"] == 0.3)
    ]
    assert (wrong["coverage"] < 70).all(), "the harness no longer sees an interval that is too short"


@pytest.mark.slow
def test_errors_of_agreement() -> None:
    table = agreement_table(800, SEED)
    usual = table[(table["weights"] == "apart") | (table["cv"] < 1)]
    assert usual["se_ratio"].between(0.85, 1.6).all()
    assert (usual["coverage"] > 88).all()
    apart = table[(table["weights"] == "apart") & (table["index"] == "rwg_j")]
    assert (apart["variance_bias"].abs() < 0.05).all()
    heavy = apart[(apart["cv"] == 1) & (apart["size"] == 5)]
    assert (heavy["naive_variance_bias"] < -0.07).all()


def test_the_harness_draws_what_it_says() -> None:
    """Weights undo what the sampling did: weighted mean and variance of e are 0 and 1 (ratio of sums over many people)."""
    rng = np.random.default_rng(SEED)
    for kind in ("apart", "answer", "ends"):
        f = draw(rng, 0.0, 0.5, kind, np.full(400, 200))
        mean = np.average(f["e"], weights=f["w"])
        assert mean == pytest.approx(0, abs=0.02)
        assert np.average((f["e"] - mean) ** 2, weights=f["w"]) == pytest.approx(1, abs=0.02)
        assert kind == "ends" or f["w"].std() / f["w"].mean() == pytest.approx(0.5, abs=0.03)
    alike = draw(rng, 0.1, 0.0, "apart", sizes_of(rng, "3-30"))
    naive, mended = plugged_in(alike)
    assert naive == pytest.approx(mended, rel=1e-10)
