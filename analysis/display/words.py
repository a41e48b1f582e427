"""Every text that display says to readers, in both languages, and nothing else; the longer figures' stand in `words_figures`.

``WORDS`` is the catalogue: key -> (English, Chinese). Chinese sentences carry full-width punctuation. A text never
says "significant", never names a person, never thanks or promises.
"""

from __future__ import annotations

from analysis.display.words_figures import FIGURES

LANGUAGES = ("en", "zh")

WORDS: dict[str, tuple[str, str]] = {
    **FIGURES,
    # what the study may call otherwise (labels of kind ``word``)
    "word.group": ("organisation", "组织"),
    "word.groups": ("organisations", "组织"),
    "word.member": ("member", "会员"),
    "word.members": ("members", "会员"),
    # the keys of a tidy table, as headings and as units
    "key.wave": ("Wave", "波次"),
    "key.group": ("Organisation", "组织"),
    "key.region": ("Place", "地区"),
    "key.domain": ("Part", "类别"),
    "key.term": ("Measure", "指标"),
    "key.statistic": ("Statistic", "统计量"),
    "units.wave": ("waves", "波次"),
    "units.group": ("organisations", "组织"),
    "units.region": ("places", "地区"),
    "units.domain": ("parts", "类别"),
    "units.term": ("measures", "指标"),
    "all": ("All", "全部"),
    "n": ("n", "人数"),
    # statistics
    "statistic.mean": ("mean", "均值"),
    "statistic.shrunken": ("estimate drawn towards the average where few answered", "向平均收缩的估计"),
    "statistic.proportion": ("share", "比例"),
    "statistic.total": ("total", "总数"),
    "statistic.ratio": ("ratio", "比率"),
    "statistic.rating": ("rating", "评分"),
    "statistic.people": ("people", "人数"),
    "statistic.events": ("activities", "活动数"),
    "statistic.correlation": ("correlation", "相关系数"),
    "statistic.item_rest": ("correlation with the other items", "与其余题目的相关"),
    "statistic.effect": ("effect", "效应"),
    "statistic.weight_effect": ("variance factor", "方差倍数"),
    "statistic.count": ("count", "数量"),
    "statistic.difference": ("difference", "差值"),
    "statistic.composition": ("difference due to who answered", "由构成引起的差值"),
    "statistic.real": ("difference at equal composition", "构成相同时的差值"),
    "statistic.conditional": ("share of those who reached the step before", "占上一步人数的比例"),
    "statistic.cumulative": ("share of all", "占全部的比例"),
    "statistic.coverage": ("coverage", "覆盖率"),
    "statistic.coverage_lowest": ("coverage of all who answered, at least", "全部作答者的覆盖率，至少"),
    "statistic.coverage_highest": ("coverage of all who answered, at most", "全部作答者的覆盖率，至多"),
    "statistic.organisation_full": ("share of the places with an organisation", "已建组织的地区比例"),
    "statistic.venue_full": ("share of the places with a venue", "已有阵地的地区比例"),
    "statistic.blind_spot": ("below the reference, by a test of all at once", "低于参照值（同时检验）"),
    "statistic.per_100_members": ("for a hundred members", "每百名会员"),
    "statistic.times_per_venue": ("times taken part for each venue", "每个阵地的参加人次"),
    "statistic.rank_correlation": ("rank correlation with coverage", "与覆盖率的等级相关"),
    "statistic.share": ("share", "比例"),
    "statistic.equity_gap": ("those in need less the rest", "困难会员与其他会员之差"),
    "statistic.response_rate": ("share that answered", "应答率"),
    "statistic.invited_rate": ("share of those invited", "占受邀者的比例"),
    "statistic.share_registry": ("share of the members", "占会员的比例"),
    "statistic.share_answers": ("share of the answers", "占作答的比例"),
    "statistic.share_weighted": ("share after weighting", "加权后的比例"),
    "statistic.mean_lowest": ("mean of all, at least", "全体均值，至少"),
    "statistic.mean_highest": ("mean of all, at most", "全体均值，至多"),
    "statistic.bias_at_most": ("bias by who answers, at most", "因应答差异产生的偏差，至多"),
    "statistic.r_indicator": ("evenness", "均衡度"),
    "statistic.effective_n": ("effective number of answers", "有效作答数"),
    "statistic.linkage_rate": ("of those who consented", "占同意关联者"),
    "statistic.linkage_lowest": ("of all, at least", "占全部，至少"),
    "statistic.linkage_highest": ("of all, at most", "占全部，至多"),
    "statistic.alpha": ("Cronbach's alpha", "克龙巴赫 α"),
    "statistic.omega": ("McDonald's omega", "麦克唐纳 ω"),
    "statistic.ave": ("AVE", "AVE"),
    "statistic.htmt": ("correlation free of error (HTMT)", "剔除误差后的相关（HTMT）"),
    "statistic.largest_shift": ("most that a mean is moved", "均值最多被移动"),
    "statistic.latent_mean": ("difference by the questions that hold", "按可比题目的差异"),
    "statistic.dmacs": ("dMACS", "dMACS"),
    "statistic.omega_categorical": ("categorical omega", "分类 ω"),
    "statistic.alpha_ordinal": ("ordinal alpha", "有序 α"),
    "statistic.rwg": ("agreement rwg", "一致性 rwg"),
    "statistic.a_wg": ("agreement a(wg)", "一致性 a(wg)"),
    "statistic.rwg_j_lindell": ("agreement r*wg(j)", "一致性 r*wg(j)"),
    "statistic.rwg_j": ("agreement rwg(j)", "一致性 rwg(j)"),
    "statistic.rwg_cutoff": ("rwg that chance gives", "随机可得的 rwg"),
    "statistic.rwg_j_cutoff": ("rwg(j) that chance gives", "随机可得的 rwg(j)"),
    "statistic.rwg_j_lindell_cutoff": ("r*wg(j) that chance gives", "随机可得的 r*wg(j)"),
    "statistic.a_wg_cutoff": ("a(wg) that chance gives", "随机可得的 a(wg)"),
    "statistic.ad_m_cutoff": ("AD that chance gives", "随机可得的 AD"),
    "statistic.rwg_beyond_chance": ("share of units that agree beyond chance", "一致性超出随机水平的单位比例"),
    "statistic.rwg_j_beyond_chance": ("share of units that agree beyond chance", "一致性超出随机水平的单位比例"),
    "statistic.rwg_j_lindell_beyond_chance": (
        "share of units that agree beyond chance",
        "一致性超出随机水平的单位比例",
    ),
    "statistic.a_wg_beyond_chance": ("share of units that agree beyond chance", "一致性超出随机水平的单位比例"),
    "statistic.ad_m_beyond_chance": ("share of units that agree beyond chance", "一致性超出随机水平的单位比例"),
    "statistic.icc1": ("ICC(1)", "ICC(1)"),
    "statistic.icc1_unequal": ("ICC(1), unequal groups", "ICC(1)（组规模不等）"),
    "statistic.icc2": ("ICC(2)", "ICC(2)"),
    "statistic.unit_reliability": ("reliability of the unit's estimate", "单位估计的信度"),
    "statistic.coefficient": ("coefficient", "系数"),
    "statistic.variance_share": ("share of the variance", "所占方差比例"),
    "statistic.difference_from_all": ("difference from the whole", "与总体之差"),
    "statistic.within": ("slope within units", "单位内斜率"),
    "statistic.contextual": ("slope of the unit's mean, beyond one's own", "单位均值（本人之外）的斜率"),
    "statistic.poststratified": ("by model and registry", "模型加登记数估计"),
    "statistic.small_area": ("small-area estimate", "小区域估计"),
    "statistic.borrowed": ("share borrowed", "借用比例"),
    "statistic.benchmarked": ("moved to add up", "调整至可加总"),
    "statistic.eblup": ("Fay-Herriot estimate", "Fay-Herriot 估计"),
    "statistic.refvar": ("variance between places", "地区间方差"),
    "statistic.change": ("moved by", "调整量"),
    "statistic.variance": ("variance", "方差"),
    # terms that no study names
    "term.reached": ("Reached", "触达"),
    "term.joined": ("Joined", "加入"),
    "term.took_part": ("Took part", "参加"),
    "term.returned": ("Came back", "再次参加"),
    "term.stayed": ("Stayed", "留存"),
    "term.volunteered": ("Volunteered", "志愿服务"),
    "term.intends": ("Mean to come again", "愿意再来"),
    "term.members": ("Members", "会员"),
    "term.organisations": ("Organisations", "组织"),
    "term.venues": ("Venues", "阵地"),
    "term.staff": ("Staff", "工作人员"),
    "term.funds": ("Funds", "经费"),
    "term.balance": ("the make-up of the answers", "作答者的构成"),
    "term.linkage": ("Linked to the activity log", "与活动记录的关联"),
    "term.careless": ("Looked careless", "疑似草率作答"),
    "term.took_part_linked": ("Took part, of those linked to the log", "已关联活动记录者的参加情况"),
    "term.response": ("Answered", "应答"),
    "term.answered_again": ("Answered again", "再次应答"),
    "term.coverage": ("Coverage", "覆盖"),
    "term.rows_read": ("rows read", "读入行数"),
    "term.rows_as_is": ("taken as they are", "原样采用"),
    "term.rows_repaired": ("repaired", "已修正"),
    "term.rows_set_aside": ("set aside", "已搁置"),
    "term.cells_set_missing": ("cells set missing", "记为缺失的单元格"),
    "term.weights": ("the weights", "权重"),
    "term.established": ("units that have an organisation", "组建率"),
    "term.blind_spot": ("blind spots", "盲区"),
    # what a model's or a count's part is about (descriptors in ``domain``)
    "part.again": ("answered again later", "之后再次应答"),
    "part.not_seen_again": ("did not, as far as is known", "据所知未再应答"),
    "part.doubtful": ("doubtful answers alone", "仅存疑答卷"),
    "part.undoubted": ("without doubtful answers", "不含存疑答卷"),
    "part.same_code_everywhere": ("one code to all items of a kind", "同类题目全选同一选项"),
    "part.too_fast": ("far faster than the others", "作答远快于他人"),
    "part.careless_longstring": ("one code to many items in a row", "连续多题选同一选项"),
    "part.careless_irv": ("answers hardly vary", "作答几乎没有变化"),
    "part.careless_mahalanobis": ("a pattern that few others have", "作答模式极为少见"),
    "part.careless_even_odd": ("halves of the scales disagree", "量表奇偶题不一致"),
    "part.careless_seconds_per_item": ("few seconds an item", "平均每题用时过短"),
    "part.careless_copied": ("equal to another answer", "与另一份答卷相同"),
    "part.level=province": ("provinces", "省"),
    "part.level=city": ("cities", "市"),
    "part.level=county": ("counties", "县"),
    "part.level=township": ("townships", "乡镇"),
    "part.level=village": ("villages", "村"),
    "part.in_need=1": ("in need", "有困难"),
    "part.in_need=0": ("the rest", "其他会员"),
    "part.in_need=1 - 0": ("in need less the rest", "有困难者减其他会员"),
    "part.online": ("online", "网上"),
    "part.onsite": ("on site", "现场"),
    "part.answers": ("answers", "答卷"),
    "part.log": ("activity log", "活动记录"),
    "part.registry": ("registry", "组织登记"),
    "part.region": ("between places", "地区之间"),
    "part.group": ("between {groups}", "{groups}之间"),
    "part.group:region": ("{groups} that differ from place to place", "同一{groups}在各地之间"),
    "part.wave": ("between waves", "各波次之间"),
    "part.person": ("between people, and what is error", "人与人之间及误差"),
    "part.residual": ("within people, from wave to wave", "同一人各波次之间"),
    "part.coverage": ("coverage of people", "人员覆盖"),
    "part.organisation_coverage": ("coverage of organisations", "组织覆盖"),
    "statistic.organisation_coverage": ("establishment rate", "组建率"),
    "statistic.gap_to_target": ("distance from the target", "与目标的差距"),
    "statistic.units": ("number of units", "单位数"),
    "statistic.alpha_if_dropped": ("alpha without it", "去掉后的 α"),
    "statistic.rwg_j_out_of_range": ("share of units out of range", "超出范围的单位比例"),
    "term.(Intercept)": ("Overall level", "总体水平"),
    "term.residual": ("Within units", "单位内部"),
    # the same terms as the subject of a sentence about a share
    "share.reached": ("the share reached", "触达率"),
    "share.joined": ("the share that joined", "加入率"),
    "share.took_part": ("the share that took part", "参加率"),
    "share.returned": ("the share that came back", "再次参加率"),
    "share.stayed": ("the share that stayed", "留存率"),
    "share.volunteered": ("the share that volunteered", "志愿服务率"),
    "share.intends": ("the share that mean to come again", "愿意再来的比例"),
    "share.took_part_linked": ("the share that took part", "参加率"),
    "share.established": ("the share of units that have an organisation", "组建率"),
    "share.response": ("the share that answered", "应答率"),
    "share.answered_again": ("the share that answered again", "再次应答率"),
    "share.coverage": ("coverage", "覆盖率"),
    "share.members": ("the share of members", "会员覆盖率"),
    "nothing": (
        "Not shown by {units}: this study does not have the data for it.",
        "未按{units}显示：本研究没有相应数据。",
    ),
    # how a term and a statistic become the subject of a sentence
    "subject.score": ("{term}", "{term}"),
    "subject.item": ("the mean answer to “{term}”", "对“{term}”的平均回答"),
    "subject.share": ("{term}", "{term}"),
    "subject.code": ("the share “{term}”", "“{term}”的比例"),
    "subject.change": ("the change in {term}", "{term}的变化"),
    "subject.other": ("{statistic} of {term}", "{term}的{statistic}"),
    # where a sentence stands
    "unit.group": ("{unit}: {subject}", "{unit}：{subject}"),
    "unit.region": ("In {unit}, {subject}", "{unit}的{subject}"),
    "unit.domain": ("{unit}: {subject}", "{unit}：{subject}"),
    "unit.wave": ("In {unit}, {subject}", "{unit}，{subject}"),
    "unit.term": ("{unit}", "{unit}"),
    "unit.all": ("{subject}", "{subject}"),
    # verdicts; {numbers} is the bracket below
    "verdict.average.higher": ("{where} is higher than average {numbers}.", "{where}高于平均水平{numbers}。"),
    "verdict.average.lower": ("{where} is lower than average {numbers}.", "{where}低于平均水平{numbers}。"),
    "verdict.average.same": ("{where} is about average {numbers}.", "{where}与平均水平大致相同{numbers}。"),
    "verdict.average.unsure": (
        "{where} cannot be told apart from the average {numbers}.",
        "{where}是否不同于平均水平，尚不能判断{numbers}。",
    ),
    "verdict.previous.higher": ("{where} is higher than in {wave} {numbers}.", "{where}高于{wave}{numbers}。"),
    "verdict.previous.lower": ("{where} is lower than in {wave} {numbers}.", "{where}低于{wave}{numbers}。"),
    "verdict.previous.same": (
        "{where} is about the same as in {wave} {numbers}.",
        "{where}与{wave}大致相同{numbers}。",
    ),
    "verdict.previous.unsure": (
        "{where}: whether it has changed since {wave} cannot be told {numbers}.",
        "{where}与{wave}相比有无变化，尚不能判断{numbers}。",
    ),
    "verdict.target.higher": ("{where} is above the target {numbers}.", "{where}高于目标{numbers}。"),
    "verdict.target.lower": ("{where} is below the target {numbers}.", "{where}低于目标{numbers}。"),
    "verdict.target.same": ("{where} is about at the target {numbers}.", "{where}与目标大致相同{numbers}。"),
    "verdict.target.unsure": (
        "{where}: whether it meets the target cannot be told {numbers}.",
        "{where}是否达到目标，尚不能判断{numbers}。",
    ),
    "verdict.zero.higher": ("{where} rose {numbers}.", "{where}上升{numbers}。"),
    "verdict.zero.lower": ("{where} fell {numbers}.", "{where}下降{numbers}。"),
    "verdict.zero.same": ("{where} stayed about the same {numbers}.", "{where}大致未变{numbers}。"),
    "verdict.zero.unsure": (
        "{where}: whether it changed cannot be told {numbers}.",
        "{where}有无变化，尚不能判断{numbers}。",
    ),
    "verdict.whole.higher": ("{where} is higher than the whole {numbers}.", "{where}高于总体{numbers}。"),
    "verdict.whole.lower": ("{where} is lower than the whole {numbers}.", "{where}低于总体{numbers}。"),
    "verdict.whole.same": ("{where} is about that of the whole {numbers}.", "{where}与总体大致相同{numbers}。"),
    "verdict.whole.unsure": (
        "{where} cannot be told apart from the whole {numbers}.",
        "{where}与总体有无差异，尚不能判断{numbers}。",
    ),
    "verdict.alone": ("{where} is {estimate}{interval}.", "{where}为 {estimate}{interval}。"),
    "verdict.broken": (
        "{where} is {estimate}{interval}; it cannot be compared with {wave}: the question or the boundary changed.",
        "{where}为 {estimate}{interval}；不能与{wave}比较：题目或边界已改。",
    ),
    "verdict.apart": (
        "{where} is {estimate}{interval}; it is not compared: {why}.",
        "{where}为 {estimate}{interval}；不作比较：{why}。",
    ),
    # why something is not compared; {items} are questions
    "why.quoted": ("“{item}”", "“{item}”"),
    "why.meaning": (
        "people of the same standing answer {items} differently",
        "情况相同的人对{items}的回答不同",
    ),
    "why.meaning.none": (
        "people of the same standing answer its questions differently",
        "情况相同的人对其题目的回答不同",
    ),
    "why.loadings": ("{items} does not belong to the scale alike everywhere", "{items}与量表的关系并非处处相同"),
    "why.loadings.none": ("its questions do not hang together alike everywhere", "其题目之间的关系并非处处相同"),
    "why.codes": (
        "{items} was asked with other answers to choose from, or not asked",
        "{items}的选项不同，或未曾询问",
    ),
    "why.wording": ("the words of {items} changed", "{items}的措辞改过"),
    "why.reversed": ("the answers look turned round", "作答方向似乎颠倒"),
    "why.small": (
        "{items} is answered differently by people of the same standing, which matters little",
        "情况相同的人对{items}的回答略有不同，影响很小",
    ),
    "why.one_item": ("one question alone tells nothing about its meaning", "仅有一道题，无从检验其含义"),
    "why.few_answers": ("too few complete answers", "完整答卷过少"),
    "why.poor_fit": ("its questions do not measure one thing anywhere", "其题目在任何地方都不是测量同一件事"),
    "why.scored": ("it came without its questions", "数据中没有其题目"),
    "why.not_fitted": ("the answers do not determine the model", "作答不足以确定模型"),
    "why.same": ("nothing changed", "没有变化"),
    # verdicts on scales, one sentence each
    "apart.group": ("between {groups}", "在各{groups}之间"),
    "apart.region": ("between places", "在各地区之间"),
    "apart.wave": ("with {wave}", "与{wave}"),
    "apart.linkable": (
        "{scale} {where}: means are not comparable, because {why}; this moves a mean by up to {shift}. The other questions hold: "
        "by them it can be compared, see below.",
        "{scale}{where}：均值不可比，因为{why}；均值最多因此变动 {shift}。其余题目仍然可比：可据此比较，见下文。",
    ),
    "apart.linkable.asked": (
        "{scale} {where}: means are not comparable, because {why}. The other questions were asked alike and hold: by them it can "
        "be compared, see below.",
        "{scale}{where}：均值不可比，因为{why}。其余题目问法相同，仍然可比：可据此比较，见下文。",
    ),
    "apart.broken": (
        "{scale} {where}: not comparable, because {why}.",
        "{scale}{where}：不可比，因为{why}。",
    ),
    "apart.comparable": (
        "{scale} {where}: comparable; {why}, and the answers show no harm.",
        "{scale}{where}：可比；{why}，但作答显示没有妨碍。",
    ),
    "apart.untested": (
        "{scale} {where}: could not be tested, {why}; nothing in the questionnaire speaks against comparing.",
        "{scale}{where}：无法检验，{why}；问卷本身没有妨碍比较之处。",
    ),
    "apart.hold": (
        "{count} of {total} comparisons of a scale hold: people of the same standing answer alike.",
        "{total} 项量表比较中有 {count} 项成立：情况相同的人作答相同。",
    ),
    "apart.mode": (
        "In {wave} people answered in other ways than in this wave (online, paper, phone): part of a difference may come from "
        "that.",
        "{wave}的作答方式（网络、纸质、电话）与本波次不同：差异可能部分由此而来。",
    ),
    "measure.apart.line": (
        "no line where waves are not compared, because {why}",
        "不作比较的波次之间不连线，因为{why}",
    ),
    "measure.apart": ("grey: not compared, because {why}", "灰色：不作比较，因为{why}"),
    "numbers": ("({estimate}{between}; {reference} {value})", "（{estimate}{between}；{reference} {value}）"),
    "numbers.zero": ("({estimate}{between})", "（{estimate}{between}）"),
    "between": (", between {low} and {high}", "，区间 {low}–{high}"),
    "between.signed": (", between {low} and {high}", "，区间 {low} 至 {high}"),
    "alone.interval": (" (between {low} and {high})", "（区间 {low}–{high}）"),
    "alone.interval.signed": (" (between {low} and {high})", "（区间 {low} 至 {high}）"),
    "reference.average": ("average", "平均"),
    "reference.previous": ("{wave}", "{wave}"),
    "reference.target": ("target", "目标"),
    "reference.zero": ("no change", "无变化"),
    "reference.whole": ("whole", "总体"),
    "begin": ("Begin with {unit}: {subject} {numbers}.", "先看{unit}：{subject}{numbers}。"),
    "nobody": ("{headline} ({reference} {value}).", "{headline}（{reference} {value}）。"),
    # rows without a number of their own
    "empty.pooled": (
        "{where} has no number all its own: too few answered, so it leans on {basis}{shown}.",
        "{where}没有完全属于自己的数字：作答人数过少，借助{basis}{shown}。",
    ),
    "empty.basis": ("the unit above it", "上一级"),
    "empty.shown": (" ({estimate}{between})", "（{estimate}{between}）"),
    "empty.withheld": ("{where} is withheld, so that nobody can be recognised.", "{where}已隐去，以免识别到个人。"),
    "empty.not_estimable": ("{where} could not be estimated.", "{where}无法估计。"),
    "empty.not_converged": ("{where} has no number: the model did not settle.", "{where}没有数字：模型未收敛。"),
    "empty.not_asked": ("{where} was not asked in this wave.", "{where}本波次未询问。"),
    "empty.series_broken": (
        "{where} cannot be compared with later waves: the question or the boundary changed.",
        "{where}不能与以后各波次比较：题目或边界已改。",
    ),
    "empty.not_reported": ("{where} is not known: no log was reported.", "{where}情况不明：未报送活动记录。"),
    # one short mark in tables and figures, and what it means
    "mark.pooled": ("○", "○"),
    "mark.linkable": ("≈", "≈"),
    "mark.broken": ("≠", "≠"),
    "mark.withheld": ("–", "–"),
    "mark.not_estimable": ("no estimate", "无法估计"),
    "mark.not_converged": ("no estimate", "未收敛"),
    "mark.not_asked": ("not asked", "未询问"),
    "mark.series_broken": ("series broken", "序列中断"),
    "mark.not_reported": ("not reported", "未报送"),
    "drawn.linkable": ("– not compared", "– 不作比较"),
    "drawn.broken": ("– not compared", "– 不作比较"),
    "drawn.withheld": ("– withheld", "– 已隐去"),
    "drawn.not_estimable": ("– no estimate", "– 无法估计"),
    "drawn.not_converged": ("– no estimate", "– 未收敛"),
    "drawn.not_asked": ("– not asked", "– 未询问"),
    "drawn.series_broken": ("– series broken", "– 序列中断"),
    "drawn.not_reported": ("– not reported", "– 未报送"),
    "drawn.ok": ("– no estimate", "– 无法估计"),
    "drawn.pooled": ("– no estimate", "– 无法估计"),
    "mark.ok": ("no estimate", "无法估计"),
    "note.pooled": (
        "○ pooled: too few answered for a number that is all its own",
        "○ 合并：作答人数过少，数字并非全部来自本单位",
    ),
    "note.linkable": (
        "≈ not compared as it stands: some questions do not mean the same everywhere",
        "≈ 不宜直接比较：部分题目的含义并非处处相同",
    ),
    "note.broken": ("≠ not compared: the questions do not mean the same", "≠ 不作比较：题目的含义不同"),
    "note.withheld": ("– withheld, so that nobody can be recognised", "– 已隐去，以免识别到个人"),
    "note.not_estimable": ("no estimate: the data do not determine it", "无法估计：数据不足以确定"),
    "note.not_converged": ("no estimate: the model did not settle", "未收敛：模型没有收敛"),
    "note.not_asked": ("not asked in this wave", "未询问：本波次没有此题"),
    "note.series_broken": (
        "series broken: the question or the boundary changed between waves",
        "序列中断：各波次的题目或地区边界不同",
    ),
    "note.not_reported": ("not reported: no log arrived", "未报送：没有收到活动记录"),
    # titles that say the finding
    "title.apart": ("{subject}: {units} are not compared", "{subject}：各{units}不作比较"),
    "title.lower": ("{units} below the {reference} on {subject}", "{subject}：{units}低于{reference}"),
    "title.higher": ("{units} above the {reference} on {subject}", "{subject}：{units}高于{reference}"),
    "title.both": (
        "{low} below the {reference} on {subject}, {high} above it",
        "{subject}：{low}低于{reference}，{high}高于{reference}",
    ),
    "title.zero.lower": ("{subject}: down for {units}", "{subject}：{units}下降"),
    "title.zero.higher": ("{subject}: up for {units}", "{subject}：{units}上升"),
    "title.zero.both": ("{subject}: down for {low}, up for {high}", "{subject}：{low}下降，{high}上升"),
    "title.zero.none": ("{subject}: no change can be told", "{subject}：尚不能判断有变化"),
    "title.none": (
        "None of the {units} can be told apart from the {reference} on {subject}",
        "{subject}：尚不能判断有{units}不同于{reference}",
    ),
    "title.plain": ("{subject}: {first} to {last}", "{subject}：{first} 至 {last}"),
    "title.one": ("{subject}: {first}", "{subject}：{first}"),
    "title.empty": ("{subject}: nothing can be shown", "{subject}：没有可以显示的数字"),
    "title.count": ("{count} of {total} {units}", "{total} 个{units}中有 {count} 个"),
    "title.number": ("{count}", "{count} 个"),
    "title.rose": ("{subject} is higher than in {wave}", "{subject}高于{wave}"),
    "title.fell": ("{subject} is lower than in {wave}", "{subject}低于{wave}"),
    "title.flat": ("{subject} is about the same as in {wave}", "{subject}与{wave}大致相同"),
    "title.open": (
        "Whether {subject} changed since {wave} cannot be told",
        "{subject}与{wave}相比有无变化，尚不能判断",
    ),
    "title.moved": (
        "{subject} since {wave}: {up} of {total} up, {down} down",
        "{subject}：与{wave}相比，{total} 个中 {up} 个上升，{down} 个下降",
    ),
    "title.still": (
        "{subject} since {wave}: no change can be told",
        "{subject}：与{wave}相比，尚不能判断有变化",
    ),
    "title.steps": (
        "The weakest step is “{step}”: {share} of those before go on",
        "最弱的一步是“{step}”：上一步的人中 {share} 继续",
    ),
    # subtitles and notes of figures
    "measure": ("{subject}, {statistic}", "{subject}，{statistic}"),
    "measure.wave": (", {wave}", "，{wave}"),
    "measure.n": (", n about {n}", "，人数约 {n}"),
    "measure.scale": ("The axis runs over the whole scale, {low} to {high}", "横轴为完整量表 {low} 至 {high}"),
    "measure.zero": ("The axis runs from 0 to {high}", "坐标轴为 0 至 {high}"),
    "measure.vertical": ("The axis runs over the whole scale, {low} to {high}", "纵轴为完整量表 {low} 至 {high}"),
    "measure.fitted": ("The axis is fitted to the values", "坐标轴按数值范围截取"),
    "measure.line": ("lines are intervals", "横线为区间"),
    "measure.bars": ("vertical lines are intervals", "竖线为区间"),
    "measure.pooled": ("hollow marks are pooled", "空心点为合并估计"),
    "measure.reference": ("upright line: {reference} {value}", "竖线为{reference} {value}"),
    "measure.ends": (
        "the {count} highest and {count} lowest of {total} are drawn, the table has all",
        "图中为 {total} 个中最高和最低各 {count} 个，全部见表",
    ),
    "measure.first": ("{count} of {total} are drawn, the table has all", "图中为 {total} 个中的 {count} 个，全部见表"),
    "measure.quiet": ("quiet line: all", "灰线为全部"),
    "measure.shift": (
        "hollow: as answered; full: after weighting; upright stroke: the registry; numbers in this order",
        "空心点为加权前，实心点为加权后，竖线为登记数；右侧数字依此顺序",
    ),
    "shift.numbers": ("{before} → {after}  ({goal})", "{before} → {after}（{goal}）"),
    "shift.without": ("{before} → {after}", "{before} → {after}"),
    "title.shift": (
        "{unit}: {before} of the answers, {goal} of the members",
        "{unit}：占作答的 {before}，占会员的 {goal}",
    ),
    "measure.tiles": ("One tile a place, by {parent}", "一格一地，按{parent}排列"),
    "measure.parent": ("the place above", "上一级地区"),
    "measure.of_them": ("{share} of those before", "上一步的 {share}"),
    "measure.start": ("all", "全部"),
    "elsewhere": ("elsewhere", "其他"),
    # tables and blocks
    "table.fold": ("The numbers: {caption}", "数据表：{caption}"),
    "table.interval": ("interval", "区间"),
    "more": ("more", "详情"),
    "found.title": ("What we found", "主要发现"),
    "changed.title": ("What changed", "有何变化"),
    "first.title": ("What to do first", "先做什么"),
    "cannot.title": ("What we cannot say", "尚不能说的"),
    "cannot.linkable": (
        "{count} units have numbers that are not compared as they stand: some questions do not mean the same everywhere.",
        "{count}单位有数字不宜直接比较：部分题目的含义并非处处相同。",
    ),
    "cannot.broken": (
        "{count} units have numbers that are not compared: the questions do not mean the same.",
        "{count}单位有数字不作比较：题目的含义不同。",
    ),
    "cannot.withheld": (
        "{count} units have numbers that are withheld, so that nobody can be recognised.",
        "{count}单位有数字未公布，以免识别出个人。",
    ),
    "cannot.pooled": (
        "{count} units have too few answers for a number all their own; it leans on the unit above, or is that unit's.",
        "{count}单位作答过少，数字借助上一级，或直接采用上一级的数字。",
    ),
    "cannot.not_estimable": (
        "{count} units have numbers that these data cannot give.",
        "{count}单位有数字无法由这些数据得出。",
    ),
    "cannot.not_converged": (
        "{count} units lack numbers because a model did not settle.",
        "{count}单位因模型未收敛而缺少数字。",
    ),
    "cannot.not_asked": ("Some things were not asked, or are not measured yet.", "有些内容没有询问，或尚未测量。"),
    "cannot.series_broken": (
        "{count} units cannot be compared with earlier waves: question or boundary changed.",
        "{count}单位不能与以前的波次比较：题目或边界有变。",
    ),
    "cannot.not_reported": ("{count} units sent no log.", "{count}单位未报送活动记录。"),
    "cannot.nothing": ("Every number asked for can be shown.", "所要的数字都可以显示。"),
    "cannot.some": ("Some", "少量"),
    "cannot.about": ("About {count}", "约 {count} 个"),
    "found.nothing": ("There is no number that can be shown.", "没有可以显示的数字。"),
    "changed.nothing": ("There is no earlier wave to compare with.", "没有更早的波次可比。"),
    "first.nothing": (
        "Nothing stands out as lower than the reference; look at the chapters.",
        "没有可判断为偏低的项目，请看各章。",
    ),
    # the report's pages
    "page.contents": ("Chapters", "目录"),
    "page.home": ("Overview", "概览"),
    "page.other": ("中文", "English"),
    "page.skipped": ("Not in this report", "本报告未含"),
    "page.provenance": ("How this page was made", "本页如何生成"),
    "page.wave": ("Wave", "波次"),
    "page.dates": ("Dates", "日期"),
    "page.answered": ("Who answered", "作答情况"),
    "page.how": ("How", "方式"),
    "page.next": ("Next", "下一章"),
    "page.previous": ("Previous", "上一章"),
    "page.skip": ("To the text", "跳到正文"),
    "page.tables": ("Tables", "数据表"),
    "list.and": (" and ", "和"),
    "list.comma": (", ", "、"),
    "sentence.gap": (" ", ""),
    "sentence.stop": (".", "。"),
    "clause.gap": ("; ", "；"),
    "label.file": ("file {n}", "文件 {n}"),
    "label.colon": ("{item}: {code}", "{item}：{code}"),
    "axis.range": ("{low} to {high}", "{low} 至 {high}"),
}


