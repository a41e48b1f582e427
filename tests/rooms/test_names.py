"""No name of the demo study stands in the code: what works for its groups, places and items works for any study's.

Three ways of looking, because many names are also plain words:

- **word**: item and service names with `_` or a digit, group codes, six-digit place codes: anywhere as a whole word;
- **string**: item names that are one plain word (`age`), labels of several words or of four and more Chinese characters:
  only where a whole string of the code is equal to it;
- **text**: names of groups and places, wordings of questions, long labels: anywhere, in prose as well.

Left out: the scales' names and titles (identity, trust, ...), which are the field's own terms and the rooms' vocabulary, and labels
of one English word (Good, No). `survey/places.csv`, `places_changes.csv` and the script that makes them hold all places.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

DEMO = Path("data/raw/demo")
ROOMS = ("survey", "analysis", "notebooks")
EXEMPT = (
    "survey/places.csv",
    "survey/places_changes.csv",
    "survey/places_table.py",
    "survey/places_names.py",
    "analysis/display/tiles_zhejiang.csv",
)
TEXTS = (".py", ".ipynb", ".csv", ".yaml", ".json", ".css", ".html", ".txt")
# One-word names that are also terms of the rooms: of fit_attraction (in words: volunteered), of response, of a made person, of a
# wave.yaml that nobody has confirmed yet (status: proposed), a role at an activity (proposed, designed).
OUR_WORDS = {"intends", "志愿服务", "answered", "since", "proposed", "designed"}


@dataclass(frozen=True, slots=True)
class Names:
    """What must not stand in the code, by the way it is looked for."""

    words: frozenset[str]
    strings: frozenset[str]
    texts: frozenset[str]


def test_no_name_of_the_demo_stands_in_the_rooms(project: Path) -> None:
    names = names_of_study(project / DEMO, project / "survey/places.csv")
    assert min(len(names.words), len(names.strings), len(names.texts)) > 20, "the demo study was not read"
    assert list(found_in(project, names)) == []


PLANTED = [
    ("survey/score.py", 'ITEMS = ["legal_need"]'),
    ("survey/score.py", "# the trade_union has its own rule"),
    ("analysis/questions/needs.py", 'frame["age"]'),
    ("analysis/questions/needs.py", '"""As the Women\'s Federation does."""'),
    ("analysis/display/words.py", 'WORDS = {"a": "Help in hardship"}'),
    ("analysis/display/words.py", "PLACE = 330122"),
    ("notebooks/needs.ipynb", "杭州市的结果"),
    ("notebooks/needs.ipynb", "How do members of the Red Cross Society answer?"),
]


@pytest.mark.parametrize(("place", "line"), PLANTED)
def test_a_planted_name_is_caught(project: Path, tmp_path: Path, place: str, line: str) -> None:
    plant(tmp_path / place, line)
    assert list(found_in(tmp_path, names_of_study(project / DEMO, project / "survey/places.csv")))


def test_a_plain_word_in_prose_is_no_name(project: Path, tmp_path: Path) -> None:
    plant(
        tmp_path / "analysis/tidy.py", '"""Age, trust and interest are words; so is an identity. Not at all a name."""'
    )
    assert list(found_in(tmp_path, names_of_study(project / DEMO, project / "survey/places.csv"))) == []


def names_of_study(study: Path, all_places: Path) -> Names:
    """Collect the names a study brings, sorted by how they can be looked for."""
    items = rows(study / "instrument.csv")
    groups = rows(study / "groups.csv")
    about = yaml.safe_load((study / "study.yaml").read_text("utf-8"))
    under = about["places"]["under"]
    places = [*rows(study / "places.csv"), *(row for row in rows(all_places) if row["code"][:2] == under[:2])]
    names = ({row["item"] for row in items} | set(about["services"])) - set(about["scales"]) - OUR_WORDS
    labels = set(labels_of(about)) - OUR_WORDS
    compound = {name for name in names if re.search(r"[_0-9]", name)}
    codes = {row["code"] for row in [*groups, *places] if re.search(r"[_0-9]", row["code"])}
    called = {row[key] for row in [*groups, *places] for key in ("name_en", "name_zh")}
    wordings = {row[key] for row in items for key in ("wording_en", "wording_zh")}
    return Names(
        words=frozenset(compound | codes),
        strings=frozenset(names - compound | {label for label in labels if says_much(label, words=2, signs=4)}),
        texts=frozenset(called | wordings | {label for label in labels if says_much(label, words=5, signs=6)}),
    )


def labels_of(about: dict) -> Iterator[str]:
    """Give every label of the code sets and every title of the services, in both languages."""
    for code_set in about["code_sets"].values():
        for label in [*code_set["codes"].values(), *code_set.get("missing", {}).values()]:
            yield from (label["en"], label["zh"], *label.get("also", []))
    for service in about["services"].values():
        yield from service["title"].values()


def says_much(label: str, *, words: int, signs: int) -> bool:
    """True for a label too long to be a plain word by chance."""
    chinese = re.findall(r"[\u4e00-\u9fff]", label)
    return len(chinese) >= signs if chinese else len(label.split()) >= words


def rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def found_in(root: Path, names: Names) -> Iterator[str]:
    """Give every name that stands in a file of the rooms, with the file."""
    for path in files(root):
        prose, strings = parts_of(path)
        hits = names.words & set(re.findall(r"[A-Za-z0-9_]+", prose)) | names.strings & strings
        folded = prose.casefold()
        hits |= {text for text in names.texts if text.casefold() in folded}
        yield from (f"{path.relative_to(root)}: {hit}" for hit in sorted(hits))


def files(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if (
                path.suffix in TEXTS
                and path.relative_to(root).as_posix() not in EXEMPT
                and "." not in path.parts[-2][:1]
            ):
                yield path


def parts_of(path: Path) -> tuple[str, set[str]]:
    """Give all that is written in a file (of a notebook: its sources and title, not its outputs) and the code's strings."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        book = json.loads(text)
        sources: dict[str, list[str]] = {"code": [], "markdown": [], "raw": []}
        for cell in book["cells"]:
            sources[cell["cell_type"]].append("".join(cell["source"]))
        code = "\n".join(sources["code"])
        return "\n".join([code, *sources["markdown"], json.dumps(book["metadata"], ensure_ascii=False)]), strings_of(
            code
        )
    return text, strings_of(text) if path.suffix == ".py" else set()


def strings_of(code: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def plant(path: Path, line: str) -> None:
    """Write a module, or a notebook with one Markdown cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = {"metadata": {}, "cells": [{"cell_type": "markdown", "source": line}]}
    path.write_text(json.dumps(book, ensure_ascii=False) if path.suffix == ".ipynb" else line, "utf-8")
