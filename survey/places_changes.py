"""What became of places whose boundaries moved: a crosswalk with shares, and which series it leaves broken.

The workbench's own crosswalk is ``places_changes.csv`` (made by `survey.places_table`); a study may bring its own
(``places: {crosswalk: FILE}``), whose rows hold instead of the workbench's for the same place and day. A row says which share
of the people of the place ``from`` belongs to the place ``to`` from the day ``valid_from`` on; an empty share: the place was
parted and nothing is known by which to share its people out. `survey.places_carry` carries what is known.

What is broken. A place that took in an unknown share of another, or gave one away, cannot be compared with waves before; nor
can the places in it, nor those above it of which the outer boundary moved with it. A place above both ends of a move stays as it
is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import pandas as pd

from survey.faults import Fault, refuse_if
from survey.folder import read_rows
from survey.places import is_day
from survey.schema import Places

COLUMNS = ["from", "to", "valid_from", "share", "source"]
_BUILT_IN = Path(__file__).with_name("places_changes.csv")
WHOLE = 1e-6  # shares of a place may miss 1 by this much, for rounding in the file


def changes(folder: Path, settings: Places | None) -> pd.DataFrame:
    """Give the study's crosswalk: ``from, to, valid_from, source`` text, ``share`` float (missing: not known).

    Raises
    ------
    survey.Refused
        For days that are none, shares that are none or do not add up to 1, and a row that stands twice.
    """
    parts = []
    if settings is not None and settings.under is not None:
        parts.append(_built_in())
    if settings is not None and settings.crosswalk is not None:
        own = _read(folder, settings.crosswalk)
        replaced = set(zip(own["from"], own["valid_from"], strict=True))
        parts = [p[[pair not in replaced for pair in zip(p["from"], p["valid_from"], strict=True)]] for p in parts]
        parts.append(own)
    if not parts:
        return pd.DataFrame({c: pd.Series(dtype="float64" if c == "share" else "str") for c in COLUMNS})
    return pd.concat(parts, ignore_index=True)


def crosswalk_faults(folder: Path, settings: Places, known: Sequence[str]) -> Iterator[Fault]:
    """Give the faults of the study's own crosswalk against its places; refuses what `changes` refuses."""
    if settings.crosswalk is None:
        return
    own = _read(folder, settings.crosswalk)
    strange = sorted({*own["from"], *own["to"]} - set(known))
    if strange:
        names = ", ".join(strange[:5])
        yield Fault(
            settings.crosswalk,
            0,
            f"the crosswalk names places that the study does not have: {names}; add them to its places (with valid_to where "
            "they have ended)",
            f"对照表中有研究没有的地区：{names}；请将其补入地区表（已撤销的填写 valid_to）",
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of places between two days.

    Attributes
    ----------
    shares : mapping
        {place: {place it went to: share}}, of places that changed and of which all shares are known.
    unknown : mapping
        {place: places it went to}, of which some share is not known.
    """

    shares: Mapping[str, Mapping[str, float]]
    unknown: Mapping[str, frozenset[str]]

    @property
    def moved(self) -> dict[str, Mapping[str, float]]:
        """Places that went elsewhere, in whole or in part."""
        return {code: to for code, to in self.shares.items() if set(to) != {code}}

    @property
    def grown(self) -> set[str]:
        """Places that others went to, with known shares."""
        return {target for to in self.moved.values() for target in to}


def between(crosswalk: pd.DataFrame, after: date, until: date) -> Carried:
    """Follow every place through the changes after one day and up to another, one day after the other."""
    here = crosswalk[(crosswalk["valid_from"] > after.isoformat()) & (crosswalk["valid_from"] <= until.isoformat())]
    shares: dict[str, dict[str, float]] = {code: {code: 1.0} for code in here["from"]}
    unknown: dict[str, set[str]] = {}
    for _, day in here.groupby("valid_from", sort=True):
        steps = {str(code): rows for code, rows in day.groupby("from")}
        for code, at in list(shares.items()):
            shares[code] = _step(at, steps)
            parted = {p for p in at if p in steps and steps[p]["share"].isna().any()}
            if parted or code in unknown:
                unknown.setdefault(code, set()).update(at, shares[code])
    known = {code: at for code, at in shares.items() if code not in unknown}
    return Carried(known, {code: frozenset(to) for code, to in unknown.items()})


def broken(carried: Carried, tree: pd.DataFrame) -> set[str]:
    """Give the places whose numbers from before cannot be compared with those after.

    Parameters
    ----------
    carried : Carried
    tree : DataFrame
        ``code, parent``, one row a code, places that have ended among them.
    """
    parent = dict(zip(tree["code"], tree["parent"], strict=True))
    found: set[str] = set()
    for code, targets in carried.unknown.items():
        for target in targets:
            found |= set(path_up(code, parent)) ^ set(path_up(target, parent)) | {code, target}
    unsure = {*carried.unknown, *(target for targets in carried.unknown.values() for target in targets)}
    inside = {code for code in parent if not (unsure | set(carried.moved)).isdisjoint(path_up(code, parent)[1:])}
    ended = {code for code, at in carried.moved.items() if code not in at}
    return (found | inside | ended) & set(parent)


def broken_series(crosswalk: pd.DataFrame, tree: pd.DataFrame, ends: Mapping[str, date]) -> pd.DataFrame:
    """Name the places of earlier waves that cannot be compared with the latest one.

    Parameters
    ----------
    crosswalk : DataFrame
        From `changes`.
    tree : DataFrame
        ``code, parent``, one row a code.
    ends : mapping
        {wave: last day of its fieldwork}, oldest first.

    Returns
    -------
    DataFrame
        ``wave, region`` text, a row a wave and place, sorted.
    """
    *earlier, latest = ends
    pairs = [(w, code) for w in earlier for code in sorted(broken(between(crosswalk, ends[w], ends[latest]), tree))]
    return pd.DataFrame(pairs, columns=["wave", "region"], dtype="str")


def path_up(code: str, parent: Mapping[str, str]) -> list[str]:
    """Give a place and those above it, nearest first."""
    path = []
    while code:
        path.append(code)
        code = parent.get(code, "")
    return path


def _step(at: Mapping[str, float], steps: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Where a place's people are after one day's changes; unknown shares count as nothing here."""
    after: dict[str, float] = {}
    for place, share in at.items():
        rows = steps.get(place)
        went = {place: 1.0} if rows is None else dict(zip(rows["to"], rows["share"].fillna(0.0), strict=True))
        for target, part in went.items():
            after[str(target)] = after.get(str(target), 0.0) + share * float(part)
    return after


@lru_cache(maxsize=1)
def _built_in() -> pd.DataFrame:
    return _read(_BUILT_IN.parent, _BUILT_IN.name)


def _read(folder: Path, file: str) -> pd.DataFrame:
    rows = read_rows(
        folder, file, ("from", "to", "valid_from", "share"), ("source",), filled=("from", "to", "valid_from")
    )
    refuse_if(fault for row in rows for fault in _row_faults(file, row))
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "#line"], dtype="str")
    frame["share"] = pd.to_numeric(frame["share"].where(frame["share"] != ""), errors="coerce").astype("float64")
    refuse_if(_sum_faults(file, frame))
    return frame[COLUMNS]


