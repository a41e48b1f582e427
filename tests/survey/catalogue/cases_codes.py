"""Cases 46-50 and 55-60: codes, labels, several codes in one answer, routing, signs for nothing."""

from __future__ import annotations

from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import all_of, some

LABELS = {"1": "Strongly disagree", "2": "不同意", "3": "一般", "4": "同意", "5": "非常同意"}
OUTSIDE = ("outside the item's codes or limits", "now missing")
OUTSIDE_ZH = ("超出编码或范围", "记为缺失")
NO_LABEL, NO_LABEL_ZH = "words that are no label", "不是任何选项"
REFUSED = ("answers.csv", "are not in its codes or limits", "at most 2.00%", "out_of_range_share")
REFUSED_ZH = ("answers.csv", "不在编码或范围之内", "上限为 2.00%", "out_of_range_share")


@case(
    "46",
    "codes out of range: 6 and 0 on 1-5",
    "warned",
    (*OUTSIDE, "(q1: row 2, 3)"),
    (*OUTSIDE_ZH, "（q1：第 2, 3 行）"),
)
def _(f: Folder) -> None:
    some(f, "q1", "6", "0")


@case("46a", "a negative age", "warned", (*OUTSIDE, "(q5: row 2)"), (*OUTSIDE_ZH, "（q5：第 2 行）"))
def _(f: Folder) -> None:
    some(f, "q5", "-1")


@case(
    "46b",
    "answers on 0-10 to an item of 1-5",
    "refused",
    (*REFUSED, "“q1” (bel1)", "Was it asked on another scale", "first rows 2, 7"),
    (*REFUSED_ZH, "“q1”（bel1）", "是否换了量尺", "最前几行：2, 7"),
)
def _(f: Folder) -> None:
    for n, row in enumerate(f.answers):
        row["q1"] = "10" if n % 5 == 0 else row["q1"]


@case(
    "47",
    "99 for “refused” that the instrument does not know",
    "refused",
    (*REFUSED, "“q1”", "99", "missing"),
    (*REFUSED_ZH, "“q1”", "99", "missing"),
)
def _(f: Folder) -> None:
    some(f, "q1", *["99", "88", "99", "-9"])


@case(
    "47a",
    "99 in one answer alone",
    "warned",
    (*OUTSIDE, "(q1: row 2)"),
    (*OUTSIDE_ZH, "（q1：第 2 行）"),
    why="one cell of 120 is missing either way; from 2 % on the file is refused and the meaning asked for",
)
def _(f: Folder) -> None:
    some(f, "q1", "99")


@case(
    "48",
    "a code that is an answer and “refused” as well",
    "refused",
    ("study.yaml: row ", "code_sets.agree5", "stands for two codes"),
    ("study.yaml: 第 ", "code_sets.agree5", "对应了两个编码"),
)
def _(f: Folder) -> None:
    f.study["code_sets"]["agree5"]["missing"]["5"] = {"en": "Refused", "zh": "拒答"}


@case(
    "49",
    "labels instead of codes",
    "harmless",
    why="read as the codes that they are: nothing about the file is in doubt",
)
def _(f: Folder) -> None:
    all_of(f, "q1", LABELS)


@case(
    "49a",
    "a label that the instrument does not know",
    "warned",
    (NO_LABEL, "(q1: row 2)"),
    (NO_LABEL_ZH, "（q1：第 2 行）"),
)
def _(f: Folder) -> None:
    all_of(f, "q1", LABELS)
    some(f, "q1", "canary")


@case("50", "codes and labels mixed: 5-非常同意, 非常同意（5）, 5", "repaired", "40 cells mended", "40 个单元格已修正")
def _(f: Folder) -> None:
    for n, row in enumerate(f.answers):
        label = {"1": "非常不同意"} | LABELS
        row["q1"] = (f"{row['q1']}-{label[row['q1']]}", f"{label[row['q1']]}（{row['q1']}）", row["q1"])[n % 3]


@case(
    "50a",
    "a code with the label of another code",
    "warned",
    (NO_LABEL, "(q1: row 3)"),
    (NO_LABEL_ZH, "（q1：第 3 行）"),
)
def _(f: Folder) -> None:
    f.answers[1]["q1"] = "5-不同意"


def _with(f: Folder, separator: str) -> None:
    all_of(f, "q4", {"2;3": f"2{separator}3"})


@case("55", "several codes with a comma, declared", "harmless")
def _(f: Folder) -> None:
    _with(f, ",")
    f.entry["separator"] = ","


@case(
    "55a",
    "several codes with a comma, not declared",
    "refused",
    (*REFUSED, "“q4” (used)", "separator"),
    (*REFUSED_ZH, "“q4”（used）", "separator"),
)
def _(f: Folder) -> None:
    _with(f, ",")


