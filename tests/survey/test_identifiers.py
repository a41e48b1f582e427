"""What identifies people is found by content: every planted identifier, and hardly any number that is none."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from survey import Refused, read_table
from survey.checks.ids import KEPT_AS_TEXT
from survey.identifiers import LOOKED_AT, MOST, bad_numbers, identifies, is_resident, kind
from tests.survey.builders import ANSWERS, answers, reasons

FALSE_ALARMS = 0.01  # share of columns of numbers that may be taken for identifiers
SIMULATED = 2000
LARGE_SECONDS = 1.0  # for a column of a million different texts; it takes a tenth of that
FILES = (".csv", ".xls", ".xlsx")


def resident(rng: random.Random) -> str:
    """A resident's id number, its check digit computed by the formula of ISO 7064 and not by our table of results."""
    place = rng.choice(["330106", "110105", "440305", "510104", "650102"])
    day = f"{rng.randint(1940, 2009)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"{place}{day}{rng.randint(0, 999):03}"
    check = (12 - sum(int(d) * pow(2, 17 - n, 11) for n, d in enumerate(body)) % 11) % 11
    return body + "0123456789X"[check]


def mobile(rng: random.Random) -> str:
    return f"1{rng.randint(3, 9)}{rng.randint(0, 10**9 - 1):09}"


def wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


CANARIES: dict[str, Callable[[random.Random], str]] = {
    "mobile": mobile,
    "with +86": lambda r: f"+86 {mobile(r)}",
    "with 0086": lambda r: f"0086{mobile(r)}",
    "in groups": lambda r: (m := mobile(r)) and f"{m[:3]}-{m[3:7]}-{m[7:]}",
    "with blanks": lambda r: (m := mobile(r)) and f"{m[:3]} {m[3:7]} {m[7:]}",
    "with dots": lambda r: (m := mobile(r)) and f"{m[:3]}.{m[3:7]}.{m[7:]}",
    "full width": lambda r: wide(mobile(r)),
    "of a spreadsheet": lambda r: f"{mobile(r)}.0",
    "in powers": lambda r: (m := mobile(r)) and f"{m[0]}.{m[1:]}E+10",
    "in words": lambda r: f"请打 {mobile(r)} 找我",
    "Arabic-Indic": lambda r: mobile(r).translate({48 + n: 0x660 + n for n in range(10)}),
    "resident": resident,
    "small x": lambda r: next(n for n in iter(lambda: resident(r), "") if n[-1] == "X").lower(),
    "resident, full width": lambda r: wide(resident(r)),
    "resident in words": lambda r: f"身份证号：{resident(r)}。",
    "resident in groups": lambda r: (n := resident(r)) and f"{n[:6]} {n[6:14]} {n[14:]}",
    "of 15": lambda r: f"330106{r.randint(40, 99)}{r.randint(1, 12):02}{r.randint(1, 28):02}{r.randint(0, 999):03}",
    "mail": lambda r: f"canary{r.randint(0, 10**6)}@mail.example.org",
    "mail in words": lambda r: f"write to c.{r.randint(0, 10**6)}@a-b.cn, please",
    "mail, full width": lambda r: f"canary{r.randint(0, 999)}＠mail.example.cn",
    "land line": lambda r: f"0571-8{r.randint(0, 10**7 - 1):07}",
    "land line in brackets": lambda r: f"(010) 6{r.randint(0, 10**7 - 1):07}",
    "passport": lambda r: f"护照 E{r.randint(10**7, 10**8 - 1)}",
}


@pytest.mark.parametrize("form", CANARIES)
def test_every_planted_identifier_is_found(form: str) -> None:
    rng = random.Random(form)
    planted = [CANARIES[form](rng) for _ in range(300)]
    assert [value for value in planted if kind(value) is None] == []
    assert identifies(planted, kept=False)


@pytest.mark.parametrize(
    "form", [form for form in CANARIES if form.startswith(("resident", "small x")) or form == "mail"]
)
def test_a_single_one_is_found_in_a_column_that_is_kept(form: str) -> None:
    values = [f"activity {n}" for n in range(3000)]
    values[1234] = CANARIES[form](random.Random(2))
    assert identifies(values, kept=True)
    assert not identifies(values, kept=False)


