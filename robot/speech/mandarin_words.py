"""Readings of Mandarin words that pypinyin cannot know: family names, letters, colloquial and missing readings.

All toneless. Written from the usual dictionaries' readings by no native speaker.
"""

from __future__ import annotations

import re


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """`key=reading,reading` separated by blanks."""
    pairs = (pair.split("=") for pair in text.split())
    return {key: tuple(readings.split(",")) for key, readings in pairs}


def _phrases(text: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """`key=one.way|another.way` separated by blanks."""
    pairs = (pair.split("=") for pair in text.split())
    return {key: tuple(tuple(way.split(".")) for way in ways.split("|")) for key, ways in pairs}


FAMILY_NAMES = _table("""
单=shan 解=xie 曾=zeng 仇=qiu 查=zha 区=ou 朴=piao 翟=zhai,di 盖=ge,gai 乐=yue,le 缪=miao 召=shao 员=yun 牟=mu,mou
折=she 黑=he,hei 秘=bi 种=chong 繁=po 覃=qin,tan 隗=wei,kui 郗=xi,chi 薄=bo 能=nai 祭=zhai 尉=wei 洗=xian 会=gui
""")
"""One-character family names that are read otherwise than the character alone, the usual reading first."""

FAMILY_NAMES_BEFORE_TITLES = frozenset("单解曾仇查区朴翟盖缪牟覃隗郗薄")
"""Those that are hardly anything but a family name between a word and a title, or after 老 and 小."""

DOUBLE_FAMILY_NAMES = {"尉迟": "yu chi", "万俟": "mo qi", "长孙": "zhang sun", "单于": "chan yu", "澹台": "tan tai"}

TITLE = re.compile(
    "大夫|医生|医师|护士|护工|主任|院长|所长|站长|队长|村长|局长|处长|科长|校长|老师|教授|书记|主席|经理|师傅|司机"
    "|先生|女士|太太|奶奶|爷爷|姥姥|阿姨|叔叔|大爷|大妈|大娘|大叔|大哥|大姐|大嫂|大婶|婆婆|哥|姐|叔|婶|嫂|家"
)
"""What follows a family name."""

SPOKEN_BOTH_WAYS = _table("""
谁=shei,shui 血=xue,xie 这=zhe,zhei 那=na,nei 哪=na,nei 熟=shu,shou
""")
"""Read either way in any word (血压 xuèyā or xiěyā), but 那 and 哪 only plainly before 儿, 里 and 么."""

ALONE_BOTH_WAYS = _table("""
勒=le,lei 血=xie,xue 得=de,dei 还=hai,huan 薄=bao,bo 剥=bao,bo 露=lu,lou 削=xiao,xue 嚼=jiao,jue 壳=ke,qiao 着=zhe,zhao
调=tiao,diao 重=zhong,chong 长=chang,zhang 行=xing,hang 乐=le,yue 落=luo,la 粘=zhan,nian 择=ze,zhai 烙=lao,luo
和=he,huo 扎=zha,za 弹=tan,dan 脉=mai,mo 盛=sheng,cheng 色=se,shai 约=yue,yao 折=zhe,she 卡=ka,qia 嗯=en,n 地=de,di
爪=zhua,zhao 炮=pao,bao 觉=jue,jiao 差=cha,chai 藏=cang,zang 参=can,shen 尿=niao,sui 咳=ke,hai
""")
"""Read either way where the character is a word by itself; the dictionary's own reading is always among them."""

WORDS = _phrases("""
还有=hai.you 还在=hai.zai 还没=hai.mei 还没有=hai.mei.you 还要=hai.yao 还能=hai.neng 还会=hai.hui 还好=hai.hao
还想=hai.xiang 还不=hai.bu 还疼=hai.teng 还是=hai.shi 还行=hai.xing 还可以=hai.ke.yi 还睡=hai.shui
动不了=dong.bu.liao 走不了=zou.bu.liao 慢慢地=man.man.de 那达慕=na.da.mu 那顺=na.shun 那木=na.mu 那仁=na.ren
格日勒=ge.ri.le 锡林郭勒=xi.lin.guo.le 郭勒=guo.le 巴雅尔=ba.ya.er 布和=bu.he 苏和=su.he 呼和=hu.he 阿拉善=a.la.shan
还得=hai.dei 调大=tiao.da 调小=tiao.xiao 调高=tiao.gao 调低=tiao.di 调亮=tiao.liang 调暗=tiao.an 调到=tiao.dao
调成=tiao.cheng 都得=dou.dei 就得=jiu.dei 我得=wo.dei|wo.de 你得=ni.dei|ni.de 他得=ta.dei|ta.de 睡不着=shui.bu.zhao
找不着=zhao.bu.zhao 够不着=gou.bu.zhao 怎么着=zen.me.zhao 落枕=lao.zhen|luo.zhen 落下=luo.xia|la.xia
胳膊=ge.bo|ge.be 暖和=nuan.huo|nuan.he 和药=huo.yao|he.yao 大夫=dai.fu|da.fu 包扎=bao.za|bao.zha 颈椎=jing.zhui
吐血=tu.xie|tu.xue 便血=bian.xie|bian.xue 尿血=niao.xie|niao.xue 流血=liu.xie|liu.xue 出血=chu.xie|chu.xue
咳血=ke.xie|ke.xue 血栓=xue.shuan|xie.shuan 淤血=yu.xue|yu.xie 贫血=pin.xue|pin.xie 输血=shu.xue|shu.xie
抽血=chou.xie|chou.xue 验血=yan.xie|yan.xue 献血=xian.xie|xian.xue 嗯嗯=en.en|n.n 大黄=da.huang|dai.huang
参汤=shen.tang 六安=lu.an|liu.an 朝阳=chao.yang|zhao.yang
""")
"""Words read otherwise than pypinyin says, or in more than one way."""

FULL_ER = frozenset("女婴孤幼胎少健男生产患小宠我你他她咱")
"""Before a 儿 that is a syllable of its own: 女儿, 婴儿; after other characters it colours their ending."""

LETTERS = _phrases("""
A=Zei B=b.Zi C=ʃ.Zi|s.iː D=d.Zi E=Zi F=Zai.f.Zu G=ʤ.Zi H=Zei.ʧ.Zi|Zai.Ch.Zih I=Zai J=ʤ.Zei|Zh.Zei K=k.Zei L=Zai.l.Ze
M=Zai.m.Zu|Zai.m N=Zen O=Zou P=p.Zi Q=k.Ziou R=Za.Zer S=Zai.s.Zis T=t.Zi U=Ziou V=Zuei W=d.Za.b.Zu.l.Ziou
X=Zai.k.Ze.s.Zis Y=Zuai Z=Zz.Zei
""")
"""Names of the Latin letters as they are said in Mandarin, in model tokens."""
