"""How the sample was drawn, by the names of a frame's columns; read into arrays for `analysis.core`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from analysis.core import design as core
from analysis.core import linearised, replicated
from analysis.methods.arrow_text import numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = str | tuple[str, ...] | None
INTERCEPT = "(Intercept)"  # the number of people, among the totals of a calibration
APART = 1e-3  # relative difference of met totals from which the rows are not those that were calibrated
CENTRES = ("estimate", "mean")


class Calibration(Protocol):
    """What `rake` and `calibrate` return: what the weights meet."""

    @property
    def margins(self) -> Mapping[Any, Any] | Sequence[Any]:
        """Margins: column names, or tuples of column names for crossed margins."""
        ...


@dataclass(frozen=True, slots=True)
class Replicates:
    """Columns of replicate weights, and how deviations under them add up to a variance.

    ``v = scale * sum_r rscales[r] * (theta_r - centre)^2``. What the usual methods need:

    ============================== ============== =======================================
    method                         scale          rscales
    ============================== ============== =======================================
    BRR, bootstrap                 1 / R          1
    bootstrap around its mean      1 / (R - 1)    1, and centre="mean"
    Fay's BRR, factor k            1/(R (1-k)^2)  1
    jackknife JK1                  (R - 1) / R    1
    jackknife JKn                  1              (n_h - 1) / n_h of the replicate's stratum
    ============================== ============== =======================================

    Attributes
    ----------
    columns : tuple of str
        R columns of weights, each the whole weight of a row under that replicate.
    scale : float, optional
        None: 1 / R.
    rscales : tuple of float, optional
        One a column; None: all 1.
    centre : {"estimate", "mean"}
        The full-sample estimate, or the mean of the replicates whose rscale is above zero.
    """

    columns: tuple[str, ...]
    scale: float | None = None
    rscales: tuple[float, ...] | None = None
    centre: str = "estimate"

    def __post_init__(self) -> None:
        if not self.columns or isinstance(self.columns, str):
            raise ValueError("replicates need a tuple of column names, at least one")
        if self.rscales is not None and self.scale is None:
            raise ValueError("rscales need scale= beside them: 1 for JKn, 1 / R for BRR and bootstrap")
        if self.rscales is not None and len(self.rscales) != len(self.columns):
            raise ValueError(f"{len(self.columns)} replicate columns need as many rscales; given {len(self.rscales)}")
        if not (np.isfinite(self.coefficients).all() and (self.coefficients >= 0).all() and self.coefficients.any()):
            raise ValueError("scale and rscales of replicates must be numbers of at least zero, not all zero")
        if self.centre not in CENTRES:
            raise ValueError(f"centre must be one of {', '.join(CENTRES)}; seen {self.centre!r}")

    @property
    def coefficients(self) -> Floats:
        """Factor of each replicate's squared deviation, (R,)."""
        count = len(self.columns)
        scale = 1 / count if self.scale is None else self.scale
        return scale * (np.ones(count) if self.rscales is None else np.asarray(self.rscales, float))


@dataclass(frozen=True, slots=True)
class Design:
    """How the sample was drawn, by column names.

    A tuple names a column a stage (clusters, then clusters within them ...); a later stage adds to the errors only where `fpc`
    says which part of the stage before it was drawn, else the first stage alone tells ("drawn with replacement").
    """

    weights: str | None = None  #: sampling weights, at least 0; None: 1, or the inverse fraction where fpc is given
    strata: Names = None  #: strata of each stage
    cluster: Names = None  #: clusters of each stage; None: each row is its own
    fpc: Names = None  #: clusters in the stratum's population, or the sampling fraction where all are at most 1
    replicates: tuple[str, ...] | Replicates = ()  #: replicate weights; names alone: BRR or bootstrap, 1 / R
    calibration: Calibration | None = None  #: what `rake` or `calibrate` returned with the weights
    lonely: str = (
        "adjust"  #: a stratum with one cluster: adjust (around the grand mean), certainty (adds nothing), refuse
    )

    def __post_init__(self) -> None:
        if self.lonely not in core.LONELY:
            raise ValueError(f"lonely must be one of {', '.join(core.LONELY)}; seen {self.lonely!r}")
        if not self.replicates:
            return
        if self.weights is None:
            raise ValueError("replicate weights need the full-sample weights beside them: Design(weights=...)")
        idle = [n for n in ("strata", "cluster", "fpc", "calibration") if getattr(self, n) is not None]
        idle += ["lonely"] if self.lonely != "adjust" else []
        if idle:
            raise ValueError(
                f"replicate weights already carry the design: {', '.join(idle)} would change nothing; leave them out"
            )


def replicates_of(design: Design) -> Replicates | None:
    """Give a design's replicates with their method; None where it has none."""
    if isinstance(design.replicates, Replicates):
        return design.replicates
    return Replicates(tuple(design.replicates)) if design.replicates else None


