"""Who takes part in what: activities of each group and place, and the times that members come.

The number of times in a year is Poisson, its logarithm a sum of group, place, background, one of the
member's own traits, a lasting liking, the pilot and a trend. A part of the times is spent at another organisation's activity in the
same place, mostly one that organises things jointly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.simulate.effects import Array, Effects
from survey.simulate.population import Codes, People, present
from survey.simulate.template import Template


@dataclass(frozen=True, slots=True)
class Log:
    """Activities and who came, of all waves."""

    plan: Template
    """The template."""
    people: People
    """The people."""
    activities: dict[str, pd.DataFrame]
    """Per wave, a row an activity: activity, group, partner (-1: none), region (positions), start, channel."""
    times: dict[str, pd.DataFrame]
    """Per wave, a row a time: person, number (position of the activity)."""

    def seen(self, wave: str) -> NDArray[np.bool_]:
        """Who took part at least once in the year before a wave."""
        return np.isin(np.arange(len(self.people.ids)), self.times[wave]["person"])

    def rows(self, wave: str) -> pd.DataFrame:
        """The log as the organisations send it: member, activity, group, region, start, channel, response, role.

        Groups that report nothing are left out; ``group`` holds the codes of all organisers, in tuples.
        """
        times, acts = self.times[wave].assign(response=""), self.activities[wave]
        silent = self.plan.truth["files"][wave].get("not_reporting", [])
        times = self._with_responses(wave, times)
        rows = acts.iloc[times["number"]].reset_index(drop=True)
        codes = np.append(self.plan.groups["code"].to_numpy(dtype=object), "")
        pairs = zip(codes[rows["group"]], codes[rows["partner"]], strict=True)
        rows["group"] = [tuple(code for code in pair if code and code not in silent) for pair in pairs]
        rows["region"] = self.plan.regions["code"].to_numpy()[rows["region"]]
        rows.insert(0, "member", self.people.ids[times["person"]])
        rows["response"] = times["response"].to_numpy()
        rows["role"] = self._roles(wave, acts["group"].to_numpy()[times["number"]], times["response"])
        rows = rows[~acts["group"].isin(np.flatnonzero(np.isin(codes, silent))).to_numpy()[times["number"]]]
        return rows.drop(columns="partner").sort_values(["start", "activity", "member"]).reset_index(drop=True)

    def _roles(self, wave: str, host: Codes, response: pd.Series) -> NDArray[np.object_]:
        """What each did there; nothing for those who only came, or did not."""
        truth = self.plan.truth["activity"]["roles"]
        own = [{**truth, **truth["groups"].get(code, {})} for code in self.plan.groups["code"]]
        drawn = self.plan.stream("log", "roles", wave).random(len(host))
        organised = np.array([float(one["organised"]) for one in own])[host]
        volunteered = np.array([float(one["volunteered"]) for one in own])[host]
        role = np.select([drawn < organised, drawn < organised + volunteered], ["organised", "volunteered"], "")
        responses = self.plan.truth["files"][wave]["log"].get("responses")
        came = response == next(iter(responses)) if responses else pd.Series(True, index=response.index)
        return np.where(came, role, "").astype(object)

    def _with_responses(self, wave: str, times: pd.DataFrame) -> pd.DataFrame:
        """Add those who only answered the invitation, where the wave's file has a response."""
        responses = self.plan.truth["files"][wave]["log"].get("responses")
        if not responses:
            return times
        took_part, *others = responses
        rng = self.plan.stream("log", "responses", wave)
        shares = np.array([float(responses[name]) for name in others])
        more = times.sample(int(len(times) * shares.sum() / float(responses[took_part])), random_state=rng)
        more = more.assign(
            number=rng.permutation(more["number"].to_numpy()),
            response=rng.choice(others, len(more), p=shares / shares.sum()),
        )
        both = pd.concat([times.assign(response=took_part), more])
        return both.drop_duplicates(["person", "number"]).reset_index(drop=True)


