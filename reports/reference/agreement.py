"""Agreement and intraclass correlation beside R's multilevel: made answers, and the printed numbers of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.methods.agreement import agreement
from analysis.methods.icc import icc
from reports.reference import Line

EXACT = 1e-9
PRINTED = 2e-5  # numbers printed with six digits
FILES = {"bhr2000": ("bhr2000.csv", "GRP"), "univer_2002": ("univer.csv", "faculty"), "bh1996": ("bh1996.csv", "GRP")}
ITEMS = ["q0", "q1", "q2", "q3"]


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; the made answers need no data."""
    table = pd.read_csv(home / "agreement.csv", keep_default_na=False, na_values=["NA"])
    frame = made()
    for index in ("rwg_j", "ad_m", "a_wg"):
        yield from _made(table, index, agreement(frame[["g", *ITEMS]], group="g", n_options=5, index=index).tidy())
    rows = icc(frame, outcome="y", group="g").tidy().set_index("statistic")["estimate"]
    for row in table[table["what"].isin(["icc1", "icc2"]) & (table["case"] == "made")].to_dict("records"):
        yield Line(
            "agreement", f"{row['what']} made", row["source"], float(row["value"]), float(rows[row["what"]]), EXACT
        )
    real = pd.read_csv(home / "agreement_real.csv")
    for name, (file, group) in FILES.items():
        if data is not None and (data / name).is_dir():
            yield from _real(real[real["data"] == name], pd.read_csv(data / name / file), group, name)


def made() -> pd.DataFrame:
    """The answers of agreement.R, made by the same arithmetic."""
    g = np.repeat(np.arange(1, 10), [2, 3, 4, 5, 6, 7, 8, 11, 14])
    i = np.arange(60)
    x = np.column_stack([1 + (7 * i + 3 * j + i * i * (j + 1) + g) % 5 for j in range(4)])
    x[g == 3] = 5
    x[np.ix_(g == 4, [0, 1])] = 1
    x[np.ix_(g == 4, [2, 3])] = 4
    x[g == 7] = 3 + (i[g == 7] % 2)[:, None]
    return pd.DataFrame(x, columns=ITEMS).assign(g=g, w=1 + (i * 5) % 7 / 2, y=x.mean(axis=1) + g / 10)


def _made(table: pd.DataFrame, index: str, rows: pd.DataFrame) -> Iterator[Line]:
    own = rows[rows["statistic"] == index].set_index("group")["estimate"]
    for row in table[(table["what"] == index) & (table["case"] == "made")].to_dict("records"):
        what = f"{index} made {row['key']}"
        yield Line("agreement", what, row["source"], float(row["value"]), float(own[row["key"]]), EXACT)


def _real(table: pd.DataFrame, frame: pd.DataFrame, group: str, name: str) -> Iterator[Line]:
    for what, rows in table.groupby("what", sort=False):
        statistic, _, rest = str(what).partition(" ")
        if rest:
            method, _, outcome = rest.partition(" ")
            own = icc(frame, outcome=outcome, group=group, method=method).tidy()
        else:
            items = [group, *frame.columns[1:12]]
            own = agreement(frame[items], group=group, n_options=5, index=statistic).tidy()
        values = own[own["statistic"] == statistic].set_index("group")["estimate"]
        for row in rows.to_dict("records"):
            key = str(row["key"]) if isinstance(row["key"], str) else "*"
            told = f"{name} {what} {key}"
            yield Line("agreement", told, row["source"], float(row["value"]), float(values[key]), PRINTED)
