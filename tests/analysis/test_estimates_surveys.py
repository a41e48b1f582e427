"""Shares and means of two real surveys, against the counts and means that their descriptions give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import contrast, estimates, rao_scott

EXACT = 1e-12  # counts and shares of counts
PRINTED = 5e-7  # means printed with six decimals
ANSWERS = ["Too Little", "About Right", "Too Much"]
COUNTS = {"Australia": (952, 622, 300), "Norway": (597, 494, 36), "Sweden": (604, 374, 25), "USA": (555, 372, 450)}
MEANS = {"informat": 5.536485, "willingn": 5.981643, "officeho": 5.280863, "compete": 5.636989, "global": 5.717760}


@pytest.fixture(scope="module")
def poverty(shared_data: Callable[[str], Path]) -> pd.DataFrame:
    return pd.read_csv(shared_data("wvs_poverty") / "WVS.csv")


def test_shares_by_country_are_those_of_the_counts_within_wilsons_interval(poverty: pd.DataFrame) -> None:
    table = estimates(poverty, variables="poverty", statistic="proportion", by={"region": "country"}).tidy()
    z = stats.t.ppf
    for country, counts in COUNTS.items():
        n = sum(counts)
        rows = table[table["region"] == country].set_index("term").loc[[f"poverty={a}" for a in ANSWERS]]
        p = np.array(counts) / n
        np.testing.assert_allclose(rows["estimate"], p, rtol=EXACT)
        np.testing.assert_allclose(rows["n"], n)
        # the whole sample's n / (n - 1), as people of other countries are strangers to the domain
        np.testing.assert_allclose(
            rows["std_error"] ** 2, p * (1 - p) / n * len(poverty) / (len(poverty) - 1), rtol=1e-9
        )
        square = z(0.975, n - 1) ** 2 / n
        half = np.sqrt(square * (p * (1 - p) + square / 4)) / (1 + square)
        np.testing.assert_allclose(rows["conf_high"], (p + square / 2) / (1 + square) + half, rtol=2e-3)


def test_a_rare_share_has_an_interval_within_nought_and_one(poverty: pd.DataFrame) -> None:
    few = poverty[poverty["country"] == "Sweden"].head(60)
    rows = estimates(few, variables="poverty", statistic="proportion", by={"region": "country"}).tidy()
    assert rows["conf_low"].between(0, 1).all()
    assert rows["conf_high"].between(0, 1).all()
    assert (rows["conf_high"] - rows["conf_low"] > 0.02).all()


def test_countries_differ_and_the_test_without_a_design_is_pearsons(poverty: pd.DataFrame) -> None:
    found = rao_scott(poverty, rows="country", columns="poverty")
    table = pd.crosstab(poverty["country"], poverty["poverty"])
    pearson = stats.chi2_contingency(table, correction=False).statistic
    chisq = found.tidy().set_index("statistic").loc["chisq", "estimate"]
    assert chisq == pytest.approx(pearson, rel=1e-9)
    assert found.p_value < 1e-50


def test_six_pairs_of_countries_by_holm(poverty: pd.DataFrame) -> None:
    little = poverty.assign(little=poverty["poverty"] == "Too Little")
    rows = estimates(little, variables="little", statistic="mean", by={"region": "country"})
    pairs = [({"region": a}, {"region": b}) for a in COUNTS for b in COUNTS if a < b]
    told = contrast(rows, pairs, adjust="holm").tidy()
    p = told[told["statistic"] == "p_holm"].set_index("region")["estimate"]
    assert p["Norway - USA"] < 0.001 < 0.05 < p["Australia - Norway"]


def test_means_of_the_students(shared_data: Callable[[str], Path]) -> None:
    frame = pd.read_csv(shared_data("univer_2002") / "univer.csv")
    table = estimates(frame, variables=list(MEANS)).tidy().set_index("term")["estimate"]
    assert table.to_dict() == pytest.approx(MEANS, rel=PRINTED)
