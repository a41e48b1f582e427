"""The figure of before, after and goal: where marks stand, in which order, what the title says."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from analysis.disclosure import Released, plan_release, release
from analysis.display import Show
from analysis.display.shifts import ROWS
from analysis.tidy import tidy_frame

PIXEL = 0.03  # positions are written with two decimals of a pixel
STATISTICS = {"before": "share_answers", "after": "share_weighted", "goal": "share_registry"}
NAMES = [("group", g, f"House {g}", f"{g}会") for g in "abc"] + [("wave", "1", "Spring", "春季")]
LABELS = pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"])


def released(units: dict[str, tuple[float | None, float, float | None]]) -> Released:
    """Units with their shares before, after and in the registry; the plan's source is one without people."""
    rows = [
        {"wave": "1", "group": unit, "term": "balance", "statistic": s, "estimate": value, "n": 5000}
        for unit, shares in units.items()
        for s, value in zip(STATISTICS.values(), shares, strict=True)
    ]
    table = tidy_frame(rows)
    people = {"registry": table[["wave", "group", "region"]]}
    plan = plan_release(
        people, variables={"balance": ("registry", 0, 1)}, cuts=[(), ("group",)], hierarchy=None, rules=None
    )
    return release(table, plan, name="t")


def drawn(table: Released, language: str = "en", ranked: bool = True) -> str:
    return Show(LABELS, ranked=ranked).shifts(table, by="group", term="balance", **STATISTICS).html(language)


def circles(html: str) -> list[tuple[float, bool]]:
    """Place of every round mark of the wide drawing, and whether it is hollow."""
    wide = html.partition("</svg>")[0]
    found = re.findall(r'<circle cx="([\d.]+)"[^>]*fill:([^;"]*)', wide)
    return [(float(x), "paper" in fill) for x, fill in found]


def strokes(html: str) -> list[float]:
    """Place of every upright stroke that is a goal."""
    wide = html.partition("</svg>")[0]
    return [float(x) for x in re.findall(r'<path d="M([\d.]+) [\d.]+L\1 [\d.]+" [^>]*stroke-width:1.8', wide)]


def test_marks_stand_where_the_shares_put_them() -> None:
    html = drawn(released({"a": (0.2, 0.4, 0.4), "b": (0.5, 0.3, 0.3)}))
    (a_before, hollow), (a_after, full), (b_before, _), (b_after, _) = circles(html)
    assert (hollow, full) == (True, False)
    tenth = (a_after - a_before) / 2
    assert b_before - b_after == pytest.approx(2 * tenth, abs=2 * PIXEL)
    assert strokes(html) == pytest.approx([a_after, b_after], abs=PIXEL)


def test_the_one_that_falls_shortest_of_its_goal_stands_first_and_the_widest_gap_is_the_title() -> None:
    html = drawn(released({"a": (0.30, 0.25, 0.25), "b": (0.10, 0.12, 0.12), "c": (0.60, 0.63, 0.63)}))
    order = [html.index(f"House {u} ") for u in "cba"]
    assert re.search(r"House a: 30% of the answers, 25% of the members", html)
    assert min(order) > 0
    first, *_ = circles(html)
    assert first[0] == max(x for x, hollow in circles(html) if hollow)


def test_chinese_says_the_same() -> None:
    html = drawn(released({"a": (0.30, 0.25, 0.25), "b": (0.70, 0.75, 0.75)}), "zh")
    assert "a会：占作答的 30%，占会员的 25%" in html or "b会：占作答的 70%，占会员的 75%" in html


def test_where_units_are_not_ranked_none_is_picked() -> None:
    html = drawn(released({"a": (0.30, 0.25, 0.25), "b": (0.70, 0.75, 0.75)}), ranked=False)
    assert "of the members" not in html


def test_more_than_thirty_are_cut_to_the_widest_gaps_and_told() -> None:
    units = {f"u{k}": (0.02, 0.02 + k / 5000, 0.02 + k / 5000) for k in range(ROWS + 5)}
    html = drawn(released(units))
    assert sum(hollow for _, hollow in circles(html)) == ROWS
    assert "30 of 35 are drawn" in html


def test_a_registry_that_counts_nobody_leaves_the_goal_out() -> None:
    html = drawn(released({"a": (0.3, 0.35, None), "b": (0.7, 0.65, 0.65)}))
    assert len(strokes(html)) == 1
    assert len(circles(html)) == 4
