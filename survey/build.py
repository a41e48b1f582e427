"""From what arrived to the sealed panel: files taken in, answers scored and weighted, the log reduced, all kept by content.

Building is deterministic; what was built once from the same files by the same code is read from the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from survey import linkage, lists, places, provenance, reduction, returning, store
from survey.identity import Key, study_key
from survey.instrument import Item
from survey.intake import Intake, take_in
from survey.labels import label_table
from survey.memory import enough_memory, hand_back
from survey.panel import FRAMES, Panel
from survey.places_carry import carry
from survey.places_changes import broken_series, changes
from survey.score import comparable, item_table, newest_forms, scales_of, score
from survey.steps import read_steps
from survey.study import Study, Wave
from survey.tally import whole_tally
from survey.weighting.cells import Calibration
from survey.weighting.margins import weigh

ROLE_COLUMNS = (
    "wave",
    "member",
    "log_member",
    "group",
    "region",
    "mode",
    "answering",
    "again",
    "submitted",
    "seconds",
    "weight",
    "strata",
    "cluster",
)

_open: dict[tuple[Path, str], Panel] = {}


def build(study: Study, wave: str | None = None) -> Panel:
    """Build, or read from the store, the panel of all waves up to `wave`.

    Raises
    ------
    survey.Refused
        With the faults of all files, and where the memory does not suffice; nothing is stored then.
    """
    current = study.wave(wave)
    waves = study.until(current.name)
    made_with = store.key_of(store.home(study.name))
    key = study_key(study.name, synthetic=study.settings.synthetic, expected=made_with)
    made_from = provenance.of_panel(study, waves, key)
    seal = store.digest([json.dumps(made_from, sort_keys=True)])
    if (study.folder, seal) not in _open:
        with enough_memory(study.name):
            _open[study.folder, seal] = _sealed(study, waves, key, made_from, seal)
    return _open[study.folder, seal]


def _sealed(study: Study, waves: Sequence[Wave], key: Key, made_from: dict[str, Any], seal: str) -> Panel:
    home = store.home(study.name)
    store.expect(home, key.fingerprint)
    sealed = store.load(home, seal) or _saved(home, study, waves, key, seal)
    _record(home, waves, made_from, sealed)
    store.sweep(home)
    tables = {name: sealed.frame(name) for name in FRAMES}
    calibration = _unpacked(sealed.meta["calibration"])
    reduced = dict(sealed.meta["reduced"])
    return Panel(study, waves[-1].name, **tables, calibration=calibration, provenance=made_from, reduced=reduced)


def _saved(home: Path, study: Study, waves: Sequence[Wave], key: Key, seal: str) -> store.Sealed:
    """Build and save; another run that builds the same is waited for, and what it has made is taken."""
    with store.writing(home):
        sealed = store.load(home, seal)
        if sealed is None:
            intake = take_in(study, waves, key)
            hand_back()
            study = replace(study, places=places.with_seen(study.places, intake.places))
            tree, crosswalk = places.hierarchy(study.places), changes(study.folder, study.settings.places)
            reduced = reduction.of_waves(study, waves, intake, crosswalk, tree)
            log = {name: reduction.together(reduced, name) for name in reduction.TABLES}
            intake, moved = carry(intake, waves, crosswalk, tree)
            listed = intake.tables["memberships"]
            log = lists.careers_of(listed, log, waves)
            counts = lists.registry_of(listed, intake.registry, waves)
            intake = replace(intake, tables={**intake.tables, "registry": counts})
            frames, calibration = assemble(study, waves, intake, log, crosswalk, tree, moved)
            meta = {
                "calibration": _packed(calibration),
                "waves": [w.name for w in waves],
                "reduced": {wave: kept.key for wave, kept in reduced.items()},
                "parts": [part.kept.key for part in intake.parts],
            }
            store.save(home, seal, frames, meta, fingerprint=key.fingerprint)
            sealed = store.load(home, seal)
    if sealed is None:
        raise OSError("the store could not be read back; is the disk full?")
    return sealed


def _record(home: Path, waves: Sequence[Wave], made_from: dict[str, Any], sealed: store.Sealed) -> None:
    """Write down the version, with the files that are others than in the one before."""
    wave = waves[-1].name
    before = store.versions(home, wave)
    needs = [*sealed.meta["parts"], *sealed.meta["reduced"].values()]
    summary = {"wave": wave, "of": sealed.key, "needs": needs, "inputs": made_from["inputs"], "code": made_from["code"]}
    changed = store.changes(before[-1]["inputs"], made_from["inputs"]) if before else {}
    store.record(home, {**summary, "changed": changed})


def assemble(
    study: Study,
    waves: Sequence[Wave],
    intake: Intake,
    log: Mapping[str, pd.DataFrame],
    crosswalk: pd.DataFrame,
    tree: pd.DataFrame,
    moved: int = 0,
) -> tuple[dict[str, pd.DataFrame], Calibration | None]:
    """Put the panel's tables together from what was taken in, and say what the weights were calibrated on.

    Parameters
    ----------
    study, waves
        The study and the waves that the panel is of.
    intake : Intake
        Of these waves, in the boundaries of the last one.
    log : dict of DataFrame
        `reduction.TABLES` of these waves.
    crosswalk, tree : DataFrame
        `survey.places_changes.changes` and ``code, parent``.
    moved : int
        Answers that were carried to another place.
    """
    broken_places = broken_series(crosswalk, tree, {w.name: w.settings.fieldwork.end for w in waves})
    answers = returning.mark(intake.answers, [w.name for w in waves])
    links = linkage.settle(study, waves, answers, intake.seen, intake.listed)
    forms = newest_forms(study, waves)
    members, broken = _members(study, waves, links.answers, forms, tree)
    members, calibration, weight_tally = _weighted(study, members, intake.registry, tree)
    groups = pd.concat([members["group"], log["careers"]["group"], intake.registry["group"]]).dropna()
    items = item_table(study, waves, forms, broken)
    frames = {
        "members": members,
        **log,
        **intake.tables,
        "hierarchy": tree,
        "broken": broken_places,
        "items": items,
        "labels": label_table(study, forms, groups),
        "tally": whole_tally(
            study, waves, members, intake, items, pd.concat([weight_tally, links.tally]), tree, broken_places, moved
        ),
        "aside": intake.aside,
        "located": intake.located,
        "arrived": intake.arrived,
        "linkage": links.table,
    }
    return frames, calibration


def _packed(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    totals = [[[list(cell), total] for cell, total in margin.items()] for margin in calibration.totals]
    rest = {"linear": calibration.linear, "base": calibration.base}
    return {"margins": [list(m) for m in calibration.margins], "totals": totals, **rest}


def _unpacked(packed: dict[str, Any] | None) -> Calibration | None:
    if packed is None:
        return None
    totals = ({tuple(cell): total for cell, total in margin} for margin in packed["totals"])
    margins = tuple(tuple(m) for m in packed["margins"])
    return Calibration(margins, tuple(totals), linear=packed["linear"], base=packed["base"])


def _members(
    study: Study,
    waves: Sequence[Wave],
    answers: Mapping[str, pd.DataFrame],
    forms: Mapping[str, Item],
    tree: pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    parts, broken = [], {}
    for wave in (w for w in waves if w.name in answers):
        part, broken[wave.name] = comparable(study, wave, answers[wave.name], forms)
        steps = read_steps(answers[wave.name], dict(study.settings.steps.items()), broken[wave.name])
        parts.append(pd.concat([part, steps], axis=1))
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({c: [] for c in ROLE_COLUMNS}, dtype="str")
    whole = pd.concat([whole, _levels(whole["region"], tree)], axis=1)
    for item in {column for cut in study.settings.cuts for column in cut} & set(forms) & set(whole.columns):
        whole[item] = _categories(whole[item])
    whole = _drawn(whole)
    scales = scales_of(forms, study.settings.scales)
    min_share = {name: scale.min_share for name, scale in study.settings.scales.items()}
    return score(whole, scales, min_share), broken


def _drawn(whole: pd.DataFrame) -> pd.DataFrame:
    """Where some waves or files name strata or clusters: the others' answers are a stratum, and each its own cluster."""
    instead = {"strata": pd.Series("", index=whole.index, dtype="str"), "cluster": whole["member"]}
    named = [c for c in instead if c in whole and whole[c].notna().any()]
    return whole.assign(**{c: whole[c].fillna(instead[c]) for c in named})


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
    limits = settings.model_dump(include={"method", "bounds", "trim_at", "trim_to_effect"})
    return weigh(members, registry, count=settings.count, margins=settings.margins, hierarchy=tree, **limits)
