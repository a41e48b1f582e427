"""Where units stand on a plane, and that no name stands over another: read back from the drawings.

Tolerance: positions are written with two decimals of a pixel.
"""

from __future__ import annotations

import random
import re
from itertools import combinations

import pandas as pd
import pytest

from analysis.disclosure import Released, plan_release, release
from analysis.display import LANGUAGES, Show
from analysis.display.output import Output
from analysis.display.placing import Box, Named, around, place
from analysis.tidy import tidy_frame

PIXEL = 0.03
NAMES = [
    *(("group", f"g{i:02d}", f"Federation of House {i}", f"第{i}联合会") for i in range(40)),
    ("scale", "warmth", "Warmth", "温暖感"),
    ("wave", "1", "Spring", "春"),
]
SHOW = Show(pd.DataFrame(NAMES, columns=["kind", "code", "en", "zh"]), limits={"warmth": (1, 5)})
ACROSS, UP = "above_absent", "below_present"


def released(rows: list[dict[str, object]], name: str = "t") -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    variables = dict.fromkeys(table["term"], ("registry", 1, 5))
    people = {"registry": table[["wave", "group", "region"]]}
    plan = plan_release(people, variables=variables, cuts=[(), ("group",)], hierarchy=None, rules=None)
    return release(table, plan, name=name)


def row(statistic: str, value: float | None, reach: float = 0.05, **keys: object) -> dict[str, object]:
    base = {"wave": "1", "term": "warmth", "statistic": statistic, **keys}
    if value is None:
        return {"status": "withheld", **base}
    return {**base, "estimate": value, "conf_low": value - reach, "conf_high": value + reach, "n": 4000}


def unit(x: float | None, y: float | None, reach: float = 0.05, **keys: object) -> list[dict[str, object]]:
    return [row(ACROSS, x, reach, **keys), row(UP, y, reach, **keys)]


def plane(rows: list[dict[str, object]]) -> Output:
    return SHOW.plane(released(rows), x=ACROSS, y=UP)


def drawings(html: str) -> list[str]:
    """The wide and the narrow drawing, without the letters' outlines."""
    return [part.partition("</defs>")[2] for part in html.split("</svg>")[:2]]


def dots(drawing: str) -> list[tuple[float, float, bool]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"[^>]*fill:([^;"]*)', drawing)
    return [(float(x), float(y), "paper" in fill) for x, y, fill in found]


def words(drawing: str) -> dict[str, Box]:
    """What is written, blanks left out, and the box it stands in (without halos)."""
    found = {}
    for x, y, size, text in re.findall(
        r'<g transform="translate\(([\d.-]+) ([\d.]+)\) scale\(([\d.]+) [^>]*>(.*?)</g>', drawing
    ):
        signs = re.findall(r'-([0-9a-f]+)" x="([\d.]+)"', text)
        em, left, foot = float(size) * 1000, float(x), float(y)
        right = left + (float(signs[-1][1]) / 1000 + 0.5) * em
        found["".join(chr(int(s, 16)) for s, _ in signs) + f"|{x}|{y}"] = Box(left, foot - 0.7 * em, right, foot)
    return found


def texts(drawing: str) -> list[str]:
    return [key.partition("|")[0] for key in words(drawing)]


