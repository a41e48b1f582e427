"""What becomes of each row and each cell of a file of answers: small files, answers by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey import Refused, open_study
from tests.survey.builders import ANSWERS, FULL, adds_up, answers, check, reasons, write_study

BLANK = dict.fromkeys(FULL, "")


def tally(accepted) -> dict[str, int]:
    lines = accepted.tally.set_index("rule")
    return {rule: int(line.cells if rule.startswith("cells:") else line.rows) for rule, line in lines.iterrows()}


def test_each_reason_by_hand(tmp_path: Path) -> None:
    rows = [
        {"id": "m1"},
        BLANK,
        BLANK | {"id": "合 计", "q1": "57"},
        {"id": "m2", "q5": ""},
        {"id": "m2"},  # the fullest of m2
        {"id": " M-2 ", "q4": ""},
        {"id": "m1"},  # row 2 again
        {"id": "m3", "org": "navy"},
        {"id": "m4", "place": "123456"},
        {"id": "m5", "place": ""},
        {"id": "", "q5": "20"},
        {"id": "", "q5": "20"},  # nobody knows whether this is the same person
        {"id": "m6", "q1": "４"},  # repaired
    ]
    found = answers(tmp_path, rows)
    assert reasons(found) == {
        3: "blank",
        4: "total",
        5: "repeated_answer",
        7: "repeated_answer",
        8: "duplicate",
        9: "unknown_group",
        10: "unknown_region",
        11: "unknown_region",
    }
    assert found.frame.index.tolist() == [2, 6, 12, 13, 14]
    assert tally(found) | {"read": 13, "as_is": 4, "repaired": 1, "aside:total": 1, "cells:cleaned": 1} == tally(found)
    assert adds_up(found)
    assert found.aside["row"].tolist() == [3, 4, 5, 7, 8, 9, 10, 11]


def test_short_rows_are_set_aside_as_ragged(tmp_path: Path) -> None:
    header, row = ",".join(FULL), ",".join(FULL.values())
    text = f"{header}\n{row}\nm2,union\n{row.replace('m1', 'm3')}\n"
    folder = write_study(tmp_path, {"2024": {"files": {"answers.csv": text}}})
    found = check(open_study(folder), "answers")
    assert reasons(found) == {3: "ragged"}
    assert adds_up(found)


CODED = {
    "4": 4, "4.0": 4, "04": 4, "４": 4, "Agree": 4, "AGREE": 4, "agree": 4, "同意": 4, "4-同意": 4, "4. Agree": 4, "4、同意": 4,
    "4：同意": 4, " 同意 ": 4, "完全同意(很)": 5, "完全同意（很）": 5, "Strongly  agree": 5, "": math.nan,
}  # fmt: skip
NOT_CODED = {
    "6": "out_of_range", "-1": "out_of_range", "0": "out_of_range", "99": "out_of_range", "4.5": "unknown_label",
    "NA": "unknown_label", "None": "unknown_label", "null": "unknown_label", "4-不同意": "unknown_label", "4-": "unknown_label",
    "agree5": "unknown_label", "#N/A": "sheet_error", "1e0": "unknown_label", "45": "out_of_range", "?": "unknown_label",
    "9": "missing_code", "Don't know": "missing_code", "说不清（不了解）": "missing_code", "说不清(不了解)": "missing_code",
    "9-Don't know": "missing_code",
}  # fmt: skip


def test_answers_to_a_choice_item(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "q1": cell} for n, cell in enumerate([*CODED, *NOT_CODED])]
    found = answers(tmp_path, rows)
    expected = [*CODED.values(), *[math.nan] * len(NOT_CODED)]
    got = dict(zip([*CODED, *NOT_CODED], found.frame["bel1"], strict=True))
    assert {k: v for k, v in got.items() if not math.isnan(v)} == {k: v for k, v in CODED.items() if k}
    assert len(expected) == len(got)
    counts = pd.Series(list(NOT_CODED.values())).value_counts()
    assert {
        k.removeprefix("cells:"): v for k, v in tally(found).items() if k.startswith("cells:") and k != "cells:cleaned"
    } == counts.to_dict()
    assert adds_up(found)


def test_words_as_codes_stay_words(tmp_path: Path) -> None:
    cells = ["NO", "no", "None", "无业", "0110", "农业", "12:30", "110", "x"]
    found = answers(tmp_path, [{"id": f"m{n}", "q3": c} for n, c in enumerate(cells)])
    assert found.frame["job"].fillna("-").tolist() == ["NO", "NO", "NO", "NO", "0110", "0110", "12:30", "-", "-"]
    assert (tally(found)["cells:out_of_range"], tally(found)["cells:unknown_label"]) == (1, 1)


NUMBERS = {"30": 30, "30.5": 30.5, "+30": 30, ".3e2": 30, "14": 14, "99": 99, "３０": 30}
NO_NUMBERS = {
    "13.9": "out_of_range",
    "100": "out_of_range",
    "1e99": "out_of_range",
    "1e999": "not_a_number",
    "inf": "not_a_number",
}
NO_NUMBERS |= dict.fromkeys(["nan", "30岁", "约30", "3,5", "1,234", "30%", "--30", "None"], "not_a_number")


def test_numbers_within_their_limits(tmp_path: Path) -> None:
    found = answers(tmp_path, [{"id": f"m{n}", "q5": c} for n, c in enumerate([*NUMBERS, *NO_NUMBERS, ""])])
    assert found.frame["age"].dropna().tolist() == list(NUMBERS.values())
    counts = pd.Series(list(NO_NUMBERS.values())).value_counts()
    assert {rule: tally(found)[f"cells:{rule}"] for rule in counts.index} == counts.to_dict()


def test_several_answers_in_one_cell(tmp_path: Path) -> None:
    cells = ["1;3", "1； 3", "Hall;院子", "", "8", "2;8", "7", "2;zebra", "zebra", ";;", "2.0"]
    found = answers(tmp_path, [{"id": f"m{n}", "q4": c} for n, c in enumerate(cells)])
    chosen = found.frame[["used=1", "used=2", "used=3"]].fillna(-1).astype(int).to_numpy().tolist()
    nothing = [-1, -1, -1]
    assert chosen[:3] == [[1, 0, 1]] * 3
    assert chosen[3:] == [nothing, nothing, [0, 1, 0], nothing, [0, 1, 0], nothing, nothing, [0, 1, 0]]
    counted = tally(found)
    assert (counted["cells:missing_code"], counted["cells:out_of_range"], counted["cells:unknown_label"]) == (2, 1, 2)


@pytest.mark.parametrize("separator", ["┋", "||", "、", "|", ".", "；", " "])
def test_any_separator_is_taken_as_it_is(tmp_path: Path, separator: str) -> None:
    found = answers(tmp_path, [{"q4": separator.join("13")}], {"separator": separator})
    assert found.frame[["used=1", "used=2", "used=3"]].to_numpy().tolist() == [[1, 0, 1]]


def test_several_answers_over_columns(tmp_path: Path) -> None:
    columns = {k: v for k, v in ANSWERS["columns"].items() if v != "used"} | {
        "u1": "used=1",
        "u2": "used=2",
        "u3": "used=3",
    }
    rows = [("1", "0", ""), ("", "", ""), ("是", "否", "1.0"), ("Hall", "", "院子"), ("0", "×", "F"), ("?", "√", "1")]
    found = answers(
        tmp_path, [{"id": f"m{n}", "u1": a, "u2": b, "u3": c} for n, (a, b, c) in enumerate(rows)], {"columns": columns}
    )
    chosen = found.frame[["used=1", "used=2", "used=3"]].fillna(-1).astype(int).to_numpy().tolist()
    assert chosen == [[1, 0, 0], [-1, -1, -1], [1, 0, 1], [1, 0, 1], [0, 0, 0], [-1, 1, 1]]
    assert tally(found)["cells:unknown_label"] == 1


def test_values_are_recoded_whole_and_in_parts(tmp_path: Path) -> None:
    values = {"group": {"市总工会（本级）": "union"}, "used": {"A": "1", "C": "3"}, "bel1": {"-": "", "满意": "5"}}
    rows = [
        {"id": "m1", "org": "市总工会（本级）", "q4": "A;C", "q1": "满意"},
        {"id": "m2", "org": "市总工会(本级)", "q4": "C", "q1": "-"},
    ]
    found = answers(tmp_path, rows, {"values": values})
    assert found.frame["group"].tolist() == ["union", "union"]
    assert found.frame[["used=1", "used=3"]].to_numpy().tolist() == [[1, 1], [0, 1]]
    assert found.frame["bel1"].fillna(0).tolist() == [5, 0]


def test_places_as_answers_and_text_that_is_never_kept(tmp_path: Path) -> None:
    found = answers(tmp_path, [{"id": "m1", "q6": "Hill"}, {"id": "m2", "q6": "Atlantis"}, {"id": "m3", "q6": ""}])
    assert found.frame["home"].fillna("-").tolist() == ["990104", "-", "-"]
    assert tally(found)["cells:unknown_label"] == 1
    assert "wish" not in found.frame


ROLES = {"s": "seconds", "w": "weight", "t": "submitted", "st": "strata"}


def test_roles_that_are_numbers_and_times(tmp_path: Path) -> None:
    rows = [
        ("30", "1.5", "2024-03-05", "a"),
        ("-3", "0", "soon", ""),
        ("x", "-1", "", "b"),
        ("", "", "2024-02-31", "b"),
    ]
    entry = {"columns": ANSWERS["columns"] | ROLES}
    found = answers(
        tmp_path, [{"id": f"m{n}", "s": s, "w": w, "t": t, "st": x} for n, (s, w, t, x) in enumerate(rows)], entry
    )
    assert found.frame["seconds"].fillna(0).tolist() == [30, 0, 0, 0]
    assert found.frame["weight"].fillna(0).tolist() == [1.5, 0, 0, 0]
    assert found.frame["submitted"].notna().tolist() == [True, False, False, False]
    counted = tally(found)
    assert (counted["cells:out_of_range"], counted["cells:not_a_number"], counted["cells:not_a_time"]) == (3, 1, 2)


def test_a_declared_key_says_which_rows_are_one(tmp_path: Path) -> None:
    rows = [{"id": "m1"}, {"id": "m1", "org": "league"}, {"id": "m1", "org": "league", "q5": "31"}]
    assert reasons(answers(tmp_path, rows, {"key": ["member", "group"]})) == {4: "repeated_answer"}


def refused(home: Path, rows: list[dict[str, str]], entry=None, **changed) -> str:
    with pytest.raises(Refused) as caught:
        answers(home, rows, entry, **changed)
    assert all(re.search("[\u4e00-\u9fff]", f.zh) for f in caught.value.faults)
    return "\n".join(f"{f.file} {f.en} {f.zh}" for f in caught.value.faults)


STRICT = {"rules": {"set_aside_share": 0.02, "out_of_range_share": 0.02}}


def test_too_many_rows_or_answers_refuse_the_file_with_all_its_faults(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}"} for n in range(50)]
    rows[3] |= {"org": "secret-lodge"}
    rows[5] |= {"org": "secret-lodge"}
    rows[7] |= {"q1": "77"}
    rows[8] |= {"q1": "secret-word"}
    rows[9] |= {"q5": "secret-age", "q2": "9"}
    told = refused(tmp_path, rows, **STRICT)
    assert "2024/answers.csv 4.00% of the rows" in told
    assert "rule: set_aside_share" in told
    assert "2 rows with an organisation that the study does not know; first rows 5, 7" in told
    assert "column “q1” (bel1): 4.17%" in told
    assert "first rows 9, 10" in told
    assert "(age): 2.08%" in told
    assert "bel2" not in told
    assert "secret" not in told
    assert "77" not in told


def test_an_office_may_accept_a_breach_of_one_rule(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "q1": "77", "org": "navy" if n else "union"} for n in range(5)]
    accept = [{"rule": "set_aside_share", "accept": "answers.csv", "office": "A", "why": "B"}]
    told = refused(tmp_path / "a", rows, wave={"decisions": accept}, **STRICT)
    assert "rule: out_of_range_share" in told
    assert "rule: set_aside_share" not in told
    both = [*accept, accept[0] | {"rule": "out_of_range_share"}]
    assert adds_up(answers(tmp_path / "b", rows, wave={"decisions": both}, **STRICT))


def test_blank_rows_and_totals_do_not_count_towards_the_share(tmp_path: Path) -> None:
    rows = [*({"id": f"m{n}"} for n in range(10)), *([BLANK] * 10), BLANK | {"id": "Total:", "q1": "9"}]
    assert adds_up(answers(tmp_path, rows, **STRICT))


def test_the_word_average_may_be_an_answer(tmp_path: Path) -> None:
    columns = {"q1": "bel1", "org": "group", "place": "region"}
    found = answers(
        tmp_path, [{"q1": "average"}, {"q1": "4"}], {"columns": columns, "values": {"bel1": {"average": "3"}}}
    )
    assert (reasons(found), found.frame["bel1"].tolist()) == ({}, [3, 4])


MAIL, CITIZEN, PHONE = "a.b@example.org", "11010519491231002X", "138 0013 8000"


@pytest.mark.parametrize("identifier", [MAIL, "11010519491231002ｘ", PHONE, "+86-13800138000"])
def test_identifiers_outside_the_member_column_are_refused(tmp_path: Path, identifier: str) -> None:
    columns = ANSWERS["columns"] | {"st": "strata"}
    told = refused(tmp_path, [{"id": f"m{n}", "st": identifier} for n in range(3)], {"columns": columns})
    assert "hold phone numbers, id numbers or e-mail addresses: st" in told
    assert identifier not in told


def test_one_certain_identifier_in_a_column_kept_as_text_is_enough(tmp_path: Path) -> None:
    columns = ANSWERS["columns"] | {"st": "strata"}
    rows = [{"id": f"m{n}", "st": f"s{n}"} for n in range(40)]
    rows[7]["st"] = CITIZEN
    assert "e-mail addresses: st" in refused(tmp_path / "a", rows, {"columns": columns})
    rows[7]["st"] = "110105194912310029"  # the check digit does not fit
    assert adds_up(answers(tmp_path / "b", rows, {"columns": columns}))


def test_member_numbers_in_powers_of_ten_are_refused(tmp_path: Path) -> None:
    assert "digits are lost" in refused(tmp_path, [{"id": "1.38001E+10"}, {"id": "m2"}])


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {"2024": {"files": {"answers.csv": "Name,org\nLi,union\n"}}})
    with pytest.raises(
        Refused, match=r"not in the header: id, place, ok, q1, q2\. The header begins: Name, org"
    ) as caught:
        check(open_study(folder), "answers")
    assert "Li" not in str(caught.value)


def test_an_answer_that_cannot_stand_takes_no_good_one_with_it(tmp_path: Path) -> None:
    """Two answers of one person, equally full, one from an organisation that nobody knows: in either order the other stays."""
    good, bad = {"id": "m1", "org": "union"}, {"id": "m1", "org": "navy"}
    for name, rows in (("first", [good, bad]), ("last", [bad, good])):
        found = answers(tmp_path / name, rows)
        assert len(found.frame) == 1, name
        assert set(found.reasons.values()) == {"unknown_group"}, name


CELL = st.sampled_from(
    ["", " ", "m1", "m2", "union", "navy", "990102", "1", "4", "77", "４", "同意", "合计", "NA", "1;3", "-", "2024"]
)


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(FULL, CELL)), min_size=1, max_size=12), data=st.data())
def test_rows_always_add_up_whatever_arrives(tmp_path_factory: pytest.TempPathFactory, rows, data) -> None:
    assume(any(any(cell.strip() for cell in row.values()) for row in rows))
    found = answers(tmp_path_factory.mktemp("any"), rows)
    assert adds_up(found)
    assert set(found.reasons) | set(found.frame.index) == set(range(2, len(rows) + 2))
    order = data.draw(st.permutations(range(len(rows))))
    again = answers(tmp_path_factory.mktemp("again"), [rows[n] for n in order])
    assert tally(again)["as_is"] + tally(again)["repaired"] == len(found.frame)
