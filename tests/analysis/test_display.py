"""Tables, figures and pages: what is shown is what was released, in both languages, the same bytes each time.

No tolerances: HTML and SVG are compared as text.
"""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser

import pandas as pd
import pytest

from analysis.disclosure import MIME, Released, plan_release, release
from analysis.display import LANGUAGES, Output, Show
from analysis.display.glyphs import glyph, text_width, wrap
from analysis.display.words import WORDS
from analysis.tidy import COLUMNS, tidy_frame

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\u202eb",
    "$x^2$",
    "{{ 7 * 7 }}",
    "</svg><b>",
)
NAMES = [
    ("group", "a", "Alpha House", "甲会"),
    ("group", "b", "Beta House", "乙会"),
    ("group", "c", "Gamma House", "丙会"),
    ("scale", "warmth", "Warmth", "温暖感"),
    ("scale", "calm", "Calm", "平静"),
    ("wave", "1", "Spring", "春季"),
    ("wave", "2", "Autumn", "秋季"),
]


def show_with(names: list[tuple[str, str, str, str]], **more: object) -> Show:
    frame = pd.DataFrame(names, columns=["kind", "code", "en", "zh"])
    return Show(frame, limits={"warmth": (1, 5), "calm": (1, 5)}, **more)  # type: ignore[arg-type]


SHOW = show_with(NAMES)


def released(rows: list[dict[str, object]], name: str = "demo") -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    variables = dict.fromkeys(table["term"], ("registry", 1, 5))
    cuts = [(), ("group",), ("region",)]
    plan = plan_release(
        {"registry": table[["wave", "group", "region"]]}, variables=variables, cuts=cuts, hierarchy=None, rules=None
    )
    return release(table, plan, name=name)


def row(value: float | None, *, status: str | None = None, **keys: object) -> dict[str, object]:
    base = {"wave": "1", "term": "warmth", "statistic": "mean", **keys}
    if value is None:
        return {**base, "status": status}
    return {**base, "estimate": value, "conf_low": value - 0.1, "conf_high": value + 0.1, "n": 4000, "status": status}


def groups(**values: float | None) -> list[dict[str, object]]:
    return [row(v, group=g, status=None if v is not None else "withheld") for g, v in values.items()]


PLAIN = [*groups(a=3.2, b=4.4, c=None), row(3.8, group="*")]
BEFORE = released([row(3.0, wave="0", group=g) for g in ("a", "b", "*")])


def test_one_wave_is_no_trend() -> None:
    assert SHOW.trend(released(PLAIN), by="group", term="warmth").mark("en")["kind"] == "nothing"