def test_dots_stand_where_both_scales_put_them_and_the_whole_is_two_named_lines() -> None:
    rows = [*unit(0.2, 0.6, group="g00"), *unit(0.4, 0.2, group="g01"), *unit(0.3, 0.4, 0.02)]
    (drawing, _) = drawings(plane(rows).html("en"))
    (a, b) = dots(drawing)
    upright = re.search(r'd="M([\d.]+) [\d.]+L\1 [\d.]+"[^>]*stroke-width:1\.2', drawing)
    level = re.search(r'd="M[\d.]+ ([\d.]+)L[\d.]+ \1"[^>]*stroke-width:1\.2', drawing)
    assert upright is not None
    assert level is not None
    assert float(upright[1]) == pytest.approx((a[0] + b[0]) / 2, abs=PIXEL)
    assert float(level[1]) == pytest.approx((a[1] + b[1]) / 2, abs=PIXEL)
    assert {"average30%", "average40%"} <= set(texts(drawing))
    crosses = re.findall(r'd="M([\d.]+) ([\d.]+)L([\d.]+) \2M([\d.]+) ([\d.]+)L\4 ([\d.]+)"', drawing)
    for x, y, _ in (a, b):
        left, at, right, upright_at, foot, top = next(
            tuple(map(float, c)) for c in crosses if float(c[3]) == pytest.approx(x, abs=PIXEL)
        )
        assert (at, upright_at) == pytest.approx((y, x), abs=PIXEL)
        assert (left, right) == pytest.approx((x - 0.25 * (b[0] - a[0]), x + 0.25 * (b[0] - a[0])), abs=PIXEL)
        assert (foot - top) / (b[1] - a[1]) == pytest.approx(0.1 / 0.4, abs=0.001)


def test_what_is_hidden_on_one_axis_is_drawn_on_neither_and_named_below() -> None:
    rows = [*unit(0.2, 0.6, group="g00"), *unit(0.73, None, group="g01"), *unit(None, 0.91, group="g02")]
    rows += [row(ACROSS, 0.64, group="g03"), *unit(0.3, 0.5, 0.02)]
    shown = plane(rows)
    for language in LANGUAGES:
        for drawing in drawings(shown.html(language)):
            assert len(dots(drawing)) == 1
            assert not any(n in "".join(texts(drawing)) for n in ("73", "91", "64"))
        assert not any(n in shown.text(language) for n in ("73", "91", "64"))
    assert "–withheld:FederationofHouse1,FederationofHouse2" in texts(drawings(shown.html("en"))[0])
    assert "–noestimate:FederationofHouse3" in texts(drawings(shown.html("en"))[0])
    assert "Federation of House 1 –" in shown.text("en")


def test_where_nothing_may_be_shown_there_is_no_plane_but_the_names() -> None:
    shown = plane([*unit(None, None, group="g00"), *unit(None, None, group="g01")])
    (drawing, _) = drawings(shown.html("zh"))
    assert dots(drawing) == []
    assert texts(drawing) == ["–已隐去:第0联合会、第1联合会".replace(":", "：")]
    assert shown.mark("en")["title"] == "Satisfied but absent, present but dissatisfied (warmth): nothing can be shown"


def test_one_unit_alone_and_a_pooled_one() -> None:
    pooled = [r | {"status": "pooled", "basis": "*"} for r in unit(0.2, 0.6, group="g00")]
    shown = plane(pooled)
    assert [hollow for _, _, hollow in dots(drawings(shown.html("en"))[0])] == [True]
    assert "hollow marks are pooled" in shown.text("en")


def test_a_title_names_those_clear_of_the_average() -> None:
    rows = [*unit(0.2, 0.4, group="g00"), *unit(0.31, 0.41, group="g01"), *unit(0.3, 0.4, 0.02)]
    shown = plane(rows)
    title = "Satisfied but absent, present but dissatisfied (warmth): Federation of House 0 clear of the average"
    assert shown.mark("en")["title"] == title
    assert shown.mark("zh")["title"] == "满意但未参加、参加但不满意（温暖感）：第0联合会明确不同于平均"
    assert "Federation of House 0 20% (15–25%), 40% (35–45%)" in shown.text("en")
    assert shown.html("en").count('role="img"') == 2


def test_two_tables_give_one_axis_each() -> None:
    means = released([row("mean", 3.0 + i / 2, 0.1, group=f"g0{i}") for i in range(2)] + [row("mean", 3.3, 0.1)])
    shares = [row("proportion", 0.5 - i / 5, 0.05, group=f"g0{i}", term="came") for i in range(2)]
    shown = SHOW.plane(means, x="mean", y="proportion", also=released(shares))
    (a, b) = dots(drawings(shown.html("en"))[0])
    assert a[0] < b[0]
    assert a[1] < b[1]
    assert "Federation of House 1 3.50 (3.40–3.60), 30% (25–35%)" in shown.text("en")


