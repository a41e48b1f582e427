"""Cases 101-103: a registry that contradicts itself, or the answers."""

from __future__ import annotations

from tests.survey.catalogue.cases_units import weighted
from tests.survey.catalogue.ground import Folder, case


@case(
    "101",
    "a registry whose counties do not add up to their city",
    "warned",
    ("in 3 cases the places below do not add up to the place above (largest difference: 50)", "its own"),
    ("有 3 处下级之和与上级不符（最大差额 50）", "直属"),
    same=True,
)
def _(f: Folder) -> None:
    f.registry += [row | {"place": "990100", "n": "250", "money": "11"} for row in f.registry[::2]]


@case(
    "101a",
    "the same, where answers are weighted to these counts",
    "refused",
    (
        "registry.csv",
        "members: in 3 cases",
        "differ from its own row by more than 1.0%",
        "990100 has 250",
        "200 below it",
        "registry_gap",
    ),
    ("registry.csv", "members：有 3 处", "相差超过 1.0%", "990100 本行为 250", "下级合计为 200", "registry_gap"),
)
def _(f: Folder) -> None:
    weighted(f, "group", "county")
    f.registry += [row | {"place": "990100", "n": "250", "money": "11"} for row in f.registry[::2]]


@case(
    "101b",
    "the same, accepted by an office",
    "warned",
    ("largest difference: 50", "registry.csv, registry_gap: accepted by the registry's office", "answers are weighted"),
    ("最大差额 50", "registry.csv，registry_gap：the registry's office 同意接受", "已加权"),
    why="what a city counts beyond its counties is taken as its own",
)
def _(f: Folder) -> None:
    weighted(f, "group", "county")
    f.registry += [row | {"place": "990100", "n": "250", "money": "11"} for row in f.registry[::2]]
    accepted = {
        "rule": "registry_gap",
        "accept": "registry.csv",
        "office": "the registry's office",
        "why": "members of the city",
    }
    f.wave["decisions"] = [accepted]


@case(
    "101c",
    "counties that miss their city by less than one in a hundred, where answers are weighted",
    "warned",
    ("largest difference: 1)", "answers are weighted"),
    ("最大差额 1）", "已加权"),
    why="a difference that small moves no weight that could be seen",
)
def _(f: Folder) -> None:
    weighted(f, "group", "county")
    f.registry += [row | {"place": "990100", "n": "201", "money": "11"} for row in f.registry[::2]]


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
    ("in 2 cases people answered of whom it counts no member", "answers stand in small cells of the weighting margins"),
    ("有 2 处有答卷而登记会员数为零或缺失", "加权单元过小，已合并"),
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
    "103c",
    "a county that the registry does not count, with answers",
    "warned",
    (
        "in 3 cases people answered of whom it counts no member; where weights are made, they count with their neighbours",
        "laid together",
    ),
    ("有 3 处有答卷而登记会员数为零或缺失；如需加权，则与相邻单位合并", "已合并"),
    why="the county is weighted together with the next one of its city",
)
def _(f: Folder) -> None:
    weighted(f, "county")
    f.registry = [row for row in f.registry if row["place"] != "990104"]


@case(
    "102a",
    "a registry that counts fewer members than answered in the whole wave",
    "warned",
    ("it counts fewer members than answered in the whole wave", "the answers are not weighted"),
    ("登记会员总数少于答卷总数，未按其加权", "答卷未加权"),
    same=True,
    why="no weight can make 60 people of 120; the survey itself is as good as before",
)
def _(f: Folder) -> None:
    weighted(f, "group")
    for row in f.registry:
        row["n"] = "10"


@case(
    "102b",
    "one county that counts fewer members than answered, where answers are weighted",
    "warned",
    ("in 3 cases it counts fewer members than answered", "laid together"),
    ("有 3 处登记的会员数少于答卷数", "已合并"),
    why="its cell is laid together with the next one of its city: nobody counts for less than one",
)
def _(f: Folder) -> None:
    weighted(f, "county")
    for row in f.registry:
        if row["place"] == "990104":
            row["n"] = "15"


@case(
    "115",
    "2 in 100 of those asked answered",
    "warned",
    ("120 of 6,000 people asked answered", "ranks nobody", "invited in wave.yaml"),
    ("应答者 120 人，应答对象 6,000 人", "不作排名", "invited"),
    same=True,
)
def _(f: Folder) -> None:
    f.wave["invited"] = 6000
