"""The panel's tally: what each file's check counted, and what is known of a wave as a whole and of no single file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from survey.checks.direction import against_the_rest
from survey.checks.registry import fewer_members_than_answers, without_a_count
from survey.intake import Intake
from survey.score import newest_forms, scales_of
from survey.study import Study, Wave
from survey.weighting.margins import member_totals

HARDLY, MANY = 0.9, 30  # share of people who did not answer an item, and people, from which it is told
UNEVEN = 0.3  # difference between groups in the share that did not answer, from which it is told


def whole_tally(
    study: Study,
    waves: Sequence[Wave],
    members: pd.DataFrame,
    intake: Intake,
    items: pd.DataFrame,
    weight_tally: pd.DataFrame,
    tree: pd.DataFrame,
    broken_places: pd.DataFrame,
    moved: int,
) -> pd.DataFrame:
    """Put the tally together.

    Parameters
    ----------
    study, waves
        The study and its waves up to the one asked for.
    members, items : DataFrame
        The panel's, scored and weighted.
    intake : Intake
        What the checks of all files gave.
    weight_tally : DataFrame
        What weighting has to tell.
    tree, broken_places : DataFrame
        The panel's ``hierarchy`` and ``broken``.
    moved : int
        Answers that were carried to another place.

    Returns
    -------
    DataFrame
        ``wave, file, holds, rule, rows, cells``; ``file`` is ``*`` for what concerns no single file.
    """
    lines = [(wave, "*", "answers", f"items:{what}", 0, 0) for wave, what in _about_items(study, waves, members, items)]
    weightless = members.loc[members["weight"] == 0, "wave"].value_counts()
    lines += [(str(wave), "*", "answers", "cells:no_weight", 0, int(n)) for wave, n in weightless.items()]
    lines += [
        (wave, "*", "registry", *line)
        for wave in sorted(intake.registry["wave"].unique())
        for line in _about_registry(wave, intake, members, tree)
        if line[1]
    ]
    lines += [(wave, "*", "registry", "counted_from_list", n, 0) for wave, n in _from_lists(waves, intake)]
    few = _few(study, waves, members, intake, tree)
    lines += [(wave, "*", "answers", "few_answered", answers, asked) for wave, answers, asked in few]
    lines += [
        (waves[-1].name, "*", "answers", *line) for line in _about_places(study, waves, members, broken_places, moved)
    ]
    extra = pd.DataFrame(lines, columns=intake.tally.columns)
    return pd.concat([intake.tally, extra, weight_tally.reindex(columns=intake.tally.columns)], ignore_index=True)


def _from_lists(waves: Sequence[Wave], intake: Intake) -> Iterator[tuple[str, int]]:
    """Give the waves whose registry was counted from their list of members, and the memberships counted."""
    for wave in waves:
        counts = intake.registry.loc[intake.registry["wave"] == wave.name, "members"]
        listed = (intake.tables["memberships"]["wave"] == wave.name).any()
        if listed and len(counts) and not any(p.wave.name == wave.name and p.brings("registry") for p in intake.parts):
            yield wave.name, round(counts.sum())


def _about_registry(
    wave: str, intake: Intake, members: pd.DataFrame, tree: pd.DataFrame
) -> Iterator[tuple[str, int, int]]:
    """Give, of a wave's registry, in how many cases it contradicts itself (with the largest difference) or the answers."""
    counts, answers = intake.registry[intake.registry["wave"] == wave], members[members["wave"] == wave]
    gaps = intake.gaps[intake.gaps["wave"] == wave]
    yield (
        "children_differ_from_parent",
        len(gaps),
        round((gaps["own"] - gaps["children"]).abs().max()) if len(gaps) else 0,
    )
    yield "fewer_members_than_answers", len(fewer_members_than_answers(answers, counts, tree)), 0
    yield "without_a_count", without_a_count(answers, counts, tree), 0


