"""Reads one listed item as actions: the words that lead up to the verb, the verb and its objects, and reasons behind
it.

An item's head clause is the action. What follows is a reason, whatever verbs it has, unless it is nothing but another
action ("pick up a and stack it on b").
"""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.pddl.lexicon import Fits, Lexicon, Step, Verb

MOST_FILLERS, LONGEST_LEAD, LONGEST_USE, MOST_JOINED, MOST_KEPT = 10, 200, 60, 400, 5_000


class Found(NamedTuple):
    """The actions that a text names. `problem` says why there are none, if it starts like an action and can't be read,
    or denies it."""

    steps: tuple[Step, ...] = ()
    problem: str = ""
    tail: str = ""
    """The text behind the last action: reasons, mostly."""
    dismissed: bool = False
    """The writer says that this step is not done, and that the next item is done instead."""


NOTHING = Found()
_PLACE = (
    r"(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|sixth|seventh|eighth|ninth|tenth|"
    r"\w{3,8}teenth|next|"
)
_PLACE += (
    r"following|last(?:ly)?|final(?:ly)?|initial(?:ly)?|(?:\d{1,3})(?:st|nd|rd|th)|subsequent(?:ly)?|opening|"
    r"very first)"
)
_ACTION = r"(?:action|step|move|operation|operator|command|task|instruction|thing(?: to do)?)"
_ADVERB = (
    r"(?:then|now|next|first|simply|just|also|finally|immediately|safely|directly|again|therefore|thus|carefully|"
    r"afterwards|"
)
_ADVERB += r"subsequently|later|lastly|once more|at this point|in turn|eventually|here|only|instead)"
_MODAL = r"(?:will|can|could|should|must|shall|would|may|might|need to|needs to|have to|has to|had to|want to|wants to|"
_MODAL += (
    r"(?:am |are |is )?going to|(?:am |are |is )?able to|(?:am |are )?free to|get to|do|did|have|has|proceed to|"
    r"start by|begin by|like to|"
)
_MODAL += r"choose to|decide to|try to|be able to|continue to|go on to|ought to|better)"
_AGENT = (
    r"(?:i|you|we|he|she|it|they|one|(?:the |our |my |your )?(?:robot(?:ic)?(?: arm)?|agent|arm|hand|player|"
    r"worker|planner|crane|driver|system))"
)
_FILLER = re.compile(
    rf"(?!now that\b)"
    rf"(?:(?:(?:the |our |my |your )?{_PLACE}(?: of all)?(?: {_ACTION})?|then|now|after that|after this|afterwards|"
    rf"and|so|also|again|thereafter|"
    rf"once more|from (?:here|there)|meanwhile|(?:(?:this|that|it) is )?followed by|{_ADVERB})[,:]?\s+"
    rf"|(?:the |our |my |your )?(?:{_PLACE} |only |best |right |correct )?{_ACTION}(?: \d{{1,4}})?(?: to (?:do|"
    rf"take|perform|execute))?(?: here| now)?"
    r"(?: is| would be| will be| should be| must be|,? namely|:| -| –)(?: to| that (?:i|we|you))?:?\s+"
    r"|(?:let's|let us|let me|please|kindly|remember to|be sure to|make sure to|go ahead and|(?:it is|"
    r"it's) (?:now |then |next )?(?:necessary|possible|time|best|useful) to)(?: now| then| first| next)?,?\s+"
    r"|(?:okay|ok|good|great|well|sure|alright|right|fine|perfect|nice|yes|robot|agent|hand)[,.:!]\s+"
    r"|(?:the|my|our|one|a) (?:\w+ )?(?:plan|idea|solution|answer|sequence|approach)(?: here)?(?: is| would be|"
    r" starts| begins| could be)(?: as follows)?(?: to| with| by)?:?\s+"
    rf"|{_AGENT}(?:'ll|'d|'ve|'re|'m)?(?: {_ADVERB})?,?(?: {_MODAL})?(?: {_ADVERB})?\s+"
    r"|appl(?:ying|ied|ies) (?:the )?"
    rf"|(?:perform|execute|apply|do|use|run|make|carry out|take|invoke|call|issue|choose|select|try|plan|output|"
    rf"return)(?: the| an?)?"
    rf"(?: following| next| {_PLACE})?(?: legal| valid| possible)?(?: {_ACTION})?(?: of| called| named)?:?\s+"
    r"|(?:start|begin|continue|proceed|finish|end|conclude|go on)(?: off| out| up| things| this| the plan)?(?: by|"
    r" with| to)\s+"
    r"|(?:act|name|op|cmd|todo|to do|plan|move|do|go|next|result|response|description|text|content|value)\s?[:=]\s?)"
)
_SUBORDINATE = re.compile(
    r"(?:to|in order to|with|since|because|as|after|once|when|while|using|at|in|for|given|having|now that|now,|by|"
    r"from|on|if|before|"
    r"starting|beginning|considering|as soon as|so that|whenever|instead of|rather than|without|following|due to|"
    r"thanks to|next to)"
    rf"\b([^,;:]{{0,{LONGEST_LEAD}}})[,;:]\s+"
)
_SO = re.compile(
    r"(?:,|;|\.|:| –| -| —)\s*(?:and )?(?:so|therefore|hence|thus|instead|consequently|that is why)\b[,:]?\s+|"
    r"\b(?:so|instead)[:,]\s+|^so\s+"
)
_NEGATED = re.compile(
    r"(?:(?:we|you|i|it|the \w{1,12}) )?(?:still |also |yet )?(?:do not|don't|never|cannot|can't|can not|"
    r"could not|couldn't|won't|will not|"
    r"must not|mustn't|should not|shouldn't|shall not|avoid|not|no longer|unable to|skip|no need to|refrain from|"
    r"(?:need|have|has) not|"
    r"needn't|am not|are not|aren't|is not|isn't|may not|would not|wouldn't)\b"
)
_LINK = frozenset(
    "the a an use using uses used with let have has make makes to at in from on and then now of by for is be will "
    "should must can gets get you we i it its robot operate operator help via inside within".split()
)
_REASON = re.compile(
    r"\s*(?:[;(\[#|]|//|=>|->|→|⇒|(?<=[^\d])--|\s[—–-]\s|—|[.!?](?=\s|$)|:(?=\s|$))"
    r"|,?\s+(?:which|so|because|since|this|that|these|making|leaving|freeing|clearing|allowing|enabling|causing|"
    r"giving|resulting|"
    r"instead|rather|thus|thereby|hence|therefore|but|where|while|after|before|until|when|as (?:it|the|this|that|"
    r"we|explained|a)|in order|"
    r"without|needed|required|for (?:now|the|later|this|it)|if|unless|although|though|even|again|now|only|is|are|"
    r"was|has|will|would|can|"
    r"could|must|should|and (?:now|thus|so|we|i|you|it|the|this)|then (?:we|i|you|it|the|this)|to (?:make|free|"
    r"clear|be|get|reach|allow|expose|"
    r"access|enable|prepare|complete|achieve|satisfy|build|reveal|start|move|be able|put|place|set|avoid|ensure))\b"
)
_OUTSIDE = re.compile(
    r"\s*[(,:\[|–—-]+\s*(?:(?:which|that|this|it) (?:is|was|stands) )?(?:currently |now |located |staying |still )?"
)
_WORDS = re.compile(
    r"(?:(?:from|into|onto|on top of|on|upon|to|with|using|off|at|in|inside|within|over|by|via|of|the|a|an|both|"
    r"city|object|block)\s+)*"
)
_JOINT = re.compile(
    r"\s*(?:(?:[,;.]|→|->|=>|⇒|&|\+)\s*(?:and\s+)?(?:then|next|afterwards|after that|finally|lastly|subsequently|"
    r"second|third)?,?\s*"
    r"|(?:,\s*)?(?:and(?: then| finally| afterwards| next)?|then|followed by|after which)\s+)"
    r"(?:(?:you|we|i)(?: then)? )?"
)  # fmt: skip
_NO_OBJECT = re.compile(
    r"\b(?!step|action|\d)[a-z][a-z_-]{0,20}\d{1,4}(?![\w)])|\b(?:some|any|suitable|appropriate|certain|somewhere)\b"
)
"""A name that the problem does not have, or a word for no particular object."""
_OR = re.compile(r"[ \t]*,?[ \t]*(?:or(?: else| alternatively)?|alternatively),?[ \t]+")
_BEFORE_ANOTHER = re.compile(r"[\s,;.]+(?:and then|and|then|next|afterwards|finally)\b|[;.]\s|,\s*(?=us(?:e|ing)\b)")
_IMPOSSIBLE = re.compile(
    r"\s*(?:(?:(?:is|was|would be|are)(?: not|n't)|isn't|wasn't|not) (?:yet )?(?:possible|correct|allowed|valid|"
    r"legal|right|feasible|executable|needed|"
    r"necessary|required|useful|helpful|the goal|an option|what we want|permitted)"
    r"|(?:is|would be|was) (?:wrong|impossible|invalid|illegal|incorrect|infeasible|unnecessary|a mistake)|"
    r"(?:can't|cannot) be (?:done|executed|performed)"
    r"|(?:fails|does not work|doesn't work|won't work))\b"
)
_POINTS_ON = re.compile(r"\b(?:so|instead|therefore|thus|hence)[\s:,.…-]*$")
"""At the end of a step that is dismissed: the next item is what is done instead."""
_TAKEN_BACK = re.compile(
    r"\b(?:wait|oops|whoops|hold on|hmm+)\b(?= ?[,.!:;…–—-]|$)|\b(?:scratch|strike) that\b|\b(?:correction|"
    r"erratum)\b ?:|\bno, (?:wait|sorry|that|this|scratch|not)\b"
    r"|\bi (?:mean|meant)\b|\bor rather\b|\bactually,? (?:no|that|this|not)\b|\bsorry\b,"
    r"|\b(?:that|this|it)(?:'s| is| would be) (?:wrong|incorrect|impossible|invalid|illegal|a mistake|"
    r"not (?:possible|allowed|valid|correct|legal)(?! (?:before|until|otherwise|without|earlier)))\b"
    r"|[❌✗✘⛔🚫]|\b(?:ignore|disregard|skip|omit) this(?: step| action)?\b|\[(?:invalid|wrong|removed|deleted|"
    r"skipped?|not possible)\]"
    r"|\((?:invalid|wrong|removed|deleted|skipped?|not possible|impossible)\)"
)
_INSTEAD = re.compile(
    r"(?:\binstead\b|\brather\b|\bi (?:mean|meant)\b(?: to)?|\bshould (?:have been|be|read)\b|\bcorrection\b ?:|"
    r"\bso\b|\bactually\b|\bcorrect(?: step| action)?(?: is)?:)[,:]?\s*"
)
_PRONOUN = re.compile(
    r"(?<![a-z])(?:it|them|this one|that one|the (?:latter|same one)|(?:this|that|the same) (?:block|object|crate|"
    r"package|box|ball))(?![a-z])"
)
_NOT_DONE = re.compile(r"\(\s*not[\s(]")
_PDDL = re.compile(r"\(\s*([a-z][\w-]*)((?:[\s,]+\??[\w-]+)*)\s*\)")
_MAKES_NO_STEP = re.compile(
    r"(?:can|could|should|shall|would|do|does|is|are|what|why|how|which|where|who|when) (?:we|i|you|it|the|a|an|"
    r"this|there)\b"
)


