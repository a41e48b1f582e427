"""Which cells must stay hidden, decided once for a wave, before any notebook looks at a number?

For every source, variable and wave: cells of 1 to 9 people are hidden, then further ones (`analysis.core.suppression`) so
that nobody can work them out from what is shown: not from sums over groups, not down the tree of regions, not from what is
left at a region itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.core.near_sets import near_pairs
from analysis.disclosure.hiding import Hint, hide, hint_of, over_waves, too_small
from analysis.disclosure.people import Axis, Family, Members, Tree, families, region_tree
from analysis.disclosure.rounding import Rules
from analysis.tidy import ALL

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

COUNTS_ONLY = "registry"
_ROUNDS = 20  # in about how many steps nearly equal cells are looked at
DESCRIPTORS = ("unit", "file", "scale", "measure", "cut", "part", "of", "level", "time", "period")


@dataclass(frozen=True, slots=True)
class Source:
    """One source of people and what may be shown of it.

    Attributes
    ----------
    name : str
        survey, log, registry, ...
    columns : frozenset of str
        Columns that rows may be cut by, wave included where the source has it.
    cuts : frozenset of frozenset of str
        The cuts planned, without wave.
    sets : dict of str to int
        Which set of people each variable belongs to.
    families : tuple of Family
        People in each cell; empty for a registry, which holds counts.
    hints : tuple of Hint
        One a family: the pattern that sets of nearly the same people start from.
    rules : Rules
        The rules it is looked at with.
    overlap : bool
        Whether a person can stand in several rows of a wave.
    members : Members, optional
        Who stands in which cell; None for a registry.
    sensitive : frozenset of str
        Variables that need more people and are not cut by group and region together.
    found : dict of (int, str, Rules) to tuple of bool arrays
        What is not shown of each set and wave (``*``: all of them) under the variable's rules looked up so far, one array a
        family; filled when first asked for, since a report looks at most sets in one wave only.
    cells : dict of wave's place to (rows, sparse cells)
        Of the waves looked up so far, `Members.in_wave`.
    """

    name: str
    columns: frozenset[str]
    cuts: frozenset[frozenset[str]]
    sets: Mapping[str, int]
    families: tuple[Family, ...] = ()
    hints: tuple[Hint, ...] = ()
    rules: Rules = field(default_factory=Rules)
    overlap: bool = False
    members: Members | None = None
    sensitive: frozenset[str] = frozenset()
    found: dict[tuple[int, str, Rules], tuple[Mask, ...]] = field(default_factory=dict)
    cells: dict[int | None, tuple[Ints, csr_array]] = field(default_factory=dict)

    def hidden(self, variable: str, wave: str = ALL) -> tuple[Mask, ...]:
        """What is not shown of a variable: one array a family, of the shape of its ``people`` without the sets.

        Of one wave: without the axis of waves.
        """
        at, rules = self.sets[variable], self.rules_of(variable)
        if (at, wave, rules) not in self.found:
            whole = wave == ALL and self.waves
            self.found[at, wave, rules] = self._hide_waves(variable) if whole else self._hide(at, wave, rules)
        return self.found[at, wave, rules]

    def rules_of(self, variable: str) -> Rules:
        """Give the rules of a variable: those of the house and study, stricter for a sensitive one."""
        return self.rules.for_sensitive() if variable in self.sensitive else self.rules

    @property
    def waves(self) -> tuple[str, ...]:
        """The waves that people of the source stand in; none where it has no column of waves."""
        return self.families[0].extras[0].values if self.families and "wave" in self.columns else ()

    def _hide(self, at: int, wave: str, rules: Rules) -> tuple[Mask, ...]:
        """Waves are proved one by one: nothing hidden in one protects another."""
        families, place = self.families, None
        hints = (
            self.hints if rules == self.rules else tuple(h.none() for h in self.hints)
        )  # these were found under other rules
        if wave != ALL:
            place = self.families[0].extras[0].places[wave]
            families = tuple(replace(f, extras=f.extras[1:], people=f.people[place]) for f in self.families)
            hints = tuple(Hint(h.hidden[place], h.settled[place], h.alike[place]) for h in hints)
        near = tuple(np.zeros(f.people.shape[:-1], dtype=bool) for f in families)
        while True:
            hidden = hide(families, hints, at, rules, self.overlap, near)
            more = self._nearly_shown(hidden, at, place)
            if more is None:
                return hidden
            near = tuple(n | m for n, m in zip(near, more, strict=True))

    def _nearly_shown(self, hidden: tuple[Mask, ...], at: int, wave: int | None) -> tuple[Mask, ...] | None:
        """Of any two shown cells whose people differ by few, the one of fewer people; None where there are none.

        No sum connects an employer with the one group that nearly all its people are of: only their people tell.
        """
        assert self.members is not None
        if wave not in self.cells:
            self.cells[wave] = self.members.in_wave(self.families, wave)
        rows, cells = self.cells[wave]
        there = self.members.answered[rows, at]
        people = np.concatenate(
            [(f.people if wave is None else f.people[wave])[..., at].ravel() for f in self.families]
        )
        flat = np.concatenate([h.ravel() for h in hidden])
        shown = np.flatnonzero(~flat & (people > 0) & (np.diff(cells.indptr) > 0))
        pairs = near_pairs(cells[shown][:, there], None, self.members.who[rows[there]], self.rules.difference)
        if not len(pairs):
            return None
        a, b = shown[pairs[:, 0]], shown[pairs[:, 1]]
        fewer = np.where(people[b] < people[a], b, a)
        flat[:] = False
        # the smallest first: what is hidden to protect them settles most of the others
        flat[fewer[np.argsort(people[fewer], kind="stable")[: -(-len(fewer) // _ROUNDS)]]] = True
        ends = np.cumsum([h.size for h in hidden])
        return tuple(part.reshape(h.shape) for part, h in zip(np.split(flat, ends[:-1]), hidden, strict=True))

    def _hide_waves(self, variable: str) -> tuple[Mask, ...]:
        every, at = [self.hidden(variable, wave) for wave in self.waves], self.sets[variable]
        counted = [replace(f, people=f.people[..., at : at + 1]) for f in self.families]
        return tuple(
            over_waves(f, [one[i] for one in every], self.rules_of(variable), self.overlap)
            for i, f in enumerate(counted)
        )

    def look(self, variable: str, cell: Mapping[str, str]) -> tuple[bool, float]:
        """Whether a cell is hidden, and how many people are in it; nan people for a registry.

        Raises
        ------
        ValueError
            For a cut that was not planned.
        """
        cut = frozenset(cell)
        if cut - {"wave"} not in self.cuts or not cut <= self.columns:
            raise ValueError(
                f"the cut by {_names(cut)} of {variable} was not planned; planned for {self.name}: "
                f"{', '.join(sorted(_names(c) for c in self.cuts))}"
                + (" (each by wave)" if "wave" in self.columns else "")
            )
        if not self.families:
            return False, np.nan
        at = next(i for i, f in enumerate(self.families) if cut <= set(f.names))
        place = self.families[at].find(dict(cell))
        if place is None:
            return False, 0.0
        people = self.families[at].people[(*place, self.sets[variable])]
        wave = cell.get("wave", ALL)
        if variable in self.sensitive and {"group", "region"} <= cut:
            return True, float(people)
        hidden = self.hidden(variable, wave)[at][place if wave == ALL else place[1:]]
        return bool(hidden), float(people)


class Marker(Protocol):
    """What knows of comparisons that may not be made: `analysis.comparability`."""

    def mark(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Give rows of a tidy table the status of their comparison."""


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What may be shown, of whom, and how finely.

    Attributes
    ----------
    rules : Rules
        The rules it was made with.
    variables : dict of str to (source, lowest, highest)
        The terms that may be released, with the range of one person's value.
    sources : dict of str to Source
        People and hidden cells of each source.
    finest : frozenset of str
        Region codes of the finest level, whose counts are rounded more coarsely; empty for a flat region.
    comparability : Marker, optional
        Marks every table that is released.
    """

    rules: Rules
    variables: Mapping[str, tuple[str, float, float]]
    sources: Mapping[str, Source]
    finest: frozenset[str]
    comparability: Marker | None = None

    def __repr__(self) -> str:
        return f"ReleasePlan of {len(self.variables)} variables from {', '.join(self.sources)}; {self.rules}"

    def tally(self) -> pd.DataFrame:
        """Count the cells with people in them and those hidden, for the methods box and the tests of a study.

        Returns
        -------
        DataFrame
            source, variable, cut (text, wave left out), cells, hidden (int); all waves together and each wave counted.
        """
        rows = [r for s in self.sources.values() for v in s.sets for r in _tally(s, v)]
        return pd.DataFrame(rows, columns=["source", "variable", "cut", "cells", "hidden"])


def plan_release(
    people: Mapping[str, pd.DataFrame],
    *,
    variables: Mapping[str, tuple[str, float, float]],
    cuts: Iterable[tuple[str, ...]],
    hierarchy: pd.DataFrame | None,
    rules: Rules | Mapping[str, Any] | None,
    sensitive: Iterable[str] = (),
    comparability: Marker | None = None,
) -> ReleasePlan:
    """Look once at the people behind every cut and decide which cells stay hidden.

    Parameters
    ----------
    people : dict of str to DataFrame
        For each source a frame with ``member`` (pseudonym, text), the cut columns (text) and perhaps ``wave``; one row an
        answer, or one row wave x member x group. A variable's own column may stand beside: its set is then who has a
        value there. A variable without a column belongs to all rows. ``registry`` holds counts and needs no member.
    variables : dict of str to (str, float, float)
        For each ``term``, or part of a term before its last ``=``: source, lowest and highest value of one person.
    cuts : iterable of tuples of str
        The cuts a report makes, without wave, which is in all of them; ``()`` is everybody.
    hierarchy : DataFrame or None
        ``code, parent``; parent empty for the top. A person's region is the finest code known and may be missing.
        None: region is a flat column.
    rules : Rules or mapping
        See `Rules`; a mapping may leave rules at their defaults.
    sensitive : iterable of str
        Variables about health, disability, minors or whereabouts: they need ``sensitive_minimum`` people, and are never shown by
        group and region together.
    comparability : optional
        Verdicts of `analysis.comparability`: every table released marks by them what may not be compared.

    Returns
    -------
    ReleasePlan

    Raises
    ------
    ValueError
        When a frame, variable, cut or rule does not fit the others; the message names it.

    Notes
    -----
    Within a wave persons are counted once a cell. A cell of 1 to ``minimum`` - 1 people is hidden; so are as many others, the
    smallest first and totals last, that what is still shown leaves each such cell, and the people coded at a region itself or
    having no group, an interval ``difference`` wide that reaches ``minimum``. This is proved for each wave on sums over
    one column and the tree. All cuts within a cut are taken as shown. With a third column the cells over all its values
    are hidden where one of its values is; all waves together are hidden where one wave is. Cuts that are not within one
    another and share a total (group x region, group x employer) each protect it, but not jointly. Judged by linear programming
    over all of them, 8 federations each of 3 sizes: two such cuts left none of 145 small cells open, a ring of three
    (with region x employer) 2 of 192. Of two shown cells whose people differ by fewer than ``difference``, whatever their cuts
    (an employer whose people are nearly all of one group), that of fewer people is hidden.
    Where a person stands in several rows of a wave (a log: several groups), sums do not hold for persons; the rule is
    applied as if they did, with distinct persons as the smaller count, and a cell which all but 1 to ``difference`` - 1 people
    of a total share is hidden too.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"member": [f"m{i}" for i in range(40)], "group": ["a"] * 4 + ["b"] * 12 + ["c"] * 24})
    >>> plan = plan_release({"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=[(), ("group",)],
    ...                     hierarchy=None, rules={})
    >>> [plan.sources["survey"].look("trust", {"group": g})[0] for g in "abc"]
    [True, True, False]
    """
    chosen, wanted = Rules.of(rules), [tuple(c) for c in cuts]
    declared = {v: (s, float(low), float(high)) for v, (s, low, high) in variables.items()}
    tender = frozenset(sensitive)
    if unknown := sorted(tender - set(declared)):
        raise ValueError(f"sensitive names {unknown}, which are no variables of the plan")
    key = _content(people, hierarchy, (declared, wanted, chosen, sorted(tender)))
    if key not in _LAST:
        plan = _plan(people, declared, wanted, hierarchy, chosen, tender)
        _LAST.clear()
        _LAST[key] = plan
    return replace(_LAST[key], comparability=comparability)


# A report's notebooks plan from the same tables one after the other: the plan made last is kept, by the tables' content.
_LAST: dict[str, ReleasePlan] = {}


def _content(people: Mapping[str, pd.DataFrame], hierarchy: pd.DataFrame | None, rest: object) -> str:
    frames = {**people, **({} if hierarchy is None else {"hierarchy": hierarchy})}
    whole = hashlib.sha256(repr((rest, [(n, list(f.columns)) for n, f in frames.items()])).encode())
    for frame in frames.values():
        whole.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return whole.hexdigest()


def _plan(
    people: Mapping[str, pd.DataFrame],
    variables: Mapping[str, tuple[str, float, float]],
    cuts: list[tuple[str, ...]],
    hierarchy: pd.DataFrame | None,
    rules: Rules,
    sensitive: frozenset[str],
) -> ReleasePlan:
    _check_variables(variables, people)
    _check_cuts(cuts, people)
    regions = None if hierarchy is None else region_tree(hierarchy)
    sources = {
        name: replace(
            _source(name, frame, [v for v in variables if variables[v][0] == name], cuts, regions, rules),
            sensitive=sensitive,
        )
        for name, frame in people.items()
    }
    return ReleasePlan(rules, variables, sources, regions.finest if regions else frozenset())


def _check_variables(variables: Mapping[str, tuple[str, float, float]], people: Mapping[str, pd.DataFrame]) -> None:
    for name, (source, low, high) in variables.items():
        if source not in people:
            raise ValueError(f"variable {name} is of source {source!r}; people were given for {sorted(people)}")
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(f"variable {name} has the range {low} to {high}: it needs a lowest below a highest value")


def _check_cuts(cuts: list[tuple[str, ...]], people: Mapping[str, pd.DataFrame]) -> None:
    columns = {str(c) for frame in people.values() for c in frame.columns} - {"wave", "member"}
    for cut in cuts:
        if lost := [c for c in cut if c not in columns]:
            raise ValueError(f"cut {cut} has {lost}: no source has that column; wave is in every cut by itself")


def _source(
    name: str,
    frame: pd.DataFrame,
    variables: list[str],
    cuts: list[tuple[str, ...]],
    regions: Tree | None,
    rules: Rules,
) -> Source:
    own = frozenset(frozenset(c) for c in cuts if set(c) <= set(frame.columns))
    columns = frozenset[str]().union(*own, {"wave"} & set(frame.columns))
    if "member" not in frame.columns:
        if name != COUNTS_ONLY:
            raise ValueError(f"people of {name} have no column member; only {COUNTS_ONLY} holds counts without persons")
        return Source(name, columns, own, dict.fromkeys(variables, 0))
    for column in {"member", "wave"} & set(frame.columns):
        if gone := int(frame[column].isna().sum()):
            raise ValueError(f"{gone} rows of people of {name} have no {column}: every row needs one")
    sets, answered = _sets(frame, variables)
    keys = [c for c in frame.columns if c == "member" or c in columns]
    if not any(v in frame.columns for v in variables):
        keep = ~frame[keys].duplicated().to_numpy()
        frame, answered = frame[keep], answered[keep]
    counted, overlap, members = families(frame, map(tuple, own), regions, answered)
    hints = tuple(hint_of(f, too_small(f, rules, overlap), rules) for f in counted)
    return Source(name, columns, own, sets, counted, hints, rules, overlap, members)


def _sets(frame: pd.DataFrame, variables: list[str]) -> tuple[dict[str, int], Mask]:
    """Who has a value of each variable; variables with the same people share a set."""
    everybody = np.ones(len(frame), dtype=bool)
    found: dict[bytes, int] = {}
    sets: dict[str, int] = {}
    masks: list[Mask] = []
    for variable in variables:
        mask = frame[variable].notna().to_numpy() if variable in frame.columns else everybody
        key = np.packbits(mask).tobytes()
        if key not in found:
            found[key] = len(masks)
            masks.append(mask)
        sets[variable] = found[key]
    return sets, np.array(masks or [everybody]).T


def _names(cut: Iterable[str]) -> str:
    return " x ".join(sorted(cut)) or "everybody"


def _tally(source: Source, variable: str) -> list[tuple[str, str, str, int, int]]:
    rows: list[tuple[str, str, str, int, int]] = []
    for cut in sorted(source.cuts, key=sorted) if source.families else ():
        for family, hidden in zip(source.families, source.hidden(variable), strict=True):
            if cut <= set(family.names):
                place = tuple(_shown(family, name, cut) for name in family.names)
                where = np.ix_(*place)
                filled = family.people[..., source.sets[variable]][where] > 0
                rows.append(
                    (source.name, variable, _names(cut), int(filled.sum()), int((filled & hidden[where]).sum()))
                )
                break
    return rows


def _shown(family: Family, name: str, cut: frozenset[str]) -> Any:
    """Places of one axis that a cut's rows stand at: every value, or all together; by wave and over all waves."""
    parts: tuple[Axis | Tree, ...] = (*family.extras, family.column, family.tree)
    count = len(parts[family.names.index(name)].places)
    return range(count) if name == "wave" else range(1, count) if name in cut else [0]
