"""What must be true of every case, whatever was done to the file.

1. The outcome is accepted tables or `survey.Refused`: each fault in English and in Chinese, with a file, without a canary.
2. Rows read = as is + repaired + set aside, and rows read = the rows that a second reading (`reading`) finds in the file.
3. No silent change. Where the rows are known from outside, every line of the file is accepted or set aside with a reason,
   none is both and none is added; no two lines of one key are accepted. A line whose cells the study's tables have letter by
   letter, and whose key stands once, must be accepted. In an accepted line a cell that the tables have letter by letter is
   that very value; any other cell is one of the few values that a generous reader finds in its text, or missing; the cells
   of the tally are at least as many as the missing ones and the mended ones. So a "4" that became "5" in the file must come
   out as 5: no content can betray it, and its entry is the file's checksum in the panel's provenance, which must differ.
4. Where the rows are not known from outside (damage inside Parquet, SPSS and Stata files, which carry no checksums), every
   accepted value is one that the study allows, and again the checksum differs. Bytes damaged in a ZIP, which has checksums,
   change nothing or refuse the file.
5. A file of the study that says something else after the mutation is its own entry (its checksum); one that says the same
   (a comment, a quote) must give the same tables and the same tally.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pandas as pd

from survey.activity import BETWEEN
from survey.checks import Accepted
from survey.faults import Refused
from survey.identity import normalise
from tests.survey.builders import KEY, adds_up
from tests.survey.fuzz.damage import Mutated
from tests.survey.fuzz.reading import (
    GROUP,
    NO,
    NUMBERS,
    REGION,
    SPELLINGS,
    YES,
    Rows,
    exact,
    is_mended,
    readings,
    tidy,
    within,
)
from tests.survey.fuzz.seeds import CANARIES, Seed

_CHINESE = re.compile("[\u4e00-\u9fff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
NOBODY = ("-99", "(跳过)", "(空)", "n/a", "N/A", "-3", "-2")
MADE_UP = "a value that does not stand in the file"


def plain_words(refused: Refused) -> None:
    """1: faults in both languages with a file; nobody's value."""
    assert refused.faults, "refused without a fault"
    for fault in refused.faults:
        assert fault.file, "a fault without a file"
        assert fault.en, "a fault without English"
        assert _CHINESE.search(fault.zh), f"a fault without Chinese: {fault.zh!r}"
        assert not _CONTROL.search(f"{fault.file}{fault.en}{fault.zh}"), f"control characters in {fault!r}"
    no_canary(str(refused), "the message")


def no_canary(text: str, where: str) -> None:
    """Nothing of a person in what is said or logged."""
    found = [canary for canary in CANARIES if canary.casefold() in text.casefold()]
    assert not found, f"{where} holds {found}"


def books_balance(accepted: Accepted) -> None:
    """2: the sum, and what the tally and the list of rows set aside may hold."""
    assert adds_up(accepted), f"rows do not add up: {accepted.tally.to_string()}"
    assert accepted.aside["row"].is_unique, "a row is set aside twice"
    assert not set(accepted.aside["row"]) & set(accepted.frame.index), "a row is both accepted and set aside"
    assert (accepted.tally[["rows", "cells"]] >= 0).all(axis=None), "a negative count"
    no_canary(f"{accepted.tally.to_numpy().tolist()} {accepted.aside.to_numpy().tolist()}", "the tally")


def no_silent_change(seed: Seed, file: Mutated, rows: Rows, accepted: Accepted) -> None:
    """3: line by line against the second reading."""
    aside = set(accepted.reasons)
    lines = sorted(aside | set(accepted.frame.index))
    # Which rows of a damaged header are headers is the platform's to say; what it leaves are the file's last rows, all of them.
    stand = list(rows.body) if rows.whole_header or seed.plain else rows.lines[len(rows.lines) - len(lines) :]
    assert accepted.read == len(stand), f"{accepted.read} rows read, {len(stand)} stand in the file"
    assert lines == stand, "lines were lost or added"
    if rows.where is None:
        allowed(seed, accepted)
        return
    for line in sorted(aside):
        assert not _certain(seed, rows, line), f"line {line} is whole and was set aside ({accepted.reasons[line]})"
    _no_key_twice(seed, [_texts(rows, line) for line in accepted.frame.index])
    missing, mended = 0, 0
    frame: dict[int, dict[str, Any]] = accepted.frame.to_dict("index")  # type: ignore[assignment]
    for line, values in frame.items():
        texts = _texts(rows, line)
        problems = _compare(seed, texts, values)
        assert MADE_UP not in problems, f"line {line}: {MADE_UP}: {_shown(texts, values)}"
        missing += len(problems)
        mended += sum(map(is_mended, texts.values()))
        assert line in accepted.mended or not any(map(is_mended, texts.values())), f"line {line} was mended in silence"
    assert accepted.cells.get("cleaned", 0) >= mended, f"{mended} cells are mended: {dict(accepted.cells)}"
    counted = sum(n for rule, n in accepted.cells.items() if rule != "cleaned")
    assert counted >= missing, f"{missing} cells are missing, {counted} are counted: {dict(accepted.cells)}"


