"""From the columns of a new file to a proposed mapping: each column's likeliest role or item, how sure that is, and why.

It proposes; a person confirms (`survey.proposal.new_wave`). Nothing here runs when files are taken in.

The rule. For every column and every target, the evidence of `survey.proposal.evidence` is added up, as logarithms to base ten of
how many times likelier it is where the two belong together: a prior of 1 : 16 against; an earlier wave's mapping of the same header
(3000 : 1 for the last wave's); the likeness of the wordings (40,000 : 1 where equal); the cells that the item's codes and
labels, or the role, recognise; the platform's own columns; for options, their neighbours. A column takes one target and a
target one column, so that the sum over all pairs is largest (assignment problem); pairs less likely than 1 : 10 are left out.
The confidence of a pair is its odds over 1 + the odds of all targets for this column, or of all columns for this target,
whichever is less: where two are as likely, neither is above one half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from survey.checks.units import known_groups, known_regions
from survey.instrument import Item
from survey.proposal import evidence
from survey.proposal.columns import Column, look
from survey.proposal.evidence import Known, Target
from survey.readers import RawTable
from survey.schema import REGISTRY_COUNTS, ROLES, STAGES, needed_roles
from survey.study import Study, Wave
from survey.wording import guesses

__all__ = ["Proposal", "Reason", "Row", "Seen", "guesses", "propose", "propose_seen", "see"]

PRIOR, FLOOR = -1.2, -1.0
LEAST = 0.1  # below it nothing was found
PROPOSED_FROM = 0.6  # below it a proposal is for a person to look at, and stands commented out
SURE_FROM = 0.9
MOST_SURE = 0.99
KINDS = tuple(ROLES)
# A file of a kind has at least one column that is one of these; answers have an item.
TELLING = {
    "registry": REGISTRY_COUNTS,
    "memberships": ("joined", "left", "times"),
    **{kind: stages[:1] for kind, stages in STAGES.items()},
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in both languages; never with a cell of the file."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is proposed for one column.

    Attributes
    ----------
    header : str
        The column's name in the file.
    target : str
        Role, item or ``item=code``; empty: nothing was found.
    confidence : float
        0 to 1; 0 where nothing was found.
    reasons : tuple of Reason
    runner_up : str
        The next likeliest target; empty: none.
    barred : bool
        It holds what identifies people and is not to be mapped.
    metadata : str
        What the platform says of it; empty: nothing.
    """

    header: str
    target: str
    confidence: float
    reasons: tuple[Reason, ...]
    runner_up: str
    barred: bool
    metadata: str

    @property
    def proposed(self) -> bool:
        """Whether it is sure enough to stand as a line of the mapping."""
        return bool(self.target) and self.confidence >= PROPOSED_FROM


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one file.

    Attributes
    ----------
    holds : str
        One of `KINDS`.
    version : str
        Version of the instrument.
    rows : tuple of Row
        One a column, in the file's order.
    fit : float
        How well the file as a whole fits what it is said to hold: the mean confidence of its columns, the platform's own left
        out, times the share of needed roles that were found; 0 for answers without an item and for a file without what its kind
        tells of (`TELLING`).
    times : str
        Form of its times, as ``layout.times``; empty where a day could be a month, or where there is none.
    separator : str
        What stands between several codes or groups of one cell; empty: nothing.
    """

    holds: str
    version: str
    rows: tuple[Row, ...]
    fit: float
    times: str
    separator: str

    @property
    def columns(self) -> dict[str, str]:
        """The mapping, as far as it is proposed."""
        return {row.header: row.target for row in self.rows if row.proposed}


def propose(
    raw: RawTable, study: Study, version: str, previous: Sequence[Wave] = (), *, holds: str | None = None
) -> Proposal:
    """Propose what each column of a file is.

    Parameters
    ----------
    raw : RawTable
        The file.
    study : Study
    version : str
        Version of the instrument whose items are looked for.
    previous : sequence of Wave
        Earlier waves, oldest first; their mappings and values are evidence.
    holds : str, optional
        One of `KINDS`; None: the kind that fits best.

    Returns
    -------
    Proposal

    Notes
    -----
    Assumes that kinds of evidence are independent and that each item was asked once. Where the file's cells are all empty, the
    headings alone decide. Empty cells and what the platform calls no answer say nothing.
    """
    if holds is not None and holds not in KINDS:
        raise ValueError(f"holds is {holds!r}; it must be one of {', '.join(KINDS)}")
    seen = see(raw, study, previous)
    return propose_seen(seen, study, version, previous, (holds,) if holds else KINDS)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file's columns, and what the study knows of their cells."""

    columns: tuple[Column, ...]
    known: Known


def see(raw: RawTable, study: Study, previous: Sequence[Wave]) -> Seen:
    """Look at a file once, for several proposals."""
    columns = look(raw)
    return Seen(columns, _known(study, previous, columns))


