"""Numbers of lavaan and semTools on made data, every one, and how many they are; `workbench verify` has the real data."""

from __future__ import annotations

from collections import Counter

from reports.reference import HOME, measurement, measurement_ordinal, reliability


def test_every_number_on_made_data_agrees() -> None:
    lines = [line for module in (measurement, measurement_ordinal, reliability) for line in module.lines(HOME, None)]
    assert [line.what for line in lines if not line.agrees] == []
    counts = Counter(line.method for line in lines)
    assert set(counts) == {"polychoric", "wlsmv", "invariance", "reliability"}
    # as many as there were: a case that is skipped is not one that agrees
    assert counts["polychoric"] >= 1360
    assert counts["wlsmv"] >= 1862
    assert counts["invariance"] >= 34