def _row_faults(file: str, row: Mapping[str, str]) -> Iterator[Fault]:
    line = int(row["#line"])
    if not is_day(row["valid_from"]):
        yield Fault(file, line, "valid_from must be a day such as 2024-03-01", "valid_from 应为日期，如 2024-03-01")
    if row["share"] and not _is_share(row["share"]):
        en = "share must be a number above 0 and up to 1, such as 0.4, or empty where it is not known"
        yield Fault(file, line, en, "share 应为大于 0、不超过 1 的数，如 0.4；未知则留空")


def _is_share(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False


def _sum_faults(file: str, frame: pd.DataFrame) -> Iterator[Fault]:
    for (code, day), rows in frame.groupby(["from", "valid_from"]):
        line = int(rows["#line"].iloc[0])
        if rows["to"].duplicated().any():
            en, zh = (
                f"{code} goes to the same place twice on {day}; keep one row",
                f"{code} 在 {day} 两次划入同一地区；请只保留一行",
            )
            yield Fault(file, line, en, zh)
        total = rows["share"].sum()
        if (rows["share"].notna().all() and abs(total - 1) > WHOLE) or total > 1 + WHOLE:
            yield Fault(
                file,
                line,
                f"the shares of {code} on {day} add up to {total:g}, not to 1; where does the rest go? (A share that is not known "
                "stays empty)",
                f"{code} 在 {day} 的份额合计为 {total:g}，而不是 1；其余部分归入哪里？（未知的份额请留空）",
            )
