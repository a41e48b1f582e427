"""Agreement under survey weights: errors by replicates, against resampling by hand and what cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.agreement import agreement
from analysis.methods.design import Design, Replicates

PENCIL = 1e-10
ITEMS = ["q0", "q1", "q2"]


def people(seed: int = 1, groups: int = 6, size: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.normal(3, 0.7, groups), size)
    raw = level[:, None] + rng.normal(0, 0.8, (groups * size, 3))
    frame = pd.DataFrame(np.clip(np.rint(raw), 1, 5).astype(int), columns=ITEMS)
    return frame.assign(u=np.repeat([f"g{k}" for k in range(groups)], size), w=rng.uniform(0.5, 2, groups * size))


def jackknife(frame: pd.DataFrame, cluster: str | None = None) -> tuple[pd.DataFrame, Design]:
    """JK1, leaving out one row, or one value of a column, after the other."""
    code = np.arange(len(frame)) if cluster is None else pd.factorize(frame[cluster])[0]
    count = int(code.max()) + 1
    names = tuple(f"r{k}" for k in range(count))
    kept = np.where(code[:, None] == np.arange(count), 0.0, count / (count - 1))
    weights = pd.DataFrame(frame["w"].to_numpy()[:, None] * kept, columns=names, index=frame.index)
    method = Replicates(names, scale=(count - 1) / count)
    return pd.concat([frame, weights], axis=1), Design(weights="w", replicates=method)


@pytest.mark.parametrize("index", ["rwg_j", "rwg", "rwg_j_lindell", "ad_m", "a_wg"])
def test_errors_are_those_of_leaving_out_one_after_the_other(index: str) -> None:
    """The verb itself on each frame with a row less, deviations from the whole added up by hand."""
    frame = people()
    asked = {"group": "u", "n_options": 5, "index": index, "design": Design(weights="w")}
    whole = agreement(frame, **asked).tidy().set_index(["group", "term", "statistic"])["estimate"]
    n, squares = len(frame), 0.0
    for k in frame.index:
        part = agreement(frame.drop(index=k), **asked).tidy().set_index(["group", "term", "statistic"])["estimate"]
        squares = squares + (part.reindex(whole.index) - whole) ** 2 * (n - 1) / n
    made, design = jackknife(frame)
    rows = agreement(made, **(asked | {"design": design})).tidy()
    rows = rows[(rows["statistic"] == index) & (rows["group"] != "*")].set_index(["group", "term", "statistic"])
    np.testing.assert_allclose(rows["std_error"], np.sqrt(squares)[rows.index], rtol=1e-8)
    assert (rows["std_error"] > 0).all()
    inside = (rows["conf_low"] <= rows["estimate"]) & (rows["estimate"] <= rows["conf_high"])
    assert inside.all()
    if index != "ad_m":
        assert (rows["conf_high"] <= 1).all()


def test_the_interval_is_that_of_the_log_of_the_variance_ratio() -> None:
    """rwg of one item: 1 - m, m exp(-+ t SE(m) / m), 7 degrees of freedom for 8 people."""
    frame, design = jackknife(people()[["u", "w", "q0"]])
    row = agreement(frame, group="u", n_options=5, index="rwg", design=design).tidy().iloc[0]
    m = 1 - row["estimate"]
    reach = np.exp(2.364624252 * row["std_error"] / m)
    expected = [1 - m * reach, 1 - m / reach]
    assert row[["conf_low", "conf_high"]].tolist() == pytest.approx([max(expected[0], 0), expected[1]], rel=1e-8)


def test_the_mean_over_groups_has_the_error_of_the_people_drawn() -> None:
    """People drawn apart in each group: the groups' errors add up, v = sum v_g / G^2."""
    frame, design = jackknife(people(groups=5, size=12).assign(w=1.0))
    rows = agreement(frame, group="u", n_options=5, index="ad_m", design=design).tidy().set_index("group")
    apart = np.sqrt((rows.drop(index="*")["std_error"] ** 2).sum()) / 5
    assert rows.loc["*", "std_error"] == pytest.approx(apart, rel=1e-8)


def test_groups_drawn_whole_have_no_error_of_their_own() -> None:
    """Nothing tells how such a group would have answered otherwise; the mean over groups has an error, s / sqrt(G)."""
    frame, design = jackknife(people(), cluster="u")
    rows = agreement(frame, group="u", n_options=5, index="ad_m", design=design).tidy().set_index("group")
    own = rows.drop(index="*")
    assert own["std_error"].isna().all()
    assert own["status"].eq("ok").all()
    assert rows.loc["*", "std_error"] == pytest.approx(own["estimate"].std() / np.sqrt(6), rel=1e-8)


