"""Raking to four margins beside leafblower and svy, weights compared; then 500 raked replicates beside svy's.

usage: BENCH_PYTHON=.../bin/python python tests/bench/raking.py [RUNS] [ANSWERS ...] (not a test; run on a quiet
machine)

BENCH_PYTHON names an interpreter that has leafblower, pandas and pyarrow, if this one has it not. Margins of 8, 11, 6
and 2 cells, unequal weights to start from; 10 thousand, 100 thousand, 1 million answers; the margins' columns as
categories, as numbers and as text. Timed: from a frame in memory to the weights, after a first call on few rows. All
tools are asked for 1e-8 (ours and svy: largest relative gap of a cell; leafblower, by its own raking, without its
limit of weights: largest difference of shares, so 1e-9), the gaps reached are printed. Replicates up to 100 thousand
answers: svy makes FEW of them, scaled up. BLAS has one thread; svy takes all cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from peers import HEAD, PYTHON_HEAD, Tool, furthest, in_turns, line, machine, python, version

SIZES = (10_000, 100_000, 1_000_000)
MARGINS = {"age": 8, "region": 11, "branch": 6, "sex": 2}
PEOPLE = 5_000_000
REPLICATES, FEW, MOST = 500, 20, 100_000
READ = (
    PYTHON_HEAD
    + """
path, out, kind, count, clusters = sys.argv[1:]
frame = pd.read_parquet(path)
count = int(count)
targets = json.load(open(path.replace(".parquet", ".json")))
if kind == "numbers":
    targets = {m: {int(k[len(m):]): t for k, t in cells.items()} for m, cells in targets.items()}
    frame = frame.assign(**{m: frame[m].str.slice(len(m)).astype("int64") for m in targets})
if kind == "categories":
    frame = frame.astype({m: pd.CategoricalDtype(list(cells)) for m, cells in targets.items()})

def done(work, some, factor=1.0):
    before = peak()
    weights, seconds, core = timed(lambda: work(some))
    told = {"seconds": seconds * factor, "core": core * factor, "peak": peak(), "more": peak() - before}
    weights = np.asarray(weights).reshape(len(frame), -1)
    held = [(weights[(frame[m] == k).to_numpy()].sum(axis=0), t) for m in targets for k, t in targets[m].items()]
    tell(gap=float(max(np.abs(sums / target - 1).max() for sums, target in held)), **told)
    np.save(out, weights[:, 0])
"""
)
OURS = (
    READ
    + """
import survey
work = lambda some: survey.rake(some, targets, base="base").weights
work(frame.iloc[:3000])
done(work, frame)
"""
)
LEAFBLOWER = (
    READ
    + """
import leafblower
total = sum(next(iter(targets.values())).values())
shares = {m: {k: t / total for k, t in cells.items()} for m, cells in targets.items()}
asked = dict(max_weight=1e9, method="raking", attach_weights=False, convergence={"absolute": 1e-9}, max_iterations=2000)
def work(some):
    found = leafblower.harvest(some, shares, start_weights=some["base"].to_numpy(), **asked)
    return found["weights"] * (total / len(some))
work(frame.iloc[:3000])
done(work, frame)
"""
)
SVY = (
    READ
    + """
import polars, svy
given = polars.from_pandas(frame)
def work(some):
    made = svy.Sample(some, svy.Design(wgt="base")).weighting.rake(controls=targets, tol=1e-8, max_iter=200)
    return made.data["rk_wgt"].to_numpy()
work(given[:3000])
done(work, given)
"""
)
OUR_REPLICATES = (
    READ
    + """
import survey
cluster = "psu" if clusters == "psu" else None
work = lambda some, many: survey.replicate(
    some, [survey.Raking(targets)], base="base", cluster=cluster, replicates=many, seed=1
).weights
work(frame.iloc[:3000], 30)
done(lambda some: work(some, count), frame)
"""
)
SVY_REPLICATES = (
    READ
    + """
