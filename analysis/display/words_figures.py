"""Texts of the figures for many units, and of the sentences about them; part of the catalogue in `words`."""

from __future__ import annotations

FIGURES: dict[str, tuple[str, str]] = {
    # one unit; the plural is ``units.*``
    "one.wave": ("wave", "波次"),
    "one.region": ("place", "地区"),
    "one.domain": ("part", "类别"),
    "one.term": ("measure", "指标"),
    "one.cell": ("cell", "单元格"),
    "units.cell": ("cells", "单元格"),
    # where all units stand, in a few sentences; ``.one`` is said of one unit
    "spread.compared": ("{subject}, {count} {units}: {parts}.", "{subject}，{count} 个{units}：{parts}。"),
    "spread.compared.some": (
        "{subject}, {count} of {total} {units}: {parts}.",
        "{subject}，{total} 个{units}中的 {count} 个：{parts}。",
    ),
    "spread.alone": (
        "{subject}: {count} {units} with numbers of their own, not held against each other.",
        "{subject}：{count} 个{units}有自己的数字，不作相互比较。",
    ),
    "spread.alone.one": (
        "{subject}: {count} {units} with a number of its own.",
        "{subject}：{count} 个{units}有自己的数字。",
    ),
    "spread.counted": (
        "{subject}: {count} {units} with numbers of their own.",
        "{subject}：{count} 个{units}有自己的数字。",
    ),
    "spread.counted.one": (
        "{subject}: {count} {units} with a number of its own.",
        "{subject}：{count} 个{units}有自己的数字。",
    ),
    "spread.apart": ("{subject}: {units} are not compared.", "{subject}：各{units}不作比较。"),
    "spread.none": ("{subject}: no number of any unit's own.", "{subject}：没有任何单位自己的数字。"),
    "spread.higher": ("{count} above the {reference}", "{count} 个高于{reference}"),
    "spread.lower": ("{count} below the {reference}", "{count} 个低于{reference}"),
    "spread.same": ("{count} about the same as the {reference}", "{count} 个与{reference}大致相同"),
    "spread.unsure": ("{count} that cannot be told apart from the {reference}", "{count} 个尚不能判断"),
    "spread.zero.higher": ("{count} up", "{count} 个上升"),
    "spread.zero.lower": ("{count} down", "{count} 个下降"),
    "spread.zero.same": ("{count} about unchanged", "{count} 个大致未变"),
    "spread.zero.unsure": ("{count} for which no change can be told", "{count} 个尚不能判断有变化"),
    "spread.since.higher": ("{count} higher than in {reference}", "{count} 个高于{reference}"),
    "spread.since.lower": ("{count} lower than in {reference}", "{count} 个低于{reference}"),
    "spread.since.same": ("{count} about the same as in {reference}", "{count} 个与{reference}大致相同"),
    "spread.since.unsure": ("{count} for which no change can be told", "{count} 个尚不能判断有变化"),
    "spread.since.none": ("{count} not compared with {reference}", "{count} 个未与{reference}比较"),
    "spread.reference": ("{reference} ({value})", "{reference}（{value}）"),
    "spread.both": (
        "{among}{high} is highest{high_numbers}, {low} lowest{low_numbers}.",
        "{among}{high}最高{high_numbers}，{low}最低{low_numbers}。",
    ),
    "spread.highest": (
        "{among}{high} is highest{high_numbers}; which is lowest cannot be told.",
        "{among}{high}最高{high_numbers}；何者最低尚不能判断。",
    ),
    "spread.lowest": (
        "{among}{low} is lowest{low_numbers}; which is highest cannot be told.",
        "{among}{low}最低{low_numbers}；何者最高尚不能判断。",
    ),
    "spread.neither": (
        "Which is highest and which lowest cannot be told.",
        "何者最高、何者最低，尚不能判断。",
    ),
    "spread.among": ("of those with numbers of their own, ", "在有自己数字的单位中，"),
    "spread.numbers": (" ({estimate}{between})", "（{estimate}{between}）"),
    "spread.pooled": (
        "{count} {units} are pooled: the number is not all their own.",
        "{count} 个{units}为合并估计，数字并非全部来自本单位。",
    ),
    "spread.pooled.one": (
        "{count} {units} is pooled: the number is not all its own.",
        "{count} 个{units}为合并估计，数字并非全部来自本单位。",
    ),
    "spread.withheld": (
        "{count} {units} are withheld, so that nobody can be recognised.",
        "{count} 个{units}已隐去，以免识别到个人。",
    ),
    "spread.withheld.one": (
        "{count} {units} is withheld, so that nobody can be recognised.",
        "{count} 个{units}已隐去，以免识别到个人。",
    ),
    "spread.missing": ("{count} {units} have no number.", "{count} 个{units}没有数字。"),
    "spread.missing.one": ("{count} {units} has no number.", "{count} 个{units}没有数字。"),
    "spread.pair": ("{place}, {column}", "{place}·{column}"),
    # titles and notes
    "title.cells": (
        "{subject}: {low} of {count} cells below the {reference}, {high} above it",
        "{subject}：{count} 格中 {low} 格低于{reference}，{high} 格高于{reference}",
    ),
    "title.cells.zero": (
        "{subject}: down in {low} of {count} cells, up in {high}",
        "{subject}：{count} 格中 {low} 格下降，{high} 格上升",
    ),
    "title.cells.plain": ("{subject} by {rows} and {columns}", "{subject}：按{rows}和{columns}"),
    "measure.band": ("band: the interval of the {reference}", "灰带为{reference}的区间"),
    "measure.some_names": ("names stand at every tenth at most, the table has all", "至多每十个标一名，全部见表"),
    "measure.diamond": ("diamond: all together", "菱形为全部"),
    "measure.shade": ("the darker the higher", "颜色越深数值越高"),
    "measure.shade.signed": ("orange below nought, blue above", "橙色为负，蓝色为正"),
    "measure.shade.terms": ("each measure shaded by its own scale", "各指标按各自量表着色"),
    "measure.dotted": ("dotted edge: pooled, not all the unit's own", "点线框为合并估计，数字并非全部来自本单位"),
    "measure.hatched": ("hatched: no number ({reasons})", "斜线为没有数字（{reasons}）"),
    "measure.unlike": ("≠ or ≈: not compared", "≠ 或 ≈ 为不作比较"),
    "measure.blank": ("empty: there is no such unit", "空白为没有此单位"),
    "measure.bare": ("numbers stand where they fit, the table has all", "放得下处标出数字，全部见表"),
    "measure.layout": (
        "One tile a place, near where it lies",
        "一格一地，大致按方位排列",
    ),
    "measure.borders": ("lines part the places above", "线条分隔上一级地区"),
    "measure.automatic": (
        "One tile a place, in blocks of the place above, not by where it lies: there is no layout for these places",
        "一格一地，按上一级地区分块，未按方位排列：这些地区没有布局文件",
    ),
    "measure.ribbon": ("band: intervals", "色带为区间"),
    "measure.others": ("grey lines: the others", "灰线为其他单位"),
    "legend.own": ("own number, interval", "自己的数字与区间"),
    "legend.pooled": ("pooled", "合并"),
    "legend.none": ("no number", "没有数字"),
    "legend.apart": ("not compared", "不作比较"),
    "legend.band": ("interval of the {reference}", "{reference}的区间"),
    "listed": ("{why}: {names}", "{why}：{names}"),
    "listed.more": ("{names} and {count} more", "{names}等另外 {count} 个"),
    "plane.up": ("↑ {name}", "↑ {name}"),
    "plane.across": ("{name} →", "{name} →"),
    "plane.unnamed": ("no room for a name", "图中未能标名"),
    "plane.pair": ("{unit} {x}, {y}", "{unit} {x}，{y}"),
    "plane.names": ("{x} and {y}", "{x}与{y}"),
    "plane.names.of": ("{x}, {y} ({term})", "{x}、{y}（{term}）"),
    "title.plane": ("{names}: {units} clear of the {reference}", "{names}：{units}明确不同于{reference}"),
    "title.plane.none": (
        "{names}: none of the {units} is clear of the {reference}",
        "{names}：尚不能判断有{units}不同于{reference}",
    ),
    "title.plane.plain": ("{names}, by {unit}", "{names}：按{unit}"),
    "title.plane.empty": ("{names}: nothing can be shown", "{names}：没有可以显示的数字"),
    "measure.plane": (
        "across from {x_low} to {x_high}, upwards from {y_low} to {y_high}",
        "横轴 {x_low} 至 {x_high}，纵轴 {y_low} 至 {y_high}",
    ),
    "measure.cross": ("thin lines are intervals", "细线为区间"),
    "measure.cross.clear": (
        "thin lines are intervals, blue where one lies clear of the {reference}",
        "细线为区间，有一条不含{reference}者为蓝色",
    ),
    "measure.plane.named": (
        "names stand at those clear of the {reference}, the table has all",
        "只标出与{reference}明确不同者的名称，全部见表",
    ),
    "forest.estimate": ("number (interval)", "数值（区间）"),
    "forest.n": ("n {n}", "人数 {n}"),
}
# What a short name leaves out, longest first.
ENDINGS = (
    (" Autonomous County", " Autonomous Prefecture", " Prefecture", " Province", " District", " County", " City"),
    ("自治县", "自治州", "自治区", "地区", "省", "市", "县", "区"),
)
