"""Cases 39-45: the columns of a table."""

from __future__ import annotations

from tests.survey.catalogue.books import send, table_of, workbook
from tests.survey.catalogue.ground import Folder, case


@case("39", "columns at the end without name and cells", "harmless", why="nothing stands in them, nothing is lost")
def _(f: Folder) -> None:
    f.send("".join(f"{line},,\n" for line in f.csv().splitlines()))


@case(
    "39a",
    "a column without a name that holds something",
    "refused",
    ("row 1", "column 14 has no name"),
    ("第 1 行", "第 14 列"),
)
def _(f: Folder) -> None:
    first, *lines = f.csv().splitlines()
    f.send("\n".join([f"{first},", *(f"{line},canary" for line in lines)]) + "\n")


@case("39b", "formatted columns behind the table of a workbook", "repaired", "13 of 13 columns", "共 13 列")
def _(f: Folder) -> None:
    send(f, workbook([[*row, None, " "] for row in table_of(f)]))


@case(
    "40",
    "two columns of one name",
    "refused",
    ("row 1", "columns stand twice in the header: q1"),
    ("第 1 行", "重复的列：q1"),
)
def _(f: Folder) -> None:
    first, *lines = f.csv().splitlines()
    f.send("\n".join([first.replace("q2", "q1"), *lines]) + "\n")


@case(
    "41",
    "a renamed column",
    "refused",
    ("row 1", "not in the header: q3", "Nobody mapped: 就业状况", "Correct the mapping"),
    ("第 1 行", "不在表头中：q3", "尚未对应的列：就业状况", "请修改 wave.yaml"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["就业状况"] = row.pop("q3")


@case(
    "41a",
    "a renamed column that its question gives away",
    "refused",
    ("row 1", "not in the header: q3", "Best guess", "q3 → 3、您在哪里工作 (", "Correct the mapping"),
    ("第 1 行", "不在表头中：q3", "最接近的列", "q3 → 3、您在哪里工作 (", "请修改 wave.yaml"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["3、您在哪里工作"] = row.pop("q3")


@case(
    "42",
    "a column that wave.yaml maps is not there",
    "refused",
    ("row 1", "not in the header: q2"),
    ("第 1 行", "不在表头中：q2"),
    why="what was mapped was expected: the clerk takes the line out of wave.yaml, and the item is “not asked”",
)
def _(f: Folder) -> None:
    for row in f.answers:
        del row["q2"]


@case("42a", "an item that no column brings", "warned", ("bel2", "treated as not asked"), ("bel2", "按未提问处理"))
def _(f: Folder) -> None:
    for row in f.answers:
        del row["q2"]
    del f.entry["columns"]["q2"]


@case(
    "42b",
    "no column for what answers must have",
    "refused",
    ("2024/wave.yaml", "no column is mapped to “group”"),
    ("2024/wave.yaml", "没有列对应“group”"),
)
def _(f: Folder) -> None:
    del f.entry["columns"]["org"]


@case("43", "columns in another order", "harmless", why="columns are known by their names")
def _(f: Folder) -> None:
    f.answers = [dict(reversed(row.items())) for row in f.answers]


@case("44", "a new column", "warned", ("answers.csv", "not mapped, not stored: 新题"), "不保存的列：新题")
def _(f: Folder) -> None:
    for row in f.answers:
        row["新题"] = "3"


@case(
    "45",
    "phone numbers in a column that is mapped to something else",
    "refused",
    ("answers.csv", "phone numbers", "org", "Remove them"),
    ("手机号", "org", "请删除"),
)
def _(f: Folder) -> None:
    f.study["groups"] = {"any": {"en": "Unit {code}", "zh": "{code} 组"}}
    for n, row in enumerate(f.answers):
        row["org"] = f"139123456{n:02}" if n < 100 else "13912345678"


@case(
    "45a",
    "phone numbers in a column that nobody mapped",
    "warned",
    ("not mapped, not stored: 联系方式", "of these, columns that lead to people", "until workbench seal"),
    ("不保存的列：联系方式", "其中可识别个人的列", "workbench seal"),
    why="every platform sends such columns: what is not mapped is not stored, and its name is told",
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["联系方式"] = "13912345678"


@case("45b", "id numbers for strata", "refused", ("id numbers", "抽样层"), ("身份证号", "抽样层"))
def _(f: Folder) -> None:
    f.entry["columns"]["抽样层"] = "strata"
    for row in f.answers:
        row["抽样层"] = "11010519491231002X"


@case("45c", "e-mail addresses for activities", "refused", ("log.csv", "e-mail addresses: what"), ("电子邮箱：what",))
def _(f: Folder) -> None:
    for row in f.log:
        row["what"] = "canary@example.org"
