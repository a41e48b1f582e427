"""Texts about say and do, time to an event, change between waves and concentration; part of the catalogue in `words`.

``statistic.*`` names a number; ``said.*`` is what a sentence says of it, ``{estimate}`` and ``{interval}`` in it.
"""

from __future__ import annotations

TIME: dict[str, tuple[str, str]] = {
    # attitudes beside behaviour
    "statistic.above_present": ("satisfied and present", "满意且参加"),
    "statistic.above_absent": ("satisfied but absent", "满意但未参加"),
    "statistic.below_present": ("present but dissatisfied", "参加但不满意"),
    "statistic.below_absent": ("dissatisfied and absent", "不满意且未参加"),
    "statistic.above_absent_lowest": ("satisfied but absent, of all at least", "满意但未参加，占全部至少"),
    "statistic.above_absent_highest": ("satisfied but absent, of all at most", "满意但未参加，占全部至多"),
    "statistic.below_present_lowest": ("present but dissatisfied, of all at least", "参加但不满意，占全部至少"),
    "statistic.below_present_highest": ("present but dissatisfied, of all at most", "参加但不满意，占全部至多"),
    "statistic.present_minus_absent": ("mean of those present less that of those absent", "参加者均值减未参加者均值"),
    "statistic.odds_ratio": ("odds of coming next, for a point more", "每高一分，下次参加的优势比"),
    "statistic.odds_ratio_lowest": (
        "the same, if those not linked speak most against it",
        "同上，假定未关联者最不支持",
    ),
    "statistic.odds_ratio_highest": (
        "the same, if those not linked speak most for it",
        "同上，假定未关联者最支持",
    ),
    "part.within_person": ("the same person, from answer to answer", "同一人的历次作答之间"),
    "part.between_people": ("between people", "人与人之间"),
    "part.between_units": ("between units", "单位之间"),
    "said.above_present": ("{estimate}{interval} are satisfied and take part", "{estimate}{interval}满意并且参加"),
    "said.above_absent": ("{estimate}{interval} are satisfied but absent", "{estimate}{interval}满意但未参加"),
    "said.below_present": ("{estimate}{interval} take part but are dissatisfied", "{estimate}{interval}参加但不满意"),
    "said.below_absent": ("{estimate}{interval} are dissatisfied and absent", "{estimate}{interval}不满意也未参加"),
    "said.above_absent_lowest": (
        "of all who answered, at least {estimate}{interval} are satisfied but absent",
        "全部作答者中至少 {estimate}{interval}满意但未参加",
    ),
    "said.above_absent_highest": (
        "of all who answered, at most {estimate}{interval} are satisfied but absent",
        "全部作答者中至多 {estimate}{interval}满意但未参加",
    ),
    "said.below_present_lowest": (
        "of all who answered, at least {estimate}{interval} take part but are dissatisfied",
        "全部作答者中至少 {estimate}{interval}参加但不满意",
    ),
    "said.below_present_highest": (
        "of all who answered, at most {estimate}{interval} take part but are dissatisfied",
        "全部作答者中至多 {estimate}{interval}参加但不满意",
    ),
    "said.present_minus_absent.higher": (
        "those who take part answer higher than those who do not, by {estimate}{interval}",
        "参加者的评分高于未参加者，相差 {estimate}{interval}",
    ),
    "said.present_minus_absent.lower": (
        "those who take part answer lower than those who do not, by {estimate}{interval}",
        "参加者的评分低于未参加者，相差 {estimate}{interval}",
    ),
    "said.present_minus_absent.same": (
        "those who take part answer about as those who do not ({estimate}{between})",
        "参加者与未参加者的评分大致相同（{estimate}{between}）",
    ),
    "said.present_minus_absent.unsure": (
        "whether those who take part answer otherwise than those who do not cannot be told ({estimate}{between})",
        "参加者与未参加者的评分有无差异，尚不能判断（{estimate}{between}）",
    ),
    "said.present_minus_absent.none": (
        "those who take part less those who do not: {estimate}{interval}",
        "参加者减未参加者：{estimate}{interval}",
    ),
    "said.odds_ratio": (
        "for a point more, the odds of coming next are {estimate} times as high{interval}",
        "每高一分，下次参加的优势为原来的 {estimate} 倍{interval}",
    ),
    # time to an event
    "statistic.survival": ("share that has not done so yet", "尚未发生的比例"),
    "statistic.hazard": ("share of those left that does so in the period", "仍在者中本期发生的比例"),
    "statistic.cumulative_incidence": ("share that has done so by then, by this way", "至当期以此方式发生的比例"),
    "statistic.median_time": ("time until half have done so", "半数发生所需时间"),
    "said.cumulative.time": (
        "{estimate}{interval} have done so within {time}",
        "{time}内有 {estimate}{interval}已发生",
    ),
    "said.survival.time": (
        "{estimate}{interval} have not done so after {time}",
        "{time}后有 {estimate}{interval}尚未发生",
    ),
    "said.hazard.time": (
        "in period {period}, {estimate}{interval} of those still there do so",
        "第 {period} 期，仍在者中有 {estimate}{interval}发生",
    ),
    "said.cumulative_incidence.time": (
        "{estimate}{interval} have done so by the end of period {period}",
        "至第 {period} 期末有 {estimate}{interval}已发生",
    ),
    "said.median_time": ("half have done so after {time}{interval}", "半数在 {time}内发生{interval}"),
    "unit.time.days": ("{n} days", "{n} 天"),
    "unit.time.days.one": ("{n} day", "{n} 天"),
    "unit.time.months": ("{n} months", "{n} 个月"),
    "unit.time.months.one": ("{n} month", "{n} 个月"),
    "label.time": ("time {n}", "时点 {n}"),
    "label.period": ("period {n}", "第 {n} 期"),
    "curves.time.days": ("days from the start →", "自起点起的天数 →"),
    "curves.time.months": ("months from the start →", "自起点起的月数 →"),
    "title.curves.cumulative": ("{line}, within {time}", "{line}（{time}内）"),
    "title.curves.survival": ("{line}, after {time}", "{line}（{time}后）"),
    "title.curves": ("{line}, by {time}", "{line}（至 {time}）"),
    "measure.curves": ("pale bands are intervals", "浅色带为区间"),
    "measure.curves.whole": ("grey: all", "灰线为全部"),
    "measure.curves.withheld": (
        "a square ends a curve where too few are still watched for a number that may be shown",
        "方块处曲线中止：仍在观察者过少，其后的数字不予显示",
    ),
    "measure.curves.not_estimable": (
        "a square ends a curve where nobody is watched any longer",
        "方块处曲线中止：其后已无人在观察",
    ),
    "measure.curves.risk": (
        "about {first} watched at {start}, {last} at {end}; the fewer, the coarser the numbers",
        "{start}时约 {first} 人在观察，{end}时约 {last} 人，人数越少数字越粗",
    ),
    "reference.absent": ("absent members", "未参加者"),
    # change between waves
    "statistic.entry": ("share that came in", "新进入的比例"),
    "statistic.exit": ("share that left", "退出的比例"),
    "statistic.stay": ("share that stayed", "保持的比例"),
    "statistic.transition": ("share that moved so", "如此转变的比例"),
    "statistic.unseen": ("people seen in one of two waves only", "只在两个波次之一出现的人数"),
    "statistic.unseen_after": ("people not seen again in the next wave", "下一波次未再出现的人数"),
    "said.entry": (
        "of those who were not there before, {estimate}{interval} came in",
        "原先不在其中者，{estimate}{interval}新进入",
    ),
    "said.exit": (
        "of those who were there before, {estimate}{interval} left",
        "原先在其中者，{estimate}{interval}退出",
    ),
    "said.stay": (
        "of those who were there before, {estimate}{interval} stayed",
        "原先在其中者，{estimate}{interval}保持",
    ),
    "said.unseen": (
        "{estimate} people were seen in one of two successive waves only",
        "{estimate} 人只在相邻两个波次之一出现",
    ),
    "said.unseen_after": (
        "{estimate} people were not seen again in the next wave, which is not to say that they left",
        "{estimate} 人下一波次未再出现，但不等于退出",
    ),
    # concentration
    "statistic.gini": ("unevenness (Gini index) among those who took part", "参加者之间的不均（基尼系数）"),
    "statistic.gini_members": ("unevenness (Gini index) among all members", "全体会员之间的不均（基尼系数）"),
    "statistic.top_tenth": ("share of all times that is the most active tenth's", "最活跃的十分之一所占次数比例"),
    "statistic.half": ("share of participants who make half of all times", "占全部次数一半的最少参加者比例"),
    "said.top_tenth": (
        "the most active tenth makes {estimate}{interval} of all times",
        "最活跃的十分之一占全部次数的 {estimate}{interval}",
    ),
    "said.half": (
        "{estimate}{interval} of those who take part make half of all times",
        "{estimate}{interval}的参加者占全部次数的一半",
    ),
    # such a number beside its reference
    "said": ("{where}: {said}{beside}.", "{where}：{said}{beside}。"),
    "said.gap": (", ", "，"),
    "said.interval": (" ({low} to {high})", "（区间 {low}–{high}）"),
    "said.interval.signed": (" ({low} to {high})", "（区间 {low} 至 {high}）"),
    "said.average.higher": (", more than on average ({value})", "，高于平均（{value}）"),
    "said.average.lower": (", less than on average ({value})", "，低于平均（{value}）"),
    "said.average.same": (", about as on average ({value})", "，与平均大致相同（{value}）"),
    "said.average.unsure": (
        "; this cannot be told apart from the average ({value})",
        "，是否不同于平均（{value}）尚不能判断",
    ),
    "said.previous.higher": (", more than in {wave} ({value})", "，高于{wave}（{value}）"),
    "said.previous.lower": (", less than in {wave} ({value})", "，低于{wave}（{value}）"),
    "said.previous.same": (", about as in {wave} ({value})", "，与{wave}大致相同（{value}）"),
    "said.previous.unsure": (
        "; whether this has changed since {wave} ({value}) cannot be told",
        "，与{wave}（{value}）相比有无变化尚不能判断",
    ),
    "subject.named.share": ("the {statistic} ({term})", "{statistic}（{term}）"),
    "subject.named": ("{statistic} ({term})", "{statistic}（{term}）"),
}
