"""The types of a study folder: what `docs/study-format.md` says, as frozen models. They check one file each; `survey.study`
checks what stands between files."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SENSITIVE = ("health", "disability", "minor", "whereabouts")
REFUSED_TOPICS = ("belief", "loyalty", "party", "vote", "religion", "ethnicity")
ANSWER_ROLES = ("member", "group", "region", "submitted", "seconds", "consent", "weight", "strata", "cluster")
LOG_ROLES = ("member", "activity", "group", "region", "start", "end", "channel", "response")
REGISTRY_COUNTS = ("members", "organisations", "established", "staff", "venues", "funds")
ROLES = {"answers": ANSWER_ROLES, "log": LOG_ROLES, "registry": ("group", "region", *REGISTRY_COUNTS)}
RULES_TO_OVERRIDE = ("set_aside_share", "out_of_range_share")


def _none(value: Any) -> Any:
    return None if value in ("", "null", "~") else value


def _named(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("name: 1-40 of a-z 0-9 _ -, beginning with a letter or a digit")
    return value


Name = Annotated[str, AfterValidator(_named)]
Nothing = BeforeValidator(_none)
Days = Annotated[int, Field(gt=0)]


class Model(BaseModel):
    """Frozen, and closed to keys that the contract does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Model):
    """A text for readers, in both languages."""

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]


class Code(Text):
    """What a code means, and other spellings that are recognised as it."""

    also: tuple[str, ...] = ()


class CodeSet(Model):
    """The codes that an item may have, and those that count as not answered."""

    codes: Annotated[dict[str, Code], Field(min_length=1)]
    missing: dict[str, Code] = {}


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


class Groups(Model):
    """Where the codes of the groups stand, or a pattern that labels any code."""

    file: str | None = None
    any: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Groups:
        if (self.file is None) == (self.any is None):
            raise ValueError("groups: give either file or any")
        return self


class Places(Model):
    """Where the codes of the places stand."""

    under: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _some(self) -> Places:
        if self.file is None and self.under is None:
            raise ValueError("places: give under, file or both")
        return self


class Windows(Model):
    """Days within which somebody took part, and came back; None: the whole log."""

    took_part: Annotated[Days | None, Nothing] = None
    returned: Annotated[Days | None, Nothing] = None


class Weights(Model):
    """What the answers are raked to."""

    count: Literal["members"] = "members"
    margins: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    bounds: tuple[float, float] | None = None


class Rules(Model):
    """The study's rules of release and of refusal."""

    minimum: Annotated[int, Field(ge=5)] = 10
    difference: Annotated[int, Field(ge=5)] = 10
    count_step: Annotated[int, Field(ge=1)] = 5
    set_aside_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    out_of_range_share: Annotated[float, Field(ge=0, le=1)] = 0.02
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
    time_zone: str = "UTC"
    words: Words = Words()
    groups: Groups | None = None
    places: Places | None = None
    code_sets: dict[Name, CodeSet] = {}
    scales: dict[Name, Scale] = {}
    services: dict[Name, Service] = {}
    windows: Windows = Windows()
    cuts: tuple[tuple[str, ...], ...] = ((),)
    weights: Weights | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    rules: Rules = Rules()


class Layout(Model):
    """How a file is laid out, where that is not recognised by itself."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1)] = 1
    times: Literal["iso", "epoch_s", "epoch_ms", "excel"] = "iso"


class FileEntry(Model):
    """One file of a wave: what it holds and what its columns are."""

    file: str
    holds: Literal["answers", "log", "registry"]
    platform: str | None = None
    layout: Layout = Layout()
    columns: Annotated[dict[str, str], Field(min_length=1)]
    values: dict[str, dict[str, str]] = {}
    took_part: dict[str, tuple[str, ...]] = {}
    key: tuple[str, ...] | None = None
    separator: str | None = None


class Fieldwork(Model):
    """First and last day of the wave's fieldwork (for a log alone: of the log)."""

    start: date
    end: date

    @model_validator(mode="after")
    def _order(self) -> Fieldwork:
        if self.end < self.start:
            raise ValueError("fieldwork: end is before start")
        return self


class Decision(Model):
    """A rule that a named office overrode for a file, and why; the report shows it."""

    rule: Literal["set_aside_share", "out_of_range_share"]
    accept: str
    office: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]


class WaveFile(Model):
    """``wave.yaml``."""

    wave: Name
    title: Text | None = None
    fieldwork: Fieldwork
    mode: Literal["online", "phone", "paper", "face", "mixed"] = "online"
    instrument: str = "1"
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1)]
    not_reporting: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