import polars, svy
given = polars.from_pandas(frame.assign(own=np.arange(len(frame))))
def work(some, many):
    design = svy.Design(wgt="base", psu="psu" if clusters == "psu" else "own")
    made = svy.Sample(some, design).weighting.create_bs_wgts(many, rstate=1)
    made = made.weighting.rake(controls=targets, tol=1e-8, max_iter=200)
    return made.data.select([f"rk_wgt{r}" for r in range(1, many + 1)])
work(given[:3000], 5)
done(lambda some: work(some, few), given, count / few)
""".replace("few", str(FEW))
)


def main(runs: int, sizes: list[int]) -> None:
    """Print a line a size, kind of column and tool; then the replicates."""
    ours, svy, leafblower = python("survey"), python("svy"), python("leafblower")
    packages = [version(ours, p) for p in ("numpy", "scipy", "pandas")]
    packages += [version(svy, "svy"), version(leafblower, "leafblower")]
    print("raking:", machine(packages))
    print("gap: the largest of a cell's total / target - 1; weights: the largest relative difference from ours")
    print(HEAD)
    with tempfile.TemporaryDirectory() as home:
        paths = {n: _written(Path(home) / f"{n}.parquet", n) for n in sizes}
        for n, path in paths.items():
            for kind in ("categories", "numbers", "text"):
                out = [str(Path(home) / f"{tool}.npy") for tool in ("ours", "leafblower", "svy")]
                tools = [
                    Tool(name, start, code, (str(path), answers, kind, "1", "rows"))
                    for name, start, code, answers in zip(
                        ("ours", "leafblower", "svy"),
                        (ours, leafblower, svy),
                        (OURS, LEAFBLOWER, SVY),
                        out,
                        strict=True,
                    )
                ]
                in_turns(tools, runs)
                for tool, answers in zip(tools, out, strict=True):
                    line(f"{n:>9,} {kind}", tool, tools[0], _compared(tool, tools[0], out[0], answers))
        if min(sizes) <= MOST:
            print(f"{REPLICATES} raked replicates (bootstrap); svy {FEW} of them, scaled up; margins as text")
        for n, path in paths.items():
            for clusters in ("rows", "psu") if n <= MOST else ():
                what = (str(path), str(Path(home) / "reps.npy"), "text", str(REPLICATES), clusters)
                tools = [
                    Tool("ours", ours, OUR_REPLICATES, what),
                    Tool(f"svy, {FEW} scaled", svy, SVY_REPLICATES, what),
                ]
                in_turns(tools, runs)
                for tool in tools:
                    label = f"{n:>9,} {'2,000 clusters' if clusters == 'psu' else 'no clusters'}"
                    line(label, tool, tools[0], "" if tool.gone else f"gap {tool.runs[-1]['gap']:.0e}")


def _written(path: Path, n: int) -> Path:
    rng, frame, targets = np.random.default_rng(3), {}, {}
    for margin, cells in MARGINS.items():
        share = rng.dirichlet(np.full(cells, 20.0))
        drawn = share * np.exp(rng.normal(0, 0.35, cells))
        names = np.array([f"{margin}{i}" for i in range(cells)], object)
        frame[margin] = names[rng.choice(cells, n, p=drawn / drawn.sum())]
        targets[margin] = dict(zip(names, (share * PEOPLE).tolist(), strict=True))
    made = pd.DataFrame(frame).assign(base=rng.gamma(4, 1, n) + 0.5, psu=rng.integers(0, 2000, n))
    made.to_parquet(path, index=False)
    path.with_suffix(".json").write_text(json.dumps(targets), "utf-8")
    return path


def _compared(tool: Tool, ours: Tool, mine: str, theirs: str) -> str:
    if tool.gone:
        return ""
    gap = f"gap {tool.runs[-1]['gap']:.0e}"
    return gap if tool is ours else f"{gap}, weights {furthest(np.load(mine), np.load(theirs)):.0e}"


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(given[0] if given else 5, given[1:] or list(SIZES))