NUMBERS: list[Callable[[np.random.Generator], list[str]]] = [
    lambda g: [str(v) for v in g.integers(0, 10 ** g.integers(1, 16), 200)],
    lambda g: [f"{v:.{g.integers(0, 12)}f}" for v in g.lognormal(g.uniform(-2, 20), g.uniform(0.5, 2), 200)],
    lambda g: [repr(float(v)) for v in g.normal(0, 10.0 ** g.integers(-6, 12), 200)],
    lambda g: [f"{v:.{g.integers(2, 8)}E}" for v in g.lognormal(g.uniform(0, 15), 1, 200)],
    lambda g: [str(v) for v in g.integers(1_500_000_000, 1_900_000_000, 200)],  # seconds since 1970
    lambda g: [str(v) for v in g.integers(1_500_000_000_000, 1_900_000_000_000, 200)],  # milliseconds
    lambda g: [
        f"{y}{m:02}{d:02}"
        for y, m, d in zip(*g.integers([[1990], [1], [1]], [[2026], [13], [29]], (3, 200)), strict=True)
    ],
    lambda g: [
        f"{d:%Y%m%d%H%M%S}" for d in (np.datetime64("2024-01-01T00:00:00") + g.integers(0, 10**8, 200)).tolist()
    ],
    lambda g: [
        f"{d:%Y-%m-%d %H:%M:%S}" for d in (np.datetime64("2024-01-01T00:00:00") + g.integers(0, 10**8, 200)).tolist()
    ],
    lambda g: [f"33{v:04}{'0' * int(g.choice([0, 3, 6]))}" for v in g.integers(0, 10_000, 200)],  # codes of places
    lambda g: [f"{v:0{g.integers(4, 11)}}" for v in g.integers(0, 10_000, 200)],  # staff numbers
    lambda g: [str(int(g.integers(10, 99)) * 10**8 + n) for n in range(200)],  # numbers of answers, of ten digits
    lambda g: [f"{v}" for v in g.integers(10**17, 10**18, 200)],  # numbers of messages, of 18 digits
    lambda g: [".".join(map(str, v)) for v in g.integers(0, 256, (200, 4))],  # addresses of machines
    lambda g: [f"{a:.6f},{b:.6f}" for a, b in zip(g.uniform(27, 31, 200), g.uniform(118, 123, 200), strict=True)],
    lambda g: [f"{v:,}" for v in g.integers(0, 10**9, 200)],
    lambda g: [f"{v:.1f}%" for v in g.uniform(0, 100, 200)],
    lambda g: [str(v) for v in g.integers(1, 11, 200)],
]


def test_columns_of_numbers_are_hardly_ever_taken_for_identifiers() -> None:
    """2,000 columns of numbers of eighteen sorts, each of a magnitude of its own."""
    generator = np.random.default_rng(20)
    columns = [NUMBERS[n % len(NUMBERS)](generator) for n in range(SIMULATED)]
    alarms = sum(
        identifies(column, kept=True) for column in columns
    )  # which is all that would be found without kept, and more
    assert alarms <= FALSE_ALARMS * SIMULATED, f"{alarms} of {SIMULATED}"


# What these columns hold are the platform's numbers of answers, which are eleven digits from 13 on.
LOOKS_LIKE_PHONES = {("CNCF_Ambassadors_Survey_2021.csv", "Respondent ID")}


def test_the_columns_of_real_files_are_told_right(shared_data: Callable[[str], Path]) -> None:
    home = shared_data("wjx_phone_survey").parent
    numbers, alarms, others = 0, [], []
    for path in sorted(p for p in home.rglob("*") if p.suffix in FILES):
        try:
            raw = read_table(path)
        except Refused:
            raw = read_table(path, platform="plain")
        for header in raw.columns:
            values = raw.of(header).distinct()
            numeric = all(not v or v.replace(".", "", 1).lstrip("-").isdigit() for v in values)
            numbers += numeric
            if identifies(values, kept=True):
                (alarms if numeric else others).append((path.name, header))
    assert numbers > 900
    assert len(alarms) <= FALSE_ALARMS * numbers
    assert set(alarms) == LOOKS_LIKE_PHONES
    assert others == [("qualtrics_export.csv", "RecipientEmail")]


