"""Shades: five even steps that hold all numbers, darker for higher, readable ink on every ground.

Tolerance: none but for binary fractions (1e-9). Contrast has WCAG 2.2's limit for text.
"""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from analysis.display.rows import Row
from analysis.display.shades import STEPS, shades_for

NEAR = 1e-9
KEYS = {"wave": "1", "group": "a", "region": "*", "domain": "*", "term": "warmth"}
scores = st.lists(st.integers(100, 500).map(lambda v: v / 100), min_size=1, max_size=30)
changes = st.lists(st.integers(-300, 300).map(lambda v: v / 100), min_size=1, max_size=30)


def made(value: float, statistic: str = "mean", status: str = "ok", basis: str = "") -> Row:
    return Row({**KEYS, "statistic": statistic}, value, math.nan, math.nan, 100.0, 2, status, basis)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return math.fsum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@given(scores)
def test_steps_hold_every_number_and_a_higher_one_is_never_paler(values: list[float]) -> None:
    shades = shades_for([made(v) for v in values], "mean")
    assert len(shades.edges) == STEPS + 1
    assert shades.edges[0] <= min(values) + NEAR
    assert shades.edges[-1] >= max(values) - NEAR
    grounds = [luminance(shades.of(v)[0]) for v in sorted(values)]
    assert grounds == sorted(grounds, reverse=True)


@given(changes)
def test_a_difference_is_shaded_alike_to_both_sides(values: list[float]) -> None:
    shades = shades_for([made(v, "difference") for v in values], "difference")
    assert all(abs(a + b) < NEAR for a, b in zip(shades.edges, reversed(shades.edges), strict=True))
    assert shades.edges[-1] >= max(map(abs, values)) - NEAR


def test_every_ground_carries_its_ink() -> None:
    for statistic in ("mean", "difference"):
        shades = shades_for([made(v, statistic) for v in (-2.0, 2.0)], statistic)
        for k in range(STEPS):
            ground, ink = (luminance(c) for c in shades.of((shades.edges[k] + shades.edges[k + 1]) / 2))
            high, low = max(ground, ink), min(ground, ink)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (statistic, k)


def test_a_number_of_another_unit_does_not_stretch_the_scale() -> None:
    own = [made(3.0), made(4.0)]
    assert shades_for([*own, made(1.0, status="pooled", basis="above")], "mean") == shades_for(own, "mean")


def test_a_number_that_leans_on_others_is_still_its_units() -> None:
    leaning = [made(3.0, status="pooled"), made(4.0, status="pooled")]
    assert shades_for(leaning, "mean") == shades_for([made(3.0), made(4.0)], "mean")


def test_edges_are_written_with_the_digits_they_need() -> None:
    assert shades_for([made(3.0), made(4.0)], "mean").written() == ["3.0", "3.2", "3.4", "3.6", "3.8", "4.0"]
    share = shades_for([made(0.1, "proportion"), made(0.6, "proportion")], "proportion")
    assert share.written() == ["10%", "20%", "30%", "40%", "50%", "60%"]
