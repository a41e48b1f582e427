"""A made-up accepted log of any size: members with a home, organisations in places, some joint activities, 24 months."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

ORGANISATIONS, REGIONS, MONTHS = 19, 100, 24
CHANNELS = ("mixed", "online", "site")
ROLES = ("took_part", "volunteered", "organised", "proposed", "designed")
ROLE_SHARES = (0.93, 0.04, 0.02, 0.007, 0.003)
AT_HOME, IN_PLACE = 0.75, 0.15  # times at the home organisation in the home place; at another one there; else anywhere
JOINT, CAME, RATED, OTHER_CHANNEL = 0.05, 0.92, 0.1, 0.1
ROW_GROUP = 500_000
FIRST_DAY = np.datetime64("2023-01-01", "us")

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Activities:
    """One row an activity, sorted by organisation and place; ``bounds`` are the first rows of each pair."""

    organisation: Codes
    partner: Codes
    region: Codes
    channel: Codes
    start: NDArray[np.datetime64]
    bounds: Codes


def write_log(path: Path, rows: int, *, members: int = 300_000, activities: int = 120_000, seed: int = 1) -> None:
    """Write a part of a log as the intake does: sorted by time, strings in dictionaries, a checksum a page."""
    rng = np.random.default_rng(seed)
    acts = _activities(rng, activities)
    who, what = _times(rng, acts, rows, members)
    order = np.argsort(acts.start[what], kind="stable")
    table = _table(rng, acts, who[order], what[order], members)
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        write_page_checksum=True,
        dictionary_pagesize_limit=2**24,
        compression="zstd",
    )


def _activities(rng: np.random.Generator, n: int) -> Activities:
    pair = np.sort(rng.integers(0, ORGANISATIONS * REGIONS, n))
    organisation = pair // REGIONS
    partner = np.where(rng.random(n) < JOINT, (organisation + rng.integers(1, ORGANISATIONS, n)) % ORGANISATIONS, -1)
    minutes = rng.integers(0, MONTHS * 30 * 24 * 4, n) * 15
    return Activities(
        organisation,
        partner,
        pair % REGIONS,
        rng.integers(0, len(CHANNELS), n),
        FIRST_DAY + minutes.astype("timedelta64[m]"),
        np.searchsorted(pair, np.arange(ORGANISATIONS * REGIONS + 1)),
    )


def _times(rng: np.random.Generator, acts: Activities, rows: int, members: int) -> tuple[Codes, Codes]:
    """Draw who came to what, each pair once; some members come far more often than others."""
    liking = rng.gamma(1.2, size=members)
    homes = rng.integers(0, ORGANISATIONS, members) * REGIONS + rng.integers(0, REGIONS, members)
    found = np.empty(0, np.int64)
    while len(found) < rows:
        who = rng.choice(members, rows, p=liking / liking.sum())
        what = _chosen(rng, acts, homes[who])
        found = np.unique(np.concatenate([found, who * len(acts.start) + what]))
    found = rng.choice(found, rows, replace=False)
    return found // len(acts.start), found % len(acts.start)


def _chosen(rng: np.random.Generator, acts: Activities, home: Codes) -> Codes:
    way = rng.random(len(home))
    other = rng.integers(0, ORGANISATIONS, len(home)) * REGIONS + home % REGIONS
    pair = np.where(way < AT_HOME, home, other)
    low, high = acts.bounds[pair], acts.bounds[pair + 1]
    near = low + (rng.random(len(home)) * (high - low)).astype(np.int64)
    anywhere = rng.integers(0, len(acts.start), len(home))
    return np.where((way < AT_HOME + IN_PLACE) & (high > low), near, anywhere)


def _table(rng: np.random.Generator, acts: Activities, who: Codes, what: Codes, members: int) -> pa.Table:
    n = len(who)
    channel = np.where(rng.random(n) < OTHER_CHANNEL, rng.integers(0, len(CHANNELS), n), acts.channel[what])
    start = acts.start[what]
    columns = {
        "row": pa.array(np.arange(1, n + 1)),
        "member": _words(who, [f"{number:032x}" for number in _hex(rng, members)]),
        "activity": _words(what, [f"a{number:06d}" for number in range(len(acts.start))]),
        "groups": _words(what, _organisers(acts)),
        "region": _words(acts.region[what], [f"33{number:04d}" for number in range(REGIONS)]),
        "start": pa.array(start, pa.timestamp("us")),
        "end": pa.array(start + np.timedelta64(2, "h"), pa.timestamp("us")),
        "channel": _words(channel, CHANNELS),
        "response": pa.nulls(n, pa.string()).dictionary_encode(),
        "role": _words(rng.choice(len(ROLES), n, p=ROLE_SHARES), ROLES),
        "service": pa.nulls(n, pa.string()).dictionary_encode(),
        "rating": pa.array(rng.integers(1, 6, n).astype("float64"), mask=rng.random(n) >= RATED),
        "took_part": pa.array(rng.random(n) < CAME),
    }
    return pa.table(columns)


def _hex(rng: np.random.Generator, members: int) -> list[int]:
    return [int.from_bytes(rng.bytes(16), "big") for _ in range(members)]


def _organisers(acts: Activities) -> list[str]:
    pairs = zip(acts.organisation, acts.partner, strict=True)
    return [";".join(sorted(f"g{code:02d}" for code in pair if code >= 0)) for pair in pairs]


def _words(codes: Codes, words: list[str] | tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words))
