"""What may be shown of the chain: cells of few members are hidden, also where few alone are linked; the demo's chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.methods.design import Design
from analysis.methods.stages import STAGES
from analysis.questions.chain import chain
from survey import open_study

STEPS = {"propose": "said", "take_part": "came"}
LOG = {"take_part": "count"}
WHERE = {"group": "group", "region": None, "wave": "wave", "design": None}


def cell(table, term, statistic, *, group="*", wave="1") -> pd.Series:
    hit = (table[["term", "statistic", "group", "wave"]] == [term, statistic, group, wave]).all(axis=1)
    assert hit.sum() == 1, f"{hit.sum()} rows"
    return table[hit].iloc[0]


SIZES = {"g1": 60, "g2": 40, "g3": 4}


def made_study() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    group = np.repeat(list(SIZES), list(SIZES.values()))
    members = pd.DataFrame({"wave": "1", "group": group, "member": [f"p{n}" for n in range(len(group))]})
    members[["said", "came"]] = rng.integers(0, 2, (len(group), 2)).astype(float)
    # all of g1 consented, of g2 five
    there = (members["group"] == "g1") | (members.groupby("group").cumcount() < 5) & (members["group"] == "g2")
    members["log_member"] = ("L" + members["member"]).where(there)
    careers = members.loc[there & (members["came"] == 1), ["wave", "group"]].assign(
        member=members["log_member"], count=1
    )
    proposals = members[["wave", "group", "member"]].assign(
        made=pd.Timestamp("2024-01-01"), answered=members["said"] == 1
    )
    return members, careers, proposals


def test_the_door_lets_the_chain_out_and_keeps_cells_of_few():
    members, careers, proposals = made_study()
    fit = analysis.chain(members, steps=STEPS, careers=careers, log_steps=LOG, proposals=proposals, **WHERE)
    terms = dict.fromkeys((*STEPS, "linkage"), ("survey", 0.0, 1.0)) | {t: (t, 0.0, 1.0) for t in STAGES}
    nobody = proposals[["wave", "member", "group"]].head(0)
    plan = analysis.plan_release(
        {"survey": members.assign(linkage=members["log_member"]), "proposals": proposals, "cases": nobody},
        variables=terms,
        cuts=[(), ("group",)],
        hierarchy=None,
        rules={},
    )
    shown = analysis.release(fit, plan).table
    kept = {g: cell(shown, "take_part", "marginal", group=g)["status"] for g in SIZES}
    # four people are few; a second organisation stays hidden, or they would be all less the others
    assert kept == {"g1": "ok", "g2": "withheld", "g3": "withheld"}
    assert cell(shown, "take_part", "cumulative")["status"] == "ok"
    told = {g: cell(shown, "proposals", "made", group=g)["status"] for g in SIZES}
    assert told == kept
    assert cell(shown, "proposals", "made")["estimate"] == 105  # 104, in fives
    numbers = shown[shown["status"] == "ok"]
    assert (numbers["n"] >= 10).all()
    assert cell(shown, "cases", "raised", wave="*")["status"] == "not_asked"


def test_what_stands_on_few_linked_people_is_hidden_though_many_answered():
    members, careers, _ = made_study()
    members = members[members["group"] != "g3"]
    fit = analysis.chain(members, steps=STEPS, careers=careers, log_steps=LOG, **WHERE)
    people = members.assign(linkage=members["log_member"])
    terms = dict.fromkeys((*STEPS, "linkage"), ("survey", 0.0, 1.0)) | dict.fromkeys(STAGES, ("log", 0.0, 1.0))
    plan = analysis.plan_release(
        {"survey": people, "log": careers}, variables=terms, cuts=[(), ("group",)], hierarchy=None, rules={}
    )
    shown = analysis.release(fit, plan).table
    assert cell(shown, "take_part", "marginal", group="g2")["status"] == "ok"
    for statistic in ("by_log", "lowest", "highest", "agreement"):
        assert cell(shown, "take_part", statistic, group="g2")["status"] == "withheld", statistic
        assert cell(shown, "take_part", statistic)["status"] in ("ok", "withheld")


@pytest.mark.slow
def test_the_demo_has_a_chain_and_it_may_be_shown():
    panel = open_study("demo").panel()
    steps = {step: step for step in ("propose", "take_part", "evaluate", "benefit", "design")}
    files = {name: getattr(panel, name) for name in ("careers", "observed", "proposals", "cases")}
    fit = chain(
        panel.members,
        steps=steps,
        requires={"benefit": "take_part"},
        design=Design(**panel.design),
        **files,
        **panel.where,
    )
    table = fit.tidy()
    whole = table[(table["group"] == "*") & (table["region"] == "*") & (table["wave"] == panel.wave)]
    shares = whole[whole["statistic"] == "cumulative"].set_index("term")["estimate"]
    assert shares.index.tolist() == list(steps)
    assert shares.is_monotonic_decreasing
    assert whole.query("term == 'take_part' and statistic == 'agreement'")["estimate"].item() > 0.8
    made = whole[whole["term"] == "proposals"].set_index("statistic")["estimate"]
    ours = panel.proposals[panel.proposals["wave"] == panel.wave]
    assert made["made"] == len(ours)
    assert made["gap_heard_adopted"] == pytest.approx(ours["answered"].mean() - ours["adopted"].mean())
    assert 0 < made["days_to_answered"] < 365
    shown = analysis.release(fit, analysis.plan_release(**panel.release_inputs)).table
    assert len(shown) == len(table)
    assert (shown.loc[shown["status"] == "ok", "n"] >= 10).all()
