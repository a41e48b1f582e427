"""Who stands behind each number that is let out, as sets of people, and which of two numbers differ by few of them.

Whoever has two numbers of one variable, of a set of people and of the same set but for one, has that one's answer. So every
number that was ever let out is kept with its people, keyed, and a new one is held against all of them: the same people, or
people that differ by at least ``difference``, or it does not go out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.core.near_sets import near_pairs
from analysis.disclosure.people import Tree, region_tree, texts
from analysis.disclosure.plan import ReleasePlan
from analysis.disclosure.release import cells_of
from analysis.tidy import ALL, NUMBERED, domain_key, parse_domain

Ints = NDArray[np.int64]
_GLUE = "\x1f"


@dataclass(frozen=True, slots=True)
class SourceSets:
    """The sets of people behind what was let out of one source.

    Attributes
    ----------
    people : (people,) text
        Wave and pseudonym, sorted: what somebody said in another wave is another answer. Where a person stands in several rows of
        a wave, with several groups, each of them by itself: what is told of one group is not told of another.
    cells : tuple of str
        Cells as ``domain_key`` writes them, wave, group and region among them; ``*`` is everybody.
    belongs : sparse (cells, people) of 1
        Who is in each cell.
    answered : (masks, people) bool
        Who has a value.
    shown : mapping of variable to (mask, cells)
        Of each variable which of the masks its people are, and the cells of which a number was let out.
    """

    people: NDArray[np.str_]
    cells: tuple[str, ...]
    belongs: csr_array
    answered: NDArray[np.bool_]
    shown: Mapping[str, tuple[int, Ints]]

    def of(self, variable: str, place: Ints, size: int) -> csr_array:
        """Give the variable's sets, shape (its cells, size), over people who stand at ``place``."""
        mask, cells = self.shown[variable]
        kept = self.belongs[cells].tocoo()
        inside = self.answered[mask][kept.col]
        ones = np.ones(int(inside.sum()), dtype=np.int32)
        return csr_array((ones, (kept.row[inside], place[kept.col[inside]])), shape=(len(cells), size))


@dataclass(frozen=True, slots=True)
class Clash:
    """Two numbers of one variable whose people differ by few; never by how many.

    Attributes
    ----------
    source, variable : str
    cell, other : str
        Where they stand.
    release : str
        The release that the other one went out with; empty: the same.
    """

    source: str
    variable: str
    cell: str
    other: str
    release: str


@dataclass(frozen=True, slots=True)
class Published:
    """What was let out at one time: the sets of each source."""

    sources: Mapping[str, SourceSets]

    def to_bytes(self) -> bytes:
        """Write it as one compressed file of arrays, without anything that could run."""
        arrays: dict[str, NDArray[Any]] = {}
        for number, (name, sets) in enumerate(sorted(self.sources.items())):
            variables = sorted(sets.shown)
            counts = [len(sets.shown[v][1]) for v in variables]
            arrays |= {
                f"{number}.name": np.array([name]),
                f"{number}.people": sets.people,
                f"{number}.cells": np.array(sets.cells, dtype=np.str_),
                f"{number}.indptr": sets.belongs.indptr.astype(np.int64),
                f"{number}.indices": sets.belongs.indices.astype(np.int64),
                f"{number}.answered": np.packbits(sets.answered, axis=1),
                f"{number}.variables": np.array(variables, dtype=np.str_),
                f"{number}.masks": np.array([sets.shown[v][0] for v in variables], dtype=np.int64),
                f"{number}.counts": np.array(counts, dtype=np.int64),
                f"{number}.shown": np.concatenate([np.empty(0, np.int64), *(sets.shown[v][1] for v in variables)]),
            }
        sink = io.BytesIO()
        np.savez_compressed(sink, allow_pickle=False, **arrays)
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Published:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ValueError
            Where it is something else.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            arrays = {key: found[key] for key in found.files}
        sources = {}
        for number in range(sum(key.endswith(".name") for key in arrays)):
            own = {key.partition(".")[2]: a for key, a in arrays.items() if key.startswith(f"{number}.")}
            shape = (len(own["cells"]), len(own["people"]))
            ones = np.ones(len(own["indices"]), dtype=np.int8)
            parts = np.split(own["shown"], np.cumsum(own["counts"])[:-1]) if len(own["counts"]) else []
            told = zip(own["variables"].tolist(), own["masks"].tolist(), parts, strict=True)
            sources[str(own["name"][0])] = SourceSets(
                own["people"],
                tuple(own["cells"].tolist()),
                csr_array((ones, own["indices"], own["indptr"]), shape=shape),
                np.unpackbits(own["answered"], axis=1, count=shape[1]).astype(bool),
                {variable: (int(mask), cells) for variable, mask, cells in told},
            )
        return cls(sources)


def published(
    people: Mapping[str, pd.DataFrame], rows: pd.DataFrame, plan: ReleasePlan, *, hierarchy: pd.DataFrame | None
) -> Published:
    """Find the people behind every number of released rows.

    Parameters
    ----------
    people : dict of str to DataFrame
        As given to `plan_release`.
    rows : DataFrame
        Tidy rows that `release` let out; only those with a number count. A row of two cells (``a - b``) counts as both.
    plan : ReleasePlan
        The plan that they were released by.
    hierarchy : DataFrame or None
        As given to `plan_release`.

    Returns
    -------
    Published
        Of every source with people; a registry has none.
    """
    tree = None if hierarchy is None else region_tree(hierarchy)
    wanted: dict[str, dict[str, set[str]]] = {}
    numbered = rows[rows["estimate"].notna() & rows["status"].isin(NUMBERED)]
    for row in numbered.drop_duplicates(["wave", "group", "region", "domain", "term", "statistic"]).to_dict("records"):
        for source, variable, cell in cells_of({str(k): v for k, v in row.items()}, plan):
            wanted.setdefault(source, {}).setdefault(variable, set()).add(domain_key(cell) if cell else ALL)
    return Published(
        {name: _sets(people[name], wanted[name], tree) for name in sorted(wanted) if "member" in people[name]}
    )


