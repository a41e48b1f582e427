"""Who came in, who went out and who stayed from one wave to the next?  Rates of entry and exit of a panel.

Source: a frame with a row a person and wave. Counted are pairs of successive waves in which a person was seen; who was not seen
in one of them is counted as that, and is no exit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.counts import wilson
from analysis.methods.design import Design, label, levels, names, numeric, present
from analysis.methods.estimates import domains, estimates
from analysis.tidy import ALL, NUMBERS, parse_domain, tidy_frame

BINARY = ("0", "1")
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Transitions:
    """Rates of change of state between successive waves."""

    state: str  #: column of the state
    states: tuple[str, ...]  #: states told; of 0 and 1 only 1
    waves: tuple[str, ...]  #: in order
    rows: pd.DataFrame  #: tidy table
    counts: pd.DataFrame  #: key columns and wave (the later one), before, after (states; ``*``: not seen), n: all pairs

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        status = self.rows["status"].value_counts().to_dict()
        return (
            f"Transitions({self.state}, {len(self.waves)} waves {self.waves[0]} to {self.waves[-1]}; status {status})"
        )


def transitions(
    frame: pd.DataFrame,
    *,
    person: str,
    wave: str,
    state: str,
    by: Sequence[str] | str = (),
    conf_level: float = 0.95,
) -> Transitions:
    r"""Give rates of entry, exit and staying for each pair of successive waves, and over all of them.

    Of those seen in both waves, with :math:`n_{ab}` in state a before and in b after: entry into b is
    :math:`\sum_{a \ne b} n_{ab} / \sum_{a \ne b} n_{a\cdot}`, exit from a :math:`1 - n_{aa}/n_{a\cdot}`, stay
    :math:`n_{aa}/n_{a\cdot}`.

    Parameters
    ----------
    frame : DataFrame
        A row a person and wave. No row, or a missing state, means that the person was not seen in that wave.
    person, wave : str
        Columns; none missing. Waves follow each other in sorted order; time between them is not looked at.
    state : str
        Column: 0 and 1 (or False and True), or several states (text, other numbers).
    by : str or sequence of str
        Cut columns. A pair belongs to the unit that the person was in before; rows where a cut is missing are in none.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Transitions
        ``tidy()``: wave = the later one, ``*`` for all pairs pooled; term = `state` for 0 and 1 (told is 1), otherwise
        ``state=a``. Shares: statistic ``entry`` (n: those not in it before), ``exit`` and ``stay`` (n: those in it before),
        ``share`` in the state (n: those seen in that wave), with Wilson's interval. Pooled over waves a person stands there several
        times: error and interval are those of `estimates` with persons as clusters (where nobody or everybody moved, pairs
        count as apart). With several states also ``transition``
        from a to b, term ``state=a:state=b`` (n: those in a before). Counts of persons: ``unseen`` seen in one wave of the
        pair and not in the other (n: those seen in one or both), ``unseen_after`` those of them who were seen before and not
        after (n: those seen before); term = `state`, no error; pooled: of pairs. ``not_estimable`` where n is 0.
        ``counts``: the table of all pairs.

    Raises
    ------
    ValueError
        For unknown columns, a person twice in a wave, missing persons or waves, fewer than two waves, one state only that is
        neither 0 nor 1.

    Notes
    -----
    Assumes that those not seen moved as those seen; ``unseen_after`` says how many that is said of. An answer that is wrong in one
    wave alone makes an entry and an exit: rates from answers are too high by that. Who returns after a wave unseen is in no
    pair across the gap.

    Examples
    --------
    >>> frame = pd.DataFrame({"who": list("aabbcc") + ["d"], "year": [1, 2] * 3 + [1], "member": [0, 1, 1, 1, 1, 0, 1]})
    >>> rows = transitions(frame, person="who", wave="year", state="member").tidy()
    >>> rows[rows["wave"] == "2"][["statistic", "estimate", "n"]].round(4).values.tolist()
    ... # doctest: +NORMALIZE_WHITESPACE
    [['entry', 1.0, 1.0], ['exit', 0.5, 2.0], ['stay', 0.5, 2.0], ['share', 0.6667, 3.0], ['unseen', 1.0, 4.0],
     ['unseen_after', 1.0, 4.0]]
    """
    cuts = names(by)
    _check(frame, person, wave, state, cuts)
    waves, when = _waves(frame, wave)
    states, code = _states(frame, state)
    unit, keys = domains(frame, {c: c for c in cuts})
    seen = pd.DataFrame({"unit": unit, "wave": when, "person": pd.factorize(frame[person])[0], "state": code})
    seen = seen[seen["state"] >= 0].sort_values(["person", "wave"], ignore_index=True)
    pairs = _pairs(seen, len(waves))
    grid = _Grid(len(keys), len(waves), conf_level)
    binary = states == BINARY
    told = {state: 1} if binary else {f"{state}={s}": k for k, s in enumerate(states)}
    parts = [part for term, k in told.items() for part in _of_state(seen, pairs, term, k, grid)]
    parts += [] if binary else list(_moves(pairs, state, states, grid))
    rows = _table([*parts, *_unseen(pairs, state, grid)], keys, waves)
    return Transitions(state, states[1:] if binary else states, waves, rows, _named(pairs, keys, waves, states))


def _check(frame: pd.DataFrame, person: str, wave: str, state: str, cuts: Sequence[str]) -> None:
    wanted = [person, wave, state, *cuts]
    present(frame, wanted, "transitions")
    twice = sorted({c for c in wanted if wanted.count(c) > 1} | ({"wave"} & set(cuts)))
    if twice:
        raise ValueError(
            f"transitions was given a column for two things: {twice}; each has one, and waves are always told apart"
        )
    for column in (person, wave):
        missing = int(frame[column].isna().sum())
        if missing:
            raise ValueError(f"column {column!r} is missing in {missing} rows; every row needs its person and its wave")
    extra = int(frame.duplicated([person, wave]).sum())
    if extra:
        raise ValueError(f"there are {extra} rows too many: a person stands once in a wave; take away the others")


def _waves(frame: pd.DataFrame, wave: str) -> tuple[tuple[str, ...], Ints]:
    codes, found = levels(frame[wave])
    if len(found) < 2:
        raise ValueError(f"column {wave!r} holds {len(found)} wave(s); a transition needs two")
    return tuple(label(w) for w in found), codes


def _states(frame: pd.DataFrame, state: str) -> tuple[tuple[str, ...], Ints]:
    """States as text in sorted order, and each row's place among them, -1 where it was not recorded."""
    values = frame[state]
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        numbers = numeric(frame, state)
        if np.isin(numbers[~np.isnan(numbers)], (0, 1)).all():
            return BINARY, np.where(np.isnan(numbers), -1, numbers).astype(np.int64)
    codes, found = levels(values)
    if len(found) < 2:
        raise ValueError(f"column {state!r} holds {len(found)} state(s); a transition needs two, or 0 and 1")
    return tuple(label(s) for s in found), codes


