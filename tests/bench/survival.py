"""Kaplan-Meier beside lifelines and R's survfit, answers compared: from a frame in memory to the curves.

usage: python tests/bench/survival.py [RUNS] [ROWS ...]     (not a test; run by hand on a quiet machine)

14 organisations, half of the people lost from sight. Two kinds of time: seconds, nearly all distinct, and days, of which there
are some thousand. Timed: curves with Greenwood's errors at all event times of each organisation, and the median; after
a first call on few rows. Beyond OTHERS rows ours runs alone. Answers: S and its error at a hundred times each. survfit takes
times as one that differ by less than 1.5e-8 of them, which some of the seconds do: there S differs by as little (none does
with timefix=FALSE). BLAS has one thread.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from peers import HEAD, PYTHON_HEAD, Tool, furthest, in_turns, line, machine, python, r, version

SIZES = (1_000_000, 10_000_000)
OTHERS = 1_000_000
OURS = (
    PYTHON_HEAD
    + """
import analysis
path, out, at = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
frame = pd.read_parquet(path)
work = lambda some: analysis.kaplan_meier(some, time="time", event="left", by="group")
work(frame.iloc[:4000])
before = peak()
found, seconds, core = timed(lambda: work(frame))
tell(seconds=seconds, core=core, more=peak() - before)
told = analysis.kaplan_meier(frame, time="time", event="left", by="group", at=at)
rows = told.curves.assign(group=told.keys["group"].to_numpy()[told.curves["unit"]])
rows[["group", "time", "survival", "std_error"]].to_csv(out, index=False)
"""
)
LIFELINES = (
    PYTHON_HEAD
    + """
from lifelines import KaplanMeierFitter
path, out, at = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
frame = pd.read_parquet(path)
def work(some):
    found = {}
    for group, own in some.groupby("group"):
        found[group] = KaplanMeierFitter().fit(own["time"], own["left"])
        found[group].median_survival_time_
    return found
work(frame.iloc[:4000])
before = peak()
found, seconds, core = timed(lambda: work(frame))
tell(seconds=seconds, core=core, more=peak() - before)
rows = []
for group, one in found.items():
    share = one.survival_function_at_times(at).to_numpy()
    greenwood = one._cumulative_sq_
    place = np.searchsorted(greenwood.index.to_numpy(), at, "right") - 1
    rows.append(pd.DataFrame({"group": group, "time": at, "survival": share,
                              "std_error": share * np.sqrt(greenwood.to_numpy()[place])}))
pd.concat(rows).to_csv(out, index=False)
"""
)
R = """
suppressMessages(library(survival))
a <- commandArgs(TRUE); at <- as.numeric(strsplit(gsub("[][ ]", "", a[3]), ",")[[1]])
f <- read.csv(sub("parquet$", "csv", a[1]))
peak <- function() as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 2^20
now <- function() { t <- proc.time(); c(t[[3]], t[[1]] + t[[2]]) }
work <- function(f) { s <- survfit(Surv(time, left) ~ group, f, conf.type = "log-log"); m <- quantile(s, .5); s }
s <- work(f[1:4000, ]); before <- peak(); start <- now()
s <- work(f); took <- now() - start
b <- summary(s, times = at, extend = TRUE)
w <- data.frame(group = sub("group=", "", b$strata), time = b$time)
w$survival <- sprintf("%.17g", b$surv); w$std_error <- sprintf("%.17g", b$std.err)
write.csv(w, a[2], row.names = FALSE)
said <- '{"seconds": %.4f, "core": %.4f, "peak": %.4f, "more": %.4f}'
cat(sprintf(said, took[1], took[2], peak(), peak() - before), "\\n")
"""


def main(runs: int, sizes: list[int]) -> None:
    """Print a line a size, kind of time and tool."""
    ours, lifelines, survival = python("analysis"), python("lifelines"), r("survival")
    packages = [version(ours, p) for p in ("numpy", "pandas")] + [version(lifelines, "lifelines")]
    print("survival:", machine([*packages, version(survival, "survival")]))
    print("curves of 14 organisations at all event times; of answers: the largest relative difference from ours")
    print(HEAD)
    for n in sizes:
        for kind in ("days", "seconds"):
            with tempfile.TemporaryDirectory() as home:
                _of_size(Path(home), n, kind, runs, (ours, lifelines, survival))


def _of_size(home: Path, n: int, kind: str, runs: int, starts: tuple[list[str] | None, ...]) -> None:
    alone = n > OTHERS
    path = _written(home / "people.parquet", n, kind, csv=not alone)
    at = str([float(t) for t in np.arange(1, 101) * (86400 * 12 if kind == "seconds" else 12)])
    outs = [str(home / f"{k}.csv") for k in range(3)]
    names, codes = ("ours", "lifelines", "R survfit"), (OURS, LIFELINES, R)
    tools = [Tool(*told, (str(path), out, at)) for *told, out in zip(names, starts, codes, outs, strict=True)]
    tools = tools[:1] if alone else tools
    in_turns(tools, runs)
    for tool, out in zip(tools, outs, strict=False):
        words = "" if tool is tools[0] or tool.gone else _compared(outs[0], out)
        line(f"{n:>10,} {kind}", tool, tools[0], words)


def _written(path: Path, n: int, kind: str, *, csv: bool) -> Path:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 14, n)
    leaves, lost = rng.exponential(500 + 30 * group), rng.exponential(700, n)
    time = np.minimum(leaves, lost) * (86400 if kind == "seconds" else 1)
    names = np.array([f"g{k:02d}" for k in range(14)], object)
    whole = np.ceil(time) if kind == "days" else np.round(time, 3)
    frame = pd.DataFrame({"time": whole, "left": (leaves <= lost).astype("int64"), "group": names[group]})
    frame.to_parquet(path, index=False)
    if csv:
        frame.to_csv(path.with_suffix(".csv"), index=False)
    return path


def _compared(ours: str, theirs: str) -> str:
    one, two = (pd.read_csv(p).sort_values(["group", "time"]) for p in (ours, theirs))
    apart = [furthest(one[c], two[c]) for c in ("survival", "std_error")]
    return f"{len(two)} numbers, S {apart[0]:.0e}, errors {apart[1]:.0e}"


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(given[0] if given else 5, given[1:] or list(SIZES))
