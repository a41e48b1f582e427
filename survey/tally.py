"""The panel's tally: what each file's check counted, and what is known of a wave as a whole and of no single file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from survey.checks.direction import against_the_rest
from survey.checks.registry import additive_gaps, fewer_members_than_answers, without_a_count
from survey.intake import Intake
from survey.score import newest_forms, scales_of
from survey.study import Study, Wave

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
    tree : DataFrame
        The panel's ``hierarchy``.

    Returns
    -------
    DataFrame
        ``wave, file, holds, rule, rows, cells``; ``file`` is ``*`` for what concerns no single file.
    """
    lines = [(wave, "*", "answers", f"items:{what}", 0, 0) for wave, what in _about_items(study, waves, members, items)]
    weightless = members.loc[members["weight"] == 0, "wave"].value_counts()
    lines += [(str(wave), "*", "answers", "cells:no_weight", 0, int(n)) for wave, n in weightless.items()]
    lines += [
        (wave, "*", "registry", rule, cells, 0)
        for wave in sorted(intake.registry["wave"].unique())
        for rule, cells in _about_registry(wave, intake, members, tree)
        if cells
    ]
    extra = pd.DataFrame(lines, columns=intake.tally.columns)
    return pd.concat([intake.tally, extra, weight_tally.reindex(columns=intake.tally.columns)], ignore_index=True)


def _about_registry(wave: str, intake: Intake, members: pd.DataFrame, tree: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """Give, of a wave's registry, in how many cases it contradicts itself or the answers."""
    counts, answers = intake.registry[intake.registry["wave"] == wave], members[members["wave"] == wave]
    yield "children_differ_from_parent", len(additive_gaps(counts, tree))
    yield "fewer_members_than_answers", len(fewer_members_than_answers(answers, counts))
    yield "without_a_count", without_a_count(answers, counts)


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
