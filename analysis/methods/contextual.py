"""Does it matter in what company one is?  The slope within units, and what the unit's mean adds to it.

Source: a frame with a row a person: an outcome, a covariate, the unit; a mixed model (`fit_mixed`) of both slopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.design import numeric
from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.methods.mixed_terms import Term, columns_of
from analysis.tidy import domain_key, tidy_frame

STATISTICS = ("within", "contextual")
MEAN = "mean of the unit"  # working column; with blanks, so as not to be a column of the frame


@dataclass(frozen=True, slots=True, repr=False)
class Contextual:
    """Slopes of a covariate within units and of the unit's mean."""

    fit: MixedFit  #: the model behind
    rows: pd.DataFrame  #: tidy table

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        told = ", ".join(f"{r.statistic} {r.estimate:.3g} ({r.std_error:.2g})" for r in self.rows.itertuples())
        return f"Contextual({self.fit.outcome}: {told})"


def contextual(
    frame: pd.DataFrame,
    *,
    outcome: str,
    covariate: str,
    unit: str,
    random: Sequence[Term] | None = None,
    fixed: Sequence[Term] = (),
) -> Contextual:
    r"""Fit :math:`y = \beta_0 + \beta_w x + \beta_c \bar x_j + b_j + e`: two who are alike in x, in units that are not.

    :math:`\beta_w` is what a unit more of x goes with among members of one unit; :math:`\beta_c` what a unit more of the unit's
    mean goes with among people of equal x; between units the slope is :math:`\beta_w + \beta_c`.

    Parameters
    ----------
    frame : DataFrame
        A row a person. Rows with a missing value are left out; the unit's mean is that of the rows kept.
    outcome, covariate : str
        Columns of numbers or bool.
    unit : str
        Column of the unit whose mean is meant.
    random : sequence of str or tuple, optional
        Factors with a random intercept, `unit` among them; None: `unit` alone.
    fixed : sequence of str or tuple
        Further fixed terms, as in `fit_mixed`.

    Returns
    -------
    Contextual
        ``tidy()``: term = `outcome`, statistic ``within`` and ``contextual``, domain ``of=covariate;unit=unit``; in units of the
        outcome for one of the covariate; Satterthwaite's t intervals; `n` rows.

    Raises
    ------
    ValueError
        For unknown columns, text as a number, `random` without `unit`.
    NotFittable
        As `fit_mixed`; and where the covariate's means do not differ between units, or nothing varies within.

    Notes
    -----
    Source: Raudenbush & Bryk (2002), Hierarchical Linear Models, section 5; as the contextual model of R's multilevel. An
    association, not what contact does. The mean of a small unit's answers is a noisy measure of the unit, which draws
    :math:`\beta_c` towards zero by about the mean's reliability (Ludtke et al. 2008, Psychological Methods 13).

    Examples
    --------
    >>> y, x = [1.0, 2.0, 2.5, 4.0, 5.0, 4.5, 3.0, 3.5, 2.0], [1, 2, 3, 3, 5, 4, 2, 4, 1]
    >>> frame = pd.DataFrame({"y": y, "x": x, "g": list("aaabbbccc")})
    >>> contextual(frame, outcome="y", covariate="x", unit="g").tidy()["statistic"].tolist()
    ['within', 'contextual']
    """
    factors = (unit,) if random is None else tuple(random)
    if unit not in [c for f in factors for c in columns_of(f)]:
        raise ValueError(f"random must have the unit {unit!r} among its factors, seen {list(factors)}")
    used = _complete(frame, outcome, covariate, unit, factors, fixed)
    values = numeric(used, covariate)
    mean = pd.Series(values, index=used.index).groupby(used[unit], observed=True).transform("mean")
    if mean.nunique() < 2:
        raise NotFittable(f"the mean of {covariate!r} is the same in every {unit!r}; there is no context to compare")
    used = used.assign(**{covariate: pd.Series(values, used.index), MEAN: mean})
    fit = fit_mixed(used, outcome=outcome, fixed=(covariate, MEAN, *fixed), random=factors)
    return Contextual(fit, _rows(fit, covariate, unit))


def _complete(
    frame: pd.DataFrame, outcome: str, covariate: str, unit: str, factors: Sequence[Term], fixed: Sequence[Term]
) -> pd.DataFrame:
    columns = [outcome, covariate, unit, *(c for t in (*factors, *fixed) for c in columns_of(t))]
    absent = sorted({c for c in columns if c not in frame.columns})
    if absent:
        raise ValueError(f"the frame does not have the columns {absent}")
    return frame[list(dict.fromkeys(columns))].dropna()


def _rows(fit: MixedFit, covariate: str, unit: str) -> pd.DataFrame:
    found = fit.coefficients.set_index("term").loc[[covariate, MEAN]].reset_index(drop=True)
    domain = domain_key({"of": covariate, "unit": unit})
    rows = found.drop(columns="df").assign(term=fit.outcome, statistic=list(STATISTICS), domain=domain)
    return tidy_frame(rows.assign(n=fit.n, status=fit.status))
