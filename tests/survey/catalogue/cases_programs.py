"""Cases 123-125: files of other programs, and answers of nobody in the field."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat

from tests.survey.catalogue.books import table_of
from tests.survey.catalogue.ground import Folder, case

AGREE = ("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree")


def _typed(f: Folder) -> pd.DataFrame:
    """The answers with numbers where a statistics program has numbers."""
    header, *rows = table_of(f)
    frame = pd.DataFrame(rows, columns=header).fillna("")
    return frame.assign(**{name: frame[name].astype(float) for name in ("q1", "q2", "q5", "took")})


def _saved(write: Callable[..., None], frame: pd.DataFrame, **options: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers"
        write(frame, str(path), **options)
        return path.read_bytes()


def _spss(f: Folder, frame: pd.DataFrame, labels: tuple[str, ...] = AGREE) -> None:
    meaning = dict(enumerate(labels, start=1))
    f.send(_saved(pyreadstat.write_sav, frame, variable_value_labels={"q1": meaning}, missing_ranges={"q1": [8]}))
    f.rename("answers.sav")


@case("123", "an SPSS file with labels", "repaired", ("spss", "13 of 13 columns"), ("spss", "共 13 列"))
def _(f: Folder) -> None:
    _spss(f, _typed(f))


@case(
    "123a",
    "an SPSS file with a code that it declares missing",
    "repaired",
    "1 cells that say “no answer”",
    "1 个单元格为“未回答”",
    same=False,
)
def _(f: Folder) -> None:
    frame = _typed(f)
    frame.loc[0, "q1"] = 8
    _spss(f, frame)


@case(
    "123b",
    "an SPSS file whose labels give the codes another meaning",
    "refused",
    ("answers.sav", "column “q1” (bel1)", "1 = Strongly agree", "Say under values"),
    ("列“q1”（bel1）", "1 = Strongly agree", "values"),
)
def _(f: Folder) -> None:
    _spss(f, _typed(f), AGREE[::-1])


@case("123c", "a Stata file with labels", "repaired", ("stata", "13 of 13 columns"), ("stata", "共 13 列"))
def _(f: Folder) -> None:
    labels = {"q1": dict(enumerate(AGREE, start=1))}
    f.send(_saved(pyreadstat.write_dta, _typed(f), variable_value_labels=labels))
    f.rename("answers.dta")


@case(
    "123d", "an SPSS file in another code page than it says", "refused", ("answers.sav", "layout: encoding"), "encoding"
)
def _(f: Folder) -> None:
    _spss(f, _typed(f))
    f.raw["answers.sav"] = bytes(f.raw["answers.sav"] or b"").replace(
        "金丝雀".encode(), "金丝雀金".encode("gb18030") + b" "
    )


@case("123e", "a SAS file (sas7bdat)", "refused", ("answers.sas7bdat", "SAS", "CSV"), ("SAS", "CSV"))
def _(f: Folder) -> None:
    magic = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
    f.send(magic + bytes(1024))
    f.rename("answers.sas7bdat")


@case("123f", "a SAS transport file", "refused", ("answers.xpt", "SAS", "CSV"), ("SAS", "CSV"))
def _(f: Folder) -> None:
    f.send(_saved(pyreadstat.write_xport, _typed(f)))
    f.rename("answers.xpt")


_JSON = ("this is JSON, not a table", "CSV or XLSX"), ("这是 JSON", "导出 CSV 或 XLSX")
_WHY_JSON = "every tool that exports JSON exports a table too; answers nested in one another have no columns to map"


@case("124", "a JSON export with nested answers", "refused", *_JSON, why=_WHY_JSON)
def _(f: Folder) -> None:
    f.send(json.dumps({"version": 2, "answers": [{"answer": row} for row in f.answers]}, ensure_ascii=False))
    f.rename("answers.json")


@case("124a", "JSON, one answer a line", "refused", *_JSON, why=_WHY_JSON)
def _(f: Folder) -> None:
    f.send("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in f.answers))


@case(
    "125",
    "test answers, named in wave.yaml",
    "set aside",
    ("2 test answers", "row 122, 123"),
    ("2 行：测试作答", "第 122, 123 行"),
)
def _(f: Folder) -> None:
    f.entry["tests"] = {"来源": ["内部测试"]}
    for row in f.answers:
        row["来源"] = "微信"
    for n in range(2):
        f.answers.append(f.answers[n] | {"id": f"canary9{n}", "来源": "内部测试"})


@case(
    "125a",
    "numbers of staff, named in wave.yaml",
    "set aside",
    ("1 test answers", "row 122"),
    ("测试作答", "第 122 行"),
)
def _(f: Folder) -> None:
    f.entry["tests"] = {"id": ["canary9999"]}
    f.answers.append(f.answers[0] | {"id": "canary9999"})


@case(
    "125b",
    "previews of Qualtrics",
    "set aside",
    ("qualtrics", "1 previews", "row 124"),
    ("qualtrics", "预览作答", "第 124 行"),
)
def _(f: Folder) -> None:
    header = table_of(f)[0]
    names = ["StartDate", "EndDate", "Status", "Progress", "Finished", "ResponseId", *map(str, header)]
    ids = [json.dumps({"ImportId": name}) for name in names]
    answers = [*f.answers, f.answers[0] | {"id": "canary9999"}]
    rows = [
        ["2024-03-02 10:00:00", "2024-03-02 10:05:00", "IP Address", "100", "True", f"R_{n:015}", *row.values()]
        for n, row in enumerate(answers)
    ]
    rows[-1][2] = "Survey Preview"
    f.send(f.csv(rows=[dict(zip(names, line, strict=True)) for line in (names, ids, *rows)]))


@case("125c", "a column of tests that is not there", "refused", ("not in the header: 来源",), ("不在表头中：来源",))
def _(f: Folder) -> None:
    f.entry["tests"] = {"来源": ["内部测试"]}
