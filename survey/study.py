"""A study: its folder as typed, frozen objects, with every fault of the folder reported at once.

The contract is ``docs/study-format.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from pydantic import ValidationError

from survey import instrument, places
from survey.faults import Fault, Refused, refuse_if
from survey.folder import Document, place, read_rows, read_yaml
from survey.instrument import Item
from survey.schema import NAME, ROLES, Model, StudyFile, WaveFile

if TYPE_CHECKING:
    from survey.panel import Panel

ROOT = Path(__file__).resolve().parents[1]
STUDY_FILE, WAVE_FILE = "study.yaml", "wave.yaml"
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave: its settings, and the folder of what arrived."""

    name: str
    folder: Path
    settings: WaveFile

    @property
    def label(self) -> str:
        """Folder of the wave relative to the study's, for messages."""
        return f"{self.name}/"


@dataclass(frozen=True, slots=True)
class Study:
    """A study folder, read and found without fault.

    Attributes
    ----------
    folder : Path
        The study's folder.
    settings : StudyFile
        ``study.yaml``.
    items : tuple of Item
        ``instrument.csv``, in its order; an item with several forms stands once a form.
    groups : DataFrame
        ``code, en, zh``; empty where the study has none or takes any code.
    places : DataFrame
        ``code, parent, level, en, zh, valid_from, valid_to``; empty where the study has none.
    wave_list : tuple of Wave
        In order of their names.
    """

    folder: Path
    settings: StudyFile
    items: tuple[Item, ...]
    groups: pd.DataFrame
    places: pd.DataFrame
    wave_list: tuple[Wave, ...]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.settings.name

    def waves(self) -> tuple[str, ...]:
        """Names of the waves, oldest first."""
        return tuple(w.name for w in self.wave_list)

    def wave(self, name: str | None = None) -> Wave:
        """Give a wave by name; None: the one in ``WORKBENCH_WAVE``, else the latest."""
        wanted = name or os.environ.get("WORKBENCH_WAVE") or self.waves()[-1]
        for wave in self.wave_list:
            if wave.name == wanted:
                return wave
        raise ValueError(f"{self.name} has no wave {wanted!r}; it has {', '.join(self.waves())}")

    def until(self, name: str | None = None) -> tuple[Wave, ...]:
        """All waves up to the one named."""
        return self.wave_list[: self.wave_list.index(self.wave(name)) + 1]

    def panel(self, wave: str | None = None) -> Panel:
        """Read, check, weight and seal all waves up to the one asked for (`survey.panel.build`)."""
        from survey.panel import build

        return build(self, wave)

    def __repr__(self) -> str:
        return f"Study {self.name}: waves {', '.join(self.waves())}; {len({i.name for i in self.items})} items"


def open_study(name_or_folder: str | os.PathLike[str] | None = None) -> Study:
    """Open a study folder.

    Parameters
    ----------
    name_or_folder : str or path, optional
        A folder, or the name of a study in ``data/raw/`` (``WORKBENCH_STUDIES`` names another place). None: the one in
        the environment variable ``WORKBENCH_STUDY``, and the demo where that is not set.

    Returns
    -------
    Study

    Raises
    ------
    survey.Refused
        With every fault of the folder, each with file and line, in English and Chinese.
    """
    folder = _folder(name_or_folder if name_or_folder is not None else os.environ.get("WORKBENCH_STUDY", "demo"))
    settings, document = _read(folder, STUDY_FILE, StudyFile)
    faults: list[Fault] = []
    if settings.name != folder.name:
        faults.append(
            Fault(
                STUDY_FILE,
                document.line(("name",)),
                f"the name must be the folder's name, “{folder.name}”",
                f"name 必须与文件夹名“{folder.name}”相同",
            )
        )
    no_items: tuple[Item, ...] = ()
    items = _gather(faults, lambda: _items(folder, settings, faults), no_items)
    groups = _gather(faults, lambda: _groups(folder, settings), _NO_GROUPS)
    place_table = _gather(faults, lambda: places.table(folder, settings.places), places.none())
    faults += _study_faults(settings, document, items, groups, place_table)
    waves = tuple(_waves(folder, settings, items, groups, faults))
    refuse_if(faults)
    return Study(folder, settings, items, groups, place_table, waves)


_NO_GROUPS = pd.DataFrame(columns=["code", "en", "zh"], dtype="str")
T = TypeVar("T")


def _gather(faults: list[Fault], read: Callable[[], T], instead: T) -> T:
    """Read a part; where it is refused, keep its faults and go on with the part left out."""
    try:
        return read()
    except Refused as refused:
        faults += refused.faults
        return instead


