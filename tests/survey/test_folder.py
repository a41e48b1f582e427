"""Text files of a study folder: odd YAML, odd tables and odd names are refused with their line, in plain words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from survey import Refused, open_study
from tests.survey.builders import write_study


def refused(folder: Path) -> str:
    with pytest.raises(Refused) as caught:
        open_study(folder)
    assert all(f.en and f.zh for f in caught.value.faults)
    return "\n".join(f"{f.file}:{f.line} {f.en}" for f in caught.value.faults)


YAML_CORPUS = {
    "double key": ("a: 1\nb: 2\na: 3\n", 3, "“a” stands twice"),
    "double key below": ("rules:\n  minimum: 10\n  minimum: 12\n", 3, "“minimum” stands twice"),
    "self reference": ("a: &x\n  b: *x\n", 1, "YAML alias"),
    "alias": ("a: &x {b: 1}\nc: *x\n", 1, "YAML alias"),
    "bomb": (
        "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
        1,
        "alias",
    ),
    "tag": ("a: !!python/object/apply:os.system [ls]\n", 1, "tag"),
    "own tag": ("a: 1\nb: !secret x\n", 2, "tag"),
    "list as key": ("[1, 2]: 3\n", 1, "a key must be a word"),
    "not closed": ("a: 1\nb: [1, 2\n", 3, "not valid YAML"),
    "tabs": ("a:\n\tb: 1\n", 2, "not valid YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
    "bell": ("a: 1\nb: \x07\n", 2, "not valid YAML"),
    "a list": ("- 1\n- 2\n", 1, "must be a mapping"),
    "a word": ("hello\n", 1, "must be a mapping"),
    "empty": ("", 1, "is missing"),
    "deep": ("a: " + "[" * 3000 + "]" * 3000, 0, "nested too deeply"),
}


@pytest.mark.parametrize("name", YAML_CORPUS)
@pytest.mark.parametrize("file", ["study.yaml", "2024/wave.yaml"])
def test_odd_yaml_is_refused_in_plain_words(tmp_path: Path, name: str, file: str) -> None:
    text, line, words = YAML_CORPUS[name]
    folder = write_study(tmp_path)
    (folder / file).write_text(text, "utf-8")
    told = refused(folder)
    assert f"{file}:{line} " in told
    assert words in told


def test_text_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    good = (folder / "groups.csv").read_text("utf-8")
    (folder / "groups.csv").write_bytes(good.encode("gb18030"))
    assert "groups.csv:2 from here on this file is not UTF-8" in refused(folder)


CSV_CORPUS = {
    "unclosed quote": ('code,name_en,name_zh\nu,"Union,工会\nw,Women,妇联\n', 2, "is not closed"),
    "too few": ("code,name_en,name_zh\nu,Union,工会\n\nw,Women\n", 4, "2 fields where the header has 3"),
    "too many after a broken line": ('code,name_en,name_zh\nu,"Un\nion",工会\nw,Women,妇联,x\n', 4, "4 fields"),
    "lacks": ("code,name_en\nu,Union\n", 1, "lacks the columns name_zh"),
    "unknown": ("code,name_en,name_zh,motto\nu,Union,工会,x\n", 1, "not known here: motto"),
    "empty cell": ("code,name_en,name_zh\nu,Union,\n", 2, "name_zh is empty"),
    "header only": ("code,name_en,name_zh\n", 0, "no groups"),
    "nothing": ("", 1, "lacks the columns"),
}


@pytest.mark.parametrize("name", CSV_CORPUS)
def test_odd_tables_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    text, line, words = CSV_CORPUS[name]
    told = refused(write_study(tmp_path, group_file=text))
    assert f"groups.csv:{line} " in told
    assert words in told


ODD_NAMES = ["/etc/hostname", "../../study.yaml", "../study.yaml", "x" * 300, "a\0b", ".", "sub", "~/x"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_files_come_from_the_wave_folder_alone(tmp_path: Path, name: str) -> None:
    folder = write_study(tmp_path)
    (folder / "2024" / "sub").mkdir()
    text = yaml.safe_dump({"f": name})[3:].strip()
    wave = (folder / "2024" / "wave.yaml").read_text("utf-8")
    (folder / "2024" / "wave.yaml").write_text(wave.replace("file: answers.csv", f"file: {text}"), "utf-8")
    assert re.search("leads out of its folder|is not there|not valid YAML", refused(folder))
