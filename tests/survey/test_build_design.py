"""The design that a panel's answers call for, where waves differ in what they say of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import Design, contrast, estimates
from survey.build import _drawn


def test_answers_without_a_cluster_are_their_own_and_without_a_stratum_in_one() -> None:
    frame = pd.DataFrame({"member": list("abc"), "cluster": ["x", None, None], "strata": ["s", "s", None]})
    drawn = _drawn(frame)
    assert drawn["cluster"].tolist() == ["x", "b", "c"]
    assert drawn["strata"].tolist() == ["s", "s", ""]


def test_columns_that_say_nothing_are_left_alone() -> None:
    frame = pd.DataFrame({"member": list("ab"), "cluster": pd.Series([None, None], dtype="str")})
    pd.testing.assert_frame_equal(_drawn(frame), frame)


def test_the_same_people_in_two_waves_are_not_twice_as_many() -> None:
    """The change's variance is that of the people's own changes: by a frame with a row a person."""
    rng = np.random.default_rng(5)
    trait = rng.normal(3, 1, 200)
    wide = pd.DataFrame({"1": trait + rng.normal(0, 0.3, 200), "2": trait + 0.2 + rng.normal(0, 0.3, 200)})
    long = wide.rename_axis("member").reset_index().melt(id_vars="member", var_name="wave", value_name="y")
    waves = estimates(long, variables="y", by="wave", design=Design(cluster="member"))
    change = contrast(waves, [(1, 0)]).tidy().iloc[0]
    own = estimates(wide.assign(change=wide["2"] - wide["1"]), variables="change").tidy().iloc[0]
    assert change["std_error"] == pytest.approx(own["std_error"], rel=1e-10)
    assert change["estimate"] == pytest.approx(own["estimate"], rel=1e-10)
