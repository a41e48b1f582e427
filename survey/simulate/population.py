"""Who there is: the people of all groups and places with their lasting traits, and who answers in which wave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.simulate.effects import correlated, signs, spread
from survey.simulate.template import Template

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class People:
    """The members of all years, one position a person."""

    ids: NDArray[np.str_]
    """Member numbers as the organisations write them."""
    group: Codes
    """Position of the group in groups.csv."""
    region: Codes
    """Position of the finest place in `Template.regions`."""
    since: Codes
    """Year of joining."""
    background: dict[str, Codes]
    """Item: position of the person's code among the item's codes."""
    trait: Array
    """people x scales: lasting deviation from the unit's mean, SDs of the latent trait."""
    own: Array
    """people x scales: the part of `trait` that is the person's alone, standard normal."""
    consent: NDArray[np.bool_]
    """Whether answers may be linked to the log."""
    rates: dict[str, Array]
    """response, reach: sums of the log rates of group and background."""


def draw_people(plan: Template) -> People:
    """Draw everybody."""
    truth = plan.truth["population"]
    total = int(truth["people"])
    group, region = _units(plan, total)
    background = {item: _background(plan, item, group) for item in plan.truth["background"]}
    own = correlated(plan, plan.stream("people", "traits"), (total,)).T
    steps = plan.stream("people", "numbers").integers(1, int(truth["id_step"]), total).cumsum()
    return People(
        ids=np.array([truth["id_format"].format(number) for number in steps]),
        group=group,
        region=region,
        since=_since(plan, background),
        background=background,
        trait=own * spread(plan, "member") + _shifts(plan, background),
        own=own,
        consent=plan.stream("people", "consent").random(total) < float(truth["consent"]),
        rates={name: _rates(plan, name, group, background) for name in ("response", "reach")},
    )


def draw_samples(plan: Template, people: People) -> dict[str, Codes]:
    """Who answers in each wave: some who answered before, the others new; positions of people."""
    before = np.zeros(len(people.ids), dtype=bool)
    samples: dict[str, Codes] = {}
    for wave in plan.waves:
        wanted = int(plan.truth["waves"][wave]["answers"])
        again = round(wanted * float(plan.truth["response"]["overlap"])) if before.any() else 0
        keys = _willingness(plan, people, wave)
        old = _highest(np.where(before, keys, -np.inf), again)
        new = _highest(np.where(before, -np.inf, keys), wanted - again)
        samples[wave] = np.sort(np.concatenate([old, new]))
        before[samples[wave]] = True
    return samples


def present(plan: Template, people: People, wave: str) -> NDArray[np.bool_]:
    """Who is a member in a wave."""
    return people.since <= int(plan.truth["waves"][wave]["year"])


def _units(plan: Template, total: int) -> tuple[Codes, Codes]:
    """Group and place of each person: log-normal sizes of counties, of groups within them, of townships."""
    truth, regions, rng = plan.truth["population"], plan.regions, plan.stream("population", "sizes")
    county, names = pd.factorize(regions["county"], sort=True)
    factor = np.array([float(truth["size_factors"].get(name, 1.0)) for name in names])
    size = np.exp(truth["county_spread"] * rng.standard_normal(len(names))) * factor
    within = np.exp(
        truth["township_spread"] * rng.standard_normal(len(county)) * (regions["county"] != regions["code"])
    )
    within = np.asarray(within) / np.bincount(county, weights=within)[county]
    share = np.array([plan.truth["groups"][group]["share"] for group in plan.groups["code"]])
    unit = np.exp(truth["unit_spread"] * rng.standard_normal((len(share), len(names))))
    chances = (share[:, None] * unit * size)[:, county] * within
    counts = rng.multinomial(total, (chances / chances.sum()).ravel())
    cell = plan.stream("population", "order").permutation(np.repeat(np.arange(counts.size), counts))
    return cell // len(county), cell % len(county)


def _background(plan: Template, item: str, group: Codes) -> Codes:
    truth = plan.truth["background"][item]
    chances = [truth.get("groups", {}).get(code, truth["shares"]) for code in plan.groups["code"]]
    bounds = np.cumsum(np.array(chances, dtype=float), axis=1)[group]
    drawn = plan.stream("background", item).random(len(group)) * bounds[:, -1]
    return (drawn[:, None] >= bounds).sum(axis=1).clip(max=bounds.shape[1] - 1)


def _since(plan: Template, background: dict[str, Codes]) -> Codes:
    """Year of joining: some within the years of the waves, the others evenly before; nobody before the first year."""
    truth, rng = plan.truth["population"], plan.stream("people", "since")
    total = len(next(iter(background.values())))
    first_wave = min(int(wave["year"]) for wave in plan.truth["waves"].values())
    early = rng.integers(int(truth["first_year"]), first_wave, total)
    late = rng.integers(first_wave, int(truth["last_year"]) + 1, total)
    return np.where(rng.random(total) < float(truth["recent"]), late, early)


def _shifts(plan: Template, background: dict[str, Codes]) -> Array:
    """people x scales: what the background does to each scale, centred so that means stay the truth's."""
    total = len(next(iter(background.values())))
    shifts = np.zeros((total, len(plan.scales)))
    for codes, effect in _effects_of(plan, background):
        row = float(effect.get("all", 0.0)) * signs(plan)
        shifts[codes] += row + np.array([float(effect.get(scale, 0.0)) for scale in plan.scales])
    return shifts - shifts.mean(axis=0)


def _rates(plan: Template, name: str, group: Codes, background: dict[str, Codes]) -> Array:
    rates = np.array([float(plan.truth["groups"][code].get(name, 0.0)) for code in plan.groups["code"]])[group]
    for codes, effect in _effects_of(plan, background):
        rates[codes] += float(effect.get(name, 0.0))
    return rates


def _effects_of(plan: Template, background: dict[str, Codes]) -> list[tuple[NDArray[np.bool_], dict[str, Any]]]:
    codes = {item.name: item.codes for item in plan.items(plan.waves[-1])}
    return [
        (background[item] == codes[item].index(code), effect)
        for item, truth in plan.truth["background"].items()
        for code, effect in truth.get("effects", {}).items()
    ]


def _willingness(plan: Template, people: People, wave: str) -> Array:
    """Log chance to answer plus Gumbel noise: the highest keys are a sample without replacement."""
    luck = plan.truth["luck"]
    place = np.flatnonzero((plan.regions["county"] == luck["region"]).to_numpy())
    rates = people.rates["response"] + float(luck["response"]) * np.isin(people.region, place)
    noise = plan.stream("response", wave).gumbel(size=len(rates))
    return np.where(present(plan, people, wave), rates + noise, -np.inf)


def _highest(keys: Array, count: int) -> Codes:
    return np.argsort(-keys, kind="stable")[:count]
