"""What `workbench verify` and `workbench purge` say, in both languages."""

from __future__ import annotations

WORDS = {
    "verified": (
        "{study}: {files} files of the store read again, {mb} MB in {seconds} s",
        "{study}：已重新读取存储中的 {files} 个文件，共 {mb} MB，用时 {seconds} 秒",
    ),
    "empty": ("{study}: nothing has been stored yet", "{study}：尚未保存任何内容"),
    "whole": ("every byte is what was written", "每个字节都与写入时一致"),
    "faults": ("{n} fault(s) of the store:", "存储中有 {n} 处问题："),
    "leftovers": (
        "{n} leftover(s) of runs that were stopped; the next run takes them away",
        "有 {n} 处被中断的运行留下的内容；下次运行时会清除",
    ),
    "raw": (
        "files of the study that are not what the newest version recorded; the next check makes a new version of them:",
        "研究文件夹中与最新版本记录不同的文件；下次检查时会生成新版本：",
    ),
    "edited": ("edited: {name}", "已改动：{name}"),
    "removed": ("gone: {name}", "已不在：{name}"),
    "added": ("new: {name}", "新增：{name}"),
    "ask": (
        "{study}, wave {wave}: this erases what was stored of it ({entries} saved sets of tables, those of later waves too, which "
        "are built again) and its folder with {files} file(s) that arrived. It cannot be undone. Reports stay. Go on?",
        "{study}，{wave} 波次：将删除已保存的内容（{entries} 组表，含以后波次的表，以后会重新生成），"
        "以及该波次文件夹中收到的 {files} 个文件。此操作无法撤销。已生成的报告保留。是否继续？",
    ),
    "kept": ("nothing was erased", "没有删除任何内容"),
    "purged": (
        "{study}, wave {wave}: {files} files of the store ({mb} MB) and {raw} files that arrived were erased. Backups are yours to "
        "look after",
        "{study}，{wave} 波次：已删除存储中的 {files} 个文件（{mb} MB）和收到的 {raw} 个文件。备份请自行处理",
    ),
    "nothing": ("{study}: nothing is known of a wave {wave}", "{study}：没有 {wave} 波次的任何内容"),
}


def say(key: str, language: str, **values: str) -> str:
    """Give a text in one language.

    Parameters
    ----------
    key : str
    language : {'en', 'zh'}
    **values : str
        What stands in its places.
    """
    return WORDS[key][0 if language == "en" else 1].format(**values)
