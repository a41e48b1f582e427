"""A county that is parted between two waves, from the files to the released table, the figure and the sentence."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from reports import checking
from survey import open_study
from survey.panel import Panel
from tests.survey.builders import ANSWERS, FULL, LOG, LOGGED, REGISTRY, change_wave, csv_text, write_study

PLACES = """code,parent,level,name_en,name_zh,valid_from,valid_to
990000,,province,North,北省,,
990100,990000,city,Lake,湖市,,
990102,990100,county,East,东区,,2023-06-01
990102,990100,county,East,东区,2023-06-01,
990103,990100,county,West,西区,,2023-06-01
990104,990100,county,Hill,山县,,
990105,990100,county,New West,新西区,2023-06-01,
"""
# East kept its code and took in a part of West; the rest of West is New West.
UNKNOWN = "from,to,valid_from,share\n990102,990102,2023-06-01,1\n990103,990102,2023-06-01,\n990103,990105,2023-06-01,\n"
KNOWN = UNKNOWN.replace("990102,2023-06-01,\n", "990102,2023-06-01,0.4\n").replace(
    "990105,2023-06-01,\n", "990105,2023-06-01,0.6\n"
)
COUNTIES = {"2022": ("990102", "990103", "990104"), "2024": ("990102", "990104", "990105")}
EACH = 100  # answers of a county and wave
HEADS = {"990102": 300.0, "990103": 200.0, "990104": 250.0, "990105": 120.0}
FAR = 4.5  # standard errors of a share of 100 draws


def wave(name: str) -> dict[str, Any]:
    """A hundred answers a county, each person at one activity there, and the registry's counts."""
    rng = np.random.default_rng(int(name))
    places = [place for place in COUNTIES[name] for _ in range(EACH)]
    people = [f"{place}-{n}" for n, place in enumerate(places)]
    codes = [str(code) for code in rng.integers(1, 6, len(places))]
    rows = [
        FULL | {"id": i, "place": p, "q1": q, "q2": str(6 - int(q))}
        for i, p, q in zip(people, places, codes, strict=True)
    ]
    times = [
        LOGGED | {"who": i, "what": p, "place": p, "at": f"{name}-02-01"} for i, p in zip(people, places, strict=True)
    ]
    counts = [{"org": "union", "place": p, "n": str(int(HEADS[p])), "money": "1"} for p in COUNTIES[name]]
    files = {"answers.csv": rows, "log.csv": times, "registry.csv": counts}
    return {
        "files": {file: csv_text(content, list(content[0])) for file, content in files.items()},
        "fieldwork": {"start": f"{name}-03-01", "end": f"{name}-04-15"},
    }


@pytest.fixture(scope="module")
def panel_of(tmp_path_factory: pytest.TempPathFactory):
    """Give the panel of the study with a crosswalk."""

    @lru_cache
    def built(crosswalk: str, places: str = PLACES) -> Panel:
        home = tmp_path_factory.mktemp("split")
        folder = write_study(
            home,
            {name: wave(name) for name in COUNTIES},
            place_file=places,
            places={"file": "places.csv", "crosswalk": "crosswalk.csv"},
            cuts=[[], ["group"], ["region"], ["group", "region"]],
        )
        (folder / "crosswalk.csv").write_text(crosswalk, "utf-8")
        for name in COUNTIES:
            change_wave(folder, name, files=[ANSWERS, LOG, REGISTRY])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WORKBENCH_HOME", str(home / "home"))
            return open_study(folder).panel()

    return built


def released(panel: Panel) -> pd.DataFrame:
    """The released rows of coverage and of the scale's mean, by wave and place."""
    plan = analysis.plan_release(**panel.release_inputs)
    return pd.concat([coverage(panel, plan).table, cohesion(panel, plan).table], ignore_index=True)


def coverage(panel: Panel, plan: Any) -> Any:
    here = {"observed": None, "wave": "wave", "hierarchy": panel.where["hierarchy"]}
    return analysis.release(
        analysis.coverage(panel.registry, panel.careers, by=("region",), **here), plan, name="covered"
    )


def cohesion(panel: Panel, plan: Any) -> Any:
    here = panel.where | {"limits": panel.limits, "design": analysis.Design(**panel.design)}
    return analysis.release(analysis.fit_cohesion(panel.members, scales=panel.scales(), **here), plan, name="belonging")


def states(table: pd.DataFrame, statistic: str) -> dict[tuple[str, str], str]:
    rows = table[(table["statistic"] == statistic) & (table["region"] != "*") & (table["group"] == "*")]
    return {(w, r): s for w, r, s in rows[["wave", "region", "status"]].itertuples(index=False, name=None)}


@pytest.mark.parametrize("statistic", ["mean", "coverage"])
def test_without_shares_the_parts_are_broken_and_the_city_is_not(panel_of: Any, statistic: str) -> None:
    found = states(released(panel_of(UNKNOWN)), statistic)
    broken = {key for key, status in found.items() if status == "series_broken"}
    assert broken == {("2022", "990102"), ("2022", "990103")}
    fine = {("2022", "990104"), ("2022", "990100"), ("2022", "990000"), ("2024", "990102"), ("2024", "990105")}
    assert {found[key] for key in fine} == {"ok"}


