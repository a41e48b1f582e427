"""Which seed each number is a case of; a number is the same file in every run."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tests.survey.fuzz.seeds import Seed
from tests.survey.fuzz.studies import SEEDS

FAST = 500
SLOW = 2000
APART = 250  # one in so many is an SPSS or a Stata file: each is read in a process of its own, which takes a second
WEIGHTS = (
    {"csv": 7, "gb18030": 10, "xlsx": 16, "parquet": 11, "log": 5, "registry": 9}
    | {"wenjuanxing": 5, "limesurvey": 5, "qualtrics": 5, "surveymonkey": 5, "kobo": 5}
    | {"wenjuanxing-xlsx": 2, "qualtrics-xlsx": 2, "surveymonkey-xlsx": 2}
    | {"study.yaml": 4, "instrument.csv": 3, "wave.yaml": 4, "groups.csv": 1, "places.csv": 1}
)


def seed_of(number: int) -> Seed:
    """The seed of a case."""
    if number % APART == APART - 1:
        return SEEDS[("sav", "dta")[number // APART % 2]]
    return SEEDS[random.Random(f"seed of {number}").choices(list(WEIGHTS), list(WEIGHTS.values()))[0]]


def by_seed(numbers: Iterable[int]) -> dict[str, list[int]]:
    """Numbers of cases by the name of their seed."""
    found: dict[str, list[int]] = {name: [] for name in SEEDS}
    for number in numbers:
        found[seed_of(number).name].append(number)
    return {name: cases for name, cases in found.items() if cases}
