"""Counts at their edges, by hand: everybody came, everybody is covered."""

from __future__ import annotations

import pandas as pd

from analysis.questions.attraction import fit_attraction
from analysis.questions.coverage import coverage

CAME = pd.DataFrame({"wave": "1", "member": [f"m{i}" for i in range(12)], "group": "g", "region": "p"}).assign(
    first=pd.Timestamp("2024-01-01"), second=pd.NaT
)
REGISTRY = pd.DataFrame({"wave": ["1"], "group": ["g"], "region": ["p"], "members": [12]})
TREE = pd.DataFrame({"code": ["p"], "parent": [""], "level": ["province"]})


def test_all_members_came() -> None:
    """12 of 12 is a share of one, not a registry that is smaller than its log; 12 of 11 is."""
    asked = {"observed": None, "group": "group", "region": "region", "wave": "wave", "hierarchy": TREE}
    for members, status in ((12, "ok"), (11, "not_estimable")):
        rows = fit_attraction(None, CAME, None, REGISTRY.assign(members=members), **asked).tidy()
        rows = rows[(rows["term"] == "took_part") & (rows["statistic"] == "conditional")]
        assert rows["status"].unique().tolist() == [status]
        assert rows["estimate"].dropna().unique().tolist() == ([1.0] if status == "ok" else [])


def test_all_members_are_covered() -> None:
    for members, status in ((12, "ok"), (11, "not_estimable")):
        counts = REGISTRY.assign(members=members)
        rows = coverage(counts, CAME, observed=None, by=("group",), wave="wave", hierarchy=TREE).tidy()
        assert rows["status"].tolist() == [status]
        assert rows["estimate"].dropna().tolist() == ([1.0] if status == "ok" else [])