def sample_of(frame: pd.DataFrame, design: Design) -> core.Sample:
    """Turn a design's columns into arrays; see `analysis.core.design.sample`.

    Raises
    ------
    ValueError
        For a calibration without weights, or a design column with holes.
    """
    if design.calibration is not None and design.weights is None:
        raise ValueError("a calibration needs the weights it made: name them in Design(weights=...)")
    columns = {role: stages(getattr(design, role)) for role in ("strata", "cluster", "fpc")}
    wanted = [c for names in columns.values() for c in names if c is not None]
    present(frame, [*wanted, *([design.weights] if design.weights else [])], "the design")
    return core.sample(
        len(frame),
        weights=None if design.weights is None else numeric(frame, design.weights),
        strata=[_codes(frame, c) for c in columns["strata"]],
        cluster=[_codes(frame, c) for c in columns["cluster"]],
        fpc=[None if c is None else numeric(frame, c) for c in columns["fpc"]],
        lonely=design.lonely,
    )


def stages(given: Names) -> tuple[str | None, ...]:
    """Give the columns of a role, one a stage."""
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def replicated_of(frame: pd.DataFrame, design: Design) -> replicated.Replicated | None:
    """Turn replicate columns into arrays; None where the design has none.

    Raises
    ------
    ValueError
        For columns that are not there, and weights that are missing or below zero.
    """
    given = replicates_of(design)
    if given is None:
        return None
    present(frame, given.columns, "the design")
    weights = frame[list(given.columns)].to_numpy(dtype="float64", na_value=np.nan)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("replicate weights must be numbers of at least zero, none missing; mend or leave out the rows")
    return replicated.Replicated(weights, given.coefficients, given.centre == "mean", replicated.rank_df(weights))


def margins_of(frame: pd.DataFrame, sample: core.Sample, design: Design) -> linearised.Margins | None:
    """Turn a calibration into the columns that errors are freed of; None where the design has none."""
    if design.calibration is None:
        return None
    margins = [names(m) for m in design.calibration.margins]
    totals = tuple(getattr(design.calibration, "auxiliaries", {}))
    linear = getattr(design.calibration, "linear", False)
    base = getattr(design.calibration, "base", None) if linear else None
    columns = [*dict.fromkeys(c for m in margins for c in m), *(c for c in totals if c != INTERCEPT)]
    present(frame, [*columns, *([base] if base else [])], "the calibration")
    _refuse_other_rows(frame, sample, design.calibration, margins)
    blocks = [_dummies(combinations(frame, m)) for m in margins]
    blocks += [
        sparse.csr_array((np.ones(len(frame)) if c == INTERCEPT else numeric(frame, c))[:, None]) for c in totals
    ]
    if not linear:
        return linearised.margins(sample, sparse.hstack(blocks, format="csr"))
    start = None if base is None else numeric(frame, base)
    return linearised.margins(sample, sparse.hstack(blocks, format="csr"), start)


def _refuse_other_rows(
    frame: pd.DataFrame, sample: core.Sample, calibration: Any, margins: Sequence[tuple[str, ...]]
) -> None:
    """Refuse rows or weights that do not meet the calibration: their errors would be those of another sample."""
    ratios = []
    for columns, wanted in zip(margins, getattr(calibration, "totals", ()), strict=False):
        codes = combinations(frame, columns)
        first = np.unique(codes, return_index=True)[1][int((codes < 0).any()) :]
        met = np.bincount(codes[codes >= 0], sample.weights[codes >= 0])
        cells = frame.iloc[first][list(columns)].itertuples(index=False, name=None)
        ratios += [w / wanted[c] for w, c in zip(met, cells, strict=True) if c in wanted]
    for column, total in getattr(calibration, "auxiliaries", {}).items():
        values = np.ones(len(frame)) if column == INTERCEPT else numeric(frame, column)
        if total:
            ratios.append(float(sample.weights @ values) / total)
    if ratios and not max(ratios) - min(ratios) <= APART * max(ratios):
        raise ValueError(
            "the weights of these rows do not meet the calibration: give the whole frame that was weighted, with the "
            "weights it got, and cut it by a column (by=), or leave the calibration out"
        )


def _dummies(codes: Ints) -> sparse.csr_array:
    rows = np.flatnonzero(codes >= 0)
    return sparse.csr_array(
        (np.ones(len(rows)), (rows, codes[rows])), shape=(len(codes), int(codes.max(initial=-1)) + 1)
    )


MOST = 2.0**60  # combinations that a whole number can tell apart


