"""What do members say, in every cut, and how sure are we?

Means, proportions, totals and ratios with design-based errors. Source: a frame with a row a person. One pass over the
rows makes every domain of a cut; see `analysis.core.design`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats

from analysis.core import design as core
from analysis.tidy import KEYS, place_keys, tidy_frame

STATISTICS = ("mean", "proportion", "total", "ratio")
LATER = ("quantile",)
WIDEST_COVARIANCE = 4000
Floats = NDArray[np.float64]


class Calibration(Protocol):
    """What `rake` returns: the columns whose margins the weights meet."""

    @property
    def margins(self) -> Mapping[Any, Any] | Sequence[Any]:
        """Margins: column names, or tuples of column names for crossed margins."""
        ...


@dataclass(frozen=True, slots=True)
class Design:
    """How the sample was drawn, by column names."""

    weights: str | None = None  #: sampling weights, at least 0; None: 1, or the inverse fraction where fpc is given
    strata: str | None = None  #: strata of the first stage
    cluster: str | None = None  #: clusters of the first stage within strata; None: each row is its own
    fpc: str | None = None  #: clusters in the stratum's population, or the sampling fraction where all are at most 1
    replicates: tuple[str, ...] = ()  #: replicate weights; not offered yet
    calibration: Calibration | None = None  #: what `rake` returned with the weights


@dataclass(frozen=True, slots=True, repr=False)
class Estimates:
    """Estimates of one statistic in one level of cuts."""

    statistic: str  #: one of `STATISTICS`
    rows: pd.DataFrame  #: tidy table, a row a variable (or code) and domain
    df: Floats  #: (rows,) degrees of freedom of each interval
    conf_level: float  #: level of the intervals, 0..1
    sample: core.Sample  #: the design as arrays
    scores: sparse.csc_array  #: (clusters, rows) influence of each cluster on each estimate
    calibrated: core.Margins | None  #: calibration margins, if any
    residual: sparse.csc_array | None  #: (margins, rows) influence explained by the margins

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the rows with status ok, labelled by their position in `tidy()`.

        Raises
        ------
        ValueError
            When there are more than 4,000 such rows: the matrix would not fit; `contrast` needs no matrix.
        """
        ok = np.flatnonzero(self.rows["status"] == "ok")
        if len(ok) > WIDEST_COVARIANCE:
            raise ValueError(
                f"a covariance of {len(ok)} estimates is too wide to hold; use contrast, or cut less finely"
            )
        return pd.DataFrame(self._covariance(ok), index=ok, columns=ok)

    def _covariance(self, positions: NDArray[np.int64]) -> Floats:
        residual = None if self.residual is None else self.residual[:, positions]
        return core.covariance(self.sample, self.scores[:, positions], self.calibrated, residual)

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"Estimates({self.statistic}, {len(self.rows)} rows: {states}; {len(self.sample.weights)} rows read)"


@dataclass(frozen=True, slots=True, repr=False)
class Contrast:
    """Differences between estimates of one result, with their covariance taken into account."""

    rows: pd.DataFrame  #: tidy table, statistic ``difference``
    df: Floats  #: (rows,) degrees of freedom, the smaller of the two

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return f"Contrast({len(self.rows)} differences)"


@dataclass(frozen=True, slots=True)
class _Part:
    """One term in all domains."""

    term: str
    linear: core.Linearised
    std_error: Floats


