"""What speaks for a column of a new file being a certain role or item: one table a kind of evidence, columns by targets.

Every entry is a logarithm to base ten: by how many times an observation is likelier where the two belong together than where they
do not. They add up (`survey.proposal.mapping`), as if the kinds of evidence were independent. The sizes are set by
judgement and tried on the exports of the tests; they are not estimated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from survey.checks import cells
from survey.checks.times import times
from survey.instrument import Item
from survey.proposal.columns import Column
from survey.schema import REGISTRY_COUNTS, STAGES
from survey.wording import bare, best, parts

# What roles are called, in the words of the field.
CALLED = {
    "member": "member|member id|member number|member no|membership number|card number|staff number|employee id|person id|id"
    "|会员|会员号|会员编号|会员证号|会员卡号|工号|证号|学号|编号|人员编号|身份证号",
    "group": "organisation|organization|organiser|organizer|organisers|org|unit|union|group|body|organisation name"
    "|组织|所属组织|组织名称|群团组织|单位|主办单位|主办方|所属工会|群团",
    "region": "region|place|county|district|city|township|area code|place code|region code"
    "|地区|地区代码|区县|所在地区|所在区县|乡镇|街道|行政区划|行政区划代码|地市",
    "within": "province|city above|within|省|省份|所在省份|所在地市|上级地区",
    "submitted": "submitted|submitted at|submit time|end time|completed at|date submitted"
    "|提交时间|提交答卷时间|填写时间|结束时间|完成时间",
    "seconds": "seconds|duration|duration in seconds|time taken|time spent|所用时间|用时|答题时长|填写时长",
    "consent": "consent to link records|agree to be linked|agree to link|link to records"
    "|同意关联|是否同意关联|同意关联记录|授权关联",
    "weight": "weight|sampling weight|survey weight|权重|抽样权重",
    "strata": "strata|stratum|层|抽样层",
    "cluster": "cluster|primary sampling unit|psu|群|初级抽样单元",
    "activity": "activity|event|activity id|activity number|event id|activity code"
    "|活动|活动编号|活动代码|活动号|活动名称|场次",
    "start": "start|start time|begin|began at|event time|date|time|signed in|开始|开始时间|活动时间|签到时间|日期|时间",
    "end": "end|end time|finish|ended at|结束|结束时间|签退时间",
    "channel": "channel|mode|form|online or on site|way|渠道|形式|方式|活动形式|参与方式|线上线下",
    "response": "response|reply|rsvp|status|attended|attendance|came|took part"
    "|答复|回复|报名状态|是否参加|出席|签到状态|参加情况",
    "role": "role|part|what they did|角色|身份|参与身份|参与角色",
    "service": "service|service type|service item|服务|服务项目|服务类别|服务类型",
    "rating": "rating|score|stars|satisfaction|评分|打分|满意度评分|星级",
    "members": "members|number of members|member count|会员数|会员人数|会员总数",
    "organisations": "organisations due|organisations|units due|units|due|应建|应建数|应建单位数|单位数|组织数",
    "eligible": "eligible|those it is there for|potential members|应入会人数|可入会人数|服务对象数",
    "established": "established|organisations established|set up|founded|已建|已建数|已建单位数|组建数|建会数",
    "staff": "staff|number of staff|officers|employees|工作人员|专职人员|干部数",
    "venues": "venues|number of venues|sites|centres|阵地|场所数|活动场所",
    "joined": "joined|joined on|join date|member since|date joined|入会时间|加入时间|入会日期",
    "left": "left|left on|leave date|date left|membership ended|退会时间|退会日期|离会时间",
    "times": "times|number of times|attendances|times attended|participations|events attended|参加次数|参与次数|活动次数",
    "visit": "visit|visit id|visit number|id|number|no|走访|走访编号|走访记录号|编号",
    "officer": "officer|official|cadre|visited by|staff member|visitor|干部|走访干部|走访人|联系干部",
    "visited": "visited|visited on|visit date|date of visit|走访时间|走访日期|联系时间",
    "people": "people met|number of people met|members met|people|走访人数|联系人数|接待人数|走访户数",
    "proposal": "proposal|proposal id|proposal number|suggestion|motion|id|number|no|提案|提案编号|提案号|建议编号|编号",
    "made": "made|made on|proposed on|submitted|date made|提出时间|提出日期|提交时间|提案时间",
    "answered": "answered|answered on|replied|replied on|reply date|答复时间|答复日期|回复时间|办复时间",
    "adopted": "adopted|adopted on|accepted|taken up|date adopted|采纳时间|采纳日期|采用时间",
    "told": "told|member told|told the member|feedback|informed|informed on|反馈时间|告知时间|反馈日期",
    "case": "case|case id|case number|file number|complaint|id|number|no|案件|案件编号|案号|案件号|编号",
    "raised": "raised|raised on|opened|received|filed|date filed|申请时间|提出时间|来访时间|投诉时间",
    "accepted": "accepted|accepted on|taken on|registered|admitted|受理时间|受理日期|立案时间",
    "resolved": "resolved|resolved on|closed|closed on|settled|办结时间|办结日期|结案时间|解决时间",
    "funds": "funds|budget|spending|expenditure|经费|经费数|资金|支出",
}
WORDS = {role: tuple(words.split("|")) for role, words in CALLED.items()}
NUMBERED = (
    "visit",
    "proposal",
    "case",
)  # what rows of some files are: a plain number there is theirs, not the member's
SEPARATORS = (";", "┋", "|", ",", "、", "/", "→")
TIME_FORMS = ("iso", "epoch_ms", "epoch_s", "excel")
DAY_FORMS = ("mdy", "dmy")
FITS, MISFITS = 0.9, 0.5  # shares of cells
SAME_HEADER, EARLIER_HEADER, ONLY_A_NUMBER = 3.5, 2.5, 1.2
ENOUGH = 50  # answers from which on it tells something that a code was never used
PLATFORM = {"submitted": "submitted", "seconds": "seconds"}
NEVER = -9.0
NEAR = 0.3  # less alike than this, cells of single options are not read
TIMED = ("submitted", "start", "end", "joined", "left", *(stage for stages in STAGES.values() for stage in stages))
COUNTED = (*REGISTRY_COUNTS, "times", "people")
COMES_AGAIN = ("log", "memberships", "visits", "proposals", "cases")  # files in which a person may stand twice
FEW = 10
_DURATION = re.compile(r"\d+(?:\.\d+)?|[\d\s时分秒:]+")
_WORDS = re.compile(r"\s|[^\w-]")


def words_of(role: str, roles: Sequence[str]) -> tuple[str, ...]:
    """What a role is called in a file that may have these roles."""
    taken = {word for own in NUMBERED if own in roles and own != role for word in WORDS[own]}
    return tuple(word for word in WORDS[role] if word not in taken)


@dataclass(frozen=True, slots=True)
class Target:
    """What a column may be mapped to.

    Attributes
    ----------
    name : str
        As in wave.yaml: a role, an item, or ``item=code``.
    item : Item or None
        None for roles.
    code : str
        For ``item=code``.
    texts : tuple of str
        What it is called and asked as, headers of earlier waves among it.
    options : tuple of str
        Labels of the code.
    """

    name: str
    item: Item | None
    code: str
    texts: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Units that the study knows, and all distinct cells of the file, read once a form: many columns have the same cells.

    Attributes
    ----------
    groups, regions : frozenset of str or None
        Cells that name one; None where the study has none, or takes any code.
    zone : str
        The study's time zone.
    cells : Series of str
        All distinct cells.
    place : dict
        Where each stands among them.
    """

    groups: frozenset[str] | None
    regions: frozenset[str] | None
    zone: str
    cells: pd.Series
    place: dict[str, int]
    _read: dict[tuple[object, ...], np.ndarray] = field(default_factory=dict)
    _forms: dict[str, tuple[str, float]] = field(default_factory=dict)

    def _of(self, column: Column, key: tuple[object, ...], read: Callable[[], np.ndarray]) -> np.ndarray:
        if key not in self._read:
            self._read[key] = read()
        return self._read[key][[self.place[cell] for cell in column.cells]]

    def coded(self, column: Column, item: Item) -> np.ndarray:
        """Codes of a choice item; None where a cell is neither a code nor a label, empty text where it counts as not answered."""

        def read() -> np.ndarray:
            values, met = cells.coded(self.cells, item)
            wrong = (met["unknown_label"] | met["out_of_range"]).to_numpy(dtype=bool)
            codes = values.astype("object").where(values.notna(), "").to_numpy(copy=True)
            codes[wrong] = None
            return codes

        return self._of(column, ("coded", id(item.codes), item.lowest, item.highest), read)

    def several(self, column: Column, item: Item, separator: str) -> np.ndarray:
        """Which cells hold codes or labels of a multiple-response item alone."""

        def read() -> np.ndarray:
            met = cells.several(self.cells, item, separator)[1]
            return ~(met["unknown_label"] | met["out_of_range"]).to_numpy(dtype=bool)

        return self._of(column, ("several", id(item.codes), separator), read)

    def ticked(self, column: Column, item: Item, code: str) -> np.ndarray:
        """Which cells are a tick of an option, or none."""

        def read() -> np.ndarray:
            return ~cells.ticked(self.cells, item, code)[1]["unknown_label"].to_numpy(dtype=bool)

        return self._of(column, ("ticked", id(item.codes), code), read)

    def numbers(self, column: Column) -> np.ndarray:
        """The cells as numbers; nan where they are none."""
        return self._of(column, ("numbers",), lambda: cells.numbers(self.cells).to_numpy(dtype="float64"))

    def words(self, column: Column) -> np.ndarray:
        """Which cells are no plain number."""
        return np.isnan(self.numbers(column))

    def time_form(self, column: Column) -> tuple[str, float]:
        """As `time_form`."""
        if column.header not in self._forms:
            self._forms[column.header] = time_form(column, self.zone)
        return self._forms[column.header]


