"""A chain of steps: who passes each, who of those that passed the ones before, and where most are lost.

Source: answers with a column of 0 and 1 a step. Everything is worked out from the design-based shares of those who pass a step
among those who passed all steps before it, and from their joint covariance (`analysis.estimates`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats

from analysis.methods.design import Design
from analysis.methods.estimates import Estimates, Floats, estimates, share_interval
from analysis.tidy import KEYS, tidy_frame

STATISTICS = ("marginal", "conditional", "cumulative", "lost", "lost_most")
OF_CHAIN = STATISTICS[1:]
ENDS = ("std_error", "conf_low", "conf_high")
AT_ONCE = 200  # cells that are drawn for together
FAR = 8.0  # errors from which on chance cannot turn an order
Bools = NDArray[np.bool_]


def passing(
    frame: pd.DataFrame,
    *,
    steps: Mapping[str, str],
    by: Mapping[str, str],
    design: Design | None,
    asked: Mapping[str, Sequence[bool]],
    draws: int = 4000,
    seed: int = 0,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    r"""Estimate how many pass each step of a chain, in one level of cuts.

    With :math:`r_k` the weighted share that did step k among those who did all steps before it and answered k, the share of all
    that did every step up to k is :math:`c_k = r_1 \cdots r_k`, and :math:`c_{k-1} - c_k` (with :math:`c_0 = 1`) is lost at k.
    Where every member answered every step, :math:`c_k` is the plain weighted share. Errors are linearised: those of the
    :math:`r_k` with their covariance, through the derivatives of the products.

    Parameters
    ----------
    frame : DataFrame
        A row a person, with the columns of steps (float: 0, 1, missing), cuts and design.
    steps : mapping of str to str
        {name: column}, in the order of the chain.
    by : mapping of str to str
        {key of the table: column} of the cut, as for `analysis.estimates`.
    design : Design or None
        None: a simple random sample.
    asked : mapping of str to sequence of bool
        {wave: whether each step was asked in it}; wave ``*`` where nothing is cut by wave.
    draws, seed : int
        Of ``lost_most``.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    DataFrame
        Tidy rows, term = step, statistics `STATISTICS`, all in [0, 1]. Intervals are Wilson's on the effective number, with t.
        ``n`` of marginal and conditional: rows with an answer (and all steps before done); of the others: rows of which it is
        known whether they did all steps up to this one. ``lost_most`` has no error: it is the share of draws from the joint normal
        distribution of the shares lost in which most are lost at this step (of those asked). A step that was not asked in a wave,
        and what a step before it that was not asked leaves untold, is ``not_asked``.

    Examples
    --------
    >>> came = pd.DataFrame({"in": [1.0, 1.0, 1.0, 0.0], "out": [1.0, 0.0, 0.0, np.nan]})
    >>> rows = passing(came, steps={"in": "in", "out": "out"}, by={}, design=None, asked={"*": (True, True)})
    >>> rows.query("statistic == 'cumulative'")["estimate"].round(9).tolist()
    [0.75, 0.25]
    """
    working = frame.assign(**_columns(frame, steps))
    columns = [f"{kind} {name}" for kind in ("marginal", "conditional", "known") for name in steps]
    result = estimates(working, variables=columns, by=by, design=design, conf_level=conf_level)
    found = _Chain(result, len(steps), asked)
    tables = [found.direct(0), found.direct(1), *found.chain(draws, seed)]
    parts = [
        found.keys.assign(term=name, statistic=statistic).join(found.frame_of(table, k))
        for k, name in enumerate(steps)
        for statistic, table in zip(STATISTICS, tables, strict=True)
    ]
    return tidy_frame(pd.concat(parts, ignore_index=True))


def as_shares(result: Estimates) -> pd.DataFrame:
    """Give means of columns of 0 and 1 with the interval of a share, which stays within 0 and 1."""
    p, error, n, kish = (result.rows[c].to_numpy(dtype=np.float64) for c in ("estimate", "std_error", "n", "n_eff"))
    low, high = share_interval(p, error, n, kish, stats.t.ppf((1 + result.conf_level) / 2, result.df))
    return result.rows.assign(conf_low=low, conf_high=high)


def _columns(frame: pd.DataFrame, steps: Mapping[str, str]) -> dict[str, Floats]:
    """The step itself; the step among those who did all before it; and whether all up to it were done, as far as that is known."""
    found: dict[str, Floats] = {}
    passed = np.ones(len(frame))
    for name, column in steps.items():
        did = frame[column].to_numpy(dtype=np.float64)
        found[f"marginal {name}"] = did
        found[f"conditional {name}"] = np.where(passed == 1, did, np.nan)
        # who fell out before, or did not do this one, did not do all: whatever else was not answered
        passed = np.where((passed == 0) | (did == 0), 0.0, passed * did)
        found[f"known {name}"] = passed
    return found


class _Chain:
    """Numbers of all cells of a cut; arrays are (cells, steps)."""

    def __init__(self, result: Estimates, steps: int, asked: Mapping[str, Sequence[bool]]) -> None:
        self.result, self.steps = result, steps
        self.cells = len(result.rows) // (3 * steps)
        self.keys = result.rows.iloc[: self.cells][list(KEYS[:4])]
        self.asked = np.array([asked[w] for w in self.keys["wave"]], dtype=bool).reshape(self.cells, steps)
        self.whole: Bools = np.logical_and.accumulate(self.asked, axis=1)

    def of(self, kind: int, column: str) -> Floats:
        """Marginal (0), conditional (1) or known (2), one column of its rows."""
        values = self.result.df if column == "df" else self.result.rows[column].to_numpy(dtype=np.float64)
        return values.reshape(3, self.steps, self.cells)[kind].T

    def direct(self, kind: int) -> dict[str, Floats]:
        """Shares that the estimates give as they are."""
        counts = {c: self.of(kind, c) for c in ("n", "n_eff")}
        there = self.asked if kind == 0 else self.whole
        return self._shares(self.of(kind, "estimate"), self.of(kind, "std_error"), self.of(kind, "df"), counts, there)

    def chain(self, draws: int, seed: int) -> list[dict[str, Floats]]:
        """Cumulative and lost shares, and where most are lost."""
        counts = {c: self.of(2, c) for c in ("n", "n_eff")}
        passes, cumulative = self._products()
        lost = np.column_stack([1 - cumulative[:, :1], cumulative[:, :-1] - cumulative[:, 1:]])
        covariance = self._covariance(passes)
        error = np.sqrt(np.maximum(np.einsum("ckk->ck", covariance), 0.0))
        # what is left after k is 1 less all that was lost up to k
        sums = [covariance[:, : k + 1, : k + 1].sum(axis=(1, 2)) for k in range(self.steps)]
        left = np.sqrt(np.maximum(np.column_stack(sums), 0.0))
        blind = np.isnan(self.of(2, "std_error")) | np.isnan(cumulative)
        error, left = (np.where(blind, np.nan, e) for e in (error, left))
        df, there = self.of(2, "df"), self.whole
        told = ~np.isnan(np.where(there, error, 0.0)).any(axis=1) & there.any(axis=1)
        most, nothing = np.full(lost.shape, np.nan), np.full(lost.shape, np.nan)
        most[told] = _most(lost[told], covariance[told], there[told], draws, seed)
        return [
            self._shares(cumulative, left, df, counts, there),
            self._shares(lost, error, df, counts, there),
            {
                "estimate": np.where(there, most, np.nan),
                **dict.fromkeys(ENDS, nothing),
                **counts,
                "there": there.astype(np.float64),
            },
        ]

    def _products(self) -> tuple[Floats, Floats]:
        """Shares that pass each step, and their products; where nobody is left, nobody passes."""
        passes = self.of(1, "estimate").copy()
        cumulative = np.empty_like(passes)
        before = np.ones(self.cells)
        for k in range(self.steps):
            passes[:, k] = np.where((before == 0) & np.isnan(passes[:, k]), 0.0, passes[:, k])
            before = cumulative[:, k] = before * passes[:, k]
        return passes, np.where(self.whole, cumulative, np.nan)

    def _covariance(self, passes: Floats) -> Floats:
        """Covariance (cells, steps, steps) of the shares lost, from variances of them and of their sums two by two."""
        known = np.nan_to_num(passes)
        lost = _derivatives(known)
        pairs = list(combinations_with_replacement(range(self.steps), 2))
        factors = np.stack([lost[:, a] if a == b else lost[:, a] + lost[:, b] for a, b in pairs], axis=1)
        factors = np.where(np.isnan(self.of(1, "estimate"))[:, None, :], 0.0, factors)
        cell, pair, step = np.nonzero(factors)
        row = (self.steps + step) * self.cells + cell  # the conditional shares come second among the variables
        shape = (len(self.result.rows), self.cells * len(pairs))
        sums = sparse.csc_array((factors[cell, pair, step], (row, cell * len(pairs) + pair)), shape=shape)
        spread = self.result.spread
        variances = np.zeros(shape[1]) if spread is None else spread.variances(sums)
        variance = {ab: variances[at :: len(pairs)] for at, ab in enumerate(pairs)}
        out = np.empty((self.cells, self.steps, self.steps))
        for a, b in pairs:
            both = variance[a, b] if a == b else (variance[a, b] - variance[a, a] - variance[b, b]) / 2
            out[:, a, b] = out[:, b, a] = both
        return out

    def _shares(
        self, p: Floats, error: Floats, df: Floats, counts: Mapping[str, Floats], there: Bools
    ) -> dict[str, Floats]:
        t = stats.t.ppf((1 + self.result.conf_level) / 2, df)
        p = np.clip(p, 0.0, 1.0)  # a difference of products may lie a rounding error outside
        low, high = share_interval(p, error, counts["n"], counts["n_eff"], t)
        return {
            "estimate": p,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
            **counts,
            "there": there.astype(np.float64),
        }

    def frame_of(self, table: Mapping[str, Floats], k: int) -> pd.DataFrame:
        """The numbers of one step, with the status of each cell."""
        there = np.asarray(table["there"][:, k], dtype=bool)
        numbers = {c: np.where(there, v[:, k], np.nan) for c, v in table.items() if c != "there"}
        status = np.where(there, np.where(np.isnan(numbers["estimate"]), "not_estimable", "ok"), "not_asked")
        return pd.DataFrame({**numbers, "status": status}, index=self.keys.index)


def _derivatives(passes: Floats) -> Floats:
    """Derivative (cells, lost at k, share passing j) of what is lost at each step."""
    cells, steps = passes.shape
    of_products = np.zeros((cells, steps + 1, steps))  # before the first step everybody is there
    for k in range(steps):
        for j in range(k + 1):
            of_products[:, k + 1, j] = np.prod(np.delete(passes[:, : k + 1], j, axis=1), axis=1)
    return of_products[:, :-1] - of_products[:, 1:]


def _most(lost: Floats, covariance: Floats, there: Bools, draws: int, seed: int) -> Floats:
    """Share of draws in which most are lost at each step; steps that lose alike share a draw."""
    lost = np.where(there, lost, -np.inf)
    out = (lost == lost.max(axis=1, keepdims=True, initial=-np.inf)).astype(np.float64)
    open_ = _undecided(lost, covariance)
    normal = np.random.default_rng(seed).standard_normal((draws, lost.shape[1]))
    for part in np.array_split(open_, max(-(-len(open_) // AT_ONCE), 1)):
        both = there[part][:, :, None] & there[part][:, None, :]
        values, vectors = np.linalg.eigh(np.where(both, covariance[part], 0.0))
        # the symmetric root: the same on every machine, whatever signs the vectors come with
        root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.transpose(0, 2, 1)
        drawn = lost[part][:, None, :] + normal @ root
        first = drawn == drawn.max(axis=2, keepdims=True)
        out[part] = (first / first.sum(axis=2, keepdims=True)).mean(axis=1)
    return out / out.sum(axis=1, keepdims=True)


def _undecided(lost: Floats, covariance: Floats) -> NDArray[np.int64]:
    """Cells in which some other step is within `FAR` errors of the one where most are lost."""
    if not len(lost):
        return np.empty(0, np.int64)
    cells, top = np.arange(len(lost)), lost.argmax(axis=1)
    own = np.einsum("ckk->ck", covariance)
    spread = own + own[cells, top][:, None] - 2 * covariance[cells, top]
    lead = lost[cells, top][:, None] - lost
    near = lead < FAR * np.sqrt(np.maximum(np.nan_to_num(spread), 0.0))
    near[cells, top] = False
    return np.flatnonzero(near.any(axis=1))
