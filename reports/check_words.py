"""What `workbench check` says to staff, in both languages."""

from __future__ import annotations

WORDS = {
    "title": ("{study}, wave {wave}: what arrived", "{study}，{wave} 波次：收到的资料"),
    "read": (
        "{read} rows read: {as_is} taken as they are, {repaired} mended, {aside} set aside",
        "读入 {read} 行：原样采用 {as_is} 行，修正 {repaired} 行，搁置 {aside} 行",
    ),
    "aside": ("set aside: {n} {what} (row {rows})", "搁置 {n} 行：{what}（第 {rows} 行）"),
    "aside.blank": ("empty rows", "空行"),
    "aside.total": ("totals or averages", "合计或平均行"),
    "aside.preview": ("previews", "预览作答"),
    "aside.test": ("test answers", "测试作答"),
    "aside.spam": ("answers that the platform calls spam", "平台判定的垃圾作答"),
    "aside.ragged": ("rows shorter than the header", "列数少于表头的行"),
    "aside.duplicate": ("rows that stand there already", "与前面重复的行"),
    "aside.repeated_answer": (
        "second answers of the same person; the fullest is kept",
        "同一会员的重复答卷（保留最完整的一份）",
    ),
    "aside.unknown_group": ("rows with an organisation that the study does not know", "组织名称或编码不在研究之内"),
    "aside.unknown_region": ("rows with a place that was not valid then", "地区编码不存在或当时无效"),
    "aside.no_member": ("rows without a member number", "没有会员编号"),
    "aside.no_activity": ("rows without an activity", "没有活动编号"),
    "aside.no_time": ("rows without a readable time", "没有可识别的时间"),
    "cells.cleaned": ("{n} cells mended: full-width or invisible signs", "{n} 个单元格已修正：全角或不可见字符"),
    "cells.missing_code": (
        "{n} cells that say “no answer” (don't know, skipped)",
        "{n} 个单元格为“未回答”（说不清、跳过等）",
    ),
    "cells.out_of_range": (
        "{n} cells outside the item's codes or limits: now missing",
        "{n} 个单元格超出编码或范围，记为缺失",
    ),
    "cells.unknown_label": (
        "{n} cells with words that are no label: now missing",
        "{n} 个单元格的文字不是任何选项，记为缺失",
    ),
    "cells.not_a_number": ("{n} cells that are no number: now missing", "{n} 个单元格不是数字，记为缺失"),
    "cells.not_a_time": ("{n} cells that are no certain time: now missing", "{n} 个单元格的时间无法确定，记为缺失"),
    "note.unfinished": ("{n} answers were not finished; they are kept", "{n} 份答卷未完成，已保留"),
    "wave": ("The wave as a whole", "本波次整体"),
    "cells.no_weight": ("{n} answers have no weight and count nothing", "{n} 份答卷没有权重，不参与计算"),
    "weighted": ("{n} answers are weighted", "{n} 份答卷已加权"),
    "not_weighted": (
        "the answers are not weighted: no registry of this wave fits",
        "答卷未加权：本波次没有可用的登记数",
    ),
    "collapsed": (
        "{n} answers stand in small cells of the weighting margins that are laid together",
        "有 {n} 份答卷所在的加权单元过小，已合并",
    ),
    "rescaled": ("the registry's totals of {n} margins are brought to one sum", "{n} 个加权边际的登记总数已调整为一致"),
    "series_broken": (
        "{items}: asked in another form before; not comparable, missing in this wave",
        "{items}：题目形式与最新一波不同，不可比，本波次记为缺失",
    ),
    "children_differ_from_parent": (
        "registry: in {n} cases the places below do not add up to the place above",
        "组织登记：有 {n} 处下级之和与上级不符",
    ),
    "decided": ("Decided by an office", "有关单位已作的决定"),
    "decision": (
        "{file}, {rule}: accepted by {office}, because {why}",
        "{file}，{rule}：{office} 同意接受，理由：{why}",
    ),
    "stopped": ("{n} things stop this study; nothing was written", "有 {n} 处问题，已停止；没有写入任何内容"),
    "row": ("row {line}: ", "第 {line} 行："),
    "more": ("and {n} more, in the page below", "另有 {n} 处，见下面的网页"),
    "next": ("What to do now", "下一步"),
    "next.refused": (
        "Mend what is named above, or decide it in wave.yaml (decisions: rule, accept, office, why). "
        "Then again: workbench check {study} {wave}",
        "请按上面的说明修改，或在 wave.yaml 的 decisions 中作出决定（rule、accept、office、why）。"
        "然后再次运行：workbench check {study} {wave}",
    ),
    "next.warned": (
        "Look at what was set aside or is missing. If it is right: workbench report {study} {wave}",
        "请查看搁置和缺失的内容。确认无误后运行：workbench report {study} {wave}",
    ),
    "next.fine": (
        "Nothing to decide: workbench report {study} {wave}",
        "没有需要处理的问题：workbench report {study} {wave}",
    ),
    "page": ("The same as a page: {path}", "网页版：{path}"),
}


def say(key: str, language: str, **parts: str) -> str:
    """Give a text in a language, its parts filled in."""
    return WORDS[key][("en", "zh").index(language)].format(**parts)