@dataclass(frozen=True, slots=True)
class Fit:
    """How the cells of a column fit a target.

    Attributes
    ----------
    log : float
        Logarithm of the likelihood ratio.
    share : float
        Share of the cells that fit; nan where the cells say nothing.
    """

    log: float
    share: float


NOTHING = Fit(0.0, math.nan)


def wording(columns: Sequence[Column], targets: Sequence[Target]) -> np.ndarray:
    """How alike the texts of columns and targets are, 0 to 1; nan for a column that has no words.

    A heading's last part (``stem - item``) counts beside the whole. A column that is one of several of a question is compared
    with an option by both, its question with the item and its option with the label.
    """
    asked = [target.texts for target in targets]
    whole = best([column.texts for column in columns], asked)
    ends = best([[e for text in c.texts if (e := parts(text)[1])] if not c.siblings else [] for c in columns], asked)
    found = np.maximum(whole, np.where(ends > 0, 0.35 * whole + 0.65 * ends, 0))
    several = [n for n, column in enumerate(columns) if column.siblings]
    coded = [m for m, target in enumerate(targets) if target.code]
    if several and coded:
        question = best([[columns[n].question] for n in several], [asked[m] for m in coded])
        option = best([[columns[n].option] for n in several], [targets[m].options for m in coded])
        worded = np.array([bool(bare(columns[n].question)) for n in several])[:, None]
        both = np.where(worded, 0.5 * question + 0.5 * option, 0.75 * option)
        block = np.ix_(several, coded)
        found[block] = np.maximum(found[block], both)
    silent = [not any(bare(text) for text in column.texts) for column in columns]
    found[silent] = np.nan
    return found


