"""English names of China's places, for `survey.places_table`: Hanyu Pinyin by rule, and tables of what is written otherwise.

The rule: the proper part of a name as one word of Hanyu Pinyin without tones, an apostrophe before a syllable that begins with
a, o or e, then the kind of place in English; cities and provinces are called by the proper part alone. A proper part of one
syllable keeps its kind (``Yixian County``), as on maps. A people in the name of an autonomous place is called as in English.

``OTHERWISE`` holds what the state's own spelling does not write in Hanyu Pinyin (names from Mongolian, Tibetan, Uygur and other
languages, and of long standing abroad); ``READ`` holds characters that the table of readings reads as they are not read here.
Readings come from ``pypinyin`` (MIT), which the script alone needs; they were compared with those of a second collection of
place names, and each difference was decided by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

READ = """
襄都 Xiangdu 信都 Xindu 望都 Wangdu 泊头 Botou 大城 Daicheng 万柏林 Wanbailin 长治 Changzhi 繁峙 Fanshi 尧都 Yaodu 洪洞 Hongtong
商都 Shangdu 长海 Changhai 弓长岭 Gongchangling 长白 Changbai 长岭 Changling 珲春 Hunchun 穆棱 Muling 绥棱 Suiling
长宁 Changning 闵行 Minhang 六合 Luhe 盐都 Yandu 莲都 Liandu 长丰 Changfeng 蚌山 Bengshan 天长 Tianchang 涡阳 Guoyang
马尾 Mawei 长泰 Changtai 都昌 Duchang 宁都 Ningdu 于都 Yudu 长清 Changqing 单 Shan 殷都 Yindu 浚 Xun 长垣 Changyuan
南乐 Nanle 魏都 Weidu 长葛 Changge 漯河 Luohe 召陵 Shaoling 长阳 Changyang 曾都 Zengdu 花都 Huadu 佛冈 Fogang 长洲 Changzhou
龙圩 Longxu 覃塘 Qintang 都安 Du'an 丰都 Fengdu 新都 Xindu 郫都 Pidu 什邡 Shifang 丹棱 Danling 筠连 Junlian 荥经 Yingjing
都匀 Duyun 长顺 Changshun 三都 Sandu 秦都 Qindu 长武 Changwu 子长 Zichang 佛坪 Foping 民乐 Minle 崆峒 Kongtong 武都 Wudu
宕昌 Tanchang 红寺堡 Hongsibu 朝阳 Chaoyang 都兰 Dulan 康巴什 Kangbashi
"""
OTHERWISE = """
内蒙古 Inner_Mongolia 陕西 Shaanxi 西藏 Xizang 香港 Hong_Kong 澳门 Macao
哈尔滨 Harbin 齐齐哈尔 Qiqihar 富拉尔基 Fularji 萨尔图 Sartu 杜尔伯特 Dorbod 大兴安岭 Da_Hinggan_Ling 梅里斯 Meilisi
前郭尔罗斯 Qian_Gorlos 喀喇沁左翼 Harqin_Left_Wing
呼和浩特 Hohhot 赛罕 Saihan 土默特左 Tumed_Left 土默特右 Tumed_Right 托克托 Togtoh 和林格尔 Horinger 昆都仑 Hondlon
白云鄂博 Bayan_Obo 达尔罕茂明安联合 Darhan_Muminggan_United 阿鲁科尔沁 Ar_Horqin 巴林左 Bairin_Left 巴林右 Bairin_Right
克什克腾 Hexigten 翁牛特 Ongniud 喀喇沁 Harqin 科尔沁 Horqin 科尔沁左翼中 Horqin_Left_Middle 科尔沁左翼后 Horqin_Left_Rear
库伦 Hure 扎鲁特 Jarud 霍林郭勒 Holingol 鄂尔多斯 Ordos 达拉特 Dalad 准格尔 Jungar 鄂托克前 Otog_Front 鄂托克 Otog 杭锦 Hanggin
乌审 Uxin 伊金霍洛 Ejin_Horo 呼伦贝尔 Hulunbuir 海拉尔 Hailar 扎赉诺尔 Jalainur 阿荣 Arun 莫力达瓦 Morin_Dawa 鄂伦春 Oroqen
鄂温克族 Ewenki 陈巴尔虎 Old_Barag 新巴尔虎左 New_Barag_Left 新巴尔虎右 New_Barag_Right 扎兰屯 Zalantun 额尔古纳 Ergun
巴彦淖尔 Bayannur 乌拉特前 Urad_Front 乌拉特中 Urad_Middle 乌拉特后 Urad_Rear 杭锦后 Hanggin_Rear 乌兰察布 Ulanqab
察哈尔右翼前 Chahar_Right_Front 察哈尔右翼中 Chahar_Right_Middle 察哈尔右翼后 Chahar_Right_Rear 乌兰浩特 Ulanhot
阿尔山 Arxan 科尔沁右翼前 Horqin_Right_Front 科尔沁右翼中 Horqin_Right_Middle 扎赉特 Jalaid 锡林郭勒 Xilingol
二连浩特 Erenhot 锡林浩特 Xilinhot 阿巴嘎 Abag 苏尼特左 Sonid_Left 苏尼特右 Sonid_Right 东乌珠穆沁 East_Ujimqin
西乌珠穆沁 West_Ujimqin 太仆寺 Taibus 阿拉善 Alxa 阿拉善左 Alxa_Left 阿拉善右 Alxa_Right 额济纳 Ejin
拉萨 Lhasa 堆龙德庆 Doilungdêqên 达孜 Dagzê 林周 Lhünzhub 当雄 Damxung 尼木 Nyêmo 曲水 Qüxü 墨竹工卡 Maizhokunggar
日喀则 Xigazê 桑珠孜 Samzhubzê 南木林 Namling 江孜 Gyangzê 定日 Tingri 萨迦 Sa'gya 拉孜 Lhazê 昂仁 Ngamring
谢通门 Xaitongmoin 白朗 Bainang 仁布 Rinbung 康马 Kangmar 定结 Dinggyê 吉隆 Gyirong 聂拉木 Nyalam 萨嘎 Saga 岗巴 Kamba
昌都 Qamdo 卡若 Karuo 江达 Jomda 贡觉 Gonjo 类乌齐 Riwoqê 丁青 Dêngqên 察雅 Zhag'yab 八宿 Baxoi 左贡 Zogang 芒康 Markam
洛隆 Lhorong 边坝 Banbar 林芝 Nyingchi 巴宜 Bayi 工布江达 Gongbo'gyamda 墨脱 Mêdog 波密 Bomê 察隅 Zayü 朗 Nang 米林 Mainling
乃东 Nêdong 扎囊 Chanang 贡嘎 Konggar 桑日 Sangri 琼结 Qonggyai 曲松 Qusum 措美 Comai 洛扎 Lhozhag 加查 Gyaca 隆子 Lhünzê
浪卡子 Nagarzê 错那 Cona 那曲 Nagqu 嘉黎 Lhari 比如 Biru 聂荣 Nyainrong 安多 Amdo 申扎 Xainza 索 Sog 班戈 Baingoin
巴青 Baqên 尼玛 Nyima 阿里 Ngari 普兰 Burang 札达 Zanda 噶尔 Gar 日土 Rutog 革吉 Gê'gyai 改则 Gêrzê 措勤 Coqên
刚察 Gangca 尖扎 Jainca 泽库 Zêkog 果洛 Golog 玛沁 Maqên 班玛 Baima 甘德 Gadê 达日 Darlag 久治 Jigzhi 玛多 Madoi
杂多 Zadoi 称多 Chindu 治多 Zhidoi 囊谦 Nangqên 曲麻莱 Qumarlêb 格尔木 Golmud 乌兰 Ulan
阿坝 Ngawa 马尔康 Barkam 壤塘 Zamtang 若尔盖 Zoigê 甘孜 Garzê 道孚 Dawu 德格 Dêgê 白玉 Baiyü 石渠 Sêrxü 色达 Sêrtar
得荣 Dêrong 东乡族 Dongxiang 卓尼 Jonê 迭部 Têwo 舟曲 Zhugqu 阿克塞 Aksay 香格里拉 Shangri-La 德钦 Dêqên
乌鲁木齐 Ürümqi 沙依巴克 Saybag 克拉玛依 Karamay 乌尔禾 Orku 吐鲁番 Turpan 托克逊 Toksun 巴里坤 Barkol 玛纳斯 Manas
吉木萨尔 Jimsar 木垒 Mori 博尔塔拉 Bortala 阿拉山口 Alashankou 巴音郭楞 Bayingolin 库尔勒 Korla 和硕 Hoxud 阿克苏 Aksu
库车 Kuqa 沙雅 Xayar 阿瓦提 Awat 柯坪 Kalpin 克孜勒苏 Kizilsu 阿图什 Artux 阿克陶 Akto 阿合奇 Akqi 喀什 Kashgar 乌什 Wushi
英吉沙 Yengisar 麦盖提 Makit 岳普湖 Yopurga 伽师 Jiashi 塔什库尔干 Taxkorgan 和田 Hotan 洛浦 Lop 策勒 Qira 伊犁 Ili
奎屯 Kuytun 霍尔果斯 Khorgas 察布查尔 Qapqal 特克斯 Tekes 尼勒克 Nilka 托里 Toli 和布克赛尔 Hoboksar 阿勒泰 Altay
布尔津 Burqin 吉木乃 Jeminay 阿拉尔 Aral 图木舒克 Tumxuk 可克达拉 Kokdala
"""
# Names whose proper part is read by the rule elsewhere.
ALONE = {"152200": "Hinggan League"}
PEOPLES = """
维吾尔 Uygur 壮 Zhuang 藏 Tibetan 回 Hui 蒙古 Mongol 满 Manchu 朝鲜 Korean 苗 Miao 侗 Dong 瑶 Yao 土家 Tujia 布依 Buyei 彝 Yi
哈尼 Hani 傣 Dai 白 Bai 景颇 Jingpo 傈僳 Lisu 拉祜 Lahu 佤 Va 布朗 Blang 纳西 Naxi 怒 Nu 独龙 Derung 普米 Pumi 羌 Qiang 黎 Li 畲 She
仡佬 Gelao 水 Sui 仫佬 Mulam 毛南 Maonan 土 Tu 撒拉 Salar 东乡 Dongxiang 保安 Bonan 裕固 Yugur 哈萨克 Kazak
柯尔克孜 Kirgiz 塔吉克 Tajik 锡伯 Xibe 达斡尔 Daur 各 Multiethnic
"""
# The ends of names in the order in which they are tried, and what they are called.
KINDS = {
    "特别行政区": "", "自治区": "", "省": "", "自治州": " Autonomous Prefecture", "地区": " Prefecture", "盟": " League",
    "自治县": " Autonomous County", "自治旗": " Autonomous Banner", "旗": " Banner", "市": "", "林区": " Forestry District",
    "特区": " Special District", "矿区": " Mining District", "县": " County", "区": " District",
}  # fmt: skip
NEW_AREAS = ("滨海新区", "浦东新区", "沈北新区", "两江新区")  # elsewhere 新 belongs to the proper part
WITH_PEOPLES = ("自治区", "自治州", "自治县", "自治旗", "区")
OWN_SYLLABLE = {"县": "xian", "区": "qu", "市": "shi"}
Syllables = Callable[[str], Sequence[str]]


def english(name: str, code: str, syllables: Syllables) -> str:
    """Give the English name of a place.

    Parameters
    ----------
    name : str
        The full Chinese name.
    code : str
        Its six digits.
    syllables : callable
        Gives the syllables of a Chinese text in lower case without tones, one a character.

    Raises
    ------
    ValueError
        For a name whose kind is not known.
    """
    if code in ALONE:
        return ALONE[code]
    if name in NEW_AREAS:
        return _proper(name, name[:-2], syllables) + " New Area"
    proper, kind = _parted(name)
    proper, peoples = _without_peoples(proper) if kind in WITH_PEOPLES else (proper, "")
    called = _proper(name, proper, syllables)
    if len(proper) == 1 and kind in OWN_SYLLABLE and proper not in _table(OTHERWISE):
        called += OWN_SYLLABLE[kind]
    return called + ("" if not KINDS[kind] else peoples) + KINDS[kind]


def short(name: str) -> str:
    """Give the proper part of a Chinese name, as people write it: without the kind of place and its peoples.

    A name without a kind, and one of which a single sign would be left, stays as it is.

    Examples
    --------
    >>> short("某某市"), short("延边朝鲜族自治州"), short("赵县")
    ('某某', '延边', '赵县')
    """
    if not any(name.endswith(kind) for kind in KINDS):
        return name
    proper, kind = _parted(name) if name not in KINDS else (name, "")
    proper = _without_peoples(proper)[0] if kind in WITH_PEOPLES else proper
    return proper if len(proper) > 1 else name


def _parted(name: str) -> tuple[str, str]:
    """Part a name into the proper part and the kind."""
    for kind in KINDS:
        if name.endswith(kind) and len(name) > len(kind):
            return name[: -len(kind)], kind
    raise ValueError(f"{name} ends like no kind of place: add its end to KINDS")


def _without_peoples(proper: str) -> tuple[str, str]:
    """Take the peoples off the end of a proper part; a part that is nothing but a people is that part's own name."""
    called = _table(PEOPLES)
    named = "|".join(sorted(called, key=len, reverse=True))
    found = re.fullmatch(rf"(.+?)((?:(?:{named})族|蒙古|哈萨克|柯尔克孜|塔吉克|锡伯|维吾尔)+)", proper)
    if found is None or proper in _table(OTHERWISE):
        return proper, ""
    peoples = [called[text] for text in re.findall(rf"({named})族?", found[2])]
    joined = peoples[0] if len(peoples) == 1 else ", ".join(peoples[:-1]) + " and " + peoples[-1]
    return found[1], f" {joined}"


def _proper(name: str, proper: str, syllables: Syllables) -> str:
    for table in (OTHERWISE, READ):
        if proper in _table(table):
            return _table(table)[proper].replace("_", " ")
    first, *rest = list(syllables(name))[: len(proper)]
    return first.capitalize() + "".join("'" + s if s[0] in "aoe" else s for s in rest)


@lru_cache(maxsize=4)
def _table(text: str) -> Mapping[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))
