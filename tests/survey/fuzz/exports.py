"""Small exports of platforms and programs from which the fuzzer begins: the same six people in each."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.survey.fuzz.seeds import ID, NAME, PHONE, WAVE, WISH, Seed, seed_of_file

_BEL = ("4", "5", "1", "2", "3", "9")
_JOB = ("NO", "0110", "12:30")
_USED = (("1",), ("1", "3"), (), ("2", "3"), ("1", "2", "3"), ("3",))
_BEL_ZH = {"1": "非常不同意", "2": "不同意", "3": "一般", "4": "同意", "5": "非常同意", "9": "说不清（不了解）"}
_JOB_ZH = {"NO": "无业", "0110": "农业", "12:30": "倒班"}
_USED_ZH = {"1": "会堂", "2": "俱乐部", "3": "院子"}


def _answer(n: int) -> tuple[str, str, tuple[str, ...], str, str]:
    return _BEL[n], _JOB[n % 3], _USED[n], str(20 + 7 * n), f"{WISH} {n}" if n % 2 else ""


def _wenjuanxing() -> Seed:
    head = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP", "1、我属于这里", "2、您在哪里工作？"]
    head += ["3、您用过什么？(多选题)", "4、您多大年纪？", "5、您有什么愿望？"]
    body = []
    for n in range(6):
        bel, job, used, age, wish = _answer(n)
        own = [f"{ID}{n}", f"2024/3/{n + 1} 9:30:15", f"{60 + n}秒", "手机提交", f"{NAME} {PHONE}", "10.1.1.1(北京)"]
        body.append([*own, _BEL_ZH[bel], _JOB_ZH[job], "┋".join(_USED_ZH[u] for u in used), age, wish])
    mapping = dict(zip([head[0], *head[6:]], ["member", "bel1", "job", "used", "age", "wish"], strict=True))
    return seed_of_file(
        "wenjuanxing", "csv", "answers", [head, *body], mapping, separator="┋", encoding="gb18030", plain=False
    )


def _limesurvey() -> Seed:
    head = [
        "id",
        "submitdate",
        "lastpage",
        "startlanguage",
        "seed",
        "who",
        "bel1",
        "job",
        "used[1]",
        "used[2]",
        "used[3]",
    ]
    head += ["age", "wish"]
    body = []
    for n in range(6):
        bel, job, used, age, wish = _answer(n)
        own = [str(n + 1), f"2024-03-0{n + 1} 09:30:15", "4", "zh-Hans", f"8213{n}5", f"{ID}{n}"]
        body.append([*own, bel, job, *("Y" if code in used else "" for code in "123"), age, wish])
    targets = ["member", "bel1", "job", "used=1", "used=2", "used=3", "age", "wish"]
    mapping = dict(zip(head[5:], targets, strict=True))
    return seed_of_file(
        "limesurvey",
        "csv",
        "answers",
        [head, *body],
        mapping,
        encoding="utf-8-sig",
        strict=True,
        delimiter=";",
        plain=False,
    )


def _qualtrics() -> Seed:
    names = [
        "StartDate",
        "EndDate",
        "Status",
        "IPAddress",
        "Progress",
        "Duration (in seconds)",
        "Finished",
        "RecordedDate",
    ]
    names += ["ResponseId", "who", "Q1", "Q2", "Q3", "Q4", "Q5"]
    ids = [
        "startDate",
        "endDate",
        "status",
        "ipAddress",
        "progress",
        "duration",
        "finished",
        "recordedDate",
        "_recordId",
    ]
    ids += ["who", "QID1", "QID2", "QID3", "QID4", "QID5_TEXT"]
    texts = [
        *names[:9],
        "who",
        "I belong",
        "Where do you work?",
        "What did you use?",
        "How old are you?",
        "What do you wish?",
    ]
    body, day = [], "2024-03-05 10:00:00"
    for n in range(6):
        bel, job, used, age, wish = _answer(n)
        own = [day, day, "0", "10.1.1.1", "100", str(60 + n), "1", day, f"R_{n}abc", f"{ID}{n}"]
        body.append([*own, bel, job, ",".join(used), age, wish])
    table = [names, texts, [json.dumps({"ImportId": i}) for i in ids], *body]
    mapping = dict(zip(names[9:], ["member", "bel1", "job", "used", "age", "wish"], strict=True))
    return seed_of_file("qualtrics", "csv", "answers", table, mapping, head=3, separator=",", plain=False)


def _surveymonkey() -> Seed:
    top = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Custom Data 1", "I belong"]
    top += ["Where do you work?", "What did you use?", "", "", "How old are you?", "What do you wish?"]
    below = [""] * 6 + ["Response", "Response", "Hall", "Club", "Yard", "Open-Ended Response", "Open-Ended Response"]
    body = []
    for n in range(6):
        bel, job, used, age, wish = _answer(n)
        own = [f"11{n}0482{n}45", "45121", "03/05/2024 10:00:00 AM", "03/05/2024 10:05:00 AM", "10.1.1.1", f"{ID}{n}"]
        ticks = [name if code in used else "" for code, name in zip("123", ("Hall", "Club", "Yard"), strict=True)]
        body.append([*own, _BEL_ZH[bel], _JOB_ZH[job], *ticks, age, wish])
    names = ["Custom Data 1", top[6], top[7], *(f"{top[8]} [{o}]" for o in ("Hall", "Club", "Yard")), top[11], top[12]]
    targets = ["member", "bel1", "job", "used=1", "used=2", "used=3", "age", "wish"]
    where = {target: n for n, target in enumerate(targets, 5)}
    mapping = dict(zip(names, targets, strict=True))
    return seed_of_file(
        "surveymonkey", "csv", "answers", [top, below, *body], mapping, head=2, columns=where, plain=False
    )


def _kobo() -> Seed:
    head = ["start", "end", "who", "bel1", "job", "used", "used/1", "used/2", "used/3", "age", "wish"]
    head += ["_id", "_uuid", "_submission_time", "_validation_status", "_submitted_by", "_index"]
    body = []
    for n in range(6):
        bel, job, used, age, wish = _answer(n)
        ticks = [str(int(code in used)) if used else "" for code in "123"]
        own = [str(5000 + n), f"0f3c1d2e-{n}", "2024-03-05T10:06:00", "", "", str(n + 1)]
        day = "2024-03-05T10:00:00.000+08:00"
        body.append([day, day, f"{ID}{n}", bel, job, " ".join(used), *ticks, age, wish, *own])
    mapping = {"who": "member", "bel1": "bel1", "job": "job", "used": "used", "age": "age", "wish": "wish"}
    return seed_of_file("kobo", "csv", "answers", [head, *body], mapping, separator=" ", plain=False)


def _labelled(form: str) -> Seed:
    head = ["who", "bel1", "job", "used", "age", "wish"]
    rows = [[f"{ID}{n}", *(";".join(v) if isinstance(v, tuple) else v for v in _answer(n))] for n in range(6)]
    return seed_of_file(form, form, "answers", [head, *rows], {"who": "member", **{h: h for h in head[1:]}})


def export_seeds() -> list[Seed]:
    """Exports of platforms, three of them also as workbooks."""
    made = [_wenjuanxing(), _limesurvey(), _qualtrics(), _surveymonkey(), _kobo()]
    books = [
        replace(seed, name=f"{seed.name}-xlsx", form="xlsx", file=f"{WAVE}/{seed.name}.xlsx")
        for seed in (made[0], made[2], made[3])
    ]
    return [*made, *books, _labelled("sav"), _labelled("dta")]