def test_a_broken_row_has_no_number(panel_of: Any) -> None:
    table = released(panel_of(UNKNOWN))
    broken = table[table["status"] == "series_broken"]
    assert len(broken) > 3
    assert broken[["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"]].isna().all(axis=None)


def test_with_shares_people_and_counts_are_carried(panel_of: Any) -> None:
    panel = panel_of(KNOWN)
    then = panel.registry[panel.registry["wave"] == "2022"].set_index("region")["members"].to_dict()
    assert then == {"990102": 300 + 0.4 * 200, "990104": 250, "990105": 0.6 * 200}
    people = panel.members[panel.members["wave"] == "2022"]["region"].value_counts().to_dict()
    assert people["990104"] == EACH
    assert people["990102"] + people["990105"] == 2 * EACH
    assert people["990105"] == pytest.approx(0.6 * EACH, abs=FAR * (0.24 * EACH) ** 0.5)
    careers = panel.careers[panel.careers["wave"] == "2022"]
    assert set(careers["region"]) == {"990102", "990104", "990105"}
    assert "series_broken" not in set(released(panel)["status"])


def test_the_city_is_the_same_with_and_without_shares(panel_of: Any) -> None:
    city = [
        table[(table["region"] == "990100") & table["statistic"].isin(["mean", "coverage"])].reset_index(drop=True)
        for table in (released(panel_of(UNKNOWN)), released(panel_of(KNOWN)))
    ]
    assert len(city[0]) == 6  # the mean by place, and by place and group; coverage by place; two waves
    pd.testing.assert_frame_equal(*city)


def test_an_answer_and_a_career_of_one_person_go_to_the_same_part(panel_of: Any) -> None:
    panel = panel_of(KNOWN)
    answers = panel.members[panel.members["wave"] == "2022"].set_index("log_member")["region"]
    careers = panel.careers[panel.careers["wave"] == "2022"].set_index("member")["region"]
    assert len(answers) == 3 * EACH
    assert answers.sort_index().tolist() == careers.sort_index().tolist()


def test_what_staff_are_told(panel_of: Any) -> None:
    lines = panel_of(UNKNOWN).tally.set_index("rule")
    assert lines.loc["places_broken", ["wave", "rows", "cells"]].tolist() == ["2024", 2 * EACH, 2]
    moved = panel_of(KNOWN).tally.set_index("rule").loc["places_carried"]
    people = panel_of(KNOWN).members.query("wave == '2022' and region == '990105'")
    assert EACH >= moved["rows"] >= len(people) > 0
    assert moved["rows"] == EACH  # all of West: its code is over


def test_places_without_checked_days_are_told_where_there_are_several_waves(panel_of: Any) -> None:
    undated = PLACES.replace("valid_to\n", "valid_to,dated\n").replace(",\n", ",,\n").replace("01\n", "01,\n")
    undated = undated.replace("Hill,山县,,,", "Hill,山县,,,no")
    lines = panel_of(KNOWN, undated).tally
    assert lines.loc[lines["rule"] == "places_undated", "cells"].tolist() == [1]
    assert "places_undated" not in set(panel_of(KNOWN).tally["rule"])
    account = checking.account(panel_of(KNOWN, undated), "en").text()
    assert "1 of the places have no checked days" in account
    assert "100 answers of earlier waves are carried" in account


def test_an_earlier_report_knows_nothing_of_it(panel_of: Any) -> None:
    panel = panel_of(UNKNOWN).study.panel("2022")
    assert panel.broken.empty
    assert set(panel.members["region"]) == set(COUNTIES["2022"])


def test_what_a_reader_sees(panel_of: Any) -> None:
    panel = panel_of(UNKNOWN)
    plan = analysis.plan_release(**panel.release_inputs)
    show = analysis.display.Show(**panel.show_inputs)
    table = cohesion(panel, plan)
    said = {
        place: show.sentence(table, term="belonging", statistic="mean", region=place, against="previous").text("en")
        for place in ("990102", "990104")
    }
    assert "cannot be compared with 2022: the question or the boundary changed" in said["990102"]
    assert "cannot be compared" not in said["990104"]


def test_a_broken_place_has_no_line_in_the_figure(panel_of: Any) -> None:
    """A line a county that has both waves, in the wide figure and in the one for phones."""
    unknown, known = figure(panel_of(UNKNOWN)), figure(panel_of(KNOWN))
    assert (lines_drawn(unknown.html("en")), lines_drawn(known.html("en"))) == (1 * 2, 3 * 2)
    assert "series broken: the question or the boundary changed between waves" in unknown.text("en")
    assert "序列中断：各波次的题目或地区边界不同" in unknown.text("zh")
    assert "series broken" not in known.text("en")


def figure(panel: Panel) -> Any:
    show = analysis.display.Show(**panel.show_inputs)
    table = cohesion(panel, analysis.plan_release(**panel.release_inputs))
    chosen = {"term": "belonging", "statistic": "mean", "level": "county"}
    return show.trend(table, by="region", **chosen)


def lines_drawn(sheets: str) -> int:
    """Lines from wave to wave: the only ones of this width."""
    return len(re.findall(r'<path [^>]*stroke-width:1\.2"', sheets))
