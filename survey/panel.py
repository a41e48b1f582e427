"""The frozen panel: all waves up to the one asked for, checked, scored, weighted, the log reduced, sealed by content.

After this room nobody edits data. Building is deterministic; what was built once from the same files by the same code is
read from the store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from survey import places, store
from survey.activity import Activity, reduce_log
from survey.faults import Fault, Refused
from survey.identity import Key, study_key
from survey.instrument import Item
from survey.intake import Intake, take_in
from survey.labels import label_table
from survey.margins import weigh
from survey.places_carry import carry
from survey.places_changes import broken_series, changes
from survey.readers import MAX_BYTES
from survey.schema import RESULT_TERMS
from survey.score import comparable, item_table, newest_forms, scales_of, score
from survey.study import Study, Wave
from survey.tally import whole_tally
from survey.weights import Calibration

THEMES = ("attraction", "cohesion", "detachment", "satisfaction", "contact")
FRAMES = (
    "members",
    "careers",
    "cells",
    "registry",
    "hierarchy",
    "broken",
    "observed",
    "items",
    "labels",
    "tally",
    "aside",
    "located",
    "arrived",
)
ROLE_COLUMNS = (
    "wave",
    "member",
    "log_member",
    "group",
    "region",
    "mode",
    "submitted",
    "seconds",
    "weight",
    "strata",
    "cluster",
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
    members, careers, cells, registry, hierarchy, broken, observed, items, labels, tally, aside, located, arrived : DataFrame
        See the study format.
    calibration : Calibration or None
        What the weights were calibrated on.
    provenance : dict
        Checksums of inputs, fingerprint of the key, hash of the code.
    """

    study: Study
    wave: str
    members: pd.DataFrame
    careers: pd.DataFrame
    cells: pd.DataFrame
    registry: pd.DataFrame
    hierarchy: pd.DataFrame
    broken: pd.DataFrame
    observed: pd.DataFrame
    items: pd.DataFrame
    labels: pd.DataFrame
    tally: pd.DataFrame
    aside: pd.DataFrame
    located: pd.DataFrame
    arrived: pd.DataFrame
    calibration: Calibration | None
    provenance: dict[str, Any]

    @property
    def waves(self) -> tuple[str, ...]:
        """Waves in the panel, oldest first."""
        return tuple(w.name for w in self.study.until(self.wave))

    @property
    def current(self) -> pd.DataFrame:
        """Answers of the current wave."""
        return self.members[self.members["wave"] == self.wave]

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
                comparable_from=self.hierarchy["code"].map(since).fillna("").astype("str")
            )
            if settings.places
            else None,
        }

    @property
    def design(self) -> dict[str, Any]:
        """Arguments of `analysis.Design` that this panel's answers call for."""
        there = {
            name: name for name in ("strata", "cluster") if self.members.get(name, pd.Series(dtype="str")).notna().any()
        }
        return {"weights": "weight", "calibration": self.calibration, **there}

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
        """Arguments of `analysis.fit_attraction` that come from the log and what it is compared with."""
        returned = self.study.settings.windows.returned
        tables = {"cells": self.cells, "careers": self.careers, "members": self.current, "registry": self.registry}
        return {**tables, "observed": self.observed, "returned_days": returned}

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
    def release_inputs(self) -> dict[str, Any]:
        """Arguments of `analysis.plan_release`: the people behind every number, its range, the cuts and rules of the study."""
        cut_columns = [
            c for c in dict.fromkeys(c for cut in self.study.settings.cuts for c in cut) if c in self.members
        ]
        answers = self.members[[*dict.fromkeys(["wave", "member", *cut_columns, *self.answer_columns])]]
        people = {
            "survey": answers,
            "log": self.careers[["wave", "member", "group", "region", "channel"]],
            "registry": self.registry,
        }
        rules = self.study.settings.rules
        return {
            "people": {name: frame for name, frame in people.items() if name != "survey" or len(frame)},
            "variables": _variables(self),
            "cuts": (*self.study.settings.cuts, ("channel",)),
            "hierarchy": self.where["hierarchy"],
            "rules": {name: getattr(rules, name) for name in ("minimum", "difference", "count_step")},
        }

    @property
    def answer_columns(self) -> list[str]:
        """Columns of `members` that hold items and scales."""
        known = {*self.items["item"], *self.scales()}
        return [c for c in self.members.columns if c.partition("=")[0] in known]

    def missing_inputs(self, requires: Sequence[str]) -> tuple[str, ...]:
        """Those of a notebook's needs that cannot be met: survey, log, registry, scales, items, regions, groups, a theme."""
        there = {
            "survey": len(self.current) > 0,
            "log": bool((self.careers["wave"] == self.wave).any()),
            "registry": bool((self.registry["wave"] == self.wave).any()),
            "scales": bool(self.study.settings.scales) and len(self.current) > 0,
            "items": any(self.scales().values()) and len(self.current) > 0,
            "regions": self.study.settings.places is not None,
            "groups": self.study.settings.groups is not None,
            **{theme: bool(self.scales(theme)) for theme in THEMES},
        }
        return tuple(need for need in requires if not there[need])

    def __repr__(self) -> str:
        return f"Panel {self.study.name}, waves {', '.join(self.waves)}: {len(self.members)} answers, {len(self.careers)} careers"


