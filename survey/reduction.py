"""The log of each wave reduced once, and kept in the store under the files it hangs on: a later wave leaves it as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd

from survey import provenance, store
from survey.activity import Activity, LogPart, reduce_wave
from survey.intake import Intake
from survey.places_carry import carry_log
from survey.study import Study, Wave

TABLES = ("careers", "cells", "observed")  # those that the panel has, of all waves


def of_waves(
    study: Study, waves: Sequence[Wave], intake: Intake, crosswalk: pd.DataFrame, tree: pd.DataFrame
) -> dict[str, store.Sealed]:
    """Reduce every wave's log that is not in the store as it is now, in the boundaries of the last wave.

    Parameters
    ----------
    study, waves, intake
        The study, its waves up to the one asked for, and their accepted files.
    crosswalk, tree : DataFrame
        `survey.places_changes.changes` and ``code, parent``: what becomes of places whose boundaries moved.

    Returns
    -------
    dict
        By wave, with the tables ``cells, careers, observed, counts, incidence`` (`survey.activity.Activity`).

    Raises
    ------
    survey.Refused
        Where the engine is not to be had, or memory or disk do not suffice.
    """
    with carried_log(study, waves, intake, crosswalk, tree) as logs:
        moved = {(log.wave, log.file) for log, before in zip(logs, intake.logs, strict=True) if log != before}
        carried = store.digest([crosswalk.to_json(), tree.to_json(), waves[-1].name]) if moved else ""
        return {wave.name: _of_wave(study, wave, replace(intake, logs=tuple(logs)), carried) for wave in waves}


@contextmanager
def carried_log(
    study: Study, waves: Sequence[Wave], intake: Intake, crosswalk: pd.DataFrame, tree: pd.DataFrame
) -> Iterator[list[LogPart]]:
    """Give the log in the boundaries of the last wave; what had to be written for that goes afterwards."""
    with store.building(store.home(study.name)) as folder:
        yield carry_log(intake.logs, waves, crosswalk, tree, folder)


def _of_wave(study: Study, wave: Wave, intake: Intake, carried: str) -> store.Sealed:
    home, under = store.home(study.name), _made_from(study, wave, intake, carried)
    found = store.load(home, under)
    if found is None or found.meta["code"] != provenance.code():
        reduced = reduce_wave(
            intake.logs,
            wave.name,
            again=intake.again,
            took_part_days=study.settings.windows.took_part,
            log_end=None,
            not_reporting=wave.settings.not_reporting,
            not_after=last_instant(wave),
        )
        seen = [part.wave.name for part in intake.parts if part.wave.name <= wave.name]
        meta = {"waves": sorted({*seen, wave.name}), "code": provenance.code()}
        store.save(home, under, _tables(reduced), meta)
        found = store.load(home, under)
    if found is None:
        store.refuse_gone(home, "cells")
    return found


def last_instant(wave: Wave) -> pd.Timestamp:
    """Give the last instant of a wave's fieldwork; what stands in its log for later has not happened yet."""
    return pd.Timestamp(wave.settings.fieldwork.end) + pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)


def _made_from(study: Study, wave: Wave, intake: Intake, carried: str) -> str:
    logs = [part for part in intake.parts if part.entry.holds == "log" and part.wave.name <= wave.name]
    said = {
        "wave": wave.name,
        "parts": [(part.kept.key, part.entry.key) for part in logs],
        "window": study.settings.windows.took_part,
        "silent": wave.settings.not_reporting,
        "not_after": str(last_instant(wave)),
        "carried": carried,
    }
    return store.digest(["reduced", json.dumps(said, sort_keys=True)])


def _tables(reduced: Activity) -> dict[str, pd.DataFrame]:
    tables = {name: getattr(reduced, name) for name in TABLES}
    met = {} if reduced.incidence is None else {"incidence": reduced.incidence.to_pandas()}
    return {**tables, "counts": reduced.tally, **met}


def together(reduced: Mapping[str, store.Sealed], table: str) -> pd.DataFrame:
    """Give one table of all waves."""
    frames = [kept.frame(table) for kept in reduced.values()]
    some = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(some, ignore_index=True)
