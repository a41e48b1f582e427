"""The people behind what was let out, and which two numbers may not both be out: by hand, and against a plain count over sets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from analysis.core.near_sets import near_pairs
from analysis.disclosure import Published, clashes, passed, plan_release, published, release
from analysis.tidy import tidy_frame

TREE = pd.DataFrame({"code": ["P", "A", "B", "B1", "B2"], "parent": ["", "P", "P", "B", "B"]})
CUTS = [(), ("group",), ("region",), ("group", "region"), ("job",)]
VARIABLES = {"trust": ("survey", 1, 5), "hope": ("survey", 1, 5)}


def people(sizes: dict[tuple[str, str, str], int], wave: str = "1") -> pd.DataFrame:
    """So many answers a group, region and job; names go on from cell to cell."""
    cells = [cell for cell, n in sizes.items() for _ in range(n)]
    frame = pd.DataFrame(cells, columns=["group", "region", "job"], dtype="object")
    return frame.assign(member=[f"m{k:04d}" for k in range(len(frame))], wave=wave, trust=3.0, hope=3.0)


PLAIN = {("g", "A", "x"): 40, ("g", "B1", "y"): 30, ("h", "A", "x"): 25, ("h", "B2", "y"): 35}


def made(frame: pd.DataFrame, tree: pd.DataFrame = TREE, cuts: list[tuple[str, ...]] = CUTS):
    """The plan of a frame."""
    return plan_release({"survey": frame}, variables=VARIABLES, cuts=cuts, hierarchy=tree, rules={})


def means(*cells: dict[str, str], term: str = "trust") -> pd.DataFrame:
    """Rows of means, as a verb gives them."""
    rows = [dict(cell) | {"term": term, "statistic": "mean", "estimate": 3.0, "n": 50.0} for cell in cells]
    return tidy_frame([{"wave": "1"} | row for row in rows])


def out(frame: pd.DataFrame, rows: pd.DataFrame, tree: pd.DataFrame = TREE) -> Published:
    """What rows would let out, whatever the plan hides: the sets alone are looked at here."""
    return published({"survey": frame}, rows, made(frame, tree), hierarchy=tree)


def told(new: Published, **earlier: Published) -> list[tuple[str, str, str]]:
    return [(c.cell, c.other, c.release) for c in clashes(new, earlier, difference=10)]


EVERYWHERE = ({}, {"group": "g"}, {"group": "h"}, {"region": "A"}, {"region": "B"}, {"region": "B1"})


def test_the_people_of_a_cell_are_those_below_its_place():
    sets = out(people(PLAIN), means(*EVERYWHERE)).sources["survey"]
    sizes = dict(zip(sets.cells, np.diff(sets.belongs.indptr).tolist(), strict=True))
    assert sizes == {
        "wave=1": 130,
        "wave=1;group=g": 70,
        "wave=1;group=h": 60,
        "wave=1;region=A": 65,
        "wave=1;region=B": 65,
        "wave=1;region=B1": 30,
    }


def test_a_set_is_who_answered():
    frame = people(PLAIN)
    frame.loc[frame["group"] == "h", "hope"] = np.nan
    rows = pd.concat([means({}), means({}, term="hope")], ignore_index=True)
    sets = out(frame, rows).sources["survey"]
    sizes = {v: int(sets.of(v, np.arange(130), 130).sum()) for v in sets.shown}
    assert sizes == {"trust": 130, "hope": 70}


def test_the_same_numbers_once_more_are_no_clash():
    first = out(people(PLAIN), means(*EVERYWHERE))
    assert told(first, before=first) == []


@pytest.mark.parametrize("gone", [1, 9, 10])
def test_a_corrected_wave_clashes_where_few_answers_differ(gone: int):
    frame = people(PLAIN)
    before = out(frame, means(*EVERYWHERE))
    corrected = out(frame.drop(frame.index[frame["region"] == "B1"][:gone]), means(*EVERYWHERE))
    found = told(corrected, before=before)
    own = {(cell, cell, "before") for cell in ("wave=1", "wave=1;group=g", "wave=1;region=B", "wave=1;region=B1")}
    assert set(found) == (own if gone < 10 else set())


def test_a_number_of_another_question_is_no_clash():
    frame = people(PLAIN)
    before = out(frame, means(*EVERYWHERE))
    assert told(out(frame.iloc[1:], means(*EVERYWHERE, term="hope")), before=before) == []


def test_answers_of_another_wave_are_other_answers():
    frame = people(PLAIN)
    later = means(*({"wave": "2"} | cell for cell in EVERYWHERE))
    assert told(out(frame.assign(wave="2").iloc[3:], later), before=out(frame, means(*EVERYWHERE))) == []


def test_merged_places_are_held_against_those_they_were_made_of():
    """B1 and B2 become C, to which three people of A were added: C less B1 and B2 is these three."""
    frame = people(PLAIN)
    before = out(frame, means({"region": "B"}, {"region": "A"}))
    after = pd.DataFrame({"code": ["P", "A", "C"], "parent": ["", "P", "P"]})
    moved = frame.assign(region=frame["region"].where(~frame["region"].isin(["B1", "B2"]), "C"))
    moved.loc[moved.index[:3], "region"] = "C"
    found = told(out(moved, means({"region": "C"}, {"region": "A"}), after), before=before)
    assert found == [("wave=1;region=A", "wave=1;region=A", "before"), ("wave=1;region=C", "wave=1;region=B", "before")]


def test_a_new_filter_is_held_against_every_place():
    """Job x is region A but for two people."""
    frame = people(PLAIN)
    frame.loc[frame.index[:2], "job"] = "y"
    new = out(frame, means({"domain": "job=x"}))
    assert told(new, before=out(frame, means({"region": "A"}))) == [("wave=1;job=x", "wave=1;region=A", "before")]
    assert told(out(frame, means({"domain": "job=x"}, {"region": "A"}))) == [("wave=1;job=x", "wave=1;region=A", "")]


def test_the_plan_shows_only_one_of_two_cells_of_nearly_the_same_people():
    frame = people(PLAIN)
    frame.loc[frame.index[:2], "job"] = "y"
    look = made(frame).sources["survey"].look
    assert [look("trust", {"wave": "1", "region": "A"})[0], look("trust", {"wave": "1", "job": "x"})[0]] == [
        False,
        True,
    ]
    apart = people(PLAIN)
    apart.loc[apart.index[:12], "job"] = "y"
    look = made(apart).sources["survey"].look
    assert not look("trust", {"wave": "1", "region": "A"})[0]
    assert not look("trust", {"wave": "1", "job": "x"})[0]


def test_what_is_hidden_for_being_near_does_not_follow_from_the_rest_of_its_cut():
    """Job x is region A but for two people; the whole less the other jobs would be x, so that another job goes too."""
    frame = people(PLAIN)
    frame["job"] = np.resize(["y", "z", "w"], len(frame))
    frame.loc[frame["region"] == "A", "job"] = "x"
    frame.loc[frame.index[:2], "job"] = "y"
    look = made(frame).sources["survey"].look
    hidden = [job for job in "wxyz" if look("trust", {"wave": "1", "job": job})[0]]
    assert "x" in hidden
    assert len(hidden) == 2
    assert not look("trust", {"wave": "1", "region": "A"})[0]


def test_with_groups_in_a_log_a_person_counts_with_each_by_itself():
    """All 40 came to both groups: two groups of the same people are two things they did; one person less is a difference."""
    log = pd.DataFrame({"member": [f"m{k}" for k in range(40)] * 2, "group": ["g"] * 40 + ["h"] * 40, "wave": "1"})
    plan = plan_release(
        {"log": log}, variables={"came": ("log", 0, 1)}, cuts=[(), ("group",)], hierarchy=None, rules={}
    )
    rows = means({"group": "g"}, {"group": "h"}, term="came").assign(statistic="share")
    first = published({"log": log}, rows, plan, hierarchy=None)
    assert told(first) == []
    again = published({"log": log.drop(index=0)}, rows, plan, hierarchy=None)
    assert told(again, before=first) == [("wave=1;group=g", "wave=1;group=g", "before")]


def test_a_file_gives_back_what_was_put_in():
    frame = people(PLAIN)
    frame.loc[frame.index[:20], "hope"] = np.nan
    rows = pd.concat([means(*EVERYWHERE), means({}, {"group": "g"}, term="hope")], ignore_index=True)
    first = out(frame, rows)
    again = Published.from_bytes(first.to_bytes())
    one, two = first.sources["survey"], again.sources["survey"]
    assert (one.people.tolist(), one.cells) == (two.people.tolist(), two.cells)
    assert np.array_equal(one.belongs.toarray(), two.belongs.toarray())
    assert np.array_equal(one.answered, two.answered)
    assert {v: (m, c.tolist()) for v, (m, c) in one.shown.items()} == {
        v: (m, c.tolist()) for v, (m, c) in two.shown.items()
    }
    assert told(again, before=first) == []


def test_a_file_of_something_else_is_refused():
    with pytest.raises((ValueError, OSError)):
        Published.from_bytes(b"no arrays")


def test_what_passes_the_door_is_noted_and_what_is_hidden_or_lent_is_not(tmp_path):
    passed._seen.clear()
    frame = people(PLAIN | {("k", "A", "x"): 4})
    plan = made(frame)
    own = {"term": "trust", "statistic": "shrunken", "estimate": 3.0, "std_error": 0.1, "n": 70.0}
    rows = tidy_frame(
        [
            own | {"wave": "1", "region": "A"},
            own | {"wave": "1", "region": "A", "group": "g", "status": "pooled", "basis": "A"},
            own | {"wave": "1", "group": "k", "n": 4.0},
        ]
    )
    release(rows, plan)
    release(rows.iloc[:0], plan)  # a table without a row passes too
    passed.write(tmp_path / "passed.json")
    found = passed.read(tmp_path / "passed.json")
    assert found[["wave", "group", "region", "status"]].to_numpy().tolist() == [["1", "*", "A", "ok"]]


def near_by_hand(sets: list[set[int]], person: list[int], difference: int) -> list[list[int]]:
    """Every pair, looked at one by one."""
    found = []
    for i, one in enumerate(sets):
        for j in range(i + 1, len(sets)):
            rest = {person[row] for row in one ^ sets[j]}
            if one & sets[j] and 0 < len(rest) < difference:
                found.append([i, j])
    return found


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), several=st.booleans(), difference=st.integers(2, 6))
def test_near_pairs_are_those_of_a_plain_count(seed: int, several: bool, difference: int):
    rng = np.random.default_rng(seed)
    person = rng.integers(0, 8, 16) if several else np.arange(16)
    base = rng.random((4, 16)) < rng.uniform(0.3, 0.9)
    flips = rng.random((12, 16)) < rng.uniform(0.02, 0.3)
    table = np.vstack([base, base[rng.integers(0, 4, 12)] ^ flips])
    table = table[table.any(axis=1)]
    sets = [set(np.flatnonzero(row).tolist()) for row in table]
    found = near_pairs(csr_array(table.astype(np.int8)), None, person, difference)
    assert found.tolist() == near_by_hand(sets, person.tolist(), difference)
    half = len(table) // 2
    first, second = csr_array(table[:half].astype(np.int8)), csr_array(table[half:].astype(np.int8))
    across = [[i, j - half] for i, j in near_by_hand(sets, person.tolist(), difference) if i < half <= j]
    assert near_pairs(first, second, person, difference).tolist() == across