def wording_log(alike: np.ndarray) -> np.ndarray:
    """Evidence of wording: 40,000 : 1 for equal texts, 3000 : 1 for nearly equal ones, none at 0.4, 1 : 30 against at most."""
    return np.nan_to_num(np.maximum(6 * alike - 2.4 + (alike == 1), -1.5), nan=0.0)


def coherence(columns: Sequence[Column], targets: Sequence[Target]) -> np.ndarray:
    """Evidence from neighbours: the columns of one question belong to one item, whose labels their options are."""
    found = np.zeros((len(columns), len(targets)))
    items = sorted({t.name.partition("=")[0] for t in targets if t.code})
    for question in sorted({c.question for c in columns if c.siblings}):
        rows = [n for n, c in enumerate(columns) if c.siblings and c.question == question]
        for item in items:
            own = [m for m, t in enumerate(targets) if t.code and t.name.partition("=")[0] == item]
            alike = best([[columns[n].option] for n in rows], [targets[m].options for m in own]).max(axis=1).mean()
            found[np.ix_(rows, own)] = 1.5 * (alike - 0.5)
    return found


def history(
    columns: Sequence[Column], targets: Sequence[Target], earlier: Sequence[Mapping[str, str]], *, unchanged: bool
) -> np.ndarray:
    """Evidence of earlier mappings, the last wave's last: the same header led to this target, or to another one.

    A header that is but a number (Q5) is a weak sign unless all headers of the file are those of last time: questions move.
    """
    found = np.zeros((len(columns), len(targets)))
    names = [target.name for target in targets]
    for n, column in enumerate(columns):
        led = [(age, m[column.header]) for age, m in enumerate(reversed(earlier)) if column.header in m]
        if led and led[0][1] in names:
            age, target = led[0]
            trusted = unchanged or bool(bare(column.header))
            found[n] -= 0.7
            found[n, names.index(target)] = (SAME_HEADER if age == 0 else EARLIER_HEADER) if trusted else ONLY_A_NUMBER
    return found


