"""A file of answers: one row a person's answers in this wave."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from survey.checks import cells, doubts, routing
from survey.checks.accepted import Accepted, Book, first_of_each
from survey.checks.open_file import Opened, open_file
from survey.checks.times import times
from survey.checks.units import known_regions, settle_units
from survey.identity import Key
from survey.instrument import Item
from survey.schema import FileEntry
from survey.study import Study, Wave

Columns = dict[str, pd.Series]
ALWAYS = ("group", "region", "member", "log_member", "identified", "answering")  # columns that no mapping asks for
SMALLEST = 1e-12  # a weight of nought stands for nobody


def check_answers(study: Study, wave: Wave, entry: FileEntry, key: Key) -> Accepted:
    """Check a file of answers.

    Returns
    -------
    Accepted
        ``.frame``: ``member`` (survey side), ``log_member`` (only with consent), ``identified`` (bool: there is an id),
        ``group``, ``region``, ``answering`` (whether it is doubtful, see `survey.checks.doubts`), the mapped roles and items as
        codes and numbers; text items are left out.

    Raises
    ------
    survey.Refused
        With every rule that the file breaks and what to do.
    """
    opened = open_file(study, wave, entry)
    frame, book = opened.frame, opened.book
    asked = {i.name: i for i in study.items if i.asked_in(wave.settings.instrument)}
    # first the units: an answer from no known organisation must not stand in the place of the same person's good one
    frame = book.left(settle_units(study, wave, frame, book))
    _set_aside_repeated(frame, book, entry)
    _set_aside_unanswered(study, book.left(frame), asked, opened)
    frame = book.left(frame)
    items = _items(study, wave, entry, opened, frame, asked)
    columns = _people(wave, entry, frame, key, book) | _roles(study, entry, frame, book) | items
    accepted = pd.DataFrame(columns, index=frame.index, copy=False)
    answering = doubts.note(study, wave, accepted, asked, book)
    return book.close(pd.concat([accepted, answering], axis=1))


def _set_aside_repeated(frame: pd.DataFrame, book: Book, entry: FileEntry) -> None:
    """The same row twice, and a second answer under the same key: the fullest is kept, the first where two are as full."""
    keys = list(entry.key or (("member",) if "member" in frame else ()))
    if not keys:
        return
    keyed = frame[_again(frame, keys)]
    book.set_aside(keyed.index[first_of_each(keyed)], "duplicate")
    keyed = book.left(keyed)
    fullest = keyed.assign(_filled=(keyed != "").sum(axis=1)).sort_values("_filled", ascending=False, kind="stable")
    book.set_aside(fullest.index[first_of_each(fullest[keys])], "repeated_answer")


def _again(frame: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Rows whose key stands more than once: of a large file few, of which copies are made."""
    again = frame[keys].duplicated(keep=False)
    for key in keys:
        again &= frame[key].notna() & (frame[key] != "")
    return again


def _set_aside_unanswered(study: Study, frame: pd.DataFrame, asked: Mapping[str, Item], opened: Opened) -> None:
    """Rows without a single answer; unfinished ones with fewer answers than the study wants; people too young to be asked."""
    items = [column for column in frame.columns if column.partition("=")[0] in asked]
    rules, book = study.settings.rules, opened.book
    if items:
        answered, asked_here = _answered(frame, items)
        book.set_aside(frame.index[answered == 0], "unanswered")
        unfinished = frame.index.isin(opened.unfinished) & (answered / asked_here < rules.least_answered)
        book.set_aside(frame.index[unfinished], "broken_off")
    if rules.least_age and rules.least_age.item in frame:
        young = cells.numbers(frame[rules.least_age.item]) < rules.least_age.years
        book.set_aside(frame.index[young], "too_young")
    book.note("unfinished", int(book.left(frame).index.isin(opened.unfinished).sum()))


def _answered(frame: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, int]:
    """How many items each row answers, whose columns these are, and how many items there are; column by column."""
    found, items = np.zeros(len(frame), np.int32), dict[str, list[str]]()
    for column in columns:
        items.setdefault(column.partition("=")[0], []).append(column)
    for own in items.values():
        found += np.logical_or.reduce([(frame[column] != "").to_numpy() for column in own])
    return found, len(items)