def _variables(panel: Panel) -> dict[str, tuple[str, float, float]]:
    """Source and range of every term that a result of this panel can have."""
    limits = panel.limits
    answers = {c: ("survey", *limits.get(c, (0.0, 1.0))) for c in panel.answer_columns} if len(panel.members) else {}
    others = {t: (source, 0.0, 1.0) for source, terms in RESULT_TERMS.items() for t in terms}
    if not len(panel.members):
        others = {t: kind for t, kind in others.items() if kind[0] != "survey"}
    return {
        **{c: (s, low, high if high > low else low + 1.0) for c, (s, low, high) in answers.items()},
        **others,
    }


_open: dict[tuple[Path, str], Panel] = {}


def build(study: Study, wave: str | None = None) -> Panel:
    """Build, or read from the store, the panel of all waves up to `wave`.

    Raises
    ------
    survey.Refused
        With the faults of all files; nothing is stored then.
    """
    current = study.wave(wave)
    waves = study.until(current.name)
    key = study_key(study.name, synthetic=study.settings.synthetic)
    provenance = _provenance(study, waves, key)
    seal = store.digest([json.dumps(provenance, sort_keys=True)])
    if (study.folder, seal) not in _open:
        _open[study.folder, seal] = _sealed(study, waves, key, provenance, seal)
    return _open[study.folder, seal]


def _sealed(study: Study, waves: Sequence[Wave], key: Key, provenance: dict[str, Any], seal: str) -> Panel:
    home = store.home(study.name)
    store.expect(home, key.fingerprint)
    sealed = store.load(home, seal) or _saved(home, study, waves, key, seal)
    _record(home, waves, provenance, seal)
    store.sweep(home)
    tables = {name: sealed.frame(name) for name in FRAMES}
    calibration = _unpacked(sealed.meta["calibration"])
    return Panel(study, waves[-1].name, **tables, calibration=calibration, provenance=provenance)


def _saved(home: Path, study: Study, waves: Sequence[Wave], key: Key, seal: str) -> store.Sealed:
    """Build and save; another run that builds the same is waited for, and what it has made is taken."""
    with store.writing(home):
        sealed = store.load(home, seal)
        if sealed is None:
            frames, calibration = _build(study, waves, key)
            meta = {"calibration": _packed(calibration), "waves": [w.name for w in waves]}
            store.save(home, seal, frames, meta, fingerprint=key.fingerprint)
            sealed = store.load(home, seal)
    if sealed is None:
        raise OSError("the store could not be read back; is the disk full?")
    return sealed


def _record(home: Path, waves: Sequence[Wave], provenance: dict[str, Any], seal: str) -> None:
    """Write down the version, with the files that are others than in the one before."""
    wave = waves[-1].name
    before = store.versions(home, wave)
    summary = {"wave": wave, "of": seal, "inputs": provenance["inputs"], "code": provenance["code"]}
    changed = store.changes(before[-1]["inputs"], provenance["inputs"]) if before else {}
    store.record(home, {**summary, "changed": changed})


def _provenance(study: Study, waves: Sequence[Wave], key: Key) -> dict[str, Any]:
    own = sorted(p for p in study.folder.iterdir() if p.is_file() and p.suffix in (".yaml", ".csv"))
    arrived = [w.folder / name for w in waves for name in ("wave.yaml", *sorted({e.file for e in w.settings.files}))]
    code = sorted(Path(__file__).parent.rglob("*.py")) + sorted(Path(__file__).parent.glob("*.csv"))
    return {
        "study": study.name,
        "waves": [w.name for w in waves],
        "inputs": {(name := os.path.relpath(p, study.folder)): _digest_of(p, name) for p in own + arrived},
        "key": key.fingerprint,
        "code": store.digest(code),
    }


def _digest_of(path: Path, name: str) -> str:
    try:
        # What is too large is refused by its reader, which need not read it for that.
        return store.digest([path]) if path.stat().st_size <= MAX_BYTES else ""
    except OSError:
        en = "this file cannot be read; check its permissions and the disk"
        raise Refused([Fault(name, 0, en, "无法读取该文件；请检查权限和磁盘")]) from None