def platform(columns: Sequence[Column], targets: Sequence[Target], led: np.ndarray) -> np.ndarray:
    """Evidence of the platform: its own columns are what it says, and nothing else unless an earlier wave mapped them."""
    found = np.zeros((len(columns), len(targets)))
    for n, column in enumerate(columns):
        if column.metadata or column.personal:
            found[n] = np.where(led[n] > 0, 0.0, NEVER)
        for m, target in enumerate(targets):
            if column.metadata and PLATFORM.get(column.metadata) == target.name:
                found[n, m] = 3.0
            if column.personal and not column.metadata and target.name == "member" and column.unique > FITS:
                found[n, m] = 0.0
    return found


def contents(
    columns: Sequence[Column], targets: Sequence[Target], alike: np.ndarray, known: Known, holds: str
) -> tuple[np.ndarray, np.ndarray]:
    """Evidence of the cells, and the share of them that fits (nan: they say nothing)."""
    logs, shares = np.zeros(alike.shape), np.full(alike.shape, np.nan)
    for n, column in enumerate(columns):
        forms: dict[object, Fit] = {}
        for m, target in enumerate(targets) if column.filled else ():
            form = _form(target, near=bool(alike[n, m] >= NEAR))
            if form not in forms:
                forms[form] = _fit(column, target, known, holds)
            logs[n, m], shares[n, m] = forms[form].log, forms[form].share
    return logs, shares


def _form(target: Target, *, near: bool) -> object:
    """What the fit of cells depends on; options are read one by one only where the wording is near."""
    item = target.item
    if item is None or (target.code and near):
        return target.name
    if target.code:
        return "option"
    return item.kind, id(item.codes), item.lowest, item.highest


def _fit(column: Column, target: Target, known: Known, holds: str) -> Fit:
    item = target.item
    if item is None:
        return _role(column, target.name, known, holds)
    if target.code:
        return _ticks(column, item, target.code, known)
    if item.kind == "choice":
        return _choice(column, item, known)
    if item.kind == "multiple":
        return _several(column, item, known)
    if item.kind == "number":
        values = known.numbers(column)
        return _graded(column.share((values >= item.lowest) & (values <= item.highest)), 0.4)
    if item.kind == "region":
        return _units(column, known.regions)
    return Fit(0.5 - 1.5 * column.share([len(cell) < 3 for cell in column.cells]), math.nan)


def _graded(share: float, fits: float) -> Fit:
    """All of `fits` from a share of 0.95 on, 1 : 100 against below a half, and between the two in a straight line from 1 : 10."""
    if share < MISFITS:
        return Fit(-2.0, share)
    return Fit(min(fits, -1 + (share - MISFITS) / (0.95 - MISFITS) * (fits + 1)), share)


def _choice(column: Column, item: Item, known: Known) -> Fit:
    """Codes are numbers for many items; labels are seldom another item's, the less so the more of them stand there."""
    read, words = known.coded(column, item), known.words(column)
    right = np.array([code is not None for code in read])
    fits = 0.4 + (min(0.5 * int((words & right).sum()), 1.8) if column.share(words) > MISFITS else 0.0)
    if column.filled >= ENOUGH:
        fits += 0.5 * (len({*read} - {None, ""}) / max(len(item.code_names), 1) - 0.5)
    if column.labels:
        fits += -2.5 if cells.labelled_otherwise(column.labels, {}, item) else 0.5
    return _graded(column.share(right), fits - (1.5 if column.siblings > 1 else 0.0))