def _few(
    study: Study, waves: Sequence[Wave], members: pd.DataFrame, intake: Intake, tree: pd.DataFrame
) -> Iterator[tuple[str, int, int]]:
    """Give wave, answers and people asked where too few of these answered: those invited, else all that the registry counts."""
    counted, answered = member_totals(intake.registry, "members", tree), members["wave"].value_counts()
    for wave in waves:
        answers, asked = int(answered.get(wave.name, 0)), wave.settings.invited or counted.get(wave.name, 0.0)
        if 0 < answers < study.settings.rules.least_response * asked:
            yield wave.name, answers, round(asked)


def _about_places(
    study: Study, waves: Sequence[Wave], members: pd.DataFrame, broken_places: pd.DataFrame, moved: int
) -> Iterator[tuple[str, int, int]]:
    """Give rule, rows and cells of what is to be known of the places of several waves."""
    if moved:
        yield "places_carried", moved, 0
    used = study.places[study.places["code"].isin(members["region"])]
    earlier = members.merge(broken_places, on=["wave", "region"])
    if len(earlier):
        yield "places_broken", len(earlier), int(earlier["region"].nunique())
    undated = int((used["dated"] == "no").sum())
    if undated and len(waves) > 1:
        yield "places_undated", 0, undated


def _about_items(
    study: Study, waves: Sequence[Wave], members: pd.DataFrame, items: pd.DataFrame
) -> Iterator[tuple[str, str]]:
    """Give, by wave, what is to be known of an item: ``what:item``."""
    for name, broken in zip(items["item"], items["series_broken"], strict=True):
        yield from ((wave, f"series_broken:{name}") for wave in broken.split())
    reworded = items.loc[items["wording_changed"] & (items["series_broken"] == ""), "item"]
    yield from ((waves[-1].name, f"wording_changed:{name}") for name in reworded)
    for wave in waves:
        here = members[members["wave"] == wave.name]
        yield from ((wave.name, f"not_asked:{name}") for name in _without_column(study, wave))
        for name, missing in _unanswered(study, wave, here).items():
            yield from ((wave.name, f"{what}:{name}") for what in _about_missing(missing, here["group"]))
    scales = scales_of(newest_forms(study, waves), study.settings.scales)
    for name, names in against_the_rest(members, scales).items():
        yield from ((name, f"runs_against:{item}") for item in names)


def _unanswered(study: Study, wave: Wave, answers: pd.DataFrame) -> dict[str, pd.Series]:
    """Who did not answer, of items put to everybody; of services only those speak who know them."""
    brought = {t.partition("=")[0] for e in wave.settings.files if e.holds == "answers" for t in e.columns.values()}
    services = study.settings.services.values()
    served = {part for s in services for part in (s.need, s.rating, s.urgency, s.aware, s.used)}
    found = {}
    for item in (i for i in study.items if i.name not in served):
        columns = [c for c in answers.columns if c.partition("=")[0] == item.name]
        put = item.asked_in(wave.settings.instrument) and item.asked_if is None and item.name in brought
        if put and columns:
            found[item.name] = answers[columns].isna().all(axis=1)
    return found


def _about_missing(missing: pd.Series, groups: pd.Series) -> Iterator[str]:
    """Whether nearly nobody answered an item, or far fewer in one group of people than in another."""
    if len(missing) >= MANY and missing.mean() >= HARDLY:
        yield "hardly_answered"
        return
    by_group = missing.groupby(groups).agg(["mean", "size"])
    shares = by_group.loc[by_group["size"] >= MANY, "mean"]
    if len(shares) > 1 and shares.max() - shares.min() >= UNEVEN:
        yield "unevenly_answered"


def _without_column(study: Study, wave: Wave) -> list[str]:
    """Items that the wave's instrument has and no column of its answers brings."""
    entries = [e for e in wave.settings.files if e.holds == "answers"]
    brought = {target.partition("=")[0] for e in entries for target in e.columns.values()}
    asked = (i.name for i in study.items if i.asked_in(wave.settings.instrument))
    return [name for name in asked if name not in brought] if entries else []