def _build(study: Study, waves: Sequence[Wave], key: Key) -> tuple[dict[str, pd.DataFrame], Calibration | None]:
    intake = take_in(study, waves, key)
    study = replace(study, places=places.with_seen(study.places, _codes(intake)))
    tree, crosswalk = places.hierarchy(study.places), changes(study.folder, study.settings.places)
    intake, moved = carry(intake, waves, crosswalk, tree)
    ends = {w.name: w.settings.fieldwork.end for w in waves}
    broken_places = broken_series(crosswalk, tree, ends)
    forms = newest_forms(study, waves)
    members, broken = _members(study, waves, intake, forms, tree)
    members, calibration, weight_tally = _weighted(study, members, intake.registry, tree)
    activity = _reduced(study, waves, intake.log)
    groups = pd.concat([members["group"], activity.careers["group"], intake.registry["group"]]).dropna()
    items = item_table(study, waves, forms, broken)
    frames = {
        "members": members,
        "careers": activity.careers,
        "cells": activity.cells,
        "registry": intake.registry.astype({"wave": "str", "group": "str", "region": "str"}),
        "hierarchy": tree,
        "observed": activity.observed,
        "items": items,
        "labels": label_table(study, forms, groups),
        "broken": broken_places,
        "tally": whole_tally(study, waves, members, intake, items, weight_tally, tree, broken_places, moved),
        "aside": intake.aside,
        "located": intake.located.astype({"wave": "str", "file": "str", "rule": "str", "column": "str"}),
        "arrived": intake.arrived,
    }
    return frames, calibration


def _codes(intake: Intake) -> set[str]:
    """Codes of the places that accepted rows name."""
    columns = [*(frame["region"] for frame in intake.answers.values()), intake.log["region"], intake.registry["region"]]
    return {str(code) for column in columns for code in column.dropna().unique()}


def _reduced(study: Study, waves: Sequence[Wave], log: pd.DataFrame) -> Activity:
    organisers = log[["wave", "activity", "groups"]].explode("groups").dropna().drop_duplicates()
    return reduce_log(
        log,
        organisers.rename(columns={"groups": "group"}) if len(organisers) else None,
        windows=study.settings.windows.model_dump(),
        log_end_per_wave={str(w): end for w, end in log.groupby("wave")["start"].max().items()},
        not_reporting={w.name: w.settings.not_reporting for w in waves},
    )


def _packed(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    totals = [[[list(cell), total] for cell, total in margin.items()] for margin in calibration.totals]
    return {"margins": [list(m) for m in calibration.margins], "totals": totals}


def _unpacked(packed: dict[str, Any] | None) -> Calibration | None:
    if packed is None:
        return None
    totals = ({tuple(cell): total for cell, total in margin} for margin in packed["totals"])
    return Calibration(tuple(tuple(m) for m in packed["margins"]), tuple(totals))


def _members(
    study: Study, waves: Sequence[Wave], intake: Intake, forms: Mapping[str, Item], tree: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    parts, broken = [], {}
    for wave in (w for w in waves if w.name in intake.answers):
        part, broken[wave.name] = comparable(study, wave, intake.answers[wave.name], forms)
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({c: [] for c in ROLE_COLUMNS}, dtype="str")
    whole = pd.concat([whole, _levels(whole["region"], tree)], axis=1)
    for item in {column for cut in study.settings.cuts for column in cut} & set(forms) & set(whole.columns):
        whole[item] = _categories(whole[item])
    scales = scales_of(forms, study.settings.scales)
    min_share = {name: scale.min_share for name, scale in study.settings.scales.items()}
    return score(whole, scales, min_share), broken


def _categories(codes: pd.Series) -> pd.Series:
    """Codes of an item that answers are cut by are names, not numbers."""
    return codes.astype("Int64").astype("str").where(codes.notna()) if codes.dtype.kind == "f" else codes


def _levels(region: pd.Series, tree: pd.DataFrame) -> pd.DataFrame:
    if tree.empty:
        return pd.DataFrame(index=region.index)
    above = places.ancestors(tree)
    return above.reindex(region.to_numpy()).set_axis(region.index)


def _weighted(
    study: Study, members: pd.DataFrame, registry: pd.DataFrame, tree: pd.DataFrame
) -> tuple[pd.DataFrame, Calibration | None, pd.DataFrame]:
    own = members.get("weight", pd.Series(float("nan"), index=members.index, dtype="float64"))
    # an answer without a weight, in a wave that brings weights, stands for nobody
    brought = own.notna().groupby(members["wave"]).transform("any")
    members = members.copy().assign(weight=own.astype("float64").where(brought, 1.0).fillna(0.0))
    settings = study.settings.weights
    if settings is None or members.empty:
        return members, None, pd.DataFrame()
    return weigh(
        members, registry, count=settings.count, margins=settings.margins, hierarchy=tree, bounds=settings.bounds
    )