def say(key: str, language: str, **values: object) -> str:
    """Give the text of a key in one language, its places filled.

    Parameters
    ----------
    key : str
        A key of ``WORDS``.
    language : {"en", "zh"}
    **values : object
        What stands in the braces of the text.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        For a key or a language that the catalogue does not have.

    Examples
    --------
    >>> say("title.count", "en", count=3, total=8, units="organisations")
    '3 of 8 organisations'
    """
    return WORDS[key][LANGUAGES.index(language)].format(**values)


def page_words(language: str) -> dict[str, str]:
    """Give the texts of the report's frame in one language, for the templates: ``{"contents": "Chapters", ...}``."""
    endings = {k.removeprefix("page."): k for k in WORDS if k.startswith("page.")}
    titles = {k.replace(".title", "_title"): k for k in WORDS if k.endswith(".title")}
    return {short: say(key, language) for short, key in (endings | titles).items()}


def join(parts: list[str], language: str) -> str:
    """Join names as a person would: ``A, B and C`` / ``A、B和C``; a comma before *and* where a name has one inside."""
    if len(parts) < 2:
        return "".join(parts)
    inner = any(say("list.and", language) in part for part in parts)
    last = say("list.comma", language).rstrip() if inner and language == "en" else ""
    return say("list.comma", language).join(parts[:-1]) + last + say("list.and", language) + parts[-1]
