"""Entry and exit by hand, by groupby on a real panel; people unseen are no exits; the clusters' error written out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis import transitions
from analysis.tidy import COLUMNS

EXACT = 1e-12  # counts divided by counts
PRINTED = 5e-7  # rates printed with six decimals
RATES = [0.251376, 0.249541, 0.256881, 0.245872, 0.251376, 0.223853, 0.211009, 0.262385]
FEW = pd.DataFrame(
    [
        *[("ann", 1, 0), ("ann", 2, 1), ("ann", 3, 1)],
        *[("bob", 1, 1), ("bob", 3, 0)],  # not seen in wave 2: neither stayed nor left
        *[("cat", 1, 1), ("cat", 2, 0), ("cat", 3, None)],  # there in wave 3, but nobody asked
        *[("dan", 2, 0), ("dan", 3, 0), ("eve", 1, 1), ("eve", 2, 1)],
    ],
    columns=["who", "year", "member"],
)


def told(frame: pd.DataFrame, **other: object) -> pd.DataFrame:
    asked = {"person": "who", "wave": "year", "state": "member"} | other
    return transitions(frame, **asked).tidy()  # type: ignore[arg-type]


def row(table: pd.DataFrame, statistic: str, wave: str, **keys: str) -> pd.Series:
    chosen = {"statistic": statistic, "wave": wave} | keys
    found = table[(table[list(chosen)] == list(chosen.values())).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("statistic", "wave", "count", "n"),
    [
        ("entry", "2", 1, 1),  # ann; dan was not seen before
        ("exit", "2", 1, 2),  # cat of cat and eve; bob was not seen after
        ("stay", "2", 1, 2),
        ("share", "1", 3, 4),
        ("share", "2", 2, 4),
        ("entry", "3", 0, 1),  # dan
        ("exit", "3", 0, 1),  # ann; eve and cat were not seen after
        ("share", "3", 1, 3),
    ],
)
def test_rates_by_hand(statistic: str, wave: str, count: int, n: int) -> None:
    found = row(told(FEW), statistic, wave)
    assert (found["estimate"], found["n"], found["status"]) == (pytest.approx(count / n, abs=EXACT), n, "ok")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx(proportion_confint(count, n, method="wilson"))


@pytest.mark.parametrize(
    ("statistic", "wave", "count", "n"),
    [
        ("unseen", "2", 2, 5),  # bob after, dan before
        ("unseen_after", "2", 1, 4),
        ("unseen", "3", 3, 5),  # cat and eve after, bob before
        ("unseen_after", "3", 2, 4),
        ("unseen", "*", 5, 10),
    ],
)
def test_who_was_not_seen_is_counted_and_is_no_exit(statistic: str, wave: str, count: int, n: int) -> None:
    found = row(told(FEW), statistic, wave)
    assert (found["estimate"], found["n"]) == (count, n)
    assert np.isnan(found["conf_low"])


def test_the_pooled_error_takes_persons_as_clusters() -> None:
    """Written out: the residuals of a person's pairs add up before they are squared."""
    rng = np.random.default_rng(4)
    likes = rng.uniform(0.1, 0.9, 60)
    frame = pd.DataFrame([(p, w, int(rng.random() < likes[p])) for p in range(60) for w in range(6)])
    frame = frame.set_axis(["who", "year", "member"], axis=1)
    found = row(told(frame), "exit", "*")
    wide = frame.pivot(index="who", columns="year", values="member").to_numpy()
    inside, out = wide[:, :-1] == 1, (wide[:, :-1] == 1) & (wide[:, 1:] == 0)
    n, p, there = inside.sum(), out.sum() / inside.sum(), inside.any(axis=1).sum()
    sums = (out.sum(axis=1) - p * inside.sum(axis=1)) / n
    error = np.sqrt(there / (there - 1) * (sums**2).sum())
    assert (found["estimate"], found["std_error"]) == pytest.approx((p, error), abs=EXACT)
    effective, t = p * (1 - p) / error**2 * n / (n - 1), stats.t.ppf(0.975, there - 1)
    centre, half = p + t**2 / (2 * effective), t * np.sqrt(p * (1 - p) / effective + (t / (2 * effective)) ** 2)
    ends = [(centre - half) / (1 + t**2 / effective), (centre + half) / (1 + t**2 / effective)]
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx(ends, abs=1e-9)


