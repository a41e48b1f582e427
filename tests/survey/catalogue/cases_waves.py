"""Cases 51-54 and 70-73: one wave against another, and files that come twice or to the wrong wave."""

from __future__ import annotations

from pathlib import Path

from survey import open_study
from tests.survey.catalogue.ground import WAVE, Folder, case
from tests.survey.catalogue.waves import a_year_before, add_items, add_wave_before, all_of, answered, some, turned

BATTERY = [f"s{n}" for n in range(1, 5)]
REFUSED = ("2024/answers.csv", "are not in its codes or limits", "out_of_range_share")
REFUSED_ZH = ("2024/answers.csv", "不在编码或范围之内", "out_of_range_share")


@case(
    "51",
    "labels worded otherwise than in the wave before",
    "refused",
    (*REFUSED, "“q1” (bel1)", "values"),
    (*REFUSED_ZH, "“q1”（bel1）", "values"),
    why="a label that the code set does not have is no answer; two waves whose sets differ are 51b",
)
def _(f: Folder) -> None:
    add_wave_before(f, a_year_before(f))
    all_of(f, "q1", {"5": "满意得很", "4": "还可以"})


@case("51a", "labels worded otherwise, declared under values", "harmless")
def _(f: Folder) -> None:
    all_of(f, "q1", {"5": "满意得很", "4": "还可以"})
    f.entry["values"] = {"bel1": {"满意得很": "5", "还可以": "4"}}


@case(
    "51b",
    "the same codes with other labels in the instrument's new version",
    "warned",
    ("bel1: the question or its answers are worded otherwise", "give the item another name"),
    ("bel1：题目或选项的措辞与以前波次不同", "请在 instrument.csv 中另起题目名"),
)
def _(f: Folder) -> None:
    labels = f.study["code_sets"]["agree5"]["codes"] | {"3": {"en": "Rather agree", "zh": "比较同意"}}
    f.study["code_sets"]["agree5b"] = {"codes": labels, "missing": {"9": {"en": "Don't know", "zh": "说不清"}}}
    line = next(line for line in f.texts["instrument.csv"].splitlines() if line.startswith("bel1"))
    both = line.replace("bel1,,", "bel1,0,") + "\n" + line.replace("bel1,,", "bel1,1,").replace("agree5", "agree5b")
    f.texts["instrument.csv"] = f.texts["instrument.csv"].replace(line, both)
    add_wave_before(f, a_year_before(f), instrument="0")


@case(
    "52",
    "a battery turned round: 1 was best this time",
    "refused",
    ("2024/answers.csv", "4 items (s1, s2, s3, s4) look turned round", "under values", "rule: direction"),
    ("2024/answers.csv", "4 道题（s1, s2, s3, s4）", "方向相反", "values", "rule: direction"),
)
def _(f: Folder) -> None:
    add_items(f, BATTERY)
    add_wave_before(f, answered(a_year_before(f), BATTERY, seed=1))
    f.answers = turned(answered(f.answers, BATTERY, seed=2), BATTERY)


@case(
    "52a",
    "a battery that an office says was not turned round",
    "harmless",
    ("direction", "the office"),
    "direction",
    same=False,
)
def _(f: Folder) -> None:
    add_items(f, BATTERY)
    add_wave_before(f, answered(a_year_before(f), BATTERY, seed=1))
    f.answers = turned(answered(f.answers, BATTERY, seed=2), BATTERY)
    decision = {"rule": "direction", "accept": "answers.csv", "office": "the office", "why": "it is so"}
    f.wave["decisions"] = [decision]


@case("52b", "the same battery a year later, in the same direction", "harmless", same=False)
def _(f: Folder) -> None:
    add_items(f, BATTERY)
    add_wave_before(f, answered(a_year_before(f), BATTERY, seed=1))
    f.answers = answered(f.answers, BATTERY, seed=2, centre=3.4)