def _folder(name_or_folder: str | os.PathLike[str]) -> Path:
    given = Path(name_or_folder)
    home = Path(os.environ.get("WORKBENCH_STUDIES", ROOT / "data" / "raw"))
    folder = given if given.is_dir() and len(given.parts) > 1 else home / given.name
    if not (folder / STUDY_FILE).is_file():
        known = ", ".join(sorted(p.parent.name for p in home.glob(f"*/{STUDY_FILE}"))) or "-"
        raise Refused(
            [
                Fault(
                    f"{given.name}/{STUDY_FILE}",
                    0,
                    f"there is no study of this name; studies here: {known}",
                    f"没有这个名称的研究；现有研究：{known}",
                )
            ]
        )
    return folder.resolve()


def _read(folder: Path, file: str, model: type[M]) -> tuple[M, Document]:
    document = read_yaml(folder, file)
    try:
        return model.model_validate(document.content), document
    except ValidationError as error:
        raise Refused([_validation_fault(file, document, e) for e in error.errors()]) from None


_ZH = {
    "missing": "缺少这一项",
    "extra_forbidden": "未知的键；请对照 docs/study-format.md",
    "literal_error": "取值不在允许范围内",
    "string_too_short": "不能为空",
}


def _validation_fault(file: str, document: Document, error: Any) -> Fault:
    path = tuple(int(p) if isinstance(p, int) else str(p) for p in error["loc"])
    where = ".".join(map(str, path)) or file
    if error["type"] == "extra_forbidden":
        en = "is not a key known here; see docs/study-format.md"
    elif error["type"] == "missing":
        en = "is missing"
    else:
        en = error["msg"].removeprefix("Value error, ")
    zh = _ZH.get(error["type"], f"取值不合要求（{en}）")
    return Fault(file, document.line(path), f"{where}: {en}", f"{where}：{zh}")


def _items(folder: Path, settings: StudyFile, faults: list[Fault]) -> tuple[Item, ...]:
    if not (folder / instrument.FILE).is_file():
        return ()
    rows = read_rows(folder, instrument.FILE, instrument.REQUIRED, instrument.OPTIONAL)
    items, found = instrument.read_items(rows, settings.code_sets, settings.scales)
    faults += found
    return tuple(items)


def _groups(folder: Path, settings: StudyFile) -> pd.DataFrame:
    if settings.groups is None or settings.groups.file is None:
        return _NO_GROUPS
    file = settings.groups.file
    rows = read_rows(folder, file, ("code", "name_en", "name_zh"))
    table = pd.DataFrame(rows, dtype="str").rename(columns={"name_en": "en", "name_zh": "zh"})
    refuse_if(
        Fault(file, int(line), f"the code “{code}” stands twice", f"编码“{code}”重复出现")
        for code, line in table.loc[table["code"].duplicated(), ["code", "#line"]].itertuples(index=False)
    )
    return table[["code", "en", "zh"]]


def _study_faults(
    settings: StudyFile,
    document: Document,
    items: tuple[Item, ...],
    groups: pd.DataFrame,
    place_table: pd.DataFrame,
) -> Iterator[Fault]:
    names = {i.name for i in items}

    def fault(path: tuple[Any, ...], en: str, zh: str) -> Fault:
        return Fault(STUDY_FILE, document.line(path), en, zh)

    for scale in settings.scales:
        if scale not in names and not any(i.scale == scale for i in items):
            yield fault(
                ("scales", scale),
                f"the scale “{scale}” has no items in instrument.csv, and no item of its own name brings its score",
                f"量表“{scale}”在 instrument.csv 中没有题目，也没有同名题目提供得分",
            )
        if _differ_in_limits([i for i in items if i.scale == scale]):
            yield fault(
                ("scales", scale),
                f"items of “{scale}” have different lowest or highest values; their mean has no meaning",
                f"“{scale}”的题目取值范围不同；平均没有意义",
            )
    for service, parts in settings.services.items():
        for part in ("need", "rating", "urgency", "aware", "used"):
            item = getattr(parts, part)
            if item is not None and item not in names:
                yield fault(
                    ("services", service, part),
                    f"the item “{item}” is not in instrument.csv",
                    f"题目“{item}”不在 instrument.csv 中",
                )
    yield from _column_faults(settings, fault, items, set(place_table["level"]))


def _differ_in_limits(items: list[Item]) -> bool:
    """Whether the items of a scale, each in its last form, have different limits."""
    newest = {item.name: (item.lowest, item.highest) for item in items}
    return len(set(newest.values())) > 1


