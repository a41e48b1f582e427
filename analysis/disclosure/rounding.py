"""How finely may a number be shown, so that no single answer can be worked out from it and a neighbour?

A mean of n answers between lowest and highest moves by at most (highest - lowest) / n when one person is left out: the
step is never below that. The closed table `STATISTICS` says what range each statistic follows from its variable's; a
statistic that is not in it is not released.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

STATISTICS: Mapping[str, str] = MappingProxyType(
    {
        "mean": "own",
        "shrunken": "own",
        "shrunken_share": "share",
        "poststratified": "own",
        "small_area": "own",
        "benchmarked": "own",
        "eblup": "own",
        "borrowed": "share",
        "variance_share": "share",
        "refvar": "variance",
        "change": "difference",
        "difference_from_all": "difference",
        "within": "coefficient",
        "contextual": "coefficient",
        "ratio": "own",
        "rating": "own",
        "proportion": "share",
        "conditional": "share",
        "cumulative": "share",
        "marginal": "share",
        "lost": "share",
        "lost_most": "share",
        "by_log": "share",
        **dict.fromkeys(("joint", "again"), "share"),
        "agreement": "share",
        "lowest": "share",
        "highest": "share",
        **dict.fromkeys(("made", "raised"), "count"),
        **dict.fromkeys(("answered", "adopted", "told", "accepted", "resolved"), "share"),
        **dict.fromkeys(("adopted_of_answered", "told_of_answered", "resolved_of_accepted"), "share"),
        **{f"days_to_{stage}": "days" for stage in ("answered", "adopted", "told", "accepted", "resolved")},
        "gap_heard_adopted": "difference",
        "coverage": "rate",
        "organisation_coverage": "rate",
        "organisation_full": "rate",
        "venue_full": "rate",
        "coverage_lowest": "share",
        "coverage_highest": "share",
        "share": "share",
        "equity_gap": "difference",
        "per_100_members": "amount",
        "times_per_venue": "amount",
        "rank_correlation": "correlation",
        "response_rate": "rate",
        "invited_rate": "rate",
        "share_registry": "rate",
        "share_answers": "rate",
        "share_weighted": "rate",
        "mean_lowest": "own",
        "mean_highest": "own",
        "bias_at_most": "deviation",
        "r_indicator": "index",
        "effective_n": "count",
        "linkage_rate": "share",
        "linkage_lowest": "share",
        "linkage_highest": "share",
        "gap_to_target": "gap",
        "blind_spot": "gap",
        "rwg_out_of_range": "share",
        "rwg_j_out_of_range": "share",
        "rwg_j_lindell_out_of_range": "share",
        "ave": "index",
        "htmt": "rate",
        "dmacs": "deviation",
        "largest_shift": "deviation",
        "latent_mean": "difference",
        "rwg": "index",
        "rwg_j": "index",
        "rwg_j_lindell": "index",
        "icc1": "index",
        "icc2": "index",
        "icc1_unequal": "index",
        "alpha": "index",
        "alpha_if_dropped": "index",
        "alpha_ordinal": "index",
        "omega": "index",
        "omega_categorical": "index",
        "unit_reliability": "index",
        **{f"{i}_beyond_chance": "share" for i in ("rwg", "rwg_j", "rwg_j_lindell", "a_wg", "ad_m")},
        **{f"{i}_cutoff": "index" for i in ("rwg", "rwg_j", "rwg_j_lindell")},
        "a_wg_cutoff": "correlation",
        "ad_m_cutoff": "deviation",
        "item_rest": "correlation",
        "correlation": "correlation",
        "a_wg": "correlation",
        "ad_m": "deviation",
        "difference": "difference",
        "composition": "difference",
        "real": "difference",
        "effect": "difference",
        "variance": "variance",
        "count": "count",
        "people": "count",
        "events": "count",
        "units": "units",
        "total": "total",
        "coefficient": "coefficient",
        "weight_effect": "rate",
        **{f"{side}_{done}": "share" for side in ("above", "below") for done in ("present", "absent")},
        **{f"{c}_{end}": "share" for c in ("above_absent", "below_present") for end in ("lowest", "highest")},
        "present_minus_absent": "difference",
        **dict.fromkeys(("odds_ratio", "odds_ratio_lowest", "odds_ratio_highest"), "coefficient"),
        **dict.fromkeys(("survival", "hazard", "cumulative_incidence"), "share"),
        "median_time": "days",
        **dict.fromkeys(("entry", "exit", "stay", "transition"), "share"),
        **dict.fromkeys(("unseen", "unseen_after"), "count"),
        **dict.fromkeys(("gini", "gini_members", "top_tenth", "half"), "share"),
    }
)
EXTREMES = ("min", "max", "range", "median", "quantile")
OF_OTHERS = ("rate", "gap")
# What stands on those alone who consented to be looked up in the log: also hidden where these are too few.
OF_LINKED = ("by_log", "agreement", "lowest", "highest")
LINKED = "linkage"
# Numbers of the most active: also hidden where these are too few, as they tell how often each of them came.
FEW_OF = ("top_tenth", "half")
EMPTY_MAY_SHOW = ("count", "share", "rate", "amount")


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the house that this form of the door honours.

    Attributes
    ----------
    minimum : int
        Least people behind a number; 5 or more, 10 by default.
    difference : int
        Least people in the difference of two published sets; 5 or more, 10 by default.
    count_step : int
        Counts, n and n_eff are rounded to it; 5 by default.
    small_count_step : int
        The same for regions of the finest level; 10 by default.
    sensitive_minimum : int
        Least people behind a number of a sensitive variable (health, disability, minors, whereabouts); 30 by default, and never
        below ``minimum``. Such a variable is never shown by group and region together.
    """

    minimum: int = 10
    difference: int = 10
    count_step: int = 5
    small_count_step: int = 10
    sensitive_minimum: int = 30

    def __post_init__(self) -> None:
        least_of = {"minimum": 5, "difference": 5, "count_step": 1, "small_count_step": 1, "sensitive_minimum": 5}
        for rule, least in least_of.items():
            value = getattr(self, rule)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"rule {rule} is {value!r}: it must be a whole number of at least {least}")

    def for_sensitive(self) -> Rules:
        """Give the rules that a sensitive variable is looked at with."""
        return replace(self, minimum=max(self.minimum, self.sensitive_minimum))

    @classmethod
    def of(cls, given: Rules | Mapping[str, Any] | None) -> Rules:
        """Take rules as they are, or from a mapping of their names; a name that is no rule is an error."""
        if isinstance(given, Rules):
            return given
        chosen: dict[str, Any] = dict(given or {})
        known = [f.name for f in fields(cls)]
        if unknown := [str(k) for k in chosen if k not in known]:
            raise ValueError(f"no such rule: {unknown}; the rules are {known}")
        return cls(**chosen)


