"""What `workbench seal` says to staff, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from survey.faults import printable
from survey.sealed_record import DELETED

if TYPE_CHECKING:
    from survey.sealing import Sealing
    from survey.study import Wave

LANGUAGES = ("en", "zh")
WORDS = {
    "encrypt": (
        "These files are encrypted for {to} and then taken away; nobody here can open them again: {files}.",
        "以下文件将为 {to} 加密，随后移走原件；此处无人能再打开：{files}。",
    ),
    "delete": (
        "These files are deleted for good: {files}. Copies in backups and in snapshots of the disk stay.",
        "以下文件将永久删除：{files}。备份和磁盘快照中的副本不受影响。",
    ),
    "unnamed": (
        "wave.yaml does not name these, so they stay; look what they hold: {files}.",
        "wave.yaml 未列出以下文件，将原样保留，请自行查看内容：{files}。",
    ),
    "continue": ("Go on?", "是否继续？"),
    "sealed": ("{file}: encrypted as {sealed}", "{file}：已加密为 {sealed}"),
    "deleted": ("{file}: deleted", "{file}：已删除"),
    "before": ("{file}: sealed before, on {day}", "{file}：已于 {day} 封存"),
    "nothing": ("There was nothing to seal.", "没有需要封存的文件。"),
    "record": (
        "The study keeps working from the store; what became of each file stands in {wave}/sealed.json. The custodian opens a file "
        "with: age -d -i KEY FILE.age > FILE",
        "研究照常使用存储中的数据；各文件的去向见 {wave}/sealed.json。保管人可用以下命令解开：age -d -i 密钥 文件.age > 文件",
    ),
}


def say(key: str, language: str, **parts: str) -> str:
    """Give a text in a language, its parts filled in."""
    return WORDS[key][LANGUAGES.index(language)].format(**parts)


def asked(names: Sequence[str], unnamed: Sequence[str], recipient: str | None, language: str) -> str:
    """Say what is about to happen, and ask."""
    files = ", ".join(map(printable, names))
    what = (
        say("delete", language, files=files)
        if recipient is None
        else say("encrypt", language, files=files, to=recipient)
    )
    return "\n".join([what, *_unnamed(unnamed, language), say("continue", language)])


def done(sealing: Sealing, wave: Wave, language: str) -> str:
    """Say what was done."""
    lines = [
        say(
            "deleted" if one.method == DELETED else "sealed",
            language,
            file=printable(one.file),
            sealed=printable(one.sealed),
        )
        for one in sealing.now
    ]
    lines += [say("before", language, file=printable(one.file), day=one.when[:10]) for one in sealing.before]
    end = say("record", language, wave=wave.name) if lines else say("nothing", language)
    return "\n".join([*lines, *_unnamed(sealing.unnamed, language), end])


def _unnamed(names: Sequence[str], language: str) -> list[str]:
    return [say("unnamed", language, files=", ".join(map(printable, names)))] if names else []
