"""Write docs/validation.md: ``python -m tests.simulation.table [RUNS]``, 5,000 where none is given; part of `make validate`."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import pandas as pd

from tests.simulation.estimates import simulate

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "analysis/core/design.py",
    "analysis/core/linearised.py",
    "analysis/core/replicated.py",
    "analysis/methods/estimates.py",
    "survey/weighting/raking.py",
    "survey/weighting/linear.py",
    "survey/weighting/replicates.py",
)
SEED = 20261127
HEAD = """# Do intervals hold what they promise?

Samples are drawn again and again from a made-up population of 200,000 members whose truth is known (`tests/simulation`). Coverage:
per cent of the runs in which the 95 % interval holds the truth, with its Monte Carlo error; "right" is the range in which a figure
passes were the runs endless. Bias in standard deviations of the estimate; SE ratio: mean standard error over the standard deviation
of the estimates. Written by `python -m tests.simulation.table`, never by hand.

"""


def code_hash() -> str:
    """Hash of the code that the figures belong to."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in CODE)).hexdigest()[:12]


def page(table: pd.DataFrame, seed: int, seconds: float) -> str:
    """Lay out the page."""
    lines = [
        "| scenario | estimate | runs | coverage % | MC error | right | bias | SE ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        right = f"{row['low']:g} to {row['high']:g}"
        numbers = (
            f"{row['coverage']:.1f} | {row['mc_error']:.1f} | {right} | {row['bias']:+.3f} | {row['se_ratio']:.3f}"
        )
        lines.append(f"| {row['scenario']} | {row['what']} | {row['runs']:,} | {numbers} |")
    foot = f"\nSeed {seed}; {seconds / 60:.0f} minutes; code {code_hash()} (hash of {', '.join(CODE)}).\n"
    return HEAD + "\n".join(lines) + "\n" + foot


def main() -> None:
    """Run and write."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    began = time.monotonic()
    table = simulate(runs, SEED)
    text = page(table, SEED, time.monotonic() - began)
    (ROOT / "docs" / "validation.md").write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
