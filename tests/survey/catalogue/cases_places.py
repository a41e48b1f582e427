"""Cases 94-100: places by code and by name, and places whose boundaries moved."""

from __future__ import annotations

from tests.survey.catalogue.ground import Folder, Rows, case
from tests.survey.catalogue.waves import a_year_before, add_wave_before, some

NO_PLACE, NO_PLACE_ZH = "a place that the study does not know", "地区名称或编码不在研究之内"
ENDED, ENDED_ZH = "the code of a place that had ended by then", "地区编码当时已撤销"
SEVERAL, SEVERAL_ZH = "a name that several places have; give the place above too", "地名有几处相同；请同时写明上级地区"
BECAME = "990103 (2021-04-01) → 990102, 990104"
WALK = (
    "from,to,valid_from,share\n990103,990102,2021-04-01,{}\n990103,990104,2021-04-01,{}\n990104,990104,2021-04-01,1\n"
)
DRUMS = "990200,990000,city,Sea,海市,,\n990202,990200,county,Drum,鼓楼区,,\n990106,990100,county,Drum,鼓楼区,,\n"


def crosswalk(f: Folder, first: str = "", second: str = "") -> None:
    """Say what became of West: a part of it is East now, the rest Hill."""
    f.study["places"] |= {"crosswalk": "crosswalk.csv"}
    f.texts["crosswalk.csv"] = WALK.format(first, second)


def within(f: Folder, cells: list[str]) -> None:
    """Let a second column say what each row's place lies in."""
    f.entry["columns"]["above"] = "within"
    for row, cell in zip(f.answers, cells, strict=True):
        row["above"] = cell


def parted_since(f: Folder) -> Rows:
    """Let West have ended between the wave before and this one; give the answers of the wave before, all from there."""
    f.texts["places.csv"] = f.texts["places.csv"].replace("2021-04-01", "2023-06-01")
    f.texts["crosswalk.csv"] = f.texts["crosswalk.csv"].replace("2021-04-01", "2023-06-01")
    return [row | {"place": "990103"} for row in a_year_before(f)]


@case("94", "a place that the study does not know", "set aside", (NO_PLACE, "(row 2)"), (NO_PLACE_ZH, "（第 2 行）"))
def _(f: Folder) -> None:
    some(f, "place", "990999")


@case(
    "95",
    "places coded by the table of another year",
    "refused",
    (
        "answers.csv",
        ENDED,
        "first rows 2, 4",
        "table of another year",
        "codes that stayed may mean another area",
        BECAME,
    ),
    ("answers.csv", ENDED_ZH, "最前几行：2, 4", "其他年份的版本", "沿用的代码所指范围也可能不同", BECAME),
)
def _(f: Folder) -> None:
    crosswalk(f)
    for row in f.answers[::2]:
        row["place"] = "990103"


@case(
    "95a",
    "places coded by a table that is younger than the fieldwork",
    "set aside",
    ("the code of a place that did not exist yet", "(row 2)", "990107 (2025-01-01)"),
    ("地区编码当时尚未设立", "（第 2 行）", "990107 (2025-01-01)"),
)
def _(f: Folder) -> None:
    f.texts["places.csv"] += "990107,990100,county,New,新区,2025-01-01,\n"
    some(f, "place", "990107")


@case(
    "96",
    "a county that was parted before the fieldwork",
    "set aside",
    (ENDED, "(row 2)", f"what they are or were: {BECAME}", "under values"),
    (ENDED_ZH, "（第 2 行）", f"沿革：{BECAME}", "values"),
)
def _(f: Folder) -> None:
    crosswalk(f)
    some(f, "place", "990103")


@case(
    "96a", "a county that was merged, declared under values", "harmless", why="the clerk says what the old code is now"
)
def _(f: Folder) -> None:
    for row in f.answers[:20:2]:
        row["place"] = "990103"
    f.entry["values"] = {"region": {"990103": "990102"}}


@case(
    "96b",
    "a county that was parted between two waves, nobody knows by which shares",
    "warned",
    ("120 answers of earlier waves lie in places whose boundaries moved since", "series are broken", "crosswalk"),
    ("以前波次的 120 份答卷所在地区此后调整了边界", "序列中断", "crosswalk"),
    same=False,
)
def _(f: Folder) -> None:
    crosswalk(f)
    add_wave_before(f, parted_since(f))


@case(
    "96c",
    "a county that was parted between two waves, with the shares of its people",
    "harmless",
    ("120 answers of earlier waves are carried to the boundaries of this wave",),
    ("以前波次的 120 份答卷已按对照表的份额归入本波次的地区",),
    same=False,
    why="what is known of the shares is used, and told",
)
def _(f: Folder) -> None:
    crosswalk(f, "0.25", "0.75")
    add_wave_before(f, parted_since(f))


