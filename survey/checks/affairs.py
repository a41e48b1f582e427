"""Files of visits by officers, members' proposals and rights cases: one row one of them, with the days of its stages."""

from __future__ import annotations

import math

import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, Book, first_of_each
from survey.checks.open_file import open_file
from survey.checks.times import LONG_AFTER, times
from survey.checks.units import settle_units
from survey.identity import Key
from survey.schema import NOT_IMPLIED, STAGES, FileEntry, Layout
from survey.study import Study, Wave

OWN_NUMBER = {"visits": "visit", "proposals": "proposal", "cases": "case"}
WHO = {"member": "log", "officer": "officer"}  # whose pseudonym it becomes: a member's is that of the log


def check_affairs(study: Study, wave: Wave, entry: FileEntry, key: Key) -> Accepted:
    """Check a file of visits, proposals or cases.

    Parameters
    ----------
    study, wave, entry
        Where the file belongs; ``entry.holds`` says which of the three it is.
    key : Key
        Makes pseudonyms of members (those of the log) and of officers (of a purpose of their own: never a member's).

    Returns
    -------
    Accepted
        ``.frame``: ``group, region``; ``member`` or ``officer`` (missing where nobody is named), ``service`` and ``people``
        where mapped; the first stage of `survey.schema.STAGES` as datetime64[us]; of every later stage ``STAGE`` (bool: it
        happened) and ``STAGE_on`` (datetime64[us]; missing where only "yes" was said). A stage that happened implies those
        between it and the first, but for `survey.schema.NOT_IMPLIED`.

    Raises
    ------
    survey.Refused
        With every rule that the file breaks and what to do.

    Notes
    -----
    A cell of a later stage is a day, or yes or no; empty is no. Rows whose stages are in the wrong order, without a first
    stage, or of a time more than a year after the fieldwork are set aside.
    """
    opened = open_file(study, wave, entry)
    book = opened.book
    _set_aside_repeated(opened.frame, entry, book)
    frame = book.left(settle_units(study, wave, book.left(opened.frame), book))
    out = frame[["group", "region"]].astype("str")
    for role, purpose in WHO.items():
        if role in frame:
            out[role] = key.pseudonyms(frame[role], purpose)
    if "service" in frame:
        out["service"] = frame["service"].where(frame["service"] != "").astype("str")
    if "people" in frame:
        out["people"], met = cells.within(frame["people"], cells.numbers(frame["people"], entry.layout), 0, math.inf)
        book.judge("people", frame["people"], met)
    out = out.join(_stages(study, entry, frame, book))
    _set_aside_by_time(out, STAGES[entry.holds], wave, book)
    return book.close(book.left(out))


def _set_aside_repeated(frame: pd.DataFrame, entry: FileEntry, book: Book) -> None:
    """The same visit, proposal or case again: by its number where it has one, else by everything that is said of it."""
    own = OWN_NUMBER[entry.holds]
    keys = list(entry.key or ((own,) if own in frame else frame.columns))
    keyed = frame[(frame[keys] != "").any(axis=1)]
    book.set_aside(keyed.index[first_of_each(keyed[keys])], "duplicate")


def _stages(study: Study, entry: FileEntry, frame: pd.DataFrame, book: Book) -> pd.DataFrame:
    """When each stage was, and whether it was; a later one implies most of those before it."""
    first, *later = STAGES[entry.holds]
    zone = study.settings.time_zone
    out = pd.DataFrame(index=frame.index)
    out[first], met = times(frame[first], entry.layout.times, zone)
    book.count_all(first, {"default_time": met["default_time"]})  # a row without it is set aside and has its reason
    for stage in (s for s in later if s in frame):
        out[stage], out[f"{stage}_on"] = _happened(frame[stage], entry.layout, zone, stage, book)
    mapped = [stage for stage in later if stage in frame]
    for at, stage in enumerate(mapped[:-1]):
        if stage not in NOT_IMPLIED:
            then = out[mapped[at + 1 :]].any(axis=1)
            book.note("stage_implied", int((then & ~out[stage]).sum()))
            out[stage] |= then
    return out


def _happened(column: pd.Series, layout: Layout, zone: str, stage: str, book: Book) -> tuple[pd.Series, pd.Series]:
    on, met = times(column, layout.times, zone)
    said, unclear = cells.yes(cells.emptied(column, on.notna() | met["default_time"]))
    book.judge(stage, column, {"unknown_label": unclear["unknown_label"], "default_time": met["default_time"]})
    return said | on.notna(), on


def _set_aside_by_time(frame: pd.DataFrame, stages: tuple[str, ...], wave: Wave, book: Book) -> None:
    days = frame[[c for c in (stages[0], *(f"{s}_on" for s in stages[1:])) if c in frame]]
    latest = days.cummax(axis=1).ffill(axis=1).shift(axis=1)
    book.set_aside(frame.index[frame[stages[0]].isna()], "no_time")
    book.set_aside(frame.index[(days < latest).any(axis=1)], "stages_out_of_order")
    far = pd.Timestamp(wave.settings.fieldwork.end) + LONG_AFTER
    book.set_aside(frame.index[(days >= far).any(axis=1)], "after_the_wave")