def propose_seen(
    seen: Seen, study: Study, version: str, previous: Sequence[Wave], kinds: Sequence[str] = KINDS
) -> Proposal:
    """As `propose`, for a file that was looked at already."""
    found = (_propose(seen.columns, study, version, previous, seen.known, kind) for kind in kinds)
    return max(found, key=lambda proposal: proposal.fit)


def _propose(
    columns: Sequence[Column], study: Study, version: str, previous: Sequence[Wave], known: Known, holds: str
) -> Proposal:
    earlier = [_mappings(wave, holds) for wave in previous]
    targets = _targets(study, version, earlier, holds)
    weighed = _weigh(columns, targets, earlier, known, holds)
    chosen = _without_both_ways(_assign(weighed.total), targets, weighed.total)
    chosen = {n: m for n, m in chosen.items() if weighed.confidence[n, m] >= LEAST}
    rows = tuple(_row(n, chosen.get(n), columns[n], targets, weighed) for n in range(len(columns)))
    mapped = {row.target: column for row, column in zip(rows, columns, strict=True) if row.proposed}
    timed = next((mapped[role] for role in evidence.TIMED if role in mapped), None)
    return Proposal(
        holds=holds,
        version=version,
        rows=rows,
        fit=_fit(rows, study, holds),
        times=known.time_form(timed)[0] if timed else "",
        separator=_separator([c for t, c in mapped.items() if t in ("group", *_whole_multiples(targets))]),
    )


def _known(study: Study, previous: Sequence[Wave], columns: Sequence[Column]) -> Known:
    """Which of the file's cells name groups and places that the study knows, or that earlier waves' values lead to one."""
    seen = sorted({cell for c in columns for cell in c.cells})
    column = pd.Series(sorted({part.strip() for cell in seen for part in (cell, *_split(cell))}), dtype="str")
    values = [entry.values for wave in previous for entry in wave.settings.files]
    groups = set(column[known_groups(study, column).notna()]) if len(study.groups) else None
    regions = (
        set(column[known_regions(study, previous[-1], column).notna()]) if previous and len(study.places) else None
    )
    for said in values:
        groups = None if groups is None else groups | set(said.get("group", ()))
        regions = None if regions is None else regions | set(said.get("region", ()))
    return Known(
        None if groups is None else frozenset(groups),
        None if regions is None else frozenset(regions),
        study.settings.time_zone,
        pd.Series(seen, dtype="str"),
        {cell: n for n, cell in enumerate(seen)},
    )


def _split(cell: str) -> list[str]:
    return [part for sign in evidence.SEPARATORS if sign in cell for part in cell.split(sign)]


def _mappings(wave: Wave, holds: str) -> dict[str, str]:
    return {h: t for entry in wave.settings.files if entry.holds == holds for h, t in entry.columns.items()}


def _targets(study: Study, version: str, earlier: Sequence[Mapping[str, str]], holds: str) -> list[Target]:
    """Roles of such files, and for answers the items of the version, options of multiple-response items one by one."""
    called: dict[str, list[str]] = {}
    for mapping in earlier:
        for header, target in mapping.items():
            called.setdefault(target, []).append(header)
    absent = {"within"} | ({"group"} if study.settings.groups is None else set())
    absent |= {"region"} if study.places.empty else set()
    roles = [role for role in ROLES[holds] if role not in absent or role in called]
    found = [Target(role, None, "", (*evidence.words_of(role, roles), *called.get(role, ()))) for role in roles]
    if holds == "answers":
        asked = [item for item in study.items if item.asked_in(version)]
        for item in asked:
            found += _item_targets(study, item, _place_in_scale(item, asked), called)
    return found


def _place_in_scale(item: Item, asked: Sequence[Item]) -> int:
    return [other.name for other in asked if other.scale == item.scale].index(item.name) + 1


