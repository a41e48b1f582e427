"""Bias and coverage of ICC and agreement: ``python -m tests.simulation.agreement [RUNS]``, 1,000 where none is given.

Groups of unequal size, survey weights that do or do not depend on the answers. A person of a group answers mu + tau b + sigma e.
Weights: ``apart``, of nothing but chance; ``answer``, people answer the more readily the higher e is; ``ends``, the farther e is
from 0; ``groups``, whole groups, the higher b is. Where they depend on e, e is drawn from what the sampling makes of it and the
weight is the exact inverse, so that the truth is that of the untouched normal population. `cv` is the weights' coefficient of
variation (``ends``: .4 and .6, more has no finite variance).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis import Design, Replicates, agreement, icc
from analysis.core import agreement as core

SEED = 20261127
ICCS = (0.02, 0.1, 0.3)
SIZES = {"3-5": (3, 5), "3-30": (3, 30)}
GROUPS = 100
REPLICATES = 100
ENDS = {0.0: 0.0, 0.5: 0.5, 1.0: 0.68}  # tilt of the squares
ITEMS, OPTIONS, NOISE = 4, 5, 0.8
Row = dict[str, Any]


def draw(rng: np.random.Generator, value: float, cv: float, kind: str, size: np.ndarray) -> pd.DataFrame:
    """A sample of people in groups: unit, y, w, e."""
    unit = np.repeat(np.arange(len(size)), size)
    tilt = np.sqrt(np.log1p(cv**2))
    b, e, w = rng.normal(size=len(size)), rng.normal(size=len(unit)), np.ones(len(unit))
    if kind == "apart":
        w = np.exp(tilt * rng.normal(size=len(unit)))
    elif kind == "answer":
        e = e + tilt
        w = np.exp(-tilt * e)
    elif kind == "ends":
        e = e / np.sqrt(1 - ENDS[cv])
        w = np.exp(-ENDS[cv] * e**2 / 2)
    elif kind == "groups":
        b = b + tilt
        w = np.exp(-tilt * b)[unit]
    y = 3 + np.sqrt(value) * b[unit] + np.sqrt(1 - value) * e
    return pd.DataFrame({"unit": unit, "y": y, "w": w, "e": e})


def sizes_of(rng: np.random.Generator, name: str, groups: int = GROUPS) -> np.ndarray:
    """Sizes of groups; ``3, few 300``: most have 3 people, one in twenty has 300."""
    if name == "3, few 300":
        return np.where(np.arange(groups) % 20 == 0, 300, 3)
    low, high = SIZES[name]
    return rng.integers(low, high + 1, groups)


def plugged_in(frame: pd.DataFrame) -> tuple[float, float]:
    """ICC(1) by analysis of variance with weighted sums for sums: naive, and with the weights' degrees of freedom."""
    y, g, w = (frame[c].to_numpy() for c in ("y", "unit", "w"))
    w = w * len(w) / w.sum()
    total, squares, sums, power = (np.bincount(g, v) for v in (w, w**2, w * y, w * y**2))
    inside = (power - sums**2 / total).sum()
    between = (sums**2 / total).sum() - sums.sum() ** 2 / total.sum()
    k = total.sum() - (total**2).sum() / total.sum()
    groups, found = len(total), []
    for df_in, df_between in (
        (len(y) - groups, groups - 1),
        ((total - squares / total).sum(), (squares / total).sum() - squares.sum() / total.sum()),
    ):
        within = inside / df_in
        tau2 = (between - within * df_between) / k
        found.append(tau2 / (tau2 + within))
    return found[0], found[1]


def icc_bias(runs: int, seed: int) -> pd.DataFrame:
    """Bias of ICC(1) under weights: weights left out, plugged in, with degrees of freedom, by pairs."""
    rows = []
    cases = [
        (v, c, k, s) for v, c, k, s in product(ICCS, (0.0, 0.5, 1.0), ("apart", "answer", "ends", "groups"), SIZES)
    ]
    for number, (value, cv, kind, size) in enumerate(c for c in cases if c[1] > 0 or c[2] == "apart"):
        rng = np.random.default_rng([seed, 1, number])
        found = np.empty((runs, 4))
        for run in range(runs):
            f = draw(rng, value, cv, kind, sizes_of(rng, size))
            y, g, w = (f[c].to_numpy() for c in ("y", "unit", "w"))
            n = np.bincount(g).astype(float)
            found[run] = core.pairs_icc(y, g, n, np.ones(len(y))), *plugged_in(f), core.pairs_icc(y, g, n, w)
        names = ("no weights", "plugged in", "degrees of freedom", "pairs")
        rows += _biases({"icc": value, "cv": cv, "weights": kind, "size": size}, names, found, value)
    return pd.DataFrame(rows)