@case(
    "53",
    "a reversed item that is not marked so",
    "warned",
    ("s4: goes against the rest of its scale", "reverse", "Nothing was turned"),
    ("s4：与同一量表的其他题目方向相反", "reverse", "未作任何改动"),
    same=False,
)
def _(f: Folder) -> None:
    add_items(f, BATTERY, scale="content")
    f.answers = turned(answered(f.answers, BATTERY, seed=2), BATTERY[3:])


@case(
    "54",
    "1-10 this time, 1-5 in the wave before",
    "warned",
    ("s1, s2: asked in another form in an earlier wave", "not comparable"),
    ("s1, s2：以前波次的题目形式与最新一波不同", "不可比"),
    why="the wave before stays out of the trend of this item; its other items are right and nothing else is refused",
)
def _(f: Folder) -> None:
    names = BATTERY[:2]
    add_items(f, names, version="0")
    add_items(f, names, codes="1..10", version="1")
    add_wave_before(f, answered(a_year_before(f), names, seed=1), instrument="0")
    for row in answered(f.answers, names, seed=2):
        row |= {name: str(2 * int(row[name])) for name in names}


@case("54a", "1-10 answered, 1-5 in the instrument", "refused", (*REFUSED, "another scale"), (*REFUSED_ZH, "换了量尺"))
def _(f: Folder) -> None:
    add_items(f, BATTERY[:1])
    for row in answered(f.answers, BATTERY[:1], seed=2):
        row["s1"] = str(2 * int(row["s1"]))


@case("70", "the same wave checked a second time", "harmless")
def _(f: Folder) -> None:
    f.then.append(lambda study: open_study(study).panel(WAVE) and None)


@case(
    "70a",
    "the same file under two names",
    "refused",
    ("2024/copy.csv", "the same content as 2024/answers.csv", "take one of the two out of wave.yaml"),
    ("2024/copy.csv", "与 2024/answers.csv 完全相同", "从 wave.yaml 中去掉其中一个"),
    why="a file that is named twice is taken out of wave.yaml, so that nobody wonders later which one counted",
)
def _(f: Folder) -> None:
    f.wave["files"].append(f.entry | {"file": "copy.csv"})
    f.raw["copy.csv"] = f.csv().encode()


@case(
    "71",
    "a corrected file in place of the first",
    "harmless",
    why="what counts is what lies in the folder now; a later issue keeps the first version and tells what changed",
)
def _(f: Folder) -> None:
    right = f.csv().encode()

    def step(study: Path) -> None:
        file = study / WAVE / "answers.csv"
        file.write_text(right.decode().replace("union", "league"), "utf-8")
        open_study(study).panel(WAVE)
        file.write_bytes(right)

    f.then.append(step)


@case(
    "72",
    "the file of another wave, by its times",
    "refused",
    ("2024/answers.csv", "100.00% of the answers", "2024-03-01 to 2024-04-15", "outside_fieldwork_share"),
    ("2024/answers.csv", "100.00% 的答卷", "2024-03-01 至 2024-04-15", "outside_fieldwork_share"),
)
def _(f: Folder) -> None:
    f.answers = a_year_before(f)


@case(
    "72a",
    "last wave's file once more, without times",
    "refused",
    ("2024/answers.csv", "the same content as 2023/answers.csv", "Put in the right file"),
    ("2024/answers.csv", "与 2023/answers.csv 完全相同", "请换上正确的文件"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        del row["at"]
    del f.entry["columns"]["at"]
    add_wave_before(f, f.answers)


@case(
    "73",
    "two waves in one file",
    "refused",
    ("50.00% of the answers", "or of two", "outside_fieldwork_share"),
    ("50.00% 的答卷", "两个波次混在一起", "outside_fieldwork_share"),
)
def _(f: Folder) -> None:
    f.answers[60:] = a_year_before(f)[60:]


@case(
    "73a",
    "three answers after the end of the fieldwork",
    "warned",
    ("3 answers", "outside the fieldwork"),
    "3 份答卷不在调查期内",
)
def _(f: Folder) -> None:
    some(f, "at", *["2024-05-20 10:00"] * 3)
