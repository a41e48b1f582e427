"""Where the marks of a figure stand, and in which colour: read back from the drawing, expected by proportion.

Tolerance: positions are written with two decimals of a pixel.
"""

from __future__ import annotations

import re

import pandas as pd
import pytest

from analysis.disclosure import Released, plan_release, release
from analysis.display import Show
from analysis.display.dots import choose
from analysis.display.rows import Cut, Row, cut
from analysis.display.trend import choose_panels
from analysis.display.values import interval, number
from analysis.tidy import tidy_frame

PIXEL = 0.03
NAMES = [
    *((("group", g, f"House {g.upper()}", f"{g}会")) for g in "abcde"),
    ("scale", "warmth", "Warmth", "温暖感"),
    *(("wave", w, name, name) for w, name in (("1", "Spring"), ("2", "Summer"), ("3", "Autumn"))),
]
SHOW = Show(pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"]), limits={"warmth": (1, 5)})


def released(rows: list[dict[str, object]]) -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    variables = dict.fromkeys(table["term"], ("registry", 1, 5))
    people = {"registry": table[["wave", "group", "region"]]}
    plan = plan_release(people, variables=variables, cuts=[(), ("group",), ("region",)], hierarchy=None, rules=None)
    return release(table, plan, name="t")


def row(value: float, reach: float = 0.1, **keys: object) -> dict[str, object]:
    base = {"wave": "1", "term": "warmth", "statistic": "mean", "n": 4000, **keys}
    return {**base, "estimate": value, "conf_low": value - reach, "conf_high": value + reach}


def wide(html: str) -> str:
    """The first of a figure's two drawings."""
    return html.partition("</svg>")[0]


def dots(drawing: str) -> list[tuple[float, str]]:
    """Position and fill of the round marks, in the order drawn."""
    found = re.findall(r'<circle cx="([\d.]+)"[^>]*fill:([^;"]*)', drawing)
    return [(float(x), fill.removeprefix("var(--").partition(",")[0]) for x, fill in found]


def lines(drawing: str, width: str) -> list[tuple[float, float]]:
    """Left and right end of the level lines of a width, in the order drawn."""
    path = rf'<path d="M([\d.]+) ([\d.]+)L([\d.]+) \2" [^>]*stroke-width:{re.escape(width)}"'
    return [(float(a), float(b)) for a, _, b in re.findall(path, drawing)]


def written(drawing: str) -> list[str]:
    """What is written, a text at a time; blanks are not drawn."""
    return [
        "".join(chr(int(s, 16)) for s in re.findall(r'-([0-9a-f]+)"', g)) for g in re.findall("<g .*?</g>", drawing)
    ]


def test_marks_and_intervals_stand_where_the_scale_puts_them() -> None:
    table = released([row(4.0, 0.5, group="a"), row(3.0, 0.2, group="b"), row(1.5, 0.1, group="c")])
    drawing = wide(SHOW.dots(table).html("en"))
    (a, _), (b, _), (c, _) = dots(drawing)
    unit = a - b
    assert b - c == pytest.approx(1.5 * unit, abs=PIXEL)
    ends = [(x - reach * unit, x + reach * unit) for x, reach in ((a, 0.5), (b, 0.2), (c, 0.1))]
    for found, expected in zip(lines(drawing, "1.8"), ends, strict=True):
        assert found == pytest.approx(expected, abs=PIXEL)


@pytest.mark.parametrize(
    ("worse", "colours"),
    [
        ("lower", ["accent", "accent", "counter", "paper"]),
        ("higher", ["counter", "accent", "accent", "paper"]),
        ("", ["accent", "accent", "accent", "paper"]),
    ],
)
def test_what_needs_attention_has_its_own_colour_and_what_is_pooled_is_hollow(worse: str, colours: list[str]) -> None:
    rows = [row(4.4, group="a"), row(3.8, group="b"), row(3.2, group="c")]
    pooled = row(2.0, group="d", status="pooled", basis="*")
    table = released([*rows, pooled, row(3.8, 0.02, group="*")])
    drawing = wide(SHOW.dots(table, worse=worse).html("en"))
    assert [fill for _, fill in dots(drawing)] == colours


def chosen(count: int) -> tuple[list[float], str]:
    """Values drawn of so many places, 0.01 apart from 1 upwards, and how."""
    table = released([row(1 + i / 100, region=f"r{i:02d}") for i in range(count)])
    panels, how = choose(cut(table, by="region"), {})
    return [round(r.estimate * 100) - 100 for rows in panels.values() for r in rows], how


def test_thirty_are_all_drawn_and_of_more_the_fifteen_at_each_end() -> None:
    assert chosen(30) == (list(range(29, -1, -1)), "all")
    assert chosen(32) == ([*range(31, 16, -1), *range(14, -1, -1)], "ends")


def line(*values: float, group: str = "*") -> list[dict[str, object]]:
    return [row(v, group=group, wave=str(w)) for w, v in enumerate(values, 1)]


def test_a_trend_speaks_of_the_wave_before_not_of_the_first() -> None:
    shown = SHOW.trend(released(line(3.0, 3.9, 3.2)))
    assert shown.mark("en")["title"] == "Warmth is lower than in Summer"


def test_a_trend_of_units_counts_those_that_rose_and_those_that_fell() -> None:
    table = released([*line(3.0, 3.5, group="a"), *line(3.0, 3.6, group="b"), *line(4.0, 3.0, group="c")])
    shown = SHOW.trend(table, by="group")
    assert shown.mark("en")["title"] == "Warmth since Spring: 2 of 3 up, 1 down"
    assert "3 个中 2 个上升，1 个下降" in shown.mark("zh")["title"]


def test_a_trend_shows_the_twelve_that_are_lowest_now() -> None:
    table = released([r for i in range(14) for r in line(4.5 - i / 10, 2 + i / 10, group=f"g{i:02d}")])
    units: dict[str, Cut] = {f"g{i:02d}": cut(table, by="wave", where={"group": f"g{i:02d}"}) for i in range(14)}
    assert choose_panels(units) == [f"g{i:02d}" for i in range(12)]


def test_steps_are_as_long_as_their_shares_and_say_the_share_of_those_before() -> None:
    chain = [
        {"wave": "1", "n": 9000, "term": t, "statistic": s, "estimate": v, "conf_low": v - 0.05, "conf_high": v + 0.05}
        for t, total, step in (("joined", 0.6, 0.6), ("took_part", 0.45, 0.75), ("returned", 0.18, 0.4))
        for s, v in (("cumulative", total), ("conditional", step))
    ]
    drawing = wide(SHOW.steps(released(chain), terms=["joined", "took_part", "returned"]).html("en"))
    bars, ends = lines(drawing, "7"), lines(drawing, "1.4")
    whole = (bars[0][1] - bars[0][0]) / 0.6
    for share, (start, end), limits in zip((0.6, 0.45, 0.18), bars, ends, strict=True):
        assert end - start == pytest.approx(share * whole, abs=PIXEL)
        expected = (start + (share - 0.05) * whole, start + (share + 0.05) * whole)
        assert limits == pytest.approx(expected, abs=PIXEL)
    assert [text for text in written(drawing) if "before" in text] == ["75%ofthosebefore", "40%ofthosebefore"]


def test_a_title_names_two_and_counts_three_of_all() -> None:
    rows = [row(v, group=g) for g, v in zip("abcde", (2.0, 2.1, 4.4, 4.5, 4.6), strict=True)]
    title = SHOW.dots(released([*rows, row(3.5, 0.02, group="*")])).mark("en")["title"]
    assert title == "House B and House A below the average on warmth, 3 of 5 organisations above it"


def test_a_nought_has_no_sign() -> None:
    assert [number(v, 1, "difference") for v in (-0.04, 0.0, 0.06)] == ["0.0", "0.0", "+0.1"]
    assert number(-0.004, 2, "gap_to_target") == "0%"


def test_an_interval_below_nought_has_a_word_between_its_ends() -> None:
    keys = {"wave": "1", "group": "a", "region": "*", "domain": "*", "term": "warmth", "statistic": "a_wg"}
    below, above = (Row(keys, 0.1, low, 0.3, 100.0, 1, "ok", "") for low in (-0.2, 0.0))
    assert (interval(below, "en"), interval(above, "en")) == ("−0.2 to 0.3", "0.0–0.3")
