"""What the report's frame says beside the templates' words, in both languages."""

from __future__ import annotations

WORDS = {
    "draft": ("Draft: not released, not to be passed on", "草稿：尚未发布，请勿外传"),
    "release": ("Release {name}", "发布版 {name}"),
    "synthetic": ("Synthetic data: nobody in it exists", "合成数据：其中没有真实的人"),
    "few_answered": (
        "Only {share} of those asked answered: whoever did may differ from all others, and no organisation or place is ranked",
        "应答率仅 {share}：作答者可能与其余的人不同，因此不对组织和地区排名",
    ),
    "answers": ("{n} answers", "{n} 份答卷"),
    "people": ("{n} people took part", "{n} 人参加过活动"),
    "log": ("Activity log", "活动记录"),
    "mode.online": ("Online questionnaire", "网上问卷"),
    "mode.phone": ("By phone", "电话访问"),
    "mode.paper": ("On paper", "纸质问卷"),
    "mode.face": ("Face to face", "面访"),
    "mode.mixed": ("Several ways", "多种方式"),
    "and_no": (" and no ", "、"),
    "unanswered": (
        "Not answered here, because this study does not have the data: {questions}",
        "因本研究没有相应数据，以下问题在此没有回答：{questions}",
    ),
    "lacks": ("This study has no {what}.", "本研究没有{what}。"),
    "need.survey": ("member survey", "会员调查"),
    "need.log": ("activity log", "活动记录"),
    "need.registry": ("registry of members", "组织登记"),
    "need.scales": ("scales", "量表"),
    "need.items": ("scales with several items", "含多个题目的量表"),
    "need.regions": ("places", "地区"),
    "need.kinds": ("kinds of members to cut by", "可划分的会员类型"),
    "need.need": ("a question on who is in need", "反映会员困难情况的题目"),
    "need.chain": ("questions on the members' chain", "群众参与链条的题目"),
    "need.link": ("answers linked to the log", "与活动记录关联的回答"),
    "need.groups": ("groups", "组织划分"),
    "need.attraction": ("scales of attraction", "吸引力量表"),
    "need.cohesion": ("scales of cohesion", "凝聚力量表"),
    "need.detachment": ("scales of detachment", "“四化”量表"),
    "need.satisfaction": ("scales of satisfaction", "满意度量表"),
    "need.contact": ("scales of contact", "联系量表"),
    "made.study": ("Study and wave", "研究与波次"),
    "made.inputs": ("Files read", "读入文件"),
    "made.inputs_value": ("{n}, checksum {sum}", "{n} 个，校验和 {sum}"),
    "made.key": ("Fingerprint of the key", "密钥指纹"),
    "made.rules": ("Rules of disclosure", "披露规则"),
    "made.rules_value": (
        "At least {minimum} people behind a number, {sensitive_minimum} where the question is sensitive; no two sets of people "
        "that differ by fewer than {difference}; counts to {count_step}, at the finest level of places to {small_count_step}",
        "每个数字背后至少 {minimum} 人，敏感题目至少 {sensitive_minimum} 人；任何两个数字背后的人不相同时至少相差 {difference} 人；"
        "人数取整到 {count_step}，最细一级地区取整到 {small_count_step}",
    ),
    "made.code": ("Code", "代码"),
    "made.record": ("Full record", "完整记录"),
}


def say(key: str, language: str, **parts: object) -> str:
    """Give a text in a language, its parts filled in."""
    return WORDS[key][("en", "zh").index(language)].format(**parts)
