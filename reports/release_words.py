"""What `workbench release` says, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

LANGUAGES = ("en", "zh")
WORDS = {
    "checked": ("held against {count} earlier release(s)", "已与此前 {count} 个发布版核对"),
    "prepared": (
        "Release {name} is frozen: {files} files with their checksums, in the store. Read it there, then two offices sign:\n"
        '  workbench release {study} {wave} --sign "Research Office"',
        "发布版 {name} 已冻结：{files} 个文件及其校验和，保存在存储中。请先审阅，再由两个部门签署：\n"
        "  workbench release {study} {wave} --sign “研究室”",
    ),
    "signed": (
        "{office} has signed for release {name}. One more office signs before it is published.",
        "{office} 已签署发布版 {name}。还须另一部门签署后才发布。",
    ),
    "published": (
        "{office} has signed: release {name} is published, signed by {offices}.",
        "{office} 已签署：发布版 {name} 已发布，签署部门：{offices}。",
    ),
    "withdrawn": (
        "Release {name} is withdrawn. Ask those who have it to destroy it. What was read has been read: its numbers stay in the "
        "release log, and later ones are held against them.",
        "发布版 {name} 已撤回。请通知持有者销毁。已公布的数字无法收回：它们保留在发布记录中，以后的发布仍须与之核对。",
    ),
    "head": ("End of the release log, to be kept elsewhere: {head}", "发布记录末尾校验值，请另行保存：{head}"),
    "none": ("Nothing of this study has been prepared for release.", "本研究尚未准备任何发布版。"),
    "line": ("{name}   {state}   {day}   signed by: {offices}", "{name}   {state}   {day}   签署部门：{offices}"),
    "nobody": ("nobody yet", "尚无"),
    "state.prepared": ("prepared", "已准备"),
    "state.signed": ("signed once", "已签署一次"),
    "state.published": ("published", "已发布"),
    "state.withdrawn": ("withdrawn", "已撤回"),
    "everybody": ("everybody", "全部"),
    "comma": (", ", "，"),
    "this": ("this release", "本次发布"),
}


def say(key: str, language: str, **parts: object) -> str:
    """Give a text in a language, its parts filled in."""
    return WORDS[key][LANGUAGES.index(language)].format(**parts)


def too_near(term: str, here: str, there: str, release: str, language: str) -> str:
    """Say why two numbers of one question may not both be out, and what can be done; never how many people they differ by."""
    if language == "en":
        when = f"was published with release {release}" if release else "is in this release too"
        return (
            f"{term}: the number for {here} and the number for {there}, which {when}, are of nearly the same people. Whoever has "
            "both can work out what the few by whom they differ have answered. Leave the correction for the next wave, or gather "
            "more of them until the two differ by enough people; or take the cut out of study.yaml"
        )
    when = f"已随发布版 {release} 公布" if release else "也在本次发布之中"
    return (
        f"{term}：“{here}”的数字与“{there}”的数字（{when}）背后的人几乎相同，两者并列就能推算出相差的少数人的回答。"
        "请将更正留待下一波次，或等相差的人数足够多时再发布；也可从 study.yaml 中去掉该划分"
    )


def listed(names: Sequence[str], language: str) -> str:
    """Join offices, or say that there are none yet."""
    return say("comma", language).join(names) or say("nobody", language)