def _people(wave: Wave, entry: FileEntry, frame: pd.DataFrame, key: Key, book: Book) -> Columns:
    ids = frame["member"] if "member" in frame else pd.Series("", index=frame.index, dtype="str")
    member = key.pseudonyms(ids, "survey")
    # Nobody without a number can be followed: the name is the row's, of this file and wave.
    alone = member.index[member.isna()]
    row = pd.Series([f"{wave.name}\x1f{entry.file}\x1f{n}" for n in alone], index=alone, dtype="str")
    consent = pd.Series(False, index=frame.index)
    if "consent" in frame:
        consent, met = cells.yes(frame["consent"])
        book.judge("consent", frame["consent"], met)
    return {
        "group": frame["group"],
        "region": frame["region"],
        "member": member.fillna(key.pseudonyms(row, "row")) if len(alone) else member,
        "log_member": key.pseudonyms(ids.astype("str").where(consent, ""), "log"),
        "identified": pd.Series(~frame.index.isin(alone), index=frame.index),
    }


def _roles(study: Study, entry: FileEntry, frame: pd.DataFrame, book: Book) -> Columns:
    out: Columns = {}
    if "seconds" in frame:
        read = cells.seconds(frame["seconds"], entry.layout)
        out["seconds"], met = cells.within(frame["seconds"], read, 0, math.inf)
        book.count_all("seconds", met)
    if "weight" in frame:
        read = cells.numbers(frame["weight"], entry.layout)
        out["weight"], met = cells.within(frame["weight"], read, SMALLEST, math.inf)
        book.judge("weight", frame["weight"], met)
    if "submitted" in frame:
        out["submitted"], met = times(frame["submitted"], entry.layout.times, study.settings.time_zone)
        book.judge("submitted", frame["submitted"], met)
    return out | {role: frame[role].where(frame[role] != "") for role in ("strata", "cluster") if role in frame}


def _items(
    study: Study, wave: Wave, entry: FileEntry, opened: Opened, frame: pd.DataFrame, asked: Mapping[str, Item]
) -> Columns:
    order = list(asked)  # of the instrument, however wave.yaml orders its mapping
    mapped = (t for t in entry.columns.values() if t.partition("=")[0] in asked)
    targets = sorted(mapped, key=lambda target: order.index(target.partition("=")[0]))
    out: Columns = {}
    for target in targets:
        item = asked[target.partition("=")[0]]
        if item.kind != "text":
            columns, met = _read(study, wave, entry, opened.separator, item, target, frame[target])
            opened.book.judge(target, frame[target], met)
            _note_other_labels(entry, item, target, opened)
            out |= columns
    return routing.follow(_unanswered_where_nothing_stands(out, targets, frame), asked, opened.book)


def _read(
    study: Study, wave: Wave, entry: FileEntry, separator: str, item: Item, target: str, column: pd.Series
) -> tuple[Columns, cells.Met]:
    if item.kind == "multiple" and "=" not in target:
        frame, met = cells.several(column, item, separator)
        return {str(name): frame[name] for name in frame}, met
    if item.kind == "multiple":
        values, met = cells.ticked(column, item, target.partition("=")[2])
    elif item.kind == "number":
        values, met = cells.number(column, item, entry.layout)
    elif item.kind == "region":
        values = known_regions(study, wave, column.astype("str"))
        met = {"unknown_label": values.isna() & (column != "")}
    else:
        values, met = cells.coded(column, item)
    return {target: values}, met


def _unanswered_where_nothing_stands(out: Columns, targets: list[str], frame: pd.DataFrame) -> Columns:
    """A multiple item over 0/1 columns that are all empty was not answered; it is not a row of noughts."""
    spread = [t for t in targets if "=" in t]
    for item in {t.partition("=")[0] for t in spread}:
        own = [t for t in spread if t.partition("=")[0] == item]
        something = np.logical_or.reduce([(frame[t] != "").to_numpy() for t in own])
        out |= {t: out[t].where(something) for t in own}
    return out


def _note_other_labels(entry: FileEntry, item: Item, target: str, opened: Opened) -> None:
    """A file that brings labels must mean by its codes what the instrument means."""
    if item.kind != "choice":
        return
    turned = cells.labelled_otherwise(opened.labels.get(target, {}), entry.values.get(target, {}), item)
    if turned:
        header = opened.book.header(target)
        pairs = ", ".join(f"{code} = {label}" for code, label in turned[:5])
        opened.book.fault(
            f"column “{header}” ({target}): the file's own labels give its codes other meanings than the instrument ({pairs}). "
            "Say under values in wave.yaml which code of the instrument each means, or correct the mapping",
            f"列“{header}”（{target}）：文件自带的标签与问卷编码含义不同（{pairs}）。"
            "请在 wave.yaml 的 values 中写明各值对应的编码，或修改对应关系",
        )
