"""What the log, the files of proposals and of cases add to the chain: by hand and as R's survival."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from analysis.methods.stages import STAGES, stage_rows
from analysis.questions.chain import chain
from survey import schema

EXACT = 1e-12  # counts divided by counts
REFERENCE = Path(__file__).resolve().parents[1] / "reference"
NONE = None
# the log knows 1, 2, 3, 5 and 6; of 2 only with another organisation; 6 did not say whether it came
MEMBERS = pd.DataFrame(
    [
        ("g1", "L1", 1, 1),
        ("g1", "L2", 1, 0),
        ("g1", "L3", 0, 0),
        ("g1", NONE, 1, 0),
        ("g2", "L5", 1, 1),
        ("g1", "L6", NONE, 1),
    ],
    columns=["group", "log_member", "came", "said"],
).assign(wave="1")
CAREERS = pd.DataFrame(
    [("L1", "g1", 3, 1, 0), ("L2", "g2", 1, 0, 0), ("L5", "g2", 2, 1, 1), ("L6", "g1", 1, 0, 0)],
    columns=["member", "group", "count", "proposed", "designed"],
).assign(wave="1")
OBSERVED = pd.DataFrame({"wave": "1", "organisation": ["g1", "g2"], "reported": [True, False]})
STEPS = {"propose": "said", "take_part": "came"}
WHERE = {"group": "group", "region": None, "wave": "wave", "design": None}


def fitted(members=MEMBERS, **more) -> pd.DataFrame:
    return chain(members, **({"steps": STEPS, "careers": CAREERS} | WHERE | more)).tidy()


def cell(table, term, statistic, *, group="*", wave="1") -> pd.Series:
    hit = (table[["term", "statistic", "group", "wave"]] == [term, statistic, group, wave]).all(axis=1)
    assert hit.sum() == 1, f"{hit.sum()} rows"
    return table[hit].iloc[0]


@pytest.mark.parametrize(
    ("statistic", "share", "n"),
    [("by_log", 2 / 4, 4), ("agreement", 2 / 3, 3), ("lowest", 2 / 5, 5), ("highest", 3 / 5, 5)],
)
def test_the_log_by_hand(statistic, share, n):
    """Of g1: 1 and 6 took part by its log, 2 and 3 did not, 4 did not consent. g2 did not report: its member is nowhere."""
    table = fitted(observed=OBSERVED)
    for group in ("g1", "*"):
        found = cell(table, "take_part", statistic, group=group)
        assert found[["estimate", "n"]].tolist() == pytest.approx([share, n], abs=EXACT)
    silent = cell(table, "take_part", statistic, group="g2")
    assert silent["status"] == "not_reported"
    assert silent[["estimate", "n"]].isna().all()
    assert cell(table, "take_part", "marginal", group="g2")["estimate"] == 1  # what members say stands


def test_the_error_of_the_linked_is_that_of_a_domain():
    found = cell(fitted(observed=OBSERVED), "take_part", "by_log")
    # influences +-1/8 of four of six people; the full sample is six
    assert found["std_error"] == pytest.approx(np.sqrt(6 / 5 * 4 / 64), rel=EXACT)


def test_without_organisations_any_time_counts_and_all_must_have_reported():
    options = {"group": None}
    assert cell(fitted(**options), "take_part", "by_log")[["estimate", "n"]].tolist() == [4 / 5, 5]
    for statistic in ("by_log", "agreement", "lowest", "highest"):
        assert cell(fitted(observed=OBSERVED, **options), "take_part", statistic)["status"] == "not_reported"


def test_a_log_without_roles_does_not_say_that_nobody_proposed():
    seen = OBSERVED.assign(reported=True, roles=[False, True])
    table = fitted(observed=seen)
    assert cell(table, "propose", "by_log", group="g1")["status"] == "not_reported"
    assert cell(table, "propose", "by_log", group="g2")["estimate"] == 1
    assert cell(table, "propose", "by_log")[["estimate", "n"]].tolist() == [1, 1]
    assert cell(table, "take_part", "by_log", group="g1")["estimate"] == 2 / 4
    nobody = fitted(careers=CAREERS.assign(proposed=0, designed=0))
    assert cell(nobody, "propose", "by_log")["status"] == "not_reported"
    assert cell(nobody, "take_part", "by_log")["status"] == "ok"
    # somebody designed something: roles are recorded, and nobody's proposal is an answer
    assert cell(fitted(careers=CAREERS.assign(proposed=0)), "propose", "by_log")["estimate"] == 0


def test_a_wave_without_a_log_is_not_asked_and_one_that_sent_nothing_not_reported():
    both = pd.concat([MEMBERS, MEMBERS.assign(wave="2")])
    rows = fitted(both).query("wave == '2' and statistic == 'by_log' and term == 'take_part'")
    assert rows[["status", "group"]].to_numpy().tolist() == [["not_asked", "*"]]
    told = fitted(both, observed=OBSERVED.assign(reported=True))
    assert cell(told, "take_part", "by_log", wave="2")["status"] == "not_reported"
    assert cell(told, "take_part", "by_log", wave="1")["status"] == "ok"
    said = fitted(both, observed=pd.concat([OBSERVED, OBSERVED.assign(wave="2")]).assign(reported=True))
    assert cell(said, "take_part", "by_log", wave="2")["estimate"] == 0  # it reported, and nobody was there


def test_nobody_linked_leaves_everything_open():
    table = fitted(MEMBERS.assign(log_member=None))
    assert cell(table, "take_part", "by_log")["status"] == "not_estimable"
    bounds = [cell(table, "take_part", s)["estimate"] for s in ("lowest", "highest")]
    assert bounds == [0, 1]


def test_an_agreement_with_what_was_not_asked_is_one_row():
    table = fitted(MEMBERS.assign(came=np.nan))
    rows = table.query("term == 'take_part' and statistic == 'agreement'")
    assert rows[["status", "group"]].to_numpy().tolist() == [["not_asked", "*"]]
    assert cell(table, "take_part", "by_log")["status"] == "ok"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"careers": CAREERS.drop(columns="count")}, "careers frame lacks.*count"),
        ({"link": "id"}, "members frame lacks.*id"),
        ({"log_steps": {"come": "count"}}, "log_steps names the steps.*come"),
        ({"steps": {"come": "came"}}, "careers change nothing"),
        ({"observed": OBSERVED.drop(columns="reported")}, "observed frame lacks.*reported"),
        ({"proposals": pd.DataFrame({"wave": ["1"], "group": ["g1"]})}, "proposals frame lacks.*made"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        fitted(**change)


def day(*numbers: float | None) -> pd.Series:
    return pd.Series([pd.NaT if n is None else pd.Timestamp("2024-01-01") + pd.Timedelta(days=n) for n in numbers])


PROPOSALS = pd.DataFrame(
    {
        "wave": "1",
        "group": ["g1", "g1", "g1", "g2"],
        "made": day(0, 0, 0, 2),
        "answered": [True, True, True, False],
        "answered_on": day(5, 9, 11, None),
        "adopted": [True, False, False, False],
        "adopted_on": day(20, None, None, None),
        "told": [True, True, False, False],  # the second was told of a no, on a day nobody wrote down
        "told_on": day(22, None, None, None),
    }
)
FILED = {"group": "group", "region": None, "wave": "wave", "hierarchy": None}


def filed(rows=PROPOSALS, **more) -> pd.DataFrame:
    return stage_rows(rows, "proposals", **(FILED | more))


@pytest.mark.parametrize(
    ("statistic", "estimate", "n"),
    [
        ("made", 4, 4),
        ("answered", 3 / 4, 4),
        ("adopted", 1 / 4, 4),
        ("told", 2 / 4, 4),
        ("adopted_of_answered", 1 / 3, 3),
        ("told_of_answered", 2 / 3, 3),
        ("gap_heard_adopted", 2 / 4, 4),
        ("days_to_answered", 10, 4),  # 5, 9, 11, one open: half are answered at 9, more at 11; the middle of that
    ],
)
def test_proposals_by_hand(statistic, estimate, n):
    found = cell(filed(), "proposals", statistic)
    assert found[["estimate", "n"]].tolist() == pytest.approx([estimate, n], abs=EXACT)


def test_intervals_of_files():
    found = cell(filed(), "proposals", "answered")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx(
        proportion_confint(3, 4, method="wilson"), abs=EXACT
    )
    gap = cell(filed(), "proposals", "gap_heard_adopted")
    assert gap["std_error"] == pytest.approx(np.sqrt(2 - 4 / 4) / 4, rel=EXACT)
    # Bonett and Price: one more on either side, of six
    centre, half = (3 - 1) / 6, 1.959963984540054 * np.sqrt((4 / 6 - (2 / 6) ** 2) / 6)
    assert gap[["conf_low", "conf_high"]].tolist() == pytest.approx([centre - half, centre + half], abs=1e-9)


def test_the_gap_of_rows_that_were_adopted_without_an_answer():
    """Two answered alone, one adopted alone, of four: 1/4, and its error from the pairs."""
    rows = PROPOSALS.assign(answered=[True, True, False, False], adopted=[False, False, True, False])
    gap = cell(filed(rows[["wave", "group", "made", "answered", "adopted"]]), "proposals", "gap_heard_adopted")
    assert gap[["estimate", "std_error"]].tolist() == pytest.approx([1 / 4, np.sqrt(3 - 1 / 4) / 4], rel=EXACT)


def test_what_is_not_reached_or_not_recorded():
    table = filed(PROPOSALS.drop(columns=["told_on"]))
    assert cell(table, "proposals", "days_to_adopted")["status"] == "not_estimable"  # one of four in twenty days
    assert table.query("statistic == 'days_to_told'")[["status", "group"]].to_numpy().tolist() == [["not_asked", "*"]]
    silent = filed(PROPOSALS.drop(columns=["told", "told_on"])).query("statistic == 'told'")
    assert silent["status"].tolist() == ["not_asked"]
    nobody = cell(filed(), "proposals", "adopted_of_answered", group="g2")
    assert nobody["status"] == "not_estimable"
    other = filed(pd.concat([PROPOSALS, PROPOSALS.assign(wave="2", told=None)]))
    assert cell(other, "proposals", "told", wave="2")["status"] == "not_asked"
    assert cell(other, "proposals", "told")["status"] == "ok"


def test_until_takes_back_what_came_later():
    early = filed(until=pd.Timestamp("2024-01-11"))  # by day 10 two of four have their answer
    assert cell(early, "proposals", "days_to_answered")[["n", "n_eff"]].tolist() == [4, 2]
    assert cell(filed(until={"1": pd.Timestamp("2024-01-11")}), "proposals", "days_to_answered")["n_eff"] == 2
    assert (
        cell(filed(until=pd.Timestamp("2024-01-02")), "proposals", "days_to_answered")["n"] == 3
    )  # g2's was not made yet
    with pytest.raises(ValueError, match="no day for the waves"):
        filed(until={"2": pd.Timestamp("2024-01-11")})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (PROPOSALS.assign(answered_on=day(-1, 9, 11, None)), "1 rows have answered_on before made"),
        (PROPOSALS.assign(adopted=["yes", False, False, False]), "adopted must say True or False.*1 rows"),
    ],
)
def test_refuses_files(rows, words):
    with pytest.raises(ValueError, match=words):
        filed(rows)


def test_medians_as_survival_in_r():
    days = pd.read_csv(REFERENCE / "chain_days.csv", dtype={"wave": "str"})
    numbers = pd.read_csv(REFERENCE / "chain.csv", dtype={"term": "str"}).query("case == 'median'").set_index("term")
    start = pd.Timestamp("2024-01-01")
    # every row was followed for its own time: it began as many days before the end of all
    end = start + pd.Timedelta(days=200)
    on = pd.Series(end, index=days.index).where(days["seen"] == 1)
    rows = days.assign(raised=end - pd.to_timedelta(days["days"], unit="D"), accepted=days["seen"] == 1, accepted_on=on)
    table = stage_rows(rows, "cases", **FILED | {"group": None}, until=end)
    for wave, theirs in numbers.iterrows():
        mine = cell(table, "cases", "days_to_accepted", wave=wave)
        expected = theirs[["estimate", "conf_low", "conf_high"]].astype(float).tolist()
        assert mine[["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(expected, abs=EXACT)


def test_a_wave_without_proposals_is_not_asked():
    table = fitted(pd.concat([MEMBERS, MEMBERS.assign(wave="2")]), proposals=PROPOSALS)
    assert cell(table, "proposals", "made", wave="2")["status"] == "not_asked"
    assert cell(table, "proposals", "made")["estimate"] == 4


def test_stages_are_those_of_the_study_format():
    assert {name: schema.STAGES[name] for name in STAGES} == STAGES
