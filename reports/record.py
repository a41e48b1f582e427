"""What a report was made from, for whoever wants to make it again: nothing in it leads to a person or a machine."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.words import say
from survey import store

if TYPE_CHECKING:
    from survey import Panel

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "duckdb", "matplotlib", "nbconvert", "pydantic")


def record(
    panel: Panel, skipped: Mapping[str, Iterable[str]], tables: Mapping[str, Any], withheld: int
) -> dict[str, Any]:
    """Give the record of a report: inputs, versions, rules, tallies (rounded), what was skipped, a hash of its tables."""
    rules = panel.study.settings.rules
    return {
        "study": panel.study.name,
        "synthetic": panel.study.settings.synthetic,
        "wave": panel.wave,
        "waves": list(panel.waves),
        "inputs": panel.provenance["inputs"],
        "key_fingerprint": panel.provenance["key"],
        "rules": rules.model_dump(),
        "disclosure": disclosure_rules(panel),
        "decisions": [d.model_dump() for w in panel.study.until(panel.wave) for d in w.settings.decisions],
        "tally": _tally(panel, rules.minimum, rules.count_step),
        "skipped": {name: list(needs) for name, needs in skipped.items()},
        "withheld_rows": _rounded(withheld, rules.minimum, rules.count_step),
        "tables": store.digest([json.dumps(tables, sort_keys=True, ensure_ascii=False)]),
        "seed": 0,
        "code": _code(),
        "versions": _versions(),
    }


def disclosure_rules(panel: Panel) -> dict[str, int]:
    """Give the rules that numbers of this panel were let out by: the house's, as the study has made them stricter."""
    from analysis.disclosure import Rules

    return asdict(Rules.of(panel.release_inputs["rules"]))


def provenance(about: Mapping[str, Any], language: str) -> tuple[tuple[str, str], ...]:
    """Say the record's main lines for the foot of a page."""
    inputs = store.digest([json.dumps(about["inputs"], sort_keys=True)])[:16]
    versions = about["versions"]
    main = f"{about['code']['sources'][:16]} · Python {versions['python']} · pandas {versions['pandas']}"
    lines = {
        "study": f"{about['study']} · {about['wave']}",
        "inputs": say("made.inputs_value", language, n=str(len(about["inputs"])), sum=inputs),
        "key": about["key_fingerprint"],
        "rules": say("made.rules_value", language, **about["disclosure"]),
        "code": main,
        "record": "record.json",
    }
    return tuple((say(f"made.{name}", language), value) for name, value in lines.items())


def _tally(panel: Panel, minimum: int, step: int) -> list[dict[str, Any]]:
    lines = panel.tally.to_dict("records")
    return [line | {k: _rounded(int(line[k]), minimum, step) for k in ("rows", "cells")} for line in lines]


def _rounded(count: int, minimum: int, step: int) -> int | str:
    """Counts of 1 to the minimum are told as one word, larger ones on the study's step."""
    if count == 0:
        return 0
    return f"<{minimum}" if abs(count) < minimum else step * round(count / step)


def _code() -> dict[str, str]:
    rooms = ("survey", "analysis", "reports", "notebooks")
    kinds = ("*.py", "*.j2", "*.css", "*.ipynb", "*.yaml", "*.csv")
    own = sorted(p for room in rooms for kind in kinds for p in (ROOT / room).rglob(kind) if "out" not in p.parts)
    sources = {"sources": store.digest(p for p in own if ".ipynb_checkpoints" not in p.parts)}
    return sources | {"lock": store.digest([ROOT / "requirements" / "lock.txt"]), "commit": _commit()}


def _commit() -> str:
    git = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(git, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()


def _versions() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "platform": platform.system().lower(), **versions}