def test_a_fifth_by_chance_and_no_more() -> None:
    rng = random.Random(3)
    words = [f"word {n}" for n in range(80)]
    phones = [mobile(rng) for _ in range(21)]
    assert not identifies([*words, *phones[:20]], kept=False)
    assert identifies([*words, *phones], kept=False)
    assert pytest.approx(0.2) == MOST


def test_each_text_is_looked_at_once_and_very_many_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("survey.identifiers.kind", lambda value: seen.append(value) or None)
    identifies(["12345678", "87654321"] * 50_000, kept=False)
    assert seen == ["12345678", "87654321"]
    seen.clear()
    assert not identifies((str(10**9 + n) for n in range(200_000)), kept=False)
    assert len(seen) <= LOOKED_AT
    assert {value[:3] for value in seen} == {"100"}
    assert seen[-1] > str(10**9 + 190_000)


def test_a_column_of_a_million_texts_costs_little() -> None:
    values = [str(10**9 + n) for n in range(1_000_000)]
    for kept in (False, True):
        start = time.process_time()
        identifies(values, kept)
        assert time.process_time() - start < LARGE_SECONDS


def test_a_column_that_is_not_mapped_is_named_and_not_stored(tmp_path: Path) -> None:
    rng = random.Random(4)
    rows = [{"id": f"m{n}", "备注": mobile(rng), "note": f"n{n}", "mail": f"c{n}@a.cn"} for n in range(30)]
    found = answers(tmp_path, rows)
    assert (found.form["left_out"], found.form["identifying"]) == ("备注, note, mail", "备注, mail")
    assert not {"备注", "note", "mail"} & set(found.frame.columns)


@pytest.mark.parametrize("target", ["strata", "cluster", "group", "job", "age", "wish", "region", "home", "weight"])
def test_a_mapped_column_that_names_nobody_is_refused_whatever_it_is_mapped_to(tmp_path: Path, target: str) -> None:
    columns = {h: t for h, t in ANSWERS["columns"].items() if t != target} | {"x": target}
    rows = [{"id": f"m{n}", "x": f"1380013{n:04}"} for n in range(30)]
    with pytest.raises(Refused, match=r"hold phone numbers.*: x\. Remove them") as caught:
        answers(tmp_path, rows, {"columns": columns})
    assert "1380013" not in str(caught.value)


def test_columns_that_are_kept_as_text_are_looked_at_more_closely() -> None:
    assert {"activity", "strata", "cluster", "channel", "response", "service"} <= set(KEPT_AS_TEXT)


def test_a_number_that_cannot_be_right_is_set_aside(tmp_path: Path) -> None:
    rng = random.Random(5)
    ids = [resident(rng) for _ in range(40)]
    ids[3] = ids[3][:-1] + ("0" if ids[3][-1] != "0" else "1")
    ids[7] = ids[7][:-1]
    ids[9] = "G12345678"  # a passport
    found = answers(tmp_path, [{"id": i} for i in ids])
    assert reasons(found) == {5: "bad_number", 9: "bad_number"}
    assert len(found.frame) == 38


@pytest.mark.parametrize(
    ("usual", "other", "bad"),
    [
        (mobile, "1380013800", True),
        (mobile, "138001380001", True),
        (mobile, "057187654321", False),  # a land line
        (mobile, "AB12", False),
        (resident, "33010619900307", False),  # too short to be meant as one
        (resident, "330106199003071234", True),
        (lambda r: f"{r.randint(0, 10**6):07}", "330106199003071234", False),  # a column of staff numbers
    ],
)
def test_what_cannot_be_right_depends_on_the_others(
    usual: Callable[[random.Random], str], other: str, bad: bool
) -> None:
    rng = random.Random(6)
    assert bad_numbers([*(usual(rng) for _ in range(40)), other]) == (frozenset([other]) if bad else frozenset())


def test_few_numbers_say_nothing() -> None:
    rng = random.Random(7)
    assert bad_numbers([*(mobile(rng) for _ in range(8)), "1380013800"]) == frozenset()


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014", "11010519491231002x"])
def test_numbers_of_the_standard(number: str) -> None:
    """The examples of GB 11643-1999 itself."""
    assert is_resident(number) == number.upper().startswith("110105")  # nobody born in 1880 answers