def test_a_real_panel_by_groupby(shared_data: Callable[[str], Path]) -> None:
    panel = pd.read_csv(shared_data("wagepan_union") / "wagepan.csv")
    found = transitions(panel, person="nr", wave="year", state="union")
    table = found.tidy()
    assert table.columns.tolist() == list(COLUMNS)
    shares = table[(table["statistic"] == "share") & (table["wave"] != "*")]
    assert shares["estimate"].tolist() == pytest.approx(RATES, abs=PRINTED)
    ordered = panel.sort_values(["nr", "year"])
    before = ordered.groupby("nr")["union"].shift()
    for year in range(1981, 1988):
        now = ordered["year"] == year
        came = ordered.loc[now & (before == 0), "union"]
        went = 1 - ordered.loc[now & (before == 1), "union"]
        for statistic, own in (("entry", came), ("exit", went)):
            one = row(table, statistic, str(year))
            assert (one["estimate"], one["n"]) == (pytest.approx(own.mean(), abs=EXACT), len(own))
            low, high = proportion_confint(own.sum(), len(own), method="wilson")
            assert one[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)
        assert row(table, "unseen", str(year))["estimate"] == 0
    pooled = row(table, "entry", "*")
    assert pooled["estimate"] == pytest.approx(ordered.loc[before == 0, "union"].mean(), abs=EXACT)
    assert pooled["n"] == (before == 0).sum() == 2894
    assert found.counts["n"].sum() == 545 * 7


def test_shares_and_rates_balance_in_a_closed_panel(shared_data: Callable[[str], Path]) -> None:
    """Share now = share before x stay + (1 - share before) x entry, where everybody is seen in both waves."""
    panel = pd.read_csv(shared_data("wagepan_union") / "wagepan.csv")
    table = transitions(panel, person="nr", wave="year", state="union", by="black").tidy()
    value = table[table["wave"] != "*"].set_index(["domain", "statistic", "wave"])["estimate"]
    for domain in ("black=0", "black=1"):
        for year in range(1981, 1988):
            before = value[domain, "share", str(year - 1)]
            now = before * value[domain, "stay", str(year)] + (1 - before) * value[domain, "entry", str(year)]
            assert value[domain, "share", str(year)] == pytest.approx(now, abs=EXACT)


def test_several_states_by_hand() -> None:
    frame = pd.DataFrame({"who": list("aabbccdd"), "year": [1, 2] * 4, "member": list("xyxxyzzx")})
    table = told(frame)
    assert row(table, "transition", "2", term="member=x:member=y")[["estimate", "n"]].tolist() == [0.5, 2]
    assert row(table, "transition", "2", term="member=y:member=z")[["estimate", "n"]].tolist() == [1, 1]
    assert row(table, "entry", "2", term="member=x")[["estimate", "n"]].tolist() == [0.5, 2]  # d of c, d
    assert row(table, "exit", "2", term="member=x")[["estimate", "n"]].tolist() == [0.5, 2]
    moves = table[(table["statistic"] == "transition") & (table["wave"] == "2")]
    assert len(moves) == 9
    assert moves.groupby(moves["term"].str.split(":").str[0])["estimate"].sum().tolist() == pytest.approx([1, 1, 1])


def test_a_pair_belongs_to_the_unit_before_and_rows_without_a_cut_to_none() -> None:
    frame = FEW.assign(org=["a", "b", "b", "a", "b", "a", "a", "a", None, "b", "b", "b"])
    table = told(frame, by="org")
    assert row(table, "entry", "2", domain="org=a")["n"] == 1  # ann was in a before
    assert row(table, "entry", "2", domain="org=b")["status"] == "not_estimable"
    assert row(table, "share", "2", domain="org=b")["n"] == 2  # ann and eve; dan is in no unit in wave 2


def test_where_nobody_moved_the_pooled_rate_is_nought_with_an_interval() -> None:
    frame = pd.DataFrame([(p, w, 0) for p in range(9) for w in (1, 2, 3)], columns=["who", "year", "member"])
    found = row(told(frame), "entry", "*")
    assert (found["estimate"], found["conf_low"]) == (0, 0)
    assert 0 < found["conf_high"] < 0.5
    assert row(told(frame), "exit", "*")["status"] == "not_estimable"


@pytest.mark.parametrize(
    ("changed", "asked", "said"),
    [
        ({}, {"state": "union"}, "does not have"),
        ({"who": "ann"}, {}, "9 rows too many"),
        ({"who": [None, *FEW["who"][1:]]}, {}, "missing in 1 rows"),
        ({"year": 2, "who": range(12)}, {}, "holds 1 wave"),
        ({"member": "yes"}, {}, "holds 1 state"),
        ({}, {"by": "member"}, "two things"),
        ({"wave": 1}, {"by": "wave"}, "two things"),
        ({}, {"conf_level": 1}, "conf_level"),
    ],
)
def test_refusals_say_what_was_seen(changed: dict, asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said) as info:
        told(FEW.assign(**changed), **asked)
    assert "ann" not in str(info.value)
