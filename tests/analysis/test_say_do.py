"""Attitudes beside behaviour: corners and bounds by hand, the design's errors, odds within and between people of a made truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analysis import Design, contrast, estimates
from analysis.questions.say_do import say_do

EXACT = 1e-12
SURE = 3
LIMITS = {"trust": (1.0, 5.0)}

# Wave 1. Linked: ann 5 came, bob 4 did not, cat 1 came, dan 3 (the middle) came, eve 2 did not. Not linked: fay 5, gus 1.
# Hal's organisation did not report. Ann's other organisation does not count.
ANSWERS = pd.DataFrame(
    {
        "log_member": ["ann", "bob", "cat", "dan", "eve", None, None, "hal"],
        "trust": [5.0, 4.0, 1.0, 3.0, 2.0, 5.0, 1.0, 5.0],
        "group": ["g1"] * 7 + ["g2"],
        "weight": [1.0, 2.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0],
    }
).assign(wave="1")
CAREERS = pd.DataFrame({"member": ["ann", "cat", "dan", "bob"], "group": ["g1", "g1", "g1", "g3"]}).assign(wave="1")
OBSERVED = pd.DataFrame({"organisation": ["g1", "g2", "g3"], "reported": [True, False, True]})
OBSERVED = OBSERVED.assign(wave="1", end=pd.Timestamp("2024-04-30"))


def fitted(answers: pd.DataFrame = ANSWERS, careers: pd.DataFrame | None = CAREERS, **more) -> pd.DataFrame:
    options = {"scales": ["trust"], "limits": LIMITS, "observed": OBSERVED, "group": "group", "wave": "wave"} | more
    return say_do(answers, careers, **options).tidy()


def row(table: pd.DataFrame, statistic: str, *, group: str = "*", domain: str = "*") -> pd.Series:
    found = table[(table[["statistic", "group", "domain"]] == [statistic, group, domain]).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("statistic", "equal", "weighted", "n"),
    [
        ("above_present", 1 / 5, 1 / 8, 5),
        ("above_absent", 1 / 5, 2 / 8, 5),
        ("below_present", 1 / 5, 1 / 8, 5),
        ("below_absent", 1 / 5, 3 / 8, 5),
        ("above_absent_lowest", 1 / 8, 2 / 11, 8),  # bob for sure; fay and hal may have
        ("above_absent_highest", 3 / 8, 4 / 11, 8),
        ("below_present_lowest", 1 / 8, 1 / 11, 8),  # cat; gus may have
        ("below_present_highest", 2 / 8, 2 / 11, 8),
    ],
)
def test_corners_and_bounds_by_hand(statistic, equal, weighted, n):
    one, two = row(fitted(), statistic), row(fitted(design=Design(weights="weight")), statistic)
    assert one["estimate"] == pytest.approx(equal, abs=EXACT)
    assert two["estimate"] == pytest.approx(weighted, abs=EXACT)
    assert one["n"] == two["n"] == n


def test_the_difference_of_those_who_came_has_the_designs_error():
    found = row(fitted(design=Design(weights="weight")), "present_minus_absent", group="g1")
    linked = ANSWERS.iloc[:5].assign(came=["yes", "no", "yes", "yes", "no"])
    means = estimates(linked, variables=["trust"], by=["came"], design=Design(weights="weight"))
    oracle = contrast(means, [({"domain": "came=yes"}, {"domain": "came=no"})]).tidy().iloc[0]
    assert found["estimate"] == pytest.approx(3 - 14 / 5, abs=EXACT)  # (5 + 1 + 3) / 3, (2 x 4 + 3 x 2) / 5
    assert found["estimate"] == pytest.approx(oracle["estimate"], abs=EXACT)


def test_no_row_leads_to_a_person():
    table = fitted(person="log_member")
    text = table.to_csv()
    assert not any(name in text for name in ("ann", "bob", "cat", "dan", "eve", "hal"))


def test_without_a_log_it_is_not_asked():
    assert set(fitted(careers=None)["status"]) == {"not_asked"}
    assert fitted(careers=CAREERS.head(0))["estimate"].isna().all()


def test_one_wave_foretells_nothing():
    table = fitted(person="log_member")
    assert set(table.loc[table["statistic"] == "odds_ratio", "status"]) == {"not_asked"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scales": "trust"}, "list of columns"),
        ({"scales": ["hope"]}, "lacks the columns \\['hope'\\]"),
        ({"limits": {}}, "limits are missing"),
        ({"limits": {"trust": (1, 4)}}, "3 scores of 'trust' lie outside"),
        ({"by": ["employer"]}, "lacks the columns \\['employer'\\]"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words(options, words):
    with pytest.raises(ValueError, match=words):
        fitted(**options)


def panel(seed: int, *, within: float, between: float, of_units: float, people: int = 1500, units: int = 40):
    """Three waves of people in units, who come by their lasting liking, by how it moves, and by their unit's."""
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, units, people)
    climate, lasting = rng.normal(0, 0.5, units), rng.normal(0, 0.6, people)
    moved = rng.normal(0, 0.5, (3, people))
    score = np.clip(3 + climate[unit] + lasting + moved, 1, 5)
    names = np.array([f"p{k}" for k in range(people)])
    waves, careers = [], []
    for wave in range(3):
        frame = pd.DataFrame({"log_member": names, "trust": score[wave], "group": [f"u{k:02d}" for k in unit]})
        waves.append(frame.assign(wave=str(wave)))
    for wave in range(4):
        before = max(wave - 1, 0)
        eta = -0.3 + of_units * climate[unit] + between * lasting + within * moved[before] + 0.3 * wave
        came = rng.random(people) < expit(eta)
        careers.append(pd.DataFrame({"member": names[came], "group": waves[0]["group"][came]}).assign(wave=str(wave)))
    ends = [(str(w), g, pd.Timestamp(2020 + w, 6, 1)) for w in range(4) for g in sorted(set(waves[0]["group"]))]
    observed = pd.DataFrame(ends, columns=["wave", "organisation", "end"]).assign(reported=True)
    return pd.concat(waves, ignore_index=True), pd.concat(careers, ignore_index=True), observed


