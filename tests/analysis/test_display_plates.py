"""Where the marks of the figures for many units stand: read back from the drawings, expected by proportion or by count.

Tolerance: positions are written with two decimals of a pixel.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pandas as pd
import pytest

from analysis.disclosure import Released, plan_release, release
from analysis.display import LANGUAGES, Show
from analysis.display.caterpillar import NAMED, named, row_height
from analysis.display.cells import short_names
from analysis.display.multiples import PANELS, choose_panels, runs
from analysis.display.rows import Row, cut
from analysis.tidy import tidy_frame

PIXEL = 0.03
TREE = [("p", "", "province"), ("p1", "p", "city"), ("p2", "p", "city")]
TREE += [(f"p{c}{i:02d}", f"p{c}", "county") for c in (1, 2) for i in range(25)]
NAMES = [
    *(("group", f"g{i}", f"House {i}", f"{i}号会") for i in range(9)),
    *(("region", code, f"Place {code}", f"{code}地") for code, *_ in TREE),
    ("scale", "warmth", "Warmth", "温暖感"),
    *(("wave", w, name, name) for w, name in (("1", "Spring"), ("2", "Summer"), ("3", "Autumn"))),
]
HIERARCHY = pd.DataFrame(TREE, columns=["code", "parent", "level"])
LABELS = pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"])
SHOW = Show(LABELS, hierarchy=HIERARCHY, limits={"warmth": (1, 5)})


def released(rows: list[dict[str, object]]) -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    people = {"registry": table[["wave", "group", "region"]]}
    cuts = [(), ("group",), ("region",), ("group", "region")]
    plan = plan_release(people, variables={"warmth": ("registry", 1, 5)}, cuts=cuts, hierarchy=None, rules=None)
    return release(table, plan, name="t")


def row(value: float | None, reach: float = 0.1, **keys: object) -> dict[str, object]:
    base = {"wave": "1", "term": "warmth", "statistic": "mean", **keys}
    if value is None:
        return {"status": "withheld", **base}
    return {**base, "estimate": value, "conf_low": value - reach, "conf_high": value + reach, "n": 4000}


def wide(html: str) -> str:
    """The first of a figure's two drawings."""
    return html.partition("</svg>")[0]


def dots(drawing: str) -> list[tuple[float, float, bool]]:
    """Place of the round marks, and whether they are hollow."""
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"[^>]*fill:([^;"]*)', drawing)
    return [(float(x), float(y), "paper" in fill) for x, y, fill in found]


def boxes(drawing: str, name: str) -> list[tuple[float, float]]:
    """Left edge and width of the boxes of a colour."""
    found = re.findall(rf'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*fill:var\(--{name}', drawing)
    return [(float(x), float(w)) for x, w in found]


def hatched(drawing: str) -> int:
    return len(re.findall(r"stroke-width:0\.7", drawing))


def written(drawing: str) -> list[str]:
    """What is written, a text at a time; blanks are not drawn."""
    body = drawing.partition("</defs>")[2]
    return ["".join(chr(int(s, 16)) for s in re.findall(r'-([0-9a-f]+)"', g)) for g in re.findall("<g .*?</g>", body)]


# --- caterpillar


def test_units_stand_in_order_in_the_band_of_all_and_those_without_a_number_nowhere() -> None:
    rows = [row(4.0, group="g0"), row(3.0, group="g1"), row(None, group="g2"), row(2.0, 0.2, group="g3")]
    rows[3] |= {"status": "pooled", "basis": "p"}
    shown = SHOW.caterpillar(released([*rows, row(3.0, 0.05)]), by="group")
    drawing = wide(shown.html("en"))
    (a, y_a, _), (b, y_b, _), (c, y_c, hollow) = dots(drawing)[:3]
    assert y_a < y_b < y_c
    assert hollow
    unit = a - b
    assert b - c == pytest.approx(unit, abs=PIXEL)
    (left, width), *_ = boxes(drawing, "hairline")
    assert (left, width) == pytest.approx((b - 0.05 * unit, 0.1 * unit), abs=PIXEL)
    assert "–withheld:House2" in written(drawing)
    assert "withheld" in shown.text("en")


@pytest.mark.parametrize("count", [5, 30, 31, 60, 61, 90, 200, 400])
def test_names_never_stand_over_each_other_and_the_ends_have_theirs(count: int) -> None:
    step = row_height(count)
    at = [k * step for k in named(count, step)]
    assert all(b - a >= 14 for a, b in pairwise(at))
    assert at[0] == 0
    assert at[-1] == pytest.approx((count - 1) * step)
    assert (len(at) == count) == (count <= NAMED)


