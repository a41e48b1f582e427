"""Reliability, what items add to it, distinct scales and the harm of unequal items beside R's psych and semTools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.methods.design import Design
from analysis.methods.invariance import fit_invariance
from analysis.methods.reliability import reliability
from reports.reference import Line
from reports.reference.measurement import BRITAIN, HOLZINGER, STUDENTS
from reports.reference.measurement_ordinal import ACTS, FACTORS, LEADERS

EXACT = 1e-9
FITTED = 1e-5  # omega and what rests on a model: optimisers stop at different points
ENDS = ("conf_low", "conf_high")
# psych's and semTools' names to ours, and how near they come
MOMENTS = {
    "alpha": ("alpha", EXACT),
    "alpha if left out": ("alpha_if_dropped", EXACT),
    "item r.drop": ("item_rest", EXACT),
    "omega, implied variance": ("omega", FITTED),
    "AVE, implied variances": ("ave", FITTED),
    "htmt2": ("htmt", EXACT),
}
ORDERED = {"ordinal alpha": ("alpha_ordinal", FITTED), "omega categorical": ("omega_categorical", FITTED)}
PARTIAL = ("hs school partial x3~1 x7~1", {"x3", "x7"})
Scales = Mapping[str, Sequence[str]]


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; the made data are always here."""
    table, ordinal = (pd.read_csv(home / f"measurement_{name}.csv") for name in ("reliability", "ordinal"))
    yield from _ordered(ordinal, "made 6", pd.read_csv(home / "ordinal_made_data.csv"), FACTORS)
    if data is None:
        return
    if (data / "bhr2000").is_dir():
        leaders = pd.read_csv(data / "bhr2000" / "bhr2000.csv")
        yield from _compared(table, "bhr2000", leaders, {"lead": tuple(leaders.columns[1:12])})
        yield from _ordered(ordinal, "bhr2000", leaders, LEADERS)
    if (data / "univer_2002").is_dir():
        yield from _compared(table, "univer", pd.read_csv(data / "univer_2002" / "univer.csv"), STUDENTS)
    if (data / "holzinger1939").is_dir():
        pupils = pd.read_csv(data / "holzinger1939" / "HolzingerSwineford1939.csv")
        for scale, members in HOLZINGER.items():
            yield from _compared(table, f"hs {scale}", pupils, {scale: members})
        yield from _compared(table, "hs", pupils, HOLZINGER)
        yield from _harm(table, pupils)
    if (data / "ess4_britain").is_dir():
        yield from _britain(table, pd.read_csv(data / "ess4_britain" / "ess4_gb.csv"))
    if (data / "verbagg").is_dir():
        yield from _ordered(ordinal, "verbagg", _acts(data / "verbagg" / "VerbAgg.csv"), {"anger": ACTS})


def _britain(table: pd.DataFrame, frame: pd.DataFrame) -> Iterator[Line]:
    scales = {"range": BRITAIN["range"]}
    full = frame.dropna(subset=list(scales["range"]))
    yield from _compared(table, "ess4 range listwise", full, scales)
    yield from _compared(table, "ess4 range weighted", full, scales, Design(weights="dweight"))
    # psych takes all rows for the interval, we the thinnest pair
    yield from _compared(table, "ess4 range pairwise", frame, scales, interval=False)


def _acts(file: Path) -> pd.DataFrame:
    answers = pd.read_csv(file)
    coded = answers[answers["item"].isin(ACTS)].assign(code=answers["resp"].map({"no": 1, "perhaps": 2, "yes": 3}))
    return coded.pivot_table(index="id", columns="item", values="code").reset_index(drop=True)


def _compared(
    table: pd.DataFrame,
    case: str,
    frame: pd.DataFrame,
    scales: Scales,
    design: Design | None = None,
    interval: bool = True,
) -> Iterator[Line]:
    rows = table[(table["case"] == case) & table["quantity"].isin(MOMENTS)]
    own = {
        (r["statistic"], *_place(r)): r
        for r in reliability(frame, scales=scales, design=design).tidy().to_dict("records")
    }
    for row in rows.to_dict("records"):
        statistic, tolerance = MOMENTS[row["quantity"]]
        term, _, other = (str(row["term"]) if isinstance(row["term"], str) else next(iter(scales))).partition("~~")
        found = own[statistic, term, other]
        what = " ".join(w for w in (case, row["quantity"], term, other) if w)
        yield Line("reliability", what, row["source"], float(row["value"]), float(found["estimate"]), tolerance)
        if interval and not pd.isna(row["conf_low"]):
            for end in ENDS:
                yield Line("reliability", f"{what} {end}", row["source"], float(row[end]), float(found[end]), tolerance)


def _place(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Term, and the second scale of a pair."""
    return str(row["term"]), str(row["domain"]).removeprefix("scale=") if row["statistic"] == "htmt" else ""


def _ordered(table: pd.DataFrame, case: str, frame: pd.DataFrame, scales: Scales) -> Iterator[Line]:
    """Alpha of every scale; omega of a scale that has its own factor there as it has here."""
    rows = table[(table["model"] == case) & table["quantity"].isin(ORDERED)]
    own = reliability(frame, scales=scales).tidy().set_index(["statistic", "term"])["estimate"]
    for row in rows.to_dict("records"):
        statistic, tolerance = ORDERED[row["quantity"]]
        if statistic == "alpha_ordinal" or len(scales) == 1:
            what = f"{case} {row['quantity']} {row['term']}"
            ours = float(own[statistic, row["term"]])
            yield Line("reliability", what, row["source"], float(row["value"]), ours, tolerance)


def _harm(table: pd.DataFrame, pupils: pd.DataFrame) -> Iterator[Line]:
    """dMACS, where the ladder ends at the model that the reference has."""
    case, freed = PARTIAL
    found = fit_invariance(pupils, factors=HOLZINGER, group="school", reference="Pasteur", last_step="scalar")
    if set(found.freed["item"]) != freed or set(found.freed["kind"]) != {"intercepts"}:
        return
    own = found.harm.set_index("item")["dmacs"]
    rows = table[(table["case"] == case) & (table["quantity"] == "dMACS") & table["term"].isin(freed)]
    for row in rows.to_dict("records"):
        what = f"{case} dMACS {row['term']}"
        yield Line("invariance", what, row["source"], float(row["value"]), float(own[row["term"]]), FITTED)
