"""How a short answer is read that is one of a closed list: a name, yes or no; or a phrase; or the claim, in any words,
that the question can't be answered. Parsing only; knows no right answer.
"""

from __future__ import annotations

import functools
import re

from harness.reading import names, yes_no
from harness.reading.quick import Phrases, split
from harness.reading.values import Marked, Reader, Value, sentences
from harness.reading.words import UNKNOWN, either

UNANSWERABLE = "unanswerable"
"""What the claim is read as that the question can't be answered."""


@functools.lru_cache(maxsize=2048)
def reader(candidates: tuple[str, ...]) -> Reader:
    """Reads one of the candidates (which may be yes and no), or a phrase if there are no candidates; also the claim
    that the question can't be answered, as UNANSWERABLE."""
    base = yes_no.READER if candidates == ("yes", "no") else names.reader(candidates, _LABELS)

    def marked(m: Marked) -> Value | None:
        if _NONE.fullmatch(m.text):
            return Value(UNANSWERABLE)
        return _declined(m.text, base) or base.marked(m)

    def stated(sentence: str, concludes: bool) -> Value | None:
        return _declined(sentence, base) or base.stated(sentence, concludes)

    def alone(line: str) -> Value | None:
        value = base.alone(line)
        if value is not None and not value.aside:
            return value
        if _NONE.fullmatch(line):
            return Value(UNANSWERABLE)
        if not declines(line):
            return value
        return Value(UNANSWERABLE) if len(line.split()) <= 6 and base.stated(line, False) is None else None

    return Reader(marked, stated, alone, _LABELS)


_LABELS = r"(?:name of the )?(?:person|firm|company|town|city|place|river|answer|entity|name)"


def _declined(text: str, base: Reader) -> Value | None:
    """UNANSWERABLE if a text says that the question can't be answered, unless the sentence goes on to answer it."""
    if not declines(text):
        return None
    if (rival := _rival(text, base)) is not None:
        return Value(None, f"several answers: {rival.value} or {UNANSWERABLE}")
    if base is yes_no.READER and re.match(r"\W*(?:yes|no)\b\W", text, re.I) and not _NO_WAY.match(text):
        return None  # "No, it was not founded there"
    if _EITHER.search(text) and (value := base.stated(text, False)) is not None and value.value is not None:
        return Value(None, f"several answers: {value.value} or {UNANSWERABLE}")
    first = base.alone(next(iter(sentences(text)), "").partition(",")[0])
    if first is not None and first.value is not None and not first.aside:
        return first  # "Fuzfuk, although the documents do not say so directly."
    behind = _BUT.split(text)
    value = base.stated(behind[-1], False) if len(behind) > 1 and not names.SPECULATES.search(behind[-1]) else None
    if value is not None and value.value is not None:
        return value  # "It is not stated directly, but Gukzuk gets its power from Fuzfuk."
    return Value(UNANSWERABLE)


def _rival(text: str, base: Reader) -> Value | None:
    """An answer that stands beside the claim in a list: "yes, no or unknown", "brave/unknown"."""
    pieces = _JOINTS.split(text[:600])[-MOST_PIECES:]
    for one, joint, two in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        for part, rest in ((one, two), (two, one)):
            if _NONE.fullmatch(rest) or ("or" in joint.lower() and declines(rest)):
                value = base.alone(_EITHER.sub("", part).strip(" ,"))
                if value is not None and value.value is not None and not value.aside:
                    return value
    return None