def _biases(key: Row, names: Iterable[str], found: np.ndarray, truth: float) -> list[Row]:
    return [
        key
        | {"estimator": n, "bias": f.mean() - truth, "mc_error": f.std(ddof=1) / np.sqrt(len(f)), "sd": f.std(ddof=1)}
        for n, f in zip(names, found.T, strict=True)
    ]


def icc_coverage(runs: int, seed: int) -> pd.DataFrame:
    """Coverage of the intervals of ICC(1): exact, F with the mean size, REML's profile; pairs by a bootstrap of groups."""
    rows = []
    for number, (value, size) in enumerate(product(ICCS, (*SIZES, "3, few 300"))):
        rng = np.random.default_rng([seed, 2, number])
        inside = {"anova, exact": 0, "anova, F of the mean size": 0, "reml, profile": 0}
        for _ in range(runs):
            f = draw(rng, value, 0.0, "none", sizes_of(rng, size, 40))
            for name, ends in (
                ("anova, exact", _ends(icc(f, outcome="y", group="unit"))),
                ("anova, F of the mean size", _mean_size_interval(f)),
                ("reml, profile", _ends(icc(f, outcome="y", group="unit", method="reml"))),
            ):
                inside[name] += ends[0] <= value <= ends[1]
        rows += [
            _covered({"icc": value, "cv": 0.0, "weights": "none", "size": size, "what": k}, v, runs)
            for k, v in inside.items()
        ]
    for number, (value, cv, kind) in enumerate(product(ICCS, (0.5, 1.0), ("apart", "answer"))):
        rng = np.random.default_rng([seed, 3, number])
        hits = 0
        for _ in range(runs):
            f, design = _resampled_groups(rng, draw(rng, value, cv, kind, sizes_of(rng, "3-30")))
            low, high = _ends(icc(f, outcome="y", group="unit", design=design))
            hits += low <= value <= high
        rows.append(
            _covered({"icc": value, "cv": cv, "weights": kind, "size": "3-30", "what": "pairs, replicates"}, hits, runs)
        )
    return pd.DataFrame(rows)


def _ends(result: Any) -> tuple[float, float]:
    row = result.tidy().iloc[0]
    return row["conf_low"], row["conf_high"]


def _mean_size_interval(frame: pd.DataFrame) -> tuple[float, float]:
    """The textbook interval for equal groups, with the mean size put in."""
    one = core.anova(frame["y"].to_numpy(), frame["unit"].to_numpy(), int(frame["unit"].max()) + 1, 0.95)
    n, g = len(frame), int(frame["unit"].max()) + 1
    ratio = one.between / one.within
    low, high = ratio / stats.f.isf(0.025, g - 1, n - g), ratio * stats.f.isf(0.025, n - g, g - 1)
    return (low - 1) / (low + n / g - 1), (high - 1) / (high + n / g - 1)


def _covered(key: Row, hits: int, runs: int) -> Row:
    share = hits / runs
    return key | {
        "coverage": 100 * share,
        "mc_error": 100 * np.sqrt(max(share * (1 - share), 1 / runs) / runs),
        "runs": runs,
    }


def _resampled_groups(rng: np.random.Generator, frame: pd.DataFrame) -> tuple[pd.DataFrame, Design]:
    """Bootstrap of whole groups, G - 1 of G drawn (Rao & Wu 1988)."""
    groups = int(frame["unit"].max()) + 1
    times = rng.multinomial(groups - 1, np.full(groups, 1 / groups), REPLICATES) * groups / (groups - 1)
    return _with_replicates(frame, times.T[frame["unit"]])


def _resampled_people(rng: np.random.Generator, frame: pd.DataFrame, size: int) -> tuple[pd.DataFrame, Design]:
    """Bootstrap of people inside groups of one size, n - 1 of n drawn."""
    groups = len(frame) // size
    times = rng.multinomial(size - 1, np.full(size, 1 / size), (groups, REPLICATES)) * size / (size - 1)
    return _with_replicates(frame, times.transpose(0, 2, 1).reshape(len(frame), REPLICATES))


def _with_replicates(frame: pd.DataFrame, times: np.ndarray) -> tuple[pd.DataFrame, Design]:
    names = tuple(f"r{k}" for k in range(REPLICATES))
    weights = pd.DataFrame(frame["w"].to_numpy()[:, None] * times, columns=names, index=frame.index)
    return pd.concat([frame, weights], axis=1), Design(weights="w", replicates=Replicates(names))


def _items(rng: np.random.Generator, e: np.ndarray) -> pd.DataFrame:
    raw = 3 + 0.8 * e[:, None] + NOISE * rng.normal(size=(len(e), ITEMS))
    return pd.DataFrame(np.clip(np.rint(raw), 1, OPTIONS).astype(int), columns=[f"q{j}" for j in range(ITEMS)])


