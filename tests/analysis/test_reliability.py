"""Reliability against psych and semTools, by hand, and with items that spoil a scale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.design import Design
from analysis.methods.reliability import reliability

PRINTED = 6e-7  # absolute: psych's and semTools' numbers are stored with six digits
FACTORS = 1e-5  # absolute: lavaan's and our optimiser stop at different points
PENCIL = 1e-12

SCALES = {"visual": ("x1", "x2", "x3"), "textual": ("x4", "x5", "x6"), "speed": ("x7", "x8", "x9")}
FOUR = ("informat", "willingn", "officeho", "compete")
Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def pupils(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("holzinger1939") / "HolzingerSwineford1939.csv")


def value(rows: pd.DataFrame, term: str, statistic: str) -> float:
    return float(rows.set_index(["term", "statistic"]).loc[(term, statistic), "estimate"])


def test_alpha_and_omega_of_three_scales(pupils: pd.DataFrame) -> None:
    rows = reliability(pupils, scales=SCALES).tidy()
    alpha = [value(rows, s, "alpha") for s in SCALES]
    omega = [value(rows, s, "omega") for s in SCALES]
    assert alpha == pytest.approx([0.626117, 0.882707, 0.688455], abs=PRINTED)
    assert omega == pytest.approx([0.625318, 0.885175, 0.687760], abs=FACTORS)


def test_omega_of_a_scale_alone_has_its_own_factor(pupils: pd.DataFrame) -> None:
    """semTools on one-factor models (R 4.2.2, semTools 0.5-6, lavaan 0.6-14)."""
    found = [value(reliability(pupils, scales={s: SCALES[s]}).tidy(), s, "omega") for s in SCALES]
    assert found == pytest.approx([0.632553, 0.885881, 0.696135], abs=FACTORS)


def test_alpha_of_real_scales(shared_data: Folder) -> None:
    leaders = pd.read_csv(shared_data("bhr2000") / "bhr2000.csv")
    rows = reliability(leaders, scales={"lead": tuple(leaders.columns[1:12])}).tidy()
    assert value(rows, "lead", "alpha") == pytest.approx(0.891343, abs=PRINTED)
    students = pd.read_csv(shared_data("univer_2002") / "univer.csv")
    rows = reliability(students, scales={"service": FOUR}).tidy()
    assert value(rows, "service", "alpha") == pytest.approx(0.856169, abs=PRINTED)


def test_alpha_with_holes_is_pairwise(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("ess4_britain") / "ess4_gb.csv")
    rows = reliability(frame, scales={"gv": tuple(c for c in frame if c.startswith("gv"))}).tidy()
    assert value(rows, "gv", "alpha") == pytest.approx(0.741717, abs=PRINTED)


def test_by_hand() -> None:
    """Variances 2.5 each, covariances 2, 1.5, 2: alpha = 3/2 (1 - 7.5 / 18.5), item a with b + c: 3.5 / sqrt(2.5 * 9)."""
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 1, 4, 3, 5], "c": [1, 3, 2, 5, 4]})
    s = np.cov(frame.to_numpy().T)
    rows = reliability(frame, scales={"s": ("a", "b", "c")}).tidy()
    assert value(rows, "s", "alpha") == pytest.approx(1.5 * (1 - 7.5 / s.sum()), rel=PENCIL)
    rest = np.corrcoef(frame["a"], frame["b"] + frame["c"])[0, 1]
    assert value(rows, "a", "item_rest") == pytest.approx(rest, rel=PENCIL)
    assert value(rows, "a", "alpha_if_dropped") == pytest.approx(2 * (1 - 5 / (5 + 2 * s[1, 2])), rel=PENCIL)
    assert rows.loc[rows["term"] == "a", "domain"].unique().tolist() == ["scale=s"]


def test_feldt_interval_by_hand() -> None:
    """Ends are 1 - (1 - alpha) F; R: qf(c(.975, .025), 100, 300) is 1.3612954947 and 0.7156476604."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(101, 4)) + rng.normal(size=(101, 1)), columns=list("abcd"))
    row = reliability(frame, scales={"s": tuple("abcd")}).tidy().loc[0]
    ratio = (1 - row[["conf_low", "conf_high"]].astype(float)) / (1 - row["estimate"])
    assert ratio.tolist() == pytest.approx([1.3612954947, 0.7156476604], rel=1e-9)


