"""What was planted in made federations is found again: places, an organisation that nobody finds, ways; seed and truth vary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import coverage, fit_attraction
from tests.analysis.federations import federation, level_truth

NOWHERE = {"observed": None, "wave": None, "hierarchy": None}


def attraction(frames: dict[str, pd.DataFrame], **options: Any) -> pd.DataFrame:
    where = {"group": "group", "region": "region", **NOWHERE} | options
    lived = frames["registry"]["region"].isin(
        frames["careers"]["region"]
    )  # a county with townships is counted in these
    return fit_attraction(None, frames["careers"], None, frames["registry"][lived], **where).tidy()


def of_places(rows: pd.DataFrame, statistic: str) -> pd.Series:
    """The share of members that came, place by place, on the scale of the log rate at which somebody comes at all."""
    here = rows[(rows["term"] == "took_part") & (rows["statistic"] == statistic) & (rows["group"] == "*")]
    share = here[(here["region"] != "*") & (here["domain"] == "*")].set_index("region")["estimate"].dropna()
    return np.log(-np.log1p(-share))


@pytest.mark.parametrize(("seed", "spread", "least"), [(5, 0.6, 0.85), (11, 0.3, 0.7)])
def test_effects_of_places_are_found(seed: int, spread: float, least: float) -> None:
    frames = federation(seed, level_truth() | {"activity": {"place_spread": spread}})
    truth = frames["places"].set_index("region")["effect"]
    rows = attraction(frames)
    for statistic in ("conditional", "shrunken_share"):
        found = of_places(rows, statistic)
        there = truth.reindex(found.index)
        assert len(found) > 80
        assert np.corrcoef(found, there)[0, 1] > least
        assert np.polyfit(there, found, 1)[0] == pytest.approx(1, abs=0.2)


def test_where_places_hardly_differ_they_are_drawn_together() -> None:
    """Places have no effect of their own; who lives there still differs."""
    rows = attraction(federation(7, level_truth() | {"activity": {"place_spread": 0.0}, "pilot": {"reach": 0.0}}))
    raw, leaning = (of_places(rows, statistic) for statistic in ("conditional", "shrunken_share"))
    assert leaning.std() < 0.7 * raw.std()
    apart = attraction(federation(7, level_truth() | {"activity": {"place_spread": 0.6}, "pilot": {"reach": 0.0}}))
    assert of_places(apart, "shrunken_share").std() > 0.85 * of_places(apart, "conditional").std()


@pytest.mark.parametrize(("seed", "hidden"), [(2, "red_cross"), (9, "youth_league"), (31, "science_association")])
def test_the_organisation_that_nobody_finds_is_named(seed: int, hidden: str) -> None:
    apart = {"joint": [], "elsewhere": 0.0}  # who comes to a joint activity is somebody of each that holds it
    truth = level_truth() | {"activity": apart}
    truth["groups"][hidden] = {"reach": -1.1}
    frames = federation(seed, truth)
    rows = coverage(frames["registry"], frames["careers"], by=("group",), resources=(), **NOWHERE).tidy()
    named = rows[(rows["term"] == "took_part") & (rows["statistic"] == "blind_spot")].set_index("group")
    assert named["estimate"].idxmin() == hidden
    assert named.loc[hidden, "conf_high"] < -0.05


@pytest.mark.parametrize(("seed", "online"), [(4, 0.1), (8, 0.5), (16, 0.95)])
def test_how_much_of_the_reach_is_online(seed: int, online: float) -> None:
    truth = level_truth()
    truth["groups"] = {code: group | {"online": online} for code, group in truth["groups"].items()}
    frames = federation(seed, truth)
    frames["careers"] = frames["careers"][
        frames["careers"]["count"] == 1
    ]  # of more times the way most used is another thing
    rows = attraction(frames, region=None)
    ways = rows[(rows["term"] == "took_part") & (rows["statistic"] == "conditional")].set_index("domain")["estimate"]
    share = ways["channel=online"] / (ways["channel=online"] + ways["channel=onsite"])
    assert share == pytest.approx(online, abs=0.04)  # ways are drawn for some thousand activities
