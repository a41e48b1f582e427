"""Columns as they are kept: what is asked of them is what pandas says of the same cells. No figure has a tolerance."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import RawTable, read_table
from survey.readers import encoded
from tests.survey.test_readers_stream import blocks_of


def test_columns_without_the_frame(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2\n1,\n", "utf-8")
    found: RawTable = read_table(tmp_path / "a.csv")
    column = found.column("a")
    assert (found.columns, found.index.tolist(), found.ragged) == (["a", "b"], [2, 4], (3,))
    assert (column.dtype.name, column.cat.categories.dtype, column.cat.categories.tolist()) == (
        "category",
        "str",
        ["1"],
    )
    assert (repr(found)[:30], found._built) == ("RawTable (plain): 2 rows, 2 co", {})
    assert found.frame is found.frame
    with pytest.raises(KeyError, match="c"):
        found.column("c")


@given(st.lists(st.sampled_from(["", "a", "b", "好", "n/a", "\ufffd"]), min_size=1, max_size=40), st.data())
def test_encoded_columns_answer_as_the_cells_would(cells: list[str], data: st.DataObject) -> None:
    with blocks_of(1):
        encoder = encoded.Encoder()
        for n in range(0, len(cells), 3):
            encoder.add(cells[n : n + 3])
        encoder.fill(len(cells) + 2)
        column, plain = encoder.column(), pd.Series([*cells, "", ""], dtype="str")
    kept = pd.Series(data.draw(st.lists(st.booleans(), min_size=len(plain), max_size=len(plain))))
    for found, expected in ((column, plain), (column.take(kept.to_numpy()), plain[kept.to_numpy()])):
        assert found.text().tolist() == expected.tolist() == found.category().tolist()
        assert found.distinct() == expected.unique().tolist()
        assert found.counts() == expected.value_counts().to_dict()
        assert found.where(str.isascii).tolist() == [cell.isascii() for cell in expected]
        assert found.replaced().tolist() == [cell == "\ufffd" for cell in expected]
        assert len(found) == len(expected)
