"""Means with errors by group x county beside svy and R's survey, answers compared; and what comes after one result.

usage: python tests/bench/estimates.py [RUNS] [ANSWERS ...]     (not a test; run by hand on a quiet machine)

14 groups x 100 counties; 2,000 clusters in 100 strata, unequal weights; counties lie across clusters, which makes the
most pairs of domain and cluster. With and without clusters; 10 thousand, 100 thousand, 1 million answers. Timed: from
a frame in memory to the table, after a first call on other, few rows (imports and compilation are not counted). BLAS
has one thread; svy takes all cores. Beyond SCALED answers R does 20 of the domains, scaled up, which is less than
svyby would take. Then, from results with the same clusters out of ever more answers: 1,000 contrasts, the covariance
of 100 rows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from peers import HEAD, PYTHON_HEAD, Tool, furthest, in_turns, line, machine, once, python, r, version

SIZES = (10_000, 100_000, 1_000_000)
SCALED = 100_000
PART = 20  # domains that R does where it does not do all
OURS = (
    PYTHON_HEAD
    + """
import analysis
path, out, clusters = sys.argv[1:]
frame = pd.read_parquet(path)
design = analysis.Design(weights="w", strata="stratum", cluster="psu" if clusters == "psu" else None)
cut = {"group": "group", "region": "county"}
work = lambda some: analysis.estimates(some, variables="y", by=cut, design=design).tidy()
work(frame.iloc[:: len(frame) // 4000])
before = peak()
rows, seconds, core = timed(lambda: work(frame))
tell(seconds=seconds, core=core, more=peak() - before)
rows = rows.rename(columns={"region": "county"})
rows[["group", "county", "estimate", "std_error"]].to_csv(out, index=False)
"""
)
SVY = (
    PYTHON_HEAD
    + """
import polars, svy
path, out, clusters = sys.argv[1:]
frame = polars.read_parquet(path)
design = svy.Design(wgt="w", stratum="stratum", psu="psu" if clusters == "psu" else None)
work = lambda some: svy.Sample(some, design).estimation.mean("y", by=["group", "county"]).to_polars()
work(frame[:: len(frame) // 4000])
before = peak()
rows, seconds, core = timed(lambda: work(frame))
tell(seconds=seconds, core=core, more=peak() - before)
rows = rows.rename({"est": "estimate", "se": "std_error"})
rows.select("group", "county", "estimate", "std_error").write_csv(out)
"""
)
R = """
suppressMessages(library(survey))
a <- commandArgs(TRUE); part <- as.integer(a[4])
f <- read.csv(sub("parquet$", "csv", a[1]))
peak <- function() as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 2^20
now <- function() { t <- proc.time(); c(t[[3]], t[[1]] + t[[2]]) }
made <- function(f) svydesign(ids = if (a[3] == "psu") ~psu else ~1, strata = ~stratum, weights = ~w, data = f)
few <- f[f$stratum < 3, ]; b <- svyby(~y, ~group, made(few), svymean); before <- peak()
start <- now()
d <- made(f)
if (part == 0) { b <- svyby(~y, ~group + county, d, svymean); took <- now() - start
} else {
  by <- interaction(f$group, f$county); first <- match(sort(unique(by)), by); all <- length(first)
  set.seed(1); first <- sample(first, part); designed <- now() - start
  start <- now()
  one <- lapply(first, function(i) { m <- svymean(~y, d[by %in% by[i], ]); c(coef(m), SE(m)) })
  took <- designed + (now() - start) * all / part
  b <- cbind(f[first, c("group", "county")], do.call(rbind, one)) }
names(b) <- c("group", "county", "estimate", "std_error")
b$estimate <- sprintf("%.17g", b$estimate); b$std_error <- sprintf("%.17g", b$std_error)
write.csv(b, a[2], row.names = FALSE)
said <- '{"seconds": %.4f, "core": %.4f, "peak": %.4f, "more": %.4f}'
cat(sprintf(said, took[1], took[2], peak(), peak() - before), "\\n")
"""
AFTER = (
    PYTHON_HEAD
    + """
import analysis
path, clusters = sys.argv[1:]
frame = pd.read_parquet(path)
design = analysis.Design(weights="w", strata="stratum_" + clusters, cluster="psu_" + clusters)
cut = {"group": "group", "region": "county_" + clusters}
analysis.contrast(analysis.estimates(frame[:5000], variables="y", by=cut, design=design), [(0, 1)], adjust="holm")
result, seconds, core = timed(lambda: analysis.estimates(frame, variables="y", by=cut, design=design))
ok = np.flatnonzero(result.rows["status"].eq("ok") & result.rows["std_error"].notna())
rng = np.random.default_rng(1)
pairs = [tuple(rng.choice(ok, 2, replace=False)) for _ in range(1000)]
hundred = np.sort(rng.choice(ok, 100, replace=False))
contrasts, covariance, whole = (
    float(np.median([timed(work)[2] for _ in range(7)]))
    for work in (
        lambda: analysis.contrast(result, pairs, adjust="holm").tidy(),
        lambda: result.spread.covariance(hundred),
        lambda: result.covariance,
    )
)
tell(seconds=seconds, core=core, contrasts=contrasts, covariance=covariance, whole=whole, rows=len(ok),
     pairs=int(result.spread.scores[0].nnz), clusters=int(result.spread.scores[0].shape[0]))
"""
)


def main(runs: int, sizes: list[int]) -> None:
    """Print a line a size, design and tool, then what comes after."""
    ours, svy, survey = python("analysis"), python("svy"), r("survey")
    packages = [version(ours, p) for p in ("numpy", "scipy", "pandas")] + [version(svy, "svy")]
    print("estimates:", machine([*packages, version(survey, "survey")]))
    print("means by group x county (1,400 domains); of answers: the largest relative difference from ours")
    print(HEAD)
    with tempfile.TemporaryDirectory() as home:
        paths = {n: _written(Path(home) / f"{n}.parquet", n, csv=survey is not None) for n in sizes}
        for n, path in paths.items():
            part = 0 if n <= SCALED else PART
            name = "R svyby" if part == 0 else f"R, {PART} domains scaled"
            for clusters in ("psu", "rows"):
                out = [str(Path(home) / f"{tool}.csv") for tool in ("ours", "svy", "r")]
                tools = [
                    Tool("ours", ours, OURS, (str(path), out[0], clusters)),
                    Tool("svy", svy, SVY, (str(path), out[1], clusters)),
                    Tool(name, survey, R, (str(path), out[2], clusters, str(part))),
                ]
                in_turns(tools, runs)
                for tool, answers in zip(tools, out, strict=True):
                    words = "" if tool is tools[0] or tool.gone else _compared(out[0], answers)
                    label = f"{n:>9,} {'2,000 clusters' if clusters == 'psu' else 'no clusters'}"
                    line(label, tool, tools[0], words)
        print("afterwards, one result (of a core): 1,000 contrasts with Holm's p; covariance of 100 rows; of all rows")
        for clusters, words in (
            ("nested", "400 clusters, each in one county"),
            ("across", "2,000 clusters, counties across"),
        ):
            for n, path in paths.items():
                _afterwards(n, Tool("after", ours, AFTER, (str(path), clusters)), words)


def _written(path: Path, n: int, *, csv: bool) -> Path:
    rng = np.random.default_rng(1)
    psu = np.sort(rng.integers(0, 2000, n))
    county, group = (np.array([f"{p}{i:0{w}d}" for i in range(k)], object) for p, w, k in (("c", 3, 100), ("g", 2, 14)))
    frame = pd.DataFrame({"psu": psu, "stratum": psu // 20})
    frame["group"], frame["county"] = group[rng.integers(0, 14, n)], county[rng.integers(0, 100, n)]
    frame["w"] = rng.gamma(4, 25, n) + 10
    frame["y"] = rng.normal(3, 1, n) + rng.normal(0, 0.3, 2000)[psu]
    if csv:
        frame.to_csv(path.with_suffix(".csv"), index=False)
    nested = psu // 5
    frame = frame.assign(psu_nested=nested, stratum_nested=nested // 20, county_nested=county[nested // 4])
    frame = frame.assign(psu_across=psu, stratum_across=psu // 20, county_across=frame["county"])
    frame.to_parquet(path, index=False)
    return path


def _compared(ours: str, theirs: str) -> str:
    """Largest relative difference of estimates and of errors; domains where only one tells an error."""
    one, two = (pd.read_csv(p).set_index(["group", "county"]) for p in (ours, theirs))
    one = one.reindex(two.index)
    apart = [furthest(one[c], two[c]) for c in ("estimate", "std_error")]
    lone = int((one["std_error"].isna() & two["std_error"].notna()).sum())
    lacking = int((one["std_error"].notna() & two["std_error"].isna()).sum())
    more = f"; an error in {lone} domains where ours has none" if lone else ""
    more += f"; none in {lacking} where ours has one" if lacking else ""
    return f"{len(two)} domains, estimates {apart[0]:.0e}, errors {apart[1]:.0e}{more}"


def _afterwards(n: int, tool: Tool, words: str) -> None:
    found = once(tool)
    if "gone" in found:
        print(f"{n:>9,} {words}: {found['gone']}")
        return
    print(
        f"{n:>9,} {words:32} contrasts {found['contrasts'] * 1e3:7.1f} ms, "
        f"100 rows {found['covariance'] * 1e3:6.1f} ms, "
        f"{found['rows']:,} rows {found['whole'] * 1e3:7.1f} ms; {found['pairs']:,} pairs of domain and cluster",
        flush=True,
    )


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    main(given[0] if given else 5, given[1:] or list(SIZES))
