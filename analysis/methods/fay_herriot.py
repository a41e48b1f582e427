"""What is the mean of an area in which few answered?  Its own estimate, and as much from the others as it is unsure.

Source: a frame with a row an area: the direct estimate, its sampling variance and covariates known for every area, as the
registry's. See `analysis.core.small_area`; `analysis.benchmarked` then lets the areas add up to the place above them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.core import small_area as core
from analysis.methods.design import label, levels, names, numeric, present
from analysis.methods.mixed import NotFittable
from analysis.tidy import ALL, KEYS, concat, place_keys, tidy_frame

METHODS = core.METHODS
MSES = ("prasad_rao",)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Term = str | tuple[str, ...]
SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True, repr=False)
class FayHerriot:
    """A fitted area-level model.

    ``areas`` stands in the caller's order; its last columns are ``synthetic`` (nothing of its own went in), ``residual`` (of the
    direct estimate from the model's, standardised: beyond 3 is strange) and ``status``.
    """

    formula: str  #: ``estimate ~ covariates + (1 | area)``
    method: str  #: one of `METHODS`
    fitted: int  #: areas that the model was fitted to
    areas: pd.DataFrame  #: area columns, direct, variance, eblup, mse, std_error, interval, own_share, and see below
    coefficients: pd.DataFrame  #: term, estimate, std_error, conf_low, conf_high (outcome's unit)
    refvar: float  #: variance between areas that covariates leave, the outcome's unit squared
    refvar_error: float  #: its standard error, for large numbers of areas
    refvar_interval: tuple[float, float]  #: by the Q-profile; NaN where even a refvar of 0 is too much
    boundary: bool  #: the refvar is zero: every area is the model's alone, and errors may be too small
    log_likelihood: float  #: as metafor's logLik: restricted, by ml and ampl_yl full; without adjustment
    q: float  #: weighted sum of squared residuals at a refvar of 0 (Cochran's Q)
    q_df: int  #: areas less coefficients
    rows: pd.DataFrame  #: tidy table

    @property
    def q_p(self) -> float:
        """Chance of as large a q, were the refvar 0."""
        return float(stats.chi2.sf(self.q, self.q_df))

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.areas["status"].value_counts().items())
        refvar = "refvar 0: all from the model" if self.boundary else f"refvar {self.refvar:.4g}"
        return f"FayHerriot({self.formula}; {self.method}, fitted to {self.fitted} areas, {refvar}; {states})"


def fay_herriot(
    direct: pd.DataFrame,
    *,
    estimate: str,
    variance: str,
    covariates: Sequence[Term] | str = (),
    area: Sequence[str] | str,
    method: str = "reml",
    mse: str = "prasad_rao",
    conf_level: float = 0.95,
    n: str | None = None,
    term: str | None = None,
) -> FayHerriot:
    r"""Estimate the mean of each area from its own estimate and the others'.

    :math:`\hat\theta_i = x_i'\beta + v_i + e_i`, :math:`v_i \sim N(0, A)`, :math:`e_i \sim N(0, D_i)`, :math:`D_i` known.
    EBLUP: :math:`\gamma_i \hat\theta_i + (1 - \gamma_i) x_i'\hat\beta`, :math:`\gamma_i = A / (A + D_i)`: the less sure the
    direct estimate, the more is borrowed.

    Parameters
    ----------
    direct : DataFrame
        A row an area, each area once; all areas, also those without an estimate.
    estimate, variance : str
        Columns of the direct estimate and its sampling variance (the standard error squared, so of its unit squared). An area
        without an estimate, or with a variance of zero (all answered alike, which tells nothing of the error), gets the
        model's synthetic estimate :math:`x_i'\hat\beta` and is left out of the fit.
    covariates : str, or sequence of str or tuple
        Text, category and bool columns are factors in treatment coding (first level in order is the reference, terms
        ``column=level``), numbers are linear, a tuple is a product, named ``a:b``. An intercept is always there.
    area : str or sequence of str
        Columns that name the area; those called wave, group and region fill these keys, the others go to ``domain``.
    method : {"reml", "ml", "amrl_yl", "ampl_yl", "pr"}
        Of the refvar A: restricted or full likelihood; the same adjusted so that A stays above zero (Yoshimori & Lahiri
        2014), which moves A by little unless it is near zero; moments (Prasad & Rao 1990).
    mse : {"prasad_rao"}
        Second-order mean squared error :math:`g_1 + g_2 + 2 g_3`, by (adjusted) profile likelihood less :math:`B_i^2` times the
        bias of A (Datta & Lahiri 2000). A synthetic estimate's is A + :math:`x_i'(X'V^{-1}X)^{-1}x_i`, less that bias.
    conf_level : float
        Between 0 and 1.
    n : str, optional
        Column of the number of answers, passed on to the rows.
    term : str, optional
        What is estimated, the rows' term; None: the name of `estimate`.

    Returns
    -------
    FayHerriot
        ``tidy()``: a row an area of statistic ``eblup``, status ``pooled``, `basis` the covariates' names or ``*``, the interval
        normal with the root of the mse, so it may leave the scale; of statistic ``borrowed``, the share :math:`1 - \gamma_i`
        that is not the area's own (1: synthetic); rows ``coefficient`` (normal intervals) and ``refvar``. An area with a hole
        in its covariates, or a level that no area with an estimate has, is ``not_estimable``.

    Raises
    ------
    ValueError
        For unknown columns or options, text as estimate or variance.
    NotFittable
        For an area that is named twice or not at all, a variance below zero, an estimate without variance, fewer areas with
        an estimate than coefficients + 1, covariates that repeat others.

    Notes
    -----
    Assumes that the D_i are the true ones: smooth very noisy variances first. The interval of the refvar is the Q-profile's
    (Viechtbauer 2007), exact for normal errors whatever the method of A; it may leave out a likelihood's estimate, and there
    is none where the direct estimates lie closer together than their variances allow. Li & Lahiri's (2010) adjustment is not
    offered: its second-order mse falls below zero just where A is small. Numbers as R's metafor, and as sae, which stops sooner.

    Limits: the mse is right on average (within 2 % with A as large as the D_i, 10 to 20 % too large with A a fifth of them), but
    where A was found too small the intervals are too short. Made-up areas, D_i from .2 to 2, per cent of 95 % intervals
    that held the truth by reml: 15 areas and A = 1, 93 with an own estimate and 86 without; 30 areas, 94 and 91; 60 areas,
    94 and 93; 60 areas and A = .2, 91 and 86 (amrl_yl 92 and 87). With a refvar of zero (`boundary`) all areas are synthetic
    and a standard error counts no difference between areas: intervals held the truth in 58 to 81 % with an own estimate, in
    31 to 57 % without. Do not publish these intervals; look at the refvar's.

    Examples
    --------
    >>> direct = pd.DataFrame({"area": list("abcd"), "y": [1.0, 3.0, 5.0, None], "v": [1.0, 1.0, 1.0, None]})
    >>> fit = fay_herriot(direct, estimate="y", variance="v", area="area")
    >>> fit.areas["eblup"].round(2).tolist(), round(fit.refvar, 2)
    ([1.5, 3.0, 4.5, 3.0], 3.0)
    """
    places, terms = names(area), _terms(covariates)
    _check(direct, (estimate, variance, n), terms, places, method, mse, conf_level)
    keys, called = _keys(direct, places)
    y, d = _direct(direct, estimate, variance, called)
    coder, x, usable = _Coder.read(direct, terms, np.isfinite(d))
    model = _Model.fit(y, x, d, usable, coder, method, conf_level)
    areas, coefficients = model.areas(), model.coefficients(coder.terms)
    rows = pd.concat([keys, areas], axis=1).assign(n=np.nan if n is None else numeric(direct, n))
    written = [":".join(t) for t in terms]
    table = _rows(rows, coefficients, model, term or estimate, "+".join(written) or ALL)
    return FayHerriot(
        formula=f"{estimate} ~ {' + '.join(written or ['1'])} + (1 | {':'.join(places)})",
        method=method,
        fitted=model.ready.m,
        areas=pd.concat([direct[list(places)].reset_index(drop=True), areas], axis=1),
        coefficients=coefficients,
        refvar=model.found.a,
        refvar_error=model.found.a_error,
        refvar_interval=model.interval,
        boundary=model.found.a == 0,
        log_likelihood=model.found.log_likelihood,
        q=core.q_statistic(model.ready, 0.0),
        q_df=model.ready.m - model.ready.p,
        rows=table,
    )


def _terms(covariates: Sequence[Term] | str) -> list[tuple[str, ...]]:
    given = (covariates,) if isinstance(covariates, str) else covariates
    return [(t,) if isinstance(t, str) else tuple(t) for t in given]


def _check(
    direct: pd.DataFrame,
    columns: Sequence[str | None],
    terms: list[tuple[str, ...]],
    places: tuple[str, ...],
    method: str,
    mse: str,
    conf_level: float,
) -> None:
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; methods are {', '.join(METHODS)}")
    if mse not in MSES:
        raise ValueError(f"unknown mse {mse!r}; it is {', '.join(MSES)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")
    if not places:
        raise ValueError("area must name at least one column")
    present(direct, [*(c for c in columns if c), *(c for t in terms for c in t), *places], "fay_herriot")


def _keys(direct: pd.DataFrame, places: tuple[str, ...]) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Key columns of each area, every one there once, and its name in messages."""
    missing = int(direct[list(places)].isna().any(axis=1).sum())
    if missing:
        raise NotFittable(
            f"{missing} rows do not say which area they are of ({', '.join(places)}); name it or leave them out"
        )
    values = list(zip(*([label(v) for v in direct[c]] for c in places), strict=True))
    called = pd.Series([":".join(v) for v in values], dtype="str")
    twice = called[called.duplicated()].unique()
    if len(twice):
        raise NotFittable(f"areas must stand in one row each; in several: {_some(twice)}")
    return pd.DataFrame([place_keys(places, v) for v in values]), called.to_numpy(dtype=object)


def _direct(direct: pd.DataFrame, estimate: str, variance: str, called: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Estimates and variances; infinite variance where an area has nothing of its own to go by."""
    y, d = numeric(direct, estimate), numeric(direct, variance)
    if (d < 0).any():
        raise NotFittable(f"variances must be at least zero; below zero: {_some(called[d < 0])}")
    holes = np.isnan(d) & ~np.isnan(y)
    if holes.any():
        raise NotFittable(
            f"these areas have an estimate without variance: {_some(called[holes])}; give it, or take the estimate out"
        )
    return y, np.where(np.isnan(y) | np.isnan(d) | (d == 0), np.inf, d)


def _some(found: Sequence[str] | NDArray[Any]) -> str:
    rest = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(str(v) for v in found[:SHOWN]) + rest


@dataclass(frozen=True, slots=True)
class _Coder:
    """Columns of the fixed part."""

    codes: dict[str, tuple[str, ...]]  # levels of each factor among areas with an estimate, the first is the reference
    terms: tuple[str, ...]  # names of the coefficients

    @classmethod
    def read(cls, frame: pd.DataFrame, terms: list[tuple[str, ...]], own: Bools) -> tuple[_Coder, Floats, Bools]:
        """Give the coder, (rows, p) values, and the rows where all are known."""
        used = list(dict.fromkeys(c for t in terms for c in t))
        usable = frame[used].notna().all(axis=1).to_numpy() if used else np.ones(len(frame), bool)
        codes, blocks = {}, {}
        for c in used:
            if pd.api.types.is_bool_dtype(frame[c]) or not pd.api.types.is_numeric_dtype(frame[c]):
                codes[c] = tuple(label(v) for v in levels(frame[c][usable & own])[1])
                blocks[c], known = _dummies(frame[c], codes[c])
                usable = usable & known
            else:
                blocks[c] = numeric(frame, c)[:, None]
        columns, called = [np.ones((len(frame), 1))], ["(Intercept)"]
        for t in terms:
            block, name = np.ones((len(frame), 1)), [""]
            for c in t:
                block = (block[:, :, None] * blocks[c][:, None, :]).reshape(len(frame), -1)
                parts = [f"{c}={v}" for v in codes[c][1:]] if c in codes else [c]
                name = [f"{a}:{b}" if a else b for a in name for b in parts]
            columns.append(block)
            called += name
        return cls(codes, tuple(called)), np.where(usable[:, None], np.hstack(columns), 0.0), usable


def _dummies(values: pd.Series, codes: tuple[str, ...]) -> tuple[Floats, Bools]:
    """Treatment coding, and where the level is one of the codes."""
    text = np.array([label(v) for v in values], dtype=object)
    hits = text[:, None] == np.array(codes, dtype=object)[None, :]
    return hits[:, 1:].astype(float), hits.any(axis=1)


def _fittable(coder: _Coder, x: Floats) -> None:
    m, p = x.shape
    if m < p + 1:
        raise NotFittable(
            f"{m} areas have an estimate with a variance above zero and known covariates; {p} coefficients and a refvar need at "
            f"least {p + 1}: lay areas together or leave covariates out"
        )
    repeated = [coder.terms[j] for j in core.repeats(x)]
    if repeated:
        raise NotFittable(f"covariates repeat others or are constant: {repeated}; leave them out")


@dataclass(frozen=True, slots=True)
class _Model:
    """The fit, and all areas that it speaks of."""

    y: Floats  # (all areas,)
    x: Floats  # (all areas, p)
    d: Floats  # infinite without an own estimate
    usable: Bools  # covariates known
    ready: core.Areas
    found: core.Fit
    interval: tuple[float, float]
    z: float

    @classmethod
    def fit(
        cls, y: Floats, x: Floats, d: Floats, usable: Bools, coder: _Coder, method: str, conf_level: float
    ) -> _Model:
        """Fit to the areas that have an estimate and their covariates."""
        fitted = usable & np.isfinite(d)
        _fittable(coder, x[fitted])
        ready = core.areas(y[fitted], x[fitted], d[fitted])
        interval, z = core.q_profile(ready, conf_level), float(stats.norm.ppf((1 + conf_level) / 2))
        return cls(y, x, d, usable, ready, core.fit(ready, method), interval, z)

    def areas(self) -> pd.DataFrame:
        """What is known of each area, in the caller's order."""
        said, own = core.predict(self.ready, self.found, self.y, self.x, self.d), np.isfinite(self.d)
        reach = self.z * np.sqrt(said.mse)
        numbers = {"eblup": said.theta, "mse": said.mse, "std_error": np.sqrt(said.mse)}
        numbers |= {"conf_low": said.theta - reach, "conf_high": said.theta + reach, "own_share": said.gamma}
        table = pd.DataFrame({"direct": self.y, "variance": np.where(own, self.d, np.nan)} | numbers)
        table.loc[~self.usable, list(numbers)] = np.nan
        residual = np.full(len(own), np.nan)
        residual[self.usable & own] = self.found.residuals
        status = pd.array(np.where(self.usable, "pooled", "not_estimable"), dtype="str")
        return table.assign(synthetic=self.usable & ~own, residual=residual, status=status)

    def coefficients(self, terms: tuple[str, ...]) -> pd.DataFrame:
        """Coefficients with normal intervals."""
        beta, error = self.found.beta, np.sqrt(np.diag(self.found.covariance))
        ends = {"conf_low": beta - self.z * error, "conf_high": beta + self.z * error}
        return pd.DataFrame({"term": terms, "estimate": beta, "std_error": error} | ends)


def _rows(areas: pd.DataFrame, coefficients: pd.DataFrame, model: _Model, term: str, basis: str) -> pd.DataFrame:
    """Tidy rows of all that was estimated."""
    base = areas[[c for c in (*KEYS, "n", "status") if c in areas]].assign(term=term)
    known = areas["status"] == "pooled"
    numbers = areas[["std_error", "conf_low", "conf_high"]]
    eblup = base.assign(statistic="eblup", estimate=areas["eblup"], basis=np.where(known, basis, "")).join(numbers)
    borrowed = base.assign(statistic="borrowed", estimate=1 - areas["own_share"])
    borrowed["status"] = base["status"].mask(known, "ok")
    refvar = {"term": term, "statistic": "refvar", "estimate": model.found.a, "std_error": model.found.a_error}
    refvar |= dict(zip(("conf_low", "conf_high"), model.interval, strict=True))
    parts = [eblup, borrowed, coefficients.assign(statistic="coefficient")]
    return concat([*(tidy_frame(p) for p in parts), tidy_frame([refvar])])
