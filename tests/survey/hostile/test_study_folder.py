"""Study folders and headers written to do harm: refused with their line, or nothing but text from the file to the page."""

from __future__ import annotations

import csv
import io
import os
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.checking import account, refusal
from reports.export import _csv
from reports.render import render_check
from survey import Refused, open_study, read_table
from survey.folder import MAX_TABLE, MAX_YAML
from tests.survey.builders import ANSWERS, FULL, LOG, LOGGED, STUDY, answers, change_wave, csv_text, write_study

SECONDS = 10.0
ITEMS = ("bel1", "bel2", "job", "used", "age")
MANY = ["[" * 400_000, "a: {" * 100_000, "- " * 200_000, "? " * 200_000, "&a [*a, " * 50_000, "a: " + "|" * 400_000]
YAML = {
    **{f"deep {n}": (text.encode(), "nested too deeply|not valid YAML|alias") for n, text in enumerate(MANY)},
    "giant": (b"a: '" + b"x" * 50_000_000 + b"'", "too large"),
    "long scalar": (b"a: '" + b"x" * 400_000 + b"'", "not a key known"),
    "many keys": (b"".join(b"k%d: x\n" % n for n in range(3_000)), "not a key known"),
    "laughs": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
    "merge": (b"a: &a {format: 1}\n<<: *a\n", "alias"),
    "merge written out": (b"<<: {format: 1}\n", "not a key known"),
    "python": (b"a: !!python/object/apply:os.mkdir [mark]\n", "tag"),
    "python name": (b"a: !!python/name:os.system\n", "tag"),
    "binary": (b"a: !!binary gASV\n", "tag"),
    "nul": (b"a: x\0y\n", "not valid YAML"),
    "escape": (b"a: \x1b[31mred\n", "not valid YAML"),
    "utf-16": ("format: 1\n".encode("utf-16"), "not UTF-8"),
    "utf-16 without mark": ("format: 1\n".encode("utf-16-le"), "not valid YAML|not UTF-8"),
    "double": (b"format: 1\nformat: 2\n", "stands twice"),
    "endless number": (b"files:\n- layout: {header_row: " + b"9" * 5000 + b"}\n", "whole number"),
    "directive": (b"%YAML 9.9\n---\na: 1\n", "not valid YAML|not a key"),
}


def refused(folder: Path) -> str:
    start = time.perf_counter()
    with pytest.raises(Refused) as caught:
        open_study(folder)
    assert time.perf_counter() - start < SECONDS
    assert all(f.zh and f.en.isprintable() for f in caught.value.faults)
    return "\n".join(f"{f.file}:{f.line} {f.en}" for f in caught.value.faults)


@pytest.mark.parametrize("name", YAML)
def test_hostile_yaml_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, words = YAML[name]
    folder = write_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    (folder / "2024" / "wave.yaml").write_bytes(data)
    told = refused(folder)
    assert any(word in told for word in words.split("|"))
    assert not (tmp_path / "mark").exists()


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    for path in (folder / "study.yaml", folder / "groups.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert open_study(folder).waves() == ("2024",)


HEAD = "code,name_en,name_zh\n"
TABLES = {
    "giant cell": (HEAD + 'u,"' + "x" * 200_000 + '",工会\n', "not closed"),
    "unclosed": (HEAD + 'u,"' + "x,y\n" * 100_000, "not closed"),
    "a million columns": ("," * 300_000 + "\n", "lacks the columns"),
    "giant": (HEAD + "u,x,y\n" * 3_400_000, "too large"),
    "nul": (HEAD + "u\0,x,y\n", "."),
    "turned round": (HEAD + "u,x,y,\u202eevil\n", "4 fields"),
    "odd column": ("code,name_en,name_zh,\x1b[31m\u202e\n", "not known here"),
}


@pytest.mark.parametrize("name", TABLES)
def test_hostile_tables_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    text, words = TABLES[name]
    folder = write_study(tmp_path)
    (folder / "groups.csv").write_text(text, "utf-8")
    try:
        assert words in refused(folder)
    except pytest.fail.Exception:
        assert name == "nul"  # a code like any other: nothing in the folder is ended by it


def test_limits_are_above_what_studies_have() -> None:
    demo = Path(__file__).resolve().parents[3] / "data" / "raw" / "demo"
    sizes = [path.stat().st_size for path in demo.rglob("*.yaml")]
    assert max(sizes) * 10 < MAX_YAML < MAX_TABLE


@pytest.mark.parametrize("file", ["study.yaml", "instrument.csv", "groups.csv", "2024/wave.yaml", "2024/answers.csv"])
@pytest.mark.parametrize("kind", ["link", "fifo", "device", "folder"])
def test_a_part_of_the_folder_that_is_no_regular_file_is_not_opened(tmp_path: Path, file: str, kind: str) -> None:
    folder = write_study(tmp_path / "home")
    path = folder / file
    path.rename(tmp_path / "moved")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "moved" if kind == "link" else "/dev/zero")
    assert refused(folder)


