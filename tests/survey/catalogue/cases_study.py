"""Cases 117-122: the files of the study's folder, and files that cannot be reached."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.survey.builders import as_yaml
from tests.survey.catalogue.ground import Folder, case


def text_of_study(f: Folder) -> str:
    """study.yaml as people write it: NO, 0110 and 12:30 without quotes."""
    text = as_yaml(f.study)
    for code in ("NO", "0110", "12:30"):
        text = text.replace(f"'{code}':", f"{code}:")
    return text


@case(
    "117",
    "YAML with NO, 0110 and 12:30 without quotes",
    "harmless",
    why="all that stands in the files is text: nothing is lost",
)
def _(f: Folder) -> None:
    f.texts["study.yaml"] = text_of_study(f)


@case(
    "117a",
    "a key that stands twice",
    "refused",
    ("study.yaml", "row 41", "the key “NO” stands twice"),
    ("第 41 行", "键“NO”重复"),
)
def _(f: Folder) -> None:
    before, code, after = text_of_study(f).partition("      0110:")
    f.texts["study.yaml"] = before + "      NO: {en: No, zh: 否}\n" + code + after


@case("117b", "YAML indented with a tab", "refused", ("study.yaml", "row 2", "indentation"), ("第 2 行", "缩进"))
def _(f: Folder) -> None:
    f.texts["study.yaml"] = as_yaml(f.study).replace("\n", "\n\t", 1)


@case(
    "117c",
    "a word that wave.yaml does not know",
    "refused",
    ("2024/wave.yaml", "field_work"),
    ("2024/wave.yaml", "field_work"),
)
def _(f: Folder) -> None:
    f.wave["field_work"] = f.wave["fieldwork"]


@case(
    "118",
    "an item twice, an unknown kind, no wording, conditions in a circle",
    "refused",
    (
        "instrument.csv",
        "row 3: “bel1” stands in line 2 already",
        "row 4: kind is “tickbox”; it must be one of",
        "row 5: wording_en and wording_zh are both needed",
        "row 6: asked_if of “used”: no item “age” with these codes stands above it",
    ),
    (
        "第 3 行：“bel1”在第 2 行已有同一版本",
        "第 4 行：kind 为“tickbox”",
        "第 5 行：wording_en 和 wording_zh 都必须填写",
        "第 6 行：“used”的 asked_if",
    ),
)
def _(f: Folder) -> None:
    f.texts["instrument.csv"] = """item,version,wording_en,wording_zh,kind,codes,lowest,highest,scale,asked_if