def test_reversing_an_item_and_its_flag_changes_nothing(pupils: pd.DataFrame) -> None:
    turned = pupils.assign(x2=10 - pupils["x2"])
    a = reliability(pupils, scales=SCALES).tidy()
    b = reliability(turned, scales=SCALES, reverse=("x2",)).tidy()
    np.testing.assert_allclose(a["estimate"], b["estimate"], rtol=1e-6)


def test_whole_weights_count_like_repeated_persons(pupils: pd.DataFrame) -> None:
    weights = pd.Series(np.arange(len(pupils)) % 3 + 1)
    repeated = pupils.loc[pupils.index.repeat(weights)]
    a = reliability(repeated, scales=SCALES).tidy()
    b = reliability(pupils.assign(w=weights), scales=SCALES, design=Design(weights="w")).tidy()
    np.testing.assert_allclose(a["estimate"], b["estimate"], rtol=1e-5)


def test_items_that_spoil_a_scale_are_named(pupils: pd.DataFrame) -> None:
    frame = pupils.assign(same=3, copy=pupils["x1"], none=np.nan)
    scales = {"v": ("x1", "x2", "same"), "t": SCALES["textual"], "d": ("x1", "copy", "x3"), "e": ("x7", "x8", "none")}
    result = reliability(frame, scales=scales)
    expected = [("v", "same", "constant"), ("d", "copy", "duplicated"), ("e", "none", "empty")]
    assert list(result.faults.drop(columns="wave").itertuples(index=False, name=None)) == expected
    rows = result.tidy().set_index(["domain", "term", "statistic"])["status"]
    assert rows["*", "v", "alpha"] == "ok"
    assert rows["*", "v", "omega"] == rows["*", "e", "alpha"] == "not_estimable"
    assert rows["scale=v", "same", "item_rest"] == rows["scale=d", "copy", "item_rest"] == "not_estimable"
    assert value(result.tidy(), "t", "omega") == pytest.approx(0.885881, abs=FACTORS)


def test_loadings_of_a_known_model_come_back() -> None:
    """The covariance of one factor with loadings .9 .8 .7 .6, exactly: omega = 9 / (9 + sum of 1 - loading^2)."""
    loading = np.array([0.9, 0.8, 0.7, 0.6])
    half = np.linalg.cholesky(np.outer(loading, loading) + np.diag(1 - loading**2))
    z = np.random.default_rng(2).normal(size=(60, 4))
    z = (z - z.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
    result = reliability(pd.DataFrame(z @ half.T, columns=list("abcd")), scales={"s": tuple("abcd")})
    np.testing.assert_allclose(result.loadings["loading"].astype(float).abs(), loading, rtol=1e-5)
    assert value(result.tidy(), "s", "omega") == pytest.approx(9 / (9 + (1 - loading**2).sum()), rel=1e-6)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"scales": {}}, "no scales"),
        ({"scales": {"s": ("a",)}}, "at least two"),
        ({"scales": {"s": ("a", "a")}}, "at least two different"),
        ({"scales": {"s": ("a", "z")}}, "does not have"),
        ({"reverse": ("t",)}, "no scale has"),
        ({"scales": {"s": ("a", "t")}}, "must hold numbers"),
        ({"design": Design(cluster="a")}, "weights only"),
    ],
)
def test_bad_questions(asked: dict, said: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1, 3, 2], "t": list("xyz")})
    with pytest.raises(ValueError, match=said):
        reliability(frame, **({"scales": {"s": ("a", "b")}} | asked))


def test_each_wave_is_measured_by_itself(pupils):
    half = len(pupils) // 2
    cut = pupils.assign(wave=["1"] * half + ["2"] * (len(pupils) - half))
    rows = reliability(cut, scales=SCALES, wave="wave").tidy()
    for wave, part in (("1", pupils[:half]), ("2", pupils[half:])):
        alone = reliability(part, scales=SCALES).tidy().assign(wave=wave)
        pd.testing.assert_frame_equal(rows[rows["wave"] == wave].reset_index(drop=True), alone)