class Tags(HTMLParser):
    """Collects elements, attributes and ids, to see what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def outputs(show: Show, table: Released, group: str = "a") -> dict[str, Output]:
    return {
        "table": show.table(table),
        "dots": show.dots(table, term="warmth"),
        "trend": show.trend([table, BEFORE], by="group", term="warmth"),
        "sentence": show.sentence(table, term="warmth", group=group),
        "findings": show.findings(show.finding(table, term="warmth")),
        "cannot": show.cannot_say(table),
    }


def test_every_output_is_shown_once_in_each_language_under_the_mark() -> None:
    for kind, output in outputs(SHOW, released(PLAIN)).items():
        assert [b[MIME]["language"] for b in output.bundles] == list(LANGUAGES), kind
        assert all(set(b) == {MIME, "text/html", "text/plain"} for b in output.bundles)
        assert output.html("en") != output.html("zh")
        assert not re.search(r"0x[0-9a-f]{6,}", repr(output.bundles))


def test_the_same_table_gives_the_same_bytes_and_a_changed_value_other_bytes() -> None:
    first, again = (outputs(SHOW, released(PLAIN)) for _ in range(2))
    changed = outputs(SHOW, released([*groups(a=3.21, b=4.4, c=None), row(3.8, group="*")]))
    for kind in first:
        assert first[kind].bundles == again[kind].bundles, kind
    for kind in ("table", "dots", "trend", "sentence", "findings"):
        assert all(first[kind].html(lang) != changed[kind].html(lang) for lang in LANGUAGES), kind


def test_one_moved_point_moves_only_its_mark() -> None:
    drawings = [
        SHOW.dots(released([*groups(a=value, b=4.4, c=None), row(3.8, group="*")]), term="warmth").html("en")
        for value in (3.2, 3.25)
    ]
    circles = [re.findall(r"<circle[^>]*>", d) for d in drawings]
    different = [a != b for a, b in zip(*circles, strict=True)]
    assert sum(different) == 2  # once in the wide drawing, once in the narrow one


def test_hostile_labels_do_nothing() -> None:
    names = [("group", str(i), text, text) for i, text in enumerate(HOSTILE)]
    show = show_with([*names, ("scale", "warmth", HOSTILE[0], HOSTILE[1])])
    table = released([*(row(2.0 + i / 2, group=str(i)) for i in range(len(HOSTILE))), row(3.0, group="*")])
    for kind, output in outputs(show, table, "0").items():
        for language in LANGUAGES:
            seen = Tags(output.html(language))
            assert not {"script", "img", "b", "iframe"} & set(seen.tags), kind
            assert not [a for a, _ in seen.attributes if a.startswith("on")], kind
            assert "\u202e" not in output.html(language)
    assert "&lt;script&gt;" in show.table(table).html("en")
    assert "{{ 7 * 7 }}" in show.table(table).html("en")


def test_a_table_has_headers_scopes_footnotes_and_released_digits() -> None:
    rows = [*PLAIN, row(4.0, group="d", status="pooled", basis="*"), row(None, group="e", status="not_asked")]
    html = SHOW.table(released(rows)).html("en")
    assert html.startswith("<details")
    assert '<th scope="row">Alpha House</th>' in html
    assert '<td class="number">3.20</td><td class="quiet">3.10–3.30</td>' in html
    assert re.search(r'4\.00 <span class="quiet">○</span>', html)
    assert '<td class="number quiet">–</td>' in html
    notes = re.search(r'<p class="notes">(.*?)</p>', html)
    assert notes is not None
    assert [w in notes[1] for w in ("pooled", "withheld", "not asked", "series")] == [True, True, True, False]
    assert html.count("<caption>Warmth, Spring</caption>") == 1
    last_head = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", html)[-1]
    assert last_head == "n"
    assert SHOW.table(released(rows), fold=False).html("en").startswith("<div")


def test_tables_sort_by_value_by_name_or_not_at_all() -> None:
    table = released([*groups(a=3.2, c=None, b=4.4), row(3.8, group="*")])
    heads = {
        s: re.findall(r'<th scope="row">(.*?)</th>', SHOW.table(table, sort=s).html("en"))
        for s in ("value", "name", "given")
    }
    assert heads["value"] == ["All", "Beta House", "Alpha House", "Gamma House"]
    assert heads["name"] == ["All", "Alpha House", "Beta House", "Gamma House"]
    assert heads["given"] == ["Alpha House", "Gamma House", "Beta House", "All"]
    with pytest.raises(ValueError, match="sort is one of"):
        SHOW.table(table, sort="size")


def test_the_mark_of_a_table_carries_its_csv_in_codes() -> None:
    table = released(PLAIN)
    part, shown = SHOW.table(table, where={"group": "a"}), SHOW.table(table)
    for language in LANGUAGES:
        assert shown.mark(language)["columns"] == list(COLUMNS)
        assert len(shown.mark(language)["rows"]) == len(table.table)
        assert [r[1] for r in part.mark(language)["rows"]] == ["a"]
    by_group = {r[1]: r for r in shown.mark("zh")["rows"]}
    assert by_group["a"][COLUMNS.index("estimate")] == 3.2
    assert by_group["a"][COLUMNS.index("n")] == 4000
    assert by_group["c"][COLUMNS.index("estimate")] is None
    assert by_group["c"][COLUMNS.index("status")] == "withheld"


def test_a_key_that_varies_is_spread_and_two_rows_never_share_a_place() -> None:
    rows = [row(v, group="a", term=t) for t, v in (("warmth", 3.2), ("calm", 4.1))]
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', SHOW.table(released(rows)).html("en"))
    assert heads[:2] == ["Organisation", "Warmth"]
    assert "Calm" in heads
    with pytest.raises(ValueError, match="two rows would stand in one place"):
        SHOW.table(released([*rows, *rows]))


def test_a_figure_orders_by_value_names_its_reference_and_says_where_its_axis_starts() -> None:
    shown = SHOW.dots(released([*PLAIN, row(3.8, group="d", status="pooled", basis="*")]), term="warmth")
    text = shown.text("en")
    assert text.index("Beta House 4.40") < text.index("Alpha House 3.20 (3.10–3.30)") < text.index("Gamma House –")
    assert "The axis runs over the whole scale, 1 to 5" in text
    assert "hollow marks are pooled" in text
    assert shown.mark("en")["title"] == "Alpha House below the average on warmth, Beta House above it"
    assert shown.mark("zh")["title"] == "温暖感：甲会低于平均，乙会高于平均"
    seen = Tags(shown.html("en"))
    labels = [v for k, v in seen.attributes if k == "aria-label"]
    assert labels == [text, text]
    assert ("role", "img") in seen.attributes
    assert "metadata" not in seen.tags
    assert "style" not in seen.tags
    assert not re.search(r"(src|href)=\"(?!#)", shown.html("en"))


def test_ids_of_figures_in_one_page_do_not_clash_and_all_uses_are_defined() -> None:
    table = released(PLAIN)
    page = "".join(
        (
            SHOW.dots(table, term="warmth").html("en"),
            SHOW.trend(table, by="group").html("en"),
            SHOW.dots(table, term="warmth").html("zh"),
        )
    )
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(ids)


def test_many_units_become_panels_or_two_ends() -> None:
    many = [row(2 + i / 40, region=f"r{i:02d}") for i in range(60)]
    tree = pd.DataFrame([(f"r{i:02d}", f"p{i % 4}", "county") for i in range(60)], columns=["code", "parent", "level"])
    table = released([*many, row(3.0)])
    ends = SHOW.dots(table, by="region")
    assert "the 15 highest and 15 lowest of 60 are drawn" in ends.text("en")
    assert ends.html("en").count("<circle") == 2 * 30
    panels = show_with(NAMES, hierarchy=tree).dots(table, by="region")
    assert panels.html("en").count("<circle") == 2 * 60
    assert "upright line: average 3.00" in panels.text("en")


def test_steps_and_tiles_show_the_released_numbers() -> None:
    share = {"wave": "1", "n": 9000}
    chain = [
        {**share, "term": t, "statistic": s, "estimate": v, "conf_low": v - 0.01, "conf_high": v + 0.01}
        for t, total, step in (("joined", 0.6, 0.6), ("took_part", 0.45, 0.75), ("returned", 0.18, 0.4))
        for s, v in (("cumulative", total), ("conditional", step))
    ]
    steps = SHOW.steps(released(chain), terms=["joined", "took_part", "returned"])
    assert steps.mark("en")["title"] == "The weakest step is “Came back”: 40% of those before go on"
    assert "18% (17–19%)" in steps.text("en")
    places = released([row(2.0, region="x"), row(4.0, region="y"), row(None, region="z", status="withheld"), row(3.0)])
    tiles = SHOW.tiles(places)
    assert tiles.html("zh").count("<rect") == 2 * 3
    assert "x 2.00" in tiles.text("en")
    with pytest.raises(ValueError, match="no row for the steps"):
        SHOW.steps(released(chain), terms=["joined", "stayed"])


def test_chinese_letters_are_drawn_in_the_simplified_face() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        html = SHOW.dots(released(PLAIN), term="warmth").html("zh")
    assert glyph("中").outline != glyph("\U0010fffd").outline == glyph("〓").outline
    assert glyph("甲").outline in html
    assert f"-{ord('甲'):x}" in html
    # the form of this letter differs between the simplified and the Japanese face
    drawn = _numbers(glyph("直").outline)
    assert _numbers(_outline_of("直", "NotoSansCJKsc-Regular")) <= drawn
    assert not _numbers(_outline_of("直", "NotoSansCJKjp-Regular")) <= drawn


def _numbers(path: str) -> set[int]:
    return {round(float(v)) for v in re.findall(r"-?[\d.]+", path)}


def _outline_of(sign: str, face: str) -> str:
    """The outline as fontTools reads it, an engine that display does not use."""
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.ttLib import TTCollection
    from noto_cjk_sans_otc import FONT_PATH

    with TTCollection(str(FONT_PATH), lazy=True) as faces:
        font = next(f for f in faces if f["name"].getDebugName(6) == face)
        pen = SVGPathPen(font.getGlyphSet())
        font.getGlyphSet()[font.getBestCmap()[ord(sign)]].draw(pen)
    return str(pen.getCommands())


def test_long_names_are_wrapped_between_words_or_letters() -> None:
    name = "Association for the Advancement of Everything"
    assert " ".join(wrap(name, 200, 12)) == name
    assert all(text_width(line, 12) <= 200 for line in wrap(name * 3, 200, 12))
    assert wrap("某某某某省某某某某市某某联合会", 100, 12)[0] == "某某某某省某某某"


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for key, pair in WORDS.items():
        places = [set(re.findall(r"{(\w+)}", text)) for text in pair]
        assert all(pair) or key == "sentence.gap", key
        assert places[1] <= places[0] or key in ("title.count", "title.moved", "title.still"), key
        assert not re.search(r"significan|显著|p-value", " ".join(pair)), key


def test_display_refuses_what_was_not_released_and_options_that_would_change_nothing() -> None:
    with pytest.raises(TypeError, match="released tables only"):
        SHOW.dots(pd.DataFrame({"estimate": [1.0]}))  # type: ignore[arg-type]
    table = released([*PLAIN, row(3.0, group="a", term="calm")])
    with pytest.raises(ValueError, match="say which term"):
        SHOW.dots(table)
    with pytest.raises(ValueError, match="no row has wave '9'"):
        SHOW.dots(table, term="warmth", where={"wave": "9"})
    with pytest.raises(ValueError, match="level= chooses among places"):
        SHOW.dots(table, term="warmth", level="county")
    with pytest.raises(ValueError, match="no row has statistic 'meen'"):
        SHOW.dots(table, term="warmth", statistic="meen")


def test_a_statistic_that_this_study_has_no_data_for_is_said_to_be_absent() -> None:
    table = released(PLAIN)
    for shown in (
        SHOW.dots(table, statistic="shrunken"),
        SHOW.table(table, where={"statistic": ["within", "contextual"]}),
    ):
        assert shown.text("en") == "Not shown by measures: this study does not have the data for it."