bel1,,I belong,我属于这里,choice,agree5,,,belonging,
bel1,,I belong,我属于这里,choice,agree5,,,belonging,
bel2,,I am a stranger,我是外人,tickbox,agree5,,,belonging,
job,,Where do you work?,,choice,work,,,,
used,,What did you use?,您用过什么？,multiple,places3,,,,age=1
age,,How old are you?,您多大年纪？,number,,14,99,,used=1
home,,Where do you live?,您住在哪里？,region,,,,,
wish,,What do you wish?,您有什么愿望？,text,,,,,
"""


@case("118a", "a code without a label", "refused", ("study.yaml", "agree5.codes.3"), ("study.yaml", "agree5.codes.3"))
def _(f: Folder) -> None:
    del f.study["code_sets"]["agree5"]["codes"]["3"]["zh"]


@case("119", "labels of 2,000 signs, with emoji, from right to left", "harmless", why="a label is shown, never read")
def _(f: Folder) -> None:
    codes = f.study["code_sets"]["work"]["codes"]
    codes["NO"] = {"en": "None " * 400, "zh": "无" * 2000}
    codes["0110"] = {"en": "Farm 🌾👩‍🌾", "zh": "农业🌾"}
    codes["12:30"] = {"en": "\u202eShift عمل", "zh": "倒班\u202e"}


@case("119a", "an empty label", "refused", ("study.yaml", "work.codes.NO"), ("study.yaml", "work.codes.NO"))
def _(f: Folder) -> None:
    f.study["code_sets"]["work"]["codes"]["NO"] = {"en": "", "zh": ""}


def _named(name: str) -> Callable[[Folder], None]:
    def spoil(f: Folder) -> None:
        f.rename(name)

    return spoil


_NAME = "a file's name is only a name: any that the disk can hold is read"
case("120", "a file name with blanks and Chinese", "harmless", why=_NAME)(_named("答卷 2024（最终 版）.csv"))
case("120a", "a file name with a line break in it", "harmless", why=_NAME)(_named("answers\n2024.csv"))
case("120b", "a file name that begins with a dash", "harmless", why=_NAME)(_named("-rf.csv"))
case("120c", "a file name of 255 bytes", "harmless", why=_NAME)(_named("a" * 251 + ".csv"))


@case(
    "120d", "a file name that is too long for any disk", "refused", ("2024/wave.yaml", "is not there"), ("文件不存在",)
)
def _(f: Folder) -> None:
    f.entry["file"] = "答" * 100 + ".csv"


@case(
    "120e",
    "a file name that leads out of the folder",
    "refused",
    ("2024/wave.yaml", "leads out of its folder"),
    "文件夹之外",
)
def _(f: Folder) -> None:
    f.entry["file"] = "../../answers.csv"


def _opening(name: str, then: Callable[[Path], None]) -> Callable[[Path], AbstractContextManager[None]]:
    """A context in which something happens each time that a file of this name is opened; afterwards it is as it was."""

    @contextmanager
    def context(study: Path) -> Iterator[None]:
        kept, opening = (study / "2024" / name).read_bytes(), Path.open

        def opened(path: Path, *args: Any, **options: Any) -> Any:
            if path.name == name:
                then(path)
            return opening(path, *args, **options)

        with patch.object(Path, "open", opened):
            yield
        (study / "2024" / name).write_bytes(kept)

    return context


@case(
    "121",
    "a file that grows while it is read",
    "refused",
    ("answers.csv", "still being written", "wait"),
    ("仍在写入", "稍后再试"),
)
def _(f: Folder) -> None:
    def grow(path: Path) -> None:
        with open(path, "ab") as file:
            file.write(b"canary,union\n")

    f.meanwhile = _opening("answers.csv", grow)


def _failing(number: int) -> Callable[[Path], None]:
    def fail(path: Path) -> None:
        raise OSError(number, "failed", str(path))

    return fail


@case(
    "122",
    "no permission to read",
    "refused",
    ("log.csv", "cannot be read", "permissions"),
    ("log.csv", "无法读取", "权限"),
)
def _(f: Folder) -> None:
    f.meanwhile = _opening("log.csv", _failing(errno.EACCES))


@case("122a", "the network drive is gone", "refused", ("answers.csv", "cannot be read", "disk"), ("无法读取", "磁盘"))
def _(f: Folder) -> None:
    f.meanwhile = _opening("answers.csv", _failing(errno.EIO))


@case(
    "122b",
    "a file that wave.yaml names is not there",
    "refused",
    ("log.csv: this file is not there", "put it"),
    "文件不存在",
)
def _(f: Folder) -> None:
    f.raw["log.csv"] = None


@case("122c", "a folder with the file's name", "refused", ("log.csv", "is not there"), ("log.csv", "文件不存在"))
def _(f: Folder) -> None:
    f.raw["log.csv"] = None
    f.then.append(lambda study: (study / "2024" / "log.csv").mkdir())


@case("122d", "a link instead of the file", "refused", ("answers.csv", "put the file itself"), "请把文件本身放进文件夹")
def _(f: Folder) -> None:
    def link(study: Path) -> None:
        path = study / "2024" / "answers.csv"
        path.symlink_to(path.rename(study.parent / "elsewhere.csv"))

    f.then.append(link)
