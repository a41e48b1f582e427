"""How many answers each index of careless answering flagged: what the verb takes from the tally, and what the door lets through."""

from __future__ import annotations

import pandas as pd
import pytest

import analysis

LINES = [
    ("1", "answers", "as_is", 150),
    ("1", "answers", "repaired", 30),
    ("1", "answers", "aside:blank", 5),
    ("1", "answers", "note:too_fast", 20),
    ("1", "answers", "as_is", 20),  # a second file
    ("1", "answers", "note:too_fast", 10),
    ("1", "answers", "note:careless_copied", 4),
    ("1", "log", "as_is", 900),
    ("2", "log", "as_is", 900),
]
TALLY = pd.DataFrame(LINES, columns=["wave", "holds", "rule", "rows"])
INDICES = {"1": ("too_fast", "careless_copied", "careless_irv"), "2": ("too_fast",)}


def test_flags_are_summed_over_files_and_shared_by_the_answers() -> None:
    rows = analysis.careless(TALLY, INDICES).tidy()
    assert rows["domain"].tolist() == [f"unit={i}" for i in INDICES["1"] for _ in range(2)]
    assert rows["statistic"].tolist() == ["count", "proportion"] * 3
    assert rows["estimate"].tolist() == [30, 0.15, 4, 0.02, 0, 0]
    assert rows["n"].tolist() == [30, 200, 4, 200, 0, 200]
    assert set(rows["wave"]) == {"1"}


def test_no_more_are_flagged_than_were_accepted() -> None:
    """Answers that gave way to one in another file were counted before."""
    tally = TALLY.assign(rows=TALLY["rows"].where(TALLY["rule"] != "note:too_fast", 190))
    assert analysis.careless(tally, INDICES).tidy()["estimate"].tolist()[:2] == [200, 1]


def test_nothing_looked_at_gives_no_rows() -> None:
    assert analysis.careless(TALLY, {}).tidy().empty
    assert analysis.careless(TALLY.iloc[:0], INDICES).tidy().empty


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match="holds"):
        analysis.careless(TALLY.drop(columns="holds"), INDICES)


def test_a_few_flagged_are_withheld() -> None:
    people = pd.DataFrame({"wave": "1", "member": [f"m{n}" for n in range(200)]})
    variables = {"careless": ("survey", 0, 1)}
    plan = analysis.plan_release({"survey": people}, variables=variables, cuts=[()], hierarchy=None, rules={})
    shown = analysis.release(analysis.careless(TALLY, INDICES), plan).table
    assert shown["status"].tolist() == ["ok", "ok", "withheld", "ok", "ok", "ok"]
    assert shown["estimate"].fillna(-1).tolist() == [30, 0.15, -1, 0.02, 0, 0]
