"""A file of answers: one row a person's answers in this wave."""

from __future__ import annotations

import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, Book, first_of_each, numbered, overridden
from survey.checks.open_file import Opened, open_file
from survey.checks.units import known_regions, settle_units
from survey.identity import Key
from survey.instrument import Item
from survey.schema import FileEntry
from survey.study import Study, Wave

Columns = dict[str, pd.Series]


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
        With every rule that the file breaks and what to do.
    """
    opened = open_file(wave, entry)
    frame, book = opened.frame, opened.book
    _set_aside_repeated(frame, book, entry)
    frame = settle_units(study, wave, book.left(frame), book)
    frame = book.left(frame)
    columns = (
        _people(wave, entry, frame, key) | _roles(study, entry, frame, book) | _items(study, wave, entry, opened, frame)
    )
    return book.close(pd.DataFrame(columns, index=frame.index), study.settings.rules, wave.settings.decisions)


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


def _people(wave: Wave, entry: FileEntry, frame: pd.DataFrame, key: Key) -> Columns:
    ids = frame["member"] if "member" in frame else pd.Series("", index=frame.index, dtype="str")
    member = key.pseudonyms(ids, "survey")
    # Nobody without a number can be followed: the name is the row's, of this file and wave.
    row = pd.Series([f"{wave.name}\x1f{entry.file}\x1f{n}" for n in frame.index], index=frame.index, dtype="str")
    consent = cells.yes(frame["consent"]) if "consent" in frame else pd.Series(False, index=frame.index)
    return {
        "group": frame["group"],
        "region": frame["region"],
        "member": member.where(member.notna(), key.pseudonyms(row, "row")),
        "log_member": key.pseudonyms(ids, "log").where(consent),
    }


def _roles(study: Study, entry: FileEntry, frame: pd.DataFrame, book: Book) -> Columns:
    out: Columns = {}
    for role in ("seconds", "weight"):
        if role in frame:
            values = cells.numbers(frame[role])
            fits = values > 0 if role == "weight" else values >= 0
            book.count_cells("not_a_number", values.isna() & (frame[role] != ""))
            book.count_cells("out_of_range", values.notna() & ~fits)
            out[role] = values.where(fits)
    if "submitted" in frame:
        out["submitted"] = cells.times(frame["submitted"], entry.layout.times, study.settings.time_zone)
        book.count_cells("not_a_time", out["submitted"].isna() & (frame["submitted"] != ""))
    return out | {role: frame[role].where(frame[role] != "") for role in ("strata", "cluster") if role in frame}


def _items(study: Study, wave: Wave, entry: FileEntry, opened: Opened, frame: pd.DataFrame) -> Columns:
    asked = {i.name: i for i in study.items if i.asked_in(wave.settings.instrument)}
    targets = [t for t in entry.columns.values() if t.partition("=")[0] in asked]
    out: Columns = {}
    for target in targets:
        item = asked[target.partition("=")[0]]
        if item.kind != "text":
            columns, met = _read(study, wave, opened.separator, item, target, frame[target])
            _note_if_many(study, wave, entry, target, met, int((frame[target] != "").sum()), opened.book)
            _note_other_labels(entry, item, target, opened)
            for rule, hit in met.items():
                opened.book.count_cells(rule, hit)
            out |= columns
    return _unanswered_where_nothing_stands(out, targets, frame)


def _read(
    study: Study, wave: Wave, separator: str, item: Item, target: str, column: pd.Series
) -> tuple[Columns, cells.Met]:
    if item.kind == "multiple" and "=" not in target:
        frame, met = cells.several(column, item, separator)
        return {str(name): frame[name] for name in frame}, met
    if item.kind == "multiple":
        values, met = cells.ticked(column, item, target.partition("=")[2])
    elif item.kind == "number":
        values, met = cells.number(column, item)
    elif item.kind == "region":
        values = known_regions(study, wave, column)
        met = {"unknown_label": values.isna() & (column != "")}
    else:
        values, met = cells.coded(column, item)
    return {target: values}, met


def _unanswered_where_nothing_stands(out: Columns, targets: list[str], frame: pd.DataFrame) -> Columns:
    """A multiple item over 0/1 columns that are all empty was not answered; it is not a row of noughts."""
    spread = [t for t in targets if "=" in t]
    for item in {t.partition("=")[0] for t in spread}:
        own = [t for t in spread if t.partition("=")[0] == item]
        something = (frame[own] != "").any(axis=1)
        out |= {t: out[t].where(something) for t in own}
    return out


def _note_if_many(
    study: Study, wave: Wave, entry: FileEntry, target: str, met: cells.Met, answered: int, book: Book
) -> None:
    hits = [met[rule] for rule in ("out_of_range", "unknown_label", "not_a_number") if rule in met]
    wrong = pd.concat(hits, axis=1).any(axis=1) if hits else pd.Series(dtype=bool)
    limit = study.settings.rules.out_of_range_share
    if wrong.sum() <= limit * answered or overridden("out_of_range_share", entry.file, wave.settings.decisions):
        return
    header = next(h for h, t in entry.columns.items() if t == target)
    share, first = wrong.sum() / answered, numbered(wrong.index[wrong])
    book.fault(
        f"column “{header}” ({target}): {share:.2%} of the answers are not in its codes (first rows {first}); at most {limit:.2%} "
        "may be. Was it asked on another scale, or mapped to the wrong item? Correct wave.yaml or instrument.csv, or accept this "
        "in wave.yaml under decisions (rule: out_of_range_share)",
        f"列“{header}”（{target}）：{share:.2%} 的答案不在编码之内（最前几行：{first}），上限为 {limit:.2%}。"
        "是否换了量尺，或对应到了别的题目？请修改 wave.yaml 或 instrument.csv，"
        "或在 decisions 中说明接受（rule: out_of_range_share）",
    )


def _note_other_labels(entry: FileEntry, item: Item, target: str, opened: Opened) -> None:
    """A file that brings labels must mean by its codes what the instrument means."""
    if item.kind != "choice":
        return
    turned = cells.labelled_otherwise(opened.labels.get(target, {}), entry.values.get(target, {}), item)
    if turned:
        header = next(h for h, t in entry.columns.items() if t == target)
        pairs = ", ".join(f"{code} = {label}" for code, label in turned[:5])
        opened.book.fault(
            f"column “{header}” ({target}): the file's own labels give its codes other meanings than the instrument ({pairs}). "
            "Say under values in wave.yaml which code of the instrument each means, or correct the mapping",
            f"列“{header}”（{target}）：文件自带的标签与问卷编码含义不同（{pairs}）。"
            "请在 wave.yaml 的 values 中写明各值对应的编码，或修改对应关系",
        )
