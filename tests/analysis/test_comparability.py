"""Verdicts on scales: flaws that were planted, instruments that changed, and what cannot be tested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.methods.comparability import Comparability, comparability
from analysis.methods.instrument import turned_round

ITEMS = ("q1", "q2", "q3", "q4")
EASY = {"q1": 0.4, "q2": 0.0, "q3": -0.5, "q4": 0.9, "r1": 0.2, "r2": -0.3, "r3": 0.1, "r4": 0.6}
SCALES = {"s": ITEMS}
TWO = {"s": ITEMS, "t": ("r1", "r2", "r3", "r4")}


def answers(rng: np.random.Generator, n: int, standing: float = 0.0, items: tuple[str, ...] = ITEMS) -> pd.DataFrame:
    """Five-point answers; scales s and t correlate by 0.6."""
    both = rng.multivariate_normal([standing, standing], [[1, 0.6], [0.6, 1]], n)
    own = {i: both[:, 0 if i.startswith("q") else 1] for i in items}
    noise = rng.normal(size=(n, len(items)))
    cuts = [-1.4, -0.5, 0.4, 1.3]
    drawn = {i: 1.0 + np.searchsorted(cuts, EASY[i] + 0.75 * own[i] + 0.66 * noise[:, k]) for k, i in enumerate(items)}
    return pd.DataFrame(drawn)


def waves(items: tuple[str, ...] = ITEMS, n: int = 700) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(5)
    return answers(rng, n, 0.0, items).assign(wave="2023"), answers(rng, n, 0.2, items).assign(wave="2024")


def judged(frame: pd.DataFrame, scales: Any = None, **asked: Any) -> Comparability:
    given = {"group": None, "region": None, "wave": None} | asked
    return comparability(frame, scales=scales or SCALES, **given)


def forms(**changed: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """The instrument of both waves; `changed`: item to (form, wording) of 2023, None where it was not asked."""
    rows = [("2024", i, "1-5", "words") for i in ITEMS]
    then = dict.fromkeys(ITEMS, ("1-5", "words")) | changed.get("then", {})
    rows += [("2023", i, *found) for i, found in then.items() if found]
    return pd.DataFrame(rows, columns=["wave", "item", "form", "wording"])


def only(found: Comparability) -> dict[str, Any]:
    (row,) = found.verdicts.to_dict("records")
    return {str(k): v for k, v in row.items()}


def test_waves_asked_alike_are_comparable() -> None:
    before, now = waves()
    row = only(judged(pd.concat([before, now]), wave="wave", forms=forms()))
    assert (row["verdict"], row["reason"], row["tested"], row["wave"]) == ("comparable", "same", True, "2023")


def test_a_wave_whose_wording_changed_is_asked_of_the_answers() -> None:
    before, now = waves()
    told = forms(then={"q2": ("1-5", "other words")})
    harmless = only(judged(pd.concat([before, now]), wave="wave", forms=told))
    assert (harmless["verdict"], harmless["reason"], harmless["items"]) == ("comparable", "wording", "q2")
    before["q2"] = (before["q2"] - 1).clip(1, 5)
    harmed = only(judged(pd.concat([before, now]), wave="wave", forms=told))
    assert (harmed["verdict"], harmed["reason"], harmed["items"]) == ("linkable", "meaning", "q2")
    assert harmed["shift"] > 0.15


def test_other_words_for_all_but_one_question_break_the_scale() -> None:
    told = forms(then=dict.fromkeys(ITEMS[1:], ("1-5", "other")))
    row = only(judged(pd.concat(waves()), wave="wave", forms=told))
    assert (row["verdict"], row["reason"], row["items"]) == ("broken", "wording", "q2 q3 q4")


@pytest.mark.parametrize("told", [True, False])
def test_a_scale_of_five_points_after_ten_is_broken(told: bool) -> None:
    before, now = waves()
    before = before.assign(**{i: 2 * before[i] for i in ITEMS})
    given = forms(then=dict.fromkeys(ITEMS, ("1-10", "words"))) if told else None
    row = only(judged(pd.concat([before, now]), wave="wave", forms=given))
    assert (row["verdict"], row["reason"]) == ("broken", "codes")


def test_one_question_on_ten_points_leaves_the_others_to_link_by() -> None:
    before, now = waves()
    before["q3"] = 2 * before["q3"]
    found = judged(pd.concat([before, now]), wave="wave", forms=forms(then={"q3": ("1-10", "words")}))
    row = only(found)
    assert (row["verdict"], row["reason"], row["items"]) == ("linkable", "codes", "q3")
    assert found.latent["estimate"].iloc[0] == pytest.approx(-0.2 * 0.8, abs=0.1)  # 0.2 standard deviations lower then


def test_a_question_that_was_not_asked_is_one_with_other_codes() -> None:
    before, now = waves()
    row = only(judged(pd.concat([before.assign(q1=np.nan), now]), wave="wave", forms=forms(then={"q1": ()})))  # type: ignore[dict-item]
    assert (row["verdict"], row["reason"], row["items"]) == ("linkable", "codes", "q1")


def test_a_wave_turned_round_as_a_whole_is_broken() -> None:
    before, now = waves(tuple(EASY))
    turned = before.assign(**{i: 6 - before[i] for i in EASY})
    found = judged(pd.concat([turned, now]), TWO, wave="wave").verdicts
    assert found["verdict"].tolist() == ["broken"] * 2
    assert found["reason"].tolist() == ["reversed"] * 2
    fine = judged(pd.concat([before, now]), TWO, wave="wave").verdicts
    assert fine["verdict"].tolist() == ["comparable"] * 2


def test_one_scale_turned_round_is_told_from_its_correlation_and_profile() -> None:
    before, now = waves(tuple(EASY))
    third = {"q5": 0.4, "q6": 0.1}
    turned = before.assign(**{i: 6 - before[i] for i in ITEMS})
    limits = dict.fromkeys((*EASY, *third), (1.0, 5.0))
    said = turned_round([turned, now], TWO, limits)
    assert said["s"]
    assert not any(turned_round([before, now], TWO, limits).values())


def test_a_fall_of_all_means_is_no_turning_round() -> None:
    rng = np.random.default_rng(3)
    frames = [answers(rng, 900, s, tuple(EASY)) for s in (-1.0, 1.0)]
    assert not any(turned_round(frames, TWO, dict.fromkeys(EASY, (1.0, 5.0))).values())


def groups(n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    return pd.concat(
        [answers(rng, n, s).assign(group=g) for g, s in zip("abc", (0, 0.3, -0.2), strict=True)], ignore_index=True
    )


def test_a_question_that_organisations_understand_otherwise_is_named() -> None:
    frame = groups()
    assert only(judged(frame, group="group"))["verdict"] == "comparable"
    frame.loc[frame["group"] == "c", "q4"] = (frame["q4"] - 1).clip(1, 5)
    found = judged(frame, group="group")
    row = only(found)
    assert (row["verdict"], row["reason"], row["items"]) == ("linkable", "meaning", "q4")
    assert row["shift"] == pytest.approx(0.25, abs=0.05)  # one point of one of four questions
    by_group = found.latent.set_index("unit")["estimate"]
    assert by_group["c"] == pytest.approx(-0.2 * 0.8, abs=0.12)


def test_a_trifle_is_named_and_compared() -> None:
    frame = groups(3000)
    some = (frame["group"] == "c") & (np.arange(len(frame)) % 4 == 0)
    frame.loc[some, "q4"] = (frame["q4"] - 1).clip(1, 5)
    row = only(judged(frame, group="group"))
    assert row["verdict"] == "comparable"
    assert row["shift_sd"] <= 0.1


def test_what_cannot_be_tested_says_why() -> None:
    frame = groups(60)
    few = only(judged(frame, group="group"))
    assert (few["verdict"], few["reason"], few["tested"]) == ("comparable", "few_answers", False)
    one = only(judged(groups(), {"s": ("q1",)}, group="group"))
    assert (one["reason"], one["tested"]) == ("one_item", False)
    scored = only(judged(groups(), {"s": ()}, group="group"))
    assert (scored["reason"], scored["tested"]) == ("scored", False)
    noise = pd.DataFrame(np.random.default_rng(2).integers(1, 6, (900, 8)), columns=list("abcdefgh")).assign(
        group=list("xyz") * 300
    )
    noise["b"], noise["d"] = noise["a"] + np.arange(900) % 2, noise["c"] + np.arange(900) % 2
    poor = only(judged(noise, {"s": list("abcd")}, group="group"))
    assert (poor["verdict"], poor["tested"]) == ("comparable", False)


def test_a_small_unit_is_left_out_and_counted() -> None:
    frame = pd.concat([groups(), groups(30).assign(group="z")])
    row = only(judged(frame, group="group"))
    assert (row["units"], row["untested_units"]) == (3, 1)


def test_regions_are_judged_at_the_coarsest_level_with_several() -> None:
    frame = groups(400).rename(columns={"group": "region"})
    frame["region"] = frame["region"].map({"a": "a1", "b": "a1", "c": "b1"})
    tree = pd.DataFrame({"code": ["top", "a", "b", "a1", "b1"], "parent": ["", "top", "top", "a", "b"]}).replace(
        "", np.nan
    )
    tree["level"] = ["province", "city", "city", "county", "county"]
    found = judged(frame, region="region", hierarchy=tree)
    assert set(found.latent["unit"]) == {"b"}
    assert only(found)["units"] == 2


def test_answers_that_came_another_way_are_told_and_not_refused() -> None:
    before, now = waves()
    both = pd.concat([before.assign(mode="paper"), now.assign(mode="online")])
    row = only(judged(both, wave="wave", mode="mode"))
    assert (row["verdict"], row["mode_changed"]) == ("comparable", True)
    assert not only(judged(both.assign(mode="online"), wave="wave", mode="mode"))["mode_changed"]


def test_weights_and_order_of_rows_do_not_matter_where_they_should_not() -> None:
    frame = groups().assign(w=2.0)
    plain = judged(frame, group="group")
    mixed = judged(frame.sample(frac=1, random_state=1), group="group")
    pd.testing.assert_frame_equal(plain.verdicts, mixed.verdicts)
    weighted = judged(frame, group="group", design=analysis.Design(weights="w"))
    assert weighted.verdicts["verdict"].tolist() == plain.verdicts["verdict"].tolist()
    np.testing.assert_allclose(weighted.latent["estimate"], plain.latent["estimate"], rtol=1e-6)


def test_the_same_question_is_answered_from_memory_and_another_is_not() -> None:
    frame = groups()
    key = ("s", "group", "*")
    first = judged(frame, group="group").ladders[key]
    assert judged(frame.assign(other=1), group="group").ladders[key] is first
    changed = frame.assign(q1=frame["q1"].to_numpy()[::-1])
    assert judged(changed, group="group").ladders[key] is not first


def test_unknown_columns_are_named() -> None:
    with pytest.raises(ValueError, match=r"do not have the columns.*'nowhere'"):
        judged(groups(), group="nowhere")


def test_real_schools_cannot_be_compared_by_their_visual_tests(shared_data: Any) -> None:
    """The one known flaw of these data: intercepts of x3 and x7 differ between the schools."""
    pupils = pd.read_csv(shared_data("holzinger1939") / "HolzingerSwineford1939.csv")
    scales = {"visual": ("x1", "x2", "x3"), "textual": ("x4", "x5", "x6"), "speed": ("x7", "x8", "x9")}
    found = judged(pupils, scales, group="school").verdicts.set_index("scale")
    assert found["verdict"].to_dict() == {"visual": "linkable", "textual": "comparable", "speed": "linkable"}
    assert found["items"].to_dict() == {
        "visual": "x3",
        "textual": "x5",
        "speed": "x7",
    }  # x5 moves no mean by more than a tenth


@pytest.mark.parametrize(
    "statistic", ["shrunken", "poststratified", "small_area", "benchmarked", "eblup", "difference_from_all"]
)
def test_whatever_says_how_high_takes_the_verdict(statistic: str) -> None:
    frame = groups()
    frame.loc[frame["group"] == "c", "q4"] = (frame["q4"] - 1).clip(1, 5)
    row = {"term": "s", "statistic": statistic, "group": "a", "estimate": 3.0, "n": 100.0}
    marked = judged(frame, group="group").mark(analysis.tidy.tidy_frame([row])).loc[0]
    assert marked["status"] == "linkable"
    assert pd.isna(marked["estimate"]) == (statistic == "difference_from_all")


def test_cohesion_takes_the_verdicts() -> None:
    frame = groups()
    frame.loc[frame["group"] == "c", "q4"] = (frame["q4"] - 1).clip(1, 5)
    frame["s"] = frame[list(ITEMS)].mean(axis=1)
    where: dict[str, Any] = {"group": "group", "region": None, "wave": None, "hierarchy": None, "design": None}
    asked = {"scales": SCALES, "limits": {"s": (1, 5), **dict.fromkeys(ITEMS, (1, 5))}, **where}
    rows = analysis.fit_cohesion(frame, comparability=judged(frame, group="group"), **asked).tidy()
    means = rows[rows["statistic"] == "mean"].set_index("group")["status"]
    assert means.to_dict() == {"*": "ok", "a": "linkable", "b": "linkable", "c": "linkable"}
    plain = analysis.fit_cohesion(frame, **asked).tidy()
    held = rows["statistic"] == "difference_from_all"  # a comparison itself: refused
    np.testing.assert_array_equal(plain.loc[~held, "estimate"], rows.loc[~held, "estimate"])
    assert plain.loc[held, "estimate"].notna().all()
    assert rows.loc[held, "estimate"].isna().all()
