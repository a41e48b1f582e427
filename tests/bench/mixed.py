"""Our mixed model beside statsmodels' on the same data, paired and alternating, with the answers compared.

usage: python tests/bench/mixed.py [RUNS]     (not a test; needs the real data set bh1996)
"""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd
import statsmodels.formula.api as smf

import analysis

ROOT = Path(__file__).resolve().parents[2]


def main(runs: int) -> None:
    """Print the median time of each, the median of the paired ratios, and both answers."""
    home = Path(os.environ.get("WORKBENCH_TEST_DATA", ROOT.parent / "shared" / "data"))
    frame = pd.read_csv(home / "bh1996" / "bh1996.csv").rename(columns={"G.HRS": "G_HRS"})
    ours, theirs = [], []
    for _ in range(runs):
        start = time.perf_counter()
        fit = analysis.fit_mixed(frame, outcome="WBEING", fixed=("HRS", "G_HRS"), random=("GRP",))
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = smf.mixedlm("WBEING ~ HRS + G_HRS", frame, groups=frame["GRP"]).fit(reml=True)
        theirs.append(time.perf_counter() - start)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    version = importlib.metadata.version("statsmodels")
    print(f"{len(frame)} rows, {frame['GRP'].nunique()} groups, {runs} paired runs, statsmodels {version}")
    print(f"ours {statistics.median(ours):.3f} s, statsmodels {statistics.median(theirs):.3f} s, ratio {ratio:.1f}")
    print(f"log-likelihood {fit.log_likelihood:.6f} / {other.llf:.6f}")
    print(f"slope of HRS {fit.coefficients.set_index('term').at['HRS', 'estimate']:.8f} / {other.params['HRS']:.8f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