def _sets(frame: pd.DataFrame, wanted: Mapping[str, set[str]], tree: Tree | None) -> SourceSets:
    waves = texts(frame["wave"]) if "wave" in frame else pd.Series(ALL, index=frame.index)
    names = waves.astype("str") + _GLUE + texts(frame["member"]).astype("str")
    if "group" in frame and names.duplicated().any():
        names = names + _GLUE + texts(frame["group"]).fillna("").astype("str")
    who, people = pd.factorize(names.to_numpy(), sort=True)
    cells = tuple(sorted(set[str]().union(*wanted.values())))
    place, row = _memberships(frame, cells, tree)
    belongs = csr_array((np.ones(len(row), dtype=np.int8), (place, who[row])), shape=(len(cells), len(people)))
    belongs.sum_duplicates()
    belongs.data[:] = 1
    at = {cell: n for n, cell in enumerate(cells)}
    masks: dict[bytes, int] = {}
    answered: list[NDArray[np.bool_]] = []
    shown = {}
    for variable in sorted(wanted):
        mask = np.zeros(len(people), dtype=bool)
        mask[who[frame[variable].notna().to_numpy()] if variable in frame else who] = True
        number = masks.setdefault(mask.tobytes(), len(masks))
        if number == len(answered):
            answered.append(mask)
        shown[variable] = (number, np.array(sorted(at[c] for c in wanted[variable]), dtype=np.int64))
    return SourceSets(people.astype(np.str_), cells, belongs, np.array(answered), shown)


def _memberships(frame: pd.DataFrame, cells: Sequence[str], tree: Tree | None) -> tuple[Ints, Ints]:
    """Which rows are in which cells, as pairs (cell, row)."""
    by_cut: dict[tuple[str, ...], dict[str, int]] = {}
    for number, cell in enumerate(cells):
        keys = {} if cell == ALL else parse_domain(cell)
        cut = tuple(sorted(keys))
        by_cut.setdefault(cut, {})[_GLUE.join(keys[k] for k in cut)] = number
    columns = {c: texts(frame[c]) for c in {c for cut in by_cut for c in cut}}
    levels = _levels(columns["region"], tree) if tree is not None and "region" in columns else []
    found: list[tuple[Ints, Ints]] = []
    for cut, numbers in by_cut.items():
        for places in ({"region": level} for level in levels) if "region" in cut and levels else ({},):
            parts = [places.get(c, columns[c]) for c in cut]
            key = parts[0].astype("object") if parts else pd.Series("", index=frame.index)
            for part in parts[1:]:
                key = key + _GLUE + part.astype("object")
            place = key.map(numbers).to_numpy(dtype="float64")
            rows = np.flatnonzero(~np.isnan(place))
            found.append((place[rows].astype(np.int64), rows))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate([cell for cell, _ in found]), np.concatenate([row for _, row in found])


def _levels(region: pd.Series, tree: Tree) -> list[pd.Series]:
    """The place of each row, the place above it, and so on to the top; missing where there is none."""
    above = {code: tree.codes[p] if p > 0 else None for code, p in zip(tree.codes, tree.parent, strict=True)}
    found, step = [], region
    while step.notna().any():
        found.append(step)
        step = step.map(above, na_action="ignore").astype("object")
        step = step.where(step.notna(), None)
    return found


def clashes(new: Published, earlier: Mapping[str, Published], *, difference: int) -> Iterator[Clash]:
    """Give the pairs of numbers of one variable whose people differ, and by fewer than ``difference``.

    Parameters
    ----------
    new : Published
        What is to be let out: its numbers are held against one another too.
    earlier : mapping of name to Published
        What went out before, withdrawn or not: who has read it has read it.
    difference : int
        Least people in the difference of two sets.

    Yields
    ------
    Clash
        A pair of the same release once.
    """
    against = {"": new, **earlier}
    for source, sets in new.sources.items():
        known: dict[tuple[Any, ...], list[tuple[str, str]]] = {}  # many variables have the same people and cells
        for variable in sets.shown:
            for name, other in against.items():
                there = other.sources.get(source)
                if there is None or variable not in there.shown:
                    continue
                key = (name, *_content(sets, variable), *_content(there, variable))
                if key not in known:
                    known[key] = _near(sets, there, variable, difference)
                yield from (Clash(source, variable, a, b, name) for a, b in known[key])


def _content(sets: SourceSets, variable: str) -> tuple[int, bytes]:
    mask, cells = sets.shown[variable]
    return mask, cells.tobytes()


def _near(one: SourceSets, other: SourceSets, variable: str, difference: int) -> list[tuple[str, str]]:
    same = one is other
    rows = one.people if same else np.union1d(one.people, other.people)
    first = one.of(variable, np.searchsorted(rows, one.people), len(rows))
    second = None if same else other.of(variable, np.searchsorted(rows, other.people), len(rows))
    left, right = one.shown[variable][1], other.shown[variable][1]
    pairs = near_pairs(first, second, _persons(rows), difference)
    return [(one.cells[left[i]], other.cells[right[j]]) for i, j in pairs.tolist()]


def _persons(rows: NDArray[np.str_]) -> Ints:
    """Whose each row is: wave and pseudonym, without the group."""
    names = pd.Series(rows).str.split(_GLUE).str[:2].str.join(_GLUE)
    return np.asarray(pd.factorize(names)[0], dtype=np.int64)