MOST_PIECES = 61
_JOINTS = re.compile(r"(,? ?\bor\b|[/|,])", re.I)
_NONE = re.compile(r"\W*(?:none|nothing|nobody|unknown|no answer|null|nil)(?: of them)?\W*", re.I)
_NO_WAY = re.compile(r"\W*no (?:way|one|idea|information|document|answer|mention|evidence|data|such)\b", re.I)
_EITHER = re.compile(r"\beither\b|\bor (?:it|the question|else|maybe|perhaps)\b", re.I)
_STATE = either(r"""
    say | state | mention | provide | specif | contain | give | include | tell | indicate | name | reveal | disclose
    cover | list | record | report | answer | present | found\b | available | known | identif | link | connect | support
    in the (?:documents?|text|context|passages?)
""")
_FIND = either("""
    determined? | answer(?:ed)? | identif(?:y|ied) | say | said | tell | told | know | known | find | found | concluded?
    infer(?:red)? | establish(?:ed)? | deduced? | derived? | resolved? | ascertain(?:ed)? | locate | verif(?:y|ied)
""")
_SOURCE = "(?:documents?|passages?|texts?|sources?|paragraphs?|context)"
_DECLINED = either(rf"""
    unanswerable | unknown | undetermined | indeterminable | undeterminable | not answerable | unknowable | n/a
    (?:can ?not|can't|could not|couldn't) (?:be )?(?:\w+ly )?{_FIND}
    (?:impossible to|unable to|not possible to|no way to|hard to) (?:be )?(?:\w+ly )?{_FIND}
    (?:not enough|isn't enough|insufficient|no|lack of|lacks?) (?:\w+ ){{0,2}}(?:information|evidence|answer|data)
    (?:not enough|isn't enough|insufficient|no|lack of|lacks?) (?:\w+ ){{0,2}}(?:mention|details?)
    no (?:\w+ )?(?:record|indication|statement) | i (?:do not|don't) (?:have|know)
    no (?:\w+ )?(?:one of the )?{_SOURCE} (?:\w+ )?{_STATE} | none of (?:the|these|them)\b[^.\n]{{0,40}}?{_STATE}
    (?:{_SOURCE}|it|they)\b[^.,\n]{{0,20}}? (?:lacks?|fails? to|omits?|(?:is|are) silent|(?:is|are) missing)
    (?:{_SOURCE}|it|they)\b[^.,\n]{{0,20}}? leaves? (?:it|this|that) open
    (?:information|answer|fact|link|detail|piece|hop|data)s?\b[^.\n]{{0,40}}? (?:is|are) (?:missing|absent|not there)
    (?:information|answer|fact|link|detail|piece|hop|data)s?\b[^.\n]{{0,40}}? (?:is|are) (?:unavailable|lacking|omitted)
    (?:do|does|did|is|are|was) not (?:\w+ly |actually |anywhere )?{_STATE}
    (?:don't|doesn't|didn't|isn't|aren't|wasn't|never|not) (?:\w+ly |actually |anywhere )?{_STATE}
    no (?:such )?(?:\w+ ){{1,3}}(?:is|are|was) {_STATE}
    nicht (?:beantwort|bestimm|ermittel|angegeben|erw[äa]hnt|genannt|bekannt|hervor) | unbeantwortbar | unbekannt
    keine (?:angabe|information|antwort) | sans r[ée]ponse | impossible [àa] d[ée]terminer
    (?:pas|non) (?:mentionn|indiqu|pr[ée]cis|donn) | aucune? (?:information|document|r[ée]ponse)
    ne (?:permet|contien|mentionn|pr[ée]cise|di)\w* pas | sin respuesta | sem resposta | senza risposta
    (?:no|non|n[ãa]o) (?:(?:se|si) )?(?:puede|pode|pu[òo]|menciona|indica|especifica|proporciona)
    n[ãa]o (?:diz|dizem|informam?|mencionam?) | no (?:dice|dicen|mencionan?) | non (?:dice|dicono|menzionano?)
    (?:no|non|n[ãa]o) (?:contienen?|contêm|contém|contengono|contiene)
    (?:no|non|n[ãa]o) (?:[ée]|es|[èe]) (?:possibile|possível|posible)
""")
_NO_ANSWER = Phrases(
    unknown=UNKNOWN,
    denied="|".join(rf"\b{phrase}" for phrase in split(_DECLINED)),
    east="无法(?:回答|确定)|無法|没有(?:提供|提到|说明|足够|给出|任何)|未提及|信息不足|不明"
    "|情報(?:が|は)?(?:ない|ありません|不足)"
    "|わかりません|分かりません|(?:記載|言及|書かれ|含まれ)(?:が|は|されて|て)?い?(?:ない|ません|ありません)|答えられ"
    "|알 수 없|언급(?:되지|이 없)|невозможно|не (?:указан|упомян|сказан|говорит)|нет (?:информации|ответа)",
)
_BUT = re.compile(r"\b(?:but|however|although|though|still|nevertheless|yet)\b,?", re.I)


def declines(phrase: str) -> bool:
    """Whether the phrase says that the question can't be answered."""
    return _NO_ANSWER.search(_NOT_UNANSWERABLE.sub("", phrase[:600].replace("’", "'"))) is not None


_NOT_UNANSWERABLE = re.compile(
    r"\b(?:not|isn't|never) (?:really |actually )?(?:unanswerable|unknown|undetermined)\b", re.I
)