def test_n_is_that_of_the_thinnest_pair() -> None:
    """a and b are both there in rows 2 to 4, a and c in 1 and 3 to 4, b and c in 3 to 5: three each, of four an item."""
    frame = pd.DataFrame({"a": [1, 2, 3, 5, None], "b": [None, 1, 4, 3, 5], "c": [1, None, 2, 5, 4]})
    rows = reliability(frame, scales={"s": ("a", "b", "c")}).tidy()
    assert set(rows["n"]) == {3}


def test_omega_of_an_item_without_error_is_not_converged() -> None:
    """r12 = r13 = 0.8 and r23 = 0.5: the first loading squared would be 0.8 * 0.8 / 0.5 = 1.28, above the whole."""
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]] * 2, float)  # columns at right angles
    r = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    frame = pd.DataFrame(signs @ np.linalg.cholesky(r).T, columns=list("abc"))
    rows = reliability(frame, scales={"s": ("a", "b", "c")}).tidy().set_index(["term", "statistic"])
    assert rows.loc[("s", "alpha"), "estimate"] == pytest.approx(1.5 * (1 - 3 / 7.2), rel=PENCIL)
    assert rows.loc[("s", "omega"), "status"] == "not_converged"


def categories(n: int, seed: int, load: tuple[float, ...] = (0.8, 0.7, 0.6, 0.75)) -> pd.DataFrame:
    loading, rng = np.array(load), np.random.default_rng(seed)
    values = rng.normal(size=(n, 1)) * loading + rng.normal(size=(n, len(loading))) * np.sqrt(1 - loading**2)
    return pd.DataFrame(np.digitize(values, [-0.9, 0.1, 0.8]) + 1, columns=list("abcdefg")[: len(load)])


def test_validity_of_three_scales_as_printed(pupils: pd.DataFrame) -> None:
    """AVE and HTMT2 of semTools."""
    rows = reliability(pupils, scales=SCALES).tidy()
    assert [value(rows, s, "ave") for s in SCALES] == pytest.approx([0.371, 0.721, 0.424], abs=5.1e-4)
    found = rows[rows["statistic"] == "htmt"]["estimate"].tolist()
    assert found == pytest.approx([0.384, 0.387, 0.280], abs=5.1e-4)


def test_ave_and_htmt_by_hand() -> None:
    """HTMT2 of two pairs: root of r13 r14 r23 r24 to the fourth, over the root of r12 r34."""
    rng = np.random.default_rng(4)
    common = rng.normal(size=(300, 1))
    frame = pd.DataFrame(common + rng.normal(size=(300, 4)), columns=list("abcd"))
    r = frame.corr().to_numpy()
    rows = reliability(frame, scales={"p": ("a", "b"), "q": ("c", "d")}).tidy()
    expected = (r[0, 2] * r[0, 3] * r[1, 2] * r[1, 3]) ** 0.25 / np.sqrt(r[0, 1] * r[2, 3])
    assert rows.loc[rows["statistic"] == "htmt", "estimate"].tolist() == pytest.approx([expected], rel=1e-10)
    one = reliability(frame, scales={"s": tuple("abcd")})
    loading, unique = (one.loadings[c].to_numpy(dtype=float) for c in ("loading", "unique"))
    assert value(one.tidy(), "s", "ave") == pytest.approx(
        loading @ loading / (loading @ loading + unique.sum()), rel=PENCIL
    )


def test_ordinal_alpha_and_omega_of_a_known_model() -> None:
    """Alpha of loadings l: 4 / 3 (1 - 4 / sum of correlations); omega of the score by a second answering of everybody."""
    loading = np.array([0.8, 0.7, 0.6, 0.75])
    rows = reliability(categories(20_000, 5), scales={"s": tuple("abcd")}).tidy()
    total = np.outer(loading, loading).sum() + (1 - loading**2).sum()
    assert value(rows, "s", "alpha_ordinal") == pytest.approx(4 / 3 * (1 - 4 / total), abs=0.01)
    rng = np.random.default_rng(6)
    common = rng.normal(size=(100_000, 1))
    scores = [
        np.digitize(common * loading + rng.normal(size=(100_000, 4)) * np.sqrt(1 - loading**2), [-0.9, 0.1, 0.8]).sum(
            axis=1
        )
        for _ in range(2)
    ]
    assert value(rows, "s", "omega_categorical") == pytest.approx(np.corrcoef(scores)[0, 1], abs=0.01)
    codes = reliability(categories(20_000, 5) * 10, scales={"s": tuple("abcd")}).tidy()
    for statistic in ("alpha_ordinal", "omega_categorical"):
        assert value(codes, "s", statistic) == value(rows, "s", statistic)