def estimates(
    frame: pd.DataFrame,
    *,
    variables: Sequence[str] | str,
    statistic: str = "mean",
    denominator: str | None = None,
    q: float | None = None,
    by: Sequence[str] | str | Mapping[str, str] = (),
    design: Design | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    r"""Estimate a statistic of each variable in each combination of the cut columns.

    Mean and ratio are :math:`\hat R = \sum w y / \sum w x` (x = 1 for the mean), the total is :math:`\sum w y`. Errors
    are linearised: the influence :math:`u_i = w_i (y_i - \hat R x_i) / \sum w x` (total: :math:`w_i y_i`) is added up
    within clusters, and
    :math:`v = \sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_c (u_{hc} - \bar u_h)^2`, with the strata's full number of
    clusters, so that a domain counts as the full sample with weights of zero outside it. With a calibration, u is
    replaced by its residual on the calibration margins. A stratum with one cluster is centred at zero, the grand mean
    of the influences of means and ratios.

    Parameters
    ----------
    frame : DataFrame
        A row a person.
    variables : str or sequence of str
        Columns; numbers or bool, any type for proportions. None named: no rows.
    statistic : {"mean", "proportion", "total", "ratio"}
        A proportion gives a row for every code that the column has anywhere, term ``variable=code``.
    denominator : str, optional
        Column x of a ratio, and only of a ratio.
    q : float, optional
        For quantiles, which are not offered yet.
    by : str, sequence of str or mapping of str to str
        Cut columns; one level of cuts a call. A mapping gives each column, its value, the name it has in the table, its
        key. Combinations without rows do not appear; rows where a cut is missing are in no domain.
    design : Design, optional
        Column names of weights, strata, clusters, fpc; the calibration. Absent: a simple random sample.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Estimates
        ``tidy()``: ``estimate`` and ``std_error`` in the variable's unit; ``conf_low``, ``conf_high`` by Student's t,
        proportions by Wilson's interval with t on the effective number (so within 0..1); degrees of freedom are the
        clusters less the strata that the domain has, at least 1; ``n`` rows with a value and a weight above zero;
        ``n_eff`` Kish's (sum w)^2 / sum w^2 of those rows, the loss by unequal weights alone. Rows are ordered by
        variable, then by cut. A domain without values is ``not_estimable``; small domains are left as they are.
        ``covariance`` holds the covariance of all rows with status ok.

    Raises
    ------
    ValueError
        For unknown columns, text where numbers are needed, weights below zero or missing, a design column with holes,
        an option that would change nothing, or a statistic that is not offered yet.

    Notes
    -----
    Assumes clusters drawn with replacement, or without and `fpc` given. A missing value takes the row out of the domain
    for that variable alone. The interval of a proportion: Korn & Graubard (1998), Survey Methodology 24, with Wilson's
    form (Dean & Pagano 2015, J. Survey Statistics and Methodology 3).

    Examples
    --------
    >>> frame = pd.DataFrame({"score": [1.0, 2.0, 3.0, 4.0], "group": ["a", "a", "b", "b"]})
    >>> estimates(frame, variables="score", by="group").tidy()["estimate"].tolist()
    [1.5, 3.5]
    """
    design = design or Design()
    variables, cuts = _names(variables), dict(by) if isinstance(by, Mapping) else {c: c for c in _names(by)}
    _check(variables, statistic, denominator, q, conf_level)
    _once_and_present(frame, variables, by, denominator)
    sample = sample_of(frame, design)
    if not variables:
        return _nothing(statistic, conf_level, sample)
    domain, keys = _domains(frame, cuts)
    where = core.cut(sample, domain, len(keys))
    calibrated = _margins(frame, sample, design)
    parts = [
        _part(sample, where, calibrated, statistic, term, y, x)
        for term, y, x in _columns(frame, variables, statistic, denominator)
    ]
    rows = _rows(parts, keys, statistic, conf_level)
    scores = [core.score_columns(sample, where, p.linear.scores) for p in parts]
    residual = None if calibrated is None else sparse.hstack([p.linear.residual for p in parts], format="csc")
    df = np.concatenate([p.linear.df for p in parts])
    return Estimates(statistic, rows, df, conf_level, sample, sparse.hstack(scores, format="csc"), calibrated, residual)


def _nothing(statistic: str, conf_level: float, sample: core.Sample) -> Estimates:
    scores = sparse.csc_array((len(sample.weights), 0))
    return Estimates(statistic, tidy_frame([]), np.empty(0), conf_level, sample, scores, None, None)


def contrast(result: Estimates, pairs: Iterable[tuple[Mapping[str, Any] | int, Mapping[str, Any] | int]]) -> Contrast:
    r"""Give differences a - b between rows of one result, with :math:`v(a) + v(b) - 2 cov(a, b)`.

    Parameters
    ----------
    result : Estimates
        What `estimates` returned.
    pairs : iterable of (a, b)
        Each of a and b is a position in ``result.tidy()`` or a mapping of key columns (wave, group, region, domain,
        term) to values that names one row; keys left out match anything.

    Returns
    -------
    Contrast
        ``tidy()``: statistic ``difference``; key columns in which a and b differ read ``a - b``; interval by Student's
        t at the result's level; ``n`` and ``n_eff`` are those of the smaller side. A pair with a row that is not ok
        is ``not_estimable``.

    Raises
    ------
    ValueError
        When a mapping names no row or more than one, or a position is outside the table.

    Examples
    --------
    >>> frame = pd.DataFrame({"now": [3.0, 4.0, 6.0], "then": [2.0, 4.0, 3.0]})
    >>> both = estimates(frame, variables=["now", "then"])
    >>> contrast(both, [({"term": "now"}, {"term": "then"})]).tidy()["term"].tolist()
    ['now - then']
    """
    found = [(_position(result.rows, a), _position(result.rows, b)) for a, b in pairs]
    rows, df = [], []
    for a, b in found:
        df.append(min(result.df[a], result.df[b]))
        rows.append(_difference(result, a, b, df[-1]))
    return Contrast(tidy_frame(rows) if rows else result.rows.iloc[:0].copy(), np.array(df, float))


def sample_of(frame: pd.DataFrame, design: Design) -> core.Sample:
    """Turn a design's columns into arrays; see `analysis.core.design.sample`.

    Raises
    ------
    ValueError
        For replicate weights (not offered yet), a calibration without weights, or a design column with holes.
    """
    if design.replicates:
        raise ValueError("replicate weights are not offered yet; give weights, strata, cluster and fpc instead")
    if design.calibration is not None and design.weights is None:
        raise ValueError("a calibration needs the weights it made: name them in Design(weights=...)")
    wanted = [c for c in (design.weights, design.strata, design.cluster, design.fpc) if c is not None]
    _present(frame, wanted, "the design")
    return core.sample(
        len(frame),
        weights=_numbers(frame, design.weights),
        strata=_codes(frame, design.strata),
        cluster=_codes(frame, design.cluster),
        fpc=_numbers(frame, design.fpc),
    )


def label(value: Any) -> str:
    """Write a code or level as text: 3.0 as ``3``, everything else as it is."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _names(given: Sequence[str] | str) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check(
    variables: tuple[str, ...],
    statistic: str,
    denominator: str | None,
    q: float | None,
    conf_level: float,
) -> None:
    if statistic in LATER or q is not None:
        raise ValueError("quantiles are not offered yet; statistics are " + ", ".join(STATISTICS))
    if statistic not in STATISTICS:
        raise ValueError(f"unknown statistic {statistic!r}; statistics are {', '.join(STATISTICS)}")
    if (statistic == "ratio") != (denominator is not None):
        raise ValueError("a ratio needs denominator=, and only a ratio takes one")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")


def _once_and_present(
    frame: pd.DataFrame,
    variables: tuple[str, ...],
    by: Sequence[str] | str | Mapping[str, str],
    denominator: str | None,
) -> None:
    columns = tuple(by.values()) if isinstance(by, Mapping) else _names(by)
    for role, names in (("variables", variables), ("by", columns)):
        if len(set(names)) < len(names):
            raise ValueError(f"{role} names a column twice: {list(names)}")
    _present(frame, [*variables, *columns, *([denominator] if denominator else [])], "estimates")


def _present(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        raise ValueError(f"{what} needs columns that the frame does not have: {absent}")


def _numbers(frame: pd.DataFrame, column: str | None) -> Floats | None:
    return None if column is None else numeric(frame, column)


def numeric(frame: pd.DataFrame, column: str) -> Floats:
    """Read a column of numbers or bool as float64, missing as NaN.

    Raises
    ------
    ValueError
        For text and other types, and for infinite values.
    """
    values = frame[column]
    if values.isna().all():
        return np.full(len(values), np.nan)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        raise ValueError(
            f"column {column!r} must hold numbers, it holds {values.dtype}; convert it or ask for proportions"
        )
    array = values.to_numpy(dtype="float64", na_value=np.nan)
    if np.isinf(array).any():
        raise ValueError(f"column {column!r} holds infinite values; expected finite numbers or missing")
    return array


def _codes(frame: pd.DataFrame, column: str | None) -> NDArray[np.int64] | None:
    if column is None:
        return None
    codes, _ = pd.factorize(frame[column], sort=False)
    if (codes < 0).any():
        raise ValueError(
            f"design column {column!r} is missing in {int((codes < 0).sum())} rows; every row needs a value"
        )
    return codes.astype(np.int64)


def _domains(frame: pd.DataFrame, by: Mapping[str, str]) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Number the combinations of the cut columns that occur, in sorted order; their key columns, a row each."""
    combined = np.zeros(len(frame), np.int64)
    missing = np.zeros(len(frame), bool)
    levels = []
    for column in by.values():
        codes, unique = pd.factorize(frame[column], sort=True)
        missing |= codes < 0
        combined = combined * max(len(unique), 1) + codes
        levels.append(np.array([label(v) for v in unique], dtype=object))
    found, inverse = np.unique(combined[~missing], return_inverse=True)
    if not by:
        found = np.zeros(1, np.int64)
    domain = np.full(len(frame), -1, np.int64)
    domain[~missing] = inverse
    return domain, _keys(found, tuple(by), levels)


def _keys(found: NDArray[np.int64], by: tuple[str, ...], levels: list[NDArray[Any]]) -> pd.DataFrame:
    values = []
    for unique in reversed(levels):
        found, code = np.divmod(found, len(unique))
        values.append(unique[code])
    rows = [place_keys(by, v) for v in zip(*reversed(values), strict=True)] if by else [place_keys((), ())]
    return pd.DataFrame(rows, columns=[k for k in KEYS if rows and k in rows[0]])


def _margins(frame: pd.DataFrame, sample: core.Sample, design: Design) -> core.Margins | None:
    if design.calibration is None:
        return None
    margins = [_names(m) for m in design.calibration.margins]
    _present(frame, {c for m in margins for c in m}, "the calibration")
    blocks = [_dummies(_domains(frame, {c: c for c in m})[0]) for m in margins]
    return core.margins(sample, sparse.hstack(blocks, format="csr"))


def _dummies(codes: NDArray[np.int64]) -> sparse.csr_array:
    rows = np.flatnonzero(codes >= 0)
    return sparse.csr_array(
        (np.ones(len(rows)), (rows, codes[rows])), shape=(len(codes), int(codes.max(initial=-1)) + 1)
    )


def _columns(
    frame: pd.DataFrame, variables: tuple[str, ...], statistic: str, denominator: str | None
) -> Iterable[tuple[str, Floats, Floats | None]]:
    """Yield term, values and denominator of every row of the result, one domain set at a time."""
    if statistic != "proportion":
        x = _numbers(frame, denominator)
        yield from ((v, numeric(frame, v), x) for v in variables)
        return
    for variable in variables:
        codes, unique = pd.factorize(frame[variable], sort=True)
        for k, code in enumerate(unique):
            yield f"{variable}={label(code)}", np.where(codes < 0, np.nan, (codes == k).astype(float)), None
        if not len(unique):
            yield variable, np.full(len(frame), np.nan), None


def _part(
    sample: core.Sample,
    where: core.Cut,
    calibrated: core.Margins | None,
    statistic: str,
    term: str,
    y: Floats,
    x: Floats | None,
) -> _Part:
    linear = core.linearise(sample, where, y, x, total=statistic == "total", calibrated=calibrated)
    return _Part(term, linear, np.sqrt(core.variances(sample, where, linear, calibrated)))


def _rows(parts: list[_Part], keys: pd.DataFrame, statistic: str, conf_level: float) -> pd.DataFrame:
    linear = [p.linear for p in parts]
    estimate = np.concatenate([p.estimate for p in linear])
    std_error = np.concatenate([p.std_error for p in parts])
    n, n_eff, df = (np.concatenate([getattr(p, a) for p in linear]) for a in ("count", "effective", "df"))
    std_error = np.where(np.isnan(estimate), np.nan, std_error)
    t = stats.t.ppf((1 + conf_level) / 2, df)
    if statistic == "proportion":
        low, high = _wilson(estimate, std_error, n, n_eff, t)
    else:
        low, high = estimate - t * std_error, estimate + t * std_error
    rows = pd.concat([keys] * len(parts), ignore_index=True)
    rows["term"] = np.repeat(np.array([p.term for p in parts], dtype=object), len(keys))
    numbers = {"estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high, "n": n, "n_eff": n_eff}
    return tidy_frame(rows.assign(statistic=statistic, **numbers))


def _wilson(p: Floats, std_error: Floats, n: Floats, kish: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Wilson's interval on n / deff with deff = v / (p (1 - p) / (n - 1)); on Kish's number where v is zero."""
    some = (std_error > 0) & (p > 0) & (p < 1) & (n > 1)
    variance = np.where(some, std_error, 1.0) ** 2
    size = np.maximum(np.where(some, p * (1 - p) / variance * n / np.maximum(n - 1, 1), kish), 1e-12)
    square = t**2 / size
    centre = (p + square / 2) / (1 + square)
    half = t / (1 + square) * np.sqrt(p * (1 - p) / size + square / (4 * size))
    return np.clip(np.minimum(centre - half, p), 0, 1), np.clip(np.maximum(centre + half, p), 0, 1)


def _position(rows: pd.DataFrame, wanted: Mapping[str, Any] | int) -> int:
    if not isinstance(wanted, Mapping):
        if not 0 <= wanted < len(rows):
            raise ValueError(f"there is no row {wanted}; the result has {len(rows)}")
        return int(wanted)
    unknown = [k for k in wanted if k not in KEYS]
    if unknown:
        raise ValueError(f"a row is named by {', '.join(KEYS)}; not by {unknown}")
    hit = np.ones(len(rows), bool)
    for key, value in wanted.items():
        hit &= (rows[key] == label(value)).to_numpy()
    if hit.sum() != 1:
        raise ValueError(f"{dict(wanted)} names {int(hit.sum())} rows; a contrast needs exactly one on each side")
    return int(np.flatnonzero(hit)[0])


def _difference(result: Estimates, a: int, b: int, df: float) -> dict[str, Any]:
    one, two = result.rows.iloc[a], result.rows.iloc[b]
    keys = {k: one[k] if one[k] == two[k] else f"{one[k]} - {two[k]}" for k in KEYS if k != "statistic"}
    row = keys | {"statistic": "difference", "n": min(one["n"], two["n"]), "n_eff": min(one["n_eff"], two["n_eff"])}
    if one["status"] != "ok" or two["status"] != "ok":
        return row | {"status": "not_estimable"}
    v = result._covariance(np.array([a, b]))
    std_error = float(np.sqrt(max(v[0, 0] + v[1, 1] - 2 * v[0, 1], 0.0)))
    estimate = one["estimate"] - two["estimate"]
    reach = stats.t.ppf((1 + result.conf_level) / 2, df) * std_error
    return row | {
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": estimate - reach,
        "conf_high": estimate + reach,
    }
