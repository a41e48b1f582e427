"""Cases 93, 103b-106 and 113: organisations, and what answers are weighted to."""

from __future__ import annotations

from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import some

NO_GROUP, NO_GROUP_ZH = "an organisation that the study does not know", "组织名称或编码不在研究之内"


def weighted(f: Folder, *margins: str) -> None:
    """Let the study weight its answers to these margins."""
    f.study["weights"] = {"count": "members", "margins": [[m] for m in margins]}


def own_weights(f: Folder, *first: str) -> None:
    """Let the answers bring their own weights."""
    f.entry["columns"]["w"] = "weight"
    for row in f.answers:
        row["w"] = "1.5"
    some(f, "w", *first)


@case(
    "93",
    "an organisation that the study does not know",
    "set aside",
    (NO_GROUP, "(row 2)", "nearest that the study knows: league", "values"),
    (NO_GROUP_ZH, "（第 2 行）", "研究中最接近的：league", "values"),
)
def _(f: Folder) -> None:
    some(f, "org", "leagues")


@case(
    "93a",
    "many rows of an organisation that the study does not know",
    "refused",
    ("answers.csv", NO_GROUP, "first rows 2, 3", "union", "values", "set_aside_share"),
    ("answers.csv", NO_GROUP_ZH, "最前几行：2, 3", "union", "values", "set_aside_share"),
)
def _(f: Folder) -> None:
    some(f, "org", *["the union"] * 5)


@case(
    "103b",
    "words where the registry counts",
    "refused",
    ("registry.csv", "“n” (members)", "no numbers"),
    ("registry.csv", "“n”（members）", "不是数字"),
)
def _(f: Folder) -> None:
    f.registry[0]["n"] = "约100"


@case(
    "104",
    "weights of nought, below nought and missing",
    "warned",
    ("outside the item's codes or limits", "(w: row 2, 3)", "3 answers have no weight"),
    ("超出编码或范围", "（w：第 2, 3 行）", "3 份答卷没有权重"),
    same=True,
)
def _(f: Folder) -> None:
    own_weights(f, "0", "-1", "")


@case(
    "104a",
    "a weight of more than ten times the usual one",
    "warned",
    "1 weights are more than ten times",
    "1 个权重超过中位数的十倍",
    same=True,
)
def _(f: Folder) -> None:
    own_weights(f, "300")


@case(
    "104b",
    "weights that are no numbers",
    "refused",
    ("answers.csv", "“w” (weight)", "no numbers"),
    ("answers.csv", "“w”（weight）", "不是数字"),
)
def _(f: Folder) -> None:
    own_weights(f, *["inf", "nan", "#DIV/0!", "x"])


@case(
    "105",
    "an organisation of the registry that nobody answered for",
    "warned",
    ("answers stand in small cells of the weighting margins that are laid together",),
    ("加权单元过小，已合并",),
)
def _(f: Folder) -> None:
    weighted(f, "group")
    f.answers = [row for row in f.answers if row["org"] != "women"]


@case(
    "106",
    "an item that nobody answered",
    "warned",
    ("age: nine in ten did not answer", "is the right column mapped"),
    ("age：九成以上未回答", "对应的列是否正确"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["q5"] = ""


@case("113", "an item that one in fifteen answered", "warned", "age: nine in ten did not answer", "age：九成以上未回答")
def _(f: Folder) -> None:
    for row in f.answers[8:]:
        row["q5"] = ""


@case(
    "114",
    "an item that half of one organisation left unanswered, and nobody of the others",
    "warned",
    ("age: in some organisations 30 in a hundred more left it unanswered", "do not compare"),
    ("age：有的组织未回答的比例比其他组织高 30 个百分点以上", "请勿据此比较"),
)
def _(f: Folder) -> None:
    silent = [row for row in f.answers if row["org"] == "union"][::2]
    for row in silent:
        row["q5"] = ""
