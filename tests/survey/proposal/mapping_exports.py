"""Small instruments, written here, for real exports, and which column is which item: cases for tests of proposals."""

from __future__ import annotations

import re
from pathlib import Path

from survey import read_table
from survey.readers import RawTable
from tests.survey.proposal.mapping_cases import Case, Sets, make_study, own_columns

PHONES = [
    ("phones", "How many mobile phones do you have?", "您有几部手机？", "choice"),
    ("price", "What did your phone cost?", "您的手机价格是多少？", "choice"),
    ("sex", "Are you a woman or a man?", "您的性别", "choice"),
    ("years", "How old are you?", "您的年龄是？", "choice"),
    ("income", "What is your monthly income?", "您的月收入是多少？", "choice"),
    ("spending", "What share of your income goes to hobbies?", "爱好上的投入占收入的比重", "choice"),
    ("hobby", "What are your hobbies?", "您有哪些兴趣爱好？", "multiple"),
    ("news", "Which news do you follow?", "您平时关注哪些资讯？", "multiple"),
]
PHONE_HEADERS = {
    "1、手机部数": "phones",
    "2、手机价格": "price",
    "3、性别": "sex",
    "4、年龄": "years",
    "5、月收入": "income",
}
PHONE_HEADERS["7、爱好投入占收入比重"] = "spending"
PHONE_MULTIPLE = {"hobby": ("6、兴趣爱好", "第6题("), "news": ("8、关注资讯", "第8题(")}


def phone_cases(data: Path, home: Path) -> list[Case]:
    """Wenjuanxing's two forms; codes and labels as the rows of the two forms pair them."""
    text, number = (read_table(data / f"wjx_by_{form}_gb18030.csv") for form in ("text", "code"))
    sets: Sets = {}
    for header, item in PHONE_HEADERS.items():
        sets[item] = dict(zip(number.frame[header].str.strip(), text.frame[header].str.strip(), strict=True))
    truth: dict[str, str] = dict(PHONE_HEADERS)
    for item, (_, start) in PHONE_MULTIPLE.items():
        options = [c for c in number.frame.columns if c.startswith(start)]
        sets[item] = {str(n): c.removeprefix(start).removesuffix(")") for n, c in enumerate(options, 1)}
        truth |= {c: f"{item}={n}" for n, c in enumerate(options, 1)}
    study = make_study(home / "phones", [(*item, item[0]) for item in PHONES], sets)
    joined = dict(PHONE_HEADERS) | {header: item for item, (header, _) in PHONE_MULTIPLE.items()}
    return [
        Case("wenjuanxing text", text, study, joined | own_columns(text)),
        Case("wenjuanxing number", number, study, truth | own_columns(number)),
    ]


PROJECTS = "Which CNCF Project are you contributing to/representing?"
AMBASSADORS = [
    ("place", "In which part of the world are you based?", "您在世界的哪个地区？", "choice", "place"),
    (
        "staff_met",
        "What is your overall experience with the staff? 10: met expectations",
        "您对员工的总体感受如何？",
        "choice",
        "1..10",
    ),
    (
        "heard",
        "Do you feel that CNCF reached out and gathered your needs?",
        "是否主动了解过您的需要？",
        "choice",
        "yesno",
    ),
    (
        "resources",
        "Do you have a good understanding of resources and programs available to you?",
        "您是否了解可用的资源？",
        "choice",
        "1..10",
    ),
    (
        "quick",
        "Did you feel that the CNCF team responded quickly to your requests?",
        "对您的请求是否回应及时？",
        "choice",
        "1..10",
    ),
    ("content", "How satisfied are you with the ambassador program?", "您对大使项目满意吗？", "choice", "content"),
    ("feedback", "Any other feedback that you wish to share", "其他意见", "text", ""),
    ("projects", PROJECTS, "您参与哪些项目？", "multiple", "projects"),
]
STARTS = {
    "Where are you based": "place",
    "What is your feeling": "staff_met",
    "Do you feel that CNCF reached": "heard",
    "Do you have a good": "resources",
    "Efficiency": "quick",
    "Did you feel that the CNCF staff": "quick",
    "How satisfied are": "content",
    "Any other feedback": "feedback",
}