def agreement_table(runs: int, seed: int) -> pd.DataFrame:
    """Bias and coverage of r_wg(J) and AD of a group, 40 groups a run; bias with n / (n - 1) for the weights' factor beside it."""
    rng = np.random.default_rng([seed, 4])
    crowd = _items(rng, rng.normal(size=1_000_000)).to_numpy()
    ratio = crowd.var(axis=0).mean() / 2
    truth = {
        "rwg_j": ITEMS * (1 - ratio) / (ITEMS * (1 - ratio) + ratio),
        "ad_m": np.abs(crowd - crowd.mean(axis=0)).mean(),
    }
    rows = []
    for size, cv, kind in product((5, 10, 30), (0.0, 0.5, 1.0), ("apart", "answer")):
        if cv > 0 or kind == "apart":
            found = [_one_agreement(rng, size, cv, kind) for _ in range(max(runs // 40, 4))]
            rows += _judged_agreement({"size": size, "cv": cv, "weights": kind}, pd.concat(found), truth, ratio)
    return pd.DataFrame(rows)


def _one_agreement(rng: np.random.Generator, size: int, cv: float, kind: str) -> pd.DataFrame:
    people = draw(rng, 0.0, cv, kind, np.full(40, size))
    frame, design = _resampled_people(
        rng, pd.concat([_items(rng, people["e"].to_numpy()), people[["unit", "w"]]], axis=1), size
    )
    tables = [
        agreement(frame, group="unit", n_options=OPTIONS, index=i, design=design).tidy() for i in ("rwg_j", "ad_m")
    ]
    rows = pd.concat(tables).query("group != '*'")[
        ["group", "statistic", "estimate", "std_error", "conf_low", "conf_high"]
    ]
    kish = people.groupby("unit")["w"].agg(lambda w: w.sum() ** 2 / (w**2).sum()).to_numpy()
    # against the largest variance, so that hardly any group is cut at zero
    asked = {"group": "unit", "n_options": OPTIONS, "index": "rwg_j_lindell", "null": "maximum"}
    plain = frame[[c for c in frame if not c.startswith("r")]]
    own = agreement(plain, design=Design(weights="w"), **asked)
    lindell = own.tidy().query("statistic == 'rwg_j_lindell' and group != '*'")["estimate"].to_numpy()
    ratio = (1 - lindell) * (OPTIONS - 1) ** 2 / 4 / ((OPTIONS**2 - 1) / 12)
    # what n / (n - 1) instead of the weights' own factor makes of the variance
    naive = ratio * (1 - 1 / kish) * size / (size - 1)
    return rows.assign(ratio=np.tile(ratio, 2), naive=np.tile(naive, 2))


def _judged_agreement(key: Row, table: pd.DataFrame, truth: dict[str, float], ratio: float) -> list[Row]:
    rows = []
    for index, rest in table.groupby("statistic"):
        right = truth[str(index)]
        told = rest.dropna(subset=["conf_low"])
        inside = ((told["conf_low"] <= right) & (right <= told["conf_high"])).mean()
        numbers = {
            "bias": rest["estimate"].mean() - right,
            "mc_error": rest["estimate"].std() / np.sqrt(len(rest)),
            "se_ratio": np.sqrt((told["std_error"] ** 2).mean()) / told["estimate"].std(),
            "coverage": 100 * inside,
            "mc_coverage": 100 * np.sqrt(inside * (1 - inside) / max(len(told), 1)),
            "told": len(told) / len(rest),
            "variance_bias": rest["ratio"].mean() / ratio - 1,
            "naive_variance_bias": rest["naive"].mean() / ratio - 1,
        }
        rows.append(key | {"index": index} | numbers)
    return rows


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """The biases side by side, one row a case; ``mc_error`` that of pairs."""
    keys = ["icc", "cv", "weights", "size"]
    found = table.pivot(index=keys, columns="estimator", values=["bias", "sd"])
    found.columns = [f"{b}: {a}" for a, b in found.columns]
    last = table[table["estimator"] == "pairs"].set_index(keys)["mc_error"]
    columns = ["no weights: bias", "plugged in: bias", "degrees of freedom: bias", "pairs: bias"]
    return found[[*columns, "degrees of freedom: sd", "pairs: sd"]].join(last).reset_index()


def main() -> None:
    """Print the three tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    pd.set_option("display.width", 200, "display.max_rows", 500, "display.max_columns", 30)
    print(f"{runs} runs, seed {SEED}; {GROUPS} groups; bias of ICC(1)")
    print(wide(icc_bias(runs, SEED)).round(4).to_string(index=False))
    print("coverage of the 95 % intervals of ICC(1), per cent (40 groups where there are no weights)")
    print(icc_coverage(max(runs // 2, 50), SEED).round(2).to_string(index=False))
    print("agreement of a group: bias, error against spread, coverage; told: share of groups that have an error")
    print(agreement_table(runs * 4, SEED).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