def combinations(frame: pd.DataFrame, columns: Sequence[str]) -> Ints:
    """Number the combinations of some columns that occur, in sorted order; -1 where one is missing."""
    codes = np.zeros(len(frame), np.int64)
    missing = np.zeros(len(frame), bool)
    for column in columns:
        one, unique = levels(frame[column])
        missing |= one < 0
        if (codes.max(initial=0) + 1) * float(len(unique)) > MOST:
            codes = core.compact(codes)[1]
        codes = codes * max(len(unique), 1) + one
    if not missing.any():
        return core.compact(codes)[1]
    dense = np.full(len(frame), -1, np.int64)
    dense[~missing] = core.compact(codes[~missing])[1]
    return dense


def names(given: Sequence[str] | str) -> tuple[str, ...]:
    """Give one name or several as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def present(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Refuse columns that the frame does not have."""
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        raise ValueError(f"{what} needs columns that the frame does not have: {absent}")


def numeric(frame: pd.DataFrame, column: str) -> Floats:
    """Read a column of numbers or bool as float64, missing as NaN.

    Raises
    ------
    ValueError
        For text and other types, and for infinite values.
    """
    values = frame[column]
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiub":  # nothing to convert, or nothing missing
        return _finite(values.to_numpy(dtype=np.float64), column)
    if values.isna().all():
        return np.full(len(values), np.nan)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        raise ValueError(
            f"column {column!r} must hold numbers, it holds {values.dtype}; convert it or ask for proportions"
        )
    return _finite(values.to_numpy(dtype="float64", na_value=np.nan), column)


def _finite(array: Floats, column: str) -> Floats:
    # a sum that is a finite number has no infinite part: only other columns are looked at number by number
    if not np.isfinite(array.sum()) and np.isinf(array).any():
        raise ValueError(f"column {column!r} holds infinite values; expected finite numbers or missing")
    return array


def holes(values: pd.Series) -> bool:
    """True where a column has missing values; looked at one by one only where their sum does not tell."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiub":
        return bool(np.isnan(values.to_numpy().sum())) and bool(values.hasnans)
    return bool(values.hasnans)


def as_stored(frame: pd.DataFrame, column: str) -> NDArray[Any]:
    """Read a column as it is where it holds whole numbers and no hole can be, otherwise as `numeric`."""
    values = frame[column]
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu"
    return values.to_numpy() if plain else numeric(frame, column)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of levels, read once."""

    codes: NDArray[np.integer[Any]]  #: (n,) number of each row's level, in no order; -1 where missing
    place: Ints  #: (q,) each number's place among `levels`
    levels: pd.Index  #: in sorted order, categories in theirs

    @property
    def in_order(self) -> Ints:
        """Place of each row's level, -1 where missing, (n,)."""
        return np.append(self.place, -1).take(self.codes)


def coded(values: pd.Series) -> Coded:
    """Read a column of levels; the sorting looks at levels, not at rows."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _categories(values.cat)
    if isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow" and len(values):
        return _texts(values)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < core.counters(len(values)) and high < 2**62:
            found, codes = core.compact(values.to_numpy(dtype=np.int64) - low)
            return Coded(codes, np.arange(len(found)), pd.Index(found + low).astype(values.dtype))
    codes, seen = pd.factorize(values)
    place, ordered = pd.factorize(pd.Series(seen), sort=True)
    return Coded(codes, place.astype(np.int64), pd.Index(ordered))


def _categories(values: Any) -> Coded:
    codes, categories = values.codes.to_numpy(), values.categories
    there = np.zeros(len(categories) + 1, bool)
    there[codes] = True
    used = np.flatnonzero(there[:-1])
    place = np.zeros(len(categories), np.int64)
    place[used] = np.arange(len(used))
    return Coded(codes, place, categories[used])


def _texts(values: pd.Series) -> Coded:
    """Text as Arrow keeps it, which numbers it without making an object of each."""
    codes, found = numbered(cast(Any, values.array).__arrow_array__())
    seen = pd.Index(found, dtype=values.dtype)
    order = seen.argsort()
    place = np.empty(len(seen), np.int64)
    place[order] = np.arange(len(seen))
    return Coded(codes, place, seen.take(order))


def levels(values: pd.Series) -> tuple[Ints, pd.Index]:
    """Number a column's levels in sorted order, -1 where missing, and give them."""
    found = coded(values)
    return found.in_order, found.levels


def as_text(found: pd.Index) -> pd.Index:
    """Write levels as text."""
    return found if found.dtype == "str" else pd.Index([label(v) for v in found.tolist()], dtype="str")


def label(value: Any) -> str:
    """Write a code or level as text: 3.0 as ``3``, everything else as it is."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _codes(frame: pd.DataFrame, column: str | None) -> Ints | None:
    if column is None:
        return None
    codes, _ = pd.factorize(frame[column], sort=False)
    if (codes < 0).any():
        raise ValueError(
            f"design column {column!r} is missing in {int((codes < 0).sum())} rows; every row needs a value"
        )
    return codes.astype(np.int64)
