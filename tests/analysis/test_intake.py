"""An intake's tally summed by hand; a lost row is an error."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.questions.intake import TERMS, intake
from analysis.tidy import COLUMNS, Result

TALLY = pd.DataFrame(
    [
        ("1", "answers.csv", "answers", "read", 100, 0),
        ("1", "answers.csv", "answers", "as_is", 80, 0),
        ("1", "answers.csv", "answers", "repaired", 9, 0),
        ("1", "answers.csv", "answers", "aside:blank", 7, 0),
        ("1", "answers.csv", "answers", "aside:duplicate", 4, 0),
        ("1", "answers.csv", "answers", "cells:out_of_range", 0, 30),
        ("1", "answers.csv", "answers", "cells:unknown_label", 0, 3),
        ("1", "answers.csv", "answers", "cells:cleaned", 0, 50),  # read all the same
        ("1", "answers.csv", "answers", "cells:missing_code", 0, 60),  # a value that says "don't know"
        ("1", "more.csv", "answers", "read", 10, 0),
        ("1", "more.csv", "answers", "as_is", 10, 0),
        ("1", "log.csv", "log", "read", 5, 0),
        ("1", "log.csv", "log", "as_is", 5, 0),
        ("1", "", "answers", "weighted", 99, 0),  # a rule of another step
        ("2", "answers.csv", "answers", "read", 2, 0),
        ("2", "answers.csv", "answers", "aside:total", 2, 0),
    ],
    columns=["wave", "file", "holds", "rule", "rows", "cells"],
)


def counted(table: pd.DataFrame, wave: str, unit: str) -> list[float]:
    here = table[(table["wave"] == wave) & (table["domain"] == f"unit={unit}")].set_index("term")
    return here["estimate"].reindex(list(TERMS)).tolist()


def test_sums_by_hand():
    table = intake(TALLY).tidy()
    assert counted(table, "1", "answers;file=1") == [100, 80, 9, 11, 33]
    assert counted(table, "1", "answers;file=2") == [10, 10, 0, 0, 0]
    assert counted(table, "1", "log") == [5, 5, 0, 0, 0]
    assert counted(table, "2", "answers") == [2, 0, 0, 2, 0]
    assert len(table) == 4 * len(TERMS)
    assert set(table["statistic"]) == {"count"}
    assert (table["n"] == table["estimate"]).all()


@pytest.mark.parametrize("lost", ["as_is", "aside:duplicate", "read"])
def test_a_lost_row_is_an_error(lost):
    tally = TALLY.copy()
    at = tally.index[tally["rule"] == lost][0]
    tally.loc[at, "rows"] -= 1
    with pytest.raises(ValueError, match=r"\[\('1', 'answers', 'answers.csv'\)\].*lost rows"):
        intake(tally)
    with pytest.raises(ValueError, match="lost rows"):
        intake(TALLY.drop(index=at))


def test_a_registry_that_did_not_come_has_no_rows():
    assert "unit=registry" not in set(intake(TALLY).tidy()["domain"])
    empty = [("1", "registry.csv", "registry", rule, 0, 0) for rule in ("read", "as_is")]
    more = intake(pd.concat([TALLY, pd.DataFrame(empty, columns=TALLY.columns)])).tidy()
    assert counted(more, "1", "registry") == [0, 0, 0, 0, 0]


def test_an_empty_tally_and_one_without_its_columns():
    assert intake(TALLY.head(0)).tidy().empty
    with pytest.raises(ValueError, match=r"tally frame lacks.*rule"):
        intake(TALLY.drop(columns="rule"))


def test_order_of_lines_does_not_matter():
    pd.testing.assert_frame_equal(intake(TALLY.iloc[::-1]).tidy(), intake(TALLY).tidy())


def test_result_keeps_the_contract():
    fit = intake(TALLY)
    assert isinstance(fit, Result)
    assert tuple(fit.tidy().columns) == COLUMNS
    assert "rows_read 117" in repr(fit)
