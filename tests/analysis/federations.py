"""One wave of a made federation as frames, straight from the generator: no files are written and none are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from survey.simulate.effects import draw_effects
from survey.simulate.log import draw_log
from survey.simulate.population import draw_people, draw_samples
from survey.simulate.registry import count_registry
from survey.simulate.template import read_template

WAVE = "2024"
# What the demo's truth plants: the codes of the item of employers that are reached less, and the group that nobody finds.
PLANTED = ["4", "5", "6"]
HARDLY_FOUND = "overseas_chinese"


def level_truth() -> dict[str, Any]:
    """A truth in which no kind of employer and no group is reached less than another."""
    plan = read_template(None)
    groups = {code: {"reach": 0.0} for code in plan.truth["groups"]}
    kinds = {code: {"reach": 0.0} for code in plan.truth["background"]["employer"]["effects"]}
    return {"groups": groups, "background": {"employer": {"effects": kinds}}}


def federation(seed: int, truth: dict[str, Any] | None = None) -> dict[str, pd.DataFrame]:
    """Draw the registry, the careers and the answers of the last wave; everybody is known by the same number.

    ``places``: by region the effect on the log rate of taking part that was drawn for it.
    """
    plan = read_template(None, truth=truth, seed=seed)
    people = draw_people(plan)
    log = draw_log(plan, people, draw_effects(plan))
    groups, places = plan.groups["code"].to_numpy(), plan.regions["code"].to_numpy()
    who = draw_samples(plan, people)[WAVE]
    members = pd.DataFrame(
        {
            "member": people.ids[who],
            "log_member": pd.Series(people.ids[who]).where(people.consent[who]),
            "group": groups[people.group[who]],
            "region": places[people.region[who]],
            "employer": (people.background["employer"][who] + 1).astype(str),
        }
    )
    acts = log.activities[WAVE].iloc[log.times[WAVE]["number"]]
    person = log.times[WAVE]["person"].to_numpy()
    online = (acts["channel"] == "online").to_numpy()
    both = [pd.DataFrame({"person": person, "at": acts[c].to_numpy(), "online": online}) for c in ("group", "partner")]
    times = (
        pd.concat(both)[lambda t: t["at"] >= 0].groupby(["person", "at"])["online"].agg(["size", "mean"]).reset_index()
    )
    careers = pd.DataFrame(
        {
            "member": people.ids[times["person"]],
            "group": groups[times["at"]],
            "region": places[people.region[times["person"]]],
            "count": times["size"].to_numpy(np.int64),
            "channel": np.where(times["mean"] >= 0.5, "online", "onsite"),
        }
    )
    # drawn before anything else of that stream, as `survey.simulate.log` says
    drawn = plan.truth["activity"]["place_spread"] * plan.stream("log", "lasting").standard_normal(len(places))
    frames = {"registry": count_registry(plan, people, WAVE), "careers": careers, "members": members}
    return {**frames, "places": pd.DataFrame({"region": places, "effect": drawn})}