@dataclass(frozen=True, slots=True)
class Grid:
    """What numbers a statistic may be shown on.

    Attributes
    ----------
    step : float
        Distance between two showable values, 1, 2 or 5 times a power of ten; nan where nothing can be shown.
    decimals : int
        Decimals that show the step, 0 or more.
    low, high : float
        Ends of the statistic's range; infinite where it has none.
    """

    step: float
    decimals: int
    low: float = -math.inf
    high: float = math.inf

    def nearest(self, value: float) -> float:
        """Round to the step, halves to even, inside the range."""
        return self._place(round(round(value / self.step, 9)))

    def below(self, value: float) -> float:
        """Round down to the step, inside the range."""
        return self._place(math.floor(round(value / self.step, 9)))

    def above(self, value: float) -> float:
        """Round up to the step, inside the range."""
        return self._place(math.ceil(round(value / self.step, 9)))

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range."""
        return self.low - 1e-9 <= value <= self.high + 1e-9

    def _place(self, steps: int) -> float:
        # adding nought turns -0.0 into 0.0
        return round(min(max(steps * self.step, self.low), self.high), self.decimals + 2) + 0.0


def check_statistic(statistic: str) -> str:
    """Give the kind of a statistic; one that is not in the table is refused.

    Raises
    ------
    ValueError
        For an extreme of a cell (never released), or a statistic that `STATISTICS` does not have.
    """
    if statistic in EXTREMES:
        raise ValueError(
            f"{statistic} is never released: the end of a range is one person's value; take a mean or a share"
        )
    if statistic not in STATISTICS:
        raise ValueError(f"no scale is declared for statistic {statistic!r}; declared are {sorted(STATISTICS)}")
    return STATISTICS[statistic]


def grid(kind: str, lowest: float, highest: float, n: float, *, error: float, size: float, count_step: int) -> Grid:
    """Say on what step a number may be shown.

    Parameters
    ----------
    kind : str
        A kind of `STATISTICS`.
    lowest, highest : float
        Range of one person's value of the variable, in its unit.
    n : float
        People behind the number; nan where they are not persons (registry).
    error : float
        Its standard error, for coefficients; nan if unknown.
    size : float
        The number's own size, for totals and for coefficients without error.
    count_step : int
        Step of counts.

    Returns
    -------
    Grid
        Step = the larger of (smallest 1-2-5 step not below width / n) and (width / 100 down to a power of ten), with
        width = highest - lowest for ``own``, 1 for ``share`` and ``index``, 2 for ``correlation``, twice the range for
        ``difference``, a quarter of the squared range for ``variance``. ``count``: the count step. ``total``: the smallest
        1-2-5 step not below the count step, the range, and the total over n. ``amount`` (so much for each of something): two
        digits, and not below the amount over n, a person's usual part. ``coefficient``: two digits of its standard error.
        ``rate`` (which may pass 1) and ``gap``: a width of 1. ``units`` (regions or organisations, not people): 1. ``days``:
        two digits of the number, and no less than a whole day.
    """
    reach = highest - lowest
    if kind == "count":
        return Grid(float(count_step), 0, 0.0)
    if kind == "units":
        return Grid(1.0, 0, 0.0)
    if kind == "days":
        return _on(max(1.0, 10.0 ** (math.floor(math.log10(size)) - 1) if size > 0 else 1.0), 0.0)
    if kind == "total":
        share = abs(size) / n if n > 0 else 0.0
        return _on(_step_125(max(count_step, reach, share)))
    if kind == "amount":
        part = _step_125(abs(size) / n) if n > 0 and size else 0.0
        return _on(max(part, 10.0 ** (math.floor(math.log10(abs(size))) - 1) if size else 0.01), 0.0)
    if kind == "coefficient":
        digits = error if error > 0 else abs(size)
        return _on(10.0 ** (math.floor(math.log10(digits)) - 1) if digits > 0 else 0.01)
    width, low, high = {
        "own": (reach, lowest, highest),
        "share": (1.0, 0.0, 1.0),
        "index": (1.0, -math.inf, math.inf),
        "correlation": (2.0, -1.0, 1.0),
        "difference": (2.0 * reach, -reach, reach),
        "gap": (1.0, -math.inf, math.inf),
        "deviation": (reach / 2.0, 0.0, reach / 2.0),
        "variance": (reach**2 / 4.0, 0.0, math.inf),
        "rate": (1.0, 0.0, math.inf),
    }[kind]
    return _on(max(_step_125(width / n) if n > 0 else 0.0, _reading(width)), low, high)


def round_count(value: float, step: int, least: int) -> float:
    """Round a count to its step, halves to even; nought stays, anything more is never shown below ``least``."""
    if not value > 0:
        return value
    return float(max(round(value / step) * step, math.ceil(least / step) * step))


def two_digits(value: float) -> float:
    """Round to two significant digits; a missing value stays missing."""
    return float(f"{value:.1e}")


def _on(step: float, low: float = -math.inf, high: float = math.inf) -> Grid:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return Grid(round(step, decimals + 2), decimals, low, high)


def _reading(width: float) -> float:
    return 10.0 ** math.floor(math.log10(width / 100.0) + 1e-9)


def _step_125(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least) + 1e-9)
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1.0 - 1e-9))