def draw_log(plan: Template, people: People, effects: Effects) -> Log:
    """Draw the activities and times of all waves."""
    lasting = _lasting(plan, people)
    activities, times = {}, {}
    for number, wave in enumerate(plan.waves):
        gain = (
            float(plan.truth["activity"]["trend"]) * number
            + float(plan.truth["pilot"]["reach"]) * effects.pilots[number]
        )
        rate = np.exp(lasting + gain[people.region]) * present(plan, people, wave)
        count = plan.stream("log", "times", wave).poisson(rate * float(plan.truth["activity"]["rate"]))
        person = np.repeat(np.arange(len(count)), count)
        unit = _host(plan, people, wave, person) * len(plan.regions) + people.region[person]
        activities[wave], chosen = _activities(plan, wave, unit)
        times[wave] = pd.DataFrame({"person": person, "number": chosen}).drop_duplicates(ignore_index=True)
    return Log(plan, people, activities, times)


def _lasting(plan: Template, people: People) -> Array:
    """Log rate of each person, without the wave's part."""
    truth, rng = plan.truth["activity"], plan.stream("log", "lasting")
    places = float(truth["place_spread"]) * rng.standard_normal(len(plan.regions))
    own = float(truth["spread"]) * rng.standard_normal(len(people.ids))
    drawn = float(truth["loading"]) * people.own[:, plan.scales.index(truth["follows"])]
    return people.rates["reach"] + places[people.region] + own + drawn


def _host(plan: Template, people: People, wave: str, person: Codes) -> Codes:
    """Whose activity is visited each time: the own group's, or another's by how much the two do jointly."""
    rng = plan.stream("log", "hosts", wave)
    together = 0.02 * np.ones((len(plan.groups), len(plan.groups)))
    position = {code: number for number, code in enumerate(plan.groups["code"])}
    for pair in plan.truth["activity"]["joint"]:
        one, two = position[pair["first"]], position[pair["second"]]
        together[one, two] += pair["share"]
        together[two, one] += pair["share"]
    np.fill_diagonal(together, 0.0)
    bounds = np.cumsum(together / together.sum(axis=1, keepdims=True), axis=1)
    own = people.group[person]
    other = (rng.random(len(person))[:, None] >= bounds[own]).sum(axis=1).clip(max=len(bounds) - 1)
    return np.where(rng.random(len(person)) < float(plan.truth["activity"]["elsewhere"]), other, own)


def _activities(plan: Template, wave: str, unit: Codes) -> tuple[pd.DataFrame, Codes]:
    """The activities that the times of a wave were spent at, and the one chosen each time."""
    truth, rng = plan.truth["activity"], plan.stream("log", "activities", wave)
    asked = np.bincount(unit, minlength=len(plan.groups) * len(plan.regions))
    held = np.ceil(asked / float(truth["size"])).astype(int)
    first = np.cumsum(held) - held
    chosen = first[unit] + (rng.random(len(unit)) * held[unit]).astype(int)
    group, region = np.divmod(np.repeat(np.arange(held.size), held), len(plan.regions))
    online = np.array([float(plan.truth["groups"][code]["online"]) for code in plan.groups["code"]])
    acts = pd.DataFrame({"group": group, "partner": _partners(plan, wave, group), "region": region})
    acts["start"] = _starts(plan, wave, len(acts))
    acts["channel"] = np.where(rng.random(len(acts)) < online[group], "online", "onsite")
    acts.insert(0, "activity", [f"A{wave[-2:]}{number:05d}" for number in rng.permutation(len(acts))])
    return acts, chosen


def _partners(plan: Template, wave: str, group: Codes) -> Codes:
    rng = plan.stream("log", "partners", wave)
    position = {code: number for number, code in enumerate(plan.groups["code"])}
    partner = np.full(len(group), -1)
    left = rng.random(len(group))
    for pair in plan.truth["activity"]["joint"]:
        own = group == position[pair["first"]]
        partner[own & (left >= 0) & (left < pair["share"])] = position[pair["second"]]
        left[own] -= pair["share"]
    return partner


def _starts(plan: Template, wave: str, count: int) -> pd.DatetimeIndex:
    """Days by season and the hours at which activities begin."""
    truth, rng = plan.truth["activity"], plan.stream("log", "starts", wave)
    when = plan.truth["waves"][wave]
    days = pd.date_range(when["log_start"], when["log_end"], inclusive="left")
    weight = np.array(truth["seasons"], dtype=float)[days.month - 1] * np.where(days.day_of_week >= 5, 1.6, 1.0)
    day = days[rng.choice(len(days), count, p=weight / weight.sum())]
    minute = 60 * rng.choice(truth["hours"], count) + 30 * rng.integers(0, 2, count)
    return pd.DatetimeIndex(day + pd.to_timedelta(minute, unit="min"))