def read_item(content: str, lexicon: Lexicon, fits: Fits, it: Step = ()) -> Found:
    """The actions of one item without its marker; `it` is the step before, to whose objects pronouns refer."""
    kept = lexicon.read.get(content)
    if kept is not None:
        assert isinstance(kept, Found)
        return kept
    own = lexicon.own_sentence(content, fits)
    found, alone = (Found((own,)), True) if own else _read(content, lexicon, fits, it)
    if alone:
        if len(lexicon.read) > MOST_KEPT:
            lexicon.read.clear()
        lexicon.read[content] = found
    return found


def _read(content: str, lexicon: Lexicon, fits: Fits, it: Step) -> tuple[Found, bool]:
    """(what was found, whether it does not depend on the step before)."""
    if content.startswith("("):
        if _NOT_DONE.match(content):
            return (Found(problem="it is denied") if lexicon.verb_in(content) >= 0 else NOTHING), True
        actions, behind = _pddl_steps(content, lexicon, fits)
        if actions:
            return Found(actions, "", behind), True
        if content.endswith(")"):
            return NOTHING, True  # a remark
    steps: tuple[Step, ...] = ()
    position, alone = 0, True
    for _ in range(MOST_JOINED):
        found, position, used = _one(content, position, lexicon, fits, steps[-1] if steps else it, first=not steps)
        alone = alone and (not used or bool(steps))
        if found.problem:
            return found, alone
        if not found.steps:
            if steps:  # "..., then pick up the pink block"
                return Found(problem="it can't be read"), alone
            break
        steps += found.steps
        if position >= len(content):
            break
        other = _OR.match(content, position)
        if other and lexicon.starts(content, _skipped(content, other.end())):
            return Found(problem="it leaves a choice"), alone
        joint = _JOINT.match(content, position)
        if not joint:
            break
        if not lexicon.starts(content, joint.end()):
            verb = lexicon.verb_in(content[: joint.end() + LONGEST_USE], joint.end())
            if verb < 0 or not _uses(content[joint.end() : verb], lexicon):
                break
        position = joint.end()
    tail = content[position:] if steps else ""
    if steps and tail:
        taken_back = _replaced(tail, lexicon, fits, steps[-1])
        if taken_back is not None:
            return (Found((*steps[:-1], *taken_back.steps)) if taken_back.steps else taken_back), alone
    return Found(steps, "", tail), alone


