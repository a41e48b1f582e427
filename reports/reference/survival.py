"""Time to event beside R's survfit: curves, their intervals and medians; competing causes, with late entries written out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import analysis
from reports.reference import Line

LATE = ("late", "both")  # sets in which people come into sight late
EXACT = 1e-12  # both are products and sums of the same counts
CURVE = ("survival", "std_error", "at_risk", "conf_low", "conf_high")


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; all data lie beside the numbers."""
    table = pd.read_csv(home / "survival.csv")
    people = pd.read_csv(home / "survival_data.csv")
    for (name, group, case), rows in table.groupby(["data", "group", "case"], sort=False):
        chosen = people[(people["data"] == name) & (people["group"] == group)]
        ours = _numbers(chosen, str(case), "entry" if name in LATE else None)
        for row in rows.to_dict("records"):
            when = "" if pd.isna(row["time"]) else f"{row['time']:g}"
            what = f"{name} {group} {case} {row['quantity']} {when}".strip()
            yield Line("survival", what, row["source"], row["value"], ours[row["quantity"], when], EXACT)


def _numbers(people: pd.DataFrame, case: str, entry: str | None) -> dict[tuple[str, str], float]:
    if case.startswith("cause"):
        return _incidence(people, case.removeprefix("cause "), entry)
    kind, level = ("log-log", "0.95") if case == "curve" else case.split()
    happened = people.assign(cause=(people["cause"] > 0).astype("int64"))
    found = analysis.kaplan_meier(
        happened, time="time", event="cause", entry=entry, conf_type=kind, conf_level=float(level)
    )
    ends = found.medians.iloc[0]
    ours = {("median", ""): ends["median"]} | {(f"median_{e}", ""): ends[f"conf_{e}"] for e in ("low", "high")}
    for row in found.curves.to_dict("records"):
        ours |= {(q, f"{row['time']:g}"): row[q] for q in CURVE}
    return ours


def _incidence(people: pd.DataFrame, cause: str, entry: str | None) -> dict[tuple[str, str], float]:
    rows = analysis.hazards(people, period="time", event="cause", entry=entry).tidy()
    rows = rows[(rows["statistic"] == "cumulative_incidence") & (rows["term"] == f"cause={cause}")]
    times = rows["domain"].str.removeprefix("period=")
    ours = {("incidence", t): e for t, e in zip(times, rows["estimate"], strict=True)}
    # No event of that cause yet: R says 0 where we say that no error can be told.
    return ours | {("std_error", t): e for t, e in zip(times, rows["std_error"].fillna(0.0), strict=True)}