@case("55b", "several codes as one column each", "harmless")
def _(f: Folder) -> None:
    del f.entry["columns"]["q4"]
    for code in "123":
        f.entry["columns"][f"q4_{code}"] = f"used={code}"
        for row in f.answers:
            row[f"q4_{code}"] = str(int(code in row["q4"])) if row["q4"] else ""
    for row in f.answers:
        del row["q4"]


@case("55c", "several codes with ┋, declared", "harmless")
def _(f: Folder) -> None:
    _with(f, "┋")
    f.entry["separator"] = "┋"


@case(
    "55d",
    "several codes as a bit mask",
    "refused",
    (*REFUSED, "“q4” (used)", "Was it asked on another scale"),
    (*REFUSED_ZH, "“q4”（used）", "是否换了量尺"),
    why="4 is a code as well as a mask: what each mask means is to be declared under values",
)
def _(f: Folder) -> None:
    all_of(f, "q4", {"1": "001", "2;3": "110", "3": "100"})


@case("55e", "a bit mask, declared under values", "harmless")
def _(f: Folder) -> None:
    all_of(f, "q4", {"1": "001", "2;3": "110", "3": "100"})
    f.entry["values"] = {"used": {"001": "1", "110": "2;3", "100": "3"}}


@case(
    "55f", "several codes, one of them unknown", "warned", (*OUTSIDE, "(q4: row 2)"), (*OUTSIDE_ZH, "（q4：第 2 行）")
)
def _(f: Folder) -> None:
    some(f, "q4", "1;7")


@case(
    "56",
    "answered though not asked",
    "warned",
    ("answered by people to whom the question was not put", "(q2: row 3, 4, 6)"),
    ("由不应回答该题的人填写", "（q2：第 3, 4, 6 行）"),
)
def _(f: Folder) -> None:
    head, *lines = f.texts["instrument.csv"].splitlines()
    lines = [line + (",job=NO" if line.startswith("bel2") else ",") for line in lines]
    moved = [next(line for line in lines if line.startswith("job")), *(x for x in lines if not x.startswith("job"))]
    f.texts["instrument.csv"] = "\n".join([head + ",asked_if", *moved]) + "\n"
    for row in f.answers[5:]:
        row["q2"] = row["q2"] if row["q3"] == "NO" else ""


@case("57", "None as an option's label, null as an organisation's code", "harmless", same=False)
def _(f: Folder) -> None:
    all_of(f, "q3", {"NO": "None"})
    f.texts["groups.csv"] = "code,name_en,name_zh\nnull,NA,N/A\nnan,None,无\nwomen,Women,妇联\n"
    named = {"union": "null", "league": "nan"}
    for row in (*f.answers, *f.log, *f.registry):
        row["org"] = named.get(row["org"], row["org"])


@case(
    "58",
    "“-”, “/” and 无 for nothing, declared",
    "repaired",
    "3 cells that say “no answer”",
    "3 个单元格为“未回答”",
    same=False,
)
def _(f: Folder) -> None:
    some(f, "q1", "-", "/", "无")
    f.entry["values"] = {"bel1": dict.fromkeys(("-", "/", "无"), "9")}


@case(
    "58a", "“/” for nothing, not declared", "warned", (NO_LABEL, "(q1: row 2, 3)"), (NO_LABEL_ZH, "（q1：第 2, 3 行）")
)
def _(f: Folder) -> None:
    some(f, "q1", "/", "/")


@case(
    "58b",
    "“/” for nothing in many answers, not declared",
    "refused",
    (*REFUSED, "“q1”", "values"),
    (*REFUSED_ZH, "“q1”", "values"),
)
def _(f: Folder) -> None:
    some(f, "q1", *"//////")


@case("58c", "blanks for nothing", "harmless")
def _(f: Folder) -> None:
    for row in f.answers:
        row["q4"] = row["q4"] or "  "
        row["q2"] = f" {row['q2']} "


@case("59", "TRUE/FALSE, 是/否, Y/N, √ mixed", "harmless")
def _(f: Folder) -> None:
    del f.entry["columns"]["q4"]
    for code in "123":
        f.entry["columns"][f"q4_{code}"] = f"used={code}"
        for n, row in enumerate(f.answers):
            yes, no = (("TRUE", "FALSE"), ("是", "否"), ("Y", "N"), ("√", ""))[n % 4]
            row[f"q4_{code}"] = (yes if code in row["q4"] else no) if row["q4"] else ""
    for n, row in enumerate(f.answers):
        row["ok"] = ("TRUE", "是", "Y", "√")[n % 4]
        del row["q4"]


@case("60", "inf and 1e308 as a number", "warned", ("no number", "(q5: row 2, 3)"), ("不是数字", "（q5：第 2, 3 行）"))
def _(f: Folder) -> None:
    some(f, "q5", "inf", "1e308")


@case("60a", "scientific notation of a whole number", "harmless", why="2.0E+01 is 20 and nothing else, in any country")
def _(f: Folder) -> None:
    some(f, "q5", "2.0E+01")