def _replaced(tail: str, lexicon: Lexicon, fits: Fits, last: Step) -> Found | None:
    """What is done instead of an action that `tail`, the text behind it, takes back; None if it does not."""
    wrong = _IMPOSSIBLE.match(tail) or _TAKEN_BACK.search(tail)
    if not wrong:
        return None
    rest = tail[wrong.end() :]
    for m in [*_INSTEAD.finditer(tail), *re.finditer(r"[.,;:–—-]\s+", rest)]:
        if m.string is tail and m.end() < wrong.start():
            continue
        found, _, _ = _one(m.string, m.end(), lexicon, fits, last, first=False)
        if found.steps:
            return found
    return Found(dismissed=True) if _POINTS_ON.search(tail) else Found(problem="it is taken back")


def _one(text: str, position: int, lexicon: Lexicon, fits: Fits, it: Step, *, first: bool) -> tuple[Found, int, bool]:
    """(the action that starts at `position`, the end of the words that belong to it, whether the step before was
    used)."""
    start = position
    lead_from = position
    for _ in range(MOST_FILLERS):
        m = _FILLER.match(text, position)
        if m is None or not lexicon.starts(text, m.end()):  # "take the action ...", but "take the red block"
            found = _action(text, position, text[lead_from:position], lexicon, fits, it)
            if found is not None:
                return found
        if m:
            position = lead_from = m.end()
            if not lexicon.starts(text, position):  # "call move ...": the filler took the action's name
                within = lexicon.verb_in(text[:position], m.start() + 1)
                position = lead_from = within if within > 0 else position
            continue
        if _NEGATED.match(text, position):
            later = _SO.search(text, position, position + LONGEST_LEAD)
            if later and lexicon.starts(text, _skipped(text, later.end())):
                position = lead_from = later.end()
                continue
            denied = first and 0 <= lexicon.verb_in(text, position) < position + 60
            return (Found(problem="it is denied") if denied else NOTHING), position, False
        m = _SUBORDINATE.match(text, position)
        if m:
            position = m.end()
            continue
        break
    if lexicon.starts(text, position) and first:
        objects = lexicon.mentions(text[position : position + LONGEST_LEAD])
        short = len(text[position : position + LONGEST_LEAD].split()) <= 4
        return (Found(problem="it can't be read") if objects or short else NOTHING), position, False
    verb = lexicon.verb_in(text[: position + LONGEST_LEAD], position)
    while verb >= 0 and (
        first or _uses(text[start:verb], lexicon)
    ):  # "Hoist0 lifts ...", "At depot0 use hoist0 to lift ..."
        said = lexicon.without_objects(text[position:verb])
        if not all(word in _LINK for word in re.findall(r"[a-z']+|\d+", said)):
            break
        found = _action(text, verb, text[lead_from:verb], lexicon, fits, it)
        if found is not None:
            return found
        verb = lexicon.verb_in(text[: position + LONGEST_LEAD], verb + 1)
    later = _SO.search(text, position, position + LONGEST_LEAD) if first else None
    if later and later.end() > position:
        at = _skipped(text, later.end())
        found = _action(text, at, "", lexicon, fits, it)
        if found is not None:
            return found
    return NOTHING, start, False


