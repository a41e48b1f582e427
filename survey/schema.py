"""The types of a study folder: what `docs/study-format.md` says, as frozen models. They check one file each; `survey.study`
checks what stands between files."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Container, Iterator
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SENSITIVE = ("health", "disability", "minor", "whereabouts")
REFUSED_TOPICS = ("belief", "loyalty", "party", "vote", "religion", "ethnicity")
ANSWER_ROLES = ("member", "group", "region", "within", "submitted", "seconds", "consent", "weight", "strata", "cluster")
_ACTIVITY = ("member", "activity", "group", "region", "within", "start", "end")
LOG_ROLES = (*_ACTIVITY, "channel", "response", "role", "service", "rating")
# What somebody did at an activity; who only came took part.
PARTS = ("took_part", "volunteered", "organised", "proposed", "designed")
REGISTRY_COUNTS = ("members", "eligible", "organisations", "established", "staff", "venues", "funds")
# What happens to a visit, a proposal and a case, in its order; the first is when it began.
STAGES = {
    "visits": ("visited",),
    "proposals": ("made", "answered", "adopted", "told"),
    "cases": ("raised", "accepted", "resolved"),
}
# Stages that need not have been where a later one was: a member is told of a no as well as of a yes.
NOT_IMPLIED = ("adopted",)
ROLES = {
    "answers": ANSWER_ROLES,
    "log": LOG_ROLES,
    "registry": ("group", "region", "within", *REGISTRY_COUNTS),
    "memberships": ("member", "group", "region", "joined", "left", "times"),
    "visits": ("visit", "officer", "group", "region", *STAGES["visits"], "people"),
    "proposals": ("proposal", "member", "group", "region", "service", *STAGES["proposals"]),
    "cases": ("case", "member", "group", "region", "service", *STAGES["cases"]),
}
# What a file must say, and of where it belongs in a study that has groups or places; kinds that are not there name the group.
NEEDED = {
    "log": ("member", "activity", "start"),
    "memberships": ("member",),
    **{kind: stages[:1] for kind, stages in STAGES.items()},
}
UNITS_NEEDED = {"answers": ("group", "region"), "registry": ("group", "region"), "log": ()}
PEOPLE = ("member", "officer")  # roles that name somebody: pseudonyms take their place
# What somebody says of a way that has steps; each becomes a column of the answers, 1 or 0.
STEPS = ("reached", "intends", "propose", "take_part", "evaluate", "benefit", "design", "in_need")
# Columns of the panel's answers.
RESERVED = frozenset((*ANSWER_ROLES, *STEPS)) | {
    "wave",
    "log_member",
    "mode",
    "answering",
    "again",
    "weight_before",
    "identified",
}
# What results are called that stand on no item and no scale, by where their people come from; an item cannot be called so.
RESULT_TERMS = {
    "survey": (
        *("response", "answered_again", "weights", "balance", "linkage", "careless", "took_part_linked"),
        *("propose", "take_part", "evaluate", "benefit", "design"),
    ),
    "log": ("took_part", "returned", "stayed", "volunteered", "left", "moved", "times", "activities", "first_time"),
    "proposals": ("proposals",),
    "cases": ("cases",),
    "registry": (
        "joined",
        "established",
        "blind_spot",
        "staff",
        "venues",
        "funds",
        "rows_read",
        "rows_as_is",
        "rows_repaired",
        "rows_set_aside",
        "cells_set_missing",
    ),
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# What is wrong, in English; `survey.typed` has the Chinese for each.
OWN_ERRORS = {
    "bad_name": "must be 1-40 of a-z 0-9 _ -, begin with a letter or a digit, and not be a role's name",
    "bad_column_name": "must be 1-40 of a-z 0-9 _, begin with a letter or a digit, and not be the name of a role or of a result",
    "bad_day": "must be a day such as 2024-03-01",
    "bad_zone": "is not the name of a time zone, such as Asia/Shanghai",
    "bad_encoding": "is not an encoding known here; use utf-8, gb18030 or utf-16",
    "bad_sign": 'must be one sign, such as , or ; (a tab in double quotes: "\\t")',
    "same_mark": "decimal and thousands are the same sign; a number must be readable in one way",
    "bad_groups": "give either file or any",
    "bad_places": "give under, file or both",
    "bad_order": "end is before start",
    "bad_bounds": "must be two numbers above 0, the lower one first",
    "two_trims": "give trim_at or trim_to_effect, not both",
    "linear_trim": "is for raking; method: linear is limited by bounds",
    "two_meanings": "has a code, label or spelling that stands for two codes; make each stand for one",
}


def needed_roles(holds: str, units: Container[str]) -> list[str]:
    """Roles to which a file of a kind must map a column, in a study with these of the units group and region."""
    return [*NEEDED.get(holds, ()), *(role for role in UNITS_NEEDED.get(holds, ("group",)) if role in units)]


def _wrong(kind: str) -> ValueError:
    """An error that `survey.typed` puts into words."""
    return ValueError(kind)


def _none(value: Any) -> Any:
    return None if value in ("", "null", "~") else value


def _named(value: str) -> str:
    if not NAME.fullmatch(value) or value in RESERVED:
        raise _wrong("bad_name")
    return value


def _column_named(value: str) -> str:
    if not is_column_name(value):
        raise _wrong("bad_column_name")
    return value


def is_column_name(value: str) -> bool:
    """Whether an item or a scale can have this name: a column beside those of the roles, a term beside those of results."""
    taken = RESERVED.union(*RESULT_TERMS.values())
    return bool(NAME.fullmatch(value)) and "-" not in value and value not in taken


def _day(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise _wrong("bad_day")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise _wrong("bad_zone") from None
    return value


def _encoding(value: str) -> str:
    try:
        b"".decode(codecs.lookup(value).name)
    except (LookupError, UnicodeError):
        raise _wrong("bad_encoding") from None
    return value


def _sign(value: str) -> str:
    if len(value) != 1 or value in '"\r\n\0':
        raise _wrong("bad_sign")
    return value


def one_way(text: str) -> str:
    """Write a label in the way in which cells are compared with it: half-width, single blanks, no case."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