def _item_targets(study: Study, item: Item, place: int, called: Mapping[str, Sequence[str]]) -> list[Target]:
    texts = [item.name, item.wording.en, item.wording.zh]
    if item.scale and item.scale in study.settings.scales:
        title = study.settings.scales[item.scale].title
        texts += [f"{title.en}{place}", f"{title.zh}{place}"]
    found = [Target(item.name, item, "", (*texts, *called.get(item.name, ())))]
    if item.kind == "multiple" and item.codes:
        for code, label in item.codes.codes.items():
            name, options = f"{item.name}={code}", (label.en, label.zh, *label.also)
            joined = tuple(f"{text} {option}" for text in texts[1:3] for option in options[:2])
            found.append(Target(name, item, code, (name, *joined, *called.get(name, ())), options))
    return found


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Evidence of all pairs: its sum, and what of it is told as a reason."""

    total: np.ndarray
    alike: np.ndarray
    led: np.ndarray
    share: np.ndarray
    confidence: np.ndarray


def _weigh(
    columns: Sequence[Column], targets: Sequence[Target], earlier: Sequence[Mapping[str, str]], known: Known, holds: str
) -> _Weighed:
    headers = {column.header for column in columns}
    alike = evidence.wording(columns, targets)
    led = evidence.history(columns, targets, earlier, unchanged=bool(earlier) and set(earlier[-1]) <= headers)
    logs, share = evidence.contents(columns, targets, alike, known, holds)
    total = PRIOR + evidence.wording_log(alike) + led + logs + evidence.coherence(columns, targets)
    total += evidence.platform(columns, targets, led)
    odds = 10 ** np.clip(total, -9, 9)
    rivals = np.maximum(odds.sum(axis=1, keepdims=True), odds.sum(axis=0, keepdims=True))
    return _Weighed(total, alike, led, share, np.minimum(odds / (1 + rivals), MOST_SURE))


def _assign(total: np.ndarray) -> dict[int, int]:
    """Give each column its target, one each, with the largest sum; pairs less likely than 1 : 10 are worth nothing."""
    worth = np.maximum(total - FLOOR, 0)
    pairs = zip(*linear_sum_assignment(worth, maximize=True), strict=True) if total.size else ()
    return {int(n): int(m) for n, m in pairs if worth[n, m] > 0}


def _without_both_ways(chosen: dict[int, int], targets: Sequence[Target], total: np.ndarray) -> dict[int, int]:
    """A multiple-response item comes as one column or as a column an option; the way with more evidence stays."""
    out = dict(chosen)
    for name in {targets[m].name.partition("=")[0] for m in chosen.values() if targets[m].code}:
        own = {n: m for n, m in out.items() if targets[m].name.partition("=")[0] == name}
        whole = {n for n, m in own.items() if not targets[m].code}
        worth = {n: total[n, m] for n, m in own.items()}
        loser = (
            whole if sum(worth[n] for n in own if n not in whole) >= sum(worth[n] for n in whole) else set(own) - whole
        )
        out = {n: m for n, m in out.items() if n not in loser}
    return out


def _row(n: int, m: int | None, column: Column, targets: Sequence[Target], weighed: _Weighed) -> Row:
    order = np.argsort(-weighed.total[n], kind="stable")
    others = [targets[k].name for k in order if k != m and weighed.confidence[n, k] >= 0.01]
    found = m is not None
    return Row(
        header=column.header,
        target=targets[m].name if m is not None else "",
        confidence=round(float(weighed.confidence[n, m]), 2) if m is not None else 0.0,
        reasons=_reasons(n, m, column, weighed) if m is not None else (),
        runner_up=others[0] if others else "",
        barred=column.personal and not found,
        metadata=column.metadata,
    )


def _reasons(n: int, m: int, column: Column, weighed: _Weighed) -> tuple[Reason, ...]:
    alike, share = float(weighed.alike[n, m]), float(weighed.share[n, m])
    found = []
    if weighed.led[n, m] > 0:
        found.append(Reason("the same column in an earlier wave", "以前各波同名列"))
    if column.metadata:
        found.append(Reason("the platform's own column", "平台自带的列"))
    if not isnan(alike) and alike >= 0.3:
        found.append(Reason(f"wording {alike:.0%} alike", f"题面相似 {alike:.0%}"))
    if not isnan(share):
        found.append(Reason(f"{share:.0%} of the cells fit", f"{share:.0%} 的单元格相符"))
    if column.metadata:
        found.append(Reason("the platform's own column", "平台自带的列"))
    if column.personal:
        found.append(Reason("holds numbers that identify people", "含可识别个人的号码"))
    return tuple(found)


def _fit(rows: Sequence[Row], study: Study, holds: str) -> float:
    own = [row.confidence for row in rows if not row.metadata or row.target]
    there = {row.target for row in rows if row.proposed}
    units = ({"group"} if study.settings.groups else set()) | (set() if study.places.empty else {"region"})
    needed = needed_roles(holds, units)
    if holds in TELLING and there.isdisjoint(TELLING[holds]):
        return 0.0
    if holds == "answers" and there <= {*ROLES["answers"]}:
        return 0.0
    found = (1 + sum(role in there for role in needed)) / (1 + len(needed))
    return sum(own) / max(len(own), 1) * found


def _whole_multiples(targets: Sequence[Target]) -> set[str]:
    return {t.name for t in targets if t.item is not None and t.item.kind == "multiple" and not t.code}


def _separator(columns: Sequence[Column]) -> str:
    """The sign between several codes or groups of a cell that most cells have; empty where none has one."""
    counts = {
        sign: sum(int(c.counts[[sign in cell for cell in c.cells]].sum()) for c in columns if c.cells)
        for sign in evidence.SEPARATORS
    }
    sign = max(counts, key=lambda s: counts[s])
    return sign if counts[sign] else ""