def _uses(between: str, lexicon: Lexicon) -> bool:
    """Whether the words before a verb name the tool or the place of the action: "use hoist0 to", "at depot0"."""
    words = re.findall(r"[a-z']+|\d+", lexicon.without_objects(between))
    return bool(words) and words[0] in ("use", "using", "with", "at", "in", "let") and all(w in _LINK for w in words)


def _skipped(text: str, position: int) -> int:
    """The position behind the fillers at `position`."""
    for _ in range(MOST_FILLERS):
        m = _FILLER.match(text, position)
        if not m:
            break
        position = m.end()
    return position


def _action(
    text: str, position: int, lead: str, lexicon: Lexicon, fits: Fits, it: Step
) -> tuple[Found, int, bool] | None:
    """The result of `_one` for the action whose verb stands at `position`, as the verb that leaves the fewest objects
    out. None if no verb there has objects."""
    best: tuple[Step, int, bool] | None = None
    for verb in lexicon.verbs_at(text, position):
        found = _with_objects(text, verb, lead, lexicon, fits, it)
        if found is None:
            continue
        if "" not in found[0] and fits(found[0]):
            best = found
            break
        if best is None or found[0].count("") < best[0].count(""):
            best = found
    return None if best is None else (Found((best[0],)), best[1], best[2])