Name = Annotated[str, AfterValidator(_named)]
ColumnName = Annotated[str, AfterValidator(_column_named)]
Filled = Annotated[str, Field(min_length=1)]
Nothing = BeforeValidator(_none)
Days = Annotated[int, Field(gt=0)]
Day = Annotated[date, BeforeValidator(_day)]


class Model(BaseModel):
    """Frozen, and closed to keys that the contract does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Text(Model):
    """A text for readers, in both languages."""

    en: Filled
    zh: Filled


class Code(Text):
    """What a code means, and other spellings that are recognised as it."""

    also: tuple[str, ...] = ()


class CodeSet(Model):
    """The codes that an item may have, and those that count as not answered."""

    codes: Annotated[dict[Filled, Code], Field(min_length=1)]
    missing: dict[Filled, Code] = {}

    @model_validator(mode="after")
    def _one_meaning(self) -> CodeSet:
        meaning: dict[str, str] = {}
        for spelling, code in self.spellings():
            if meaning.setdefault(spelling, code) != code:
                raise _wrong("two_meanings")
        return self

    def spellings(self) -> Iterator[tuple[str, str]]:
        """Every spelling in the way it is compared, with its code; codes that count as missing have ``missing:`` before them."""
        for mark, part in (("", self.codes), ("missing:", self.missing)):
            for code, label in part.items():
                for text in (code, label.en, label.zh, *label.also):
                    yield one_way(text), mark + code


class Scale(Model):
    """A scale: the mean of the items that name it, or one that arrives scored."""

    title: Text
    theme: Literal["attraction", "cohesion", "detachment", "satisfaction", "contact"]
    min_share: Annotated[float, Field(gt=0, le=1)] = 0.5


class Service(Model):
    """A service and the items that ask about it."""

    title: Text
    need: str
    rating: str
    urgency: str | None = None
    aware: str | None = None
    used: str | None = None


class Step(Model):
    """What somebody says of a step: one of the codes in any of the items is yes, another answer no."""

    items: Annotated[tuple[str, ...], Field(min_length=1)]
    codes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None  #: None: any answer is yes, and none is no


class Groups(Model):
    """Where the codes of the groups stand, or a pattern that labels any code."""

    file: Filled | None = None
    any: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Groups:
        if (self.file is None) == (self.any is None):
            raise _wrong("bad_groups")
        return self


class Places(Model):
    """Where the codes of the places stand."""

    under: Filled | None = None
    file: Filled | None = None
    to: Literal["county", "township", "village"] | None = None
    crosswalk: Filled | None = None

    @model_validator(mode="after")
    def _some(self) -> Places:
        if self.file is None and self.under is None:
            raise _wrong("bad_places")
        return self


class Windows(Model):
    """Days within which somebody took part, and came back; None: the whole log."""

    took_part: Annotated[Days | None, Nothing] = None
    returned: Annotated[Days | None, Nothing] = None


class Weights(Model):
    """What the answers are raked to."""

    count: Literal["members"] = "members"
    margins: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    method: Literal["raking", "linear"] = "raking"
    bounds: tuple[float, float] | None = None
    trim_at: Annotated[float, Field(gt=0)] | None = None
    trim_to_effect: Annotated[float, Field(gt=1)] | None = None

    @model_validator(mode="after")
    def _order(self) -> Weights:
        if self.bounds is not None and not 0 < self.bounds[0] < self.bounds[1]:
            raise _wrong("bad_bounds")
        if self.trim_at is not None and self.trim_to_effect is not None:
            raise _wrong("two_trims")
        if self.method == "linear" and (self.trim_at is not None or self.trim_to_effect is not None):
            raise _wrong("linear_trim")
        return self


class LeastAge(Model):
    """The item that asks for the age, and the age below which an answer needs consent."""

    item: str
    years: Annotated[int, Field(ge=1)]


class Careless(Model):
    """From where on an index of `survey.care` flags an answer (None: it is not looked at), and how many make it doubtful."""

    same_code: Annotated[Annotated[int, Field(ge=2)] | None, Nothing] = 10
    longstring: Annotated[Annotated[int, Field(ge=2)] | None, Nothing] = None
    irv: Annotated[Annotated[float, Field(gt=0)] | None, Nothing] = None
    mahalanobis: Annotated[Annotated[float, Field(gt=0, lt=1)] | None, Nothing] = None
    even_odd: Annotated[Annotated[float, Field(gt=-1, le=1)] | None, Nothing] = None
    seconds_per_item: Annotated[Annotated[float, Field(gt=0)] | None, Nothing] = None
    copied: Annotated[Annotated[int, Field(ge=2)] | None, Nothing] = None
    flags: Annotated[int, Field(ge=1)] = 1


class Rules(Model):
    """The study's rules of release and of refusal."""

    minimum: Annotated[int, Field(ge=5)] = 10
    difference: Annotated[int, Field(ge=5)] = 10
    count_step: Annotated[int, Field(ge=1)] = 5
    sensitive_minimum: Annotated[int, Field(ge=10)] = 30
    set_aside_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    out_of_range_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    total_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    outside_fieldwork_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    registry_gap: Annotated[float, Field(ge=0, le=1)] = 0.01
    linkage_drop: Annotated[float, Field(ge=0, le=1)] = 0.25
    least_response: Annotated[float, Field(ge=0, le=1)] = 0.05
    least_answered: Annotated[float, Field(ge=0, le=1)] = 0
    least_seconds: Annotated[float, Field(ge=0)] | None = None
    least_age: LeastAge | None = None
    careless: Careless = Careless()
    min_reliability: Annotated[float, Field(ge=0, le=1)] = 0.7


