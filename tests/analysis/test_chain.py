"""The members' chain: small tables by hand, R's survey (tests/reference/chain.R), identities of steps, coverage of intervals."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.methods.contrasts import contrast
from analysis.methods.design import Design
from analysis.methods.estimates import estimates
from analysis.methods.passing import passing
from analysis.questions.chain import chain
from analysis.tidy import COLUMNS, Result

EXACT = 1e-12  # a few numbers of a few digits, added and divided
AS_R = 1e-9  # the same formulas in another order; R prints 15 digits
COVERED = 0.91  # 95 % of 300 samples, less three of its own errors (0.0126)
DRAWN = 0.02  # three errors of a share of 4,000 draws
REFERENCE = Path(__file__).resolve().parents[1] / "reference"
NONE = None
# propose, take_part, benefit; f came and did not say what for
PEOPLE = pd.DataFrame(
    [
        ("a", "g1", 1, 1, 1),
        ("b", "g1", 1, 1, 0),
        ("c", "g1", 1, 0, NONE),
        ("d", "g2", 0, 1, 1),
        ("e", "g2", 0, 0, NONE),
        ("f", "g2", 1, 1, NONE),
    ],
    columns=["member", "group", "said", "came", "gained"],
).assign(wave="1", region=["x", "x", "y", "y", "y", "x"])
STEPS = {"propose": "said", "take_part": "came", "benefit": "gained"}
TREE = pd.DataFrame({"code": ["p", "x", "y"], "parent": ["", "p", "p"], "level": ["city", "county", "county"]})
WHERE = {"group": "group", "region": "region", "wave": "wave", "hierarchy": TREE, "design": None}
WHOLE = {"group": None, "region": None, "wave": None, "hierarchy": None, "design": None}
SKIP = {"benefit": "take_part"}


def fitted(members=PEOPLE, **more) -> pd.DataFrame:
    return chain(members, **({"steps": STEPS, "requires": SKIP} | WHERE | more)).tidy()


def cell(table, term, statistic, *, group="*", region="*", wave="1") -> pd.Series:
    hit = table[["term", "statistic", "group", "region", "wave"]] == [term, statistic, group, region, wave]
    assert hit.all(axis=1).sum() == 1, f"{hit.all(axis=1).sum()} rows"
    return table[hit.all(axis=1)].iloc[0]


@pytest.mark.parametrize(
    ("statistic", "expected", "n"),
    [
        ("marginal", [4 / 6, 4 / 6, 2 / 5], [6, 6, 5]),  # c and e did not take part: their missing answer is a 0
        ("conditional", [4 / 6, 3 / 4, 1 / 2], [6, 4, 2]),
        ("cumulative", [4 / 6, 1 / 2, 1 / 4], [6, 6, 5]),  # of f nobody knows whether the last step was done
        ("lost", [1 / 3, 1 / 6, 1 / 4], [6, 6, 5]),
    ],
)
def test_shares_by_hand(statistic, expected, n):
    rows = [cell(fitted(), step, statistic) for step in STEPS]
    assert [r["estimate"] for r in rows] == pytest.approx(expected, abs=EXACT)
    assert [r["n"] for r in rows] == n
    assert {r["status"] for r in rows} == {"ok"}


def test_errors_by_hand():
    first = cell(fitted(), "propose", "marginal")
    assert first["std_error"] == pytest.approx(np.sqrt((4 / 6) * (2 / 6) / 5), rel=EXACT)
    # influences of c_2 = r_1 r_2: a, b, f 1/2, c and e, d -1/2, on six people
    assert cell(fitted(), "take_part", "cumulative")["std_error"] == pytest.approx(np.sqrt(0.25 / 5), rel=EXACT)
    table = fitted().dropna(subset=["conf_low"])
    assert (table["conf_low"] >= 0).all()
    assert (table["conf_high"] <= 1).all()


def test_cuts_by_hand():
    table = fitted()
    assert cell(table, "take_part", "cumulative", group="g1")["estimate"] == pytest.approx(2 / 3)
    assert cell(table, "take_part", "cumulative", region="x")["estimate"] == 1
    assert cell(table, "take_part", "cumulative", region="p")["n"] == 6
    assert cell(table, "propose", "marginal", group="g2", region="y")["estimate"] == 0
    nobody = cell(table, "take_part", "conditional", group="g2", region="y")
    assert nobody[["status", "n"]].tolist() == ["not_estimable", 0]
    assert cell(table, "benefit", "cumulative", group="g2", region="y")["estimate"] == 0  # nobody was left


def test_a_missing_answer_is_filled_only_where_it_is_said_so():
    plain = fitted(requires=None)
    assert cell(plain, "benefit", "marginal")[["estimate", "n"]].tolist() == pytest.approx([2 / 3, 3])
    assert cell(plain, "benefit", "cumulative")["estimate"] == pytest.approx(1 / 4)
    chained = fitted(
        requires={"benefit": "take_part", "take_part": "propose"}, members=PEOPLE.assign(came=[1, 1, 0, NONE, 0, 1])
    )
    assert cell(chained, "take_part", "marginal")["n"] == 6  # d proposed nothing, so did not take part


def test_who_fell_out_after_an_answer_that_did_not_come_is_known_to_have_fallen():
    rows = pd.DataFrame({"a": [1.0, 1.0, 1.0], "b": [np.nan, np.nan, 1.0], "c": [0.0, 1.0, 1.0]})
    table = chain(rows, steps={"a": "a", "b": "b", "c": "c"}, **WHOLE).tidy()
    assert cell(table, "c", "cumulative", wave="*")["n"] == 2  # the second may have done all or not
    assert cell(table, "b", "cumulative", wave="*")["n"] == 1


def test_what_was_not_asked_is_not_filled_for_the_next_either():
    rows = PEOPLE.assign(after=NONE)
    waves = pd.concat(
        [rows.assign(after=[1, 0, NONE, 1, NONE, 0]), rows.assign(wave="2", gained=NONE, after=[1] * 3 + [NONE] * 3)]
    )
    steps, needs = STEPS | {"evaluate": "after"}, SKIP | {"evaluate": "benefit"}
    table = fitted(waves.astype({"gained": float, "after": float}), steps=steps, requires=needs)
    assert cell(table, "evaluate", "marginal")["n"] == 6  # c and e got nothing, so there was nothing to evaluate
    assert cell(table, "evaluate", "marginal", wave="2")["n"] == 3


def test_nothing_is_filled_in_a_wave_that_did_not_ask():
    table = fitted(pd.concat([PEOPLE, PEOPLE.assign(wave="2", gained=np.nan)]))
    rows = table[(table["wave"] == "2") & (table["term"] == "benefit") & (table["statistic"] != "by_log")]
    assert rows[["statistic", "status", "group", "region"]].to_numpy().tolist() == [["marginal", "not_asked", "*", "*"]]
    assert cell(table, "take_part", "cumulative", wave="2")["estimate"] == pytest.approx(1 / 2)


def test_what_follows_a_step_that_was_not_asked_is_no_chain():
    table = fitted(PEOPLE.assign(came=np.nan), requires=None)
    mine = table[
        (table["term"] == "benefit") & table["statistic"].isin(["conditional", "cumulative", "lost", "lost_most"])
    ]
    assert mine[["status", "group"]].to_numpy().tolist() == [["not_asked", "*"]] * 4
    assert cell(table, "benefit", "marginal")["estimate"] == pytest.approx(2 / 3)
    assert cell(table, "propose", "lost_most")["estimate"] == 1


def reference() -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers = pd.read_csv(REFERENCE / "chain.csv", dtype={"term": "str"})
    return pd.read_csv(REFERENCE / "chain_data.csv"), numbers[numbers["case"] != "median"]


def test_as_survey_in_r():
    people, numbers = reference()
    design = Design(weights="weight", strata="stratum", cluster="cluster")
    options = WHOLE | {"group": "group", "design": design}
    ours = chain(people, steps={s: s for s in ("propose", "take_part", "benefit")}, **options).tidy()
    assert len(numbers) == 36
    for case, term, estimate, error in zip(
        *(numbers[c] for c in ("case", "term", "estimate", "std_error")), strict=True
    ):
        statistic, group = case.split()
        mine = cell(ours, term, statistic, group=group, wave="*")
        assert mine[["estimate", "std_error"]].tolist() == pytest.approx([estimate, error], rel=AS_R), (case, term)


def test_intervals_are_those_of_proportions():
    people, _ = reference()
    people = people.assign(all=people["propose"] * people["take_part"])
    ours = chain(people, steps={"one": "propose", "two": "take_part"}, **WHOLE).tidy()
    whole = estimates(people, variables="all", statistic="proportion").tidy().iloc[1]
    mine = cell(ours, "two", "cumulative", wave="*")
    assert mine[["conf_low", "conf_high"]].tolist() == pytest.approx(
        whole[["conf_low", "conf_high"]].tolist(), rel=AS_R
    )


def test_where_most_are_lost_is_a_normal_chance():
    people, _ = reference()
    people = people.assign(one=1.0 - people["propose"], two=people["propose"] * (1.0 - people["take_part"]))
    shown = people[people.index % 10 == 0]  # fewer, so that chance matters
    apart = contrast(estimates(shown, variables=["one", "two"]), [(0, 1)]).tidy().iloc[0]
    ours = chain(shown, steps={"one": "propose", "two": "take_part"}, **WHOLE).tidy()
    chance = NormalDist().cdf(apart["estimate"] / apart["std_error"])
    assert 0.6 < chance < 0.999
    assert cell(ours, "one", "lost_most", wave="*")["estimate"] == pytest.approx(chance, abs=DRAWN)


def test_steps_that_lose_alike_share_the_chance():
    rows = pd.DataFrame({"one": [0.0, 1.0, 1.0] * 30, "two": [np.nan, 0.0, 1.0] * 30})
    table = chain(rows, steps={"first": "one", "second": "two"}, **WHOLE).tidy()
    assert cell(table, "first", "lost_most", wave="*")["estimate"] == pytest.approx(0.5, abs=1.5 * DRAWN)


def test_replicate_weights_give_nearly_the_same_error():
    people, _ = reference()
    rng = np.random.default_rng(1)
    names = tuple(f"r{k}" for k in range(400))
    times = pd.DataFrame(rng.multinomial(len(people), [1 / len(people)] * len(people), 400).T, columns=list(names))
    steps = {"one": "propose", "two": "take_part", "three": "benefit"}
    drawn = chain(
        people.assign(w=1.0).join(times), steps=steps, **WHOLE | {"design": Design(weights="w", replicates=names)}
    )
    plain = chain(people, steps=steps, **WHOLE).tidy()
    errors = [cell(t, "three", "lost", wave="*")["std_error"] for t in (drawn.tidy(), plain)]
    assert errors[0] == pytest.approx(errors[1], rel=0.15)  # 400 draws: 3.5 % of an error


answers = st.lists(
    st.tuples(*[st.sampled_from([0.0, 1.0, np.nan])] * 3, st.sampled_from("ab"), st.floats(0.5, 3)),
    min_size=2,
    max_size=30,
)


@given(answers)
@settings(max_examples=60, deadline=None)
def test_identities(rows):
    """Shares decrease, are products, add up with what was lost; chances add up to one."""
    frame = pd.DataFrame(rows, columns=["x", "y", "z", "group", "weight"])
    options = WHOLE | {"group": "group", "design": Design(weights="weight")}
    table = chain(frame, steps={"x": "x", "y": "y", "z": "z"}, draws=50, **options).tidy()
    wide = table[table["statistic"] != "by_log"].pivot(index=["group", "term"], columns="statistic", values="estimate")
    for group in wide.index.unique("group"):
        shares = wide.loc[group]
        if (
            not {"cumulative", "conditional", "lost"} <= set(shares)
            or shares["cumulative"].isna().any()
            or len(shares) < 3
        ):
            continue
        assert shares["cumulative"].is_monotonic_decreasing
        assert 1 - shares["lost"].sum() == pytest.approx(shares["cumulative"].iloc[-1], abs=1e-9)
        passed = shares["conditional"].fillna(0).cumprod()
        assert passed.to_numpy() == pytest.approx(shares["cumulative"].to_numpy(), abs=1e-9)
        if shares["lost_most"].notna().any():
            assert shares["lost_most"].sum() == pytest.approx(1, abs=1e-9)


@given(st.permutations(range(len(PEOPLE))))
@settings(max_examples=5, deadline=None)
def test_order_of_rows_does_not_matter(order):
    turned = fitted(PEOPLE.iloc[order].set_axis([0] * len(PEOPLE)))
    pd.testing.assert_frame_equal(turned, fitted(), rtol=1e-9)


def test_intervals_cover_the_truth_where_answers_are_missing():
    """Of those who passed the steps before, three in ten do not answer; counting who fell before would lean by 0.07."""
    rng = np.random.default_rng(7)
    truth = {"cumulative": (0.7, 0.42, 0.252), "lost": (0.3, 0.28, 0.168)}
    steps = {"a": "a", "b": "b", "c": "c"}
    hits: dict[tuple[str, str], list[bool]] = {}
    means: list[float] = []
    for _ in range(300):
        did = (rng.random((250, 3)) < [0.7, 0.6, 0.6]).astype(float)
        did[:, 1:][rng.random((250, 2)) < 0.3] = np.nan
        frame = pd.DataFrame(did, columns=list("abc"))
        rows = passing(frame, steps=steps, by={}, design=None, asked={"*": (True,) * 3}, draws=1)
        for statistic, expected in truth.items():
            mine = rows[rows["statistic"] == statistic]
            for value, row in zip(expected, mine.to_dict("records"), strict=True):
                hits.setdefault((statistic, row["term"]), []).append(row["conf_low"] <= value <= row["conf_high"])
        means.append(rows.loc[rows["statistic"] == "cumulative", "estimate"].iloc[-1])
    assert {k: np.mean(v) for k, v in hits.items() if np.mean(v) < COVERED} == {}
    assert np.mean(means) == pytest.approx(0.252, abs=0.006)  # three errors of a mean of 300


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": {}, "requires": None}, "steps is empty"),
        ({"steps": {"propose": "spoke"}, "requires": None}, "lacks the columns.*spoke"),
        ({"members": PEOPLE.assign(came=[1, 1, 2, 0, 0, 3])}, "came, the step take_part.*2 rows hold other values"),
        ({"members": PEOPLE.assign(came="yes")}, "must hold numbers"),
        ({"requires": {"gain": "take_part"}}, "requires names the steps.*gain"),
        ({"requires": {"benefit": "benefit"}}, "did the same"),
        ({"steps": STEPS | {"cases": "said"}}, "cannot be called"),
        ({"observed": pd.DataFrame({"organisation": ["g1"]})}, "without careers observed"),
        ({"log_steps": {"take_part": "count"}}, "without careers log_steps"),
        ({"until": pd.Timestamp("2024-01-01")}, "without proposals or cases"),
        ({"draws": 0}, "above 0"),
        ({"region": None}, "hierarchy changes nothing"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        fitted(**change)


def test_result_keeps_the_contract():
    fit = chain(PEOPLE, steps={"propose": "said"}, **WHERE)
    assert isinstance(fit, Result)
    assert tuple(fit.tidy().columns) == COLUMNS
    assert repr(fit).startswith("ChainFit(propose; ")


def test_nothing_beside_the_answers_is_not_asked():
    told = fitted().query("statistic in ('by_log', 'made', 'raised')")
    assert told["term"].tolist() == [*STEPS, "proposals", "cases"]
    assert set(told["status"]) == {"not_asked"}
    nothing = pd.DataFrame()
    pd.testing.assert_frame_equal(fitted(), fitted(careers=nothing, proposals=nothing, cases=nothing))