def _several(column: Column, item: Item, known: Known) -> Fit:
    """Several options in one cell, by the separator that reads most of them."""
    signs = [sign for sign in SEPARATORS if any(sign in cell for cell in column.cells)]
    shares = [(column.share(known.several(column, item, sign)), sign) for sign in signs or SEPARATORS[:1]]
    return _graded(max(shares)[0], (1.5 if signs else -0.3) - (1.5 if column.siblings > 1 else 0.0))


def _ticks(column: Column, item: Item, code: str, known: Known) -> Fit:
    """Yes and no, or the option's own label."""
    plain = np.array([cell.casefold() in cells.YES or cell.casefold() in cells.NO for cell in column.cells])
    read = plain if plain.all() else known.ticked(column, item, code)
    labelled = column.share(read & ~plain) > MISFITS
    return _graded(column.share(read), 2.5 if labelled else 0.6 if column.siblings > 1 else 0.2)


def _units(column: Column, units: frozenset[str] | None) -> Fit:
    """Units that the study knows; where cells are numbers of one or two digits they may be anything."""
    if units is None:
        return NOTHING
    telling = any(len(cell) > 2 for cell in column.cells)
    return _graded(
        column.share([cell in units or _all_in(cell, units) for cell in column.cells]), 2.5 if telling else 0.3
    )


def _all_in(cell: str, units: frozenset[str]) -> bool:
    return any(s in cell and all(part.strip() in units for part in cell.split(s)) for s in SEPARATORS)


def _role(column: Column, role: str, known: Known, holds: str) -> Fit:
    if role in ("group", "region", "within"):
        return _units(column, known.groups if role == "group" else known.regions)
    if role == "member":
        return Fit(_numbers_people(column, holds), math.nan)
    if role in TIMED:
        return _graded(known.time_form(column)[1], 1.5)
    if role == "consent":
        return _graded(column.share([c.casefold() in cells.YES or c.casefold() in cells.NO for c in column.cells]), 0.5)
    if role == "seconds":
        return _graded(column.share([bool(_DURATION.fullmatch(cell)) for cell in column.cells]), 0.3)
    if role == "weight" or role in COUNTED:
        return _graded(column.share(known.numbers(column) >= 0), 0.5)
    if role in NUMBERED:
        return Fit(1.2 if column.unique > 0.95 else -2.0, math.nan)
    if role == "rating":
        return _graded(column.share(~known.words(column)), 0.3)
    if role in ("channel", "response", "role", "service"):
        return Fit(0.3 if column.distinct <= FEW else -1.5, math.nan)
    return NOTHING


def _numbers_people(column: Column, holds: str) -> float:
    """An answer has its own number; elsewhere the numbers come again, and the numbers of the rows are nobody's."""
    if column.counts_rows:
        return -2.0
    if column.share([bool(_WORDS.search(cell)) for cell in column.cells]) > MISFITS:
        return -1.5
    if holds in COMES_AGAIN:
        return 0.3 if column.distinct > 1 else -2.0
    return 1.2 if column.unique > 0.95 else 0.3 if column.unique > 0.8 else -2.0


def time_form(column: Column, zone: str) -> tuple[str, float]:
    """In which form times stand there, and the share of cells that it reads to a day of this century.

    Empty where a day could be a month: nothing in the column tells 3/5 from 5/3.
    """
    if column.share([sum(sign.isdigit() for sign in cell) >= 5 for cell in column.cells]) < MISFITS:
        return TIME_FORMS[0], 0.0
    shares = dict.fromkeys((*TIME_FORMS, *DAY_FORMS), 0.0)
    for form in shares:
        shares[form] = column.share(times(column.series, form, zone)[0].dt.year.between(2000, 2100))
        if shares[form] >= FITS and form in TIME_FORMS:
            return form, shares[form]
    form = max(shares, key=lambda f: shares[f])
    unclear = form in DAY_FORMS and len({shares[day] for day in DAY_FORMS}) == 1
    return "" if unclear else form, shares[form]