def ambassador_cases(data: Path, home: Path) -> list[Case]:
    """SurveyMonkey, four waves with changing wording: each as a first wave, and the later ones after the first."""
    files = {n: data / f"CNCF_Ambassadors_Survey_{n}.csv" for n in ("2019_H1", "2019_H2", "2020_H1", "2021")}
    tables = {name: read_table(path) for name, path in files.items()}
    options = [
        c.rpartition("[")[2].removesuffix("]") for c in tables["2019_H1"].frame.columns if c.startswith(PROJECTS)
    ]
    options = [option for option in options if "Other" not in option]
    sets: Sets = {"projects": {str(n): o for n, o in enumerate(options, 1)}, "yesno": {"0": "No", "1": "Yes"}}
    sets["place"] = dict(
        zip("123456", ["Africa", "Asia", "Europe", "North America", "Oceania", "South America"], strict=True)
    )
    sets["content"] = {
        "1": "Dissatisfied",
        "2": "Neither satisfied nor dissatisfied",
        "3": "Satisfied",
        "4": "Very satisfied",
    }
    truths = {name: _ambassador_truth(raw, options) for name, raw in tables.items()}
    alone = make_study(home / "alone", AMBASSADORS, sets)
    wave = {"file": files["2019_H1"], "columns": truths["2019_H1"]}
    after = make_study(home / "after", AMBASSADORS, sets, {"2019": wave})
    first = [Case(f"surveymonkey {n}", raw, alone, truths[n]) for n, raw in tables.items()]
    return first + [Case(f"surveymonkey {n}, after 2019", tables[n], after, truths[n]) for n in list(tables)[1:]]


def _ambassador_truth(raw: RawTable, options: list[str]) -> dict[str, str]:
    truth = own_columns(raw)
    for header in raw.frame.columns:
        item = next((item for start, item in STARTS.items() if header.startswith(start)), "")
        if item and not header.endswith("]"):
            truth[header] = item
        option = header.rpartition("[")[2].removesuffix("]")
        if header.startswith(PROJECTS) and option in options:
            truth[header] = f"projects={options.index(option) + 1}"
    return truth


COLOURS = ["yellow", "black", "green", "blue", "red"]
METHODS = [
    "choose one option",
    "approve, stay neutral, disapprove",
    "assign points to options",
    "choose and rank options",
]


def voting_case(data: Path, home: Path) -> Case:
    """Qualtrics: batteries whose stems repeat, and one battery that was asked twice in the same words."""
    raw = read_table(data / "qualtrics_export.csv")
    items = [
        (f"score_{c}", f"Please score each colour between 0 and 5: {c}", f"打分：{c}", "choice", "1..6")
        for c in COLOURS
    ]
    items += [
        (f"approve_{c}", f"Please approve, stay neutral, or disapprove: {c}", f"赞成：{c}", "choice", "1..3")
        for c in COLOURS
    ]
    for when in ("before", "after"):
        items += [
            (f"fair_{when}_{n}", f"I accept the result as fair: {m}", f"公正 {m}", "choice", "1..6")
            for n, m in enumerate(METHODS, 1)
        ]
    items += [
        ("sex", "With which gender do you identify?", "您的性别", "choice", "1..4"),
        ("years", "What is your age?", "您的年龄", "number", "14..99"),
        ("school", "What is your highest level of education?", "您的学历", "choice", "1..8"),
    ]
    truth = own_columns(raw) | {"gender": "sex", "age": "years", "education": "school"}
    truth |= {f"practice_m2_{n}": f"approve_{c}" for n, c in enumerate(COLOURS, 1)}
    truth |= {f"practice_m3_{n}": f"score_{c}" for n, c in enumerate(COLOURS, 1)}
    truth |= {
        f"legitimacy_{w}_{n}": f"fair_{when}_{n}" for w, when in ((1, "before"), (2, "after")) for n in range(1, 5)
    }
    return Case("qualtrics", raw, make_study(home / "voting", items, {}), truth)


