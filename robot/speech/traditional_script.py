"""The traditional Mongolian script to Cyrillic, where it is certain.

The script writes an older language and shows o and u, t and d, front k and g alike; people also type one for the
other, since the screen looks the same. So only listed words are read, with the suffixes that are written after a narrow
space; every other word is refused by name: a wrong guess would listen for a word that nobody says.
"""

from __future__ import annotations

import re
from functools import cache

from robot.errors import BadInput
from robot.speech.traditional_words import WORDS

_LETTERS = dict(zip("ᠠᠡᠢᠣᠤᠥᠦᠧᠨᠩᠪᠫᠬᠭᠮᠯᠰᠱᠲᠳᠴᠵᠶᠷᠸᠹᠺ", "aeiouöüēnŋbpqgmlsštdčjyrvfk", strict=True))
_VOWEL_SEPARATOR = "\u180e"
_SUFFIX_SPACE = "\u202f"
_UNSEEN = dict.fromkeys(map(ord, "\u180b\u180c\u180d\u180f\u200b\u200c\u200d"))  # variation selectors, joiners
_WORD = re.compile(
    f"[\u1820-\u18af\u180b-\u180f{_SUFFIX_SPACE}\u200b-\u200d]*[\u1820-\u18af][\u1820-\u18af\u180b-\u180f{_SUFFIX_SPACE}\u200b-\u200d]*"
)
_PUNCTUATION = re.compile("[\u1800-\u180a]")
_LONG_END = re.compile("(?:аа|ээ|оо|өө|уу|үү|ий|ай|эй|ой|уй|үй|яа|ёо|юу|юү|иа)$")
_TAKES_T = "гврс"
_SAME_LOOK = str.maketrans("oödkē", "uütge")
_FRONT = re.compile("[eöüē]")
_SAME_SUFFIX = str.maketrans("eoöüdkqē", "auuutgga")


def to_cyrillic(text: str) -> str:
    """`text` with every word of the traditional script in Cyrillic; all else stays.

    A suffix is known by the narrow space (U+202F) before it; an ordinary space before one is forgiven. Raises
    `BadInput` naming the first word that is not certain.
    """
    if not re.search("[\u1800-\u18af]", text):
        return text
    text = _PUNCTUATION.sub(" ", text)
    text = re.sub("(?<=[\u1820-\u1842\u180b-\u180f]) ([\u1820-\u1842\u180b-\u180f]+)", _joined, text)
    return _WORD.sub(_word, text)


def _joined(match: re.Match[str]) -> str:
    """A suffix after an ordinary space joins the word before it."""
    latin = _latin(match[1])
    is_suffix = latin.translate(_SAME_SUFFIX) in _SUFFIXES and _listed(latin) is None
    return f"{_SUFFIX_SPACE if is_suffix else ' '}{match[1]}"


def _latin(word: str) -> str:
    letters = word.translate(_UNSEEN).replace(_VOWEL_SEPARATOR, "-")
    return "".join(_LETTERS.get(letter, letter) for letter in letters)


def _word(match: re.Match[str]) -> str:
    parts = [part for part in _latin(match[0]).split(_SUFFIX_SPACE) if part]
    cyrillic = _listed("_".join(parts)) or _stem_and_suffixes(parts[0], parts[1:])
    if cyrillic is None:
        shown = match[0].replace(_SUFFIX_SPACE, " ").strip()
        raise BadInput(f"The traditional spelling {shown!r} may be read in more than one way; write it in Cyrillic.")
    return f" {cyrillic} "


def _stem_and_suffixes(stem: str, suffixes: list[str]) -> str | None:
    kinds = [_SUFFIXES.get(suffix.translate(_SAME_SUFFIX)) for suffix in suffixes]
    cyrillic = _listed(stem)
    if cyrillic is None and stem.endswith("n") and kinds and kinds[0] in _BRING_N_BACK:
        plain = _listed(stem[:-1])
        cyrillic = plain and _with_n(plain, kinds[0])
    for kind in kinds:
        cyrillic = _suffixed(cyrillic, kind) if cyrillic and kind else None
    return cyrillic


def _listed(latin: str) -> str | None:
    if latin in WORDS:
        return WORDS[latin]
    alike = _by_look().get(_look(latin), frozenset())
    return next(iter(alike)) if len(alike) == 1 else None


@cache
def _by_look() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for latin, cyrillic in WORDS.items():
        found[_look(latin)] = found.get(_look(latin), frozenset()) | {cyrillic}
    return found


def _look(latin: str) -> str:
    """The same for words that look the same on the screen: front words also write q and g alike."""
    look = latin.translate(_SAME_LOOK)
    return look.replace("q", "g") if _FRONT.search(latin) else look


# suffixes in transliteration, by look: front and back, o and u, t and d alike; the word decides
_SUFFIXES = {
    **dict.fromkeys(("un", "yin"), "genitive"),
    "u": "genitive after n",
    **dict.fromkeys(("tu", "tur"), "dative"),
    **dict.fromkeys(("i", "yi"), "accusative"),
    **dict.fromkeys(("iyar", "bar"), "instrumental"),
    **dict.fromkeys(("ban", "iyan"), "reflexive"),
    "ača": "ablative",
    "tai": "comitative",
    "tagan": "dative reflexive",
    "ugai": "without",
    "ut": "plural",
    "nar": "persons",
    "urugu": "towards",
}


_BRING_N_BACK = ("genitive after n", "dative")


def _suffixed(word: str, kind: str) -> str:
    vowel = _harmony(word)
    back = vowel in "ао"
    if kind == "comitative":
        return word + {"а": "тай", "о": "той"}.get(vowel, "тэй")
    if kind == "without":
        return f"{word}гүй"
    if kind == "persons":
        return f"{word} нар"
    if kind == "towards":
        return f"{word} {'руу' if back else 'рүү'}"
    if kind == "dative" or kind == "dative reflexive":
        given = word + ("т" if word[-1] in _TAKES_T else "д")
        return given if kind == "dative" else given + vowel * 2
    long = _LONG_END.search(word) is not None
    base = word if long else re.sub("[аэоөиьъ]$", "", word)
    if kind == "genitive":
        return f"{base}гийн" if long else base + ("ын" if back else "ийн")
    if kind == "genitive after n":
        return base + ("ы" if back else "ий")
    if kind == "accusative":
        return f"{base}г" if long else base + ("ыг" if back else "ийг")
    if kind == "plural":
        return base + ("ууд" if back else "үүд") if not long else base + ("нууд" if back else "нүүд")
    ending = {"instrumental": "р", "ablative": "с", "reflexive": ""}[kind]
    if word.endswith("ь"):
        return f"{word[:-1]}и{vowel}{ending}"
    return f"{base}{'г' if long else ''}{vowel * 2}{ending}"


def _harmony(word: str) -> str:
    """The long vowel that suffixes take: а, э, о or ө."""
    full = re.findall("[аяуоёөэеүю]", word) or ["э"]
    if full[0] in "оё":
        return "а" if "уу" in word else "о"
    if full[0] == "ө":
        return "э" if "үү" in word else "ө"
    return "а" if full[0] in "аяу" or (full[0] == "ю" and full[-1] in "ау") else "э"


def _with_n(word: str, kind: str) -> str:
    """The stem with the n that some cases bring back: цус, цусн(ы); ус, усан(д)."""
    base = re.sub("[аэоөиьъ]$", "", word)
    return f"{base}{_harmony(word) if kind == 'dative' else ''}н"
