"""rwg(j), ICC, alpha and omega of one scale beside pingouin's alpha alone and R's rwg.j, answers compared.

usage: python tests/bench/agreement.py [RUNS] [PEOPLE ...]     (not a test; run by hand on a quiet machine)

12 items of five options in 1,400 groups; 10 thousand and 100 thousand people. Timed: from a frame in memory to the table,
after a first call on few rows (imports are not counted). One thread. R's rwg.j and pingouin's alpha where they are installed
(BENCH_PYTHON may name an interpreter with pingouin). Then, of ours alone: the pass over the rows, and what comes after it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from peers import HEAD, PYTHON_HEAD, Tool, furthest, in_turns, line, machine, python, r, version

SIZES = (10_000, 100_000)
GROUPS, ITEMS, OPTIONS = 1400, 12, 5
TARGETS = {"pingouin alpha": "ours of all four at most 3 times it", "R rwg.j": "at least 20 times ours of all four"}
OURS = (
    PYTHON_HEAD
    + """
import analysis
path, out, what = sys.argv[1:]
frame = pd.read_parquet(path)
items = [c for c in frame if c.startswith("q")]

def work(some):
    rows = analysis.agreement(some[["unit", *items]], group="unit", n_options=5).tidy()
    both = analysis.icc(some, outcome="score", group="unit").tidy()
    scale = analysis.reliability(some, scales={"s": items}, ordered=False).tidy() if what == "all" else None
    return rows, both, scale

work(frame.iloc[:3000])
before = peak()
(rows, both, scale), seconds, core = timed(lambda: work(frame))
tell(seconds=seconds, core=core, more=peak() - before, alpha=None if scale is None else float(scale["estimate"].iloc[0]))
rows[(rows["statistic"] == "rwg_j") & (rows["group"] != "*")][["group", "estimate"]].to_csv(out, index=False)
"""
)
PINGOUIN = (
    PYTHON_HEAD
    + """
