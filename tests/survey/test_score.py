"""Items to scales, hand numbers: reversed once, the least share answered, forms that are not comparable."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey import open_study
from survey.panel import Panel
from survey.score import score
from tests.survey.builders import ANSWERS, FULL, ITEMS, STUDY, change_wave, csv_text, write_study

NAN = math.nan


def scored(rows: list[list[float]], min_share: float, waves: list[str] | None = None) -> list[float]:
    frame = pd.DataFrame(rows, columns=[f"i{n}" for n in range(len(rows[0]))]).assign(wave=waves or "1")
    names = tuple(c for c in frame.columns if c != "wave")
    return score(frame, {"s": names}, {"s": min_share})["s"].tolist()


def test_the_mean_of_what_is_answered_where_enough_is() -> None:
    rows = [[1, 2, 3, 4], [1, NAN, NAN, 4], [1, NAN, NAN, NAN], [NAN] * 4]
    assert np.nan_to_num(scored(rows, 0.5), nan=-1).tolist() == [2.5, 2.5, -1, -1]
    assert np.nan_to_num(scored(rows, 1.0), nan=-1).tolist() == [2.5, -1, -1, -1]


@pytest.mark.parametrize(
    ("share", "items", "answered"),
    [(0.55, 20, 11), (0.7, 10, 7), (0.1, 30, 3), (0.35, 20, 7), (0.6, 5, 3), (0.56, 25, 14)],
)
def test_a_share_that_is_met_exactly_is_met(share: float, items: int, answered: int) -> None:
    full = [3.0] * items
    enough, short = ([2.0] * n + [NAN] * (items - n) for n in (answered, answered - 1))
    assert np.nan_to_num(scored([full, enough, short], share), nan=-1).tolist() == [3, 2, -1]


def test_items_that_a_wave_did_not_ask_do_not_count_against_it() -> None:
    rows = [[4.0, NAN, NAN], [2.0, NAN, NAN], [4.0, 2.0, NAN], [NAN, 2.0, 3.0]]
    assert np.nan_to_num(scored(rows, 1.0, ["1", "1", "2", "2"]), nan=-1).tolist() == [4, 2, -1, -1]


def panel(
    home: Path, waves: dict[str, list[dict[str, str]]], versions: dict[str, str] | None = None, **changed: object
) -> Panel:
    texts = {w: {"answers.csv": csv_text([FULL | r for r in rows], list(FULL))} for w, rows in waves.items()}
    told = {w: {"files": texts[w], "instrument": (versions or {}).get(w, "1")} for w in waves}
    return open_study(write_study(home, told, **changed)).panel()


def test_a_reversed_item_is_reversed_once(tmp_path: Path) -> None:
    rows = [{"id": "m1", "q1": "5", "q2": "1"}, {"id": "m2", "q1": "4", "q2": ""}, {"id": "m3", "q1": "", "q2": "2"}]
    members = panel(tmp_path, {"2024": rows}).members
    got = members[["bel1", "bel2", "belonging"]].fillna(0).to_numpy().tolist()
    assert sorted(got) == [[0, 4, 4], [4, 0, 4], [5, 5, 5]]


def test_a_scale_that_arrives_scored(tmp_path: Path) -> None:
    items = ITEMS + "warmth,,C,Warm?,暖吗？,number,,0,10,warmth,,,\n"
    scales = STUDY["scales"] | {"warmth": {"title": {"en": "Warmth", "zh": "温暖"}, "theme": "cohesion"}}
    rows = [FULL | {"id": "m1", "w": "7.25"}, FULL | {"id": "m2", "w": "11"}]
    texts = {"answers.csv": csv_text(rows, [*FULL, "w"])}
    folder = write_study(tmp_path, {"2024": {"files": texts}}, items=items, scales=scales)
    change_wave(folder, "2024", files=[ANSWERS | {"columns": ANSWERS["columns"] | {"w": "warmth"}}])
    found = open_study(folder).panel()
    assert sorted(found.members["warmth"].fillna(-1)) == [-1, 7.25]
    assert (found.scales()["warmth"], found.limits["warmth"]) == ((), (0, 10))


CHANGED = ITEMS.replace("bel1,,C,I belong,我属于这里,choice,agree5", "bel1,2,C,I belong,我属于这里,choice,1..7") + (
    "bel1,1,C,I belong,我属于这里,choice,agree5,,,belonging,,,\n"
)


def test_an_item_asked_in_another_form_is_missing_and_said_so(tmp_path: Path) -> None:
    items = CHANGED.replace(
        "bel2,,C,I am a stranger,我是外人,choice,agree5,,,belonging",
        "bel2,,C,I am a stranger,我是外人,choice,agree5,,,",
    )
    found = panel(tmp_path, {"2023": [{"q1": "5"}], "2024": [{"q1": "7"}]}, {"2023": "1", "2024": "2"}, items=items)
    by_wave = found.members.set_index("wave")
    assert by_wave["bel1"].fillna(0).to_dict() == {"2023": 0, "2024": 7}
    assert by_wave["belonging"].fillna(0).to_dict() == {"2023": 0, "2024": 7}
    assert by_wave["bel2"].to_dict() == {"2023": 4, "2024": 4}
    assert found.items.set_index("item").loc["bel1", ["highest", "series_broken"]].tolist() == [7, "2023"]
    assert "items:series_broken:bel1" in set(found.tally["rule"])
    earlier = open_study(found.study.folder).panel("2023")
    assert earlier.members["bel1"].tolist() == [5]
    assert earlier.items.set_index("item").loc["bel1", "series_broken"] == ""


def test_a_new_wording_is_kept_and_marked(tmp_path: Path) -> None:
    items = ITEMS.replace("job,,A,Where", "job,1,A,Where") + "job,2,A,Your work?,您的工作？,choice,work,,,,,,\n"
    found = panel(tmp_path, {"2023": [{}], "2024": [{}]}, {"2023": "1", "2024": "2"}, items=items)
    assert found.members["job"].tolist() == ["NO", "NO"]
    marked = found.items.set_index("item")["wording_changed"]
    assert marked[marked].index.tolist() == ["job"]
    assert found.labels.set_index(["kind", "code"]).loc[("item", "job"), "en"] == "Your work?"


def test_the_names_of_readers(tmp_path: Path) -> None:
    labels = panel(tmp_path, {"2024": [{}]}).labels
    assert not labels.duplicated(["kind", "code"]).any()
    assert (labels[["en", "zh"]] != "").all(axis=None)
    named = labels.set_index(["kind", "code"])["zh"]
    expected = {
        ("group", "union"): "工会（总）",
        ("code", "job=12:30"): "倒班",
        ("region", "990104001"): "镇",
        ("wave", "2024"): "2024",
    }
    assert {key: named[key] for key in expected} == expected


def test_a_reversed_item_is_turned_within_its_own_limits(tmp_path: Path) -> None:
    """0 to 10: 3 becomes 7, 10 becomes 0."""
    items = ITEMS + "far,,C,How far?,多远？,number,,0,10,,yes,,\n"
    rows = [FULL | {"id": f"m{n}", "f": n} for n in ("3", "10")]
    folder = write_study(tmp_path, {"2024": {"files": {"answers.csv": csv_text(rows, [*FULL, "f"])}}}, items=items)
    change_wave(folder, "2024", files=[ANSWERS | {"columns": ANSWERS["columns"] | {"f": "far"}}])
    assert sorted(open_study(folder).panel().members["far"]) == [0, 7]
