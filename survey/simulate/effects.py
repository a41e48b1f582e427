"""Where the differences between organisations and places come from: the drawn effects of each scale.

For a scale with variance share v of a component, a unit's effect is sqrt(v) (sqrt(g) common + sqrt(1 - g) own), common and
own standard normal, g the share that all scales have in common (detachment with the opposite sign). Planted effects of
the truth come on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.simulate.template import Template

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of the units on each scale; SDs of the latent trait."""

    plan: Template
    """The template they were drawn from."""
    means: Array
    """scales x waves: mean with trend."""
    units: Array
    """scales x groups x finest places: group, city, county and group x county effects."""
    pilots: Array
    """waves x finest places: 1 where the place takes part in the pilot."""

    def trait(self, wave: str) -> Array:
        """scales x groups x finest places: the true mean of each scale in one wave."""
        number = self.plan.waves.index(wave)
        gain = np.array([self.plan.truth["pilot"]["effects"].get(scale, 0.0) for scale in self.plan.scales])
        return self.means[:, number, None, None] + self.units + gain[:, None, None] * self.pilots[number]

    def table(self) -> pd.DataFrame:
        """All true means as a frame: wave, group, region, scale, effect."""
        names = [self.plan.scales, list(self.plan.groups["code"]), list(self.plan.regions["code"])]
        index = pd.MultiIndex.from_product(names, names=["scale", "group", "region"])
        parts = [pd.DataFrame({"wave": w, "effect": self.trait(w).ravel()}, index=index) for w in self.plan.waves]
        return pd.concat(parts).reset_index()[["wave", "group", "region", "scale", "effect"]]


def draw_effects(plan: Template) -> Effects:
    """Draw all effects of units, and lay the planted ones over them."""
    regions = plan.regions
    city = pd.factorize(regions["city"], sort=True)
    county = pd.factorize(regions["county"], sort=True)
    groups = len(plan.groups)
    by_group = _component(plan, "group", (groups,)) + _planted(plan)
    by_city = _component(plan, "city", (len(city[1]),))[:, city[0]]
    quiet = np.asarray(county[1]) != plan.truth["luck"]["region"]
    by_county = (_component(plan, "county", (len(county[1]),)) * quiet)[:, county[0]]
    by_both = (_component(plan, "group_county", (groups, len(county[1]))) * quiet)[:, :, county[0]]
    units = by_group[:, :, None] + (by_city + by_county)[:, None, :] + by_both
    return Effects(plan, _means(plan), units, _pilots(plan))


def signs(plan: Template) -> Array:
    """+1 for scales where high is good, -1 where high is bad, in the order of the scales."""
    return np.array([float(plan.truth["scales"][scale].get("sign", 1)) for scale in plan.scales])


def spread(plan: Template, component: str) -> Array:
    """Standard deviation of a component on each scale; the occasion is what the others leave of 1."""
    shares = [plan.truth["scales"][scale] for scale in plan.scales]
    parts = ("group", "city", "county", "group_county", "member")
    if component == "occasion":
        return np.sqrt([1.0 - sum(share[part] for part in parts) for share in shares])
    return np.sqrt([float(share[component]) for share in shares])


def correlated(plan: Template, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """scales x shape: standard normal draws that share the general part."""
    general = float(plan.truth["general"])
    column = (len(plan.scales), *[1] * len(shape))
    common = rng.standard_normal(shape)[None] * signs(plan).reshape(column)
    return np.sqrt(general) * common + np.sqrt(1 - general) * rng.standard_normal((len(plan.scales), *shape))


def _component(plan: Template, name: str, shape: tuple[int, ...]) -> Array:
    drawn = correlated(plan, plan.stream("effects", name), shape)
    centred = drawn - drawn.mean(axis=-1, keepdims=True)
    return centred * spread(plan, name).reshape(-1, *[1] * len(shape))


def _planted(plan: Template) -> Array:
    truth = [plan.truth["groups"][group].get("effects", {}) for group in plan.groups["code"]]
    return np.array([[float(effects.get(scale, 0.0)) for effects in truth] for scale in plan.scales])


def _means(plan: Template) -> Array:
    years = np.arange(len(plan.waves), dtype=float)
    return np.array([scale["mean"] + scale["trend"] * years for scale in plan.truth["scales"].values()])


def _pilots(plan: Template) -> Array:
    begins = plan.truth["pilot"]["begins"]
    codes = plan.regions["code"]
    started = [[code for first, places in begins.items() if first <= wave for code in places] for wave in plan.waves]
    return np.array([codes.isin(places).to_numpy(dtype=float) for places in started])