import pingouin
path, out = sys.argv[1:]
frame = pd.read_parquet(path)
frame = frame[[c for c in frame if c.startswith("q")]]
pingouin.cronbach_alpha(frame.iloc[:3000])
before = peak()
(alpha, _), seconds, core = timed(lambda: pingouin.cronbach_alpha(frame))
tell(seconds=seconds, core=core, more=peak() - before, alpha=float(alpha))
"""
)
R = """
suppressMessages(library(multilevel))
a <- commandArgs(TRUE)
f <- read.csv(sub("parquet$", "csv", a[1]))
peak <- function() as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 2^20
q <- f[, grep("^q", names(f))]
b <- rwg.j(q[1:3000, ], f$unit[1:3000], 2); before <- peak()
start <- proc.time(); b <- rwg.j(q, f$unit, 2); took <- proc.time() - start
b <- data.frame(group = b$grpid, estimate = sprintf("%.17g", b$rwg.j))
write.csv(b, a[2], row.names = FALSE, quote = FALSE)
said <- '{"seconds": %.4f, "core": %.4f, "peak": %.4f, "more": %.4f}'
cat(sprintf(said, took[[3]], took[[1]] + took[[2]], peak(), peak() - before), "\\n")
"""


def main(runs: int, sizes: list[int]) -> None:
    """Print a line a size and tool, whether the targets are met, then what comes after the pass over the rows."""
    ours, pingouin, multilevel = python("analysis"), python("pingouin"), r("multilevel")
    packages = [version(ours, p) for p in ("numpy", "scipy", "pandas")]
    print("agreement:", machine([*packages, version(pingouin, "pingouin"), version(multilevel, "multilevel")]))
    print(f"{ITEMS} items of {OPTIONS} options, {GROUPS} groups; of answers: the largest difference from ours")
    print(HEAD)
    with tempfile.TemporaryDirectory() as home:
        for n in sizes:
            path = _written(Path(home) / f"{n}.parquet", n)
            out = [str(Path(home) / f"{k}.csv") for k in ("ours", "all", "r")]
            tools = [
                Tool("ours: rwg_j, ICC", ours, OURS, (str(path), out[0], "two")),
                Tool("ours: and alpha, omega", ours, OURS, (str(path), out[1], "all")),
                Tool("pingouin alpha", pingouin, PINGOUIN, (str(path), "")),
                Tool("R rwg.j", multilevel, R, (str(path), out[2])),
            ]
            in_turns(tools, runs)
            for tool in tools:
                line(f"{n:>9,} people", tool, tools[0], _words(tool, tools, out))
            _judge(tools)
    _afterwards()


def _written(path: Path, n: int) -> Path:
    rng = np.random.default_rng(1)
    unit = rng.integers(0, GROUPS, n)
    level = rng.normal(0, 0.4, GROUPS)[unit] + rng.normal(0, 0.7, n)
    answers = np.clip(np.rint(3 + level[:, None] + rng.normal(0, 0.8, (n, ITEMS))), 1, OPTIONS).astype(int)
    frame = pd.DataFrame(answers, columns=[f"q{k:02d}" for k in range(ITEMS)])
    frame = frame.assign(score=answers.mean(axis=1), unit=[f"u{k:04d}" for k in unit])
    frame.to_csv(path.with_suffix(".csv"), index=False)
    frame.to_parquet(path, index=False)
    return path


def _words(tool: Tool, tools: list[Tool], out: list[str]) -> str:
    if tool.gone:
        return ""
    if tool.name == "R rwg.j":
        one, two = (pd.read_csv(p).set_index("group")["estimate"] for p in (out[0], out[2]))
        lone = int(one.isna().sum() + (GROUPS - len(one)))
        apart = float((one.reindex(two.index) - two).abs().max())  # not relative: some are nought
        return f"{len(two)} groups, rwg(j) {apart:.0e} apart; {lone} of one or none"
    if tool.name == "pingouin alpha" and not tools[1].gone:
        return f"alpha {furthest([tools[1].runs[0]['alpha']], [tool.runs[0]['alpha']]):.0e}"
    return ""


def _judge(tools: list[Tool]) -> None:
    """Say how far the two targets are met, of cores' seconds turn by turn."""
    every, alpha, in_r = tools[1:]
    for one, other, of in ((every, alpha, "pingouin alpha"), (in_r, every, "R rwg.j")):
        if not (one.gone or other.gone):
            pairs = zip(one.runs, other.runs, strict=False)
            print(
                f"          {of}: {np.median([a['core'] / b['core'] for a, b in pairs]):.1f} ({TARGETS[of]})",
                flush=True,
            )


def _afterwards() -> None:
    """Of ours, in this process: the pass over the rows grows with their number, what comes after it does not."""
    from analysis.core import agreement as core

    for n in (10_000, 100_000, 1_000_000):
        rng = np.random.default_rng(2)
        codes = np.asfortranarray(rng.integers(0, OPTIONS, (n, ITEMS)).astype(np.int8))
        group = rng.integers(0, GROUPS, n)
        size = np.bincount(group, minlength=GROUPS).astype(float)
        table = core.counts(codes, OPTIONS, group, GROUPS, None)

        def index(table: np.ndarray = table, size: np.ndarray = size) -> np.ndarray:
            one = core.spread_of_counts(table, np.arange(OPTIONS, dtype=float), size, size)
            return core.from_dispersion("rwg_j", core.dispersion("rwg_j", one, 2.0, 0.0, 4.0), ITEMS)

        passed = _median(lambda c=codes, g=group: core.counts(c, OPTIONS, g, GROUPS, None))
        print(
            f"{n:>9,} people: the pass {passed * 1e3:7.2f} ms, the index after it {_median(index) * 1e3:6.2f} ms",
            flush=True,
        )


def _median(work: object) -> float:
    took = []
    for _ in range(9):
        start = time.process_time()
        work()  # type: ignore[operator]
        took.append(time.process_time() - start)
    return float(np.median(took))


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(given[0] if given else 5, given[1:] or list(SIZES))
