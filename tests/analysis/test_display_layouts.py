"""Layouts of tiles: every place of the province once, no two in one cell; what is wrong in a layout is refused.

No tolerances. The places come from the register of places, which the layout was not made from row by row.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.display.layouts import checked, layout_for

FOLDER = Path("analysis/display")


def layout(project: Path) -> pd.DataFrame:
    return pd.read_csv(project / FOLDER / "tiles_zhejiang.csv", dtype={"code": str})


def valid(project: Path) -> pd.DataFrame:
    """The province's places that are valid now."""
    places = pd.read_csv(project / "survey" / "places.csv", dtype=str)
    return places[places["code"].str.startswith("33") & places["valid_to"].isna()]


@pytest.mark.parametrize(("level", "count"), [("city", 11), ("county", 90)])
def test_every_place_of_the_province_has_one_cell_of_its_own(project: Path, level: str, count: int) -> None:
    drawn, places = layout(project), valid(project)
    here = drawn[drawn["level"] == level]
    assert sorted(here["code"]) == sorted(places.loc[places["level"] == level, "code"])
    assert len(here) == count
    assert not here.duplicated(["row", "column"]).any()


def test_the_counties_of_a_city_hang_together(project: Path) -> None:
    """Each city's tiles can be walked over from one to the next, by edges or corners."""
    drawn, places = checked(layout(project)), valid(project)
    for _, members in places[places["level"] == "county"].groupby("parent"):
        cells = {drawn[c] for c in members["code"]}
        reached, edge = set(), {min(cells)}
        while edge:
            reached |= edge
            edge = {c for c in cells - reached for r in reached if max(abs(c[0] - r[0]), abs(c[1] - r[1])) == 1}
        assert reached == cells


def test_a_layout_beside_the_code_is_found_where_it_has_all_places() -> None:
    assert layout_for(["330102", "330105"]) is not None
    assert layout_for(["330102", "999999"]) is None
    assert layout_for([]) is None


GIVEN = pd.DataFrame({"code": ["a", "b"], "row": [1, 1], "column": [1, 2], "level": ["x", "x"]})


def test_another_layout_can_be_brought() -> None:
    assert layout_for(["a", "b"], GIVEN) == {"a": (1, 1), "b": (1, 2)}
    assert layout_for(["b"], GIVEN.astype({"row": str, "column": str})) == {"b": (1, 2)}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (GIVEN.drop(columns="row"), "missing: \\['row'\\]"),
        (GIVEN.assign(code="a"), "names places twice: \\['a'\\]"),
        (GIVEN.assign(column=1), "in one cell: \\['a', 'b'\\]"),
        (GIVEN.assign(row=[0, 1]), "whole numbers from 1"),
        (GIVEN.assign(code=["a", "c"]), "no cell for \\['b'\\]"),
    ],
)
def test_a_layout_that_is_wrong_is_refused(wrong: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layout_for(["a", "b"], wrong)


def test_places_of_two_levels_may_have_one_cell() -> None:
    assert len(checked(GIVEN.assign(column=1, level=["x", "y"]))) == 2
