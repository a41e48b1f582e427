"""Small study folders for tests: one call writes one, with whatever the test wants to be different."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from survey.checks import CHECKS, Accepted
from survey.identity import Key
from survey.study import Study, open_study

KEY = Key(b"k" * 32)
ITEMS = """item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic
bel1,,C,I belong,我属于这里,choice,agree5,,,belonging,,,
bel2,,C,I am a stranger,我是外人,choice,agree5,,,belonging,yes,,
job,,A,Where do you work?,您在哪里工作？,choice,work,,,,,,
used,,B,What did you use?,您用过什么？,multiple,places3,,,,,,
age,,A,How old are you?,您多大年纪？,number,,14,99,,,,
home,,A,Where do you live?,您住在哪里？,region,,,,,,,
wish,,E,What do you wish?,您有什么愿望？,text,,,,,,,
"""
GROUPS = "code,name_en,name_zh\nunion,Union,工会（总）\nleague,League,青年团\nwomen,Women,妇联\n"
PLACES = """code,parent,level,name_en,name_zh,valid_from,valid_to
990000,,province,North,北省,,
990100,990000,city,Lake,湖市,,
990102,990100,county,East,东区,,
990103,990100,county,West,西区,,2021-04-01
990104,990100,county,Hill,山县,,
990104001,990104,township,Town,镇,,
"""
STUDY: dict[str, Any] = {
    "format": 1,
    "name": "small",
    "title": {"en": "A small study", "zh": "小研究"},
    "synthetic": True,
    "time_zone": "Asia/Shanghai",
    "groups": {"file": "groups.csv"},
    "places": {"file": "places.csv"},
    "code_sets": {
        "agree5": {
            "codes": {
                "1": {"en": "Strongly disagree", "zh": "非常不同意"},
                "2": {"en": "Disagree", "zh": "不同意"},
                "3": {"en": "Neither", "zh": "一般"},
                "4": {"en": "Agree", "zh": "同意"},
                "5": {"en": "Strongly agree", "zh": "非常同意", "also": ["完全同意（很）"]},
            },
            "missing": {"9": {"en": "Don't know", "zh": "说不清（不了解）"}},
        },
        "work": {
            "codes": {
                "NO": {"en": "None", "zh": "无业"},
                "0110": {"en": "Farm", "zh": "农业"},
                "12:30": {"en": "Shift", "zh": "倒班"},
            }
        },
        "places3": {
            "codes": {
                "1": {"en": "Hall", "zh": "会堂"},
                "2": {"en": "Club", "zh": "俱乐部"},
                "3": {"en": "Yard", "zh": "院子"},
            },
            "missing": {"8": {"en": "Forgot", "zh": "忘了"}},
        },
    },
    "scales": {"belonging": {"title": {"en": "Belonging", "zh": "归属感"}, "theme": "cohesion"}},
    "cuts": [[], ["group"], ["region"], ["job"]],
    "rules": dict.fromkeys(("set_aside_share", "out_of_range_share", "total_share", "outside_fieldwork_share"), 1),
}
ANSWERS: dict[str, Any] = {
    "file": "answers.csv",
    "holds": "answers",
    "columns": {
        "id": "member",
        "org": "group",
        "place": "region",
        "ok": "consent",
        "q1": "bel1",
        "q2": "bel2",
        "q3": "job",
        "q4": "used",
        "q5": "age",
        "q6": "home",
        "q7": "wish",
    },
}
LOG: dict[str, Any] = {
    "file": "log.csv",
    "holds": "log",
    "columns": {
        "who": "member",
        "what": "activity",
        "org": "group",
        "place": "region",
        "at": "start",
        "re": "response",
    },
}
REGISTRY: dict[str, Any] = {
    "file": "registry.csv",
    "holds": "registry",
    "columns": {"org": "group", "place": "region", "n": "members", "money": "funds"},
}
FULL = {
    "id": "m1",
    "org": "union",
    "place": "990102",
    "ok": "1",
    "q1": "4",
    "q2": "2",
    "q3": "NO",
    "q4": "1",
    "q5": "30",
}
FULL |= {"q6": "990104", "q7": "more"}
LOGGED = {"who": "m1", "what": "a1", "org": "union", "place": "990102", "at": "2024-03-05 10:00", "re": "yes"}
COUNTED = {"org": "union", "place": "990102", "n": "100", "money": "5.5"}


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(content: Any) -> str:
    """YAML text in which everything is written out."""
    return yaml.dump(content, Dumper=_Plain, allow_unicode=True, sort_keys=False)


def change_wave(folder: Path, name: str, **changed: Any) -> None:
    """Replace keys of a wave.yaml."""
    path = folder / name / "wave.yaml"
    path.write_text(as_yaml(yaml.safe_load(path.read_text("utf-8")) | changed), "utf-8")


def csv_text(rows: list[dict[str, str]], columns: list[str]) -> str:
    """Rows as CSV; cells with signs of their own are quoted."""
    lines = [columns, *([row.get(c, "") for c in columns] for row in rows)]
    return "".join(",".join(_quoted(cell) for cell in line) + "\n" for line in lines)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(s in cell for s in ',"\n\r') else cell


def write_study(home: Path, waves: dict[str, dict[str, Any]] | None = None, **changed: Any) -> Path:
    """Write a study folder: `changed` replaces keys of study.yaml (None takes one out), or whole files (items=, places=)."""
    folder = home / "small"
    folder.mkdir(parents=True)
    (folder / "instrument.csv").write_text(changed.pop("items", ITEMS), "utf-8")
    (folder / "groups.csv").write_text(changed.pop("group_file", GROUPS), "utf-8")
    (folder / "places.csv").write_text(changed.pop("place_file", PLACES), "utf-8")
    settings = {key: value for key, value in (copy.deepcopy(STUDY) | changed).items() if value is not None}
    (folder / "study.yaml").write_text(as_yaml(settings), "utf-8")
    for name, wave in (waves or {"2024": {}}).items():
        write_wave(folder, name, **wave)
    return folder


def write_wave(folder: Path, name: str, *, files: dict[str, str] | None = None, **changed: Any) -> None:
    """Write a wave: `files` are texts by name, `changed` replaces keys of wave.yaml; by default one answer, all as it should be."""
    wave = folder / name
    wave.mkdir()
    texts = {"answers.csv": csv_text([FULL], list(ANSWERS["columns"]))} if files is None else files
    for file, text in texts.items():
        (wave / file).write_text(text, "utf-8")
    settings = {
        "wave": name,
        "fieldwork": {"start": f"{name}-03-01", "end": f"{name}-04-15"},
        "instrument": "1",
        "files": [ANSWERS],
    } | changed
    (wave / "wave.yaml").write_text(as_yaml(settings), "utf-8")


def answers(home: Path, rows: list[dict[str, str]], entry: dict[str, Any] | None = None, **changed: Any) -> Accepted:
    """What becomes of a file of answers; each row is given by what differs from a full one."""
    return _checked(home, ANSWERS | (entry or {}), [FULL | row for row in rows], changed)


def log(home: Path, rows: list[dict[str, str]], entry: dict[str, Any] | None = None, **changed: Any) -> Accepted:
    """What becomes of a file of the log."""
    return _checked(home, LOG | (entry or {}), [LOGGED | row for row in rows], changed)


def registry(home: Path, rows: list[dict[str, str]], entry: dict[str, Any] | None = None, **changed: Any) -> Accepted:
    """What becomes of a file of the registry."""
    return _checked(home, REGISTRY | (entry or {}), [COUNTED | row for row in rows], changed)


def affairs(home: Path, entry: dict[str, Any], rows: list[dict[str, str]], **changed: Any) -> Accepted:
    """What becomes of a file of visits, proposals or cases."""
    return _checked(home, entry, rows, changed)


def _checked(home: Path, entry: dict[str, Any], rows: list[dict[str, str]], changed: dict[str, Any]) -> Accepted:
    wave = {"files": [entry], **changed.pop("wave", {})}
    folder = write_study(home, {"2024": {}}, **changed)
    change_wave(folder, "2024", **wave)
    columns = list(dict.fromkeys([*entry["columns"], *(column for row in rows for column in row)]))
    (folder / "2024" / entry["file"]).write_text(csv_text(rows, columns), "utf-8")
    return check(open_study(folder), entry["holds"])


def check(study: Study, holds: str) -> Accepted:
    """Check the first file of the only wave."""
    wave = study.wave_list[0]
    entry = wave.settings.files[0]
    return CHECKS[holds](study, wave, entry, KEY)


def reasons(accepted: Accepted) -> dict[int, str]:
    """Rows set aside and why."""
    return dict(accepted.reasons)


def adds_up(accepted: Accepted) -> bool:
    """Rows read = as is + repaired + set aside, and the accepted rows are those as is and repaired."""
    rows = accepted.tally.set_index("rule")["rows"]
    aside = rows[rows.index.str.startswith("aside:")].sum()
    kept = rows["as_is"] + rows["repaired"]
    return bool(rows["read"] == kept + aside and kept == len(accepted.frame) and min(rows) >= 0)
