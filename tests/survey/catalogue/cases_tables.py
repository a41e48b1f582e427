"""Cases 14-25: how a table is cut into fields and rows."""

from __future__ import annotations

import os
from itertools import cycle
from pathlib import Path

from survey import readers
from tests.survey.catalogue.ground import LOGGED, Folder, case


@case("14", "semicolons between the fields", "repaired", "delimiter “;”", "分隔符“;”")
def _(f: Folder) -> None:
    f.send(f.csv(";"))


@case("14a", "tabs between the fields", "repaired", "delimiter “tab”", "分隔符“tab”")
def _(f: Folder) -> None:
    f.send(f.csv("\t"))


@case("14b", "full-width commas between the fields", "repaired", "delimiter “，”", "分隔符“，”")
def _(f: Folder) -> None:
    f.send(f.csv("，"))


@case(
    "14c",
    "two delimiters that cut every row equally",
    "refused",
    ("answers.csv", "row 1", "delimiter is not clear", "layout: delimiter"),
    ("第 1 行", "无法判断分隔符", "delimiter"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["q4"] = "1"
    f.send("".join(_mixed(line.split(",")) for line in f.csv().splitlines()))


def _mixed(fields: list[str]) -> str:
    """Fields with a comma and a semicolon in turn between them."""
    return "".join(field + sign for field, sign in zip(fields[:-1], cycle(",;"), strict=False)) + fields[-1] + "\n"


@case(
    "14d",
    "semicolons, though wave.yaml says commas",
    "refused",
    ("answers.csv", "not in the header: id, org", "layout: delimiter"),
    ("不在表头中：id, org", "delimiter"),
)
def _(f: Folder) -> None:
    f.entry["layout"] = {"delimiter": ","}
    f.send(f.csv(";"))


@case("15", "decimal comma, declared", "harmless", why="the mark is declared: nothing about the numbers is in doubt")
def _(f: Folder) -> None:
    f.entry["layout"] = {"decimal": ","}
    for row in f.answers:
        row["q5"] += ",0"


@case(
    "15a",
    "decimal comma, not declared",
    "refused",
    ("answers.csv", "column “q5” (age)", "first rows 2, 3, 4, 5, 6", "layout: thousands, decimal"),
    ("列“q5”（age）", "2, 3, 4, 5, 6", "thousands、decimal"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["q5"] += ",5"


@case("15b", "thousands 1,234, declared", "harmless", why="the mark is declared: nothing about the numbers is in doubt")
def _(f: Folder) -> None:
    f.wave["files"][2]["layout"] = {"thousands": ","}
    f.registry[0]["n"] = "1,100"


@case(
    "15c",
    "thousands 1,234, not declared",
    "refused",
    ("registry.csv", "column “n” (members)", "layout: thousands, decimal"),
    ("registry.csv", "列“n”（members）", "thousands、decimal"),
)
def _(f: Folder) -> None:
    for row in f.registry:
        row["n"] = "1,100"


@case(
    "15d",
    "the same sign for decimals and thousands",
    "refused",
    ("2024/wave.yaml", "same sign"),
    ("wave.yaml", "decimal 与 thousands 相同"),
)
def _(f: Folder) -> None:
    f.entry["layout"] = {"decimal": ",", "thousands": ","}


@case(
    "16",
    "85%, 3次, 约5 where a number is asked",
    "warned",
    "1 cells that are no number: now missing (q5: row 2)",
    ("1 个单元格不是数字", "q5：第 2 行"),
    why="the cell becomes missing and is counted; the other answers of the row stay",
)
def _(f: Folder) -> None:
    f.answers[0]["q5"] = "约30"


@case("16a", "units in a whole column", "refused", ("column “q5” (age)", "units"), ("列“q5”（age）", "单位"))
def _(f: Folder) -> None:
    for row, unit in zip(f.answers, cycle(("%", "岁", "次")), strict=False):
        row["q5"] += unit


@case("17", "a quote that is never closed", "refused", ("answers.csv", "row 62", "quote"), ("第 62 行", "引号"))
def _(f: Folder) -> None:
    lines = f.csv().splitlines(keepends=True)
    f.send("".join([*lines[:61], lines[61].replace("canary 金丝雀", '"canary 金丝雀'), *lines[62:]]))


@case("17a", "an open quote that a later one seems to close", "refused", ("row 62", "quote"), ("第 62 行", "引号"))
def _(f: Folder) -> None:
    lines = f.csv().splitlines(keepends=True)
    for n in (61, 71):
        lines[n] = lines[n].replace("canary 金丝雀", '"canary 金丝雀')
    f.send("".join(lines))


@case(
    "18",
    "a row shorter than the header",
    "set aside",
    ("rows shorter than the header", "row 4"),
    ("列数少于表头", "第 4 行"),
)
def _(f: Folder) -> None:
    lines = f.csv().splitlines(keepends=True)
    lines[3] = lines[3].rpartition(",")[0].rpartition(",")[0] + "\n"
    f.send("".join(lines))


@case(
    "18a",
    "many rows shorter than the header",
    "refused",
    ("answers.csv", "27 rows shorter than the header; first rows 4, 5, 6", "set_aside_share"),
    ("列数少于表头", "4, 5, 6", "set_aside_share"),
)
def _(f: Folder) -> None:
    lines = f.csv().splitlines(keepends=True)
    f.send("".join([*lines[:3], *(line.rpartition(",")[0] + "\n" for line in lines[3:30]), *lines[30:]]))


@case(
    "19",
    "every row one field too many",
    "refused",
    ("row 2", "120 rows have more fields than the header", "delimiters"),
    ("第 2 行", "120 行的字段数多于表头", "分隔符"),
)
def _(f: Folder) -> None:
    first, *lines = f.csv().splitlines()
    f.send("\n".join([first, *(f"canary,{line}" for line in lines)]) + "\n")


@case("19a", "an empty field behind every row", "harmless", why="nothing stands in it and no column moves")
def _(f: Folder) -> None:
    first, *lines = f.csv().splitlines()
    f.send("\n".join([first, *(f"{line}," for line in lines)]) + "\n")


@case("20", "line breaks inside cells", "harmless", why="a cell in quotes may hold them: the file is as it should be")
def _(f: Folder) -> None:
    for row in f.answers:
        row["q7"] = "canary\r\n金丝雀\ncanary"


@case(
    "20a",
    "line ends of one carriage return",
    "harmless",
    why="every kind of line end is read; there is nothing to decide",
)
def _(f: Folder) -> None:
    f.send(f.csv(end="\r"))


@case(
    "21",
    "an empty file",
    "refused",
    ("answers.csv", "empty (0 bytes)", "export it again"),
    ("为空（0 字节）", "重新导出"),
)
def _(f: Folder) -> None:
    f.raw["answers.csv"] = b""


@case("21a", "nothing but a byte order mark and line ends", "refused", ("answers.csv", "export it again"), "重新导出")
def _(f: Folder) -> None:
    f.send("\ufeff\n\n")


@case("22", "a header and nothing else", "refused", ("answers.csv", "a header but no rows"), "没有数据行")
def _(f: Folder) -> None:
    f.send(f.csv().splitlines()[0] + "\n")


@case(
    "22a",
    "a log with a header and nothing else",
    "refused",
    ("log.csv", "a header but no rows"),
    ("log.csv", "没有数据行"),
)
def _(f: Folder) -> None:
    f.raw["log.csv"] = (",".join(LOGGED) + "\n").encode()


@case(
    "22b", "answers from the first row on, no header", "refused", ("row 1", "numbers: data?"), ("第 1 行", "似为数据行")
)
def _(f: Folder) -> None:
    f.send(f.csv().partition("\n")[2])


@case("23", "only blank rows", "refused", ("answers.csv", "no rows"), ("answers.csv", "没有"))
def _(f: Folder) -> None:
    first = f.csv().splitlines()[0]
    f.send(first + "\n" + ("," * first.count(",") + "\n") * 30)


@case(
    "23a",
    "blank rows between the answers",
    "repaired",
    ("3 empty rows", "row 12, 23, 34"),
    ("3 行：空行", "第 12, 23, 34 行"),
)
def _(f: Folder) -> None:
    lines = f.csv().splitlines(keepends=True)
    for n in (11, 22, 33):
        lines.insert(n, "," * 12 + "\n")
    f.send("".join(lines))


@case(
    "24",
    "a log of 20,000 rows",
    "harmless",
    why="rows are read in parts and progress is shown; time and memory of a file of 1 GB are measured by tests/bench",
)
def _(f: Folder) -> None:
    for n in range(20_000):
        activity = n // 120
        when = f"2024-03-06 {8 + activity // 60:02}:{activity % 60:02}"
        f.log.append(LOGGED | {"who": f"canary{n % 120:04}", "what": f"b{activity}", "at": when})


@case(
    "24a",
    "a file larger than can be read",
    "refused",
    ("answers.csv", "9.0 GB", "at most 8 GB", "in parts"),
    ("9.0 GB", "最多读取 8 GB", "按组织分成几个文件"),
)
def _(f: Folder) -> None:
    def grow(study: Path) -> None:
        os.truncate(study / "2024" / "answers.csv", readers.MAX_BYTES + 2**30)  # all but its beginning takes no room

    f.then.append(grow)


@case("25", "a cell of 10 MB", "refused", ("row 3", "more than 131,072 signs"), ("第 3 行", "131,072 个字符"))
def _(f: Folder) -> None:
    f.answers[1]["q7"] = "金丝雀 canary " * 1_000_000


@case("25a", "20,000 columns", "refused", ("answers.csv", "more than 5,000 columns"), "多于 5,000 列")
def _(f: Folder) -> None:
    f.answers = [f.answers[0] | {f"c{n}": "" for n in range(20_000)}]
