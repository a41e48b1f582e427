"""What the people of a sample answer, item by item, before anything happens to the file.

The result holds codes as text, empty where nothing was answered; `number` items as whole numbers in text; `multiple` items
as codes joined by blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.simulate.effects import Array, Effects, correlated, spread
from survey.simulate.log import Log
from survey.simulate.population import Codes, People
from survey.simulate.template import Item, Template

Text = NDArray[np.object_]
PARTS = ("need", "urgency", "aware", "used", "rating")


@dataclass(slots=True)
class Sheet:
    """The answers of one wave while they are being drawn."""

    plan: Template
    """The template."""
    people: People
    """The people."""
    wave: str
    """The wave."""
    who: Codes
    """Positions of the people in the sample."""
    trait: Array
    """sample x scales: the latent traits of the wave."""
    seen: NDArray[np.bool_]
    """Whether the log of the year holds the person."""
    answers: dict[str, Text] = field(default_factory=dict)
    """Item: answers so far."""

    def rng(self, step: str) -> np.random.Generator:
        """The random stream of a step of this wave."""
        return self.plan.stream("answers", self.wave, step)


def draw_answers(plan: Template, people: People, effects: Effects, log: Log, wave: str, who: Codes) -> pd.DataFrame:
    """Draw a wave's answers.

    Returns
    -------
    pandas.DataFrame
        Text: ``member, group, region, submitted, seconds, consent`` and one column an item; one row a person, in the order
        of submission.
    """
    sheet = Sheet(plan, people, wave, who, _traits(plan, people, effects, wave, who), log.seen(wave)[who])
    services = {
        part_item: (service, part)
        for service, parts in plan.study["services"].items()
        for part, part_item in parts.items()
        if part in PARTS
    }
    for item in plan.items(wave):
        if item.name in services:
            sheet.answers[item.name] = _service(sheet, item, *services[item.name])
        else:
            sheet.answers[item.name] = _answer(sheet, item)
    _skip(sheet)
    return _frame(sheet)


def _traits(plan: Template, people: People, effects: Effects, wave: str, who: Codes) -> Array:
    """Unit's mean + lasting deviation + occasion; luck is an occasion that happens to be good for a place."""
    unit = effects.trait(wave)[:, people.group[who], people.region[who]].T
    occasion = correlated(plan, plan.stream("answers", wave, "occasion"), (len(who),)).T * spread(plan, "occasion")
    luck = plan.truth["luck"]
    if luck["wave"] == wave:
        county = plan.regions["county"].to_numpy()[people.region[who]]
        sign = np.array([float(scale.get("sign", 1)) for scale in plan.truth["scales"].values()])
        occasion[county == luck["region"]] += float(luck["shift"]) * sign
    return unit + people.trait[who] + occasion


def _answer(sheet: Sheet, item: Item) -> Text:
    truth = sheet.plan.truth["items"]["by_item"].get(item.name, {})
    if item.name in sheet.people.background:
        return np.array(item.codes, dtype=object)[sheet.people.background[item.name][sheet.who]]
    if item.name == sheet.plan.truth["joined"]:
        return sheet.people.since[sheet.who].astype(str).astype(object)
    if item.kind == "text":
        return _sentences(sheet, item, truth)
    if item.kind == "multiple":
        return _chosen(sheet, item, truth) if "choose" in truth else _ticked(sheet, item, truth)
    if "fixed" in truth:
        return _fixed(sheet, item, truth)
    if "from_log" in truth:
        chance = np.where(sheet.seen, truth["from_log"]["seen"], truth["from_log"]["not_seen"])
        return _yes(item, sheet.rng(item.name).random(len(sheet.who)) < chance)
    return _required(sheet, truth, _measured(sheet, item, truth))


