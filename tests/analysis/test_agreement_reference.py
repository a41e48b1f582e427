"""Agreement and ICC of made answers beside R's multilevel, metafor and slow plain ways: tests/reference/agreement.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.core import agreement as core
from analysis.core import agreement_null as chance
from analysis.methods.agreement import agreement
from analysis.methods.design import Design
from analysis.methods.icc import icc

CLOSE = 1e-9  # relative: R's numbers are stored with twelve digits
SURE = 4.0  # Monte Carlo errors: one right figure in sixteen thousand
ITEMS = ["q0", "q1", "q2", "q3"]
DRAWN = 10_000


@pytest.fixture(scope="module")
def reference(project: Path) -> pd.DataFrame:
    return pd.read_csv(project / "tests" / "reference" / "agreement.csv", keep_default_na=False, na_values=["NA"])


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """The answers of agreement.R, made by the same arithmetic."""
    size = [2, 3, 4, 5, 6, 7, 8, 11, 14]
    g = np.repeat(np.arange(1, 10), size)
    i = np.arange(60)
    x = np.column_stack([1 + (7 * i + 3 * j + i * i * (j + 1) + g) % 5 for j in range(4)])
    x[g == 3] = 5
    x[np.ix_(g == 4, [0, 1])] = 1
    x[np.ix_(g == 4, [2, 3])] = 4
    x[g == 7] = 3 + (i[g == 7] % 2)[:, None]
    frame = pd.DataFrame(x, columns=ITEMS)
    return frame.assign(g=g, w=1 + (i * 5) % 7 / 2, y=x.mean(axis=1) + g / 10)


def numbers(reference: pd.DataFrame, what: str, case: str) -> pd.Series:
    found = reference[(reference["what"] == what) & (reference["case"] == case)].set_index("key")["value"]
    assert len(found), "the reference has no such row"
    return found


@pytest.mark.parametrize("index", ["rwg_j", "rwg_j_lindell", "ad_m", "a_wg"])
def test_four_items(reference: pd.DataFrame, answers: pd.DataFrame, index: str) -> None:
    """r*wg(j): R leaves it below zero, we show zero and say so. a_wg: groups of one mind at an end, and means out of range."""
    wanted = numbers(reference, index, "made")
    if index == "rwg_j_lindell":
        wanted = wanted.clip(lower=0)
    rows = agreement(answers[["g", *ITEMS]], group="g", n_options=5, index=index).tidy()
    found = rows[rows["statistic"] == index].set_index("group")["estimate"]
    np.testing.assert_allclose(found[wanted.index], wanted, rtol=CLOSE, atol=1e-12)
    assert wanted.isna().sum() == 0


def test_one_item_and_another_null(reference: pd.DataFrame, answers: pd.DataFrame) -> None:
    rows = agreement(answers[["g", "q0"]], group="g", n_options=5, index="rwg").tidy()
    wanted = numbers(reference, "rwg", "item 1")
    np.testing.assert_allclose(rows.set_index("group").loc[wanted.index, "estimate"], wanted, rtol=CLOSE)
    rows = agreement(answers[["g", *ITEMS]], group="g", n_options=5, null="moderate_skew").tidy()
    wanted = numbers(reference, "rwg_j", "moderate_skew")
    np.testing.assert_allclose(rows.set_index("group").loc[wanted.index, "estimate"], wanted, rtol=CLOSE)


def test_icc_and_its_exact_interval(reference: pd.DataFrame, answers: pd.DataFrame) -> None:
    rows = icc(answers, outcome="y", group="g").tidy().set_index("statistic")
    found = [rows.loc["icc1", "estimate"], rows.loc["icc2", "estimate"]]
    assert found == pytest.approx([numbers(reference, s, "made").iloc[0] for s in ("icc1", "icc2")], rel=CLOSE)
    ends = numbers(reference, "icc1", "interval")
    for statistic in ("icc1", "icc1_unequal"):
        assert rows.loc[statistic, ["conf_low", "conf_high"]].tolist() == pytest.approx(
            ends[["low", "high"]].tolist(), rel=1e-7
        )


def test_icc_by_pairs_one_after_the_other(reference: pd.DataFrame, answers: pd.DataFrame) -> None:
    rows = icc(answers, outcome="y", group="g", design=Design(weights="w")).tidy().set_index("statistic")
    assert rows.loc["icc1", "estimate"] == pytest.approx(numbers(reference, "icc1", "pairs").iloc[0], rel=CLOSE)
    assert rows.index.tolist() == ["icc1", "icc2"]


def test_weighted_variance_is_that_of_pairs(reference: pd.DataFrame, answers: pd.DataFrame) -> None:
    wanted = numbers(reference, "variance", "weighted")
    rows = agreement(answers[["g", "q0", "w"]], group="g", n_options=5, index="rwg", design=Design(weights="w")).tidy()
    found = rows[rows["statistic"] == "rwg"].set_index("group")["estimate"]
    np.testing.assert_allclose(found[wanted.index], np.maximum(1 - wanted / 2, 0), rtol=CLOSE)


def test_between_variance_of_means(reference: pd.DataFrame, answers: pd.DataFrame) -> None:
    means = answers.groupby("g")["y"].agg(["mean", "size"])
    found = core.between_variance(means["mean"].to_numpy(), 0.2 / means["size"].to_numpy(), 0.95)
    wanted = numbers(reference, "tau2", "made")
    assert found == pytest.approx(wanted[["", "low", "high"]].tolist(), rel=1e-6)


def cases(reference: pd.DataFrame) -> list[tuple[str, str, float, float]]:
    wide = reference[reference["key"].isin(["cutoff", "share"])].pivot(
        index=["what", "case"], columns="key", values="value"
    )
    return [(*name, row["cutoff"], row["share"]) for name, row in wide.iterrows()]


def test_cutoffs_are_those_of_random_groups_in_r(reference: pd.DataFrame) -> None:
    """R's 10,000 random groups and ours reach R's cut-off equally often, ours listed one by one where that can be."""
    seen = cases(reference)
    assert len(seen) == 18
    for index, case, cutoff, share in seen:
        n, options, items, correlation = (float(v) for v in case.split())
        matrix = chance.correlation_of(correlation, int(items)) if correlation else None
        law = chance.null_of("uniform", int(options))
        asked = chance.Chance(index, int(items), law.probabilities, matrix, DRAWN, 1)
        ours, exact = reached(asked, law.variance, int(n), cutoff)
        error = np.sqrt(share * (1 - share) / DRAWN * (1 if exact else 2))
        assert abs(ours - share) < SURE * error, (index, case, ours, share)


def reached(asked: chance.Chance, variance: float, n: int, cutoff: float) -> tuple[float, bool]:
    exact = chance.is_exact(asked, n)
    table, p = chance._listed(asked, n) if exact else chance._drawn(asked, n)
    options = np.arange(len(asked.probabilities), dtype=float)
    whole = np.full(len(table), float(n))
    one = core.spread_of_counts(table, options, whole, whole)
    x = core.dispersion(asked.index, one, variance, 0.0, options[-1])[:, 0]
    value = core.from_dispersion(asked.index, x, asked.items)
    beyond = value <= cutoff + 1e-9 if asked.index == "ad_m" else value >= cutoff - 1e-9
    return float(p[beyond].sum()), exact
