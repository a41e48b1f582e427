"""Random logs with every corner in them: the reduction is that by hand, in any order of rows and files, on any threads."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.activity import embedded, reduce_period, repeated
from tests.survey.activity.by_hand import (
    FILES,
    FIRST,
    again_by_hand,
    period_by_hand,
    random_log,
    reduced_by_hand,
    written,
)
from tests.survey.activity.logs import listed, reduced

KEYS = (("activity", "member"), ("activity", "member", "start"), ("member", "region", "took_part", "rating"))
CAREERS = ("member", "group", "region", "channel", "joined", "first", "second", "last", "count")
OBSERVED = ("organisation", "start", "end", "recorded", "activities", "joint")
ROLES = ("volunteered", "organised", "proposed", "designed")
CELLS = ("group", "region", "channel", "month", "events", "people", "first_time", "returning", "rated", "rating")


def tables(found, *, incidence: bool = True) -> dict[str, list[tuple]]:
    cells, observed = found.cells.round({"rating": 9}), found.observed.round({"recorded": 9})
    met = (
        {"incidence": sorted(listed(found.incidence.to_pandas().astype("str"), "member", "activity"))}
        if incidence
        else {}
    )
    return {
        **met,
        "careers": sorted(listed(found.careers, *CAREERS, *ROLES), key=str),
        "cells": sorted(listed(cells, *CELLS), key=str),
        "observed": sorted(listed(observed, *OBSERVED), key=str),
        "tally": sorted(listed(found.tally, "reason", "response", "rows"), key=str),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@given(st.integers(0, 10**6), st.sampled_from([None, 20, 365]), st.booleans(), st.sampled_from([None, 45]))
@settings(max_examples=8, deadline=None)
def test_the_reduction_is_that_by_hand(folder, seed, days, groups, until):
    files = random_log(seed, groups=groups)
    parts = written(folder, files)
    end = until and FIRST + timedelta(days=until)
    again = repeated(parts)
    assert {name: rows.tolist() for name, rows in again.items()} == again_by_hand(files, KEYS[0])
    for wave in {name[0] for name in files}:
        log_end = end and pd.Timestamp(end)
        found = reduced(parts, wave, again=again, took_part_days=days, log_end=log_end)
        assert tables(found) == reduced_by_hand(files, wave, again_by_hand(files, KEYS[0]), days, end)
        assert (found.cells["people"] == found.cells["first_time"] + found.cells["returning"]).all()


@given(
    st.integers(0, 10**6), st.sampled_from([0, 30, 58]), st.sampled_from([1, 31, 400]), st.sampled_from([0, 20, 400])
)
@settings(max_examples=8, deadline=None)
def test_a_stretch_of_time_is_that_by_hand(folder, seed, from_day, days, past):
    files = random_log(seed)
    parts = written(folder, files)
    first = FIRST + timedelta(days=from_day)
    since, closes = first - timedelta(days=past), first + timedelta(days=days) - timedelta(microseconds=1)
    again = repeated(parts)
    moments = {"since": pd.Timestamp(since), "first": pd.Timestamp(first), "closes": pd.Timestamp(closes)}
    found = reduce_period(parts, "own", again=again, not_reporting=[], **moments)
    by_hand = period_by_hand(files, again_by_hand(files, KEYS[0]), since, first, closes)
    assert tables(found, incidence=False) == {k: v for k, v in by_hand.items() if k != "incidence"}


@given(st.integers(0, 10**6), st.sampled_from(KEYS))
@settings(max_examples=5, deadline=None)
def test_what_is_repeated_is_that_by_hand(folder, seed, key):
    files = random_log(seed, rows=120)
    parts = written(folder, files)
    assert {name: rows.tolist() for name, rows in repeated(parts, key).items()} == again_by_hand(files, key)


@given(st.integers(0, 10**6), st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=5, deadline=None)
def test_order_and_threads_do_not_show_in_the_bytes(folder, seed, shuffle, threads):
    files = random_log(seed, rows=200)
    plain = reduced(written(folder, files), "2", again=dict.fromkeys(FILES, ()))
    before, embedded.THREADS = embedded.THREADS, threads
    try:
        parts = written(folder, files, shuffle)
        other = reduced(parts, "2", again=dict.fromkeys(FILES, ()))
    finally:
        embedded.THREADS = before
    for name in ("cells", "careers", "observed", "tally"):
        assert parquet(getattr(plain, name)) == parquet(getattr(other, name)), name
    assert parquet(plain.incidence) == parquet(other.incidence)


def parquet(table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pandas(table), sink)
    return sink.getvalue().to_pybytes()
