"""Exports as other accounts of the same tools give them: two of each tool that differ from the real files and the other tests.

Another language of the interface, columns switched off or added, XLSX instead of CSV, Parquet made of either. What is expected
of each was written down from the tool's rules before it was read. No figure has a tolerance.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from survey import RawTable, read_table
from tests.survey.readers.exports import DAY, Rows, saved


@dataclass(frozen=True)
class Other:
    """An export: header rows and answers, how it is saved, and what must be found in it."""

    platform: str
    file: str
    header: Rows
    body: Rows
    multiple: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    marks: dict[str, tuple[int, ...]] = field(default_factory=dict)
    no_answer: dict[str, tuple[str, ...]] = field(default_factory=dict)
    wording: dict[str, str] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)


def kinds(names: list[str], *known: str) -> dict[str, str]:
    return dict(zip(names, known, strict=False))


def cut(names: str) -> list[str]:
    return names.split("|")


# Wenjuanxing by score: points instead of answers, in a workbook; and a form whose own columns are off but the number and the time.
_SCORES = cut("序号|提交答卷时间|开始答题时间|所用时间|来源|来源详情|来自IP|总分|1、环境|2、服务—态度|2、服务—速度")
_BARE = cut("序号|提交答卷时间|1、单位|2、参加过的活动（多选）|3、最满意的活动(排序)|4、总体满意度")
# LimeSurvey in Chinese with people's fields and times; and in German with codes before texts, nothing optional.
_LIME_ZH = cut(
    "答案ID|提交日期|最后一页|起始语言|种子|操作代码|名|姓|电子邮件地址|开始日期|IP地址|您的单位？|"
    "您用过哪些？ [会堂]|您用过哪些？ [俱乐部]|您用过哪些？ [其他]|总时间"
)
_LIME_DE = cut(
    "id. Antwort ID|submitdate. Datum Abgeschickt|lastpage. Letzte Seite|startlanguage. Start-Sprache|"
    "Q1. Wie zufrieden?|Q2[SQ001]. Was genutzt? [Saal]|Q2[SQ002]. Was genutzt? [Hof]|"
    "Q3[SQ001]. Urteil [Zeiten]|Q3[SQ002]. Urteil [Räume]"
)
# Qualtrics in Chinese, as a workbook with embedded data; and without addresses and places, one column of codes a question.
_Q_ZH = cut(
    "StartDate|EndDate|Status|Progress|Duration (in seconds)|Finished|RecordedDate|ResponseId|UserLanguage|"
    "Q1|Q2_1|Q2_2|Q_RecaptchaScore|office"
)
_Q_ZH_TEXTS = cut(
    "开始日期|结束日期|答复类型|进度|持续时间（秒）|已完成|记录日期|答复 ID|用户语言|满意吗？|"
    "去过？ - 所选选项 - 会堂|去过？ - 所选选项 - 院子|Q_RecaptchaScore|office"
)
_Q_ZH_IDS: list[dict[str, str]] = [
    *(
        {"ImportId": i}
        for i in ["startDate", "endDate", "status", "progress", "duration", "finished", "recordedDate", "_recordId"]
    ),
    *({"ImportId": i} for i in ("userLanguage", "QID1")),
    *({"ImportId": "QID2", "choiceId": n} for n in "12"),
    *({"ImportId": i} for i in ("Q_RecaptchaScore", "office")),
]
_Q_BARE = cut("EndDate|Status|Finished|ResponseId|Q1|Q2|Q2_4_TEXT")
_Q_BARE_IDS = cut("endDate|status|finished|_recordId|QID1|QID2|QID2_4_TEXT")
# SurveyMonkey in German, as a workbook; and by numbers, with a status and without people's columns.
_M_DE = cut(
    "Befragten-ID|Collector-ID|Startdatum|Enddatum|IP-Adresse|E-Mail-Adresse|Vorname|Nachname|"
    "Benutzerdefinierte Daten 1|Was genutzt?|||Wie zufrieden?|Sonst noch etwas?"
)
_M_EN = cut("Respondent ID|Collector ID|Date Created|Date Modified|Response Status|Used?|||Content?|")
# SurveyGizmo under its new name, as a workbook with more columns; and question before option, reporting values.
_A = cut(
    "Response ID|Time Started|Date Submitted|Status|Contact ID|Language|Referer|SessionID|User Agent|Tags|"
    "IP Address|Link Name|URL Variable: office|Data Quality|Response Time|Hall:What was used?|"
    "Yard:What was used?|None:What was used?|How content?"
)
_G = cut("Response ID|Time Started|Date Submitted|Status|What was used?:Hall|What was used?:Yard|How content?")
# KoBo with Chinese labels and groups, as a workbook; and names without the columns of options, fewer of its own columns.
_K_ZH = cut(
    "start|end|基本情况/您的单位|基本情况/用过哪些|基本情况/用过哪些/会堂|基本情况/用过哪些/院子|_id|_uuid|"
    "_submission_time|_validation_status|_notes|_status|_submitted_by|__version__|_tags|_index"
)
_K = cut("today|deviceid|office|used|_uuid|_submission_time|__version__")
# Web forms: Tencent Survey with its device columns; a collection table with a submitter's number and options.
_T = cut(
    "编号|开始答题时间|结束答题时间|答题时长|地理位置国家和地区|地理位置省|地理位置市|IP|UA|Referrer|"
    "用户类型|1.您的单位|2.去过:会堂|2.去过:院子|2.去过:其他_填空1"
)
_J = cut("序号|提交人|提交时间|修改时间|填写设备|操作系统|浏览器|填写地区|IP|满意度|用过/会堂|用过/院子")

OTHERS = {
    "wenjuanxing by score": Other(
        "wenjuanxing",
        "a.xlsx",
        [_SCORES],
        [[str(n), DAY, DAY, "87秒", "微信", "x", "10.0.0.1(浙江-杭州)", str(t), *c] for n, t, *c in (
            (1, 12, "4", "5", "3"), (2, 9, "-2", "5", "4"), (3, 3, "1", "1", "1"))],
        metadata=kinds(_SCORES, "respondent", "submitted", "started", "seconds", "source", "person", "person", "other"),
        no_answer={"1、环境": ("-2",)},
        form={"numbers": True},
    ),
    "wenjuanxing with two columns of its own": Other(
        "wenjuanxing",
        "a.parquet",
        [_BARE],
        [["1", DAY, "甲", "讲座┋比赛", "讲座→比赛", "满意"], ["2", DAY, "乙", "讲座", "比赛", "(跳过)"]],
        multiple={_BARE[3]: [_BARE[3]]},
        metadata=kinds(_BARE, "respondent", "submitted"),
        no_answer={"*": ("(跳过)",)},
    ),
    "limesurvey in Chinese with people's columns": Other(
        "limesurvey",
        "a.xlsx",
        [_LIME_ZH],
        [
            ["1", DAY, "3", "zh-Hans", "1234567", "k1", "x", "y", "a@b.example", DAY, "10.0.0.1", "甲", "是", "否", "", "80.5"],
            ["2", "", "1", "zh-Hans", "7654321", "k2", "x", "y", "a@b.example", DAY, "10.0.0.2", "乙", "否", "是", "自带", "9"],
        ],
        multiple={"您用过哪些？": _LIME_ZH[12:15]},
        metadata=kinds(_LIME_ZH, "respondent", "submitted", "status", "language", "other", *["person"] * 4, "started", "person")
        | {"总时间": "seconds"},
        marks={"unfinished": (3,)},
    ),
    "limesurvey in German with codes and texts": Other(
        "limesurvey",
        "a.csv",
        [_LIME_DE],
        [["4", DAY, "3", "de", "A4", "Y", "", "A1", "A2"], ["5", DAY, "3", "de", "A5", "Y", "Y", "A1", "A1"]],
        multiple={"Q2": ["Q2[SQ001]", "Q2[SQ002]"]},
        metadata=kinds(["id", "submitdate", "lastpage", "startlanguage"], "respondent", "submitted", "status", "language"),
        wording={"Q1": "Wie zufrieden?", "Q2[SQ002]": "Was genutzt? [Hof]"},
        form={"delimiter": "\t", "encoding": "utf-8"},
    ),
    "qualtrics in Chinese": Other(
        "qualtrics",
        "a.xlsx",
        [_Q_ZH, _Q_ZH_TEXTS, [json.dumps(i) for i in _Q_ZH_IDS]],
        [
            [DAY, DAY, "IP 地址", "100", "60", "真", DAY, "R_000000000000001", "ZH-S", "满意", "会堂", "", "0.9", "甲"],
            [DAY, DAY, "问卷预览", "100", "60", "真", DAY, "R_000000000000002", "ZH-S", "满意", "会堂", "院子", "0.9", "乙"],
            [DAY, DAY, "IP 地址", "40", "60", "假", DAY, "R_000000000000003", "ZH-S", "一般", "", "", "0.9", "甲"],
        ],
        multiple={"Q2": ["Q2_1", "Q2_2"]},
        metadata=kinds(_Q_ZH[:9], "started", "submitted", *["status"] * 2, "seconds", "status", "other", "respondent", "language"),
        marks={"preview": (5,), "unfinished": (6,)},
        wording={"Q1": "满意吗？"},
    ),
    "qualtrics with few columns": Other(
        "qualtrics",
        "a.tsv",
        [_Q_BARE, ["End Date", "Response Type", "Finished", "Response ID", "Content?", "Used?", "Used? - Other - Text"],
         [json.dumps({"ImportId": i}) for i in _Q_BARE_IDS]],
        [
            [DAY, "8", "1", "R_1", "5", "1,4", "the roof"],
            [DAY, "0", "0", "R_2", "-99", "-99", ""],
            [DAY, "0", "1", "R_3", "4", "2", ""],
        ],
        multiple={"Q2": ["Q2"]},
        metadata=kinds(_Q_BARE, "submitted", "status", "status", "respondent"),
        marks={"spam": (4,), "unfinished": (5,)},
        no_answer={"Q1": ("-99",), "Q2": ("-99",)},
        form={"delimiter": "\t", "encoding": "utf-16"},
    ),
    "surveymonkey in German": Other(
        "surveymonkey",
        "a.xlsx",
        [_M_DE, [*[""] * 9, "Saal", "Hof", "Sonstiges (bitte angeben)", "Antwort", "Offene Antwort"]],
        [
            ["11415363257", "254535004", DAY, DAY, "192.0.2.1", "", "", "", "", "Saal", "Hof", "", "gut", "danke"],
            ["11415363258", "254535004", DAY, DAY, "192.0.2.1", "", "", "", "", "", "Hof", "Dach", "schlecht", ""],
        ],
        multiple={"Was genutzt?": ["Was genutzt? [Saal]", "Was genutzt? [Hof]", "Was genutzt? [Sonstiges (bitte angeben)]"]},
        metadata=kinds(_M_DE, "respondent", "source", "started", "submitted", *["person"] * 5),
    ),
    "surveymonkey by numbers with a status": Other(
        "surveymonkey",
        "a.csv",
        [_M_EN, [*[""] * 5, "Hall", "Yard", "Roof", "Rooms", "Hours"]],
        [
            ["118", "4", DAY, DAY, "completed", "1", "", "3", "4", "5"],
            ["119", "4", DAY, DAY, "partial", "", "2", "", "4", ""],
            ["120", "4", DAY, DAY, "completed", "1", "2", "", "2", "5"],
        ],
        multiple={"Used?": ["Used? [Hall]", "Used? [Yard]", "Used? [Roof]"]},
        metadata=kinds(_M_EN, "respondent", "source", "started", "submitted", "status"),
        marks={"unfinished": (4,)},
        form={"encoding": "utf-8", "quoted": True},
    ),
    "alchemer": Other(
        "surveygizmo",
        "a.xlsx",
        [_A],
        [
            [n, DAY, DAY, status, "", "English", "", "s", "a", "", "192.0.2.1", "link", "north", "", "88", *cells]
            for n, status, *cells in (
                ("1", "Complete", "Hall", "Yard", "", "Well"),
                ("2", "Partial", "", "Yard", "", "Badly"),
                ("3", "Complete", "", "", "None", "Well"),
            )
        ],
        multiple={"What was used?": _A[15:18]},
        metadata=kinds(_A, "respondent", "started", "submitted", "status", "person", "language", "source", *["other"] * 3,
                       "person", "source", "other", "other", "seconds"),
        marks={"unfinished": (3,)},
    ),
    "surveygizmo by reporting values": Other(
        "surveygizmo",
        "a.csv",
        [_G],
        [
            [n, DAY, DAY, status, *cells]
            for n, status, *cells in (("1", "Complete", *"125"), ("2", "Deleted", "", *"24"), ("3", "Complete", "1", "", "4"))
        ],
        multiple={"What was used?": _G[4:6]},
        metadata=kinds(_G, "respondent", "started", "submitted", "status"),
        marks={"spam": (3,)},
        form={"delimiter": ";", "encoding": "utf-16"},
    ),
    "kobo in Chinese with groups": Other(
        "kobo",
        "a.xlsx",
        [_K_ZH],
        [
            [DAY, DAY, "甲", "会堂 院子", "1", "1", "7", "u1", DAY, "", "", "submitted_via_web", "x", "v1", "", "1"],
            [DAY, DAY, "乙", "院子", "0", "1", "8", "u2", DAY, "", "", "submitted_via_web", "x", "v1", "", "2"],
            [DAY, DAY, "乙", "", "", "", "9", "u3", DAY, "", "", "submitted_via_web", "x", "v1", "", "3"],
        ],
        multiple={_K_ZH[3]: _K_ZH[4:6]},
        metadata={"_uuid": "respondent", "_submission_time": "submitted", "_submitted_by": "person", "start": "started"},
    ),
    "kobo with names in one column": Other(
        "kobo",
        "a.csv",
        [_K],
        [[DAY[:10], "d", "north", cell, f"u{n}", DAY, "v1"] for n, cell in enumerate(
            ["hall yard", "yard", "", "hall", "yard roof"])],
        multiple={"used": ["used"]},
        metadata=kinds(["_uuid", "_submission_time", "deviceid"], "respondent", "submitted", "person"),
    ),
    "tencent with everything": Other(
        "plain",
        "a.xlsx",
        [_T],
        [
            ["1", DAY, DAY, "61", "中国", "浙江", "杭州", "10.0.0.1", "x", "y", "微信", "甲", "会堂", "", ""],
            ["2", DAY, DAY, "45", "中国", "浙江", "宁波", "10.0.0.2", "x", "y", "微信", "乙", "", "院子", "屋顶"],
        ],
        multiple={"2.去过": _T[12:14]},
        metadata=kinds(_T, "respondent", "started", "submitted", "seconds", *["person"] * 4, "other", "source", "other"),
    ),
    "a form with devices": Other(
        "plain",
        "a.parquet",
        [_J],
        [
            ["1", "x", DAY, DAY, "手机", "安卓", "微信", "浙江", "10.0.0.1", "5", "1", "0"],
            ["2", "y", DAY, "", "电脑", "", "", "浙江", "10.0.0.2", "4", "0", "0"],
        ],
        multiple={"用过": _J[10:]},
        metadata=kinds(_J, "respondent", "person", "submitted", "other", "other", "other", "other", "person", "person"),
    ),
}  # fmt: skip
each_export = pytest.mark.parametrize("name", OTHERS)


def read(folder: Path, other: Other) -> RawTable:
    return read_table(saved(folder / other.file, other.header + other.body, **other.form))


@each_export
def test_what_is_found(tmp_path: Path, name: str) -> None:
    other, raw = OTHERS[name], read(tmp_path, OTHERS[name])
    assert raw.platform == other.platform
    assert raw.frame.to_numpy().tolist() == other.body
    assert raw.multiple == other.multiple
    assert {column: kind for column, kind in raw.metadata.items() if column in other.metadata} == other.metadata
    assert (raw.marks, raw.no_answer, raw.ragged) == (other.marks, other.no_answer, ())
    assert {column: raw.wording.get(column) for column in other.wording} == other.wording
    asked = {column for columns in other.multiple.values() for column in columns}
    assert asked.isdisjoint(raw.metadata)


def test_two_of_every_tool() -> None:
    platforms = [other.platform for other in OTHERS.values()]
    assert {platform: platforms.count(platform) for platform in platforms} == dict.fromkeys(
        ("wenjuanxing", "limesurvey", "qualtrics", "surveymonkey", "surveygizmo", "kobo", "plain"), 2
    )
