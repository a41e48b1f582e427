"""The table of all cases: class and words, as they come out when each is run. `make catalogue` writes it."""

from __future__ import annotations

import importlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.survey.catalogue.ground import CASES, Case, Outcome, healthy, outcome

MODULES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py")))
# Cases that concern no file of a survey, a log or a study: what is weighted, modelled or shown.
ELSEWHERE = {
    107: "groups of few people are withheld: tests/analysis/test_disclosure.py, test_attacks.py",
    108: "an item that everybody answered alike: tests/analysis/test_reliability.py",
    109: "an item twice under two names: tests/analysis/test_reliability.py; in a model: tests/analysis/test_mixed.py",
    110: "there is no model with a logit: shares are estimated directly, tests/analysis/test_estimates.py",
    111: "models that do not converge, variances at nought: tests/analysis/test_mixed.py",
    112: "fewer groups than a model needs: tests/analysis/test_mixed.py",
}
HEAD = """# What becomes of bad input

Every case below is a file of the tests (`tests/survey/catalogue`): it is spoilt in one way, checked as `workbench check` checks it,
and must come to this class and these words. `make catalogue` writes this page; the numbers are those of the catalogue of bad input
from which the cases were taken.

下列每一种情形都是测试中的一个文件（`tests/survey/catalogue`）：按一种方式弄坏，再像 `workbench check` 那样检查，结果必须如表所示。

Classes 结果: **refused** 拒收（什么都不保存）; **set aside** 搁置该行; **repaired** 修正并记数; **warned** 保留并提示;
**harmless** 无影响.

| # | the file 文件 | class 结果 | what is said | 提示 |
|---|---|---|---|---|
"""


def class_of(found: Outcome, whole: Outcome) -> str:
    """What became of a folder, against the healthy one: one of `CLASSES`, the gravest."""
    if found.refused:
        return "refused"
    more = {key[1] for key, n in found.tally.items() if key not in whole.tally or n > whole.tally[key]}
    if any(rule.startswith("aside:") and rule not in ("aside:blank", "aside:duplicate") for rule in more):
        return "set aside"
    if any(rule.startswith(("note:", "items:")) or _lost(rule) for rule in more) or _left_out(found):
        return "warned"
    if (
        found.mended
        or more & {"aside:blank", "aside:duplicate", "cells:missing_code"}
        or _forms(found) != _forms(whole)
    ):
        return "repaired"
    return "harmless"


def _lost(rule: str) -> bool:
    """Whether something is missing or doubtful that nobody declared so."""
    doubts = (
        "cells:",
        "children",
        "fewer_members",
        "without_a_count",
        "too_small",
        "not_weighted",
        "collapsed",
        "link",
        "nobody",
        "few_answered",
        "places_broken",
    )
    return rule.startswith(doubts) and rule not in ("cells:cleaned", "cells:missing_code")


def _left_out(found: Outcome) -> bool:
    return any("not mapped, not stored" in line for line in found.told["en"])


def _forms(found: Outcome) -> list[str]:
    """How each file came, whatever its name and its number of columns."""
    lines = [line for line in found.told["en"] if "columns are mapped" in line]
    return [re.sub(r"^[^:]*: |; \d+ of \d+ columns.*", "", line) for line in lines]


def in_order(numbers: Iterable[str]) -> list[str]:
    """Numbers of cases as a reader orders them: 2, 2b, 10."""
    return sorted(numbers, key=lambda n: (int(re.sub(r"\D", "", n)), n))


def numbers(text: str) -> list[str]:
    """Numbers of the cases in a table."""
    return re.findall(r"^\| (\d+[a-z]?) \|", text, re.MULTILINE)


def row(case: Case, found: Outcome, whole: Outcome) -> str:
    """One line of the table: what is said of this folder and not of the healthy one."""
    said = [" ".join(_cell(line) for line in found.told[lang] if line not in whole.told[lang]) for lang in ("en", "zh")]
    why = f" *({case.why})*" if case.why else ""
    return f"| {case.number} | {_cell(case.title)}{why} | {class_of(found, whole)} | {said[0]} | {said[1]} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write docs/bad-input.md."""
    for module in MODULES:
        importlib.import_module(f"tests.survey.catalogue.{module}")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.environ["WORKBENCH_HOME"] = str(home / "home-healthy")
        whole = outcome(healthy().write(home / "healthy"))
        lines = []
        for number in in_order(CASES):
            # A home for each: none is a corrected version of the one before.
            os.environ["WORKBENCH_HOME"] = str(home / f"home-{number}")
            folder = healthy()
            CASES[number].spoil(folder)
            study = folder.write(home / number)
            with folder.meanwhile(study):
                found = outcome(study)
            lines.append(row(CASES[number], found, whole))
    path = Path(__file__).resolve().parents[3] / "docs" / "bad-input.md"
    path.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