def _no_key_twice(seed: Seed, accepted: list[dict[str, str]]) -> None:
    named = [texts for texts in accepted if seed.plain or texts.get("member", "").strip() not in NOBODY]
    keys = [key for key in (_key(seed, texts) for texts in named) if all(key)]
    assert len(keys) == len(set(keys)), "two rows of one key were accepted"


def _texts(rows: Rows, line: int) -> dict[str, str]:
    cells = rows.body[line] + [""] * rows.width
    return {target: cells[at] for target, at in (rows.where or {}).items()}


def _shown(texts: dict[str, str], values: dict[str, Any]) -> str:
    return f"{texts} became { {k: v for k, v in values.items() if k not in ('member', 'log_member')} }"


def _compare(seed: Seed, texts: dict[str, str], values: dict[str, Any]) -> list[str]:
    """What differs in one line: made up, or missing."""
    found = [p for target, text in texts.items() if "=" not in target for p in _cell(seed, target, text, values)]
    ticks = {target: text for target, text in texts.items() if "=" in target}
    return found + _ticks(ticks, values) + _consent(texts, values)


def _cell(seed: Seed, target: str, text: str, values: dict[str, Any]) -> list[str]:
    if target in ("consent", "wish", "end"):
        return []
    if target == "member":
        return _member(seed, text, values["member"])
    if target == "used":
        return _several(seed, text, values)
    if target in ("activity", "response"):
        return [] if tidy(_none(values[target]) or "") == tidy(text) else [MADE_UP]
    if target == "group" and seed.holds == "log":
        names = {GROUP.get(tidy(part)) for part in tidy(text).split(seed.separator)}
        return [] if set(filter(None, values["groups"].split(BETWEEN))) == names - {None} else [MADE_UP]
    return _value(target, text, _none(values[target]))


def _value(target: str, text: str, value: Any) -> list[str]:
    must = exact(target, text)
    if value is None:
        if must and must[0] is not None:
            return [MADE_UP]  # a plain answer was lost
        return ["missing"] if tidy(text) else []  # a control sign alone is cleaned away, and counted as that
    if must:
        return [] if must[0] == value else [MADE_UP]
    return [] if value in readings(target, text) else [MADE_UP]


def _member(seed: Seed, text: str, member: str) -> list[str]:
    known = _pseudonym(text, "log" if seed.holds == "log" else "survey")
    if not seed.plain and text.strip() in NOBODY:
        return [] if member == known else ["missing"]  # the platform says that there is no answer
    return [] if known is None or member == known else [MADE_UP]


@lru_cache(maxsize=4096)
def _pseudonym(text: str, purpose: str) -> str | None:
    known: str | None = _none(KEY.pseudonyms(pd.Series([text], dtype="str"), purpose).iloc[0])
    return known


def _several(seed: Seed, text: str, values: dict[str, Any]) -> list[str]:
    given = {code: _none(values[f"used={code}"]) for code in "123"}
    parts = [part.strip() for part in tidy(text).split(tidy(seed.separator) or " ") if part.strip()]
    known = [exact("used", part) for part in parts]
    chosen = {code for code, value in given.items() if value == 1}
    if parts and all(known) and None not in {k[0] for k in known if k}:
        return [] if chosen == {f"{k[0]:g}" for k in known if k} else [MADE_UP]
    possible = {f"{v:g}" for part in (*parts, text) for v in readings("used", part)}
    if not chosen <= possible:
        return [MADE_UP]
    return ["missing"] if tidy(text) and chosen != possible else []