class Words(Model):
    """What members and groups are called in this study."""

    group: Text = Text(en="organisation", zh="组织")
    groups: Text = Text(en="organisations", zh="组织")
    member: Text = Text(en="member", zh="会员")
    members: Text = Text(en="members", zh="会员")


class StudyFile(Model):
    """``study.yaml``."""

    format: Literal["1"]
    name: Name
    title: Text
    about: Text | None = None
    synthetic: bool = False
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    words: Words = Words()
    groups: Groups | None = None
    places: Places | None = None
    code_sets: dict[Name, CodeSet] = {}
    scales: dict[ColumnName, Scale] = {}
    services: dict[Name, Service] = {}
    steps: dict[
        Literal["reached", "intends", "propose", "take_part", "evaluate", "benefit", "design", "in_need"], Step
    ] = {}
    windows: Windows = Windows()
    cuts: tuple[tuple[str, ...], ...] = ((),)
    weights: Weights | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    rules: Rules = Rules()


class Layout(Model):
    """How a file is laid out, where that is not recognised by itself."""

    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    delimiter: Annotated[str, AfterValidator(_sign)] | None = None
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1)] = 1
    times: Literal["iso", "dmy", "mdy", "epoch_s", "epoch_ms", "excel", "excel_1904"] = "iso"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""

    @model_validator(mode="after")
    def _two_marks(self) -> Layout:
        if self.decimal == self.thousands:
            raise _wrong("same_mark")
        return self


class FileEntry(Model):
    """One file of a wave: what it holds and what its columns are."""

    file: Filled
    holds: Literal["answers", "log", "registry", "memberships", "visits", "proposals", "cases"]
    platform: str | None = None
    layout: Layout = Layout()
    columns: Annotated[dict[str, str], Field(min_length=1)]
    values: dict[str, dict[str, str]] = {}
    took_part: dict[str, tuple[str, ...]] = {}
    tests: dict[str, tuple[str, ...]] = {}
    key: tuple[str, ...] | None = None
    separator: Filled | None = None


class Fieldwork(Model):
    """First and last day of the wave's fieldwork (for a log alone: of the log)."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _order(self) -> Fieldwork:
        if self.end < self.start:
            raise _wrong("bad_order")
        return self


class Decision(Model):
    """A rule that a named office overrode for a file, and why; the report shows it."""

    rule: Literal[
        "set_aside_share",
        "out_of_range_share",
        "total_share",
        "outside_fieldwork_share",
        "direction",
        "registry_gap",
        "linkage",
    ]
    accept: str
    office: Filled
    why: Filled


class WaveFile(Model):
    """``wave.yaml``."""

    wave: Name
    status: Literal["proposed"] | None = None
    title: Text | None = None
    fieldwork: Fieldwork
    mode: Literal["online", "phone", "paper", "face", "mixed"] = "online"
    instrument: str = "1"
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1)]
    invited: Annotated[int, Field(ge=1)] | None = None
    not_reporting: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
