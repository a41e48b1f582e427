"""Sentences say what their rows say: direction, numbers, and honesty where there is no number.

No tolerances: sentences are compared with rows as text and by order. What the rule must answer is worked out here from
the rule's words (whole interval above, below, near), not from the code.
"""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.disclosure import Released, plan_release, release
from analysis.display import Show
from analysis.display.labels import inside, labels_of
from analysis.display.rows import Row
from analysis.display.sentences import Reference, cannot_say, sentence, verdict
from analysis.tidy import tidy_frame

LABELS = pd.DataFrame(
    [
        ("group", "a", "Alpha House", "甲会"),
        ("group", "b", "Beta House", "乙会"),
        ("group", "c", "Gamma House", "丙会"),
        ("region", "p", "Upland", "山省"),
        ("region", "q", "Lakeside", "湖市"),
        ("scale", "warmth", "Warmth", "温暖感"),
        ("item", "fine", "How are you served?", "服务如何？"),
        ("wave", "1", "Spring", "春季"),
        ("wave", "2", "Autumn", "秋季"),
    ],
    columns=["kind", "code", "en", "zh"],
)
SHOW = Show(LABELS, limits={"warmth": (1, 5)})
NAMES = labels_of(LABELS)
WORDS = {
    "higher": ("is higher than average", "高于平均水平"),
    "lower": ("is lower than average", "低于平均水平"),
    "same": ("is about average", "与平均水平大致相同"),
    "unsure": ("cannot be told apart from the average", "尚不能判断"),
}


def released(rows: list[dict[str, object]], name: str = "t") -> Released:
    """Let rows out through the real door; the registry has no people, so that only rounding is at work."""
    table = tidy_frame(rows)
    variables = {term.partition("=")[0]: ("registry", 1, 5) for term in table["term"]}
    people = {"registry": table[["wave", "group", "region"]]}
    cuts = [(), ("group",), ("region",), ("group", "region")]
    plan = plan_release(people, variables=variables, cuts=cuts, hierarchy=None, rules=None)
    return release(table, plan, name=name)


def row(
    value: float, low: float, high: float, *, group: str = "a", n: float = 4000, **more: object
) -> dict[str, object]:
    keys = {"wave": "1", "term": "warmth", "statistic": "mean", "group": group}
    return {**keys, "estimate": value, "conf_low": low, "conf_high": high, "n": n, **more}


def made(value: float, low: float, high: float, status: str = "ok") -> Row:
    keys = {"wave": "1", "group": "a", "region": "*", "domain": "*", "term": "warmth", "statistic": "mean"}
    return Row(keys, value, low, high, 100.0, 2, status, "")


hundredths = st.integers(100, 500).map(lambda v: v / 100)


@st.composite
def intervals(draw: st.DrawFn) -> tuple[float, float, float]:
    low, value, high = sorted(draw(st.tuples(hundredths, hundredths, hundredths)))
    return value, low, high


@settings(max_examples=300, deadline=None)
@given(intervals(), intervals())
def test_a_sentence_never_says_a_direction_that_its_row_does_not_have(
    unit: tuple[float, float, float], whole: tuple[float, float, float]
) -> None:
    reference = Reference("average", *whole, text=f"{whole[0]:.2f}")
    texts = [sentence(made(*unit), NAMES, language, reference=reference, span=4.0) for language in ("en", "zh")]
    higher, lower = unit[1] > whole[2], unit[2] < whole[1]
    near = unit[1] >= whole[0] - 0.2 - 1e-9 and unit[2] <= whole[0] + 0.2 + 1e-9
    expected = "higher" if higher else "lower" if lower else "same" if near else "unsure"
    for text, words in zip(texts, WORDS[expected], strict=True):
        assert words in text
        assert f"{unit[0]:.2f}" in text
        assert f"{whole[0]:.2f}" in text
    others = [w for k, pair in WORDS.items() if k != expected for w in pair]
    assert not any(other in text for text in texts for other in others)


@settings(max_examples=100, deadline=None)
@given(intervals(), intervals(), st.sampled_from(["pooled", "withheld", "not_asked", "not_reported", "series_broken"]))
def test_a_row_without_its_own_number_gets_no_direction(
    unit: tuple[float, float, float], whole: tuple[float, float, float], status: str
) -> None:
    reference = Reference("average", *whole, text="")
    for language in (0, 1):
        text = sentence(made(*unit, status=status), NAMES, ("en", "zh")[language], reference=reference, span=4.0)
        assert not any(pair[language] in text for pair in WORDS.values())
        assert text.endswith((".", "。"))


def test_sentences_read_as_a_person_would_write_them() -> None:
    table = released([row(4.21, 4.0, 4.4), row(3.8, 3.75, 3.85, group="*", n=40_000)])
    shown = SHOW.sentence(table, group="a")
    assert shown.text("en") == "Alpha House: warmth is higher than average (4.21, between 4.00 and 4.40; average 3.80)."
    assert shown.text("zh") == "甲会：温暖感高于平均水平（4.21，区间 4.00–4.40；平均 3.80）。"
    place = {"group": "*", "region": "q"}
    places = released([row(3.1, 3.0, 3.2, **place), row(3.8, 3.75, 3.85, group="*", n=40_000)])  # type: ignore[arg-type]
    shown = SHOW.sentence(places, region="q")
    assert shown.text("en").startswith("In Lakeside, warmth is lower than average")
    assert shown.text("zh").startswith("湖市的温暖感低于平均水平")