def _ticks(texts: dict[str, str], values: dict[str, Any]) -> list[str]:
    found, answered = [], any(text.strip() for text in texts.values())
    for target, text in texts.items():
        value, said = _none(values[target]), tidy(text).casefold()
        names = {tidy(n).casefold() for n, code in SPELLINGS["used"].items() if code == target[-1]}
        must = 1.0 if text.strip(" ") in ("1", "Y") or said in names else 0.0 if text == "" else None
        must = must if answered else None
        lost = must is not None and value != must and (value is not None or must == 1.0 or _all_said(texts))
        made_up = value == 1.0 and must is None and said not in YES and readings("used", text) != {1.0}
        if lost or made_up:
            found.append(MADE_UP)
        elif said and value != 1.0 and said not in NO:
            found.append("missing")
    return found


def _all_said(texts: dict[str, str]) -> bool:
    """Whether every filled cell is one whose meaning is certain."""
    return all(tidy(text).casefold() in YES | NO or exact("used", text) for text in texts.values())


def _consent(texts: dict[str, str], values: dict[str, Any]) -> list[str]:
    """Only a clear yes links an answer to the log; a plain one must."""
    if "consent" not in texts:
        return []
    linked, text = _none(values["log_member"]) is not None, texts["consent"]
    if linked and tidy(text).casefold() not in YES and readings("bel1", text) != {1.0}:
        return [MADE_UP]
    return [MADE_UP] if text in YES and not linked and normalise(texts["member"]) else []


def _none(value: Any) -> Any:
    return None if not isinstance(value, tuple) and pd.isna(value) else value


def _certain(seed: Seed, rows: Rows, line: int) -> bool:
    """Whether a line must be accepted: every mapped cell is plain, its key stands once, and nothing marks it."""
    cells, texts = rows.body[line], _texts(rows, line)
    if not rows.whole_header or len(cells) != rows.width or not _plain_others(seed, cells):
        return False
    needed = {"answers": {"member", "group", "region"}, "log": {"member", "activity", "group", "region", "start"}}
    if any(not texts[t] for t in needed.get(seed.holds, {"group", "region"}) if t in texts):
        return False
    if not all(_plain(seed, target, text) for target, text in texts.items()):
        return False
    return sum(_key(seed, _texts(rows, other)) == _key(seed, texts) for other in rows.body) == 1


def _plain(seed: Seed, target: str, text: str) -> bool:
    if target in ("member", "activity", "consent", "response", "wish", "used") or "=" in target:
        return text in {row[seed.columns[target]] for row in seed.table[seed.head :]}
    if target == "group" and seed.holds == "log":
        return all(part in GROUP for part in text.split(seed.separator))
    must = exact(target, text)
    return must is not None and (must[0] is not None or target not in ("start", "group", "region"))


def _plain_others(seed: Seed, cells: list[str]) -> bool:
    """Whether the cells of columns that are not mapped are those of a seed's row; a platform may mark a row by them."""
    mapped = set(seed.columns.values())
    seen = [{row[n] for row in seed.table[seed.head :]} for n in range(len(seed.table[0]))]
    return seed.plain or all(cell in seen[n] for n, cell in enumerate(cells) if n not in mapped)


def _key(seed: Seed, texts: dict[str, str]) -> tuple[str, ...]:
    if seed.holds == "answers":
        return (normalise(texts["member"]),)
    if seed.holds == "log":
        return normalise(texts["member"]), tidy(texts["activity"])
    return GROUP.get(tidy(texts["group"]), ""), REGION.get(tidy(texts["region"]), "")


def allowed(seed: Seed, accepted: Accepted) -> None:
    """4: every accepted value is one that the study allows."""
    for name, column in accepted.frame.items():
        target, values = str(name), set(column.dropna())
        if target in SPELLINGS:
            assert values <= {c if target == "job" else float(c) for c in SPELLINGS[target].values()}, (
                f"{target}: {values}"
            )
        elif "=" in target:
            assert values <= {0.0, 1.0}, f"{target}: {values}"
        elif target in NUMBERS:
            assert all(within(target, v) for v in values), f"{target}: {values}"
        elif target in ("group", "region", "home"):
            assert values <= {*GROUP.values(), *REGION.values()}, f"{target}: {values}"


def unchanged(before: Accepted, after: Accepted) -> None:
    """The same rows, values and tally."""
    pd.testing.assert_frame_equal(after.frame, before.frame)
    pd.testing.assert_frame_equal(after.tally, before.tally)
