"""The study's thresholds of careless answering: what they flag, what becomes of the flagged, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.check_words import WORDS
from survey import Refused
from survey.care_items import NOTES
from survey.checks import Accepted
from survey.study import open_study
from tests.survey.builders import STUDY, answers, write_study

HEAD = "item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic"
SCALES = {name: {"title": {"en": name, "zh": name}, "theme": "cohesion"} for name in ("one", "two", "three")}
# Three scales of four items, the second and fourth of each reversed.
NAMES = [f"{scale}_{n}" for scale in SCALES for n in range(4)]
ITEMS = "\n".join(
    [HEAD, *(f"{n},,A,{n},{n},choice,agree5,,,{n[:-2]},{'yes' if n[-1] in '13' else ''},," for n in NAMES), ""]
)
ROLES = {"id": "member", "org": "group", "place": "region", "t": "seconds"}
SHARES = STUDY["rules"]
CAREFUL = [5, 1, 4, 2, 3, 3, 4, 3, 1, 5, 1, 4]  # consistent once reversed
OTHERS = [
    [4, 2, 5, 1, 2, 4, 3, 3, 2, 5, 2, 4],
    [2, 4, 2, 5, 5, 1, 4, 1, 3, 2, 3, 3],
    [1, 5, 2, 4, 4, 2, 3, 2, 5, 1, 5, 2],
]


def told(
    home: Path, *rows: list[int], seconds: list[int] | None = None, rules: Any = None, **careless: Any
) -> Accepted:
    """What becomes of answers to the twelve items under ``rules.careless``."""
    times = seconds or [100] * len(rows)
    said = [
        {"id": f"m{n}", "t": str(time)} | dict(zip(NAMES, map(str, row), strict=True))
        for n, (row, time) in enumerate(zip(rows, times, strict=True))
    ]
    entry = {"columns": ROLES | {n: n for n in reversed(NAMES)}}  # however wave.yaml orders them
    both = SHARES | (rules or {}) | {"careless": careless}
    return answers(home, said, entry, items=ITEMS, scales=SCALES, cuts=[[]], rules=both)


def doubtful(found: Accepted) -> list[int]:
    return [n for n, said in enumerate(found.frame["answering"]) if said == "doubtful"]


RUN = [2, 2, 2, 2, 2, 4, 3, 3, 2, 5, 2, 4]
FLAT = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2]


@pytest.mark.parametrize(
    ("index", "value", "row", "note"),
    [
        ("longstring", 5, RUN, "careless_longstring"),
        ("irv", 0.5, FLAT, "careless_irv"),
        ("even_odd", 0, [5, 5, 4, 5, 3, 3, 4, 3, 1, 1, 1, 2], "careless_even_odd"),
        ("copied", 12, OTHERS[0], "careless_copied"),
        ("same_code", 12, [4] * 12, "same_code_everywhere"),
    ],
)
def test_each_index_flags_by_its_threshold(tmp_path: Path, index: str, value: Any, row: list[int], note: str) -> None:
    found = told(tmp_path / "a", CAREFUL, row, *OTHERS, **({"same_code": None} | {index: value}))
    flagged = [1, 2] if index == "copied" else [1]
    assert (dict(found.notes), doubtful(found)) == ({note: len(flagged)}, flagged)
    off = told(tmp_path / "b", CAREFUL, row, *OTHERS, same_code=None)
    assert (dict(off.notes), doubtful(off)) == ({}, [])


def test_a_threshold_is_obeyed_to_the_item(tmp_path: Path) -> None:
    assert doubtful(told(tmp_path / "a", CAREFUL, RUN, longstring=5)) == [1]
    assert doubtful(told(tmp_path / "b", CAREFUL, RUN, longstring=6)) == []
    fast = {"seconds": [100, 23, 24], "rules": {"least_seconds": 0}}
    assert doubtful(told(tmp_path / "c", CAREFUL, *OTHERS[:2], **fast, seconds_per_item=2)) == [1]
    assert doubtful(told(tmp_path / "d", CAREFUL, *OTHERS[:2], **fast)) == []


def test_the_distance_stands_on_people_and_its_chance(tmp_path: Path) -> None:
    """Whoever stands apart is found among many; 0.5 flags about half of them."""
    plain = np.random.default_rng(1).binomial(4, 0.5, (150, 12)) + 1
    odd = [1, 5, 1, 5, 5, 1, 5, 1, 1, 5, 5, 1]
    found = told(tmp_path / "a", odd, *plain.tolist(), mahalanobis=0.001)
    assert 0 in doubtful(found)
    assert len(doubtful(found)) == found.notes["careless_mahalanobis"] < 8
    assert len(doubtful(told(tmp_path / "b", odd, *plain.tolist(), mahalanobis=0.5))) > 30


def test_as_many_flags_as_the_study_asks_for_make_an_answer_doubtful(tmp_path: Path) -> None:
    rows = (CAREFUL, RUN, FLAT, [4] * 12)
    one = told(tmp_path / "a", *rows, longstring=5, irv=0.5)
    assert doubtful(one) == [1, 2, 3]
    assert dict(one.notes) == {"careless_longstring": 3, "careless_irv": 2, "same_code_everywhere": 1}
    assert doubtful(told(tmp_path / "b", *rows, longstring=5, irv=0.5, flags=2)) == [2, 3]
    three = told(tmp_path / "c", *rows, longstring=5, irv=0.5, flags=3)
    assert doubtful(three) == [3]
    assert len(three.frame) == 4  # nobody is dropped


def test_without_time_or_with_few_answers_nobody_is_flagged(tmp_path: Path) -> None:
    found = told(tmp_path, CAREFUL, [3] * 12, seconds=[100, 1], same_code=None, rules={"least_seconds": 0})
    assert doubtful(found) == []
    few = [{"id": f"m{n}", "t": "", **dict.fromkeys(NAMES, ""), "one_0": "3", "two_0": "3"} for n in range(3)]
    rules = {
        "careless": {"longstring": 3, "irv": 1, "even_odd": 1, "mahalanobis": 0.9, "seconds_per_item": 9, "copied": 3}
    }
    entry = {"columns": ROLES | {n: n for n in NAMES}}
    kept = answers(tmp_path / "few", few, entry, items=ITEMS, scales=SCALES, cuts=[[]], rules=SHARES | rules)
    assert doubtful(kept) == []


def test_a_run_ends_where_codes_change(tmp_path: Path) -> None:
    between = ITEMS.replace("two_0,,A,two_0,two_0,choice,agree5,,,two", "two_0,,A,two_0,two_0,choice,1..7,,,")
    said = [{"id": "m1"} | dict.fromkeys(NAMES, "3"), {"id": "m2"} | dict(zip(NAMES, map(str, CAREFUL), strict=True))]
    entry = {"columns": {k: v for k, v in ROLES.items() if k != "t"} | {n: n for n in NAMES}}
    about = {"items": between, "scales": SCALES, "cuts": [[]]}
    seven, eight = (SHARES | {"careless": {"longstring": n, "same_code": None}} for n in (7, 8))
    assert doubtful(answers(tmp_path / "a", said, entry, rules=seven, **about)) == [0]
    with pytest.raises(
        Refused, match="needs 8 items in a row with the same whole-number codes, and the instrument has 7"
    ):
        answers(tmp_path / "b", said, entry, rules=eight, **about)


@pytest.mark.parametrize(
    ("careless", "en", "zh"),
    [
        ({"longstring": 13}, "longstring: can flag nobody: it needs 13", "longstring：不会标记任何答卷：至少需要 13"),
        ({"same_code": 13}, "same_code: can flag nobody: it needs 13", "问卷最多只有 12"),
        ({"copied": 13}, "copied: can flag nobody: it needs 13 items other than text", "道非文字题目"),
        ({"flags": 3}, "flags: is 3, but only 2 indices can flag an answer", "可用的指标只有 2 个"),
        ({"irv": 0}, "irv: must be above 0", "应大于 0"),
        ({"mahalanobis": 1}, "mahalanobis: must be below 1", "应小于 1"),
        ({"even_odd": -1}, "even_odd: must be above -1", "应大于 -1"),
        ({"longstring": 1}, "longstring: must be 2 or more", "不得小于 2"),
        ({"flags": 0}, "flags: must be 1 or more", "不得小于 1"),
        ({"longstring": "ten"}, "longstring: must be a whole number", "应为整数"),
        ({"haste": 1}, "haste: is not a key known here", "未知的键"),
    ],
)
def test_thresholds_that_can_change_nothing_or_mean_nothing(tmp_path: Path, careless: Any, en: str, zh: str) -> None:
    with pytest.raises(Refused) as caught:
        told(tmp_path, CAREFUL, **careless)
    (fault,) = caught.value.faults
    assert fault.file == "study.yaml"
    assert (
        (tmp_path / "small" / "study.yaml")
        .read_text("utf-8")
        .splitlines()[fault.line - 1]
        .strip()
        .startswith(next(iter(careless)))
    )
    assert en in fault.en
    assert zh in fault.zh


@pytest.mark.parametrize("index", ["even_odd", "irv", "seconds_per_item"])
def test_indices_that_a_small_study_cannot_have(tmp_path: Path, index: str) -> None:
    """One scale of two items, and no time of answering; the mapping of the wave brings none."""
    folder = write_study(tmp_path, rules={"careless": {index: "0.5"}})
    with pytest.raises(Refused, match=f"rules.careless.{index}: can flag nobody"):
        open_study(folder)


def test_two_items_of_scales_have_a_distance(tmp_path: Path) -> None:
    folder = write_study(tmp_path, rules={"careless": {"mahalanobis": "0.5", "flags": 1}})
    assert open_study(folder).settings.rules.careless.mahalanobis == 0.5


def test_a_time_an_item_is_not_refused_before_the_first_wave(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {}, rules={"careless": {"seconds_per_item": 2}})
    for made in folder.glob("2024/*"):
        made.unlink()
    assert open_study(folder, first=True).settings.rules.careless.seconds_per_item == 2


def test_every_index_has_its_words() -> None:
    assert all(len(WORDS[f"note.{note}"]) == 2 for note in NOTES.values())
