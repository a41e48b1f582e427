"""The frozen panel: all waves up to the one asked for, checked, scored, weighted, the log reduced, sealed by content.

After this room nobody edits data; `survey.build` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from survey import store
from survey.care_items import NOTES, in_use
from survey.schema import RESULT_TERMS
from survey.score import form_table
from survey.study import Study
from survey.weighting.cells import Calibration

ALWAYS_CUT = ("answering", "again")  # parts of the answers that every report may show
CHAIN = ("propose", "take_part", "evaluate", "benefit", "design")  # the members' chain in its order
IN_NEED = "in_need"  # the cut into those in need and the rest, where the study says who is
THEMES = ("attraction", "cohesion", "detachment", "satisfaction", "contact")
FRAMES = (
    "members",
    "careers",
    "cells",
    "registry",
    "memberships",
    "visits",
    "proposals",
    "cases",
    "hierarchy",
    "broken",
    "observed",
    "items",
    "labels",
    "tally",
    "aside",
    "located",
    "arrived",
    "linkage",
)


@dataclass(frozen=True, slots=True, repr=False)
class Panel:
    """Frozen tables of all waves up to the current one; their columns are in ``docs/study-format.md``.

    Attributes
    ----------
    study : Study
        Where it came from.
    wave : str
        The current wave, the one asked for.
    members, careers, cells, registry, memberships, visits, proposals, cases, hierarchy, broken, observed, items, labels, tally, \