def test_ordinal_forms_are_for_answers_in_few_categories() -> None:
    frame = categories(400, 7)
    scales = {"s": tuple("abcd")}
    many = frame.assign(a=np.arange(400) % 8)
    assert not {"alpha_ordinal", "omega_categorical"} & set(reliability(many, scales=scales).tidy()["statistic"])
    # two items have no factor of their own
    rows = reliability(frame, scales={"s": ("a", "b")}).tidy().set_index("statistic")
    assert rows.loc["alpha_ordinal", "status"] == "ok"
    assert rows.loc["omega_categorical", "status"] == "not_estimable"
    # opposite ends: nobody can be in the far corner, whatever the correlation
    ends = pd.DataFrame(
        {"a": [0] * 5 + [1] * 5 + [2] * 390, "b": [2] * 390 + [1] * 5 + [0] * 5, "c": np.arange(400) % 3}
    )
    found = reliability(ends, scales={"s": ("a", "b", "c")}).tidy().set_index("statistic")
    assert not found.loc["alpha_ordinal", "estimate"] > 1


def test_an_item_against_its_scale_is_told_and_not_turned() -> None:
    frame = categories(500, 8)
    scales = {"s": tuple("abcd")}
    assert reliability(frame, scales=scales).faults.empty
    turned = reliability(frame.assign(c=5 - frame["c"]), scales=scales)
    assert turned.faults[["item", "fault"]].to_numpy().tolist() == [["c", "reversed"]]
    rows = turned.tidy()
    assert value(rows, "c", "item_rest") < -0.1
    assert value(rows, "s", "alpha") < value(rows, "c", "alpha_if_dropped")
    # told in its scale and flagged, it is as before
    again = reliability(frame.assign(c=5 - frame["c"]), scales=scales, reverse=("c",))
    assert again.faults.empty
    assert value(again.tidy(), "s", "alpha") == pytest.approx(
        value(reliability(frame, scales=scales).tidy(), "s", "alpha")
    )


def test_weights_of_nobody_and_of_everybody() -> None:
    frame = categories(400, 9)
    scales = {"s": tuple("abcd")}
    heavy = reliability(frame.assign(w=7.5), scales=scales, design=Design(weights="w")).tidy()
    plain = reliability(frame, scales=scales).tidy()
    np.testing.assert_allclose(heavy["estimate"], plain["estimate"], rtol=1e-9)
    zeros = frame.assign(w=np.where(np.arange(400) < 100, 0.0, 1.0))
    some = reliability(zeros, scales=scales, design=Design(weights="w")).tidy()
    np.testing.assert_allclose(some["estimate"], reliability(frame[100:], scales=scales).tidy()["estimate"], rtol=1e-9)
    none = reliability(frame.assign(w=0.0), scales=scales, design=Design(weights="w"))
    assert set(none.tidy()["status"]) == {"not_estimable"}
    for bad in (-1.0, np.nan):
        with pytest.raises(ValueError, match="at least zero and never missing"):
            reliability(frame.assign(w=bad), scales=scales, design=Design(weights="w"))


@pytest.mark.parametrize("seed", range(12))
def test_tiny_samples_never_end_in_a_traceback(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k, p = int(rng.integers(1, 20)), int(rng.integers(2, 6)), int(rng.integers(2, 6))
    frame = pd.DataFrame(rng.integers(0, k, size=(n, p)).astype(float), columns=list("abcdef")[:p])
    for holes in (frame, frame.mask(rng.random(frame.shape) < 0.3)):
        rows = reliability(holes, scales={"s": tuple(frame.columns)}).tidy()
        known = rows[rows["statistic"].isin(["omega", "omega_categorical", "ave"]) & rows["estimate"].notna()]
        assert (known["estimate"] <= 1).all()
        assert (rows.loc[rows["estimate"].isna(), "status"] != "ok").all()
