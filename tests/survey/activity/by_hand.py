"""Random logs with every corner in them, and the reduction once more, row by row in plain Python: slow and easy to read."""

from __future__ import annotations

import random
import tempfile
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

from survey.activity import LogPart
from tests.survey.activity.logs import part

FIRST = datetime(2023, 1, 1)
ACTIVITIES = "pqrstuv"
FILES = (("1", "a"), ("1", "b"), ("2", "a"), ("2", "b"))
COUNTED = ("volunteered", "organised", "proposed", "designed")


def random_log(seed: int, rows: int = 60, groups: bool = True) -> dict[tuple[str, str], list[dict]]:
    """Draw rows of four files in two waves: series, joint activities, repeats, missing cells, times at the ends of months."""
    draw, files, taken = random.Random(seed), {name: [] for name in FILES}, set()
    starts = {activity: [_moment(draw), _moment(draw)] for activity in ACTIVITIES}
    for _ in range(rows):
        wave, file = draw.choice(FILES)
        row = _row(draw, starts, groups)
        key = (wave, file, row["activity"], row["member"], row["groups"], row["start"])
        if key not in taken:
            taken.add(key)
            files[wave, file].append(row)
    return {name: _numbered(rows) for name, rows in files.items() if rows}


def _moment(draw: random.Random) -> datetime:
    days = draw.choice([0, 30, 31, 58, 59, 400]) + draw.randint(0, 1)
    return FIRST + timedelta(days=days, hours=draw.choice([0, 23]), microseconds=draw.choice([0, 1]))


def _row(draw: random.Random, starts: dict[str, list[datetime]], groups: bool) -> dict:
    activity = draw.choice(ACTIVITIES)
    return {
        "member": draw.choice("abcde") * 32,
        "activity": activity,
        "groups": draw.choice(["g1", "g2", "g1;g2", "g1;g3"]) if groups else "",
        "region": draw.choice(["r1", "r2", None]),
        "start": draw.choice(starts[activity]),
        "channel": draw.choice(["online", "site", None]),
        "response": draw.choice(["yes", "no", None]),
        "role": draw.choice([None, "took_part", *COUNTED]),
        "rating": draw.choice([None, 1.0, 2.5, 0.1, 0.2, -3.0]),
        "took_part": None if activity == "v" else draw.random() < 0.8,
    }


def _numbered(rows: list[dict]) -> list[dict]:
    return [{"row": number, **row} for number, row in enumerate(rows, 1)]


def written(
    folder: Path, files: dict[tuple[str, str], list[dict]], shuffle: random.Random | None = None
) -> list[LogPart]:
    """Write the files, in an order of its own where that is asked for."""
    names, folder = list(files), Path(tempfile.mkdtemp(dir=folder))
    if shuffle:
        shuffle.shuffle(names)
    rows = {name: shuffle.sample(files[name], len(files[name])) if shuffle else files[name] for name in names}
    return [part(folder, rows[name], *name) for name in names]


def again_by_hand(files: dict, key: tuple[str, ...]) -> dict[tuple[str, str], list[int]]:
    """Find what an earlier file has brought."""
    seen, again = set(), {}
    for name in sorted(files):
        keys = {row["row"]: tuple(row[c] for c in (*key, "groups")) for row in files[name]}
        again[name] = sorted(row for row, found in keys.items() if found in seen)
        seen |= set(keys.values())
    return again


def reduced_by_hand(
    files: dict, wave: str, again: dict, days: int | None, end: datetime | None = None
) -> dict[str, list[tuple]]:
    """Reduce as the docstrings say, one row after the other."""
    rows = [
        {**row, "wave": name[0]}
        for name in sorted(files)
        for row in files[name]
        if name[0] <= wave and row["row"] not in again[name]
    ]
    end = end or max(row["start"] for row in rows if row["wave"] == wave)
    return _counted_by_hand(rows, wave, datetime.min if days is None else end - timedelta(days=days), end)