aside, located, arrived, linkage : DataFrame
        See the study format.
    calibration : Calibration or None
        What the weights were calibrated on.
    provenance : dict
        Checksums of inputs, fingerprint of the key, hash of the code.
    reduced : mapping
        {wave: key in the store} of each wave's reduced log; `incidence` reads there.
    """

    study: Study
    wave: str
    members: pd.DataFrame
    careers: pd.DataFrame
    cells: pd.DataFrame
    registry: pd.DataFrame
    memberships: pd.DataFrame
    visits: pd.DataFrame
    proposals: pd.DataFrame
    cases: pd.DataFrame
    hierarchy: pd.DataFrame
    broken: pd.DataFrame
    observed: pd.DataFrame
    items: pd.DataFrame
    labels: pd.DataFrame
    tally: pd.DataFrame
    aside: pd.DataFrame
    located: pd.DataFrame
    arrived: pd.DataFrame
    linkage: pd.DataFrame
    calibration: Calibration | None
    provenance: dict[str, Any]
    reduced: Mapping[str, str]

    @property
    def waves(self) -> tuple[str, ...]:
        """Waves in the panel, oldest first."""
        return tuple(w.name for w in self.study.until(self.wave))

    @property
    def current(self) -> pd.DataFrame:
        """Answers of the current wave."""
        return self.members[self.members["wave"] == self.wave]

    @property
    def came(self) -> int:
        """How many people took part in the current wave's window, with organisations whose log is there."""
        here = self.careers[self.careers["wave"] == self.wave]
        heard = self.observed[(self.observed["wave"] == self.wave) & self.observed["reported"].astype(bool)]
        kept = here if self.where["group"] is None else here[here["group"].isin(heard["organisation"])]
        return int(kept["member"].nunique())

    @property
    def invited(self) -> dict[str, int]:
        """How many people were invited to answer, by wave where wave.yaml says so."""
        return {w.name: w.settings.invited for w in self.study.until(self.wave) if w.settings.invited}

    @property
    def before(self) -> pd.DataFrame:
        """Answers of the wave before the current one; none where it is the first."""
        earlier = self.waves[:-1]
        return self.members[self.members["wave"].isin(earlier[-1:])]

    @property
    def where(self) -> dict[str, Any]:
        """Columns that say where and when, for verbs: ``group, region, wave, hierarchy``; None where the study has none.

        The hierarchy has ``comparable_from`` beside its own columns: the first wave from which on a place can be compared with
        the current one; empty: all can.
        """
        settings = self.study.settings
        last = self.broken.groupby("region")["wave"].max()
        since = last.map(dict(pairwise(self.waves))).astype("str")
        return {
            "group": "group" if settings.groups else None,
            "region": "region" if settings.places else None,
            "wave": "wave",
            "hierarchy": self.hierarchy.assign(
                comparable_from=self.hierarchy["code"].map(since).astype("object").fillna("").astype("str")
            )
            if settings.places
            else None,
        }

    @property
    def design(self) -> dict[str, Any]:
        """Arguments of `analysis.Design` that this panel's answers call for.

        Where no clusters came, each person is one: who answered in two waves is not two people when these are compared.
        """
        came = [c for c in ("strata", "cluster") if self.members.get(c, pd.Series(dtype="str")).notna().any()]
        return {"weights": "weight", "calibration": self.calibration, "cluster": "member", **{c: c for c in came}}

    def scales(self, *themes: str) -> dict[str, tuple[str, ...]]:
        """Scales of these themes (none: all) and their items; no items where a scale arrives scored."""
        declared = self.study.settings.scales
        items = self.items[self.items["item"] != self.items["scale"]]
        chosen = [s for s in declared if not themes or declared[s].theme in themes]
        return {s: tuple(items.loc[items["scale"] == s, "item"]) for s in chosen}

    @property
    def item_scales(self) -> dict[str, tuple[str, ...]]:
        """Scales that have two items or more."""
        return {name: items for name, items in self.scales().items() if len(items) > 1}

    def main(self, theme: str) -> str:
        """The scale that stands for a theme: the one that the study names first."""
        return next(iter(self.scales(theme)))

    @property
    def main_scales(self) -> dict[str, tuple[str, ...]]:
        """The first scale of each theme that the study has."""
        themes = dict.fromkeys(scale.theme for scale in self.study.settings.scales.values())
        return {self.main(theme): self.scales()[self.main(theme)] for theme in themes}

    def by_theme(self, values: Mapping[str, str]) -> dict[str, str]:
        """Spread values of themes over their scales."""
        declared = self.study.settings.scales
        return {name: values[scale.theme] for name, scale in declared.items() if scale.theme in values}

    @property
    def targets(self) -> dict[str, float]:
        """The study's targets."""
        return dict(self.study.settings.targets)

    @property
    def log(self) -> dict[str, Any]:
        """Arguments of `analysis.fit_attraction`: the log, the answers beside it, and what both are compared with."""
        windows = self.study.settings.windows
        tables = {"cells": self.cells, "careers": self.careers, "members": self.members, "registry": self.registry}
        days = {"returned_days": windows.returned, "window_days": windows.took_part}
        return {**tables, "observed": self.observed, **days}

    @property
    def career_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.retention`."""
        where, days = self.where, self.study.settings.windows.took_part
        return {"careers": self.careers, "observed": self.observed, "window_days": days, "registry": self.registry} | {
            key: where[key] for key in ("group", "wave", "region", "hierarchy")
        }

    @property
    def say_do_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.say_do` for the main scales of what members think well of."""
        scales = [s for s in self.main_scales if s in self.scales("satisfaction", "attraction", "cohesion")]
        not_its = ("registry", "hierarchy")
        return {
            **{key: value for key, value in self.career_inputs.items() if key not in not_its},
            "members": self.members,
            "scales": scales,
            "limits": self.limits,
            "person": "member",
        }

    @property
    def chain_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.chain`, by group: the steps that the study asks for, the log beside them, proposals and cases."""
        asked = {name: name for name in CHAIN if name in self.steps}
        after = {"requires": {"benefit": "take_part"}} if {"benefit", "take_part"} <= set(asked) else {}
        log = {"careers": self.careers, "observed": self.observed} if len(self.careers) else {}
        files = {"proposals": self.proposals, "cases": self.cases}
        where = self.where | {"region": None, "hierarchy": None}
        return {"members": self.members, "steps": asked, **after, **log, **files, **where}

    @property
    def chain_places(self) -> dict[str, Any]:
        """Arguments of `analysis.chain` by place, all organisations together."""
        return self.chain_inputs | {"group": None} | {key: self.where[key] for key in ("region", "hierarchy")}

    @property
    def need_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.coverage` that compare those in need with the rest in reach and benefit."""
        benefit = "benefit" if "benefit" in self.steps else None
        return {"members": self.members, "in_need": self.in_need, "benefit": benefit}

    @property
    def kinds(self) -> tuple[str, ...]:
        """Columns of the answers that the study is cut by, one at a time, and that the log does not have."""
        alone = [cut[0] for cut in self.study.settings.cuts if len(cut) == 1]
        return tuple(c for c in alone if c not in ("group", "region", "channel") and c in self.members)

    @property
    def steps(self) -> tuple[str, ...]:
        """Steps that members tell of, each a column of the answers."""
        return tuple(self.study.settings.steps)

    def incidence(self, wave: str | None = None) -> pd.DataFrame:
        """Who was at what, for networks: ``wave, member, activity``, a row each within the window; read when it is asked for.

        Parameters
        ----------
        wave : str, optional
            None: the current one.

        Raises
        ------
        survey.Refused
            Where the store was changed since the panel was opened.
        """
        kept = store.load(store.home(self.study.name), self.reduced[wave or self.wave])
        if kept is None:
            store.refuse_gone(store.home(self.study.name), "incidence")
        return kept.frame("incidence")

    def cut(self, *columns: str) -> tuple[str, ...]:
        """Those of the columns group and region by which this study can be cut."""
        return tuple(c for c in columns if self.where[c] is not None)

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest possible value of each numeric item and each scale."""
        numeric = self.items.dropna(subset=["lowest"]).set_index("item")
        limits = {str(item): (float(row.lowest), float(row.highest)) for item, row in numeric.iterrows()}
        return limits | {s: limits[items[0] if items else s] for s, items in self.scales().items()}

    @property
    def few_answered(self) -> tuple[int, int] | None:
        """Answers and people asked, where so few answered in the current wave that nobody is to be ranked by them."""
        told = self.tally[(self.tally["rule"] == "few_answered") & (self.tally["wave"] == self.wave)]
        return (int(told["rows"].iloc[0]), int(told["cells"].iloc[0])) if len(told) else None

    @property
    def careless(self) -> dict[str, tuple[str, ...]]:
        """What the tally calls the indices of careless answering that were looked at, by wave with answers."""
        rules, indices = self.study.settings.rules, dict[str, tuple[str, ...]]()
        for wave in self.study.until(self.wave):
            asked = [item for item in self.study.items if item.asked_in(wave.settings.instrument)]
            files = [entry for entry in wave.settings.files if entry.holds == "answers"]
            timed = any("seconds" in entry.columns.values() for entry in files)
            if files:
                indices[wave.name] = tuple(NOTES[index] for index in in_use(rules, asked, timed))
        return indices

    @property
    def show_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.display.Show`: names, places and scales of the study, and whether its units may be ranked."""
        return {
            "labels": self.labels,
            "hierarchy": self.hierarchy,
            "limits": self.limits,
            "ranked": self.few_answered is None,
        }

    def comparability_inputs(self, scales: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
        """Arguments of `analysis.comparability` for these scales (none: all): answers, forms of the questions, cuts."""
        where = self.where
        return {
            "members": self.members,
            "scales": self.scales() if scales is None else scales,
            **{key: where[key] for key in ("group", "region", "wave", "hierarchy")},
            "forms": form_table(self.study, self.study.until(self.wave)),
            "limits": self.limits,
            "mode": "mode",
        }

    @property
    def release_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.plan_release`: the people behind every number, its range, the cuts and rules of the study."""
        cut_columns = [
            c for c in dict.fromkeys(c for cut in self.study.settings.cuts for c in cut) if c in self.members
        ]
        answers = self.members[[*dict.fromkeys(["wave", "member", *ALWAYS_CUT, *cut_columns, *self.answer_columns])]]
        # the people of a rate of linkage consented to it, those of reach by the link are also of an organisation with a log
        linked = self.members["log_member"]
        answers = answers.assign(linkage=linked, took_part_linked=linked.where(self._heard))
        if IN_NEED in self.steps:
            answers[IN_NEED] = self.members[IN_NEED].map(_code, na_action="ignore").astype("str")
        people = {
            "survey": answers,
            "log": self._careers_with_kinds(),
            "registry": self.registry,
            **{name: _who_brought(getattr(self, name)) for name in ("proposals", "cases")},
        }
        rules = self.study.settings.rules
        return {
            "people": {name: frame for name, frame in people.items() if name != "survey" or len(frame)},
            "variables": _variables(self),
            "cuts": (*self.study.settings.cuts, *(self._answer_cuts(answers) if len(answers) else ()), ("channel",)),
            "hierarchy": self.where["hierarchy"],
            "rules": {n: getattr(rules, n) for n in ("minimum", "difference", "count_step", "sensitive_minimum")},
            "sensitive": self._sensitive,
        }

    @property
    def _sensitive(self) -> tuple[str, ...]:
        """Items about health, disability, minors or whereabouts, their options, and the scales and steps made of them."""
        tagged = {item.name for item in self.study.items if item.sensitive}
        made = {scale for scale, items in self.scales().items() if tagged & set(items)}
        made |= {step for step, said in self.study.settings.steps.items() if tagged & set(said.items)}
        known = _variables(self)
        return tuple(v for v in known if v.partition("=")[0] in tagged | made)

    def _careers_with_kinds(self) -> pd.DataFrame:
        """Who came, and what kind of member those are who answered and agreed to be linked."""
        came = self.careers[["wave", "member", "group", "region", "channel"]]
        kinds = list(self.kinds)
        linked = self.members.dropna(subset=["log_member"]).drop_duplicates(["wave", "log_member"])
        told = linked[["wave", "log_member", *kinds]].rename(columns={"log_member": "member"})
        return came.merge(told, on=["wave", "member"], how="left") if kinds else came

    @property
    def in_need(self) -> str | None:
        """The column that says who is in need; None where the study does not."""
        return IN_NEED if IN_NEED in self.steps else None

    @property
    def _heard(self) -> pd.Series:
        """Which answers are of a wave and organisation whose log is there."""
        heard = self.observed.loc[self.observed["reported"].astype(bool), ["wave", "organisation"]]
        keys = ["wave", "group"] if self.where["group"] else ["wave"]
        there = pd.MultiIndex.from_frame(heard.set_axis(["wave", "group"], axis=1)[keys])
        return pd.Series(pd.MultiIndex.from_frame(self.members[keys]).isin(there), index=self.members.index)

    def _answer_cuts(self, answers: pd.DataFrame) -> list[tuple[str, ...]]:
        """Cuts of the answers that no study has to name."""
        need = [(IN_NEED,)] if IN_NEED in answers and (IN_NEED,) not in self.study.settings.cuts else []
        return [*((c,) for c in ALWAYS_CUT), *need]

    @property
    def answer_columns(self) -> list[str]:
        """Columns of `members` that hold items, steps and scales."""
        known = {*self.items["item"], *self.scales(), *self.steps}
        return [c for c in self.members.columns if c.partition("=")[0] in known]

    def missing_inputs(self, requires: Sequence[str]) -> tuple[str, ...]:
        """Those of a notebook's needs that cannot be met, as survey, log, registry, scales, regions, chain, link, a theme."""
        there = {
            "survey": len(self.current) > 0,
            "log": bool((self.careers["wave"] == self.wave).any()),
            "registry": bool((self.registry["wave"] == self.wave).any()),
            "scales": bool(self.study.settings.scales) and len(self.current) > 0,
            "items": any(self.scales().values()) and len(self.current) > 0,
            "regions": self.study.settings.places is not None,
            "groups": self.study.settings.groups is not None,
            "kinds": bool(self.kinds),
            "need": self.in_need is not None,
            "chain": "take_part" in self.steps and len(self.current) > 0,
            "link": bool(self.current["log_member"].notna().any()) if "log_member" in self.current else False,
            **{theme: bool(self.scales(theme)) for theme in THEMES},
        }
        return tuple(need for need in requires if not there[need])

    def __repr__(self) -> str:
        return f"Panel {self.study.name}, waves {', '.join(self.waves)}: {len(self.members)} answers, {len(self.careers)} careers"