def test_four_hundred_units_all_have_their_mark_on_one_page() -> None:
    rows = [row(1.5 + i / 200, group=f"u{i:03d}") for i in range(400)]
    shown = SHOW.caterpillar(released([*rows, row(2.5)]), by="group")
    assert len(dots(wide(shown.html("en")))) == 400 + 1  # and one in the legend
    height = re.search(r'viewBox="0 0 720 ([\d.]+)"', shown.html("en"))
    assert height is not None
    assert float(height[1]) < 1100


def test_units_that_are_not_compared_are_not_ordered_and_carry_their_mark() -> None:
    rows = [row(2.0, group="g0", status="broken", basis="meaning"), row(4.0, group="g1"), row(3.0, group="g2")]
    drawing = wide(SHOW.caterpillar(released([*rows, row(3.0)]), by="group").html("en"))
    x = [x for x, _, _ in dots(drawing)]
    assert x[0] < x[2] < x[1]
    assert "2.00≠" in written(drawing)


# --- forest


def test_a_forest_tells_n_number_and_interval_and_all_as_a_diamond() -> None:
    rows = [row(4.0, group="g0"), row(None, group="g1"), row(3.0, 0.5)]
    drawing = wide(SHOW.forest(released(rows), by="group").html("en"))
    texts = written(drawing)
    assert {"4,000", "4.00", "3.90–4.10", "All", "3.00", "–withheld"} <= set(texts)
    corners = re.findall(r'<path d="M([\d.]+) [\d.]+L([\d.]+) [\d.]+L([\d.]+) [\d.]+L[\d.]+ [\d.]+Z"', drawing)
    (left, middle, right), *_ = [tuple(map(float, c)) for c in corners]
    unit = dots(drawing)[0][0] - middle
    assert (left, right) == pytest.approx((middle - unit / 2, middle + unit / 2), abs=PIXEL)


def test_a_forest_of_many_keeps_the_ends_and_says_so() -> None:
    rows = [row(1.5 + i / 50, group=f"u{i:03d}") for i in range(40)]
    shown = SHOW.forest(released([*rows, row(2.0)]), by="group")
    assert len(dots(wide(shown.html("en")))) == 30
    assert "the 15 highest and 15 lowest of 40" in shown.text("en")


# --- heat map


def heat_rows() -> list[dict[str, object]]:
    rows = [
        row(2.0 + i / 40, group=f"g{g}", region=code)
        for i, (code, *_) in enumerate(TREE)
        for g in range(3)
        if (code, g) not in (("p101", 0), ("p102", 1), ("p103", 2))
    ]
    rows += [row(None, group="g0", region="p101"), row(3.0, group="g1", region="p102", status="pooled", basis="p")]
    return [*rows, row(2.8)]  # no row at all for p103 and g2


def test_a_heat_map_follows_the_tree_and_marks_what_has_no_number_of_its_own() -> None:
    shown = SHOW.heat(released(heat_rows()))
    drawing = wide(shown.html("en"))
    places = [t for t in written(drawing) if t.startswith("Place")]
    assert places == [f"Place{code}" for code in sorted(c for c, *_ in TREE)]
    assert hatched(drawing) == 1 + 1  # and one in the legend
    assert drawing.count("stroke-dasharray") == 1 + 1
    assert "hatched: no number (withheld)" in shown.text("en")
    assert "empty: there is no such unit" in shown.text("en")
    assert shown.html("zh").count("<svg") == 2


def test_a_heat_map_that_may_not_be_compared_has_no_shades() -> None:
    rows = [row(v, group=g, region="p1", status="broken", basis="meaning") for v, g in ((2.0, "g0"), (4.0, "g1"))]
    html = wide(SHOW.heat(released([*rows, row(3.0)])).html("en"))
    assert len(boxes(html.partition("</defs>")[2], "paper")) == 2
    assert "≠ or ≈" in SHOW.heat(released([*rows, row(3.0)])).text("en")


def test_a_study_without_such_pairs_says_so_in_place_of_the_figure() -> None:
    assert SHOW.heat(released([row(3.0, group="g0"), row(3.0)])).mark("en")["kind"] == "nothing"


# --- tile grid

CITIES = [row(2.0, region="p1"), row(4.0, region="p2"), row(3.0)]


def test_tiles_stand_where_the_layout_puts_them() -> None:
    layout = pd.DataFrame({"code": ["p1", "p2"], "row": [2, 1], "column": [1, 3], "level": "city"})
    shown = SHOW.grid(released(CITIES), layout=layout)
    tiles = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', wide(shown.html("en")))[-2:]
    (x1, y1, side), (x2, y2, _) = [tuple(map(float, t)) for t in tiles]
    assert x2 - x1 == pytest.approx(2 * (side + 3), abs=PIXEL)
    assert y1 > y2
    assert "near where it lies" in shown.text("en")


