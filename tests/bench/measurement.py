"""Three steps of invariance beside R's lavaan, answers compared: chi-squares, fit, latent means with their errors.

usage: python tests/bench/measurement.py [RUNS] [ANSWERS A GROUP ...] (not a test; run on a quiet machine)

Four groups, twelve items of three factors, one intercept moved in one group; 1,000, 10,000 and 100,000 answers a group.
Timed: from a frame in memory to configural, metric and scalar fits with standard errors, after a first call on few rows;
`moments` is ours again from moments that are there already. BLAS has one thread. lavaan as it comes (nlminb), ML.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from peers import HEAD, PYTHON_HEAD, Tool, furthest, in_turns, line, machine, python, r, version

SIZES = (1_000, 10_000, 100_000)
OURS = (
    PYTHON_HEAD
    + """
from analysis.methods.factor_input import prepared
from analysis.methods.factor_model import outlined
from analysis.methods.measurement import fit_cfa
from analysis.methods.moment_fit import sampled
from dataclasses import replace
frame, kind = pd.read_parquet(sys.argv[1]), sys.argv[2]
factors = {f: [f"y{4 * k + j}" for j in range(4)] for k, f in enumerate("abc")}
steps = ((), ("loadings",), ("loadings", "intercepts"))

def rows(some):
    outline, rows, _ = prepared(some, factors, "g", "a", None, "listwise")
    return outline, sampled(outline.items, rows, robust=False)

def work(ready):
    outline, sample = ready if kind == "moments" else rows(ready)
    fits, before = [], None
    for equal in steps:
        before = sample.fit(outlined(replace(outline, equal=equal)), before)
        fits.append(before)
    return fits

small, whole = frame.groupby("g").head(200), frame
if kind == "moments":
    small, whole = rows(small), rows(whole)
work(small)
before = peak()
fits, seconds, core = timed(lambda: work(whole))
last = fits[-1]
at = last.model.elements.query("kind == 'latent_means' and number >= 0")["number"].to_numpy()
numbers = [f.chisq for f in fits] + list(last.x[at]) + list(np.sqrt(np.diag(last.covariance))[at])
tell(seconds=seconds, core=core, more=peak() - before, numbers=[float(n) for n in numbers])
"""
)
LAVAAN = """
suppressMessages(library(lavaan)); a <- commandArgs(TRUE); d <- read.csv(a[1])
model <- paste(sapply(0:2, function(k) paste0(c("a", "b", "c")[k + 1], " =~ ", paste0("y", 4 * k + 0:3, collapse = " + "))),
  collapse = "\\n")
steps <- list(character(0), "loadings", c("loadings", "intercepts"))
work <- function(d) lapply(steps, function(e) if (length(e)) cfa(model, data = d, group = "g", group.equal = e) else
  cfa(model, data = d, group = "g", meanstructure = TRUE))
peak <- function() as.numeric(sub("\\\\D*(\\\\d+).*", "\\\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 2^20
invisible(work(do.call(rbind, lapply(split(d, d$g), head, 200)))); before <- peak()
t <- system.time(fits <- work(d))
p <- subset(parTable(fits[[3]]), op == "~1" & lhs %in% c("a", "b", "c") & free > 0)
n <- c(sapply(fits, function(f) fitMeasures(f, "chisq")), p$est, p$se)
cat(sprintf('{"seconds": %.6f, "core": %.6f, "peak": %.4f, "more": %.4f, "numbers": [%s]}\\n', t[["elapsed"]],
  t[["user.self"]] + t[["sys.self"]], peak(), peak() - before, paste(sprintf("%.10g", n), collapse = ", ")))
"""


def main(runs: int, sizes: list[int]) -> None:
    """Print a line a size and tool."""
    ours, lavaan = python("analysis"), r("lavaan")
    packages = [version(ours, p) for p in ("numpy", "scipy", "pandas")]
    print("invariance, 4 groups x 12 items, 3 steps:", machine([*packages, version(lavaan, "lavaan")]))
    print("numbers: largest relative difference of three chi-squares, nine latent means and their errors from ours")
    print(HEAD)
    with tempfile.TemporaryDirectory() as home:
        for size in sizes:
            path = _written(Path(home) / f"{size}.parquet", size)
            tools = [
                Tool("ours", ours, OURS, (str(path), "rows")),
                Tool("ours, from moments", ours, OURS, (str(path), "moments")),
                Tool("lavaan", lavaan, LAVAAN, (str(path.with_suffix(".csv")),)),
            ]
            in_turns(tools, runs)
            for tool in tools:
                far = (
                    ""
                    if tool.gone
                    else f"numbers {furthest(tools[0].runs[-1]['numbers'], tool.runs[-1]['numbers']):.0e}"
                )
                line(f"4 x {size:,}", tool, tools[0], far)


def _written(path: Path, size: int) -> Path:
    rng = np.random.default_rng(3)
    group = np.repeat(list("abcd"), size)
    common = rng.normal(size=(len(group), 3)) @ np.linalg.cholesky([[1, 0.4, 0.3], [0.4, 1, 0.5], [0.3, 0.5, 1]]).T
    common += np.array([[0, 0, 0], [0.2, -0.1, 0.3], [0.1, 0.2, 0], [-0.2, 0, 0.1]])[
        np.searchsorted(list("abcd"), group)
    ]
    answers = common[:, np.repeat(range(3), 4)] * 0.8 + rng.normal(size=(len(group), 12)) * 0.6
    answers[group == "b", 3] += 0.3
    frame = pd.DataFrame(answers.round(4), columns=[f"y{i}" for i in range(12)]).assign(g=group)
    frame.to_parquet(path, index=False)
    frame.to_csv(path.with_suffix(".csv"), index=False)
    return path


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(given[0] if given else 5, given[1:] or list(SIZES))