def _with_objects(
    text: str, verb: Verb, lead: str, lexicon: Lexicon, fits: Fits, it: Step
) -> tuple[Step, int, bool] | None:
    rest = f"{verb.between} {text[verb.end :]}" if verb.between else text[verb.end :]
    shift = len(text) - len(rest)
    at = rest.find(":") if rest[:3].strip()[:1] == ":" else -1  # "Unstack: red from blue"
    rest = rest if at < 0 else " " * (at + 1) + rest[at + 1 :]
    if rest[:1] == "(":  # unstack(a, b)
        rest = " " + rest[1:]
    _, most = lexicon.number_of(verb.actions)
    head_end = _head_end(rest, 1, most, lexicon)
    head = rest[:head_end]
    spans = lexicon.named(head, most)
    used = False
    for _ in range(most - len(spans) - (len(lexicon.named(lead)) if lead else 0)):
        outside = _OUTSIDE.match(rest, head_end)
        more = lexicon.named(rest[outside.end() : outside.end() + 60], 1)[:1] if outside else []
        if outside and more and not _WORDS.sub("", rest[outside.end() : outside.end() + more[0].start] + " ").strip():
            head_end = _head_end(rest, outside.end() + more[0].end, most, lexicon)
            head = rest[:head_end]
            spans = lexicon.named(head, most)
        if not outside or not more or len(spans) >= most:
            break
    if len(spans) < most and len(it) > 1 and (pronoun := _PRONOUN.search(head)):
        used = True
        for name in it[1:]:
            step = lexicon.step(
                verb.actions, lead, head[: pronoun.start()] + lexicon.phrase(name) + head[pronoun.end() :], fits
            )
            if step is not None and fits(step):
                return step, shift + max(pronoun.end(), spans[-1].end if spans else 0), True
    step = lexicon.step(verb.actions, lead, head, fits)
    if step is None or (
        "" in step and _NO_OBJECT.search(lexicon.without_objects(re.split(r"[;\n]|\. ", rest[:200])[0]))
    ):
        return None  # an object left out may be implied, but here another one is named
    count = len(step) - 1
    end = spans[min(count, len(spans)) - 1].end if spans and count else 0
    if text[verb.end : verb.end + 1] == "(" and rest[end : end + 1] == ")":
        end += 1
    return step, shift + end, used