def test_without_a_layout_tiles_stand_in_blocks_and_the_figure_says_so() -> None:
    shown = SHOW.grid(released(CITIES))
    assert "there is no layout for these places" in shown.text("en")
    assert "没有布局文件" in shown.text("zh")
    assert {"2.00", "4.00", "PlacepPlacep1Placep2"} & set(written(wide(shown.html("en")))) == set()
    assert [t for t in written(wide(shown.html("en"))) if t.startswith("Place")] == ["Placep", "Placep1", "Placep2"]


def test_short_names_leave_the_kind_of_place_out_unless_two_would_be_one() -> None:
    assert short_names(["Lake District", "Hill County"], "en") == ["Lake", "Hill"]
    assert short_names(["Lake District", "Lake County"], "en") == ["Lake District", "Lake County"]
    assert short_names(["湖山区", "山县", "河谷自治县"], "zh") == ["湖山", "山县", "河谷"]


# --- small multiples


def line(*values: float | None, group: str) -> list[dict[str, object]]:
    return [row(v, group=group, wave=str(w)) for w, v in enumerate(values, 1)]


def test_a_line_breaks_at_a_gap_and_where_waves_are_not_compared() -> None:
    keys = {"group": "a", "region": "*", "domain": "*", "term": "warmth", "statistic": "mean"}

    def made(wave: str, status: str) -> Row:
        value = 3.0 if status in ("ok", "broken") else float("nan")
        return Row({**keys, "wave": wave}, value, 2.9, 3.1, 10.0, 2, status, "")

    def parted(*statuses: str) -> list[str]:
        found = runs([made(str(k), s) for k, s in enumerate(statuses)])
        return ["".join(r.keys["wave"] for r in run) for run in found]

    assert parted("ok", "ok", "ok") == ["012"]
    assert parted("ok", "withheld", "ok") == ["0", "2"]
    assert parted("broken", "ok", "ok") == ["0", "12"]
    assert parted("ok", "ok", "broken") == ["01", "2"]


def test_small_multiples_show_the_others_only_where_units_may_be_compared() -> None:
    table = released([*line(3.0, 3.5, group="g0"), *line(3.2, 3.1, group="g1")])
    free, bound = (Show(LABELS, limits={"warmth": (1, 5)}, ranked=r).multiples(table) for r in (True, False))
    assert "grey lines" in free.text("en")
    assert "grey lines" not in bound.text("en")
    assert free.html("en").count("fill-opacity") == 2 * 2
    assert free.mark("en")["title"] == "Warmth since Spring: 1 of 2 up, 0 down"


def test_at_most_so_many_panels_the_lowest_first_and_the_rest_is_told() -> None:
    rows = [r for i in range(30) for r in line(2.0, 4.5 - i / 20, group=f"u{i:02d}")]
    table = released(rows)
    lines = {f"u{i:02d}": cut(table, by="wave", where={"group": f"u{i:02d}"}) for i in range(30)}
    assert choose_panels(lines, ranked=True) == [f"u{i:02d}" for i in range(29, 29 - PANELS, -1)]
    assert choose_panels(lines, ranked=False) == [f"u{i:02d}" for i in range(PANELS)]
    assert f"{PANELS} of 30 are drawn" in SHOW.multiples(table).text("en")


# --- all of them


def figures(table: Released) -> dict[str, object]:
    return {
        "caterpillar": SHOW.caterpillar(table),
        "forest": SHOW.forest(table),
        "grid": SHOW.grid(table),
        "heat": SHOW.heat(table),
        "multiples": SHOW.multiples(table),
    }


def test_every_figure_says_its_sentence_to_those_who_do_not_see_it_and_ids_are_its_own() -> None:
    rows = [r for g in ("g0", "g1") for r in line(3.0, 3.5, group=g)]
    rows += [row(v, region=c, wave="2") for c, v in (("p1", 2.0), ("p2", 4.0))]
    rows += [row(3.0, region=c, group=g, wave="2") for c in ("p1", "p2") for g in ("g0", "g1")]
    table = released([*rows, *(row(3.2, wave=w) for w in "12")])
    shown = figures(table)
    for language in LANGUAGES:
        said = SHOW.overview(table, by="group").text(language)
        assert said in shown["caterpillar"].text(language)  # type: ignore[attr-defined]
        assert SHOW.moves(table).text(language) in shown["multiples"].text(language)  # type: ignore[attr-defined]
    page = "".join(o.html(lang) for o in shown.values() for lang in LANGUAGES)  # type: ignore[attr-defined]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(ids)
    assert page.count('role="img"') == 2 * 2 * len(shown)
