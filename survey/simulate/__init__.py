"""Make a study whose truth is known: a federation of organisations, its members, their answers, their log.

What it answers: does the workbench find again what was put in? From a *template*, a folder with ``truth.yaml`` beside
``study.yaml``, ``instrument.csv``, ``groups.csv`` and ``places.csv``, it writes a whole study folder in the format of
``docs/study-format.md``: waves with files as messy as real ones. All magnitudes, names and faults stand in the template;
this package holds only the mechanism. The template that ships is ``data/raw/demo``. No wave is ever read here.

    people -> answers: answer = round(middle + step (mean + shift + loading trait + sqrt(1 - loading^2) noise))
              trait   = mean over scale of group, city, county, group x county, member, occasion, pilot, trend
    people -> log:     times in a year ~ Poisson(exp(reach of group, background and place, trait, pilot, member))
    people -> registry: counts

Every step draws from a stream of its own, named in words, so that a new step does not shift the others.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from survey.simulate.affairs import KINDS, draw_affairs
from survey.simulate.answers import draw_answers
from survey.simulate.effects import draw_effects
from survey.simulate.log import draw_log
from survey.simulate.population import draw_people, draw_samples
from survey.simulate.registry import count_registry
from survey.simulate.template import Template, read_template
from survey.simulate.wave import write_wave

__all__ = ["simulate", "true_means"]

_COPIED = ("instrument.csv", "groups.csv", "places.csv")


def simulate(
    folder: str | Path,
    *,
    template: str | Path | None = None,
    truth: Mapping[str, Any] | str | Path | None = None,
    seed: int | None = None,
) -> Path:
    """Write a whole synthetic study and give its folder.

    Parameters
    ----------
    folder : path
        Where the study is written; its last part becomes the study's name. Files of the same name are replaced.
    template : path, optional
        Folder with ``truth.yaml``, ``study.yaml``, ``instrument.csv``, ``groups.csv``, ``places.csv``. Default: the demo.
    truth : mapping or path of a YAML file, optional
        Laid over the template's truth: what it does not name stays; lists are replaced whole.
    seed : int, optional
        Replaces the truth's seed. The same template, truth and seed give the same files.

    Returns
    -------
    pathlib.Path
        The study's folder.

    Raises
    ------
    ValueError
        When the truth names a scale, an item or a group that the template does not have.

    Examples
    --------
    >>> simulate("other", seed=7, truth={"pilot": {"reach": 0.0}})  # doctest: +SKIP
    PosixPath('other')
    """
    plan = read_template(template, truth=truth, seed=seed)
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    _write_frame_of_study(home, plan, changed=truth is not None or seed is not None)
    people, effects = draw_people(plan), draw_effects(plan)
    log = draw_log(plan, people, effects)
    for wave, sample in draw_samples(plan, people).items():
        answers = draw_answers(plan, people, effects, log, wave, sample)
        affairs = {k: draw_affairs(plan, people, wave, k) for k in KINDS if k in plan.truth["files"][wave]}
        write_wave(home, plan, wave, answers, log.rows(wave), count_registry(plan, people, wave), affairs)
    return home


def true_means(
    *,
    template: str | Path | None = None,
    truth: Mapping[str, Any] | str | Path | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """Give the true mean of each scale, per wave, group and finest place, as `simulate` draws it.

    Parameters
    ----------
    template, truth, seed
        As in `simulate`.

    Returns
    -------
    pandas.DataFrame
        ``wave, group, region, scale`` (text) and ``effect`` (float64, standard deviations of the latent trait; the scale's
        ``mean`` included, members' backgrounds and luck not).
    """
    plan = read_template(template, truth=truth, seed=seed)
    return draw_effects(plan).table()


def _write_frame_of_study(home: Path, plan: Template, *, changed: bool) -> None:
    """The files beside the waves: copied, but for the study's name and a truth that was changed."""
    if home.resolve() == plan.folder.resolve():
        return
    for name in _COPIED:
        if (plan.folder / name).exists():
            shutil.copyfile(plan.folder / name, home / name)
    lines = (plan.folder / "study.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    named = [f"name: {home.resolve().name}\n" if line.startswith("name:") else line for line in lines]
    (home / "study.yaml").write_text("".join(named), encoding="utf-8")
    if changed:
        text = yaml.safe_dump(plan.truth, sort_keys=False, allow_unicode=True, width=120)
        (home / "truth.yaml").write_text(text, encoding="utf-8")
    else:
        shutil.copyfile(plan.folder / "truth.yaml", home / "truth.yaml")
