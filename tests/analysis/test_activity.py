"""What went on and who came: by hand on small logs, by plain counting on a random one, and what nobody can know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import activity

DAY = pd.Timestamp("2024-07-01")
WHERE = {"group": "group", "region": "region", "wave": "wave"}
PLACES = pd.DataFrame({"code": ["c1", "c2", "p"], "parent": ["p", "p", ""], "level": ["county", "county", "city"]})


def careers(*rows: tuple[str, str, str, int, str, bool | None]) -> pd.DataFrame:
    """A row a career: who, organisation, place, times, channel, and whether it began here (None: not known)."""
    frame = pd.DataFrame(rows, columns=["member", "group", "region", "count", "channel", "new"])
    before = frame.pop("new").map({True: DAY, False: DAY - pd.Timedelta(days=90), None: pd.NaT})
    return frame.assign(wave="2024", first=DAY, joined=pd.to_datetime(before))


def seen(**organisations: tuple[float, float] | None) -> pd.DataFrame:
    """A row an organisation: activities and joint ones; None: it has not reported."""
    rows = [(name, told is not None, *(told or (np.nan, np.nan))) for name, told in organisations.items()]
    return pd.DataFrame(rows, columns=["organisation", "reported", "activities", "joint"]).assign(wave="2024")


def found(came: pd.DataFrame, observed: pd.DataFrame, **changed: object) -> pd.DataFrame:
    rows = activity(came, observed=observed, **{**WHERE, "hierarchy": PLACES, **changed}).tidy()
    return rows.set_index(["group", "region", "domain", "term", "statistic"])


CAME = careers(
    ("a", "x", "c1", 3, "online", True),
    ("a", "y", "c2", 1, "onsite", False),
    ("b", "x", "c1", 1, "online", True),
    ("c", "x", "c2", 2, "onsite", False),
    ("d", "z", "c1", 9, "online", True),
)
OBSERVED = seen(x=(12.0, 3.0), y=(4.0, 3.0), z=None)


def test_by_hand() -> None:
    rows = found(CAME, OBSERVED)["estimate"]
    assert rows["*", "*", "*", "took_part", "people"] == 3  # a is one person; d's organisation has not reported
    assert rows["x", "*", "*", "took_part", "people"] == 3
    assert rows["*", "p", "*", "took_part", "people"] == 3
    assert rows["*", "c1", "*", "took_part", "people"] == 2
    assert rows["x", "c2", "*", "took_part", "people"] == 1
    assert rows["*", "*", "*", "first_time", "proportion"] == 2 / 4  # of careers
    assert rows["x", "*", "*", "first_time", "proportion"] == pytest.approx(2 / 3)
    assert rows["*", "*", "*", "took_part", "again"] == 2 / 4
    assert rows["*", "*", "channel=online", "took_part", "share"] == 2 / 4
    assert rows["*", "*", "*", "activities", "events"] == 16
    assert rows["*", "*", "*", "activities", "joint"] == 6 / 16
    assert rows["y", "*", "*", "activities", "joint"] == 3 / 4


def test_the_interval_is_wilsons() -> None:
    row = found(CAME, OBSERVED).loc[("x", "*", "*", "activities", "joint")]
    assert row["n"] == 12
    centre, half = (
        (3 + 1.959964**2 / 2) / (12 + 1.959964**2),
        1.959964 * np.sqrt(3 * 9 / 12 + 1.959964**2 / 4) / (12 + 1.959964**2),
    )
    assert row[["conf_low", "conf_high"]].tolist() == pytest.approx([centre - half, centre + half], abs=1e-6)


def test_who_did_not_report_is_no_zero() -> None:
    rows = found(CAME, OBSERVED)
    for term, statistic in (("activities", "events"), ("took_part", "people"), ("first_time", "proportion")):
        row = rows.loc[("z", "*", "*", term, statistic)]
        assert (row["status"], np.isnan(row["estimate"])) == ("not_reported", True)


def test_what_is_not_known_of_anybody_is_not_estimable() -> None:
    unknown = careers(("a", "x", "c1", 1, "online", None), ("b", "x", "c1", 1, "online", None))
    row = found(unknown, OBSERVED).loc[("x", "*", "*", "first_time", "proportion")]
    assert (row["status"], np.isnan(row["estimate"])) == ("not_estimable", True)
    half = careers(("a", "x", "c1", 1, "online", None), ("b", "x", "c1", 1, "online", True))
    row = found(half, OBSERVED).loc[("x", "*", "*", "first_time", "proportion")]
    assert (row["estimate"], row["n"]) == (1, 1)


def test_an_empty_log_has_activities_and_nobody() -> None:
    rows = found(CAME[:0], OBSERVED)
    assert rows.loc[("x", "*", "*", "activities", "events"), "n"] == 0
    assert (
        "people" not in rows.index.get_level_values("statistic")
        or rows.xs("people", level="statistic")["estimate"].isna().all()
    )


@pytest.mark.parametrize("seed", range(3))
def test_by_plain_counting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    who, times, new = rng.integers(200, size=n), rng.integers(1, 4, size=n), rng.random(n) < 0.4
    rows = [
        (f"m{w}", rng.choice(list("xy")), rng.choice(["c1", "c2"]), int(t), "online", bool(fresh))
        for w, t, fresh in zip(who, times, new, strict=True)
    ]
    came = careers(*rows).drop_duplicates(["member", "group"])
    told = found(came, seen(x=(30.0, 10.0), y=(20.0, 10.0)))["estimate"]
    for (group, region), part in came.groupby(["group", "region"]):
        assert told[group, region, "*", "took_part", "people"] == part["member"].nunique()
        assert told[group, region, "*", "first_time", "proportion"] == pytest.approx(
            (part["joined"] == part["first"]).mean()
        )
        assert told[group, region, "*", "took_part", "again"] == pytest.approx((part["count"] > 1).mean())
    assert told["*", "*", "*", "took_part", "people"] == came["member"].nunique()


def test_a_study_without_organisations_and_places() -> None:
    plain = CAME.drop(columns=["group", "region"]).drop_duplicates("member")
    whole = pd.DataFrame(
        {"organisation": [None], "reported": True, "activities": [5.0], "joint": [0.0], "wave": "2024"}
    )
    rows = found(plain, whole, group=None, region=None, hierarchy=None)["estimate"]
    assert rows["*", "*", "*", "took_part", "people"] == 4
    assert rows["*", "*", "*", "activities", "events"] == 5


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match="several rows for a wave, member and group"):
        found(pd.concat([CAME, CAME[:1]]), OBSERVED)
    with pytest.raises(ValueError, match="several rows for a wave, member and group"):
        found(pd.concat([CAME[:1], CAME]), OBSERVED)  # in the order of members and groups
    with pytest.raises(ValueError, match="lacks the columns"):
        found(CAME.drop(columns="joined"), OBSERVED)
    with pytest.raises(ValueError, match="lacks the columns"):
        found(CAME, OBSERVED.drop(columns="reported"))