def _pairs(seen: pd.DataFrame, waves: int) -> pd.DataFrame:
    """Give every pair of successive waves of a person who was seen in one of them; -1: not seen."""
    person, wave, state = (seen[c].to_numpy() for c in ("person", "wave", "state"))
    follows = (person[1:] == person[:-1]) & (wave[1:] == wave[:-1] + 1)
    after = np.where(np.append(follows, False), np.append(state[1:], -1), -1)
    onward = seen.assign(before=state, after=after, wave=wave + 1)[wave + 1 < waves]
    new = seen.assign(before=-1, after=state)[(wave > 0) & ~np.append(False, follows)[: len(wave)]]
    return pd.concat([onward, new], ignore_index=True)[["unit", "wave", "person", "before", "after"]]


def _of_state(seen: pd.DataFrame, pairs: pd.DataFrame, term: str, k: int, grid: _Grid) -> Iterator[pd.DataFrame]:
    both = pairs[(pairs["before"] >= 0) & (pairs["after"] >= 0)]
    outside, inside = both[both["before"] != k], both[both["before"] == k]
    yield grid.rates(outside, outside["after"] == k, term, "entry")
    yield grid.rates(inside, inside["after"] != k, term, "exit")
    yield grid.rates(inside, inside["after"] == k, term, "stay")
    yield grid.rates(seen, seen["state"] == k, term, "share", first=0)


def _moves(pairs: pd.DataFrame, state: str, states: Sequence[str], grid: _Grid) -> Iterator[pd.DataFrame]:
    both = pairs[(pairs["before"] >= 0) & (pairs["after"] >= 0)]
    for a, before in enumerate(states):
        inside = both[both["before"] == a]
        for b, after in enumerate(states):
            yield grid.rates(inside, inside["after"] == b, f"{state}={before}:{state}={after}", "transition")