def test_a_share_is_said_in_per_cent_and_an_answer_by_its_question() -> None:
    share = {"term": "took_part", "statistic": "conditional", "estimate": 0.231, "conf_low": 0.21, "conf_high": 0.25}
    shown = SHOW.sentence(released([{**share, "n": 5000}]))
    assert shown.text("en") == "The share that took part is 23% (between 21% and 25%)."
    assert shown.text("zh") == "参加率为 23%（区间 21%–25%）。"
    item = SHOW.sentence(released([row(4.0, 3.9, 4.1, group="*", term="fine")]))
    assert item.text("en") == "The mean answer to “How are you served?” is 4.00 (between 3.90 and 4.10)."


def test_the_wave_before_can_be_the_reference() -> None:
    waves = released([row(3.2, 3.1, 3.3, group="*"), row(3.9, 3.8, 4.0, group="*", wave="2")])
    shown = SHOW.sentence(waves, against="previous")
    assert shown.text("en") == "Warmth is higher than in Spring (3.90, between 3.80 and 4.00; Spring 3.20)."
    assert "高于春季" in shown.text("zh")


def test_a_difference_rises_and_falls_with_its_sign() -> None:
    change = [
        row(v, v - 0.1, v + 0.1, group=g, statistic="difference") for g, v in (("a", 0.4), ("b", -0.4), ("c", 0.0))
    ]
    table = released(change)
    said = [SHOW.sentence(table, group=g).text("en") for g in "abc"]
    assert [("rose" in s, "fell" in s) for s in said] == [(True, False), (False, True), (False, False)]
    assert "+0.40" in said[0]
    assert "−0.40" in said[1]


@pytest.mark.parametrize(
    ("status", "english", "chinese"),
    [
        ("withheld", "withheld", "已隐去"),
        ("not_asked", "was not asked", "未询问"),
        ("not_reported", "no log", "未报送"),
    ],
)
def test_a_status_is_said_honestly(status: str, english: str, chinese: str) -> None:
    keys: dict[str, object] = {"wave": "1", "group": "a", "term": "warmth", "statistic": "mean", "status": status}
    shown = SHOW.sentence(released([keys, row(3.8, 3.7, 3.9, group="*")]), group="a")
    assert english in shown.text("en")
    assert chinese in shown.text("zh")


def test_a_pooled_row_names_the_unit_it_is_borrowed_from() -> None:
    pooled = row(3.8, 3.7, 3.9, status="pooled", basis="p")
    text = SHOW.sentence(released([pooled, row(3.8, 3.7, 3.9, group="*")]), group="a").text("en")
    assert "Upland" in text
    assert "3.80" in text


def test_what_cannot_be_said_never_counts_one_to_nine() -> None:
    for rows in range(1, 10):
        assert not any(sign.isdigit() for line in cannot_say({"withheld": rows}, "en") for sign in line)
    assert "About 40" in cannot_say({"withheld": 47}, "en")[0]
    assert cannot_say({"ok": 3}, "zh") == ["所要的数字都可以显示。"]


def test_findings_tell_the_worrying_unit_first_and_link_their_chapter() -> None:
    rows = [row(4.4, 4.3, 4.5, group="a"), row(3.2, 3.1, 3.3, group="b"), row(3.8, 3.6, 4.0, group="c")]
    table = released([*rows, row(3.8, 3.75, 3.85, group="*")])
    finding = SHOW.finding(table, chapter="warmth")
    shown = SHOW.findings(finding)
    assert shown.text("en").startswith("Beta House: warmth is lower than average (3.20")
    assert 'href="warmth.html"' in shown.html("en")
    assert shown.html("zh").count("<svg") == 1
    assert shown.mark("zh") == {"kind": "findings", "language": "zh", "name": "findings-found", "section": "found"}
    first = SHOW.findings(finding, SHOW.finding(table, worse="higher"), section="first")
    assert [line.split(":")[0] for line in first.text("en").splitlines()] == [
        "Begin with Beta House",
        "Begin with Alpha House",
    ]


def test_where_nobody_stands_apart_the_finding_says_so() -> None:
    rows = [row(3.8, 3.5, 4.1, group=g) for g in "abc"]
    shown = SHOW.findings(SHOW.finding(released([*rows, row(3.8, 3.75, 3.85, group="*")])))
    assert shown.text("en") == "None of the organisations can be told apart from the average on warmth (average 3.80)."
    nothing = SHOW.findings(SHOW.finding(released([*rows, row(3.8, 3.75, 3.85, group="*")])), section="first")
    assert "Nothing stands out" in nothing.text("en")


def test_names_inside_a_sentence_keep_their_capitals() -> None:
    assert [inside(n) for n in ("Warmth", "WBEING", "Office-like work", "ICC(1)")] == [
        "warmth",
        "WBEING",
        "office-like work",
        "ICC(1)",
    ]


def test_no_verdict_without_an_interval() -> None:
    assert verdict(made(4.0, float("nan"), float("nan")), Reference("average", 3.0, 2.9, 3.1, "3.00"), 4.0) == "none"


def test_ten_units_are_counted_and_nine_are_some() -> None:
    """Below ten no count is said; from ten on, tens."""
    assert [cannot_say({"withheld": n}, "en")[0].split()[:2] for n in (10, 19, 20)] == [
        ["About", "10"],
        ["About", "10"],
        ["About", "20"],
    ]
    assert cannot_say({"withheld": 9}, "en")[0].startswith("Some ")
