"""What some cases need beside the healthy folder: other cells, more items, and a wave before."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from tests.survey.builders import as_yaml
from tests.survey.catalogue.ground import Folder, Rows

BEFORE = "2023"


def add_items(f: Folder, names: list[str], codes: str = "1..5", scale: str = "", **rest: str) -> None:
    """Add choice items to the instrument and columns of their names to the answers' entry."""
    lines = [
        f"{name},{rest.get('version', '')},C,{name},{name},choice,{codes},,,{scale},{rest.get('reverse', '')},,\n"
        for name in names
    ]
    f.texts["instrument.csv"] += "".join(lines)
    f.entry["columns"] |= {name: name for name in names}
    if scale and scale not in f.study["scales"]:
        f.study["scales"][scale] = {"title": {"en": scale, "zh": scale}, "theme": "satisfaction"}


def answered(rows: Rows, names: list[str], seed: int, centre: float = 4.1) -> Rows:
    """Give the rows answers on 1-5 to these items, which go together."""
    rng = np.random.default_rng(seed)
    person = rng.normal(0, 0.7, len(rows))
    for name in names:
        codes = np.clip(np.round(centre + person + rng.normal(0, 0.6, len(rows))), 1, 5).astype(int)
        for row, code in zip(rows, codes, strict=True):
            row[name] = str(code)
    return rows


def turned(rows: Rows, names: list[str]) -> Rows:
    """Turn the answers to these items round."""
    return [row | {name: str(6 - int(row[name])) for name in names} for row in rows]


def add_wave_before(f: Folder, rows: Rows, columns: dict[str, str] | None = None, **changed: Any) -> None:
    """Let the study have a wave of 2023, with these answers."""
    entry = {"file": "answers.csv", "holds": "answers", "columns": dict(columns or f.entry["columns"])}
    wave = {"wave": BEFORE, "fieldwork": {"start": "2023-03-01", "end": "2023-04-15"}, "mode": "online"}
    content = wave | {"instrument": "1", "files": [entry]} | changed
    text = f.csv(rows=rows)

    def step(study: Path) -> None:
        (study / BEFORE).mkdir()
        (study / BEFORE / "answers.csv").write_text(text, "utf-8")
        (study / BEFORE / "wave.yaml").write_text(as_yaml(content), "utf-8")

    f.then.append(step)


def a_year_before(f: Folder) -> Rows:
    """The answers as they would have come a year before."""
    rows = copy.deepcopy(f.answers)
    for row in rows:
        row["at"] = row["at"].replace("2024-", "2023-")
    return rows


def some(f: Folder, column: str, *cells: str) -> None:
    """Put cells into the first rows of the answers."""
    for row, cell in zip(f.answers, cells, strict=False):
        row[column] = cell


def all_of(f: Folder, column: str, cells: dict[str, str]) -> None:
    """Write each of a column's cells otherwise."""
    for row in f.answers:
        row[column] = cells.get(row[column], row[column])


def in_log(f: Folder, column: str, *cells: str) -> None:
    """Put cells into the first rows of the log."""
    for row, cell in zip(f.log, cells, strict=False):
        row[column] = cell
