"""One wave's folder: the three files as they arrive, and the ``wave.yaml`` that says how to read them.

The same tables give the same bytes: no clock, no library's stamp of the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from survey.simulate.affairs import KINDS
from survey.simulate.arrival import (
    group_names,
    headers,
    written_affairs,
    written_answers,
    written_log,
    written_registry,
)
from survey.simulate.mess import spoil_answers, spoil_log
from survey.simulate.template import Template
from survey.simulate.workbook import Cell, write_workbook

_WHOLE = re.compile(r"-?[0-9]{1,9}")


def write_wave(
    home: Path,
    plan: Template,
    wave: str,
    answers: pd.DataFrame,
    log: pd.DataFrame,
    registry: pd.DataFrame,
    affairs: Mapping[str, pd.DataFrame],
) -> None:
    """Write the folder of one wave.

    Parameters
    ----------
    home : pathlib.Path
        The study's folder.
    plan : Template
        The template.
    wave : str
        The wave's name.
    answers, log, registry : pandas.DataFrame
        As `draw_answers`, `Log.rows` and `count_registry` give them.
    affairs : mapping
        Proposals and cases, as `draw_affairs` gives them, where the wave has such files.
    """
    folder = home / wave
    folder.mkdir(exist_ok=True)
    answers = spoil_answers(plan, wave, written_answers(plan, wave, answers))
    log = spoil_log(plan, wave, written_log(plan, wave, log))
    registry = written_registry(plan, wave, registry)
    names = headers(plan, wave, list(answers.columns))
    files = plan.truth["files"][wave]
    _write(folder, files["answers"], answers.rename(columns=names), _second_headings(plan, wave, answers))
    _write(folder, files["log"], log.rename(columns=files["log"]["roles"]), [])
    _write(folder, files["registry"], registry.rename(columns=files["registry"]["roles"]), [])
    for kind, frame in affairs.items():
        written = written_affairs(plan, wave, kind, frame)
        _write(folder, files[kind], written.rename(columns=files[kind]["roles"]), [])
    content = _wave_yaml(plan, wave, {header: column for column, header in names.items()})
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
    (folder / "wave.yaml").write_text(text, encoding="utf-8")


def _wave_yaml(plan: Template, wave: str, columns: Mapping[str, str]) -> dict[str, Any]:
    when, files = plan.truth["waves"][wave], plan.truth["files"][wave]
    mapped = {header: column for header, column in columns.items() if column not in files["answers"]["unmapped"]}
    content = {
        "wave": wave,
        "title": files["title"],
        "fieldwork": {"start": when["start"], "end": when["end"]},
        "mode": when["mode"],
        "instrument": when["instrument"],
        "files": [
            _entry(plan, files["answers"], "answers", mapped),
            _entry(plan, files["log"], "log", _turned(files["log"]["roles"])),
            _entry(plan, files["registry"], "registry", _turned(files["registry"]["roles"])),
            *(_entry(plan, files[k], k, _turned(files[k]["roles"])) for k in KINDS if k in files),
        ],
    }
    return content | ({"not_reporting": files["not_reporting"]} if "not_reporting" in files else {})


def _entry(plan: Template, how: Mapping[str, Any], holds: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """What wave.yaml says of one file."""
    named = {"group": group_names(plan, how["groups"]), "channel": how.get("channels", {})}
    values = {
        role: _turned(names) for role, names in named.items() if any(code != word for code, word in names.items())
    }
    entry = {"file": how["file"], "holds": holds, "layout": dict(how["layout"]), "columns": dict(columns)}
    entry |= {"values": values} if values else {}
    return entry | {key: how[key] for key in ("took_part", "separator") if key in how}


def _turned(names: Mapping[str, str]) -> dict[str, str]:
    return {word: code for code, word in names.items()}


def _second_headings(plan: Template, wave: str, frame: pd.DataFrame) -> list[str]:
    """Headings in Chinese above the headers, where the file has a second row of them."""
    how = plan.truth["files"][wave]["answers"]
    if "roles_zh" not in how:
        return []
    wording = {item.name: item.wording["zh"] for item in plan.items(wave)} | how["roles_zh"]
    return [wording.get(column.partition("=")[0], "") for column in frame.columns]


def _write(folder: Path, how: Mapping[str, Any], frame: pd.DataFrame, headings: list[str]) -> None:
    path = folder / how["file"]
    if path.suffix == ".xlsx":
        _write_workbook(path, how, frame, headings)
    elif path.suffix == ".parquet":
        _write_parquet(path, frame)
    else:
        path.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode(how["encoding"]))


def _write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Text columns as text, whole numbers as int64; an empty cell of a number is null."""
    columns = {}
    for name in frame.columns:
        cells = frame[name].tolist()
        whole = all(isinstance(cell, int) or cell == "" for cell in cells)
        columns[name] = pa.array([cell if cell != "" else None for cell in cells], pa.int64() if whole else pa.string())
    pq.write_table(pa.table(columns), path, compression="zstd")


def _write_workbook(path: Path, how: Mapping[str, Any], frame: pd.DataFrame, headings: list[str]) -> None:
    values = frame.to_numpy()
    cells = {value: _cell(value) for value in set(values.ravel())}
    rows: list[list[Cell]] = [[*headings], list(frame.columns), *([cells[value] for value in row] for row in values)]
    cover: list[list[Cell]] = [[line] for line in how["cover"]["lines"]]
    write_workbook(path, [(how["cover"]["sheet"], cover), (how["layout"]["sheet"], rows)])


def _cell(value: str) -> Cell:
    if value == "":
        return None
    return int(value) if value.isascii() and _WHOLE.fullmatch(value) else value
