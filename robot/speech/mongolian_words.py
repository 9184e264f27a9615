"""Mongolian words whose Chakhar sound the spelling rules miss, in IPA as studymongolian.net writes it.

Rows are `spelling=way|way`, best first. The site itself is the source of most; the rest follow the same correspondences
(Cyrillic spells Khalkha, where Chakhar kept an older i or moved a vowel). No native speaker has read them.
"""

from __future__ import annotations

from robot.speech.ipa import ipa_tokens
from robot.speech.ways import Pronunciation


def read_table(text: str) -> dict[str, tuple[Pronunciation, ...]]:
    """`spelling=way|way` rows, as tokens; blank lines are skipped."""
    rows = (line.split("=") for line in text.split("\n") if line)
    return {spelling: tuple(map(ipa_tokens, ways.split("|"))) for spelling, ways in rows}


WORDS = read_table("""
баярлалаа=bɑjə̌rllɑː
байна=bæːn
бэ=be|we
вэ=be|we
бие=bəj
биеийн=bəjiːn
биеэ=bəjəː
гэнэ=gənəː
тана=tɑnɑː
эрдэнэ=ərdə̌n
ес=jus|jis
есөн=jusə̌n|jisə̌n
есдүгээр=jisdʊgɑːr|jusdugəːr
жар=ʤir
жаран=ʤirə̌n
ная=nɑj
наян=nɑjə̌n
ая=ɑj
өглөө=ogloː
өглөөний=ogloːnæː|ogloːniː
өглөөгүүр=ogloːguːr
их=jix
ихэнх=jixə̌nx
надад=nɑdə̌d
намайг=nɑmæːg|næmæːg
чамайг=ʧæmæː|ʧɑmæːg
чамд=ʧɑmə̌d
нь=n|in
тань=tɑn
мань=mɑn
минь=min
чинь=ʧin
маань=mɑːn
таань=tɑːn
манай=mɑnæː
танай=tɑːnæː
таны=tɑnæː|tɑːnæː
тэдний=tədnæː
танд=tɑnd|tɑːnd
түүний=tuːnæː|tuːniː
миний=miniː
чиний=ʧiniː
үү=ʊː
юу=juː
юү=jʊː
юм=jim|im
үгүй=ugue
өдөр=odə̌r|oːdə̌r
өмнө=omə̌n
хойно=xœːn
гадна=gɑdə̌n
дотно=dɔtə̌n
сонс=sɔnə̌s
дундад=dʊmdə̌d|dʊndə̌d
хаана=xɑːn|xɑː
хаанаас=xɑːnɑːs
хаанахын=xɑːnxiːn
тавь=tæb
тавих=tæbə̌x|tælbə̌x
тавьж=tæbʤ|tælbʤ
тавиад=tæbɑːd|tælbɑːd
тавиарай=tæbɑːræː|tælbɑːræː
хувь=xœb
зүүн=ʤuːn|juːn
захидал=ʤæxtə̌l|ʤæxə̌dl
далай=dælæː
хөххот=xoxxɔt
ордос=ɔrdə̌s
шилийнхот=ʃiliːnxɔt
хөлөнбуйр=xolə̌nbʊir
улаанцав=ʊlɑːnʧɑb
улаанхад=ʊlɑːnxɑd
баяннуур=bɑjə̌nnʊːr
алшаа=ɑlʃɑː
бугат=bʊgə̌t
хянган=xæŋgə̌n|xiŋgɑn
жирэм=ʤirə̌m
талбай=tælbæː
хэзээ=xəʤəː
шинэ=ʃin
биш=biʃ
шүү=ʃuː
ээ=əː
за=ʤɑː
""")
"""Whole words."""

KHALKHA_WORDS = read_table("""
байна=bæːn
бэ=be
вэ=we
нь=n
минь=min
чинь=ʧin
юу=jʊː
юм=jʊm
их=ix
бие=bij
ая=ɑj
ная=nɑj
ес=jos
есөн=josə̌ŋ
""")
"""The few that the rules miss in Khalkha."""

STEMS = read_table("""
чад=ʧæd
яв=jæb
ярьж=jærə̌ʤ
өг=ug|og
ямар=jɑmə̌r|jæmə̌r
юу=juː
гараг=gærə̌g
хятад=xetə̌d|xætə̌d
цэцэг=ʧiʧə̌g
цэцэрлэг=ʧiʧə̌rlə̌g
цэнэг=ʧənə̌g|ʧinə̌g
цахилгаан=ʧæxə̌lgɑːn|ʧæxə̌gɑːn
хүлээ=xuljəː|xuləː
хүлээг=xuljəːg|xuləːg
тушаа=tʊʃɑː|dʊʃjɑː
хичээл=xəʧəːl|xiʧəːl
унш=ʊŋʃ|ʊnʃ
ундаа=ʊndɑː|ʊmdɑː
сувилагч=sœblə̌gʧ
хурим=xœrə̌m
англи=æŋgə̌l
алим=ɑlə̌m|ælə̌m
өвдөг=obdə̌g
хоёул=xɔjʊːl
жорлон=ʤœrlə̌ŋ|ʤɔrlə̌n
халбага=xɑblə̌g|xɑlbə̌g
солонгос=sɔlə̌ŋgə̌s
гадаад=gɑdɑːd
""")
"""Beginnings of words; what follows is read by the rules."""

_NAME_PARTS = """
алтан алима амар ариун ариунаа бат баатар баяр баян билиг болд болор буян бүрэн бямба ган ганга гоо гэрэл гүн
дарь даваа далай дорж дугар дулам дэлгэр жав жаргал жигүүр зул маа мөнх мөнгөн мэнд найдан намжил нандин наран
нар номин норов нэргүй оюу оюун өлзий өнөр пүрэв рэнцэн сайн сайхан саран сар сарнай сод солонго сувд сүрэн
сүх тогтох төгс төмөр туул туяа уянга хас хишиг ханд хатан хулан хүү хүлэг хэшиг цагаан цэрэн цэцэг цэцэн
цолмон чимэг чулуун чулуу шагдар шинэ эрдэнэ эрхэм энх энхээ янжин
"""
NAME_PARTS = tuple(sorted(_NAME_PARTS.split(), key=len, reverse=True))
"""What names are made of: in Сарангэрэл each part keeps its own first vowel; longest first."""
