"""Where curves over time stand, where they end, and that names never touch: read back from the drawings.

Tolerance: positions are written with two decimals of a pixel.
"""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest

from analysis import kaplan_meier
from analysis.disclosure import Released, plan_release, release
from analysis.display import LANGUAGES, Show
from analysis.display.curve_rows import curves_of
from analysis.display.curves import apart, steps
from analysis.tidy import tidy_frame

PIXEL = 0.03
NAMES = [
    *(("group", f"g{i:02d}", f"House {i}", f"{i}号会") for i in range(30)),
    ("wave", "1", "Spring", "春"),
    ("code", "kind=new", "New", "新"),
    ("code", "kind=old", "Old", "老"),
]
SHOW = Show(pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"]))


def released(rows: list[dict[str, object]]) -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    people = {
        "registry": table[["wave", "group"]].assign(
            kind=["new", "old"] * (len(table) // 2) + ["new"] * (len(table) % 2)
        )
    }
    plan = plan_release(
        people, variables={"joined": ("registry", 0, 1)}, cuts=[(), ("group",), ("kind",)], hierarchy=None, rules=None
    )
    return release(table, plan, name="t")


def curve(*values: float | None, reach: float = 0.05, kind: str = "", **keys: object) -> list[dict[str, object]]:
    """A number each thirty days; None: withheld."""
    rows: list[dict[str, object]] = []
    for k, value in enumerate(values, 1):
        domain = (f"kind={kind};" if kind else "") + f"time={30 * k}"
        base = {"wave": "1", "term": "joined", "statistic": "cumulative", "domain": domain, **keys}
        bounds = {
            "estimate": value,
            "conf_low": (value or 0) - reach,
            "conf_high": (value or 0) + reach,
            "n": 4000 - 100 * k,
        }
        rows.append(base | ({"status": "withheld"} if value is None else bounds))
    return rows


def drawings(html: str) -> list[str]:
    return [part.partition("</defs>")[2] for part in html.split("</svg>")[:2]]


def paths(drawing: str, colour: str, weight: str) -> list[list[tuple[float, float]]]:
    found = re.findall(
        rf'<path d="M([^"]+)" style="fill:none;stroke:var\(--{colour}[^"]*stroke-width:{weight}"', drawing
    )
    return [[(float(p.split()[0]), float(p.split()[1])) for p in way.split("L")] for way in found]


def words(drawing: str) -> list[tuple[str, float, float, float]]:
    """Text without blanks, its left, right and middle; halos left out."""
    found = []
    place = r'<g transform="translate\(([\d.-]+) ([\d.]+)\) scale\(([\d.]+) [^>]*>(.*?)</g>'
    for x, y, size, text in re.findall(place, drawing):
        signs = re.findall(r'-([0-9a-f]+)" x="([\d.]+)"', text)
        right = float(x) + (float(signs[-1][1]) + 500) * float(size)
        found.append(("".join(chr(int(s, 16)) for s, _ in signs), float(x), right, float(y)))
    return found


def texts(drawing: str) -> list[str]:
    return [w[0] for w in words(drawing)]


def test_a_curve_goes_in_steps_through_its_numbers() -> None:
    (drawing, _) = drawings(SHOW.curves(released(curve(0.2, 0.4, 0.5)), by=None).html("en"))
    (way,) = paths(drawing, "accent", "2.2")
    assert len(way) == 1 + 3 * 2  # from nought, and a tread and a riser each
    (x0, y0), *_, (x3, y3) = way
    at = {day: x0 + (x3 - x0) * day / 90 for day in (30, 60)}
    height = {share: y0 + (y3 - y0) * share / 0.5 for share in (0.2, 0.4)}
    expected = [(x0, y0), (at[30], y0), (at[30], height[0.2]), (at[60], height[0.2]), (at[60], height[0.4])]
    assert way[:5] == [pytest.approx(p, abs=PIXEL) for p in expected]
    band = re.search(r'<path d="M([^Z"]+)Z" style="[^"]*fill-opacity:0\.2"', drawing)
    assert band is not None
    corners = [tuple(map(float, p.split())) for p in band[1].split("L")]
    assert corners[2] == pytest.approx((at[30], y0 + (y3 - y0) * 0.15 / 0.5), abs=PIXEL)
    assert {"All50%", "daysfromthestart→"} <= set(texts(drawing))


def test_survival_begins_with_all() -> None:
    rows = [r | {"statistic": "survival"} for r in curve(0.8, 0.6)]
    shown = SHOW.curves(released(rows), by=None, statistic="survival", unit="months")
    (way,) = paths(drawings(shown.html("zh"))[0], "accent", "2.2")
    assert way[0][1] < way[2][1] < way[-1][1]
    assert "自起点起的月数→" in texts(drawings(shown.html("zh"))[0])
    assert shown.mark("en")["title"] == "The share that has not done so yet (joined): 60%, after 60 months"


def test_a_curve_ends_before_its_first_hidden_number_and_none_after_it_is_drawn() -> None:
    rows = [*curve(0.2, 0.37, None, 0.83, group="g00"), *curve(0.1, 0.3, 0.4, 0.45, group="g01")]
    rows += [*curve(None, 0.91, group="g02"), *curve(0.2, 0.3, 0.4, 0.5)]
    shown = SHOW.curves(released(rows))
    for language in LANGUAGES:
        for drawing in drawings(shown.html(language)):
            assert not any(n in "".join(texts(drawing)) for n in ("83", "91"))
        assert not any(n in shown.text(language) for n in ("83", "91"))
    (drawing, _) = drawings(shown.html("en"))
    squares = re.findall(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+) \2L\3 ([\d.]+)L\1 \4Z" style="fill:[^;"]*"', drawing)
    ((left, _, right, _),) = squares
    ways = [*paths(drawing, "accent", "2.2"), *paths(drawing, "ink", "2.2")]
    assert sorted(len(w) for w in ways) == [1 + 2 * 2, 1 + 4 * 2]
    (short,) = [w for w in ways if len(w) == 5]
    assert (float(left) + float(right)) / 2 == pytest.approx(short[-1][0], abs=PIXEL)
    assert "–withheld:House2" in texts(drawing)
    assert "a square ends a curve where too few" in shown.text("en")
    assert "House 2 –" in shown.text("en")


def test_units_are_held_against_all_at_the_latest_time_that_they_have_in_common() -> None:
    rows = [*curve(0.2, 0.6, None, group="g00"), *curve(0.1, 0.2, 0.7, group="g01"), *curve(0.15, 0.4, 0.5)]
    shown = SHOW.curves(released(rows))
    assert (
        shown.mark("en")["title"]
        == "House 1 below the average on the share that joined, House 0 above it, within 60 days"
    )
    assert shown.mark("zh")["title"] == "加入率：1号会低于平均，0号会高于平均（60 天内）"
    assert "about 3,900 watched at 30 days, 3,700 at 90 days" in shown.text("en")


def test_no_time_is_taken_at_which_hardly_anybody_is_watched_any_longer() -> None:
    rows = [*curve(0.2, 0.4, 0.5, group="g00"), *curve(0.2, 0.4, 0.5)]
    rows[2]["n"] = 100
    found = curves_of(released(rows), by="group", term=None, statistic="cumulative", where={})
    assert found.last() == 60


@pytest.mark.parametrize("count", [2, 3, 4])
def test_names_at_the_ends_do_not_touch(count: int) -> None:
    rows = [r for i in range(count) for r in curve(0.1, 0.2, 0.4 + i / 100, group=f"g{i:02d}")]
    shown = SHOW.curves(released([*rows, *curve(0.1, 0.2, 0.41)]))
    for language in LANGUAGES:
        for drawing in drawings(shown.html(language)):
            written = words(drawing)
            assert sum("4" in t and "%" in t and ("House" in t or "号会" in t) for t, *_ in written) == count
            for (_, a, b, y), (_, c, d, z) in combinations(written, 2):
                assert b <= c or d <= a or abs(y - z) >= 11


def test_five_units_stand_in_panels_with_all_together_behind_each() -> None:
    rows = [r for i in range(5) for r in curve(0.1, 0.2, 0.8 - i / 10, group=f"g{i:02d}")]
    shown = SHOW.curves(released([*rows, *curve(0.1, 0.2, 0.5)]))
    for drawing in drawings(shown.html("en")):
        assert len(paths(drawing, "accent", "1.8")) == 5
        assert len(paths(drawing, "earlier", "1.2")) == 5
        names = [t for t in texts(drawing) if t.startswith("House")]
        assert names == [f"House{i}" for i in (4, 3, 2, 1, 0)]
    given = Show(pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"]), ranked=False).curves(released(rows))
    assert [t for t in texts(drawings(given.html("en"))[0]) if t.startswith("House")] == [f"House{i}" for i in range(5)]


def test_at_most_twenty_four_panels() -> None:
    rows = [r for i in range(30) for r in curve(0.1, 0.2 + i / 50, group=f"g{i:02d}")]
    shown = SHOW.curves(released(rows))
    assert len(paths(drawings(shown.html("en"))[0], "accent", "1.8")) == 24
    assert "24 of 30 are drawn" in shown.text("en")


def test_a_cut_beside_the_time_and_a_single_unit() -> None:
    rows = [*curve(0.1, 0.2, kind="new"), *curve(0.3, 0.4, kind="old"), *curve(0.2, 0.3)]
    shown = SHOW.curves(released(rows), by="domain")
    assert {"New20%", "Old40%", "All30%"} <= set(texts(drawings(shown.html("en"))[0]))
    alone = SHOW.curves(released(curve(0.1, 0.2, group="g00")))
    assert "House020%" in texts(drawings(alone.html("en"))[0])


def test_where_nothing_may_be_shown_no_curve_is_drawn() -> None:
    rows = [*curve(None, None, group="g00"), *curve(None, None, group="g01"), *curve(None, None)]
    shown = SHOW.curves(released(rows))
    for drawing in drawings(shown.html("zh")):
        assert texts(drawing) == ["–已隐去：0号会、1号会"]
    assert "nothing can be shown" in shown.mark("en")["title"]
    with pytest.raises(ValueError, match="unit is one of"):
        SHOW.curves(released(curve(0.1)), by=None, unit="weeks")


def test_a_study_without_such_units_has_the_curve_of_all() -> None:
    whole = released(curve(0.1, 0.2))
    assert SHOW.curves(whole, by="group").html("en") == SHOW.curves(whole, by=None).html("en")
    assert SHOW.curves(whole, statistic="survival").mark("en")["kind"] == "nothing"


def test_small_sets_at_risk_end_the_curves_of_the_verb_itself() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"group": ["g00"] * 60 + ["g01"] * 400, "days": rng.integers(1, 200, 460), "joined": 1})
    frame["member"] = [f"m{i}" for i in range(460)]
    plan = plan_release(
        {"log": frame[["member", "group"]]},
        variables={"joined": ("log", 0, 1)},
        cuts=[(), ("group",)],
        hierarchy=None,
        rules={},
    )
    at = list(range(20, 201, 20))
    fit = kaplan_meier(frame, time="days", event="joined", by="group", at=at)
    table = release(fit, plan, name="km")
    rows = fit.tidy().query("statistic == 'cumulative'")
    shown = SHOW.curves(table)
    (drawing, _) = drawings(shown.html("en"))
    ways = {len(w) for c in ("accent", "ink") for w in paths(drawing, c, "2.2")}
    fewer = {g: int((rows.loc[rows["group"] == g, "n"] >= 10).sum()) for g in ("g00", "g01")}
    assert ways == {1 + 2 * k for k in fewer.values()}
    assert fewer["g00"] < fewer["g01"]
    half = SHOW.sentence(table, term="joined", statistic="median_time", group="g01")
    assert re.fullmatch(r"House 1, joined: half have done so after \d+ days \(\d+ to \d+\)\.", half.text("en"))
    assert re.fullmatch(r"1号会，加入：半数在 \d+ 天内发生（区间 \d+–\d+）。", half.text("zh"))


def test_words_move_apart_and_stay_inside() -> None:
    found = apart([(50, 20), (52, 20), (51, 20)], 0, 200)
    assert all(b - a >= 20 - 1e-9 for a, b in pairwise(sorted(found)))
    assert apart([(195, 20), (199, 20)], 0, 200) == [170, 190]
    assert list(steps([(0, 0.0), (1, 0.5)])) == [(0, 0.0), (1, 0.0), (1, 0.5)]


def test_sentences_say_by_when() -> None:
    table = released([*curve(0.1, 0.2, group="g00"), *curve(0.2, 0.4)])
    shown = SHOW.sentence(table, term="joined", statistic="cumulative", group="g00", domain="time=60")
    assert (
        shown.text("en") == "House 0, joined: 20% (15 to 25%) have done so within 60 days, less than on average (40%)."
    )
    assert shown.text("zh") == "0号会，加入：60 天内有 20%（区间 15–25%）已发生，低于平均（40%）。"
    months = SHOW.sentence(table, term="joined", statistic="cumulative", domain="time=60", unit="months")
    assert "within 60 months" in months.text("en")
