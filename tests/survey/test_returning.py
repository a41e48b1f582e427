"""Who was seen again in the next wave."""

from __future__ import annotations

import pandas as pd

from survey.returning import mark


def wave(members: str, identified: str = "") -> pd.DataFrame:
    known = [c == "1" for c in identified] or [True] * len(members)
    return pd.DataFrame({"member": list(members), "identified": known})


def said(marked: dict[str, pd.DataFrame], name: str) -> list[str]:
    return marked[name]["again"].fillna("").tolist()


def test_only_the_very_next_wave_counts() -> None:
    marked = mark({"1": wave("abc"), "2": wave("bd"), "3": wave("ad")}, ["1", "2", "3"])
    assert said(marked, "1") == ["not_seen_again", "again", "not_seen_again"]
    assert said(marked, "2") == ["not_seen_again", "again"]
    assert said(marked, "3") == ["", ""]


def test_without_an_id_nobody_is_seen_again_whatever_the_pseudonyms() -> None:
    marked = mark({"1": wave("ab", "10"), "2": wave("ab", "11")}, ["1", "2"])
    assert said(marked, "1") == ["again", "not_seen_again"]
    marked = mark({"1": wave("ab", "11"), "2": wave("ab", "01")}, ["1", "2"])
    assert said(marked, "1") == ["not_seen_again", "again"]


def test_waves_of_other_people_say_nothing() -> None:
    marked = mark({"1": wave("ab"), "2": wave("cd")}, ["1", "2"])
    assert said(marked, "1") == ["", ""]


def test_a_wave_without_answers_is_passed_over() -> None:
    marked = mark({"1": wave("ab"), "3": wave("b")}, ["1", "2", "3"])
    assert said(marked, "1") == ["not_seen_again", "again"]


def test_what_came_is_left_as_it_was() -> None:
    first = wave("ab")
    mark({"1": first, "2": wave("a")}, ["1", "2"])
    assert list(first.columns) == ["member", "identified"]
