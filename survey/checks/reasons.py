"""Why a row is set aside, in plain words; `reports.check_words` tells staff the same."""

from __future__ import annotations

# Rows that are no answer of anybody in the field, or hold none, and rows that contradict the list of members, which may be the one
# that is wrong: they do not count towards the share set aside.
NOBODY = ("outside_membership", "blank", "total", "preview", "test", "spam", "unanswered", "broken_off")
# Rows of which it is known what became of their place's code, or what it was before.
OF_ANOTHER_DAY = ("region_ended", "region_not_yet")
REASONS = {
    "blank": ("empty rows", "空行"),
    "total": ("totals or averages", "合计或平均行"),
    "preview": ("previews", "预览作答"),
    "test": ("test answers", "测试作答"),
    "spam": ("answers that the platform calls spam", "平台判定的垃圾作答"),
    "unanswered": ("rows without a single answer", "一题未答的行"),
    "broken_off": ("answers broken off too early", "中途退出、答题过少的答卷"),
    "ragged": ("rows shorter than the header", "列数少于表头的行"),
    "too_young": ("answers of people below the study's age", "未达到研究规定年龄者的答卷"),
    "duplicate": ("rows that stand there already", "与前面重复的行"),
    "repeated_answer": (
        "second answers of the same person; the fullest is kept",
        "同一会员的重复答卷（保留最完整的一份）",
    ),
    "unknown_group": ("rows with an organisation that the study does not know", "组织名称或编码不在研究之内"),
    "unknown_region": ("rows with a place that the study does not know", "地区名称或编码不在研究之内"),
    "region_ended": ("rows with the code of a place that had ended by then", "地区编码当时已撤销"),
    "region_not_yet": ("rows with the code of a place that did not exist yet", "地区编码当时尚未设立"),
    "region_of_several": (
        "rows with a name that several places have; give the place above too, in one cell or in a column mapped to within",
        "地名有几处相同；请同时写明上级地区（写在一格内，或另列对应 within）",
    ),
    "region_elsewhere": (
        "rows whose place does not lie in the place above that they name",
        "地区不属于所填的上级地区",
    ),
    "bad_number": (
        "rows with a number that cannot be right (an id number's check digit, a mobile number's length)",
        "号码有误的行（身份证号校验位不符或手机号位数不对）",
    ),
    "no_member": ("rows without a member number", "没有会员编号"),
    "no_activity": ("rows without an activity", "没有活动编号"),
    "no_time": ("rows without a readable time", "没有可识别的时间"),
    "ends_before_start": ("rows that end before they begin", "结束早于开始的行"),
    "stages_out_of_order": (
        "records with a later step before an earlier one (answered before it was made)",
        "环节先后颠倒的记录（如答复早于提出）",
    ),
    "after_the_wave": ("rows of a time more than a year after the fieldwork", "时间在调查结束一年以后的行"),
    "outside_membership": (
        "rows of a day before the member joined or after the member left",
        "日期在入会之前或退会之后的行",
    ),
}
# What makes a column that has too much of it be refused, and what a clerk is asked then.
WRONG = {
    "sheet_error": (
        "Errors of a spreadsheet's formulas (#N/A, #REF!, ...): mend them there, or export the values anew.",
        "含有表格公式的错误值（#N/A、#REF! 等）：请在表格中改正，或重新导出数值。",
    ),
    "out_of_range": (
        "Was it asked on another scale, or mapped to the wrong item?",
        "是否换了量尺，或对应到了别的题目？",
    ),
    "unknown_label": (
        "Are these other spellings (write them under values), or several codes in one cell (separator)?",
        "是否用了其他写法（请写入 values），或一格填了多个编码（separator）？",
    ),
    "not_a_number": (
        "Are there marks in its numbers (layout: thousands, decimal), or units (85%, 3次)?",
        "数字中是否有千分位、小数逗号（layout 的 thousands、decimal）或单位（85%、3次）？",
    ),
    "not_a_time": (
        "Can its times be read in two ways? Say under layout how they are written (times: dmy, mdy, excel, ...).",
        "时间是否有两种读法？请在 layout 中写明（times：dmy、mdy、excel 等）。",
    ),
}
# Numbers by which surveys say that somebody did not answer; no column is refused without asking what they mean.
SPECIAL = frozenset(f"{sign}{n}" for n in (9, 77, 88, 97, 98, 99, 997, 998, 999, 9999) for sign in ("", "-")) - {"9"}
MEANING = (
    "Some are codes such as 99 or -9: what do they mean? If no answer, put them under missing of the item's code set (of a number: "
    "under values, as nothing).",
    "其中有 99、-9 之类的编码，表示什么？若表示未回答，请写入该题编码集的 missing（数值题请在 values 中写为空）。",
)
GARBLED = (
    "Nearly none could be read: look at the column; if it is garbled, the encoding is wrong (layout: encoding).",
    "几乎全部无法识别：请查看该列；若为乱码，则是编码有误（layout 的 encoding）。",
)
# What to do about rows that too many of a file have in common.
ADVICE = {
    "ragged": (
        "Are there marks of the delimiter inside the cells? Export the file again. ",
        "单元格内是否含有分隔符？请重新导出文件。",
    ),
    "repeated_answer": (
        "Is the right column mapped to member? Did the same people answer twice? ",
        "member 对应的列是否正确？是否同一批人答了两次？",
    ),
    "bad_number": (
        "Was the column typed by hand, or cut? Have the numbers looked up where the list is kept. ",
        "该列是否手工录入或被截断？请向名册保管单位核对号码。",
    ),
    "unknown_group": (
        "Write other spellings under values; add organisations that are new to the study. ",
        "其他写法请写入 values，新的组织请补入研究。",
    ),
    "unknown_region": (
        "Are the places coded by a table of another year? Write under values which code each has now. ",
        "地区代码是否为其他年份的版本？请在 values 中写明各代码现在是什么。",
    ),
    "region_ended": (
        "The places are coded by a table of another year, in which codes that stayed may mean another area too. Code them anew by "
        "the table of the fieldwork, or write under values which code each has now. ",
        "地区代码为其他年份的版本，其中沿用的代码所指范围也可能不同。"
        "请按调查时的代码表重新编码，或在 values 中写明各代码现在是什么。",
    ),
    "region_not_yet": (
        "The places are coded by a table that is younger than the fieldwork, in which codes that stayed may mean another area too. "
        "Is fieldwork in wave.yaml right? Else code them by the table of that day. ",
        "地区代码的版本晚于调查时间，其中沿用的代码所指范围也可能不同。"
        "wave.yaml 的 fieldwork 是否正确？否则请按调查时的代码表编码。",
    ),
    "region_elsewhere": (
        "Is the right column mapped to within? Is one of the two codes cut or of another year? ",
        "within 对应的列是否正确？两个代码之一是否缺位，或为其他年份的版本？",
    ),
    "no_time": (
        "Can the times be read in two ways? Say under layout how they are written (times: dmy, mdy, excel, ...). ",
        "时间是否有两种读法？请在 layout 中写明（times：dmy、mdy、excel 等）。",
    ),
    "after_the_wave": (
        "Are fieldwork and layout: times in wave.yaml right? ",
        "wave.yaml 中的 fieldwork 和 layout 的 times 是否正确？",
    ),
}
