"""Does what people say now go with what they do next?  Odds of coming, within people, between people and between units.

Source: answers of one or several waves with whether each answer's person came in the next window. Nothing of a person is given
back: only slopes over all.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from analysis.methods.design import combinations
from analysis.methods.mixed import NotFittable, fit_mixed
from analysis.tidy import domain_key, tidy_frame

STATISTIC = "odds_ratio"
ENDS = {f"{STATISTIC}_lowest": -1, f"{STATISTIC}_highest": 1}
PARTS = ("within_person", "between_people", "between_units")
Z = NormalDist().inv_cdf(0.975)
FEWEST = 10  # people who changed, or units, below which no odds are given
FAR = 8.0  # a log odds a point beyond which a slope has run away
OPEN = "not linked"
WITHIN, BETWEEN, UNIT = "own less the unit's", "the unit's mean", "unit of people"


def foretell(
    frame: pd.DataFrame,
    *,
    scale: str,
    came: str,
    person: str,
    units: Sequence[str],
    wave: str | None,
    unlinked: str | None = None,
) -> pd.DataFrame:
    r"""Give the odds ratios of coming for one point more of a scale, and how far those who are not linked could move them.

    Within people: :math:`P(y_{it} = 1) = \mathrm{logit}^{-1}(a_i + b_t + \beta x_{it})` given how often i came (conditional
    logit). Between: :math:`\mathrm{logit} P(y_{ij} = 1) = b_t + \beta_w (x_{ij} - \bar x_j) + \beta_b \bar x_j + u_j`.

    Bounds: the same fit when of those not linked everybody above the mean that the part compares with came (the person's own, the
    unit's, that of all units) and nobody below it, or the other way round: the ends that their coming could have (Manski 1989),
    with the interval of either end.

    Parameters
    ----------
    frame : DataFrame
        A row an answer.
    scale, came : str
        Columns of the score, and of 1, 0 or missing.
    person : str
        Column that names the person.
    units : sequence of str
        Columns whose combinations are the units j; none: no units.
    wave : str or None
        Column of the wave; a term of its own where there are several.
    unlinked : str, optional
        Column of bool: whether the person came is only unknown because there is no link. None: no bounds.

    Returns
    -------
    DataFrame
        Tidy rows of statistic ``odds_ratio``, a row a part (domain ``part=...``); interval Wald's on the log, std_error by the
        delta method; ``n`` people who changed, or answers. ``odds_ratio_lowest, odds_ratio_highest`` of the parts that were
        estimated, where some are not linked.
    """
    columns = [*dict.fromkeys([scale, person, *units, *([wave] if wave else [])])]
    kept = frame[[*columns, came]].assign(**{OPEN: False if unlinked is None else frame[unlinked].to_numpy(bool)})
    told = kept.dropna()
    if told.empty:
        return tidy_frame([_row(scale, part, None, "not_asked", 0) for part in PARTS])
    rows = [_within(told, scale, came, person, wave), *_between(told, scale, came, units, wave)]
    whole = kept[kept[came].notna() | kept[OPEN]].dropna(subset=[c for c in columns if c != person])
    if whole[OPEN].any():
        found = {part: row["status"] == "ok" for part, row in zip(PARTS, rows, strict=True)}
        for name, way in ENDS.items():
            if found[PARTS[0]] and len(own := whole.dropna(subset=[person])) > len(told):
                rows.append(
                    _within(_supposed(own, scale, came, [person], way), scale, came, person, wave) | {"statistic": name}
                )
            for place, part in enumerate(PARTS[1:]):
                if found[part]:
                    laid = _supposed(whole, scale, came, units, way, of_units=part == PARTS[2])
                    rows.append(_between(laid, scale, came, units, wave)[place] | {"statistic": name})
    return tidy_frame(rows)


def _supposed(
    whole: pd.DataFrame, scale: str, came: str, units: Sequence[str], way: int, *, of_units: bool = False
) -> pd.DataFrame:
    """Suppose of those not linked that all on one side of the mean came, and nobody on the other."""
    mean = whole.groupby([*units], observed=True)[scale].transform("mean")
    above = (mean - whole[scale].mean()) if of_units else (whole[scale] - mean)
    return whole.assign(**{came: whole[came].mask(whole[OPEN], (way * above > 0).astype("float64"))})


def _row(scale: str, part: str, slope: tuple[float, float] | None, status: str, n: int) -> dict[str, object]:
    head: dict[str, object] = {"term": scale, "statistic": STATISTIC, "domain": domain_key({"part": part})}
    head |= {"status": status}
    if slope is None:
        return head
    at, error = slope
    ends = {"conf_low": np.exp(at - Z * error), "conf_high": np.exp(at + Z * error)}
    return head | {"estimate": np.exp(at), "std_error": np.exp(at) * error, "n": float(n)} | ends


def _told(scale: str, part: str, slope: tuple[float, float], n: int) -> dict[str, object]:
    """The row of a slope that was found; not estimable where it ran away."""
    sound = np.isfinite(slope).all() and abs(slope[0]) < FAR and 0 < slope[1] < FAR
    return _row(scale, part, slope if sound else None, "ok" if sound else "not_estimable", n)


def _within(used: pd.DataFrame, scale: str, came: str, person: str, wave: str | None) -> dict[str, object]:
    """Only people who came after one answer and not after another tell anything."""
    part = PARTS[0]
    if wave is None or not used[person].duplicated().any():
        return _row(scale, part, None, "not_asked", 0)
    ways = used.groupby(person)[came].transform("nunique")
    moved = used.groupby(person)[scale].transform("nunique")
    some = used[(ways > 1) & (moved > 1)]
    n = some[person].nunique()
    if n < FEWEST:
        return _row(scale, part, None, "not_estimable", n)
    x = pd.concat([some[[scale]], pd.get_dummies(some[wave].astype("str"), dtype="float64").iloc[:, 1:]], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            fit = ConditionalLogit(some[came].to_numpy(), x.to_numpy(), groups=pd.factorize(some[person])[0]).fit(
                disp=0
            )
            slope = (float(fit.params[0]), float(fit.bse[0]))
        except (ConvergenceWarning, np.linalg.LinAlgError):
            return _row(scale, part, None, "not_converged", n)
    return _told(scale, part, slope, n)


def _between(
    used: pd.DataFrame, scale: str, came: str, units: Sequence[str], wave: str | None
) -> list[dict[str, object]]:
    if not units:
        return [_row(scale, part, None, "not_asked", 0) for part in PARTS[1:]]
    unit = pd.Series(combinations(used, units), index=used.index)
    if unit.nunique() < FEWEST:
        return [_row(scale, part, None, "not_estimable", len(used)) for part in PARTS[1:]]
    mean = used.groupby(unit)[scale].transform("mean")
    laid = used.assign(**{WITHIN: used[scale] - mean, BETWEEN: mean, UNIT: unit.astype("str")})
    several = wave is not None and used[wave].nunique() > 1
    laid = laid if wave is None else laid.assign(**{wave: laid[wave].astype("str")})
    fixed = [WITHIN, BETWEEN, *([wave] if several and wave else [])]
    try:
        fit = fit_mixed(laid, outcome=came, fixed=fixed, random=[UNIT], family="binomial")
    except NotFittable:
        return [_row(scale, part, None, "not_estimable", len(used)) for part in PARTS[1:]]
    if not fit.converged:
        return [_row(scale, part, None, "not_converged", len(used)) for part in PARTS[1:]]
    slopes = fit.coefficients.set_index("term")[["estimate", "std_error"]].astype("float64")
    ends = [(slopes["estimate"][c], slopes["std_error"][c]) for c in (WITHIN, BETWEEN)]
    return [_told(scale, part, slope, len(used)) for part, slope in zip(PARTS[1:], ends, strict=True)]
