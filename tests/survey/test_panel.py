"""The panel: the same content for rows in any order, the same bytes twice, the columns that the contract names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import build as panels
from survey import open_study
from survey.panel import FRAMES, Panel, _who_brought
from tests.survey.builders import (
    ANSWERS,
    FULL,
    ITEMS,
    LOG,
    LOGGED,
    REGISTRY,
    STUDY,
    change_wave,
    csv_text,
    write_study,
)

GROUPS, PLACES = ("union", "league"), ("990102", "990104", "990104001")


def arrived(seed: int) -> dict[str, list[dict[str, str]]]:
    """Thirty answers, sixty times at twelve activities, a registry of every cell."""
    rng = np.random.default_rng(seed)

    def pick(values: tuple[str, ...], n: int) -> list[str]:
        return [values[i] for i in rng.integers(0, len(values), n)]

    people = [f"m{n}" for n in range(30)]
    answers = [
        FULL | {"id": i, "org": g, "place": p, "q1": a, "q2": b, "ok": c}
        for i, g, p, a, b, c in zip(
            people,
            pick(GROUPS, 30),
            pick(PLACES, 30),
            pick(tuple("12345"), 30),
            pick(tuple("1234 "), 30),
            pick(("1", ""), 30),
            strict=True,
        )
    ]
    times = [
        LOGGED
        | {
            "who": who,
            "what": what,
            "org": "union" if int(what[1:]) % 2 else "league;union",
            "at": f"2024-02-{1 + int(what[1:]):02}",
        }
        for who, what in zip(pick(tuple(people), 60), pick(tuple(f"a{n}" for n in range(12)), 60), strict=True)
    ]
    counts = [{"org": g, "place": p, "n": "40", "money": "1"} for g in GROUPS for p in PLACES]
    unique = {(t["who"], t["what"]): t for t in times}
    return {"answers": answers, "log": list(unique.values()), "registry": counts}


def built(home: Path, rows: dict[str, list[dict[str, str]]], **changed: object) -> Panel:
    entries = {"answers": ANSWERS, "log": LOG, "registry": REGISTRY}
    files = {entries[kind]["file"]: csv_text(rows[kind], list(rows[kind][0])) for kind in rows}
    folder = write_study(home, {"2024": {"files": files}}, **changed)
    change_wave(folder, "2024", files=[entries[kind] for kind in rows])
    return open_study(folder).panel()


# Columns of the panel's tables; of the answers those of this study's items too.
HELD = {
    "members": "wave member log_member group region province city county township weight mode answering again bel1 bel2 belonging "
    "job age home used=1 used=2 used=3",
    "careers": "wave member group region channel joined first second last count volunteered organised proposed designed",
    "cells": "wave group region channel month events people first_time returning rated rating",
    "hierarchy": "code parent level valid_from valid_to",
    "observed": "wave organisation start end reported recorded roles activities joint",
    "labels": "kind code en zh",
    "tally": "wave file holds rule rows cells",
    "aside": "wave file row reason nearest",
    "arrived": "wave file holds platform format encoding delimiter sheet columns mapped left_out identifying",
    "linkage": "wave group answers with_id consented found in_memberships log_members log_only memberships_only rate conf_low "
    "conf_high lowest highest status",
}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    return built(
        tmp_path_factory.mktemp("panel"), arrived(1), weights={"margins": [["group"], ["county"]], "bounds": [0.05, 20]}
    )


def test_a_person_is_a_cluster_where_none_came(panel: Panel) -> None:
    assert panel.design["cluster"] == "member"
    assert panel.members["member"].notna().all()


def test_the_columns_are_those_of_the_contract(panel: Panel) -> None:
    held = {name: set(getattr(panel, name).columns) for name in FRAMES}
    assert {name: held[name] for name in HELD} == {name: set(columns.split()) for name, columns in HELD.items()}
    assert held["registry"] >= {"wave", "group", "region", "members", "funds"}


def test_each_region_has_its_ancestors(panel: Panel) -> None:
    by_region = panel.members.drop_duplicates("region").set_index("region")[["province", "city", "county", "township"]]
    assert by_region.loc["990104001"].tolist() == ["990000", "990100", "990104", "990104001"]
    assert by_region.loc["990102"].fillna("-").tolist() == ["990000", "990100", "990102", "-"]


def test_weights_add_up_to_the_registry(panel: Panel) -> None:
    sums = panel.members.groupby("group")["weight"].sum()
    # 40 in each of two counties; the township's 40 lie in the second of them.
    assert sums.to_dict() == pytest.approx({"union": 80, "league": 80}, rel=1e-6)
    assert panel.calibration is not None


def test_a_panel_cannot_be_edited(panel: Panel) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        panel.members = pd.DataFrame()  # type: ignore[misc]


def test_a_second_build_is_equal_in_every_byte(panel: Panel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(panels, "_open", {})
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    again = open_study(panel.study.folder).panel()
    assert again is not panel
    assert again.provenance == panel.provenance
    assert same(again, panel, FRAMES) == []
    assert again.calibration == panel.calibration


def same(one: Panel, other: Panel, names: tuple[str, ...]) -> list[str]:
    return [n for n in names if not getattr(one, n).equals(getattr(other, n))]


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_the_order_of_rows_does_not_matter(panel: Panel, tmp_path_factory: pytest.TempPathFactory, data) -> None:
    rows = {kind: data.draw(st.permutations(part)) for kind, part in arrived(1).items()}
    weights = {"margins": [["group"], ["county"]], "bounds": [0.05, 20]}
    shuffled = built(tmp_path_factory.mktemp("shuffled"), rows, weights=weights)
    assert same(shuffled, panel, ("members", "careers", "cells", "observed", "labels", "items", "tally")) == []
    keys = ["wave", "group", "region"]
    ordered = [p.registry.sort_values(keys, ignore_index=True) for p in (shuffled, panel)]
    pd.testing.assert_frame_equal(*ordered)


def test_each_file_that_changes_makes_another_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(tmp_path, arrived(2))
    for name in ("2024/answers.csv", "2024/wave.yaml", "study.yaml", "instrument.csv", "groups.csv", "places.csv"):
        path = first.study.folder / name
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        changed = open_study(first.study.folder).panel()
        assert changed.provenance["inputs"] != first.provenance["inputs"], name
        path.write_bytes(before)
    assert open_study(first.study.folder).panel() is first


def test_earlier_waves_do_not_see_later_ones(tmp_path: Path) -> None:
    texts = {
        w: {"answers.csv": csv_text([FULL | {"id": f"{w}-{n}"} for n in range(3)], list(FULL))}
        for w in ("2023", "2024")
    }
    study = open_study(write_study(tmp_path, {w: {"files": t} for w, t in texts.items()}))
    assert (study.panel("2023").waves, set(study.panel("2023").members["wave"])) == (("2023",), {"2023"})
    assert (study.panel().waves, len(study.panel().current), len(study.panel().members)) == (("2023", "2024"), 3, 6)


def test_answers_and_log_meet_only_by_consent(panel: Panel) -> None:
    linked = panel.members.dropna(subset=["log_member"])
    assert 0 < len(linked) < len(panel.members)
    assert not set(panel.members["member"]) & set(panel.careers["member"])
    assert set(linked["log_member"]) & set(panel.careers["member"])


def test_people_who_answer_in_two_files_of_a_wave_count_once(tmp_path: Path) -> None:
    texts = {
        "a.csv": csv_text([FULL, FULL | {"id": "m2", "q5": "４0"}], list(FULL)),
        "b.csv": csv_text([FULL | {"id": "M-2", "q5": "50"}, FULL | {"id": "m3", "q5": "５0"}], list(FULL)),
    }
    folder = write_study(tmp_path, {"2024": {"files": texts}})
    change_wave(folder, "2024", files=[ANSWERS | {"file": name} for name in texts])
    panel = open_study(folder).panel()
    assert sorted(panel.members["age"]) == [30, 40, 50]
    assert panel.aside[["file", "row", "reason"]].to_numpy().tolist() == [["b.csv", 2, "repeated_answer"]]
    rows = panel.tally.groupby("rule")["rows"].sum().to_dict()
    assert {rule: n for rule, n in rows.items() if n} == {
        "read": 4,
        "as_is": 1,
        "repaired": 2,
        "aside:repeated_answer": 1,
    }


def test_what_is_not_there_is_said(tmp_path: Path, panel: Panel) -> None:
    every = ("survey", "log", "registry", "scales", "items", "regions", "groups", "cohesion", "attraction")
    assert panel.missing_inputs(every) == ("attraction",)
    bare = built(tmp_path, {"registry": arrived(1)["registry"]})
    assert bare.missing_inputs(every) == ("survey", "log", "scales", "items", "attraction")


def test_an_answer_without_a_weight_stands_for_nobody_where_others_have_one(tmp_path: Path) -> None:
    rows = [FULL | {"id": f"m{n}", "heft": w} for n, w in enumerate(("2.5", "", "0.5"))]
    texts = {"2023": [FULL | {"id": "m9"}], "2024": rows}
    waves = {w: {"files": {"answers.csv": csv_text(part, [*FULL, "heft"])}} for w, part in texts.items()}
    folder = write_study(tmp_path, waves)
    change_wave(folder, "2024", files=[ANSWERS | {"columns": ANSWERS["columns"] | {"heft": "weight"}}])
    panel = open_study(folder).panel()
    weights = panel.members.groupby("wave")["weight"].apply(sorted).to_dict()
    assert weights == {"2023": [1.0], "2024": [0.0, 0.5, 2.5]}
    told = panel.tally[panel.tally["rule"] == "cells:no_weight"]
    assert told[["wave", "cells"]].to_numpy().tolist() == [["2024", 1]]


def test_the_rules_of_the_study_reach_the_door(tmp_path: Path) -> None:
    rules = {"minimum": 12, "difference": 15, "count_step": 20, "sensitive_minimum": 40}
    panel = built(tmp_path, {"answers": arrived(1)["answers"]}, rules=STUDY["rules"] | rules)
    assert panel.release_inputs["rules"] == rules


def test_what_is_made_of_a_sensitive_item_is_sensitive(tmp_path: Path) -> None:
    """The item, its options, the scale that it is part of, and the step that it answers."""
    items = ITEMS.replace("belonging,,,\nbel2", "belonging,,health,\nbel2").replace(
        "places3,,,,,,", "places3,,,,,disability,"
    )
    steps = {"reached": {"items": ["used"]}}
    panel = built(tmp_path, {"answers": arrived(1)["answers"]}, items=items, steps=steps)
    assert set(panel.release_inputs["sensitive"]) == {"bel1", "belonging", "used=1", "used=2", "used=3", "reached"}


def test_an_item_with_one_code_can_be_planned(tmp_path: Path) -> None:
    """Where only one answer is possible the range has no width; the door needs one."""
    sets = STUDY["code_sets"] | {"one": {"codes": {"1": {"en": "Seen", "zh": "已阅"}}}}
    items = ITEMS + "seen,,A,Read?,已阅读？,choice,one,,,,,,\n"
    rows = [FULL | {"id": f"m{n}", "seen": "1"} for n in range(12)]
    waves = {"2024": {"files": {"answers.csv": csv_text(rows, [*FULL, "seen"])}}}
    folder = write_study(tmp_path, waves, items=items, code_sets=sets)
    change_wave(folder, "2024", files=[ANSWERS | {"columns": ANSWERS["columns"] | {"seen": "seen"}}])
    assert open_study(folder).panel().release_inputs["variables"]["seen"] == ("survey", 1, 2)


def test_behind_proposals_are_those_named_and_where_nobody_is_each_row_is_another_person() -> None:
    rows = pd.DataFrame({"wave": ["1", "1", "1", "2", "2"], "member": ["a", "a", None, None, None], "group": "union"})
    people = _who_brought(rows)
    assert people["wave"].tolist() == ["1", "1", "2", "2"]  # who named nobody where others did is counted as nobody
    assert people["member"].nunique() == 3
    nobody = _who_brought(rows.head(0)[["wave", "group"]])
    assert list(nobody.columns) == ["wave", "member", "group", "region"]
    assert nobody.empty