def period_by_hand(
    files: dict, again: dict, since: datetime, first: datetime, closes: datetime
) -> dict[str, list[tuple]]:
    """Reduce a stretch of time as the docstrings say: what is earlier is a wave before it."""
    rows = [
        {**row, "wave": "own" if row["start"] >= first else "before"}
        for name in sorted(files)
        for row in files[name]
        if since <= row["start"] <= closes and row["row"] not in again[name]
    ]
    return _counted_by_hand(rows, "own", first - timedelta(microseconds=1), closes)


def _counted_by_hand(rows: list[dict], wave: str, opens: datetime, end: datetime) -> dict[str, list[tuple]]:
    own = [row for row in rows if row["wave"] == wave]
    held = defaultdict(set)
    for row in rows:
        held[row["wave"], row["activity"]] |= set(row["groups"].split(";"))
    counted = [row for row in rows if row["took_part"] and row["start"] <= end]
    times = defaultdict(list)
    for row in counted:
        for group in held[row["wave"], row["activity"]]:
            times[row["member"], group or None, row["activity"], row["start"]].append(row)
    return {
        "careers": sorted(_careers(times, opens), key=str),
        "cells": sorted(_cells([r for r in counted if r["wave"] == wave], held, times), key=str),
        "incidence": sorted({(m, a) for (m, _, a, start) in times if start > opens}),
        "observed": sorted(_observed(own, held, end), key=str),
        "tally": sorted(_tally(own, end), key=str),
    }


def _careers(times: dict, opens: datetime) -> list[tuple]:
    people = defaultdict(list)
    for (member, group, _, start), rows in times.items():
        people[member, group].append((start, rows))
    for (member, group), all_times in people.items():
        seen = sorted((t for t in all_times if t[0] > opens), key=lambda t: t[0])
        if seen:
            roles = [sum(any(r["role"] == role for r in rows) for _, rows in seen) for role in COUNTED]
            starts = [start for start, _ in seen]
            yield (
                *(member, group, _most(seen, "region"), _most(seen, "channel"), min(start for start, _ in all_times)),
                *(starts[0], starts[1] if len(starts) > 1 else None, starts[-1], len(starts), *roles),
            )


def _most(seen: list, column: str) -> str | None:
    """The value most used; a time has the first of those that its rows say."""
    each = [min((r[column] for r in rows if r[column]), default=None) for _, rows in seen]
    counts = Counter(value for value in each if value)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def _cells(own: list[dict], held: dict, times: dict) -> list[tuple]:
    joined = defaultdict(list)
    for member, group, _, start in times:
        joined[member, group].append(start)
    cells = defaultdict(list)
    for row in own:
        for group in held[row["wave"], row["activity"]]:
            cells[
                group or None, row["region"], row["channel"], row["start"].replace(day=1, hour=0, microsecond=0)
            ].append(row)
    for (group, region, channel, month), rows in cells.items():
        people = {r["member"] for r in rows}
        new = {m for m in people if min(joined[m, group]) >= month}
        ratings = [r["rating"] for r in rows if r["rating"] is not None]
        mean = round(fmean(ratings), 9) if ratings else None
        events = len({r["activity"] for r in rows})
        yield group, region, channel, month, events, len(people), len(new), len(people - new), len(ratings), mean


def _observed(own: list[dict], held: dict, end: datetime) -> list[tuple]:
    for group in {g for row in own for g in held[row["wave"], row["activity"]]}:
        mine = [row for row in own if group in held[row["wave"], row["activity"]]]
        before = {
            a for a in {r["activity"] for r in mine} if min(r["start"] for r in mine if r["activity"] == a) <= end
        }
        known = {r["activity"] for r in mine if r["took_part"] is not None} & before
        joint = sum(len(held[own[0]["wave"], activity]) > 1 for activity in before)
        recorded = round(len(known) / len(before), 9) if before else None
        yield group or None, min(r["start"] for r in mine), end, recorded, len(before), joint


def _tally(own: list[dict], end: datetime) -> list[tuple]:
    reasons = Counter()
    for row in own:
        late, unknown = row["start"] > end, row["took_part"] is None
        reason = "after_end" if late else "not_recorded" if unknown else "not_taken_part"
        if late or not row["took_part"]:
            reasons[reason, row["response"]] += 1
    return [(reason, response, rows) for (reason, response), rows in reasons.items()]