def _column_faults(
    settings: StudyFile, fault: Callable[[tuple[Any, ...], str, str], Fault], items: tuple[Item, ...], levels: set[str]
) -> Iterator[Fault]:
    categories = {i.name for i in items if i.kind == "choice" and not i.scale}
    cut_columns = categories | ({"group"} if settings.groups else set()) | ({"region"} if settings.places else set())
    for n, cut in enumerate(settings.cuts):
        for column in set(cut) - cut_columns:
            yield fault(
                ("cuts", n),
                f"“{column}” is not a choice item outside all scales, and not a group or region of this study",
                f"“{column}”不是（不属于任何量表的）选择题，也不是本研究的组织或地区",
            )
    margin_columns = levels | ({"group"} if settings.groups else set())
    for n, margin in enumerate(settings.weights.margins if settings.weights else ()):
        for column in set(margin) - margin_columns:
            yield fault(
                ("weights", "margins", n),
                f"“{column}” is not a level of the study's places, and not its groups",
                f"“{column}”不是本研究的地区层级，也不是组织",
            )


def _waves(
    folder: Path, settings: StudyFile, items: tuple[Item, ...], groups: pd.DataFrame, faults: list[Fault]
) -> Iterator[Wave]:
    found = sorted(p.parent for p in folder.glob(f"*/{WAVE_FILE}"))
    if not found:
        faults.append(
            Fault(
                STUDY_FILE,
                0,
                "there is no wave: no folder with a wave.yaml; `workbench new-wave` makes one",
                "没有调查波次：没有含 wave.yaml 的文件夹；可用 workbench new-wave 新建",
            )
        )
    for wave_folder in found:
        file = f"{wave_folder.name}/{WAVE_FILE}"
        try:
            wave, document = _read(folder, file, WaveFile)
        except Refused as refused:
            faults += refused.faults
            continue
        faults += _wave_faults(folder, wave_folder, wave, document, settings, items, groups)
        yield Wave(wave.wave, wave_folder, wave)


def _wave_faults(
    folder: Path,
    wave_folder: Path,
    wave: WaveFile,
    document: Document,
    settings: StudyFile,
    items: tuple[Item, ...],
    groups: pd.DataFrame,
) -> Iterator[Fault]:
    if wave.wave != wave_folder.name or not NAME.fullmatch(wave.wave):
        yield Fault(
            document.file,
            document.line(("wave",)),
            f"wave must be the folder's name, “{wave_folder.name}”",
            f"wave 必须与文件夹名“{wave_folder.name}”相同",
        )
    for group in set(wave.not_reporting) - set(groups["code"]) if len(groups) else ():
        yield Fault(
            document.file,
            document.line(("not_reporting",)),
            f"“{group}” is not the code of a group",
            f"“{group}”不是组织编码",
        )
    asked = {i.name: i for i in items if i.asked_in(wave.instrument)}
    for n, entry in enumerate(wave.files):
        yield from _entry_faults(folder, wave_folder, n, entry, document, settings, asked)


def _entry_faults(
    folder: Path,
    wave_folder: Path,
    n: int,
    entry: Any,
    document: Document,
    settings: StudyFile,
    asked: dict[str, Item],
) -> Iterator[Fault]:
    line = document.line(("files", n, "file"))
    try:
        place(folder, f"{wave_folder.name}/{entry.file}")
    except Refused as refused:
        yield from (
            Fault(document.file, line, f"{entry.file}: {f.en}", f"{entry.file}：{f.zh}") for f in refused.faults
        )
    roles = ROLES[entry.holds]
    for header, target in entry.columns.items():
        name = target.partition("=")[0]
        if target not in roles and not (entry.holds == "answers" and name in asked):
            yield Fault(
                document.file,
                document.line(("files", n, "columns", header)),
                f"“{target}” is neither a role of {entry.holds} nor an item of instrument version {wave_version(document)}",
                f"“{target}”既不是 {entry.holds} 的角色，也不是问卷第 {wave_version(document)} 版的题目",
            )
    targets = list(entry.columns.values())
    for target in {t for t in targets if targets.count(t) > 1}:
        yield Fault(
            document.file,
            document.line(("files", n, "columns")),
            f"two columns are mapped to “{target}”; keep one",
            f"有两列都对应“{target}”；请只保留一列",
        )
    yield from _lacking(entry, document, n, settings)


def _lacking(entry: Any, document: Document, n: int, settings: StudyFile) -> Iterator[Fault]:
    needed = {"log": ["member", "activity", "start"], "answers": [], "registry": []}[entry.holds]
    if entry.holds != "log":
        needed += (["group"] if settings.groups else []) + (["region"] if settings.places else [])
    for role in needed:
        if role not in entry.columns.values():
            yield Fault(
                document.file,
                document.line(("files", n, "columns")),
                f"no column is mapped to “{role}”, which {entry.holds} need here",
                f"没有列对应“{role}”，而 {entry.holds} 必须有它",
            )


def wave_version(document: Document) -> str:
    """Instrument version that a wave.yaml names."""
    return str(document.content.get("instrument", "1"))
