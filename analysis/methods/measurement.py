"""Do items measure the factors they should?  Confirmatory factor analysis in one group or several.

Source: a frame with the items, a row a person. See `analysis.core.structural` and, for ordered answers,
`analysis.core.ordinal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.core import fit_indices
from analysis.core import structural as core
from analysis.methods.design import Design
from analysis.methods.factor_fit import Fitted, Sample
from analysis.methods.factor_input import prepared
from analysis.methods.factor_model import Outline, outlined
from analysis.methods.factor_tables import Z, loading_table, modifications, parameter_table, problems
from analysis.methods.mixed import NotFittable
from analysis.methods.moment_fit import MomentSample, sampled
from analysis.methods.ordinal_fit import sampled_ordered
from analysis.tidy import ALL, domain_key, place_keys, tidy_frame

Floats = NDArray[np.float64]
ESTIMATORS = ("ML", "MLR", "WLSMV")
RMSEA_LEVEL = 0.90  # by convention
INDICES = ("chisq", "df", "p_value", "cfi", "tli", "rmsea", "srmr")


@dataclass(frozen=True, slots=True, repr=False)
class CfaFit:
    """A fitted factor model.

    Attributes
    ----------
    estimator : str
        ``ML``, ``MLR`` (ML with robust errors and scaled test) or ``WLSMV``.
    groups : tuple of str
        The first is the one that latent means are compared with; ``*`` without groups.
    n : int
        Rows used.
    left_out : int
        Rows without a group, without any answer, or (listwise) with one missing.
    chisq, df, p_value : float, int, float
        Test of the model against means and covariances as they are; scaled for MLR and WLSMV.
    scaling_factor : float
        What the chi-square was divided by; 1 for ML.
    cfi, tli, rmsea, rmsea_low, rmsea_high, srmr : float
        Robust ones for MLR; RMSEA with a 90 % interval.
    log_likelihood, aic, bic : float
        NaN for WLSMV.
    loadings : DataFrame
        ``factor, item, group, estimate, std_error, standardised, standardised_error``.
    parameters : DataFrame
        ``kind, left, right, group, estimate, std_error, conf_low, conf_high, free``; kinds as `factor_model.KINDS`.
    problems : DataFrame
        ``problem, where, group, advice``: improper solutions and items to look at; empty where all is well.
    converged : bool
        Where False, all numbers are missing.
    """

    estimator: str
    groups: tuple[str, ...]
    n: int
    left_out: int
    chisq: float
    df: int
    p_value: float
    scaling_factor: float
    cfi: float
    tli: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    srmr: float
    log_likelihood: float
    aic: float
    bic: float
    loadings: pd.DataFrame
    parameters: pd.DataFrame
    problems: pd.DataFrame
    converged: bool
    group: str | None  #: column of the groups
    fit: Fitted  #: for `modification_indices` and what builds on the model

    def modification_indices(self) -> pd.DataFrame:
        """Score tests of what the model holds at zero or equal.

        Returns
        -------
        DataFrame
            ``kind, left, right, group, mi, epc``, largest first: loadings on other factors, residual covariances, and elements
            held equal over groups; `mi` is a chi-square with one degree of freedom, not scaled; `epc` the change expected.
        """
        return modifications(self.fit)

    def tidy(self) -> pd.DataFrame:
        """Return a row a loading (statistics loading, standardised_loading) and a fit index, as ``analysis.tidy.COLUMNS``."""
        return _tidied(self)

    def __repr__(self) -> str:
        if not self.converged:
            return f"CfaFit({self.estimator}, n {self.n}: not converged)"
        told = f"chisq {self.chisq:.3f} on {self.df}, cfi {self.cfi:.3f}, rmsea {self.rmsea:.3f}, srmr {self.srmr:.3f}"
        return f"CfaFit({self.estimator}, n {self.n}, groups {len(self.groups)}: {told}; {len(self.problems)} problems)"


def fit_cfa(
    items: pd.DataFrame,
    *,
    factors: Mapping[str, Sequence[str]],
    group: str | None = None,
    equal: Sequence[str] = (),
    free: Sequence[tuple[str, ...]] = (),
    covariances: Sequence[tuple[str, str]] = (),
    ordered: bool = False,
    missing: str = "listwise",
    estimator: str | None = None,
    identify: str = "marker",
    mean_structure: bool | None = None,
    reference: Any = None,
    design: Design | None = None,
) -> CfaFit:
    r"""Fit a confirmatory factor model.

    :math:`\Sigma_g = \Lambda_g \Psi_g \Lambda_g' + \Theta_g`, :math:`\mu_g = \nu_g + \Lambda_g \alpha_g`, by minimising
    :math:`\sum_g \frac{n_g}{N} [\log|\Sigma_g| + tr(S_g \Sigma_g^{-1}) - \log|S_g| - p + d_g' \Sigma_g^{-1} d_g]`
    (Joreskog 1971; Sorbom 1974), or with missing answers the likelihood of what each row has (Arbuckle 1996).

    Parameters
    ----------
    items : DataFrame
        A row a person, items as numbers.
    factors : mapping of str to sequence of str
        Factor to its items; an item may belong to several factors.
    group : str, optional
        Column of the groups.
    equal : sequence of str
        Kinds that are the same in all groups, of `factor_model.KINDS`. Where intercepts are, latent means of all groups
        but the reference are free, unless ``latent_means`` is in `equal` too.
    free : sequence of (kind, item) or (kind, item, group)
        Exceptions from `equal`.
    covariances : sequence of pairs of items
        Residuals that correlate.
    ordered : bool
        Answers are ordered categories: polychoric correlations, WLSMV.
    missing : str
        ``listwise`` or ``fiml`` (full information, missing at random given what is answered).
    estimator : str, optional
        ``ML`` or ``MLR``; absent: MLR where the design has weights or clusters, else ML (WLSMV if `ordered`).
    identify : str
        ``marker``: each factor's first loading is 1; ``variance``: factors have variance 1 (in the reference group);
        ``equal``: all loadings are 1 (tau-equivalent items).
    mean_structure : bool, optional
        Whether means count among what the model explains (in SRMR, AIC, BIC); absent: with groups, FIML or MLR. Without groups
        it changes no estimate.
    reference : optional
        Value of the group whose latent means are zero; absent: the largest group.
    design : Design, optional
        Weights and cluster (first stage) only; they make errors and test robust.

    Returns
    -------
    CfaFit

    Raises
    ------
    ValueError
        For unknown columns or words, options that would change nothing, text for numbers.
    NotFittable
        A ValueError: groups with too few rows, constant or copied items, a model with more parameters than the data can tell.

    Notes
    -----
    Numbers as R's lavaan: normal likelihood with divisor n; errors from the expected information (ML), the observed one
    (FIML), or the sandwich (MLR). Weights are scaled to the rows of each group. A cluster that lies in several groups counts
    as one cluster in each.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> common = rng.normal(size=(400, 1))
    >>> frame = pd.DataFrame(common + rng.normal(size=(400, 4)), columns=list("abcd"))
    >>> fit = fit_cfa(frame, factors={"f": list("abcd")})
    >>> fit.df, bool(fit.p_value > 0.01)
    (2, True)
    """
    outline, rows, left_out = prepared(
        items,
        factors,
        group,
        reference,
        design,
        missing,
        equal=equal,
        free=free,
        covariances=covariances,
        identify=identify,
    )
    chosen = _estimator(estimator, ordered, design)
    _check_asked(equal, ordered, mean_structure)
    sample: Sample = sampled(outline.items, rows, robust=chosen == "MLR")
    if ordered:
        sample = sampled_ordered(outline.items, rows)
        outline = replace(outline, ordered=sample.thresholds, scaled="thresholds" in equal)
    found = fitted(sample, outline)
    means = group is not None or missing == "fiml" or chosen == "MLR" if mean_structure is None else mean_structure
    return _result(found, chosen, means, left_out, group)


def _check_asked(equal: Sequence[str], ordered: bool, mean_structure: bool | None) -> None:
    if "thresholds" in equal and not ordered:
        raise ValueError("thresholds are for ordered=True; answers as numbers have none")
    if "latent_means" in equal and "intercepts" not in equal:
        raise ValueError("latent means are free only where intercepts are equal: name both in equal")
    if mean_structure is False and "intercepts" in equal:
        raise ValueError("equal intercepts are about means: leave mean_structure out")


def _estimator(estimator: str | None, ordered: bool, design: Design | None) -> str:
    weighted = design is not None and (design.weights is not None or design.cluster is not None)
    chosen = estimator or ("WLSMV" if ordered else "MLR" if weighted else "ML")
    if chosen not in ESTIMATORS:
        raise ValueError(f"estimator is one of {ESTIMATORS}, seen {chosen!r}")
    if ordered != (chosen == "WLSMV"):
        raise ValueError("WLSMV is for ordered=True, ML and MLR for answers as numbers")
    if weighted and chosen == "ML":
        raise ValueError("weights and clusters need robust errors: leave estimator out, or take 'MLR'")
    return chosen


def fitted(sample: Sample, outline: Outline) -> Fitted:
    """Fit a model that the data can tell.

    Raises
    ------
    NotFittable
        For more parameters than there are statistics, or parameters that can be moved together without any change.
    """
    model = outlined(outline)
    if sample.statistics < model.size:
        raise NotFittable(
            f"{model.size} parameters are more than the data have means and covariances: ask for fewer factors"
        )
    found = sample.fit(model)
    loose = core.unidentified(sample.information(found))
    if not len(loose) or not found.converged:  # a fit that ran away is told as that
        return found
    elements = found.model.elements.drop_duplicates("number").set_index("number").loc[loose]
    words = elements[["kind", "left", "right"]].to_numpy(dtype=str).tolist()
    named = [" ".join(w for w in row if w) for row in words][:5]
    raise NotFittable(
        f"the answers cannot tell these apart: {named}; a factor by itself needs three items, or hold something equal"
    )


def _result(found: Fitted, estimator: str, means: bool, left_out: int, group: str | None) -> CfaFit:
    table = parameter_table(found)
    loadings = loading_table(found, table)
    values = _numbers(found) | found.indices(means) | _likelihood(found, means)
    df = int(values.pop("df"))
    if not found.converged:
        values = dict.fromkeys(values, np.nan)
        table[["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
        loadings[["estimate", "std_error", "standardised", "standardised_error"]] = np.nan
    return CfaFit(
        estimator=estimator,
        groups=found.sample.groups,
        n=round(found.sample.n),
        left_out=left_out,
        df=df,
        loadings=loadings,
        parameters=table,
        problems=problems(found, table, loadings),
        converged=found.converged,
        group=group,
        fit=found,
        **values,
    )


def _numbers(found: Fitted) -> dict[str, float]:
    sample, test = found.sample, found.test
    low, high = fit_indices.rmsea_interval(test, sample.rows, len(sample.groups), RMSEA_LEVEL)
    return {
        "p_value": float(stats.chi2.sf(found.chisq, test.df)) if test.df else np.nan,
        "scaling_factor": found.scaling,
        "tli": fit_indices.tli(test, sample.baseline),
        "rmsea_low": low,
        "rmsea_high": high,
    }


def _likelihood(found: Fitted, means: bool) -> dict[str, float]:
    sample = found.sample
    if not isinstance(sample, MomentSample):
        return dict.fromkeys(("log_likelihood", "aic", "bic"), np.nan)
    answers = sample.n * len(sample.items) - sample.missing
    logs = -sample.n / 2 * found.minimum - answers / 2 * float(np.log(2 * np.pi))
    parameters = found.model.size - (0 if means else len(sample.groups) * len(sample.items))
    return {
        "log_likelihood": logs,
        "aic": 2 * parameters - 2 * logs,
        "bic": float(np.log(sample.n)) * parameters - 2 * logs,
    }


def _tidied(fit: CfaFit) -> pd.DataFrame:
    key = {"n": fit.n, "status": "ok" if fit.converged else "not_converged"}
    rows: list[dict[str, Any]] = []
    for r in fit.loadings.to_dict("records"):
        cuts = {} if fit.group is None else place_keys([fit.group], [r["group"]])
        own, other = domain_key({"factor": r["factor"]}), cuts.pop("domain", ALL)
        place = cuts | {"domain": own if other == ALL else f"{other};{own}", "term": r["item"]}
        for statistic, value, error in (
            ("loading", "estimate", "std_error"),
            ("standardised_loading", "standardised", "standardised_error"),
        ):
            ends = {"conf_low": r[value] - Z * r[error], "conf_high": r[value] + Z * r[error]}
            rows.append(key | place | ends | {"statistic": statistic, "estimate": r[value], "std_error": r[error]})
    indices = [{"term": "model", "statistic": index, "estimate": getattr(fit, index)} for index in INDICES]
    return tidy_frame(rows + [key | row for row in indices])
