"""What `workbench verify` says of reference numbers, in both languages."""

from __future__ import annotations

METHODS = {
    "mean": ("means, errors by the design", "均值（按抽样设计计算误差）"),
    "total": ("totals", "总数"),
    "ratio": ("ratios", "比率"),
    "domains": ("domains", "子域估计"),
    "proportion": ("proportions", "比例"),
    "change": ("differences with covariance", "含协方差的差异"),
    "deff": ("design effects", "设计效应"),
    "quantile": ("quantiles with Woodruff's intervals", "分位数（Woodruff 区间）"),
    "lonely": ("strata with one cluster", "仅含一个群的层"),
    "replicates": ("replicate weights", "重复权重"),
    "jackknife": ("jackknife that we make", "自制刀切法重复权重"),
    "raked": ("raking", "迭代比例加权"),
    "poststratified": ("post-stratification", "事后分层"),
    "calibrated": ("linear calibration", "线性校准"),
    "kish": ("Kish's effect of weights", "Kish 权重效应"),
    "glm": ("generalised linear models", "广义线性模型"),
    "wald": ("Wald tests of terms", "Wald 检验"),
    "likelihood": ("likelihood ratio of Rao and Scott", "Rao-Scott 似然比检验"),
    "rao_scott": ("Rao and Scott's test of tables", "Rao-Scott 列联表检验"),
    "multiplicity": ("Holm, Benjamini and Hochberg", "Holm 与 Benjamini-Hochberg 校正"),
    "mixed": ("mixed models", "混合模型"),
    "mixed_real": ("mixed models, real data", "混合模型（真实数据）"),
    "mixed_sparse": ("mixed models, many levels that seldom meet", "混合模型（水平众多、少有交叉的因素）"),
    "mixed_weighted": ("mixed models under sampling weights", "抽样加权的混合模型"),
    "reliability": ("reliability of scales", "量表信度"),
    "agreement": ("agreement and ICC", "组内一致性与 ICC"),
    "small_area": ("small areas", "小区域估计"),
    "cfa": ("factor models", "验证性因素分析"),
    "polychoric": ("polychoric correlations and their covariance", "多分相关及其渐近协方差"),
    "wlsmv": ("factor models of ordered answers", "有序作答的因素模型（WLSMV）"),
    "invariance": ("invariance of factor models", "测量不变性检验"),
    "survival": ("time to an event, competing causes", "事件史：生存曲线与竞争风险"),
    "care": ("careless answering", "敷衍作答指标"),
}
WORDS = {
    "title": ("Our numbers beside those of other programs", "本工作台与其他程序的数值对照"),
    "columns": (
        ("method", "numbers", "source", "reference", "ours", "difference", "tolerance", "which"),
        ("方法", "个数", "来源", "参考值", "本工作台", "差异", "容差", "所指数值"),
    ),
    "worst": (
        "Of each method the number that comes nearest to its tolerance; --all shows every one",
        "每种方法只列最接近容差的一个数值；--all 列出全部",
    ),
    "agree": ("all {n} numbers agree within their tolerance", "全部 {n} 个数值均在容差之内"),
    "differ": (
        "{bad} of {n} numbers do NOT agree; do not publish before this is understood",
        "{n} 个数值中有 {bad} 个不一致；查明原因前请勿发布",
    ),
    "absent": (
        "Not compared, as the data are not here: {names} (--data names the folder that holds them)",
        "因缺少数据而未对照：{names}（可用 --data 指定其所在文件夹）",
    ),
    "gone": (
        "the reference numbers are not here: they lie in tests/reference of the workbench's folder",
        "找不到参考数值：它们应位于工作台文件夹的 tests/reference 中",
    ),
}


def say(key: str, language: str, **values: object) -> str:
    """Say it in one language."""
    text = WORDS[key][language == "zh"]
    return str(text).format(**values)
