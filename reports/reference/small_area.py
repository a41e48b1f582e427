"""Small areas by the area-level model beside R's metafor and plain matrices: milk, and two sets that we made ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.methods.fay_herriot import FayHerriot, fay_herriot
from reports.reference import Line

SETS = {"milk": ("MajorArea",), "wide": ("x", "kind"), "none": ("x", "kind")}
NEW: dict[str, dict[str, object]] = {
    "milk": {"MajorArea": "3"},
    "wide": {"x": 9.0, "kind": "r"},
    "none": {"x": 9.0, "kind": "r"},
}
SHARP, CLOSE, SEARCHED = 1e-9, 1e-7, 1e-5
TOLERANCE = {"mse": CLOSE}  # R takes slopes of whole matrices by differences


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; the made sets need no data."""
    table = pd.read_csv(home / "small_area.csv", keep_default_na=False, dtype={"key": "str"})
    for (name, method), rows in table.groupby(["data", "method"], sort=False):
        if name != "milk" or (data is not None and (data / "milk").is_dir()):
            yield from _compared(rows, numbers(fitted(str(name), str(method), home, data)))


def fitted(name: str, method: str, home: Path, data: Path | None) -> FayHerriot:
    """Fit one set by one method, a new area without an estimate after its own."""
    frame = areas(name, home, data)
    new = pd.DataFrame([{"area": "new", **NEW[name]}])
    return fay_herriot(
        pd.concat([frame, new], ignore_index=True),
        estimate="y",
        variance="d",
        covariates=SETS[name],
        area="area",
        method=method,
    )


def areas(name: str, home: Path, data: Path | None) -> pd.DataFrame:
    """Areas of a set: area, y, d and covariates."""
    if name != "milk":
        frame = pd.read_csv(home / "small_area_data.csv")
        return frame[frame["data"] == name].astype({"area": "str"}).reset_index(drop=True)
    if data is None:
        raise ValueError("milk is a real data set: name the folder it lies in")
    frame = pd.read_csv(data / "milk" / "milk.csv").astype({"SmallArea": "str", "MajorArea": "str"})
    return frame.rename(columns={"SmallArea": "area", "yi": "y"}).assign(d=frame["SD"] ** 2)


def numbers(fit: FayHerriot) -> dict[tuple[str, str], float]:
    """Give every number of a fit by quantity and key, as the reference table calls them."""
    found = {
        ("refvar", ""): fit.refvar,
        ("refvar_se", ""): fit.refvar_error,
        ("refvar_low", ""): fit.refvar_interval[0],
        ("refvar_high", ""): fit.refvar_interval[1],
        ("log_likelihood", ""): fit.log_likelihood,
        ("q", ""): fit.q,
        ("q_p", ""): fit.q_p,
    }
    for row in fit.areas.to_dict("records"):
        found |= {(q, row["area"]): row[q] for q in ("eblup", "mse", "residual")}
    for k, row in enumerate(fit.coefficients.to_dict("records"), start=1):
        found |= {("beta", str(k)): row["estimate"], ("beta_se", str(k)): row["std_error"]}
    return found


def _compared(rows: pd.DataFrame, ours: dict[tuple[str, str], float]) -> Iterator[Line]:
    for row in rows.to_dict("records"):
        quantity = row["quantity"]
        what = " ".join(w for w in (row["data"], row["method"], quantity, row["key"]) if w)
        searched = row["method"].endswith("_yl")  # a maximum is flat: a search finds half the digits
        tolerance = SEARCHED if searched else TOLERANCE.get(quantity, SHARP)
        yield Line("small_area", what, row["source"], float(row["value"]), ours[quantity, row["key"]], tolerance)
