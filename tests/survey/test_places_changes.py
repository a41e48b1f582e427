"""What became of places whose boundaries moved, by hand: where people are now, and which series are broken."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import survey
from survey import Refused, open_study
from survey.places import hierarchy, table
from survey.places_changes import between, broken, broken_series, changes
from survey.schema import Places
from tests.survey.builders import PLACES, write_study

BEFORE, LONG_BEFORE, AFTER = date(2022, 4, 1), date(2019, 4, 1), date(2024, 4, 1)
TREE = pd.DataFrame(
    [
        ("p", ""), ("c1", "p"), ("c2", "p"), ("a", "c1"), ("b", "c1"), ("new", "c1"), ("x", "c2"), ("far", "c2"),
        ("a1", "a"), ("b1", "b"), ("x1", "x"),
    ],
    columns=["code", "parent"],
)  # fmt: skip


def walk(*lines: tuple[str, str, str, float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(list(lines), columns=["from", "to", "valid_from", "share"])
    return frame.astype({"share": "float64"}).assign(source="")


def after(*lines: tuple[str, str, str, float | None], since: date = BEFORE, until: date = AFTER):
    return between(walk(*lines), since, until)


def test_a_split_with_known_shares_breaks_nothing_but_what_lay_in_it() -> None:
    met = after(("a", "a", "2023-01-01", 0.6), ("a", "new", "2023-01-01", 0.4))
    assert met.shares == {"a": {"a": 0.6, "new": 0.4}}
    assert (met.unknown, met.grown) == ({}, {"a", "new"})
    assert broken(met, TREE) == {"a1"}  # nobody knows to which part the township belongs


def test_a_split_with_unknown_shares_breaks_the_parts_and_not_the_city() -> None:
    met = after(("a", "a", "2023-01-01", None), ("a", "new", "2023-01-01", None))
    assert (met.shares, met.unknown) == ({}, {"a": frozenset({"a", "new"})})
    assert broken(met, TREE) == {"a", "new", "a1"}


def test_one_unknown_share_leaves_the_others_unused() -> None:
    met = after(("a", "a", "2023-01-01", 0.6), ("a", "new", "2023-01-01", None))
    assert met.shares == {}
    assert broken(met, TREE) == {"a", "new", "a1"}


def test_an_unknown_part_that_goes_to_another_city_breaks_both_cities() -> None:
    met = after(("a", "a", "2023-01-01", None), ("a", "x", "2023-01-01", None))
    assert broken(met, TREE) == {"a", "x", "a1", "x1", "c1", "c2"}


def test_a_merger_is_known_and_the_old_code_is_over() -> None:
    met = after(("a", "b", "2023-01-01", 1.0))
    assert met.moved == {"a": {"b": 1.0}}
    assert broken(met, TREE) == {"a", "a1"}


def test_a_place_that_took_in_an_unknown_part_is_broken_though_all_of_it_stayed() -> None:
    met = after(("b", "b", "2023-01-01", 1.0), ("a", "b", "2023-01-01", None), ("a", "new", "2023-01-01", None))
    assert met.shares == {"b": {"b": 1.0}}
    assert broken(met, TREE) == {"a", "a1", "b", "b1", "new"}


def test_changes_are_followed_one_day_after_the_other() -> None:
    lines = [
        ("a", "a", "2020-01-01", 0.5),
        ("a", "b", "2020-01-01", 0.5),
        ("b", "b", "2023-01-01", 0.2),
        ("b", "x", "2023-01-01", 0.8),
    ]
    assert after(*lines, since=LONG_BEFORE).shares["a"] == pytest.approx({"a": 0.5, "b": 0.1, "x": 0.4})
    assert "a" not in after(*lines).shares
    assert after(*lines, since=AFTER).shares == {}


def test_what_is_unknown_once_stays_unknown_wherever_it_goes() -> None:
    met = after(
        ("a", "a", "2020-01-01", None), ("a", "b", "2020-01-01", None), ("b", "x", "2023-01-01", 1), since=LONG_BEFORE
    )
    assert broken(met, TREE) >= {"a", "b", "x", "c1", "c2"}
    assert "far" not in broken(met, TREE)


@pytest.mark.parametrize(
    ("since", "until", "there"),
    [
        (date(2022, 12, 31), date(2023, 1, 1), True),
        (date(2023, 1, 1), date(2023, 6, 1), False),
        (date(2022, 1, 1), date(2022, 12, 31), False),
    ],
)
def test_the_day_of_a_change_is_the_first_of_the_new_boundaries(since: date, until: date, there: bool) -> None:
    assert bool(after(("a", "b", "2023-01-01", 1.0), since=since, until=until).shares) is there


def test_broken_series_wave_by_wave() -> None:
    lines = walk(
        ("a", "a", "2020-01-01", None), ("a", "new", "2020-01-01", None), ("x", "x", "2023-01-01", None),
        ("x", "far", "2023-01-01", None),
    )  # fmt: skip
    found = broken_series(lines, TREE, {"1": LONG_BEFORE, "2": BEFORE, "3": AFTER})
    by_wave = {wave: set(rows["region"]) for wave, rows in found.groupby("wave")}
    assert by_wave == {"1": {"a", "a1", "new", "x", "x1", "far"}, "2": {"x", "x1", "far"}}
    assert broken_series(lines, TREE, {"3": AFTER}).empty


CROSSWALK = (
    "from,to,valid_from,share,source\n990103,990102,2021-04-01,0.3,a census\n990103,990104,2021-04-01,0.7,a census\n"
)


def crosswalk(home: Path, text: str) -> pd.DataFrame:
    folder = write_study(home, places={"file": "places.csv", "crosswalk": "crosswalk.csv"})
    (folder / "crosswalk.csv").write_text(text, "utf-8")
    study = open_study(folder)
    return changes(study.folder, study.settings.places)


def test_a_study_brings_its_own(tmp_path: Path) -> None:
    found = crosswalk(tmp_path, CROSSWALK)
    assert found[["from", "to", "share"]].to_numpy().tolist() == [["990103", "990102", 0.3], ["990103", "990104", 0.7]]


def test_its_rows_hold_instead_of_the_workbenchs(tmp_path: Path) -> None:
    own = "from,to,valid_from,share\n330104,330102,2021-04-01,0.6\n330104,330114,2021-04-01,0.4\n"
    (tmp_path / "own.csv").write_text(own, "utf-8")
    found = changes(tmp_path, Places(under="330000", crosswalk="own.csv"))
    known = found[found["from"] == "330104"]
    assert known["share"].tolist() == [0.6, 0.4]
    assert len(found) == len(changes(tmp_path, Places(under="330000")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.7", "0.6", r"(?s)crosswalk\.csv.*add up to 0\.9, not to 1"),
        ("0.7", "1.7", "share must be a number above 0 and up to 1"),
        ("0.7", "most", "share must be a number above 0 and up to 1"),
        ("0.3", "1", "add up to 1.7, not to 1"),
        ("2021-04-01,0.7", "2021-4-1,0.7", "valid_from must be a day"),
        ("990104", "990102", "goes to the same place twice"),
        ("990104", "990177", "places that the study does not have: 990177"),
        ("990104", "", "the column to is empty"),
    ],
)
def test_a_crosswalk_that_cannot_be_is_refused_in_both_languages(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(Refused, match=message) as refused:
        crosswalk(tmp_path, CROSSWALK.replace(old, new))
    assert all(fault.zh and fault.zh != fault.en for fault in refused.value.faults)


def test_the_provinces_own_changes_are_complete_and_known_to_the_table(project: Path) -> None:
    """Every code of the dated province that began or ended has a row that says from where or to where."""
    places = table(project, Places(under="330000"))
    moved = changes(project, Places(under="330000"))
    assert {*moved["from"], *moved["to"]} <= set(places["code"])
    began = set(places.loc[places["valid_from"] != "", "code"])
    ended = set(places.loc[places["valid_to"] != "", "code"])
    assert began <= set(moved["to"])
    assert ended <= set(moved["from"])
    assert set(moved["valid_from"]) == set(places["valid_from"]) - {""}


def test_hangzhou_before_and_after_2021(project: Path) -> None:
    tree = hierarchy(table(project, Places(under="330000")))
    met = between(changes(project, Places(under="330000")), date(2021, 3, 31), date(2021, 4, 1))
    assert met.moved == {"330103": {"330105": 1.0}}  # one district went whole into another: that series goes on
    unclear = {"330102", "330104", "330109", "330110", "330113", "330114"}
    assert broken(met, tree) == unclear | {"330103"}  # its own code is over
    assert {"330100", "330105", "330106"}.isdisjoint(broken(met, tree))


def test_the_test_study_has_no_crosswalk(project: Path) -> None:
    assert changes(project, Places(file="places.csv")).empty
    assert "990103" in PLACES


# What the decisions of the State Council and the province say became of each place, read again apart from the table.
DECIDED = {
    "330621": {"330603", "330602"},  # Shaoxing County: Keqiao, three towns to Yuecheng
    "330682": {"330604"},
    "330183": {"330111"},
    "330322": {"330305"},  # Dongtou County
    "330303": {"330303", "330305"},  # Longwan: Lingkun to Dongtou
    "330204": {"330212"},  # Jiangdong to Yinzhou, whose west went to Haishu
    "330212": {"330212", "330203"},
    "330283": {"330213"},
    "330185": {"330112"},
    "331021": {"331083"},
    "330327": {"330327", "330383"},  # Cangnan: Longgang became a city
    "330104": {"330102", "330114"},  # Jianggan: two streets to Qiantang
    "330103": {"330105"},
    "330109": {"330109", "330114"},  # Xiaoshan: five streets to Qiantang
    "330110": {"330110", "330113"},  # Yuhang: the east is Linping
}


def test_the_builtin_crosswalk_says_what_was_decided() -> None:
    table = pd.read_csv(Path(survey.__file__).with_name("places_changes.csv"), dtype="str", keep_default_na=False)
    told = table.groupby("from")["to"].agg(set)
    assert {place: told[place] for place in DECIDED} == DECIDED
    assert {to for place in set(told.index) - set(DECIDED) for to in told[place] - {place}} == set()
    whole = table[table["share"] == "1"].groupby("from").size()
    assert (whole == 1).all()
    assert (told[whole.index].map(len) == 1).all()