def _measured(sheet: Sheet, item: Item, truth: Mapping[str, Any]) -> Text:
    """Codes of an item that measures a trait: round(middle + step (loading trait + noise + shift)), cut at the ends."""
    scale = item.scale or truth["follows"]
    loading = float(truth.get("loading", sheet.plan.truth["items"]["loading"]))
    mean = float(sheet.plan.truth["scales"][scale]["mean"])
    level = truth.get("mean", NormalDist().inv_cdf(truth["base"]) if "base" in truth else mean)
    by_group = np.array([float(truth.get("groups", {}).get(code, 0.0)) for code in sheet.plan.groups["code"]])
    own = float(sheet.plan.stream("items", item.name).standard_normal()) * float(sheet.plan.truth["items"]["spread"])
    shift = own + float(truth.get("shift", 0.0)) + by_group[sheet.people.group[sheet.who]]
    trait = sheet.trait[:, sheet.plan.scales.index(scale)] - mean
    noise = sheet.rng(item.name).standard_normal(len(trait)) * np.sqrt(1 - loading**2)
    latent = float(level) + loading * trait + noise + (0.0 if "base" in truth else shift)
    if len(item.codes) == 2:
        return _yes(item, latent > 0)
    low, high = int(item.codes[0]), int(item.codes[-1])
    code = np.clip(np.rint((low + high) / 2 + (high - low) / 4 * latent), low, high).astype(int)
    return (low + high - code if item.reverse else code).astype(str).astype(object)


def _service(sheet: Sheet, item: Item, service: str, part: str) -> Text:
    truth, names = sheet.plan.truth["services"][service], sheet.plan.study["services"][service]
    traits, chance = sheet.plan.truth["service_traits"], sheet.rng(item.name).random(len(sheet.who))
    if part == "need":
        return _yes(item, chance < _share(truth["need"], _shift_by_background(sheet, truth)))
    if part == "aware":
        found = float(traits["aware"]["loading"]) * sheet.trait[:, sheet.plan.scales.index(traits["aware"]["follows"])]
        by_group = [float(sheet.plan.truth["groups"][code].get("aware", 0.0)) for code in sheet.plan.groups["code"]]
        return _yes(item, chance < _share(truth["aware"], found + np.array(by_group)[sheet.people.group[sheet.who]]))
    needs = sheet.answers[names["need"]] == "1"
    if part == "urgency":
        bounds = np.cumsum(truth["urgency"])[:-1]
        return np.where(needs, np.array(item.codes, dtype=object)[np.searchsorted(bounds, chance, side="right")], "")
    if part == "used":
        used = chance < float(truth["used"]) * np.where(needs, 1.0, 0.25)
        return np.where(sheet.answers[names["aware"]] == "1", _yes(item, used), "")
    rated = _measured(sheet, item, {"mean": truth["rating"], **traits["rating"]})
    return np.where(sheet.answers[names["used"]] == "1", rated, "")


def _shift_by_background(sheet: Sheet, truth: Mapping[str, Any]) -> Array:
    """Shift of the need by the codes of the background items that the service names."""
    shift = np.zeros(len(sheet.who))
    codes = {item.name: item.codes for item in sheet.plan.items(sheet.wave)}
    for item in sorted(sheet.people.background.keys() & truth.keys()):
        by_code = np.array([float(truth[item].get(code, 0.0)) for code in codes[item]])
        shift += by_code[sheet.people.background[item][sheet.who]]
    return shift


def _share(share: float, shift: Array) -> Array:
    """A share moved on the logit scale."""
    return 1 / (1 + (1 - share) / share * np.exp(-shift))


def _yes(item: Item, yes: NDArray[np.bool_]) -> Text:
    return np.where(yes, item.codes[1], item.codes[0]).astype(object)


def _required(sheet: Sheet, truth: Mapping[str, Any], answers: Text) -> Text:
    if "requires" not in truth:
        return answers
    return np.where(sheet.answers[truth["requires"]] == "1", answers, "")


def _fixed(sheet: Sheet, item: Item, truth: Mapping[str, Any]) -> Text:
    rng = sheet.rng(item.name)
    careless = rng.random(len(sheet.who)) < float(truth["fails"])
    return np.where(careless, rng.choice(np.array(item.codes, dtype=object), len(sheet.who)), truth["fixed"])


