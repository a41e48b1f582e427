"""The link between answers and log: who is counted, bounds and intervals, and a rate that falls stops the link of its wave."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey import Refused, linkage, open_study
from survey.panel import Panel
from tests.survey.builders import ANSWERS, FULL, LOG, LOGGED, as_yaml, csv_text, write_study, write_wave

WILSON_TOLERANCE = 5e-5  # the papers print four decimals
DECISION = {"rule": "linkage", "accept": "log.csv", "office": "Office 1", "why": "half of the halls were closed"}


def told(panel: Panel) -> set[tuple[str, str]]:
    return set(
        panel.tally.loc[panel.tally["rule"].isin(["link_stopped", "nobody_linked"]), ["wave", "rule"]].itertuples(
            False, None
        )
    )


def study_of(home: Path, found: dict[str, int], of: int = 100, decided: str = "", **changed: object) -> Panel:
    """A study in whose waves so many of `of` consenting members stand in the log; the rest of the log is other people."""
    folder = write_study(home, {name: {} for name in list(found)[:1]}, **changed)
    for wave, known in found.items():
        asked = [FULL | {"id": f"m{n}", "q7": wave} for n in range(of)]
        logged = [
            LOGGED | {"who": f"m{n}" if n < known else f"other{n}", "what": wave, "at": f"{wave}-03-05 10:00"}
            for n in range(of)
        ]
        if not (folder / wave).is_dir():
            write_wave(folder, wave)
        for name, rows in (("answers.csv", asked), ("log.csv", logged)):
            (folder / wave / name).write_text(csv_text(rows, list(rows[0])), "utf-8")
        settings = {
            "wave": wave,
            "fieldwork": {"start": f"{wave}-03-01", "end": f"{wave}-04-15"},
            "files": [ANSWERS, LOG],
            "decisions": [DECISION] if wave == decided else [],
        }
        (folder / wave / "wave.yaml").write_text(as_yaml(settings), "utf-8")
    return open_study(folder).panel()


def whole(panel: Panel) -> pd.DataFrame:
    return panel.linkage[panel.linkage["group"] == "*"].set_index("wave")


def linked(panel: Panel) -> dict[str, int]:
    return panel.members.groupby("wave")["log_member"].count().to_dict()


def test_a_rate_that_falls_from_92_to_40_per_cent_stops_the_link_of_its_wave(tmp_path: Path) -> None:
    panel = study_of(tmp_path, {"2023": 92, "2024": 40})
    assert whole(panel)["rate"].to_dict() == {"2023": 0.92, "2024": 0.40}
    assert whole(panel)["status"].to_dict() == {"2023": "linked", "2024": "stopped"}
    assert linked(panel) == {"2023": 100, "2024": 0}
    assert told(panel) == {("2024", "link_stopped")}
    assert len(panel.members) == 200  # the answers themselves stay


def test_an_office_may_accept_the_fall(tmp_path: Path) -> None:
    panel = study_of(tmp_path, {"2023": 92, "2024": 40}, decided="2024")
    assert whole(panel)["status"].to_dict() == {"2023": "linked", "2024": "accepted"}
    assert linked(panel) == {"2023": 100, "2024": 100}
    assert told(panel) == set()


def test_a_stopped_wave_is_not_what_the_next_one_is_compared_with(tmp_path: Path) -> None:
    panel = study_of(tmp_path, {"2022": 92, "2023": 40, "2024": 42})
    assert whole(panel)["status"].tolist() == ["linked", "stopped", "stopped"]


def test_a_wave_after_an_accepted_fall_is_compared_with_it(tmp_path: Path) -> None:
    panel = study_of(tmp_path, {"2022": 92, "2023": 40, "2024": 42}, decided="2023")
    assert whole(panel)["status"].tolist() == ["linked", "accepted", "linked"]


@pytest.mark.parametrize(("found", "status"), [(75, "linked"), (60, "linked"), (50, "stopped"), (95, "linked")])
def test_how_far_a_rate_may_fall(tmp_path: Path, found: int, status: str) -> None:
    """From 92 of 100 with 0.25: the lower limit of a fall to 60 is 0.206, to 50 it is 0.301."""
    assert whole(study_of(tmp_path, {"2023": 92, "2024": found})).loc["2024", "status"] == status


def test_the_study_says_how_far(tmp_path: Path) -> None:
    rules = {"linkage_drop": 0.6, "set_aside_share": 1}
    assert whole(study_of(tmp_path, {"2023": 92, "2024": 40}, rules=rules)).loc["2024", "status"] == "linked"


def test_a_fall_among_few_may_be_chance(tmp_path: Path) -> None:
    assert whole(study_of(tmp_path, {"2023": 9, "2024": 4}, of=10)).loc["2024", "status"] == "linked"


def test_nobody_found_where_a_few_were_stops_the_link(tmp_path: Path) -> None:
    """From 20 to 0 per cent is less than the rule's 25 points, and cannot be chance."""
    assert whole(study_of(tmp_path, {"2023": 20, "2024": 0})).loc["2024", "status"] == "stopped"


def test_nobody_found_in_the_first_wave_is_said(tmp_path: Path) -> None:
    panel = study_of(tmp_path, {"2024": 0})
    assert told(panel) == {("2024", "nobody_linked")}
    assert whole(panel).loc["2024", "status"] == "linked"


