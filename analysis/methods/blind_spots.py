"""Which units lie below a reference, so that few are named by chance however many are looked at?

Sources: shares with their counts (a registry's numbers, or answers with their effective number). The rule is an exact binomial
test, adjusted for the number of units compared; the intervals come from the same distribution and say the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from analysis.methods.multiplicity import adjust_p
from analysis.tidy import COLUMNS as TIDY
from analysis.tidy import domain_key

ADJUST = ("holm", "bh")
MOVED = ["estimate", "conf_low", "conf_high"]
COLUMNS = ("share", "size", "reference", "among")
Floats = NDArray[np.float64]


def below_reference(units: pd.DataFrame, *, adjust: str = "holm", conf_level: float = 0.95) -> pd.DataFrame:
    r"""Name the units whose share lies below their reference.

    With :math:`x` of :math:`n` reached and the reference :math:`r`, the p-value of a unit is
    :math:`p = P(X \le x), X \sim Bin(n, r)`, the one-sided exact test (Clopper & Pearson 1934, Biometrika 26). A unit is
    named where its p-value, adjusted over the :math:`m` units of its family, is at most :math:`\alpha/2 = (1 - level)/2`.

    ====== ================================================ ========================================================
    adjust of all families of true non-spots                interval: exact, tails of
    ====== ================================================ ========================================================
    holm   at most :math:`\alpha/2` name any (Holm 1979)    :math:`\alpha/2m` each: all m hold together (Bonferroni)
    bh     of the named, a share of :math:`\alpha/2` at     :math:`R\alpha/2m` each, R named: of the intervals of
           most is wrong (Benjamini & Hochberg 1995)        those named, a share of :math:`\alpha` at most is wrong
                                                            (Benjamini & Yekutieli 2005, JASA 100)
    ====== ================================================ ========================================================

    The interval of a named unit lies below the reference, that of no other does. Holm also names units whose interval at
    Bonferroni's level still meets the reference; theirs ends at it: below, and nothing is said of how far (Strassburger &
    Bretz 2008, Statistics in Medicine 27).

    Parameters
    ----------
    units : DataFrame
        ``share`` (0..1), ``size`` (n, above 0; effective numbers need not be whole), ``reference`` (0..1), ``among`` (units of
        one are compared together); a row a unit, all compared.
    adjust : {"holm", "bh"}
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    DataFrame
        On the index of `units`: ``named`` (bool), ``p_value`` (adjusted), ``conf_low, conf_high`` (of the share).

    Raises
    ------
    ValueError
        For an unknown `adjust`, a missing column, sizes or shares out of range.

    Notes
    -----
    The reference is taken as known. Where it is the share of the whole that the units are part of, its error is shared with them,
    which makes the test name rather too few. A target is a fixed number.

    Examples
    --------
    >>> units = pd.DataFrame({"share": [0.1, 0.5, 0.6], "size": 200.0, "reference": 0.5, "among": "1"})
    >>> below_reference(units)["named"].tolist()
    [True, False, False]
    """
    _check(units, adjust, conf_level)
    tail = (1 - conf_level) / 2
    share, size, reference = (units[c].to_numpy(dtype="float64") for c in COLUMNS[:3])
    count = share * size
    p = _lower_tail(count, size, reference)
    family = pd.factorize(units["among"])[0]
    adjusted = p.copy()
    for one in range(family.max(initial=-1) + 1):
        adjusted[family == one] = adjust_p(p[family == one], adjust)
    named = adjusted <= tail
    many = np.bincount(family, minlength=1)[family] if len(family) else np.empty(0)
    found = np.bincount(family, named, minlength=1)[family] if len(family) else np.empty(0)
    tails = tail / np.maximum(many, 1) * (np.maximum(found, 1) if adjust == "bh" else 1)
    low, high = _exact(count, size, tails)
    high = np.where(named, np.minimum(high, reference), high)
    return pd.DataFrame({"named": named, "p_value": adjusted, "conf_low": low, "conf_high": high}, index=units.index)


def _check(units: pd.DataFrame, adjust: str, conf_level: float) -> None:
    if adjust not in ADJUST:
        raise ValueError(f"adjust must be one of {', '.join(ADJUST)}; seen {adjust!r}")
    if absent := [c for c in COLUMNS if c not in units]:
        raise ValueError(f"the units lack the columns {absent}; they need {list(COLUMNS)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level is a share above 0 and below 1; it is {conf_level}")
    if not ((units["size"] > 0) & units[["share", "reference"]].ge(0).all(axis=1)).all():
        raise ValueError("every unit needs a size above 0, and a share and a reference of at least 0")
    if (units[["share", "reference"]] > 1 + 1e-12).any(axis=None):
        raise ValueError("shares and references are at most 1")


def _lower_tail(count: Floats, size: Floats, reference: Floats) -> Floats:
    """P(X <= count), through the incomplete beta function, which also takes numbers that are not whole."""
    left = np.maximum(size - count, 0.0)
    inside = left > 1e-9
    return np.where(inside, special.betainc(np.where(inside, left, 1.0), count + 1, 1 - reference), 1.0)


def _exact(count: Floats, size: Floats, tails: Floats) -> tuple[Floats, Floats]:
    """Clopper and Pearson's interval with these tails."""
    left = np.maximum(size - count, 0.0)
    some, rest = count > 1e-9, left > 1e-9
    low = stats.beta.ppf(tails, np.where(some, count, 1.0), left + 1)
    high = stats.beta.isf(tails, count + 1, np.where(rest, left, 1.0))
    return np.where(some, low, 0.0), np.where(rest, high, 1.0)


