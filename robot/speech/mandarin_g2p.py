"""Mandarin text to the tokens of the bilingual model: toneless initials and finals, by pypinyin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, zip_longest

from pypinyin import Style, lazy_pinyin
from pypinyin.contrib.tone_convert import to_finals, to_initials
from pypinyin.phrases_dict import phrases_dict

from robot.errors import BadInput
from robot.speech import mandarin_words as words
from robot.speech.mandarin_numbers import spell_out
from robot.speech.ways import MOST_WAYS, Pronunciation, best_first

_SHARED = "b=b p=p d=d t=t g=g k=k m=m n=n l=l f=f s=s h=x j=ʤ q=ʧ x=ʃ"  # sounds of both languages, one token
_INITIALS = dict(pair.split("=") for pair in f"{_SHARED} r=Zr z=Zz c=Zc zh=Zh ch=Ch sh=Sh".split())
_RETROFLEX = frozenset({"zh", "ch", "sh", "r"})
_SIBILANT = frozenset({"z", "c", "s"})
_SPELT_FINALS = (
    "a ai an ang ao e ei en eng er i ia ian iang iao ie in ing iong iou o ong ou u ua uai uan uang uei uen uo v"
)
_FINALS = frozenset((_SPELT_FINALS + " van ve vn").split())
_RARE = {
    "ueng": ("Zu", "Zeng"),
    "ê": ("Ze",),
    "io": ("Zi", "Zo"),
    "m": ("m",),
    "n": ("Zen",),
    "ng": ("Zen",),
    "hm": ("x", "m"),
    "hng": ("x", "Zeng"),
}  # syllables the model was not trained on, by their nearest neighbours: 翁, 诶, 哟, 呣, 嗯, 哼
_COLOURED = {
    **dict.fromkeys(("Za", "Zai", "Zan", "Zang"), ("Za",)),
    **dict.fromkeys(("Zia", "Zian", "Ziang"), ("Zia",)),
    **dict.fromkeys(("Zua", "Zuai", "Zuan", "Zuang"), ("Zua",)),
    **dict.fromkeys(("Zei", "Zen", "Zeng", "Zih", "Zis"), ()),
    **dict.fromkeys(("Zi", "Zin", "Zing"), ("Zi",)),
    **dict.fromkeys(("Zuei", "Zuen"), ("Zu",)),
    **dict.fromkeys(("Zv", "Zvn", "Zvan"), ("Zv",)),
}  # what is left of an ending before r: 点儿 diǎr, 味儿 wèr, 事儿 shèr; other endings stay whole
_HAN = "[\u3400-\u9fff]"
_PIECE = re.compile(rf"(?P<han>{_HAN}+)|(?P<latin>[A-Za-z]+)|(?P<other>.)", re.DOTALL)
_LONGEST_WORD = 8
_SPOKEN_WORDS = {"WIFI": ("Zuai", "f", "Zai"), "APP": ("Za", "p", "Zu"), "OK": ("Zou", "k", "Zei")}
_ABBREVIATIONS = frozenset(
    {"CT", "MRI", "ICU", "KTV", "DVD", "TV", "VIP", "QQ", "USB", "GPS", "ECG", "PPT", "SIM", "ATM", "MP"}
)


def mandarin_tokens(text: str, names: Collection[str] = ()) -> tuple[Pronunciation, ...]:
    """Usual ways to say `text` in model tokens, best first, at most `MOST_WAYS`.

    Several where a character is read either way (谁, 血), 儿 colours or not, a digit 1 is said yī or yāo, a number as
    an amount or digit by digit. `names` are read as names of people, family name first. Raises `BadInput` naming the
    text when it holds letters of another script, Latin words that are no abbreviation, or nothing to say.
    """
    readings = [_reading_ways(reading, text, names) for reading in _readings(text)]
    in_turn = (way for rank in zip_longest(*readings) for way in rank if way)
    ways = tuple(dict.fromkeys(in_turn))[:MOST_WAYS]
    if not ways:
        raise BadInput(f"Mandarin phrase {text!r} holds no word; write it in Han characters and digits.")
    return ways


def _readings(text: str) -> list[str]:
    """`text` with its numbers in words, in every usual way."""
    text = unicodedata.normalize("NFKC", text).replace("〇", "零").replace("○", "零")
    if not re.search(r"\d", text):
        return [text]
    usual = spell_out(text)
    readings = [usual]
    if "幺" in usual:
        readings.append(usual.replace("幺", "一"))
    if "点半" in usual and ":" in text:
        readings.append(usual.replace("点半", "点三十"))
    as_amount = spell_out(re.sub(r"(?<![\d.:/-])[1-9]\d{2,3}(?![\d.:/年-])", _amount, text))
    readings.insert(0 if re.search(r"\d00(?!\d)", text) else len(readings), as_amount)
    if re.search("二[百千]", as_amount):
        readings.append(re.sub("二(?=[百千])", "两", as_amount))
    readings.append(re.sub("(?<=百)([一二三四五六七八九])十(?![一二三四五六七八九])", r"\1", as_amount))  # 一百三
    return list(dict.fromkeys(readings))


def _amount(digits: re.Match[str]) -> str:
    return spell_out(f"{digits[0]}块")[:-1]


def _reading_ways(reading: str, text: str, names: Collection[str]) -> tuple[Pronunciation, ...]:
    parts: list[Sequence[Pronunciation]] = []
    for piece in _PIECE.finditer(reading):
        if piece["han"]:
            parts += _han_parts(piece["han"], text, names)
        elif piece["latin"]:
            parts += latin_parts(piece["latin"], text)
        elif piece["other"].isalnum():
            raise BadInput(
                f"Mandarin phrase {text!r} must be written in Han characters and digits, without {piece['other']!r}."
            )
    return best_first(parts) if parts else ()


def latin_parts(word: str, text: str) -> list[Sequence[Pronunciation]]:
    """Ways to say each letter of an abbreviation (CT, KTV), or a known word (WiFi), as they are said in China.

    Raises `BadInput` naming `text` when `word` is neither: capital letters are an abbreviation, other words are not.
    """
    capitals = word.upper()
    if capitals in _SPOKEN_WORDS:
        return [(_SPOKEN_WORDS[capitals],)]
    if word != capitals and len(word) > 1 and capitals not in _ABBREVIATIONS:
        raise BadInput(f"{text!r} holds the Latin word {word!r}; write it as it is said, or in capitals to spell it.")
    return [words.LETTERS[letter] for letter in capitals]


def _han_parts(run: str, text: str, names: Collection[str]) -> list[Sequence[Pronunciation]]:
    """The ways to say each syllable, or each listed word, of a run of Han characters."""
    parts: list[Sequence[Pronunciation]] = []
    before = ""
    for word, is_name in _words(run, names):
        after = run[len(before) + len(word) :]
        spoken = _name_parts(word, text) if is_name else _word_parts(word, before, after, text)
        for spelt, ways in spoken:
            suffix = spelt == "儿" and not is_name and (word == "儿" or word[0] != "儿")  # 花儿, but 儿子
            if suffix and parts and before[-1] not in words.FULL_ER:
                full = [way + ways[0] for way in parts[-1]]
                parts[-1] = tuple(dict.fromkeys([*map(_coloured, parts[-1]), *full]))
            else:
                parts.append(ways)
            before += spelt
    return parts


def _coloured(way: Pronunciation) -> Pronunciation:
    """A syllable with the colour of 儿: 花 x Zua becomes x Zua Zer, 会 x Zuei becomes x Zu Zer."""
    return (*way[:-1], *_COLOURED.get(way[-1], way[-1:]), "Zer")


def _words(run: str, names: Collection[str]) -> Iterator[tuple[str, bool]]:
    """`run` cut into words, and whether each is one of `names`."""
    known = sorted((name for name in names if name and name in run), key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, known))})", run) if known else [run]
    for index, piece in enumerate(pieces):
        if index % 2:
            yield piece, True
        elif piece:
            yield from ((word, False) for word in _cut(piece))


def _cut(run: str) -> Iterator[str]:
    """The longest listed word at each place, else one character."""
    at = 0
    while at < len(run):
        lengths = range(min(_LONGEST_WORD, len(run) - at), 1, -1)
        found = (run[at : at + length] for length in lengths)
        word = next((word for word in found if word in words.WORDS or word in phrases_dict), run[at])
        yield word
        at += len(word)


def _name_parts(name: str, text: str) -> Iterator[tuple[str, tuple[Pronunciation, ...]]]:
    double = words.DOUBLE_FAMILY_NAMES.get(name[:2])
    if double is not None:
        yield name[:2], (_tokens(double.split()),)
    elif name[0] in words.FAMILY_NAMES:
        yield name[0], tuple(map(pinyin_tokens, words.FAMILY_NAMES[name[0]]))
    family = 2 if double is not None else 1 if name[0] in words.FAMILY_NAMES else 0
    for character, syllable in zip(name[family:], _syllables(name[family:], text), strict=True):
        yield character, (pinyin_tokens(syllable),)


def _word_parts(word: str, before: str, after: str, text: str) -> Iterator[tuple[str, tuple[Pronunciation, ...]]]:
    if word in words.WORDS:
        yield word, tuple(_tokens(way) for way in words.WORDS[word])
        return
    syllables = _syllables(word, text)
    for at, (character, syllable) in enumerate(zip(word, syllables, strict=True)):
        readings = [syllable]
        if not (character in "那哪" and re.match("[儿里么]", word[at + 1 :] + after)):
            readings = [*words.SPOKEN_BOTH_WAYS.get(character, ()), syllable]
        if len(word) == 1:
            readings = [*words.ALONE_BOTH_WAYS.get(word, ()), *readings]
            if word in words.FAMILY_NAMES_BEFORE_TITLES and (words.TITLE.match(after) or before[-1:] in ("老", "小")):
                readings = [*words.FAMILY_NAMES[word], *readings]
        yield character, tuple(dict.fromkeys(map(pinyin_tokens, readings)))


@lru_cache(maxsize=4096)
def _syllables(word: str, text: str) -> tuple[str, ...]:
    def unread(characters: str) -> str:
        raise BadInput(f"Mandarin phrase {text!r} has {characters!r}, whose pronunciation is unknown.")

    return tuple(lazy_pinyin([word], style=Style.NORMAL, errors=unread)) if word else ()


def _tokens(syllables: Iterable[str]) -> Pronunciation:
    return tuple(chain.from_iterable(map(pinyin_tokens, syllables)))


@lru_cache(maxsize=2048)
def pinyin_tokens(syllable: str) -> tuple[str, ...]:
    """Tokens of one toneless pinyin syllable (`v` or `ü` for the rounded vowel)."""
    syllable = syllable.replace("ü", "v")
    if syllable in _RARE:
        return _RARE[syllable]
    initial = to_initials(syllable, strict=True)
    final = to_finals(syllable, strict=True, v_to_u=False).replace("ü", "v") or to_finals(syllable, strict=False)
    if not (final in _FINALS or final in _RARE) or (initial and initial not in _INITIALS):
        raise BadInput(f"{syllable!r} is not a pinyin syllable.")
    if final == "i" and initial in _RETROFLEX:
        final = "ih"
    elif final == "i" and initial in _SIBILANT:
        final = "is"
    head = (_INITIALS[initial],) if initial else ()
    return head + _RARE.get(final, (f"Z{final}",))
