"""The registry of a wave: counts of members, organisations, staff, venues and funds per group and place.

Counted at the finest places and added up to the places above them, down to counties, so that children add up to parents.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey.simulate.population import People, present
from survey.simulate.template import Template


def count_registry(plan: Template, people: People, wave: str) -> pd.DataFrame:
    """Count the registry of a wave.

    Returns
    -------
    pandas.DataFrame
        ``group, region`` (codes) and the counts ``members, eligible, organisations, established, staff, venues, funds`` (int64);
        one row a group and finest place, and one a group and county that has places below it.
    """
    shape = (len(plan.groups), len(plan.regions))
    here = present(plan, people, wave)
    members = np.bincount((people.group * shape[1] + people.region)[here], minlength=shape[0] * shape[1])
    finest = pd.DataFrame({"members": members, "eligible": _eligible(plan, members), **_means(plan, wave, members)})
    group, region = np.divmod(np.arange(members.size), shape[1])
    finest.insert(0, "group", plan.groups["code"].to_numpy()[group])
    finest.insert(1, "region", plan.regions["code"].to_numpy()[region])
    county = plan.regions["county"].to_numpy()[region]
    below = finest[finest["region"] != county].assign(region=county[finest["region"] != county])
    sums = below.groupby(["group", "region"], as_index=False, sort=False).sum()
    rows = pd.concat([finest, sums])
    order = rows["group"].map({code: number for number, code in enumerate(plan.groups["code"])})
    rows = rows.assign(order=order).sort_values(["order", "region"]).drop(columns="order")
    return rows[rows["members"] > 0].reset_index(drop=True)


def _eligible(plan: Template, members: np.ndarray) -> np.ndarray:
    """Those whom each organisation is there for: its members over its density, uneven between places."""
    truth, rng = plan.truth["registry"]["density"], plan.stream("registry", "density")
    share = np.array([float(truth["groups"].get(code, truth["share"])) for code in plan.groups["code"]])
    places = members.size // len(share)
    uneven = float(truth["spread"]) * rng.standard_normal(members.size)
    odds = np.repeat(share / (1 - share), places) * np.exp(uneven)
    return np.ceil(members * (1 + odds) / odds).astype(int)


def _means(plan: Template, wave: str, members: np.ndarray) -> dict[str, np.ndarray]:
    """Branches, staff, venues and funds: so many a hundred members, uneven between units but steady over the waves."""
    truth, rng = plan.truth["registry"], plan.stream("registry", "units")
    uneven = np.exp(float(truth["spread"]) * rng.standard_normal((4, members.size)))
    amounts = {
        name: np.rint(float(truth[name]) * members / 100 * factor).astype(int)
        for name, factor in zip(("organisations", "staff", "venues", "funds"), uneven, strict=True)
    }
    amounts["organisations"] = np.maximum(amounts["organisations"], 1)
    due = amounts["organisations"]
    exists = rng.random((members.size, due.max()))
    existing = (exists < float(truth["established"][wave])) & (np.arange(due.max()) < due[:, None])
    return {
        "organisations": due,
        "established": existing.sum(axis=1),
        **{name: amounts[name] for name in ("staff", "venues", "funds")},
    }
