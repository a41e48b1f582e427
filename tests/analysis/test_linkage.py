"""The rate of linkage as a verb: what it takes from the intake's table of links, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import analysis

LINKS = pd.DataFrame(
    [
        ("1", "*", 100, 80, 0.5, 0.393, 0.607, 0.4, 0.6, "linked"),
        ("1", "a", 60, 50, 0.6, 0.462, 0.724, 0.5, 0.667, "linked"),
        ("1", "b", 0, 0, np.nan, np.nan, np.nan, np.nan, np.nan, "linked"),
        ("2", "*", 90, 0, np.nan, np.nan, np.nan, np.nan, np.nan, "no_log"),
        ("3", "*", 100, 80, 0.1, 0.052, 0.185, 0.08, 0.28, "stopped"),
    ],
    columns=[
        "wave",
        "group",
        "answers",
        "consented",
        "rate",
        "conf_low",
        "conf_high",
        "lowest",
        "highest",
        "status",
    ],
)


def test_rate_interval_and_bounds_stand_on_their_own_numbers_of_people() -> None:
    rows = analysis.linkage(LINKS).tidy().set_index(["wave", "group", "statistic"])
    rate = rows.loc[("1", "a", "linkage_rate")]
    assert rate[["estimate", "conf_low", "conf_high", "n"]].tolist() == [0.6, 0.462, 0.724, 50.0]
    ends = rows.loc[[("1", "*", "linkage_lowest"), ("1", "*", "linkage_highest")]]
    assert ends["estimate"].tolist() == [0.4, 0.6]
    assert ends["n"].tolist() == [100.0, 100.0]


def test_no_log_or_nobody_has_no_row_and_a_stopped_link_no_number() -> None:
    rows = analysis.linkage(LINKS).tidy()
    assert sorted(set(zip(rows["wave"], rows["group"], strict=True))) == [("1", "*"), ("1", "a"), ("3", "*")]
    stopped = rows[rows["wave"] == "3"]
    assert stopped["estimate"].isna().all()
    assert set(stopped["status"]) == {"not_estimable"}


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match="highest"):
        analysis.linkage(LINKS.drop(columns="highest"))


def test_few_who_consented_are_not_shown_and_the_bounds_hide_with_them() -> None:
    """lowest and highest differ by the share that did not consent: of 12 who answered and 4 who consented neither is shown."""
    people = pd.DataFrame(
        {
            "wave": "1",
            "member": [f"m{i}" for i in range(52)],
            "group": ["a"] * 40 + ["b"] * 12,
            "linkage": ["x"] * 30 + [None] * 10 + ["x"] * 4 + [None] * 8,
        }
    )
    plan = analysis.plan_release(
        {"survey": people},
        variables={"linkage": ("survey", 0, 1)},
        cuts=[(), ("group",)],
        hierarchy=None,
        rules={},
    )
    links = pd.DataFrame(
        [
            ("1", "a", 40, 30, 0.5, 0.33, 0.67, 0.375, 0.625, "linked"),
            ("1", "b", 12, 4, 0.5, 0.15, 0.85, 0.167, 0.833, "linked"),
        ],
        columns=LINKS.columns,
    )
    shown = analysis.release(analysis.linkage(links), plan).table
    assert set(shown.loc[shown["group"] == "b", "status"]) == {"withheld"}
    assert shown.loc[shown["group"] == "b", "estimate"].isna().all()
