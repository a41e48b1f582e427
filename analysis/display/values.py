"""How a released number is written. Nothing is rounded here: the released table says how many digits a number has."""

from __future__ import annotations

import math

from analysis.display.rows import Row
from analysis.display.words import say

# Shares that their term alone does not name.
NAMED_SHARES = (
    *(f"{side}_{done}" for side in ("above", "below") for done in ("present", "absent")),
    *(f"{corner}_{end}" for corner in ("above_absent", "below_present") for end in ("lowest", "highest")),
    "survival",
    "hazard",
    "cumulative_incidence",
    "entry",
    "exit",
    "stay",
    "transition",
    "top_tenth",
    "half",
    "joint",
    "again",
)
SHARES = (
    "proportion",
    "conditional",
    "cumulative",
    "shrunken_share",
    "coverage",
    "organisation_coverage",
    "organisation_full",
    "venue_full",
    "coverage_lowest",
    "coverage_highest",
    "share",
    "equity_gap",
    "blind_spot",
    "response_rate",
    "invited_rate",
    "share_registry",
    "share_answers",
    "share_weighted",
    "linkage_rate",
    "linkage_lowest",
    "linkage_highest",
    "gap_to_target",
    "variance_share",
    "borrowed",
    *NAMED_SHARES,
)
QUALITY = (
    "alpha",
    "alpha_if_dropped",
    "omega",
    "omega_categorical",
    "alpha_ordinal",
    "unit_reliability",
    "icc1",
    "icc2",
)
AGREEMENT = ("rwg", "rwg_j", "rwg_j_lindell")
UNEVEN = ("gini", "gini_members")
UNIT_INTERVAL = (*SHARES, *QUALITY, *AGREEMENT, *UNEVEN)
# Differences that are no change, and what they are differences from.
AGAINST = {"difference_from_all": "whole", "present_minus_absent": "absent"}
SLOPES = ("within", "contextual")
SIGNED = (
    "difference",
    "composition",
    "real",
    "effect",
    "gap_to_target",
    "blind_spot",
    "equity_gap",
    "latent_mean",
    "change",
    *AGAINST,
    *SLOPES,
)
MINUS = "−"


def number(value: float, decimals: int, statistic: str) -> str:
    """Write a number: shares as per cent, differences with their sign, a true minus, thousands parted by commas.

    Parameters
    ----------
    value : float
        As released.
    decimals : int
        Digits after the point of `value`; a share shows two less.
    statistic : str
        Decides between per cent, signed and plain.

    Returns
    -------
    str

    Examples
    --------
    >>> number(0.29, 2, "proportion"), number(-0.2, 1, "difference"), number(4.2, 1, "mean")
    ('29%', '−0.2', '4.2')
    """
    share = statistic in SHARES
    text = f"{abs(value) * (100 if share else 1):,.{max(decimals - 2 * share, 0)}f}"
    below = value < 0 and any(sign in "123456789" for sign in text)
    sign = MINUS if below else "+" if statistic in SIGNED and value > 0 else ""
    return sign + text + ("%" if share else "")


def estimate(row: Row) -> str:
    """Write a row's estimate."""
    return number(row.estimate, row.decimals, row.keys["statistic"])


def limits(row: Row) -> tuple[str, str] | None:
    """Write the ends of a row's interval; None where it has none."""
    if math.isnan(row.low) or math.isnan(row.high):
        return None
    return number(row.low, row.decimals, row.keys["statistic"]), number(row.high, row.decimals, row.keys["statistic"])


def interval(row: Row, language: str) -> str:
    """Write an interval for a table or a figure: ``4.0–4.4``, with a word between where a sign is in the way."""
    ends = limits(row)
    if ends is None:
        return ""
    if row.low < 0 or row.keys["statistic"] in SIGNED:
        return say("axis.range", language, low=ends[0], high=ends[1])
    return f"{ends[0].removesuffix('%')}–{ends[1]}"


def between(row: Row, language: str, key: str = "between") -> str:
    """Write an interval for a sentence: ``, between 4.0 and 4.4``; empty where there is none."""
    ends = limits(row)
    if ends is None:
        return ""
    signed = row.low < 0 or row.keys["statistic"] in SIGNED
    return say(f"{key}.signed" if signed else key, language, low=ends[0], high=ends[1])


def count(value: float) -> str:
    """Write a count as released: ``12,340``; empty where there is none."""
    return "" if math.isnan(value) else f"{value:,.0f}"
