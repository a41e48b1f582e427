"""Our mixed models beside lme4, lme-python and mixedlm on the same rows, paired and in turns, with the answers compared.

usage: python tests/bench/mixed.py [RUNS] [ROWS ...]     (not a test; run by hand on a quiet machine)

1. y ~ x1 + x2 + wave + (1|group) + (1|county) + (1|group:county) with 16 groups (as many organisations as a province has) and
   with 1,400, in 90 counties; 10 thousand, 100 thousand, 1 million rows;
2. two large crossed factors and a small one: 73,000 rows, 3,000 x 1,100 levels and 14;
3. a logit model with categorical covariates on 100 thousand answers: ours from the rows (it puts equal ones together), glmer from
   the cells that they make.
Timed: from a frame in memory to coefficients, variances and their errors (imports are not counted). One thread. Peers where they
are installed (BENCH_PYTHON may name an interpreter that has them).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from peers import HEAD, PYTHON_HEAD, Tool, furthest, in_turns, line, machine, python, r, version

SIZES = (10_000, 100_000, 1_000_000)
CROSSED = "y ~ x1 + x2 + wave + (1|group) + (1|county) + (1|group:county)"
LARGE = "y ~ x1 + (1|s) + (1|d) + (1|k)"
LOGIT = "cbind(yes, n - yes) ~ age + sex + wave + (1|group) + (1|county)"
OURS = (
    PYTHON_HEAD
    + """
import analysis
path, asked = sys.argv[1:]
frame, asked = pd.read_csv(path), eval(asked)

def work(some):
    return analysis.fit_mixed(some, **asked)

try:
    work(frame.iloc[:3000])
except ValueError:
    pass
before = peak()
fit, seconds, core = timed(lambda: work(frame))
numbers = fit.components["variance"].tolist() + fit.coefficients["estimate"].tolist()
tell(seconds=seconds, core=core, more=peak() - before, loglik=fit.log_likelihood, slope=float(fit.coefficients["estimate"].iloc[1]),
     names=fit.components["factor"].tolist(), numbers=numbers, converged=fit.converged)
"""
)
R = """
suppressMessages(library(lme4))
a <- commandArgs(TRUE)
f <- read.csv(a[1], stringsAsFactors = TRUE); model <- as.formula(a[2])
peak <- function() as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 2^20
before <- peak(); start <- proc.time()
m <- suppressWarnings(if (a[3] == "logit") glmer(model, f, family = binomial) else lmer(model, f))
took <- proc.time() - start
said <- '{"seconds": %.4f, "core": %.4f, "peak": %.4f, "more": %.4f, "loglik": %.8f, "slope": %.12g}'
cat(sprintf(said, took[[3]], took[[1]] + took[[2]], peak(), peak() - before, as.numeric(logLik(m)), fixef(m)[[2]]), "\\n")
"""
LME_PYTHON = (
    PYTHON_HEAD
    + """
import lme_python, polars
path, model = sys.argv[1:]
frame = polars.read_csv(path)
before = peak()
fit, seconds, core = timed(lambda: lme_python.lmer(model, frame))
tell(seconds=seconds, core=core, more=peak() - before, loglik=float(fit.log_likelihood), slope=float(fit.coefficients[1]))
"""
)
MIXEDLM = (
    PYTHON_HEAD
    + """
import mixedlm
path, model = sys.argv[1:]
frame = pd.read_csv(path)
before = peak()
fit, seconds, core = timed(lambda: mixedlm.lmer(model, frame))
loglik = fit.logLik()
tell(seconds=seconds, core=core, more=peak() - before, loglik=float(getattr(loglik, "value", loglik)),
     slope=float(list(fit.fixef().values())[1]))
