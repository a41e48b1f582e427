"""People and counts of earlier waves in later boundaries, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from survey.places_carry import carry_counts, carry_people
from survey.places_changes import Carried

TREE = pd.DataFrame(
    [("c", ""), ("a", "c"), ("b", "c"), ("n", "c"), ("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")],
    columns=["code", "parent"],
)
SPLIT = Carried({"a": {"a": 0.25, "n": 0.75}}, {})
MERGED = Carried({"a": {"b": 1.0}}, {})
UNKNOWN = Carried({}, {"a": frozenset({"a", "n"})})
MANY = 4000
FAR = 4.5  # standard errors of a share of 4,000 draws: one run in 150,000 would miss it, and the draws are fixed


def counts(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["wave", "group", "region", "members", "staff"])


def test_people_of_a_merged_place_and_of_the_places_in_it() -> None:
    region = pd.Series(["a", "a1", "b", "b1", "c", None], index=[5, 4, 3, 2, 1, 0], dtype="str")
    people = pd.Series(list("uvwxyz"), index=region.index, dtype="str")
    found = carry_people(region, people, MERGED, TREE)
    assert found.index.tolist() == region.index.tolist()
    assert found.fillna("-").tolist() == ["b", "b", "b", "b1", "c", "-"]


def test_people_of_an_unknown_split_stay_what_they_were() -> None:
    region = pd.Series(["a", "a1", "b"], dtype="str")
    assert carry_people(region, region, UNKNOWN, TREE).tolist() == ["a", "a1", "b"]


def test_people_of_a_split_go_by_the_shares_and_always_the_same_way() -> None:
    people = pd.Series([f"pseudonym {n}" for n in range(MANY)], dtype="str")
    region = pd.Series("a", index=people.index, dtype="str")
    found = carry_people(region, people, SPLIT, TREE)
    assert set(found) == {"a", "n"}
    spread = (0.25 * 0.75 / MANY) ** 0.5
    assert (found == "n").mean() == pytest.approx(0.75, abs=FAR * spread)
    shuffled = people.sample(frac=1, random_state=1)
    again = carry_people(region[shuffled.index], shuffled, SPLIT, TREE)
    assert again.sort_index().tolist() == found.tolist()


def test_counts_of_a_split_are_shared_out() -> None:
    found = carry_counts(counts([("1", "g", "a", 100, 8), ("1", "g", "b", 50, 5)]), SPLIT, TREE)
    assert by_place(found, "members") == {"b": 50, "a": 25, "n": 75}
    assert by_place(found, "staff") == {"b": 5, "a": 2, "n": 6}
    assert set(found["wave"]) == {"1"}
    assert list(found.columns) == ["wave", "group", "region", "members", "staff"]


def test_counts_of_a_merged_place_are_added_and_its_rows_are_gone() -> None:
    rows = [("1", "g", "a", 100, 8), ("1", "g", "a1", 60, 5), ("1", "g", "b", 50, 5), ("1", "g", "b1", 20, 1)]
    found = carry_counts(counts([*rows, ("1", "h", "a", 7, None), ("1", "g", "c", 150, 13)]), MERGED, TREE)
    assert by_place(found[found["group"] == "g"], "members") == {"b": 150, "b1": 20, "c": 150}
    assert by_place(found[found["group"] == "h"], "members") == {"b": 7}
    assert found.loc[found["group"] == "h", "staff"].isna().all()


def test_a_place_without_a_row_of_its_own_is_the_sum_of_those_in_it() -> None:
    rows = [("1", "g", "a1", 60, 5), ("1", "g", "a2", 30, 5), ("1", "g", "b1", 20, 1), ("1", "g", "b2", 10, 1)]
    found = carry_counts(counts(rows), MERGED, TREE)
    assert by_place(found, "members") == {"b": 120, "b1": 20, "b2": 10}


def test_a_count_that_one_of_two_lacks_is_lacking() -> None:
    found = carry_counts(counts([("1", "g", "a", 100, None), ("1", "g", "b", 50, 5)]), MERGED, TREE)
    assert by_place(found, "members") == {"b": 150}
    assert found["staff"].isna().all()


def test_what_nothing_happened_to_stays_the_same_rows() -> None:
    rows = counts([("1", "g", "b", 50, 5), ("1", "g", "b1", 20, 1)])
    pd.testing.assert_frame_equal(carry_counts(rows, SPLIT, TREE), rows)
    pd.testing.assert_frame_equal(carry_counts(rows, UNKNOWN, TREE), rows)


def test_a_place_that_was_parted_unknown_keeps_its_count_when_another_joins_it() -> None:
    both = Carried({"a": {"b": 1.0}}, {"b": frozenset({"b", "n"})})
    found = carry_counts(counts([("1", "g", "a", 100, 8), ("1", "g", "b", 50, 5)]), both, TREE)
    assert by_place(found, "members") == {"b": 150}


def by_place(frame: pd.DataFrame, count: str) -> dict[str, float]:
    assert not frame.duplicated(["group", "region"]).any()
    return dict(zip(frame["region"], frame[count], strict=True))