NASTY = [
    "x'; DROP TABLE taken; --",
    "x\"); COPY taken TO 'mark'; --",
    "read_csv('/etc/passwd')",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% for x in y %}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    "{0.__class__}%s%n",
    "../../etc/passwd",
    "\x1b[31mred",
    "\u202eabc\u2066",
    "__import__('os').system('x')",
    "a=b;c=d",
    "n" * 10_000,
]


@pytest.mark.parametrize("names", [NASTY[:9], NASTY[9:]], ids=["first", "second"])
def test_columns_may_be_called_anything(tmp_path: Path, names: list[str]) -> None:
    called = dict(zip(ANSWERS["columns"], names, strict=False))
    columns = {called.get(column, column): role for column, role in ANSWERS["columns"].items()}
    rows = [{called.get(column, column): value for column, value in FULL.items()}]
    plain, odd = answers(tmp_path / "plain", [{}]), answers(tmp_path / "odd", rows, {"columns": columns})
    assert odd.frame.drop(columns=["seconds"], errors="ignore").equals(plain.frame)
    assert set(names) <= set(read_table(tmp_path / "odd" / "small" / "2024" / "answers.csv").frame.columns)


@pytest.mark.parametrize("names", [NASTY[n : n + 5] for n in range(0, len(NASTY), 5)], ids=range(4))
def test_columns_that_lack_are_told_on_one_safe_line(tmp_path: Path, names: list[str]) -> None:
    folder = write_study(tmp_path)
    change_wave(
        folder, "2024", files=[ANSWERS | {"columns": {"id": "member", **dict(zip(names, ITEMS, strict=False))}}]
    )
    with pytest.raises(Refused) as caught:
        open_study(folder).panel()
    assert all(f.en.isprintable() for f in caught.value.faults)
    assert_harmless(render_check(refusal(caught.value.faults, "small", "2024", "en"), "en", synthetic=False))


class Nodes(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def assert_harmless(page: str) -> None:
    nodes = Nodes(page)
    assert nodes.tags.isdisjoint({"script", "img", "iframe", "object", "embed", "form"})
    assert not any(name.startswith("on") for name in nodes.attributes)
    assert "\x1b" not in page


def test_groups_channels_and_answers_may_be_called_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    short = [n[:200].replace(";", ",") for n in NASTY]  # a semicolon parts the organisers of one activity
    told = [FULL | {"id": f"m{n}", "org": name, "q7": name} for n, name in enumerate(short)]
    times = [LOGGED | {"who": f"m{n}", "what": name, "org": name} for n, name in enumerate(short)]
    files = {"answers.csv": csv_text(told, list(ANSWERS["columns"])), "log.csv": csv_text(times, list(LOG["columns"]))}
    groups = {"any": STUDY["title"]}
    folder = write_study(tmp_path, groups=groups)
    for name, text in files.items():
        (folder / "2024" / name).write_text(text, "utf-8")
    change_wave(folder, "2024", files=[ANSWERS, LOG])
    panel = open_study(folder).panel()
    assert panel.careers["count"].tolist() == [1] * len(NASTY)
    assert panel.members["group"].nunique() == len(NASTY)
    for language in ("en", "zh"):
        assert_harmless(render_check(account(panel, language), language, synthetic=False))
    assert not (tmp_path / "mark").exists()


def test_no_cell_or_header_of_a_released_table_begins_a_formula() -> None:
    rows = [[name, -0.5, None] for name in NASTY]
    cells = list(
        csv.reader(io.StringIO(_csv({"columns": NASTY[:3], "rows": rows}) + _csv({"columns": NASTY, "rows": []})))
    )
    texts = [cell for row in cells for cell in row if cell not in ("-0.5", "")]
    assert not any(text.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")) for text in texts)
    assert {t.removeprefix("'") for t in texts} == set(NASTY)
