"""Write docs/validation-mixed.md: ``python -m tests.simulation.mixed_table [RUNS]``, 2,000 by default; in `make validate`."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import pandas as pd

from tests.simulation import mixed, mixed_sampling

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "analysis/core/elimination.py",
    "analysis/core/mixed.py",
    "analysis/core/mixed_binomial.py",
    "analysis/core/mixed_cells.py",
    "analysis/core/mixed_parts.py",
    "analysis/core/mixed_rows.py",
    "analysis/core/mixed_squares.py",
    "analysis/core/replicated.py",
    "analysis/core/sparse_tail.py",
    "analysis/methods/mixed.py",
    "analysis/methods/mixed_intervals.py",
    "analysis/methods/mixed_weighted.py",
    "analysis/methods/poststratify.py",
    "survey/weighting/replicates.py",
)
SEED = 20261127
HEAD = """# Do mixed models find what is there, and nothing where there is nothing?

Made by `python -m tests.simulation.mixed_table`, never by hand. Federations of organisations by 40 counties of very unequal
size, random intercepts of both and of their combinations. *MC*: Monte Carlo error of the figure before it. A figure is right
where it is within three of them of what it should be.

## Variances

Bias in per cent of the truth; coverage of 95 % intervals: Wald's on the log scale (`fit_mixed`), profiles (`mixed_intervals`, a
quarter of the runs). Logit models are fitted by maximum likelihood (Laplace), which knows no REML: variances of few levels are
too small by about coefficients over levels.

"""
COEFFICIENTS = """
## Coefficients

z is a covariate of organisations, c one of counties; both change nothing, so that what they lack to 100 is the error of the
first kind. Intervals: Satterthwaite's t; logit: the normal law. Bias in standard deviations of the estimate; SE ratio: mean
standard error over standard deviation.

"""
CELLS = """
## Shrunken means of cells, and whether fits converge

Share of the cells of organisation and county whose 95 % interval holds their true mean (or logit), over all cells of a
federation. The interval takes the variances as known. *Wrong and not told*: fits said to have converged with numbers missing,
or with a criterion above that of the truth (linear models).

"""
LAPLACE = "\n## Laplace's approximation beside adaptive quadrature: bias of the variance between units\n\n"
CONTROL = """
## Where there is nothing: labels of organisations shuffled among people

Share of federations in which organisations are said to differ at 5 %: likelihood ratio of the variance against its law at the
boundary (half a point at zero, half chi-squared). With few organisations the point has more than half, so that less than 5 %
is right.

"""
SAMPLING = """
## Chances of being asked that depend on the answer

40 organisations, all there; inside them people are asked with a chance that depends on what they answer (*related*) or only on
other things (*apart*). Truth: what asking everybody in these organisations would have given; *of any units*: coverage of the mean
of all conceivable organisations, which errors of a sample of people do not promise. *no weights*: `fit_mixed`; *design in the
model*: `fit_mixed` with what the chance depends on, then `poststratified` (its residual is another, so not shown; runs that are
missing had nobody of some x and s, which it says); *pseudo*:
`pseudo_mixed` with 40 bootstrap replicates, weights scaled overall or by unit.

"""


def markdown(table: pd.DataFrame, decimals: int) -> str:
    """Lay a table out."""
    head = "| " + " | ".join(str(c).strip() for c in table.columns) + " |\n|" + "---|" * len(table.columns)
    rows = [" | ".join(_written(v, decimals) for v in row) for row in table.itertuples(index=False)]
    return "\n".join([head, *(f"| {row} |" for row in rows)]) + "\n"


def _written(value: object, decimals: int) -> str:
    if isinstance(value, float):
        return (
            ""
            if pd.isna(value)
            else f"{value:.0f}"
            if value.is_integer() or abs(value) > 1e3
            else f"{value:.{decimals}f}"
        )
    return str(value)


def page(runs: int, seed: int) -> str:
    """Run everything and lay it out."""
    began = time.monotonic()
    code = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in CODE)).hexdigest()[:12]
    found = mixed.recovery(runs, seed)
    text = HEAD + markdown(mixed.variances(found), 2)
    text += COEFFICIENTS + markdown(mixed.coefficients(found), 2) + CELLS + markdown(mixed.cells(found), 1)
    text += LAPLACE + markdown(mixed.laplace(max(runs // 2, 2), seed), 1)
    text += CONTROL + markdown(mixed.control(runs, seed), 1)
    text += SAMPLING + markdown(mixed_sampling.sampling(runs, seed), 3)
    foot = f"{runs:,} federations a row but where told; seed {seed}; {(time.monotonic() - began) / 60:.0f} minutes"
    return text + f"\n{foot}; code {code} (hash of {', '.join(CODE)}).\n"


def main() -> None:
    """Run and write."""
    text = page(int(sys.argv[1]) if len(sys.argv) > 1 else 2000, SEED)
    (ROOT / "docs" / "validation-mixed.md").write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
