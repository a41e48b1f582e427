"""Cases 93-106 and 113: organisations, places, the registry and what answers are weighted to."""

from __future__ import annotations

from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import some

NO_GROUP, NO_GROUP_ZH = "an organisation that the study does not know", "组织名称或编码不在研究之内"
NO_PLACE, NO_PLACE_ZH = "a place that the study does not know, or that was not valid then", "地区编码不存在或当时无效"
YEAR, YEAR_ZH = "coded by a table of another year", "其他年份的版本"
DATED = "the day of the table is known by each code's own days; a later issue shares the old place's people out among the new ones"


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


@case("94", "a place that the study does not know", "set aside", (NO_PLACE, "(row 2)"), (NO_PLACE_ZH, "（第 2 行）"))
def _(f: Folder) -> None:
    some(f, "place", "990999")


@case(
    "95",
    "places coded by the table of another year",
    "refused",
    ("answers.csv", NO_PLACE, "first rows 2, 4", YEAR, "under values", "set_aside_share"),
    ("answers.csv", NO_PLACE_ZH, "最前几行：2, 4", YEAR_ZH, "values", "set_aside_share"),
    why=f"refused where the codes are gone; {DATED}",
)
def _(f: Folder) -> None:
    for row in f.answers[::2]:
        row["place"] = "990103"


@case(
    "96",
    "a county that was merged before the fieldwork",
    "set aside",
    (NO_PLACE, "(row 2)"),
    (NO_PLACE_ZH, "（第 2 行）"),
    why=DATED,
)
def _(f: Folder) -> None:
    some(f, "place", "990103")


@case(
    "96a", "a county that was merged, declared under values", "harmless", why="the clerk says what the old code is now"
)
def _(f: Folder) -> None:
    for row in f.answers[:20:2]:
        row["place"] = "990103"
    f.entry["values"] = {"region": {"990103": "990102"}}


@case("97", "places by name", "harmless", why="a name that one place alone has stands for it, as a label does")
def _(f: Folder) -> None:
    for row in f.answers:
        row["place"] = {"990102": "东区", "990104": "Hill"}[row["place"]]


@case("97a", "a name that two places have", "set aside", (NO_PLACE, "(row 2, 3)"), (NO_PLACE_ZH, "（第 2, 3 行）"))
def _(f: Folder) -> None:
    f.texts["places.csv"] += (
        "990200,990000,city,Sea,海市,,\n990202,990200,county,Drum,鼓楼,,\n990106,990100,county,Drum,鼓楼,,\n"
    )
    some(f, "place", "鼓楼", "Drum")


@case("98", "codes of 6, 9 and 12 digits mixed", "harmless", why="filled up with noughts, a code is the same place")
def _(f: Folder) -> None:
    some(f, "place", "990102000", "990104000000", "990102000000")


@case(
    "98a",
    "codes that lost their trailing noughts",
    "set aside",
    (NO_PLACE, "(row 2, 3)"),
    (NO_PLACE_ZH, "（第 2, 3 行）"),
)
def _(f: Folder) -> None:
    some(f, "place", "9901", "99")


@case(
    "99",
    "a township that lies in another county than the next column says",
    "warned",
    "not mapped, not stored: county",
    "未对应、不保存的列：county",
    same=True,
    why="one column says where somebody lives and the table says what it lies in; a second one is named and not stored",
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["county"] = "990102"


@case(
    "100",
    "answers of a city that is not told by county, and of a township",
    "harmless",
    same=False,
    why="a place of any level of the study's table is one",
)
def _(f: Folder) -> None:
    some(f, "place", "990100", "990104001", "990000")


@case(
    "101",
    "a registry whose counties do not add up to their city",
    "warned",
    ("in 3 cases the places below do not add up to the place above"),
    "有 3 处下级之和与上级不符",
    same=True,
)
def _(f: Folder) -> None:
    f.registry += [row | {"place": "990100", "n": "250"} for row in f.registry[::2]]


@case(
    "102",
    "a registry that counts fewer members than answered",
    "warned",
    ("in 1 cases it counts fewer members than answered", "another day"),
    ("有 1 处登记的会员数少于答卷数", "其他日期"),
    same=True,
    why="guests and newcomers answer as well: the answers stay, and the registry is to be looked at",
)
def _(f: Folder) -> None:
    f.registry[0]["n"] = "3"


@case(
    "103",
    "no registry count for an organisation that answered",
    "warned",
    ("answers stand in small cells of the weighting margins that are laid together",),
    ("加权单元过小，已合并",),
    why="the organisation is weighted together with another one and that is told; the rest of the survey needs its weights",
)
def _(f: Folder) -> None:
    weighted(f, "group")
    for row in f.registry[:2]:
        row["n"] = "0"


@case("103a", "a wave without any registry count", "warned", "the answers are not weighted", "答卷未加权", same=True)
def _(f: Folder) -> None:
    weighted(f, "group")
    for row in f.registry:
        row["n"] = ""


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
