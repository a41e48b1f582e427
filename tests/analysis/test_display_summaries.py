"""Sentences about all units say what the rows say: counts, ends, gaps, in the right number and direction.

No tolerances. What must be said is worked out here from the rule's words, not from the code.
"""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.disclosure import Released, plan_release, release
from analysis.display import Show
from analysis.display.rows import Row
from analysis.display.summaries import end
from analysis.tidy import tidy_frame

NAMES = [
    *(("group", f"g{i}", f"House {i}", f"{i}号会") for i in range(9)),
    ("region", "x", "Lakeside", "湖市"),
    ("region", "y", "Upland", "山市"),
    ("scale", "warmth", "Warmth", "温暖感"),
    ("wave", "1", "Spring", "春季"),
    ("wave", "2", "Autumn", "秋季"),
]
SHOW = Show(pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"]), limits={"warmth": (1, 5)})
hundredths = st.integers(100, 500).map(lambda v: v / 100)
Interval = tuple[float, float, float]


def released(rows: list[dict[str, object]]) -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    people = {"registry": table[["wave", "group", "region"]]}
    cuts = [(), ("group",), ("region",), ("group", "region")]
    plan = plan_release(people, variables={"warmth": ("registry", 1, 5)}, cuts=cuts, hierarchy=None, rules=None)
    return release(table, plan, name="t")


def row(value: float | None, low: float = 0, high: float = 0, **keys: object) -> dict[str, object]:
    base = {"wave": "1", "term": "warmth", "statistic": "mean", **keys}
    return base if value is None else {**base, "estimate": value, "conf_low": low, "conf_high": high, "n": 4000}


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, value, high = sorted(draw(st.tuples(hundredths, hundredths, hundredths)))
    return value, low, high


@settings(max_examples=60, deadline=None)
@given(st.lists(intervals(), min_size=2, max_size=9), intervals())
def test_counts_and_ends_agree_with_the_rows(units: list[Interval], whole: Interval) -> None:
    rows = [row(*u, group=f"g{i}") for i, u in enumerate(units)]
    shown = SHOW.overview(released([*rows, row(*whole)]))
    up, down = sum(u[1] > whole[2] for u in units), sum(u[2] < whole[1] for u in units)
    text, chinese = shown.text("en"), shown.text("zh")
    assert (f"{up} above the average" in text) == (up > 0) == (f"{up} 个高于平均" in chinese)
    assert (f"{down} below the average" in text) == (down > 0) == (f"{down} 个低于平均" in chinese)
    tops = [i for i, u in enumerate(units) if all(u[1] > o[2] for k, o in enumerate(units) if k != i)]
    bottoms = [i for i, u in enumerate(units) if all(u[2] < o[1] for k, o in enumerate(units) if k != i)]
    assert re.findall(r"House (\d) is highest", text) == [str(i) for i in tops]
    assert re.findall(r"(\d)号会最高", chinese) == [str(i) for i in tops]
    assert re.findall(r"House (\d)(?: is)? lowest", text) == [str(i) for i in bottoms]
    assert re.findall(r"(\d)号会最低", chinese) == [str(i) for i in bottoms]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(intervals(), intervals()), min_size=1, max_size=9))
def test_moves_agree_with_the_rows(units: list[tuple[Interval, Interval]]) -> None:
    rows = [row(*u[w], group=f"g{i}", wave=str(w + 1)) for i, u in enumerate(units) for w in (0, 1)]
    text = SHOW.moves(released(rows)).text("en")
    up = sum(now[1] > before[2] for before, now in units)
    down = sum(now[2] < before[1] for before, now in units)
    assert (f"{up} higher than in Spring" in text) == (up > 0)
    assert (f"{down} lower than in Spring" in text) == (down > 0)
    assert sum(map(int, re.findall(r"(\d+) (?:higher|lower|about|for|not)", text))) == len(units)


def test_a_unit_without_its_own_number_is_no_end_and_is_counted() -> None:
    rows = [row(4.5, 4.4, 4.6, group="g0", status="pooled", basis="x"), row(4.0, 3.9, 4.1, group="g1")]
    rows += [row(3.0, 2.9, 3.1, group="g2"), row(None, group="g3", status="withheld")]
    shown = SHOW.overview(released([*rows, row(3.5, 3.45, 3.55)]))
    assert shown.text("en") == (
        "Warmth, 2 of 4 organisations: 1 above the average (3.50) and 1 below the average. Of those with numbers of their own, "
        "House 1 is highest (4.00, between 3.90 and 4.10), House 2 lowest (3.00, between 2.90 and 3.10). 1 organisation is "
        "pooled: the number is not all its own. 1 organisation is withheld, so that nobody can be recognised."
    )
    assert shown.text("zh") == (
        "温暖感，4 个组织中的 2 个：1 个高于平均（3.50），1 个低于平均。在有自己数字的单位中，1号会最高（4.00，区间 3.90–4.10），"
        "2号会最低（3.00，区间 2.90–3.10）。1 个组织为合并估计，数字并非全部来自本单位。1 个组织已隐去，以免识别到个人。"
    )


@pytest.mark.parametrize(("count", "words"), [(1, "1 organisation is withheld"), (2, "2 organisations are withheld")])
def test_one_is_and_two_are(count: int, words: str) -> None:
    gone = [row(None, group=f"g{i}", status="withheld") for i in range(count)]
    assert words in SHOW.overview(released([*gone, row(3.0, 2.9, 3.1, group="g8"), row(3.5, 3.4, 3.6)])).text("en")


def test_what_is_not_compared_gets_neither_counts_nor_ends() -> None:
    rows = [row(4.5, 4.4, 4.6, group="g0", status="broken", basis="meaning"), row(2.0, 1.9, 2.1, group="g1")]
    shown = SHOW.overview(released([*rows, row(3.5, 3.4, 3.6)]))
    assert shown.text("en") == "Warmth: organisations are not compared."
    unranked = Show(pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"]), ranked=False)
    text = unranked.overview(released([*rows[1:], row(4.0, 3.9, 4.1, group="g2"), row(3.5, 3.4, 3.6)])).text("en")
    assert not re.search("highest|lowest|above|below", text)
    assert "2 organisations" in text


def test_cells_are_counted_by_pairs() -> None:
    pairs = [(v, g, r) for v, (g, r) in zip((2.0, 3.0, 4.0), (("g0", "x"), ("g1", "x"), ("g0", "y")), strict=True)]
    rows = [row(v, v - 0.1, v + 0.1, group=g, region=r) for v, g, r in pairs]
    text = SHOW.overview(released([*rows, row(3.0, 2.9, 3.1)]), by="region", columns="group").text("en")
    assert text.startswith("Warmth, 3 cells: 1 above the average (3.00), 1 below the average and 1 about the same")
    assert "Upland, House 0 is highest" in text
    assert "Lakeside, House 0 lowest" in text


def test_one_unit_alone_is_no_end() -> None:
    keys = {"wave": "1", "group": "a", "region": "*", "domain": "*", "term": "warmth", "statistic": "mean"}
    assert end([Row(keys, 4.0, 3.9, 4.1, 10.0, 2, "ok", "")], "higher") is None