def odds(seed: int, **truth: float) -> dict[str, pd.Series]:
    answers, careers, observed = panel(seed, **truth)
    table = fitted(answers, careers, observed=observed, person="log_member", window_days=365)
    rows = table[table["statistic"] == "odds_ratio"].set_index("domain")
    assert set(rows["status"]) == {"ok"}
    return {part.removeprefix("part="): rows.loc[part] for part in rows.index}


def test_a_change_of_mind_is_told_from_a_lasting_liking():
    """Where only the lasting part drives coming, the odds within people are 1, those between people not; and turned round."""
    lasting = odds(1, within=0.0, between=1.2, of_units=1.2)
    assert lasting["within_person"]["conf_low"] < 1 < lasting["within_person"]["conf_high"]
    assert lasting["between_people"]["conf_low"] > 1.3
    moving = odds(2, within=1.0, between=0.0, of_units=0.0)
    assert moving["within_person"]["conf_low"] > 1.8
    assert moving["between_units"]["conf_low"] < 1 < moving["between_units"]["conf_high"]


def test_bounds_of_the_odds_hold_what_the_whole_would_have_told():
    """Of people who are all in the log some are unlinked as chance has it, then by what they did: the bounds hold both."""
    answers, careers, observed = panel(5, within=0.6, between=0.6, of_units=0.6, people=900, units=20)
    answers["person"] = answers["log_member"]
    options = {"observed": observed, "person": "person", "window_days": 365}
    whole = fitted(answers, careers, **options).query("statistic == 'odds_ratio'").set_index("domain")["estimate"]
    assert not fitted(answers, careers, **options)["statistic"].str.contains("odds_ratio_").any()
    often = answers["log_member"].map(careers["member"].value_counts()).fillna(0)
    high = answers.groupby("log_member")["trust"].transform("mean") > 3
    people = answers["log_member"].rank(method="dense")
    for gone in (people % 3 == 0, (often > 1) & high):
        some = answers.assign(log_member=answers["log_member"].mask(gone))
        told = fitted(some, careers, **options)
        told = told[told["statistic"].str.startswith("odds_ratio")]
        rows = told.pivot_table(index="domain", columns="statistic", values="estimate").loc[whole.index]
        assert (rows["odds_ratio_lowest"] < rows["odds_ratio"]).all()
        assert (rows["odds_ratio"] < rows["odds_ratio_highest"]).all()
        assert (rows["odds_ratio_lowest"] < whole).all()
        assert (whole < rows["odds_ratio_highest"]).all()


def test_a_bound_of_the_odds_is_the_fit_of_what_it_supposes():
    answers, careers, observed = panel(6, within=0.6, between=0.6, of_units=0.6, people=600, units=12)
    answers["person"] = answers["log_member"]
    gone = answers["log_member"].rank(method="dense") % 4 == 0
    options = {"observed": observed, "person": "person", "window_days": 365}
    told = fitted(answers.assign(log_member=answers["log_member"].mask(gone)), careers, **options)
    found = told[(told["statistic"] == "odds_ratio_highest") & (told["domain"] == "part=within_person")].iloc[0]
    above = answers["trust"] > answers.groupby("person")["trust"].transform("mean")
    supposed = answers.loc[gone & above, ["person", "group", "wave"]].rename(columns={"person": "member"})
    supposed["wave"] = (supposed["wave"].astype(int) + 1).astype(str)  # came in the window after the answer
    kept = careers[~careers["member"].isin(answers.loc[gone, "person"])]
    same = fitted(answers, pd.concat([kept, supposed], ignore_index=True), **options)
    same = same[(same["statistic"] == "odds_ratio") & (same["domain"] == "part=within_person")].iloc[0]
    assert found["estimate"] == pytest.approx(same["estimate"], rel=1e-6)
    assert found["n"] == same["n"]


@pytest.mark.slow
def test_intervals_of_the_odds_within_people_cover():
    runs, inside = 60, 0
    for seed in range(runs):
        found = odds(100 + seed, within=0.7, between=0.7, of_units=0.7, people=400, units=10)["within_person"]
        inside += found["conf_low"] <= np.exp(0.7) <= found["conf_high"]
    # clipping at the ends of the scale weakens the slope a little
    assert inside / runs > 0.95 - SURE * np.sqrt(0.95 * 0.05 / runs) - 0.03
