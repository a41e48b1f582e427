"""Write docs/validation-scales.md: ``python -m tests.simulation.scales_table [RUNS]``, 1,000 by default; in `make validate`."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import pandas as pd

from tests.simulation import agreement, comparability

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "analysis/core/agreement.py",
    "analysis/core/agreement_errors.py",
    "analysis/core/structural.py",
    "analysis/core/factor_data.py",
    "analysis/methods/agreement.py",
    "analysis/methods/icc.py",
    "analysis/methods/invariance.py",
    "analysis/methods/comparability.py",
    "analysis/methods/instrument.py",
)
SEED = 20261127
HEAD = """# Do verdicts on scales, ICC and agreement hold what they promise?

Made by `python -m tests.simulation.scales_table`, never by hand.

## Comparability: false alarms and flaws seen

Scales of four five-point items (or two), groups whose standing truly differs by up to 0.6 standard deviations; the last group has
the flaw. Per cent of the runs with each verdict; *named*: the right items are named; MC error: of the share that is right.

"""
ICC = """
## ICC(1) under survey weights: bias

Estimate minus truth by four ways of putting weights in; *pairs* is what `analysis.icc` does. Weights: *apart*, unrelated to the
answers; *answer*, *ends*, *groups*: they depend on them. 100 groups.

"""
COVERAGE = "\n## Intervals of ICC(1): coverage of 95 %\n\n"
AGREEMENT = "\n## Agreement of a group under weights: bias and coverage\n\n"


def markdown(table: pd.DataFrame, decimals: int) -> str:
    """Lay a table out."""
    head = "| " + " | ".join(map(str, table.columns)) + " |\n|" + "---|" * len(table.columns)
    rows = [" | ".join(_written(v, decimals) for v in row) for row in table.itertuples(index=False)]
    return "\n".join([head, *(f"| {row} |" for row in rows)]) + "\n"


def _written(value: object, decimals: int) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.{decimals}f}"
    return str(value)


def main() -> None:
    """Run and write."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    began = time.monotonic()
    text = HEAD + markdown(comparability.simulate(runs, SEED), 1)
    text += ICC + markdown(agreement.wide(agreement.icc_bias(runs, SEED)), 4)
    text += COVERAGE + markdown(agreement.icc_coverage(max(runs // 2, 50), SEED), 1)
    text += AGREEMENT + markdown(agreement.agreement_table(runs * 4, SEED), 3)
    code = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in CODE)).hexdigest()[:12]
    text += f"\nSeed {SEED}; {(time.monotonic() - began) / 60:.0f} minutes; code {code} (hash of {', '.join(CODE)}).\n"
    (ROOT / "docs" / "validation-scales.md").write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