def crowd(count: int, seed: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    units = [(rng.gauss(0.3, 0.06), rng.gauss(0.4, 0.08)) for _ in range(count)]
    rows = [r for i, (x, y) in enumerate(units) for r in unit(x, y, 0.03, group=f"g{i:02d}")]
    return [*rows, *unit(0.3, 0.4, 0.01)]


@pytest.mark.parametrize("count", [2, 8, 20, 40])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_stands_over_another_or_over_a_mark(count: int, language: str) -> None:
    rows = crowd(count, count)
    shown = plane(rows)
    for drawing in drawings(shown.html(language)):
        marks = dots(drawing)
        assert len(marks) == count
        boxes = list(words(drawing).values())
        assert not any(a.meets(b) for a, b in combinations(boxes, 2))
        assert not any(b.meets(around((x, y), 3.4)) for b in boxes for x, y, _ in marks)
        assert all(b.left >= 0 and b.right <= 721 for b in boxes)
    if count <= 20:
        assert "names stand at" not in shown.text("en")
    else:
        clear = [
            i
            for i in range(count)
            for x, y in [(rows[2 * i]["estimate"], rows[2 * i + 1]["estimate"])]
            if abs(x - 0.3) > 0.045 or abs(y - 0.4) > 0.045
        ]
        kept = {i for i in range(count) for t in texts(drawings(shown.html("zh"))[0]) if t == f"第{i}联合会"}
        assert set(clear) >= kept or len(kept - set(clear)) <= 2  # bounds are rounded outward
        assert len(kept) < count
        assert "names stand at those clear of the average" in shown.text("en")


def test_a_name_that_finds_no_place_is_none() -> None:
    room, mark = Box(0, 0, 30, 30), Named((15, 15), 20, 10)
    assert place([mark], room, [Box(0, 0, 30, 30)], []) == [None]
    (free,) = place([mark], Box(0, 0, 200, 200), [], [])
    assert free is not None
    assert Box(0, 0, 200, 200).holds(free)


def test_a_box_knows_what_crosses_it() -> None:
    box = Box(10, 10, 20, 20)
    assert box.crossed(((0, 15), (30, 15)))
    assert box.crossed(((0, 0), (30, 30)))
    assert not box.crossed(((0, 5), (30, 5)))
    assert not box.crossed(((0, 15), (9, 15)))
    assert not box.crossed(((0, 45), (45, 0)))
    assert box.nearest((0, 15)) == (10, 15)


@pytest.mark.parametrize(
    ("statistic", "value", "english", "chinese"),
    [
        (
            "above_absent",
            0.12,
            "Warmth: 12% (10 to 14%) are satisfied but absent.",
            "温暖感：12%（区间 10–14%）满意但未参加。",
        ),
        (
            "present_minus_absent",
            -0.3,
            "Warmth: those who take part answer lower than those who do not, by 0.30 (0.28 to 0.32).",
            "温暖感：参加者的评分低于未参加者，相差 0.30（区间 0.28–0.32）。",
        ),
        (
            "top_tenth",
            0.4,
            "Warmth: the most active tenth makes 40% (38 to 42%) of all times.",
            "温暖感：最活跃的十分之一占全部次数的 40%（区间 38–42%）。",
        ),
    ],
)
def test_sentences_have_words_of_their_own(statistic: str, value: float, english: str, chinese: str) -> None:
    shown = SHOW.sentence(released([row(statistic, value, 0.02)]))
    assert (shown.text("en"), shown.text("zh")) == (english, chinese)


def test_a_sentence_says_how_a_unit_stands_beside_the_average() -> None:
    rows = [row(ACROSS, 0.2, group="g00"), row(ACROSS, None, group="g01"), row(ACROSS, 0.5, 0.02)]
    shown = SHOW.sentence(released(rows), group="g00")
    assert shown.text("en") == (
        "Federation of House 0, warmth: 20% (15 to 25%) are satisfied but absent, less than on average (50%)."
    )
    assert shown.text("zh") == "第0联合会，温暖感：20%（区间 15–25%）满意但未参加，低于平均（50%）。"
    assert "is withheld" in SHOW.sentence(released(rows), group="g01").text("en")
