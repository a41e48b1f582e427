"""What may not be compared travels: through the door, into figures, tables, sentences, in both languages."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
import survey
from analysis.disclosure import Released
from analysis.display import Show
from analysis.display.apart import ASKED, TOLD, UNTESTED
from analysis.display.words import WORDS
from analysis.methods.comparability import COLUMNS, REASONS, Comparability
from analysis.tidy import STATUSES, tidy_frame

NAMES = [("group", g, f"House {g}", f"{g}会") for g in "abc"] + [
    ("wave", "1", "Spring 1", "首春"),
    ("wave", "2", "Spring 2", "次春"),
]
NAMES += [("scale", "trust", "Trust", "信任感"), ("item", "q4", "I lend them tools.", "我借工具给他们。")]
LABELS = pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"])


def verdict(cut: str, kind: str, reason: str, items: str = "q4", wave: str = "*", mode: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, 0)
    return (
        row
        | {"scale": "trust", "cut": cut, "wave": wave, "verdict": kind, "reason": reason, "items": items}
        | {
            "tested": True,
            "shift": 0.3,
            "mode_changed": mode,
            "n": 900,
        }
    )


def measured(*rows: dict[str, Any]) -> Comparability:
    return Comparability(pd.DataFrame(list(rows), columns=list(COLUMNS)), "2", pd.DataFrame())


def table() -> pd.DataFrame:
    """Means of three organisations in two waves, all together, a change, an agreement."""
    rows = []
    for wave, up in (("1", 0.0), ("2", 0.1)):
        rows += [
            {"wave": wave, "group": g, "statistic": "mean", "estimate": e + up}
            for g, e in zip("abc", (2.0, 3.0, 4.0), strict=True)
        ]
        rows.append({"wave": wave, "statistic": "mean", "estimate": 3.0 + up})
    rows.append({"wave": "2 - 1", "statistic": "difference", "estimate": 0.1})
    rows.append({"wave": "2", "group": "a", "statistic": "rwg_j", "estimate": 0.8})
    some = pd.DataFrame(rows).assign(term="trust", n=300.0, std_error=0.05)
    return tidy_frame(some.assign(conf_low=some["estimate"] - 0.1, conf_high=some["estimate"] + 0.1))


def released(found: Comparability | None) -> Released:
    people = pd.concat(
        pd.DataFrame({"member": [f"{w}{g}{i}" for i in range(300)], "group": g, "wave": w}) for w in "12" for g in "abc"
    )
    plan = analysis.plan_release(
        {"survey": people},
        variables={"trust": ("survey", 1, 5)},
        cuts=[(), ("group",)],
        hierarchy=None,
        rules={},
        comparability=found,
    )
    return analysis.release(table(), plan, name="t")


def statuses(found: Comparability) -> dict[tuple[str, str, str], str]:
    rows = found.mark(table())
    return {(r["wave"], r["group"], r["statistic"]): r["status"] for r in rows.to_dict("records")}


def test_groups_of_the_latest_wave_are_marked_and_keep_their_numbers() -> None:
    rows = measured(verdict("group", "linkable", "meaning")).mark(table())
    hit = rows["status"] == "linkable"
    assert hit.sum() == 3
    assert set(rows.loc[hit, "group"]) == set("abc")
    assert set(rows.loc[hit, "wave"]) == {"2"}
    assert rows.loc[hit, "estimate"].notna().all()
    assert set(rows.loc[hit, "basis"]) == {"meaning:q4"}


def test_an_earlier_wave_is_marked_in_every_cut_and_a_change_from_it_has_no_number() -> None:
    found = statuses(measured(verdict("wave", "broken", "codes", wave="1")))
    assert {s for (wave, *_), s in found.items() if wave == "1"} == {"broken"}
    assert {s for (wave, *_), s in found.items() if wave == "2"} == {"ok"}
    assert found["2 - 1", "*", "difference"] == "broken"
    change = measured(verdict("wave", "broken", "codes", wave="1")).mark(table()).query("statistic == 'difference'")
    assert change["estimate"].isna().all()


def test_the_worse_of_two_verdicts_counts_and_agreement_is_left_alone() -> None:
    found = statuses(measured(verdict("group", "broken", "loadings"), verdict("wave", "linkable", "codes", wave="1")))
    assert found["2", "a", "mean"] == "broken"
    assert found["1", "a", "mean"] == "linkable"
    assert found["2", "a", "rwg_j"] == "ok"
    assert found["2", "*", "mean"] == "ok"


def test_the_door_lets_marked_numbers_through_and_marks_by_itself() -> None:
    rows = released(measured(verdict("group", "linkable", "meaning"))).table
    marked = rows[rows["status"] == "linkable"]
    assert len(marked) == 3
    assert marked["estimate"].notna().all()
    assert set(released(None).table["status"]) == {"ok"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_figure_is_not_ordered_has_no_average_and_says_why(language: str) -> None:
    plain, apart = (released(m) for m in (None, measured(verdict("group", "linkable", "meaning"))))
    show = Show(LABELS, limits={"trust": (1.0, 5.0)})
    ask = {"by": "group", "term": "trust", "statistic": "mean"}
    ordered, kept = (show.dots(r, **ask).text(language) for r in (plain, apart))
    names = ["House a", "House b", "House c"] if language == "en" else ["a会", "b会", "c会"]
    numbers = [rf"{n} \d" for n in names]
    spots = [[re.search(n, text).start() for n in numbers] for text in (ordered, kept)]  # type: ignore[union-attr]
    assert spots[0] == sorted(spots[0], reverse=True)
    assert spots[1] == sorted(spots[1])
    reason = (
        "people of the same standing answer “I lend them tools.” differently"
        if language == "en"
        else "对“我借工具给他们。”的回答不同"
    )
    assert reason in kept
    assert reason not in ordered
    assert ("not compared" if language == "en" else "不作比较") in kept
    assert ("average" if language == "en" else "平均") not in kept.partition("2.1")[0]


def test_a_table_marks_each_number_and_explains_the_mark() -> None:
    html = (
        Show(LABELS)
        .table(
            released(measured(verdict("group", "broken", "loadings", ""))),
            rows="group",
            where={"wave": "2", "statistic": "mean"},
        )
        .html("en")
    )
    assert html.count("≠") == 4  # three numbers and the note
    assert "do not mean the same" in html


def test_the_line_of_a_trend_breaks() -> None:
    def segments(found: Comparability | None) -> int:
        html = Show(LABELS).trend(released(found), term="trust", statistic="mean").html("en").partition("</svg>")[0]
        return len(re.findall(r"stroke-width:1.2", html))

    assert segments(None) == segments(measured(verdict("wave", "broken", "codes", wave="1"))) + 1


@pytest.mark.parametrize(
    ("language", "said"), [("en", "it is not compared: people of the same standing"), ("zh", "不作比较：情况相同的人")]
)
def test_a_sentence_gives_the_number_and_refuses_the_comparison(language: str, said: str) -> None:
    show = Show(LABELS, limits={"trust": (1.0, 5.0)})
    text = show.sentence(
        released(measured(verdict("group", "linkable", "meaning"))), term="trust", statistic="mean", group="a"
    ).text(language)
    assert "2.1" in text
    assert said in text


def test_verdicts_are_said_one_sentence_each_and_the_rest_is_counted() -> None:
    found = measured(
        verdict("group", "linkable", "meaning"),
        verdict("region", "comparable", "same", ""),
        verdict("wave", "comparable", "wording", wave="1", mode=True),
    )
    people = pd.DataFrame(
        {"member": [f"m{i}" for i in range(60)], "wave": ["1", "2"] * 30, "group": "a", "region": "r"}
    )
    plan = analysis.plan_release(
        {"survey": people}, variables={"trust": ("survey", 1, 5)}, cuts=[()], hierarchy=None, rules={}
    )
    text = Show(LABELS).comparability(analysis.release(found, plan)).text("en").splitlines()
    assert [
        bool(re.match(p, line))
        for p, line in zip(
            [
                "Trust between organisations: means are not comparable",
                "Trust with Spring 1: comparable; the words of",
                "2 of 3 comparisons of a scale hold",
                "In Spring 1 people answered in other ways than in this wave",
            ],
            text,
            strict=True,
        )
    ] == [True] * 4


def test_every_reason_and_status_has_its_words() -> None:
    lacking = [r for r in REASONS if f"why.{r}" not in WORDS]
    assert lacking == []
    assert {*TOLD, *UNTESTED, *ASKED} <= set(REASONS)
    assert [s for s in STATUSES if s != "ok" and f"note.{s}" not in WORDS] == []
    assert [s for s in STATUSES if s != "ok" and f"cannot.{s}" not in WORDS] == []


@pytest.mark.slow
def test_the_demo_s_planted_question_is_found() -> None:
    """belong_4 is planted to mean other things in three organisations; one wording and one scale of answers changed."""
    panel = survey.open_study("demo").panel()
    design = analysis.Design(**panel.design)
    found = analysis.comparability(**panel.comparability_inputs(), design=design).verdicts
    flawed = found[found["verdict"] != "comparable"]
    assert flawed[["scale", "cut", "wave", "verdict", "items"]].to_numpy().tolist() == [
        ["belonging", "group", "*", "linkable", "belong_4"],
        ["satisfaction", "wave", "2022", "linkable", "sat_expect"],
    ]
    worded = found[(found["reason"] == "wording")]
    assert worded[["scale", "wave", "items"]].to_numpy().tolist() == [["attraction", "2022", "company"]]
    assert np.isfinite(found.loc[found["tested"], "shift"]).all()