"""
)


def main(runs: int, sizes: list[int]) -> None:
    """Print a line a size and tool."""
    ours, lmer = python("analysis"), r("lme4")
    packages = [version(ours, p) for p in ("numpy", "scipy", "pandas")]
    others = [version(python(m), p) for m, p in (("lme_python", "lme_python"), ("mixedlm", "mixedlm"))]
    print("mixed models:", machine([*packages, version(lmer, "lme4"), *others]))
    print("of answers: log-likelihood below ours (above 0: ours is higher), relative difference of the first slope")
    print(HEAD.replace("answers", "rows   "))
    with tempfile.TemporaryDirectory() as home:
        for n in sizes:
            for groups in (16, 1400):
                path = _crossed(Path(home) / "crossed.csv", n, groups)
                asked = {
                    "outcome": "y",
                    "fixed": ("x1", "x2", "wave"),
                    "random": ("group", "county", ("group", "county")),
                }
                _compare(f"{n:,} rows, {groups:,} groups", path, asked, CROSSED, runs)
        path = _large(Path(home) / "large.csv")
        _compare(
            "73,000, 3,000 x 1,100", path, {"outcome": "y", "fixed": ("x1",), "random": ("s", "d", "k")}, LARGE, runs
        )
        _compare_logit(Path(home), runs)


def _compare(label: str, path: Path, asked: dict, model: str, runs: int) -> None:
    tools = [
        Tool("ours", python("analysis"), OURS, (str(path), repr(asked))),
        Tool("lme4 lmer", r("lme4"), R, (str(path), model, "linear")),
        Tool("lme-python", python("lme_python"), LME_PYTHON, (str(path), model)),
        Tool("mixedlm", python("mixedlm"), MIXEDLM, (str(path), model)),
    ]
    in_turns(tools, runs)
    for tool in tools:
        line(label, tool, tools[0], _words(tool, tools[0]))


def _compare_logit(home: Path, runs: int) -> None:
    rows = _answers(100_000)
    path, cells = home / "rows.csv", home / "cells.csv"
    rows.to_csv(path, index=False)
    by = ["age", "sex", "wave", "group", "county"]
    rows.groupby(by, as_index=False).agg(yes=("y", "sum"), n=("y", "size")).to_csv(cells, index=False)
    asked = {"outcome": "y", "fixed": ("age", "sex", "wave"), "random": ("group", "county"), "family": "binomial"}
    on_cells = asked | {"outcome": "yes", "trials": "n"}
    tools = [
        Tool("ours, cells", python("analysis"), OURS, (str(cells), repr(on_cells))),
        Tool("ours, rows", python("analysis"), OURS, (str(path), repr(asked))),
        Tool("lme4 glmer, cells", r("lme4"), R, (str(cells), LOGIT, "logit")),
    ]
    in_turns(tools, runs)
    for tool in tools:
        line(
            f"logit, {len(pd.read_csv(cells)):,} cells",
            tool,
            tools[0],
            "" if tool is tools[1] else _words(tool, tools[0]),
        )


def _words(tool: Tool, ours: Tool) -> str:
    if tool.gone or tool is ours or ours.gone:
        return ""
    one, two = ours.runs[0], tool.runs[0]
    return f"{one['loglik'] - two['loglik']:+.1e}, {furthest([one['slope']], [two['slope']]):.0e}"


def _crossed(path: Path, n: int, groups: int) -> Path:
    rng, counties = np.random.default_rng(n + groups), 90
    group, county, wave = rng.integers(0, groups, n), rng.integers(0, counties, n), rng.integers(0, 3, n)
    x1, x2 = rng.normal(size=n), rng.normal(size=n)
    y = 3 + 0.4 * x1 - 0.2 * x2 + 0.1 * wave + rng.normal(0, 0.5, groups)[group] + rng.normal(0, 0.3, counties)[county]
    y += rng.normal(0, 0.25, groups * counties)[group * counties + county] + rng.normal(0, 0.9, n)
    names = {"group": _named("g", group), "county": _named("c", county), "wave": _named("w", wave)}
    pd.DataFrame({"y": y, "x1": x1, "x2": x2} | names).to_csv(path, index=False)
    return path


def _large(path: Path) -> Path:
    rng, n = np.random.default_rng(2), 73_000
    s, d, x = rng.integers(0, 3000, n), rng.integers(0, 1100, n), rng.integers(0, 2, n)
    k = d * 7 % 14
    y = 3 + 0.1 * x + rng.normal(0, 0.5, 3000)[s] + rng.normal(0, 0.4, 1100)[d] + rng.normal(0, 0.2, 14)[k]
    frame = pd.DataFrame({"y": y + rng.normal(0, 1.1, n), "x1": x})
    frame.assign(s=_named("s", s), d=_named("d", d), k=_named("k", k)).to_csv(path, index=False)
    return path


def _answers(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    group, county = rng.integers(0, 16, n), rng.integers(0, 90, n)
    age, sex, wave = rng.integers(0, 4, n), rng.integers(0, 2, n), rng.integers(0, 3, n)
    eta = -0.5 + 0.2 * age - 0.3 * sex + 0.1 * wave + rng.normal(0, 0.6, 16)[group] + rng.normal(0, 0.4, 90)[county]
    columns = {"age": _named("a", age), "sex": _named("s", sex), "wave": _named("w", wave)}
    places = {"group": _named("g", group), "county": _named("c", county)}
    return pd.DataFrame({"y": rng.binomial(1, 1 / (1 + np.exp(-eta)))} | columns | places)


def _named(letter: str, codes: np.ndarray) -> list[str]:
    return [f"{letter}{k}" for k in codes]


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(given[0] if given else 3, given[1:] or list(SIZES))
