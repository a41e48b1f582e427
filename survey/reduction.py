"""The log of each wave reduced once, and kept in the store under the files it hangs on: a later wave leaves it as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from survey import provenance, store
from survey.activity import Activity, reduce_wave
from survey.intake import Intake
from survey.study import Study, Wave


def of_waves(study: Study, waves: Sequence[Wave], intake: Intake) -> dict[str, store.Sealed]:
    """Reduce every wave's log that is not in the store as it is now.

    Returns
    -------
    dict
        By wave, with the tables ``cells, careers, observed, counts, incidence`` (`survey.activity.Activity`).

    Raises
    ------
    survey.Refused
        Where the engine is not to be had, or memory or disk do not suffice.
    """
    return {wave.name: _of_wave(study, wave, intake) for wave in waves}


def _of_wave(study: Study, wave: Wave, intake: Intake) -> store.Sealed:
    home, under = store.home(study.name), _made_from(study, wave, intake)
    found = store.load(home, under)
    if found is None or found.meta["code"] != provenance.code():
        reduced = reduce_wave(
            intake.logs,
            wave.name,
            again=intake.again,
            took_part_days=study.settings.windows.took_part,
            log_end=None,
            not_reporting=wave.settings.not_reporting,
        )
        seen = [part.wave.name for part in intake.parts if part.wave.name <= wave.name]
        meta = {"waves": sorted({*seen, wave.name}), "code": provenance.code()}
        store.save(home, under, _tables(reduced), meta)
        found = store.load(home, under)
    if found is None:
        store.refuse_gone(home, "cells")
    return found


def _made_from(study: Study, wave: Wave, intake: Intake) -> str:
    logs = [part for part in intake.parts if part.entry.holds == "log" and part.wave.name <= wave.name]
    keys = [(part.kept.key, part.entry.key) for part in logs]
    said = {
        "wave": wave.name,
        "parts": keys,
        "window": study.settings.windows.took_part,
        "silent": wave.settings.not_reporting,
    }
    return store.digest(["reduced", json.dumps(said, sort_keys=True)])


def _tables(reduced: Activity) -> dict[str, pd.DataFrame]:
    tables = {name: getattr(reduced, name) for name in ("cells", "careers", "observed")}
    met = {} if reduced.incidence is None else {"incidence": reduced.incidence.to_pandas()}
    return {**tables, "counts": reduced.tally, **met}


def together(reduced: Mapping[str, store.Sealed], table: str) -> pd.DataFrame:
    """Give one table of all waves."""
    frames = [kept.frame(table) for kept in reduced.values()]
    some = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(some, ignore_index=True)