def limesurvey_case(data: Path, home: Path) -> Case:
    """LimeSurvey: a battery in words, and questions about the person, in an instrument that puts them another way."""
    raw = read_table(data / "results-survey.csv")
    sets: Sets = {
        "important": dict(
            zip("12345", ["not at all important", "slightly", "moderately", "very", "extremely important"], strict=True)
        )
    }
    battery = [c for c in raw.frame.columns if c.startswith("Listed below")]
    names = {header: f"feature_{n}" for n, header in enumerate(battery, 1)}
    parts = {h: re.sub(r"\.\d+$", "", h).rpartition("[")[2].removesuffix("]").strip() for h in battery}
    items = [
        (names[h], f"How important is it that a unit test is: {parts[h]}", f"重要性：{n}", "choice", "important")
        for n, h in enumerate(battery)
    ]
    items += [
        ("sex", "What is your gender?", "您的性别", "text", ""),
        ("school", "The highest degree of school that you have completed?", "您的学历", "text", ""),
        ("team", "What is the size of the team that you work with?", "团队人数", "text", ""),
        ("task", "What is your current role in your organisation?", "您的岗位", "text", ""),
        ("last_test", "How many days ago did you write a unit test?", "上次写测试距今几天", "text", ""),
    ]
    starts = {
        "Gender:": "sex",
        "What's the size": "team",
        "What is your current role": "task",
        "How many days ago": "last_test",
    }
    truth = own_columns(raw) | names
    for header in raw.frame.columns:
        if item := next((item for start, item in starts.items() if header.startswith(start)), ""):
            truth[header] = item
        if header.startswith("Education:") and not header.endswith("]"):
            truth[header] = "school"
    return Case("limesurvey", raw, make_study(home / "tests", items, sets), truth)


# The evidence was weighed with the other cases in sight; this one was written after, and nothing was changed for it.
MEMBERS = {
    "How long have you been a member": ("years_in", "For how long has your company been a member?"),
    "How many employees does": ("size", "How large is your company: number of employees"),
    "Please indicate your CNCF membership level": ("level", "What level of membership do you have?"),
    "Are you also part of CNCF's End User": ("end_user", "Does your company belong to the End User Community?"),
    "What is your role in your organization?": ("task", "What is your role?"),
    "How well does CNCF communicate": ("told", "How well are you told how to get involved in activities and programs?"),
    "Have you taken advantage of networking": (
        "networked",
        "Did you use opportunities for networking with other members?",
    ),
    "Do you attend the monthly Marketing": ("committee", "Do you come to the calls of the Marketing Committee?"),
    "In the past 6 months, have you had a call": ("call", "Did you have a call on your benefits in the past 6 months?"),
    "If you have submitted a request": ("helped", "How helpful were the answers to your requests?"),
    "Has your CNCF membership experience met": ("met", "Has your membership met your expectations?"),
    "Would you recommend CNCF membership": ("would_tell", "Would you recommend membership to other companies?"),
}


def members_case(data: Path, home: Path) -> Case:
    """SurveyMonkey again: questions of one choice, labelled as in the file and asked in other words."""
    raw = read_table(data / "CNCF_Marketing_and_Member_Survey_1H_2020.csv")
    truth, sets, items = {}, {}, []
    for start, (name, asked) in MEMBERS.items():
        header = next(h for h in raw.frame.columns if h.startswith(start))
        labels = sorted({cell.strip() for cell in raw.frame[header]} - {""})
        truth[header], sets[name] = name, {str(n): label for n, label in enumerate(labels, 1)}
        items.append((name, asked, f"题目 {name}", "choice", name))
    return Case("held out: surveymonkey members", raw, make_study(home / "marketing", items, sets), truth)