def _code(value: object) -> str:
    """Write a code as results do: 1.0 as ``1``."""
    return str(int(value)) if isinstance(value, float) else str(value)


def _who_brought(rows: pd.DataFrame) -> pd.DataFrame:
    """The people behind proposals or cases: those named; where a file names nobody, each row is taken to be another person's."""
    people = rows.reindex(columns=["wave", "member", "group", "region"])
    named = people["member"].notna().groupby(people["wave"]).transform("any")
    people["member"] = people["member"].mask(~named.astype(bool), [f"row {n}" for n in range(len(people))])
    return people.dropna(subset=["member"])


def _variables(panel: Panel) -> dict[str, tuple[str, float, float]]:
    """Source and range of every term that a result of this panel can have."""
    limits = panel.limits
    answers = {c: ("survey", *limits.get(c, (0.0, 1.0))) for c in panel.answer_columns} if len(panel.members) else {}
    others = {t: (source, 0.0, 1.0) for source, terms in RESULT_TERMS.items() for t in terms}
    told_by = (
        "survey" if len(panel.members) else "log"
    )  # what members say of the way is a row also where nobody was asked
    others |= dict.fromkeys(("reached", "intends"), (told_by, 0.0, 1.0))
    if not len(panel.members):
        others = {t: kind for t, kind in others.items() if kind[0] != "survey"}
    return {
        **{c: (s, low, high if high > low else low + 1.0) for c, (s, low, high) in answers.items()},
        **others,
    }