def _sentences(sheet: Sheet, item: Item, truth: Mapping[str, Any]) -> Text:
    rng = sheet.rng(item.name)
    said = rng.choice(np.array(truth["sentences"], dtype=object), len(sheet.who))
    return np.where(rng.random(len(sheet.who)) < float(truth["share"]), said, "")


def _chosen(sheet: Sheet, item: Item, truth: Mapping[str, Any]) -> Text:
    """The few that matter most: weights, more where the person needs it, and Gumbel noise."""
    keys = sheet.rng(item.name).gumbel(size=(len(sheet.who), len(item.codes)))
    for column, code in enumerate(item.codes):
        needed = sheet.answers[truth["wanted"][code]] == "1"
        keys[:, column] += np.log(float(truth["weights"][code])) + float(truth["boost"]) * needed
    top = np.argsort(-keys, axis=1)[:, : int(truth["choose"])]
    ticked = np.zeros(keys.shape, dtype=bool)
    np.put_along_axis(ticked, top, True, axis=1)
    return _joined(item, ticked)


def _ticked(sheet: Sheet, item: Item, truth: Mapping[str, Any]) -> Text:
    chances = np.array([float(truth["chances"][code]) for code in item.codes])
    ticked = sheet.rng(item.name).random((len(sheet.who), len(chances))) < chances
    ticked[~ticked.any(axis=1), item.codes.index(truth["otherwise"])] = True  # who answers ticks at least one
    return _joined(item, ticked)


def _joined(item: Item, ticked: NDArray[np.bool_]) -> Text:
    return np.array([" ".join(np.array(item.codes)[row]) for row in ticked], dtype=object)


def _skip(sheet: Sheet) -> None:
    """Empty the answers that were not given: single ones, whole modules, and "don't know" where the item has it."""
    truth = sheet.plan.truth["missing"]
    factor = np.array([float(truth["groups"].get(code, 1.0)) for code in sheet.plan.groups["code"]])
    factor = factor[sheet.people.group[sheet.who]]
    broken = {
        module: sheet.rng(f"broken {module}").random(len(factor)) < float(share) * factor
        for module, share in truth["modules"].items()
    }
    for item in sheet.plan.items(sheet.wave):
        drawn = sheet.rng(f"missing {item.name}").random((2, len(factor)))
        answered = sheet.answers[item.name]
        if truth["dont_know"]["code"] in item.missing:
            unsure = drawn[1] < float(truth["dont_know"]["share"])
            answered = np.where(unsure, truth["dont_know"]["code"], answered)
        gone = broken[item.module] | (drawn[0] < float(truth["answers"][item.module]) * factor)
        sheet.answers[item.name] = np.where(gone, "", answered)


def _frame(sheet: Sheet) -> pd.DataFrame:
    plan, people, who, rng = sheet.plan, sheet.people, sheet.who, sheet.rng("submitted")
    when = plan.truth["waves"][sheet.wave]
    start, end = pd.Timestamp(when["start"]), pd.Timestamp(when["end"]) + pd.Timedelta(days=1)
    submitted = start + pd.to_timedelta((rng.random(len(who)) ** 1.5 * (end - start).total_seconds()).astype(int), "s")
    pace = plan.truth["response"]["seconds"]
    seconds = float(pace["median"]) * np.exp(float(pace["spread"]) * rng.standard_normal(len(who)))
    seconds = np.where(rng.random(len(who)) < float(pace["hasty"]), rng.integers(40, 90, len(who)), seconds)
    roles = {
        "member": people.ids[who],
        "group": plan.groups["code"].to_numpy()[people.group[who]],
        "region": plan.regions["code"].to_numpy()[people.region[who]],
        "submitted": submitted,
        "seconds": seconds.astype(int).astype(str),
        "consent": people.consent[who],
    }
    frame = pd.DataFrame({**roles, **sheet.answers}).astype(dict.fromkeys(sheet.answers, object))
    return frame.sort_values(["submitted", "member"], kind="stable").reset_index(drop=True)