@case(
    "96d",
    "a crosswalk whose shares do not add up",
    "refused",
    ("crosswalk.csv", "row 2", "990103 on 2021-04-01 add up to 0.9, not to 1"),
    ("crosswalk.csv", "第 2 行", "990103 在 2021-04-01 的份额合计为 0.9"),
)
def _(f: Folder) -> None:
    crosswalk(f, "0.25", "0.65")


@case("97", "places by name", "harmless", why="a name that one place alone has stands for it, as a label does")
def _(f: Folder) -> None:
    for row in f.answers:
        row["place"] = {"990102": "东区", "990104": "Hill"}[row["place"]]


@case("97a", "a name that two places have", "set aside", (SEVERAL, "(row 2, 3)"), (SEVERAL_ZH, "（第 2, 3 行）"))
def _(f: Folder) -> None:
    f.texts["places.csv"] += DRUMS
    some(f, "place", "鼓楼", "Drum")


@case("97b", "names with the places above them, in one cell", "harmless", why="the places above say which one is meant")
def _(f: Folder) -> None:
    f.texts["places.csv"] += DRUMS + "990204,990200,county,Hill,山县,,\n"
    for row in f.answers:
        row["place"] = {"990102": "北省-湖市-东区", "990104": "湖市山县"}[row["place"]]


@case("97c", "names with the place above in a second column", "harmless", why="the second column is mapped to within")
def _(f: Folder) -> None:
    f.texts["places.csv"] += DRUMS + "990204,990200,county,Hill,山县,,\n"
    within(f, ["湖市"] * len(f.answers))
    for row in f.answers:
        row["place"] = {"990102": "东区", "990104": "山县"}[row["place"]]


@case("98", "codes of 6, 9 and 12 digits mixed", "harmless", why="filled up with noughts, a code is the same place")
def _(f: Folder) -> None:
    some(f, "place", "990102000", "990104000000", "990102000000")


@case(
    "98a",
    "codes of cities and provinces without their noughts",
    "harmless",
    same=False,
    why="two and four digits are how code tables write provinces and cities, and name no other place",
)
def _(f: Folder) -> None:
    some(f, "place", "9901", "99")


@case("98b", "codes that lost digits", "set aside", (NO_PLACE, "(row 2, 3)"), (NO_PLACE_ZH, "（第 2, 3 行）"))
def _(f: Folder) -> None:
    some(f, "place", "99010", "9901020")


@case(
    "98c",
    "townships and villages that the study's table does not list",
    "harmless",
    same=False,
    why="places: to says that they are known by the county that their digits name",
)
def _(f: Folder) -> None:
    f.study["places"] |= {"to": "village"}
    some(f, "place", "990102003", "990102003000", "990104001207")


@case(
    "98d", "a village of a county that there is not", "set aside", (NO_PLACE, "(row 2)"), (NO_PLACE_ZH, "（第 2 行）")
)
def _(f: Folder) -> None:
    f.study["places"] |= {"to": "village"}
    some(f, "place", "990177003207")


@case(
    "99",
    "a township that lies in another county than the next column says",
    "set aside",
    ("rows whose place does not lie in the place above that they name", "(row 2)"),
    ("地区不属于所填的上级地区", "（第 2 行）"),
)
def _(f: Folder) -> None:
    within(f, ["990102", *[row["place"] for row in f.answers[1:]]])
    some(f, "place", "990104001")


@case(
    "99a",
    "the same, where nobody mapped the next column",
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
    "100a",
    "places that lack a level: a district of a city that is a province, a county that its province governs, a city of "
    "Xinjiang's corps, a township of a city without counties; and a development zone",
    "harmless",
    same=False,
    why="each stands right below the place that governs it; a zone, which the code table does not have, is in the study's own file",
)
def _(f: Folder) -> None:
    f.study["places"] = {"under": "100000", "file": "places.csv", "to": "township"}
    f.texts["places.csv"] = "code,parent,level,name_en,name_zh\n130171,130100,county,Zone,高新区\n"
    places = {"990102": "110101", "990104": "429004"}
    for row in (*f.answers, *f.log):
        row["place"] = places[row["place"]]
    f.registry = [row | {"place": "100000"} for row in f.registry[::2]]
    some(f, "place", "659001", "441900003", "130171", "110000", "北京市朝阳区", "湖北省仙桃市")
    for row in f.answers:
        row["q6"] = "110105"