def _head_end(rest: str, position: int, most: int, lexicon: Lexicon) -> int:
    """Where the action ends: at a reason, or at another action behind an object. A word of the action's own sentence
    ("while standing in") begins no reason before all objects are named."""
    verb = lexicon.verb_in(rest, position)
    if verb >= 0 and lexicon.named(rest[:verb], 1):
        joints = [m.start() for m in _BEFORE_ANOTHER.finditer(rest, position, verb)]
        rest = rest[: next((at for at in reversed(joints) if lexicon.named(rest[:at], 1)), verb)]
    for m in _REASON.finditer(rest, position):
        if m.group().strip(" ,") not in lexicon.words or len(lexicon.named(rest[: m.start()])) >= most:
            return m.start()
    return len(rest)


def _pddl_steps(content: str, lexicon: Lexicon, fits: Fits) -> tuple[tuple[Step, ...], str]:
    """(steps, rest): the actions in parentheses with which the text starts, and the text behind them. The validator
    reports errors in them.

    An action that the domain does not have counts if it is about objects: "(move-to-table a)", but not "(as wanted)".
    """
    steps: list[Step] = []
    end = 0
    for m in _PDDL.finditer(content):
        if steps and content[end : m.start()].strip(" ,;.→>-&") not in ("", "then", "and", "and then"):
            break
        words = m.group(2).replace(",", " ").split()
        step = _pddl_step(m.group(1).replace("_", "-"), words, m.group(), lexicon, fits)
        if step is None:
            break
        steps.append(step)
        end = m.end()
    return tuple(steps), content[end:]


def _pddl_step(name: str, words: list[str], whole: str, lexicon: Lexicon, fits: Fits) -> Step | None:
    if name in lexicon.actions:
        arguments = [lexicon.name(w) for w in words]
        if None not in arguments and len(arguments) == lexicon.actions[name][1]:
            return (name, *(a for a in arguments if a is not None))
        spans = lexicon.named(" ".join(words), len(words))
        if len(spans) == lexicon.actions[name][1]:
            return (name, *(s.name for s in spans))  # (stack red block blue block)
        return (name, *(a or w for a, w in zip(arguments, words, strict=True)))
    inside = whole[1:-1].strip()
    for verb in lexicon.verbs_at(inside):  # (unstack_a_b), (pick up red)
        step = lexicon.step(verb.actions, "", inside[verb.end :].replace("_", " "), fits)
        if step is None:
            step = lexicon.step(verb.actions, "", inside[verb.end :], fits)
        if step is not None and "" not in step:
            return step
    objects = set(lexicon.objects.values())
    if words and name not in lexicon.facts and objects.issuperset(words):
        return (name, *words)
    return None


def asks(content: str) -> bool:
    """Whether a sentence asks something."""
    return content.rstrip().endswith("?") or bool(_MAKES_NO_STEP.match(content))
