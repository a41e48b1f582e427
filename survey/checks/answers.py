"""A file of answers: one row a person's answers in this wave."""

from __future__ import annotations

import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, Book, first_of_each, overridden
from survey.checks.open_file import open_file
from survey.checks.units import settle_units
from survey.faults import Fault, Refused
from survey.identity import Key
from survey.instrument import Item
from survey.schema import ANSWER_ROLES, FileEntry
from survey.study import Study, Wave

_NUMBERS = ("seconds", "weight")


def check_answers(study: Study, wave: Wave, entry: FileEntry, key: Key) -> Accepted:
    """Check a file of answers.

    Returns
    -------
    Accepted
        ``.frame``: ``member`` (survey side), ``log_member`` (only with consent), ``group``, ``region``, the mapped roles and
        items as codes and numbers; text items are left out.

    Raises
    ------
    survey.Refused
        With the rule that the file breaks and what to do.
    """
    frame, book = open_file(wave, entry)
    _set_aside_repeated(frame, book, entry)
    frame = settle_units(study, wave, book.left(frame), book)
    frame = book.left(frame)
    parts = [_roles(study, entry, frame, key), _items(study, wave, entry, frame, book)]
    return book.close(pd.concat(parts, axis=1), study.settings.rules, wave.settings.decisions)


def _set_aside_repeated(frame: pd.DataFrame, book: Book, entry: FileEntry) -> None:
    """The same row twice, and a second answer under the same key: the fullest is kept, the first where two are as full."""
    keys = list(entry.key or (("member",) if "member" in frame else ()))
    if not keys:
        return
    keyed = frame[(frame[keys] != "").all(axis=1)]
    book.set_aside(keyed.index[first_of_each(keyed)], "duplicate")
    keyed = book.left(keyed)
    fullest = keyed.assign(_filled=(keyed != "").sum(axis=1)).sort_values("_filled", ascending=False, kind="stable")
    book.set_aside(fullest.index[first_of_each(fullest[keys])], "repeated_answer")


def _roles(study: Study, entry: FileEntry, frame: pd.DataFrame, key: Key) -> pd.DataFrame:
    out = frame[["group", "region"]].copy()
    ids = frame["member"] if "member" in frame else pd.Series("", index=frame.index, dtype="str")
    out["member"] = key.pseudonyms(ids, "survey")
    nameless = pd.Series([f"{entry.file}\x1f{row}" for row in frame.index], index=frame.index, dtype="str")
    out["member"] = out["member"].where(out["member"].notna(), key.pseudonyms(nameless, "row"))
    consent = cells.yes(frame["consent"]) if "consent" in frame else pd.Series(False, index=frame.index)
    out["log_member"] = key.pseudonyms(ids, "log").where(consent)
    for role in (r for r in ANSWER_ROLES if r in frame and r not in ("member", "group", "region", "consent")):
        out[role] = _role(study, entry, frame[role], role)
    return out


def _role(study: Study, entry: FileEntry, column: pd.Series, role: str) -> pd.Series:
    if role in _NUMBERS:
        return cells.numbers(column)
    if role == "submitted":
        return cells.times(column, entry.layout.times, study.settings.time_zone)
    return column.where(column != "")


def _items(study: Study, wave: Wave, entry: FileEntry, frame: pd.DataFrame, book: Book) -> pd.DataFrame:
    asked = {i.name: i for i in study.items if i.asked_in(wave.settings.instrument)}
    columns: list[pd.Series | pd.DataFrame] = []
    for target in (t for t in entry.columns.values() if t.partition("=")[0] in asked):
        item = asked[target.partition("=")[0]]
        if item.kind == "text":
            continue
        values, met = _read(item, target, frame[target], entry)
        _refuse_if_many(study, wave, entry, item, met, int((frame[target] != "").sum()))
        for rule, hit in met.items():
            book.count_cells(rule, hit)
        columns.append(values)
    return pd.concat(columns, axis=1) if columns else pd.DataFrame(index=frame.index)


def _read(item: Item, target: str, column: pd.Series, entry: FileEntry) -> tuple[pd.Series | pd.DataFrame, cells.Met]:
    if item.kind == "number":
        values, met = cells.number(column, item)
    elif item.kind == "multiple" and "=" not in target:
        return cells.several(column, item, entry.separator or cells.SEPARATOR)
    elif item.kind == "multiple":
        values, met = cells.yes(column).astype("float64"), {}
    else:
        values, met = cells.coded(column, item)
    return values.rename(target), met


def _refuse_if_many(study: Study, wave: Wave, entry: FileEntry, item: Item, met: cells.Met, answered: int) -> None:
    wrong = sum(int(met[r].sum()) for r in ("out_of_range", "unknown_label", "not_a_number") if r in met)
    limit = study.settings.rules.out_of_range_share
    if wrong <= limit * max(answered, 1) or overridden("out_of_range_share", entry.file, wave.settings.decisions):
        return
    header = next(h for h, t in entry.columns.items() if t.partition("=")[0] == item.name)
    raise Refused(
        [
            Fault(
                f"{wave.label}{entry.file}",
                0,
                f"column “{header}” ({item.name}): {wrong / answered:.0%} of the answers are not in its codes; was it asked "
                "on another scale, or mapped to the wrong item? Correct wave.yaml or instrument.csv",
                f"列“{header}”（{item.name}）：{wrong / answered:.0%} 的答案不在编码之内；是否换了量尺，或对应到了别的题目？"
                "请修改 wave.yaml 或 instrument.csv",
            )
        ]
    )
