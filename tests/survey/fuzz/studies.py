"""All seeds by name, and the study that each stands in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.survey.builders import change_wave, write_study
from tests.survey.fuzz.exports import export_seeds
from tests.survey.fuzz.seeds import WAVE, Seed, full_seeds, plain_seeds

LIGHT_ITEMS = """item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic
bel1,,C,I belong,我属于这里,choice,agree5,,,belonging,,,
job,,A,Where do you work?,您在哪里工作？,choice,work,,,,,,
used,,B,What did you use?,您用过什么？,multiple,places3,,,,,,
age,,A,How old are you?,您多大年纪？,number,,14,99,,,,
wish,,E,What do you wish?,您有什么愿望？,text,,,,,,,
"""
STUDY_FILES = ("study.yaml", "instrument.csv", f"{WAVE}/wave.yaml", "groups.csv", "places.csv")


def study_seeds() -> list[Seed]:
    """The files of the study itself, beside whole answers, a log and a registry."""
    return [Seed(file.rpartition("/")[2], file.rpartition(".")[2], "study", file, head=1) for file in STUDY_FILES]


def write(home: Path, seed: Seed) -> Path:
    """Write the seed's study; a study's own files stand beside answers, a log and a registry."""
    files = full_seeds() if seed.holds == "study" else [seed]
    light = seed in (*plain_seeds(), *export_seeds())
    changed: dict[str, Any] = {"items": LIGHT_ITEMS, "groups": None, "places": None, "cuts": [[]]} if light else {}
    changed |= {"rules": {}} if seed.strict else {}
    folder = write_study(home, {WAVE: {"files": {}}}, **changed)
    change_wave(folder, WAVE, files=[_entry(s) for s in files])
    for part in files:
        (folder / part.file).write_bytes(part.data(part.table))
    return folder


def _entry(seed: Seed) -> dict[str, Any]:
    more = {"took_part": {"response": ["yes"]}} if seed.holds == "log" else {}
    return {"file": seed.file.rpartition("/")[2], "holds": seed.holds, "columns": seed.mapping, **more}


SEEDS = {seed.name: seed for seed in (*full_seeds(), *plain_seeds(), *export_seeds(), *study_seeds())}
