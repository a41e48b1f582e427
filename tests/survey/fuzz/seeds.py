"""The whole files from which the fuzzer begins: small studies, each of one file under test, as tables and as bytes.

A table is its header rows and its body; its bytes are written here, byte for byte the same in every run, so that the number of a
case is enough to make it again. Every seed holds canaries (a name, a mobile number, a free text, ids): no message may hold one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.survey.builders import ANSWERS, COUNTED, LOG, LOGGED, REGISTRY
from tests.survey.fuzz.forms import csv_bytes, labelled_bytes, parquet_bytes, xlsx_bytes

Table = list[list[str]]
ID = "ZQ7Q"  # how every id of a member begins
NAME, PHONE, WISH = "金丝雀", "13912345678", "canaries sing 鸟鸣"
CANARIES = (ID, NAME, PHONE, WISH)
WAVE = "2024"
EXTRA = {"w": "weight", "sec": "seconds", "at": "submitted"}


@dataclass(frozen=True, slots=True)
class Seed:
    """One file of one small study.

    Attributes
    ----------
    name, form, holds : str
        What it is called here; csv, xlsx, parquet, sav or dta; answers, log or registry, or ``study``
        for files of the study itself.
    file : str
        Path of the file under test, relative to the study's folder.
    table : list of list of str
        Header rows and body; empty for files that are no table.
    head : int
        How many rows are headers.
    columns : dict
        {target: position in the table}.
    mapping : dict
        ``columns`` of wave.yaml.
    separator : str
        What stands between several options of one cell.
    encoding, delimiter : str
        Of a CSV file.
    plain : bool
        Whether a column is known by its heading alone, wherever it stands.
    strict : bool
        Whether the study has the usual rules on shares; else a file is accepted whatever share of it is set aside.
    """

    name: str
    form: str
    holds: str
    file: str
    table: Table = field(default_factory=list)
    head: int = 1
    columns: dict[str, int] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    separator: str = ";"
    encoding: str = "utf-8"
    delimiter: str = ","
    plain: bool = True
    strict: bool = False

    def data(self, table: Sequence[Sequence[str]]) -> bytes:
        """Write a table in this seed's form."""
        if self.form in ("sav", "dta"):
            return labelled_bytes(table, self.form)
        if self.form == "csv":
            return csv_bytes(table, self.encoding, self.delimiter)
        return xlsx_bytes(table) if self.form == "xlsx" else parquet_bytes(table)


def _people() -> list[dict[str, str]]:
    """Seven answers to the full instrument, every code of every item among them."""
    groups, places = ("union", "league", "women"), ("990102", "990104", "990104001", "Hill")
    rows = []
    for n in range(7):
        row = {"id": f"{ID}{n}", "org": groups[n % 3], "place": places[n % 4], "ok": ("1", "", "yes")[n % 3]}
        row |= {
            "q1": ("4", "5", "1", "2", "3", "同意", "9")[n],
            "q2": "2134551"[n],
            "q3": ("NO", "0110", "12:30")[n % 3],
        }
        row |= {"q4": ("1", "1;3", "", "2;3", "1;2;3", "8", "3")[n], "q5": str(20 + 7 * n), "q6": places[n % 3]}
        row |= {"q7": f"{WISH} {n}" if n % 2 else "", "w": f"{1 + n / 4:g}", "sec": str(60 + n)}
        rows.append(row | {"at": f"2024-03-{n + 1:02} 10:{n:02}", "name": f"{NAME}{n}", "phone": PHONE})
    return rows


def _table(rows: Iterable[Mapping[str, str]], columns: Iterable[str]) -> Table:
    columns = list(columns)
    return [columns, *([row[c] for c in columns] for row in rows)]


def seed_of_file(name: str, form: str, holds: str, table: Table, mapping: Mapping[str, str], **more: Any) -> Seed:
    where = {target: table[0].index(header) for header, target in mapping.items()} if "columns" not in more else {}
    more = {"columns": where, **more}
    return Seed(name, form, holds, f"{WAVE}/{name}.{form}", table, mapping=dict(mapping), **more)


def full_seeds() -> list[Seed]:
    """Seeds with groups and places: answers, a log, a registry."""
    mapping = {**ANSWERS["columns"], **EXTRA}
    answers = _table(_people(), [*mapping, "name", "phone"])
    times = [
        LOGGED
        | {"who": f"{ID}{n % 5}", "what": f"a{n}", "org": ("union", "league;union", "women")[n % 3]}
        | {"at": f"2024-03-{n + 1:02} 09:30", "re": ("yes", "no")[n % 2], "name": f"{NAME}{n}"}
        for n in range(8)
    ]
    counts = [
        COUNTED | {"org": g, "place": p, "n": str(100 + i), "money": f"{i}.5", "name": NAME}
        for i, (g, p) in enumerate((g, p) for g in ("union", "league") for p in ("990102", "990104", "990104001"))
    ]
    return [
        seed_of_file("csv", "csv", "answers", answers, mapping),
        seed_of_file("log", "csv", "log", _table(times, [*LOG["columns"], "name"]), LOG["columns"]),
        seed_of_file(
            "registry", "csv", "registry", _table(counts, [*REGISTRY["columns"], "name"]), REGISTRY["columns"]
        ),
    ]


def plain_seeds() -> list[Seed]:
    """Fewer columns of the same answers in three other forms."""
    mapping = {header: ANSWERS["columns"][header] for header in ("id", "q1", "q3", "q4", "q5", "q7")} | {"w": "weight"}
    answers = _table(_people(), [*mapping, "name", "phone"])
    return [
        seed_of_file("gb18030", "csv", "answers", answers, mapping, encoding="gb18030", strict=True),
        seed_of_file("xlsx", "xlsx", "answers", answers, mapping),
        seed_of_file("parquet", "parquet", "answers", answers, mapping),
    ]