def _unseen(pairs: pd.DataFrame, state: str, grid: _Grid) -> Iterator[pd.DataFrame]:
    once = (pairs["before"] < 0) | (pairs["after"] < 0)
    yield grid.numbers(pairs, once, state, "unseen")
    before = pairs[pairs["before"] >= 0]
    yield grid.numbers(before, before["after"] < 0, state, "unseen_after")


@dataclass(frozen=True, slots=True)
class _Grid:
    """Every unit and wave has its row, whether anybody is there or not; the wave after the last stands for all pooled."""

    units: int
    waves: int
    conf_level: float

    def counted(self, part: pd.DataFrame, yes: pd.Series, first: int = 1) -> pd.DataFrame:
        """Count those who did (x) and all (n) by unit and wave."""
        cells = pd.MultiIndex.from_product([range(self.units), range(first, self.waves)], names=["unit", "wave"])
        counts = yes.astype("float64").groupby([part["unit"], part["wave"]]).agg(["sum", "size"])
        return counts.set_axis(["x", "n"], axis=1).reindex(cells, fill_value=0).astype("float64").reset_index()

    def rates(self, part: pd.DataFrame, yes: pd.Series, term: str, statistic: str, first: int = 1) -> pd.DataFrame:
        """Give a share by unit and wave with Wilson's interval, then pooled with persons as clusters."""
        counts = self.counted(part, yes, first)
        single = counts[["unit", "wave"]].join(wilson(counts["x"], counts["n"], self.conf_level)).fillna({"n": 0})
        return pd.concat([single, self._pooled(part, yes)], ignore_index=True).assign(term=term, statistic=statistic)

    def _pooled(self, part: pd.DataFrame, yes: pd.Series) -> pd.DataFrame:
        rows = pd.DataFrame({"unit": np.arange(self.units), "wave": self.waves, "n": 0.0})
        part = part.assign(did=yes)[part["unit"] >= 0]
        if part.empty:
            return rows
        # Where nobody did, the table has no row for it: the others' is its mirror.
        asked = bool(yes.any())
        found = estimates(
            part,
            variables="did",
            statistic="proportion",
            by="unit",
            design=Design(cluster="person"),
            conf_level=self.conf_level,
        ).tidy()
        found = found[found["term"] == f"did={asked}"]
        found = found.assign(unit=[int(parse_domain(d)["unit"]) for d in found["domain"]]).set_index("unit")[
            list(NUMBERS)
        ]
        if not asked:
            mirror = {"estimate": "estimate", "conf_low": "conf_high", "conf_high": "conf_low"}
            found = found.assign(**{k: 1 - found[c] for k, c in mirror.items()})
        return rows.drop(columns="n").join(found, on="unit").fillna({"n": 0})

    def numbers(self, part: pd.DataFrame, yes: pd.Series, term: str, statistic: str) -> pd.DataFrame:
        """Give the number of those who did by unit and wave, and pooled."""
        counts = self.counted(part, yes)
        pooled = counts.groupby("unit", as_index=False)[["x", "n"]].sum().assign(wave=self.waves)
        found = pd.concat([counts, pooled], ignore_index=True)
        estimate = found["x"].where(found["n"] > 0)
        table = found[["unit", "wave", "n"]].assign(estimate=estimate, n_eff=found["n"])
        return table.assign(term=term, statistic=statistic)


def _table(parts: Sequence[pd.DataFrame], keys: pd.DataFrame, waves: Sequence[str]) -> pd.DataFrame:
    """Lay the parts under each other: unit by unit, wave by wave."""
    found = pd.concat(parts, ignore_index=True).sort_values(["unit", "wave"], kind="stable", ignore_index=True)
    places = keys.iloc[found.pop("unit")].reset_index(drop=True)
    names_of = np.array([*waves, ALL], dtype=object)
    return tidy_frame(places.join(found.assign(wave=names_of[found["wave"]])))


def _named(pairs: pd.DataFrame, keys: pd.DataFrame, waves: Sequence[str], states: Sequence[str]) -> pd.DataFrame:
    """Count all pairs, states by name."""
    counts = pairs[pairs["unit"] >= 0].groupby(["unit", "wave", "before", "after"]).size().reset_index(name="n")
    places = keys.iloc[counts["unit"]].reset_index(drop=True)
    called, of_wave = np.array([*states, ALL], dtype=object), np.array(waves, dtype=object)
    told = {"wave": of_wave[counts["wave"]], "before": called[counts["before"]], "after": called[counts["after"]]}
    return places.assign(**told, n=counts["n"])