def effective_size(rows: pd.DataFrame, df: Floats) -> pd.Series:
    r"""Give the number of a simple random sample that would know as much of a share as a design's estimate does.

    :math:`n^* = \min\{n, p(1-p)/v\}\,(t_{n-1}/t_{df})^2`, in place of the first factor Kish's number where p is 0 or 1 (Korn &
    Graubard 1998, Survey Methodology 24, 193-201).

    Parameters
    ----------
    rows : DataFrame
        Tidy rows of proportions.
    df : array of float
        Degrees of freedom of each.

    Returns
    -------
    Series
        Missing where the row has no estimate.

    Examples
    --------
    >>> rows = pd.DataFrame({"estimate": [0.5, 0.0], "std_error": [0.1, 0.0], "n": [50.0, 20.0], "n_eff": [40.0, 16.0]})
    >>> effective_size(rows, np.array([49.0, 19.0])).round(6).tolist()
    [25.0, 16.0]
    """
    p, error = rows["estimate"], rows["std_error"]
    inner = (p > 0) & (p < 1) & (error > 0)
    size = (p * (1 - p) / error.where(inner) ** 2).where(inner, rows["n_eff"])
    size = size.clip(upper=rows["n"])
    t = stats.t.ppf(0.975, np.maximum(rows["n"] - 1, 1)) / stats.t.ppf(0.975, np.maximum(df, 1))
    return (size * np.minimum(t, 1) ** 2).where(p.notna())


def held_against(
    shares: pd.DataFrame,
    whole: pd.DataFrame | None,
    statistic: str,
    target: float | None,
    adjust: str,
    levels: Mapping[str, str],
) -> list[pd.DataFrame]:
    """Give each share's gap to its target, the units that are blind spots, and their number.

    Parameters
    ----------
    shares : DataFrame
        Tidy rows and ``size``, the number for the test.
    whole : DataFrame or None
        Rows of all in each wave, the reference where there is no target; then a unit that is alone is compared with nothing.
    statistic : str
        Of the rows to look at.
    target : float or None
    adjust : {"holm", "bh"}
    levels : mapping
        Level of each place: units of a wave and level are compared together.

    Returns
    -------
    list of DataFrame
        Tidy rows: ``gap_to_target`` of all, ``blind_spot`` of those named, ``units``, how many.
    """
    rows = shares[shares["statistic"] == statistic]
    tables = []
    if target is not None:
        gaps = rows[list(TIDY)].assign(statistic="gap_to_target")
        tables.append(gaps.assign(**{c: gaps[c] - target for c in MOVED}))
        reference = pd.Series(target, index=rows.index)
    elif whole is not None:
        shown = whole[(whole["statistic"] == statistic) & (whole["status"] == "ok")]
        reference = rows["wave"].map(shown.set_index("wave")["estimate"])
    else:
        return []
    level = rows["region"].map(levels).astype("object").fillna("").astype("str")
    units = rows.assign(reference=reference.astype("float64"), among=rows["wave"] + " " + level)
    units = units[(rows["status"] == "ok") & reference.notna()]
    if target is None:  # one unit alone is the whole that it would be compared with
        units = units[units.groupby("among")["n"].transform("size") > 1]
    return [*tables, *_spots(units, statistic, adjust)] if len(units) else tables


def _spots(sure: pd.DataFrame, statistic: str, adjust: str) -> list[pd.DataFrame]:
    found = below_reference(sure.assign(share=sure["estimate"].clip(0, 1)), adjust=adjust)
    ends = found[["conf_low", "conf_high"]].sub(sure["reference"], axis=0)
    spots = sure[list(TIDY)].assign(estimate=sure["estimate"] - sure["reference"], statistic="blind_spot", **ends)
    number = (
        sure.assign(estimate=found["named"].astype("float64")).groupby("wave")[["estimate", "n"]].sum().reset_index()
    )
    domain = domain_key({"measure": statistic})
    return [spots[found["named"]], number.assign(term="blind_spot", statistic="units", domain=domain)]
