"""What `workbench check` says to staff, in both languages."""

from __future__ import annotations

from survey.checks.reasons import REASONS

WORDS = {
    "title": ("{study}, wave {wave}: what arrived", "{study}，{wave} 波次：收到的资料"),
    "read": (
        "{read} rows read: {as_is} taken as they are, {repaired} mended, {aside} set aside",
        "读入 {read} 行：原样采用 {as_is} 行，修正 {repaired} 行，搁置 {aside} 行",
    ),
    "came": (
        "{platform}, {form}; {mapped} of {columns} columns are mapped",
        "来源 {platform}，{form}；共 {columns} 列，对应 {mapped} 列",
    ),
    "delimiter": ("delimiter “{sign}”", "分隔符“{sign}”"),
    "left_out": ("not mapped, not stored: {names}", "未对应、不保存的列：{names}"),
    "identifying": (
        "of these, columns that lead to people (phone or id numbers, mail, names): {names}; they stay in the file that arrived, "
        "until workbench seal",
        "其中可识别个人的列（手机号、身份证号、邮箱、姓名）：{names}；仍留在收到的文件中，可用 workbench seal 封存",
    ),
    "aside": ("set aside: {n} {what} (row {rows})", "搁置 {n} 行：{what}（第 {rows} 行）"),
    "nearest": (
        "nearest that the study knows: {codes}; write other spellings under values",
        "研究中最接近的：{codes}；其他写法请写入 values",
    ),
    "another_day": (
        "what they are or were: {codes}; code them by the table of the fieldwork, or write under values what each is now",
        "沿革：{codes}；请按调查时的代码表编码，或在 values 中写明各代码现在是什么",
    ),
    **{f"aside.{reason}": words for reason, words in REASONS.items()},
    "cells.cleaned": (
        "{n} cells mended: full-width or invisible signs, digits of other scripts",
        "{n} 个单元格已修正：全角或不可见字符、其他文字的数字",
    ),
    "cells.missing_code": (
        "{n} cells that say “no answer” (don't know, skipped)",
        "{n} 个单元格为“未回答”（说不清、跳过等）",
    ),
    "cells.not_asked": (
        "{n} cells answered by people to whom the question was not put: now missing",
        "{n} 个单元格由不应回答该题的人填写，记为缺失",
    ),
    "cells.default_time": (
        "{n} cells with a day that programs write where they know none (1900-01-01, ...): now missing",
        "{n} 个单元格是程序的默认日期（1900-01-01 等），记为缺失",
    ),
    "cells.sheet_error": (
        "{n} cells with an error of the spreadsheet (#N/A, #REF!, ...): now missing",
        "{n} 个单元格是表格的错误值（#N/A、#REF! 等），记为缺失",
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
    "note.hidden_rows": (
        "{n} rows are hidden in the sheet; they are read like the others",
        "{n} 行在工作表中被隐藏，仍照常读入",
    ),
    "note.outside_fieldwork": (
        "{n} answers were given outside the fieldwork; they are kept",
        "{n} 份答卷不在调查期内，已保留",
    ),
    "note.too_fast": (
        "{n} answers were given very fast; they are kept, and the report shows the scales without them too",
        "{n} 份答卷作答过快，已保留；报告另列不含这些答卷的量表结果",
    ),
    "note.same_code_everywhere": (
        "{n} answers have the same code in all items of one kind; they are kept, and the report shows the scales without them too",
        "{n} 份答卷在同类题目上全选同一选项，已保留；报告另列不含这些答卷的量表结果",
    ),
    "note.careless_longstring": (
        "{n} answers give one code to as many items in a row as the study's limit, or more, (longstring)"
        "; they are kept, and the report shows the scales without doubtful answers too",
        "{n} 份答卷连续选择同一选项的题数达到研究设定的上限（longstring），已保留；报告另列不含存疑答卷的量表结果",
    ),
    "note.careless_irv": (
        "{n} answers hardly vary over items of scales with the same codes (irv)"
        "; they are kept, and the report shows the scales without doubtful answers too",
        "{n} 份答卷在同类量表题目上几乎没有变化（irv），已保留；报告另列不含存疑答卷的量表结果",
    ),
    "note.careless_mahalanobis": (
        "{n} answers have a pattern that hardly anybody else has (mahalanobis)"
        "; they are kept, and the report shows the scales without doubtful answers too",
        "{n} 份答卷的作答模式极为少见（mahalanobis），已保留；报告另列不含存疑答卷的量表结果",
    ),
    "note.careless_even_odd": (
        "{n} answers say one thing in one half of the scales and another in the other (even_odd)"
        "; they are kept, and the report shows the scales without doubtful answers too",
        "{n} 份答卷在量表奇数题与偶数题上的回答不一致（even_odd），已保留；报告另列不含存疑答卷的量表结果",
    ),
    "note.careless_seconds_per_item": (
        "{n} answers took fewer seconds an item than the study's limit (seconds_per_item)"
        "; they are kept, and the report shows the scales without doubtful answers too",
        "{n} 份答卷的平均每题用时低于研究设定的下限（seconds_per_item），已保留；报告另列不含存疑答卷的量表结果",
    ),
    "note.careless_copied": (
        "{n} answers are equal to another one in every item, by the study's rule (copied)"
        "; they are kept, and the report shows the scales without doubtful answers too",
        "按研究的规则，{n} 份答卷与另一份的所有答案相同（copied），已保留；报告另列不含存疑答卷的量表结果",
    ),
    "note.same_answers": (
        "{n} answers are equal to an earlier one in every item; they are kept",
        "{n} 份答卷与前面某份的所有答案相同，已保留",
    ),
    "note.same_answers_beyond_chance": (
        "that is {n} more than chance would give, by how often any two answers of this file agree: were questionnaires copied, or "
        "filled in by one hand? Ask who collected them; they are kept",
        "比偶然情形（按本文件任意两份答卷的一致程度推算）多 {n} 份：是否有人抄填或代填？请向收集人核实；目前均保留",
    ),
    "note.short_numbers": (
        "{n} member numbers are shorter than the others: were leading noughts lost?",
        "{n} 个会员编号比其他的短：是否丢失了开头的 0？",
    ),
    "note.large_weights": ("{n} weights are more than ten times the usual one", "{n} 个权重超过中位数的十倍"),
    "note.longer_than_a_day": ("{n} rows last longer than a day", "{n} 行持续超过一天"),
    "note.near_duplicate": (
        "{n} rows name a member, organisation and minute that another row names for another activity: was an activity "
        "numbered twice?",
        "{n} 行与另一行的会员、组织和时刻相同而活动编号不同：是否同一活动编了两个号？",
    ),
    "note.attendance_not_recorded": (
        "{n} rows are of activities of which nobody is said to have come: attendance counts as not recorded there, not as nobody",
        "{n} 行所属的活动没有任何到场记录：视为未登记出席，而不是无人参加",
    ),
    "note.not_on_the_roll": (
        "{n} rows are of people who are not on the list of members; they are kept",
        "{n} 行的人员不在会员名单中，已保留",
    ),
    "note.two_places_at_once": (
        "{n} rows say that a member was in two places at once",
        "{n} 行显示同一会员同时在两处参加活动",
    ),
    "note.stage_implied": (
        "{n} records give a later step without the one before it; that one is taken to have happened",
        "{n} 条记录有后一环节而缺前一环节，视为前一环节也已发生",
    ),
    "note.more_established": (
        "{n} rows say that more organisations are established than there are",
        "{n} 行的已建组织数多于组织总数",
    ),
    "linked": (
        "Link to the log: {found} of {consented} answers that consented are found there ({rate}, between {low} and {high} with "
        "95 % confidence); of all {answers} answers, were none or all of the others in it, between {lowest} and {highest}",
        "与活动记录的关联：同意关联的 {consented} 份答卷中有 {found} 份找到（{rate}，95% 置信区间 {low} 至 {high}）；"
        "若其余的人全都没有或全都有记录，则全部 {answers} 份答卷的比例在 {lowest} 与 {highest} 之间",
    ),
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
    "at_bounds": ("the bounds of the weighting hold {n} weights back", "有 {n} 个权重达到加权界限"),
    "trimmed": ("{n} weights are trimmed", "{n} 个权重已截断"),
    "rescaled": ("the registry's totals of {n} margins are brought to one sum", "{n} 个加权边际的登记总数已调整为一致"),
    "not_asked": (
        "{items}: asked by the instrument, but no column is mapped to it; treated as not asked",
        "{items}：问卷中有此题，但没有列对应；按未提问处理",
    ),
    "runs_against": (
        "{items}: goes against the rest of its scale; should reverse be yes in instrument.csv? Nothing was turned",
        "{items}：与同一量表的其他题目方向相反；instrument.csv 中是否应填 reverse？未作任何改动",
    ),
    "wording_changed": (
        "{items}: the question or its answers are worded otherwise than in an earlier wave, and compared all the same; if they "
        "mean something else now, give the item another name in instrument.csv",
        "{items}：题目或选项的措辞与以前波次不同，仍作比较；若含义已变，请在 instrument.csv 中另起题目名",
    ),
    "hardly_answered": (
        "{items}: nine in ten did not answer; is the right column mapped? If it was put to few, say so under asked_if",
        "{items}：九成以上未回答；对应的列是否正确？若只问了少数人，请填写 asked_if",
    ),
    "unevenly_answered": (
        "{items}: in some organisations 30 in a hundred more left it unanswered than in others; where so many are silent, the true "
        "mean may lie as large a part of the scale away as did not answer: do not compare these organisations by it",
        "{items}：有的组织未回答的比例比其他组织高 30 个百分点以上；未答者占多大比例，真实均值就可能偏离量尺全距的多大比例："
        "请勿据此比较这些组织",
    ),
    "series_broken": (
        "{items}: asked in another form in an earlier wave; not comparable, missing there",
        "{items}：以前波次的题目形式与最新一波不同，不可比，在该波次记为缺失",
    ),
    "places_carried": (
        "places: {n} answers of earlier waves are carried to the boundaries of this wave, by the crosswalk's shares",
        "地区：以前波次的 {n} 份答卷已按对照表的份额归入本波次的地区",
    ),
    "places_broken": (
        "places: {n} answers of earlier waves lie in places whose boundaries moved since; their series are broken there. Where "
        "you know the shares, give them in a crosswalk (study.yaml, places: crosswalk)",
        "地区：以前波次的 {n} 份答卷所在地区此后调整了边界，这些地区的序列中断。"
        "若知道份额，请填写对照表（study.yaml 的 places: crosswalk）",
    ),
    "places_undated": (
        "places: {n} of the places have no checked days in the table; boundaries that moved between the waves are not known",
        "地区：有 {n} 个地区在代码表中没有核对过的起止日期，波次之间的边界变动未知",
    ),
    "counted_from_list": (
        "registry: none came; the members are counted from the list of members ({n} memberships)",
        "组织登记：没有收到；会员数按会员名单统计（{n} 个会员关系）",
    ),
    "without_a_count": (
        "registry: in {n} cases people answered of whom it counts no member; where weights are made, they count with their "
        "neighbours",
        "组织登记：有 {n} 处有答卷而登记会员数为零或缺失；如需加权，则与相邻单位合并",
    ),
    "too_small": (
        "registry: it counts fewer members than answered in the whole wave; the answers are not weighted by it",
        "组织登记：本波次登记会员总数少于答卷总数，未按其加权",
    ),
    "link_stopped": (
        "far fewer of those who consented are found in the log than the wave before, more than chance explains: id form or key "
        "changed? None of the {n} answers is linked to the log. Put the ids right, or accept this in wave.yaml under decisions "
        "(rule: linkage)",
        "同意关联者中能在活动记录里找到的比例比上一波次大幅下降，超出偶然范围：编号写法或密钥是否变了？"
        "本波次 {n} 份答卷均未与活动记录关联。请改正编号，或在 decisions 中说明接受（rule: linkage）",
    ),
    "nobody_linked": (
        "none of the {n} members who consented is found in the log: are ids written in another form there?",
        "同意关联的 {n} 人在活动记录中一个也找不到：两边编号的写法是否不同？",
    ),
    "children_differ_from_parent": (
        "registry: in {n} cases the places below do not add up to the place above (largest difference: {cells}); a place's own "
        "row counts, and what it has beyond those below it is its own",
        "组织登记：有 {n} 处下级之和与上级不符（最大差额 {cells}）；以上级本行为准，多出的部分视为其直属",
    ),
    "fewer_members_than_answers": (
        "registry: in {n} cases it counts fewer members than answered; is it of another day, or of other units?",
        "组织登记：有 {n} 处登记的会员数少于答卷数；是否为其他日期或其他单位的登记？",
    ),
    "few_answered": (
        "{n} of {cells} people asked answered: so few that the report says so on every page and ranks nobody. If only a "
        "sample was asked, write how many under invited in wave.yaml; else remind those who did not answer",
        "应答者 {n} 人，应答对象 {cells} 人：应答过少，报告将在每页注明，并且不作排名。若只调查了一部分人，请在 "
        "wave.yaml 的 invited 中写明人数；否则请提醒未作答者",
    ),
    "decided": ("Decided by an office", "有关单位已作的决定"),
    "decision": (
        "{file}, {rule}: accepted by {office}, because {why}",
        "{file}，{rule}：{office} 同意接受，理由：{why}",
    ),
    "stopped": ("{n} fault(s) stop this study; nothing was written", "有 {n} 处问题，已停止；没有写入任何内容"),
    "where": (" ({columns})", "（{columns}）"),
    "column": ("{column}: row {rows}", "{column}：第 {rows} 行"),
    "columns": ("{n} more columns", "另有 {n} 列"),
    "and": ("; ", "；"),
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