def test_groups_moved_whole_and_never_left_out_have_none_either() -> None:
    """Fay's replicates, .5 and 1.5 for zero and two: no group's answers change among themselves."""
    frame = people(groups=4)
    sign = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1], [1, 1, 1, 1]])
    for r in range(4):
        frame[f"r{r}"] = frame["w"] * (1 + 0.5 * sign[pd.factorize(frame["u"])[0], r])
    design = Design(weights="w", replicates=Replicates(tuple(f"r{k}" for k in range(4)), scale=1.0))
    rows = agreement(frame, group="u", n_options=5, index="ad_m", design=design).tidy().set_index("group")
    assert rows.drop(index="*")["std_error"].isna().all()
    assert rows.loc["*", "std_error"] > 0


def test_deviations_from_the_mean_of_the_replicates() -> None:
    """centre="mean": the standard deviation of the index under the replicates, here with R - 1."""
    frame = people(groups=3, size=20)
    rng = np.random.default_rng(11)
    names = tuple(f"r{k}" for k in range(30))
    times = rng.multinomial(19, np.full(20, 1 / 20), (3, 30)).transpose(0, 2, 1).reshape(60, 30) * 20 / 19
    frame[list(names)] = frame["w"].to_numpy()[:, None] * times
    asked = {"group": "u", "n_options": 5, "index": "ad_m"}
    design = Design(weights="w", replicates=Replicates(names, scale=1 / 29, centre="mean"))
    found = agreement(frame, design=design, **asked).tidy().set_index("group")["std_error"]
    plain = frame[["u", *ITEMS]]
    each = [
        agreement(plain.assign(w=frame[r]), design=Design(weights="w"), **asked).tidy().set_index("group")["estimate"]
        for r in names
    ]
    expected = pd.concat(each, axis=1).std(axis=1)
    np.testing.assert_allclose(found[["g0", "g1", "g2"]], expected[["g0", "g1", "g2"]], rtol=1e-8)


def test_a_group_of_two_and_one_of_one_mind_have_no_error() -> None:
    frame = pd.DataFrame({"u": list("aabbbbcccc"), "q": [1, 2, 4, 4, 4, 4, 1, 3, 4, 5], "w": 1.0})
    frame, design = jackknife(frame)
    rows = agreement(frame, group="u", n_options=5, index="rwg", design=design).tidy().set_index("group")
    assert rows.loc[["a", "b"], "std_error"].isna().all()
    assert rows.loc[["a", "b"], "estimate"].tolist() == [0.75, 1.0]
    assert rows.loc["c", "std_error"] > 0


def test_a_cluster_drawn_twice_counts_twice_in_the_mean_over_groups() -> None:
    """Bootstrap weights of whole groups: the mean under a replicate weighs each group by the times it was drawn."""
    frame = people(groups=3)
    times = np.array([[2, 0, 1], [0, 3, 0], [1, 1, 1]])[:, [0, 1, 2]]
    for r, t in enumerate(times):
        frame[f"r{r}"] = frame["w"] * t[pd.factorize(frame["u"])[0]]
    design = Design(weights="w", replicates=Replicates(("r0", "r1", "r2"), scale=1.0))
    rows = agreement(frame, group="u", n_options=5, index="ad_m", design=design).tidy().set_index("group")["estimate"]
    own = rows[["g0", "g1", "g2"]].to_numpy()
    off = times @ own / 3 - own.mean()
    found = agreement(frame, group="u", n_options=5, index="ad_m", design=design).tidy().set_index("group")
    assert found.loc["*", "std_error"] == pytest.approx(np.sqrt((off**2).sum()), rel=PENCIL)


def test_weights_times_a_number_change_nothing() -> None:
    frame, design = jackknife(people())
    bigger = frame.assign(**{c: frame[c] * 7 for c in ("w", *design.replicates.columns)})  # type: ignore[union-attr]
    asked = {"group": "u", "n_options": 5, "design": design}
    pd.testing.assert_frame_equal(agreement(frame, **asked).tidy(), agreement(bigger, **asked).tidy(), rtol=PENCIL)


def test_without_replicates_weights_give_no_error() -> None:
    rows = agreement(people(), group="u", n_options=5, design=Design(weights="w")).tidy()
    assert rows["std_error"].isna().all()


def test_cut_offs_of_weighted_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="answers that count alike"):
        agreement(people(), group="u", n_options=5, design=Design(weights="w"), cutoffs=True)


def test_replicates_that_are_not_there_are_named() -> None:
    design = Design(weights="w", replicates=("r0",))
    with pytest.raises(ValueError, match=r"columns that the frame does not have: \['r0'\]"):
        agreement(people(), group="u", n_options=5, design=design)
