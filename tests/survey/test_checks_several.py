"""Several answers in one cell whose labels have the sign between them: read by the longest label that is known.

Expected values were written down from the rule. No figure has a tolerance.
"""

from __future__ import annotations

import math

import pandas as pd
import pytest

from survey.checks.cells import recode, several
from survey.instrument import Item
from survey.schema import CodeSet, Text

LABELS = {"1": "Hall", "2": "Books, films", "3": "Other (please say, shortly)"}


def item() -> Item:
    codes = CodeSet.model_validate({"codes": {c: {"en": label, "zh": f"项{c}"} for c, label in LABELS.items()}})
    wording = Text(en="Used?", zh="用过？")
    return Item("used", (), "A", wording, "multiple", codes, math.nan, math.nan, "", False, "", None, 2)


@pytest.mark.parametrize(
    ("cell", "chosen", "unknown"),
    [
        ("Books, films,Hall", [1, 1, 0], 0),
        ("Hall,Other (please say, shortly)", [1, 0, 1], 0),
        ("Books, films", [0, 1, 0], 0),
        ("2,3", [0, 1, 1], 0),
        ("Books,Hall", [1, 0, 0], 1),
        ("Hall,films,Books", [1, 0, 0], 1),
    ],
)
def test_a_label_with_a_comma_stays_whole(cell: str, chosen: list[int], unknown: int) -> None:
    columns, met = several(pd.Series([cell], dtype="str"), item(), ",")
    assert columns.to_numpy().tolist() == [chosen]
    assert int(met["unknown_label"].sum()) == unknown


def test_values_of_wave_yaml_with_a_comma() -> None:
    cells = pd.Series(["Books, films,Hall", "Hall", "Books"], dtype="category")
    assert recode(cells, {"Books, films": "2", "Hall": "1"}, ",").tolist() == ["2,1", "1", "Books"]


def test_a_line_break_between_options_is_a_blank_in_cleaned_cells() -> None:
    columns, _ = several(pd.Series(["Hall Books, films"], dtype="str"), item(), "\n")
    assert columns.to_numpy().tolist() == [[1, 1, 0]]