def test_both_languages_ask_whether_ids_or_key_changed(tmp_path: Path) -> None:
    from reports import checking

    panel = study_of(tmp_path, {"2023": 92, "2024": 40})
    said = {lang: "\n".join(checking.account(panel, lang).text().splitlines()) for lang in ("en", "zh")}
    assert "id form or key changed?" in said["en"]
    assert "编号写法或密钥是否变了" in said["zh"]
    assert checking.account(panel, "en").state == checking.WARNED


def hand() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Six answers of two groups: four consented and have an id, two of them in the log; a list of five members."""
    answers = pd.DataFrame(
        {
            "log_member": ["a", "b", "c", "d", None, None],
            "group": ["u", "u", "w", "w", "w", "u"],
            "identified": [True] * 5 + [False],
        }
    )
    seen = pd.DataFrame({"wave": "1", "member": ["a", "a", "c", "x", "y"], "group": ["u", "w", "w", "w", "u"]})
    listed = pd.DataFrame({"wave": "1", "member": ["a", "b", "d", "x", "z"], "group": ["u", "u", "w", "w", "u"]})
    return answers, seen, listed


def test_the_counts_are_those_of_a_hand_count() -> None:
    table = linkage.linkage_table("1", *hand()).set_index("group")
    assert table.loc["*", linkage.COUNTS].tolist() == [6, 5, 4, 2, 3, 4, 2, 3]
    assert table.loc["u", linkage.COUNTS].tolist() == [3, 2, 2, 1, 2, 2, 1, 2]
    assert table.loc["w", linkage.COUNTS].tolist() == [3, 3, 2, 1, 1, 3, 1, 1]
    assert table.loc["*", ["rate", "lowest", "highest"]].tolist() == [2 / 4, 2 / 6, 4 / 6]


def test_without_a_list_of_members_what_needs_it_is_missing() -> None:
    answers, seen, _ = hand()
    table = linkage.linkage_table("1", answers, seen)
    assert table[["in_memberships", "log_only", "memberships_only"]].isna().all(axis=None)
    assert table["found"].notna().all()


def test_without_a_log_there_is_no_rate(tmp_path: Path) -> None:
    panel = open_study(write_study(tmp_path)).panel()
    assert whole(panel).loc["2024", ["status", "consented"]].tolist() == ["no_log", 1]
    assert panel.linkage[linkage.RATES].isna().all(axis=None)


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_the_paper(found: int, of: int, low: float, high: float) -> None:
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3."""
    assert linkage.wilson(found, of) == pytest.approx((low, high), abs=WILSON_TOLERANCE)


@pytest.mark.parametrize(
    ("before", "now", "low"),
    [((56, 70), (48, 80), 0.0524), ((9, 10), (3, 10), 0.1705), ((6, 7), (2, 7), 0.0582), ((5, 56), (0, 29), -0.0381)],
)
def test_the_limit_of_a_fall_is_that_of_the_paper(before: tuple[int, int], now: tuple[int, int], low: float) -> None:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10."""
    assert linkage.least_fall(before, now) == pytest.approx(low, abs=WILSON_TOLERANCE)


def test_the_bounds_hold_whoever_did_not_consent() -> None:
    """Consent that depends on being in the log: the true share of all lies between the bounds, the rate alone misses it."""
    rng = np.random.default_rng(5)
    n = 4000
    there = rng.random(n) < 0.5
    consents = rng.random(n) < np.where(there, 0.9, 0.4)
    ids = pd.Series([f"p{i}" for i in range(n)], dtype="str")
    answers = pd.DataFrame({"log_member": ids.where(consents), "group": "u", "identified": True})
    seen = pd.DataFrame({"wave": "1", "member": ids[there], "group": "u"})
    row = linkage.linkage_table("1", answers, seen).iloc[0]
    assert row["lowest"] <= there.mean() <= row["highest"]
    assert row["conf_low"] > there.mean()


def test_a_wave_that_does_not_change_is_hardly_ever_stopped() -> None:
    """True rate 0.6 in both waves of 40: a link is stopped by chance in less than one wave of a thousand."""
    rng = np.random.default_rng(11)
    pairs = rng.binomial(40, 0.6, (20_000, 2))
    known = {
        (int(a), int(b)): linkage.has_fallen((a, 40), (b, 40), 0.25) for a, b in {tuple(p) for p in pairs.tolist()}
    }
    assert np.mean([known[tuple(p)] for p in pairs.tolist()]) < 0.001


def test_a_decision_must_be_of_a_file_of_the_wave(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {"2024": {"decisions": [DECISION]}})
    with pytest.raises(Refused, match="not a file of this wave"):
        open_study(folder)


def test_a_log_without_groups_is_counted_as_a_whole() -> None:
    seen = pd.DataFrame({"wave": "1", "member": ["a", "b", "b"], "group": [None, "u", "w"]}, dtype="str")
    answers = pd.DataFrame({"log_member": ["a", "b", "c"], "group": [None, "u", "u"], "identified": True})
    table = linkage.linkage_table("1", answers, seen).set_index("group")
    assert table.loc["*", ["found", "log_members"]].tolist() == [2, 2]
    assert not math.isnan(table.loc["u", "rate"])
