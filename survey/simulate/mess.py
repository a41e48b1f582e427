"""What goes wrong on the way: rows sent twice, second answers, blank rows, totals, strangers, full-width digits.

Works on frames of text as written down; every fault has its share in the truth's section ``mess``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey.simulate.template import Template

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def spoil_answers(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the faults of a file of answers."""
    truth, rng = plan.truth["mess"], plan.stream("mess", wave, "answers")
    items = [column for column in frame.columns if column not in plan.truth["files"][wave]["answers"]["roles"]]
    frame = _full_width(rng, frame, truth)
    frame = _strangers(rng, frame, truth)
    again = _some(rng, frame, truth["repeated"])
    again[items] = _some(rng, frame, truth["repeated"])[items].to_numpy()
    frame = _inserted(rng, frame, [again, _some(rng, frame, truth["duplicate"]), _blank(rng, frame, truth)])
    return _with_total(frame, truth) if plan.truth["files"][wave]["answers"]["total"] else frame


def spoil_log(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the faults of a log."""
    truth, rng = plan.truth["mess"], plan.stream("mess", wave, "log")
    frame = _strangers(rng, frame, truth)
    return _inserted(rng, frame, [_some(rng, frame, truth["duplicate"]), _blank(rng, frame, truth)])


def _full_width(rng: np.random.Generator, frame: pd.DataFrame, truth: Mapping[str, Any]) -> pd.DataFrame:
    frame = frame.copy()
    for column in truth["full_width_columns"]:
        chosen = rng.random(len(frame)) < float(truth["full_width"])
        frame.loc[chosen, column] = frame.loc[chosen, column].str.translate(FULL_WIDTH)
    return frame


def _strangers(rng: np.random.Generator, frame: pd.DataFrame, truth: Mapping[str, Any]) -> pd.DataFrame:
    """Groups and places that the study does not know, and rows without a member; never two of them in one row."""
    frame, drawn = frame.copy(), rng.random(len(frame))
    bounds = np.cumsum([float(truth[name]) for name in ("unknown_group", "unknown_region", "no_member")])
    group, region, member = (
        drawn < bounds[0],
        (drawn >= bounds[0]) & (drawn < bounds[1]),
        (drawn >= bounds[1]) & (drawn < bounds[2]),
    )
    frame.loc[group, "group"] = rng.choice(truth["strange_groups"], int(group.sum()))
    frame.loc[region, "region"] = rng.choice(truth["strange_regions"], int(region.sum()))
    frame.loc[member, "member"] = ""
    return frame


def _some(rng: np.random.Generator, frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """A share of the rows that carry a member, each with its place in the file as index."""
    full = np.flatnonzero((frame["member"] != "").to_numpy())
    return frame.iloc[np.sort(rng.choice(full, round(float(share) * len(frame)), replace=False))].copy()


def _blank(rng: np.random.Generator, frame: pd.DataFrame, truth: Mapping[str, Any]) -> pd.DataFrame:
    count = round(float(truth["blank"]) * len(frame))
    return pd.DataFrame("", index=np.sort(rng.integers(0, len(frame), count)), columns=frame.columns, dtype=object)


def _inserted(rng: np.random.Generator, frame: pd.DataFrame, more: list[pd.DataFrame]) -> pd.DataFrame:
    """Put rows somewhere after the row that they come from."""
    added = pd.concat(more)
    later = added.index.to_numpy() + 0.5 + rng.integers(0, 200, len(added))
    place = np.concatenate([np.arange(len(frame), dtype=float), later])
    return pd.concat([frame, added]).iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def _with_total(frame: pd.DataFrame, truth: Mapping[str, Any]) -> pd.DataFrame:
    """A last row with the number of cells filled in each column."""
    total = {column: str(int((frame[column] != "").sum())) for column in frame.columns}
    row = total | {"member": truth["total"], "group": "", "region": "", "submitted": "", "consent": ""}
    return pd.concat([frame, pd.DataFrame([row]).astype(object)], ignore_index=True)
