"""A battery that was asked the other way round is refused; real changes, single items and small samples are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import Refused, open_study
from survey.checks.direction import against_the_rest
from tests.survey.builders import as_yaml

ITEMS = [f"a{n}" for n in range(4)]
OTHERS = ["b0", "b1"]
HEAD = "item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic\n"
MIDDLE, PEOPLE = 0.6, 400


def simulated(seed: int, centre: float, people: int = PEOPLE) -> pd.DataFrame:
    """Answers on 1-5 to four items about ``centre``, and on 1-7 to two that go with them."""
    rng = np.random.default_rng(seed)
    person = rng.normal(0, 0.7, people)
    fives = {i: np.clip(np.round(centre + person + rng.normal(0, 0.6, people)), 1, 5) for i in ITEMS}
    sevens = {i: np.clip(np.round(4.5 + 1.2 * person + rng.normal(0, 0.8, people)), 1, 7) for i in OTHERS}
    return pd.DataFrame(fives | sevens).astype(int)


def study(home: Path, first: pd.DataFrame, second: pd.DataFrame, **wave: Any) -> Path:
    folder = home / "turn"
    titles = {"title": {"en": "T", "zh": "题"}, "theme": "cohesion"}
    settings = {"format": 1, "name": "turn", "title": titles["title"], "synthetic": True}
    settings |= {"scales": {"a": titles, "b": titles}}
    for year, frame in (("2023", first), ("2024", second)):
        (folder / year).mkdir(parents=True)
        frame.to_csv(folder / year / "answers.csv", index=False)
        entry = {"file": "answers.csv", "holds": "answers", "columns": {c: c for c in frame}}
        content = {"wave": year, "fieldwork": {"start": f"{year}-01-01", "end": f"{year}-02-01"}, "files": [entry]}
        (folder / year / "wave.yaml").write_text(as_yaml(content | (wave if year == "2024" else {})), "utf-8")
    lines = [f"{i},,A,{i},{i},choice,1..{5 if i in ITEMS else 7},,,{i[0]},,,\n" for i in (*ITEMS, *OTHERS)]
    (folder / "instrument.csv").write_text(HEAD + "".join(lines), "utf-8")
    (folder / "study.yaml").write_text(as_yaml(settings), "utf-8")
    return folder


def turned(frame: pd.DataFrame, items: list[str]) -> pd.DataFrame:
    return frame.assign(**{i: 6 - frame[i] for i in items})


@pytest.mark.parametrize("centre", [4.1, 3.0])
def test_a_battery_turned_round_is_refused(tmp_path: Path, centre: float) -> None:
    # at the middle of the scale only the correlation with the other battery can tell
    folder = study(tmp_path, simulated(1, centre), turned(simulated(2, centre), ITEMS))
    with pytest.raises(
        Refused, match=r"4 items \(a0, a1, a2, a3\) look turned round against the wave before"
    ) as caught:
        open_study(folder).panel()
    assert [f.file for f in caught.value.faults] == ["2024/answers.csv"]
    assert "rule: direction" in str(caught.value)


def test_a_wave_turned_round_as_a_whole_is_known_by_its_means(tmp_path: Path) -> None:
    # every correlation keeps its sign: only the mirror of the means can tell
    whole = turned(simulated(2, 4.1), ITEMS)
    whole = whole.assign(**{i: 8 - whole[i] for i in OTHERS})
    with pytest.raises(Refused, match=r"4 items \(a0, a1, a2, a3\) look turned round"):
        open_study(study(tmp_path, simulated(1, 4.1), whole)).panel()


def test_an_office_may_say_that_it_is_so(tmp_path: Path) -> None:
    decision = {"rule": "direction", "accept": "answers.csv", "office": "A", "why": "B"}
    folder = study(tmp_path, simulated(1, 4.1), turned(simulated(2, 4.1), ITEMS), decisions=[decision])
    assert len(open_study(folder).panel().members) == 2 * PEOPLE


@pytest.mark.parametrize("centre", [3.4, 2.9, 4.5])
def test_a_real_change_is_none(tmp_path: Path, centre: float) -> None:
    folder = study(tmp_path, simulated(1, 4.1), simulated(2, centre))
    assert len(open_study(folder).panel().members) == 2 * PEOPLE


def test_few_answers_say_nothing(tmp_path: Path) -> None:
    folder = study(tmp_path, simulated(1, 4.1, 40), turned(simulated(2, 4.1, 40), ITEMS))
    assert len(open_study(folder).panel().members) == 80


def test_one_item_that_runs_against_the_rest_is_told_and_not_turned(tmp_path: Path) -> None:
    spoilt = turned(simulated(2, 4.1), ["a1"])
    panel = open_study(study(tmp_path, simulated(1, 4.1), spoilt)).panel()
    rules = panel.tally.loc[panel.tally["rule"].str.startswith("items:runs_against"), ["wave", "rule"]]
    assert rules.to_numpy().tolist() == [["2024", "items:runs_against:a1"]]
    assert panel.current["a1"].mean() == pytest.approx(spoilt["a1"].mean())


def test_two_items_do_not_say_which_is_wrong() -> None:
    frame = turned(simulated(3, 4.1), ["a1"]).assign(wave="1")
    assert against_the_rest(frame, {"a": ITEMS[:2]}) == {}
    assert against_the_rest(frame, {"a": ITEMS}) == {"1": ["a1"]}
