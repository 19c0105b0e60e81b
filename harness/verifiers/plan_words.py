"""How models head their lists of steps, take them back and stand by them: patterns on single lines in lower case."""

from __future__ import annotations

import re

_PLAN = r"(?:plan|sequence|solution|answer|attempt|approach|version|list|order|try)"
_KINDS = (
    ("check", r"\b(?:check\w*|verif\w+|validat\w+|trac(?:e|ing)|walk(?:ing)?[ -]?through|simulat\w+|explanations?|"
              r"explain\w*|recap\w*|double[ -]check|"
     r"confirm\w*|why (?:this|it|the)|justification|proof|sanity|test(?:ing)?|step[- ]by[- ]step (?:execution|"
     r"states?)|states? after|execution of|"
     r"details?|rationale|reasons?|notes?|comments?|remarks?|what (?:happens|changes))\b"),
    ("option", r"^\W*(?:the )?(?:option|alternative|variant|possibility|choice|candidate|way|plan|solution|"
               r"approach|method)s? (?:no\.? ?)?#?(?:[a-d]|[1-9]|one|two|three|i{1,3})\b(?! (?:steps?|actions?))"
     r"|\b(?:another|alternative(?:ly)?|different|second possible|other possible|the other|or else)\b|^\W*or\b\W*$"),
    ("attempt", r"\b(?:attempt|try|draft|iteration|version|revision) ?#?\d"),
    ("draft", r"\b(?:drafts?|first (?:attempt|try|plan|version|idea|guess|draft|pass|thought)|initial (?:attempt|"
              r"plan|idea|draft|try|thought|version)|rough|"
     r"naive|na[ïi]ve|tentative|attempt|preliminary|incorrect|wrong|failed|invalid|scratch|trial|might try|"
     r"could try|original)\b"),
    ("final", r"\b(?:final\w*|summary|summari[sz]\w+|summing up|overall|complete|full|correct(?:ed)?|revised?|"
              r"revision|fix(?:ed)?|improved|updated|"
     r"optimi[sz]ed|better|new|in short|answer|therefore|thus|so the|here is the|here's the|result(?:ing)?|proper|"
     r"clean(?:ed)?|second (?:attempt|try)|"
     r"again|instead|conclusion|solution|actual|endg[uü]ltig\w*)\b"),
    ("state", r"\b(?:(?:initial|current|start(?:ing)?|goal|given|end|resulting|target) (?:state|situation|"
              r"configuration|facts|conditions?)|"
     r"(?:the )?goals? (?:is|are|state)|facts|objects|rules?|constraints?|restrictions?|given|situation|"
     r"preconditions?|effects?|locations?)\b|^\W*goals?\W*$|^\W*goal:|^\W*(?:initially|start)\W*:?"),
    ("outline", r"\b(?:ideas?|strateg\w+|approach|outline|overview|sketch|thoughts?|thinking|reasoning|"
                r"analy[sz]\w*|understand\w*|intuition|observations?|"
     r"considerations?|high[- ]level|plan of attack|roughly|in principle|what we need|requirements?|backwards?)\b"),
    ("phase", r"\b(?:phases?|parts?|stages?|sub-?goals?|goals? ?\d|section|half|subtasks?|milestones?|next|then|"
              r"finally|after (?:that|this))\b|\b(?:step|schritt) ?\d|^\W*[a-h][.):] |^\W*[ivx]+[.):] "),
    ("plan", r"\b(?:plan|steps?|actions?|sequence|solution|follows|following|moves?|operations?|commands?|"
             r"instructions?|schritte|aktionen|procedure|order)\b"),
)  # fmt: skip
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)

ASIDE = re.compile(
    r"(?:reason(?:ing)?|why|purpose|results?|effects?|outcome|states?|new state|current state|preconditions?|"
    r"postconditions?|status|explanations?|"
    r"notes?|check|rationale|facts?(?: \d+| at the end)?|now|after(?: this)?|goal|comment|conditions?|"
    r"justification|because|requirements?|cost|"
    r"observation|thought|remark|hint|condition|consequence|this|that|these|it|here|so far|after step \d+|"
    r"before step \d+|location|verified|valid|ok)\s?(?::|$)"
)
"""How a line begins that tells of the step above."""

REMARK = re.compile(
    r"(?:done|finished|complete[d]?|the end|end\b|goal|the goal|result|final|note|check|verify|verif\w+|start|"
    r"initial|state|stop|success|"
    r"now (?:the|all|every|you|we have)|this|that|all|everything|at this point|after|it is|there|no further|"
    r"nothing|you have|we have|i have|the plan|"
    r"the (?:\w+ )?state|congrat|hooray|yay|finally, (?:the|all|check|verify)|confirm|ensure|make sure|both|each|"
    r"here|so|as|because|since|with|"
    r"your hand|the hand|hand|wait|total|cost|summary|reason|why|review|inspect|look|think|consider|identify|"
    r"analy|decide|determine|understand|locate|observe|repeat this check)\b"
)
REPEAT = re.compile(
    r"\b(?:repeat\w*|the same (?:steps?|actions?|thing|way|procedure|process|for|with|again)|likewise|similarly|"
    r"and so on|and so forth|etc\b|"
    r"continue (?:like|in|with|this|until|the)|do the same|do this|for each|for every|for all|"
    r"remaining (?:blocks?|objects?|packages?|crates?|goals?|balls?|boxes)|"
    r"analogous\w*|as (?:above|before) (?:for|with)|steps? \d+ ?(?:-|–|to|and|through) ?\d+)\b|\.\.\.$|…$"
)

_HEDGED = r"(?<!if )(?<!unless )(?<!in case )(?<!whether )(?<!should )(?<!because )(?<!since )"
_SUBJECT = (
    rf"{_HEDGED}\b(?:this|that|it|which|above|(?:the|my|this|that) (?:(?:above|previous|first|whole|last|second|"
    rf"original|initial|proposed|given) )*{_PLAN}|"
    r"the above|the last step|(?:the )?(?:final|resulting) state|step \d{1,4})"
)
_ADV = r"(?:[,]? ?\w{1,12} ){0,2}"
RETRACTED = re.compile(
    rf"{_SUBJECT} {_ADV}(?:does not|doesn't|did not|didn't|will not|won't|would not|wouldn't|cannot|can't|"
    rf"could not|fails? to|failed to) (?:\w{{1,10}} )?"
    r"(?:work|reach|achieve|solve|lead|satisfy|be (?:executed|right|correct|valid)|hold|succeed|make sense|meet|"
    r"fulfil\w*)\b"
    rf"|{_SUBJECT} {_ADV}(?:fails?|failed)\b"
    rf"|{_SUBJECT} {_ADV}(?:is|was|seems|looks) {_ADV}(?:wrong|incorrect|invalid|impossible|flawed|broken|"
    rf"a mistake|an error|mistaken|illegal|infeasible|"
    r"not (?:\w{1,10} )?(?:valid|correct|right|possible|allowed|legal|a (?:valid |correct )?(?:plan|solution)|"
    r"quite right|feasible|executable|what))\b"
    rf"|{_SUBJECT} (?:isn't|wasn't) (?:\w{{1,10}} )?(?:valid|correct|right|possible|allowed|legal|feasible|"
    rf"executable|a (?:valid )?(?:plan|solution))\b"
    r"|\b(?:i|we)(?: have|'ve| just)? (?:made|found|see|spotted|noticed) (?:an?|the|my|some) (?:\w+ )?(?:mistake|"
    r"error|problem|flaw|slip)s?\b(?<!may have made a mistake)"
    r"|\b(?:scratch|strike) that\b|\b(?:ignore|disregard|forget) (?:that|the above|everything above|(?:this|the|"
    r"my) (?:\w+ )?(?:plan|sequence|answer|list|solution|steps)|my (?:previous|first|last|earlier))\b"
    rf"|\bthere (?:is|was) (?:an?|one) (?:\w+ )?(?:mistake|error|problem|flaw) (?:in|with) (?:the|my|this|that|"
    rf"step) ?(?:above |first |previous )?(?:{_PLAN}|\d|above)?"
    r"|\bon (?:reflection|second thoughts?|closer inspection)\b|\bi (?:take|retract|withdraw) (?:that|it|"
    r"this)(?: back)?\b|\bi was (?:wrong|mistaken)\b(?! to)"
    r"|\blet (?:me|us) (?:try (?:again|another|once more|a different)|start (?:over|again|anew)|redo|correct|fix|"
    r"revise|rethink|retry|rewrite|replan|reconsider|do (?:it|this|that) again)\b"
    r"|\bi (?:need|have) to (?:start over|redo|revise|rethink|correct)\b|\bmy (?:mistake|bad)\b|\bi (?:withdraw|"
    r"give up)\b"
    r"|\bdas (?:funktioniert nicht|ist falsch)\b|\bno funciona\b|\bne (?:marche|fonctionne) pas\b"
)
"""The plan above is no longer meant."""
DOUBTED = re.compile(
    r"^\W*(?:wait|hold on|hmm+|oops|whoops|actually|no|sorry|correction|edit|update|erratum)\b(?=\W|$)(?! problem|"
    r" need| more| other| further| shorter)"
)
"""What follows, if it is a plan, replaces the one above."""
CONFIRMED = re.compile(
    r"\b(?:is|are|was|looks?|seems?) (?:\w+ )?(?:fine|correct|right|valid|ok|okay|good|as required|sound)\b|"
    r"\b(?:it|this|that|the plan|everything|plan) (?:\w+ )?(?:works|holds|checks out|stands|"
    r"reaches|achieves|succeeds)\b|\bno (?:problem|change|mistake)s?\b|\b(?:yes|all good|confirmed|indeed)\b|✓|✅"
)
GIVEN_UP = re.compile(
    r"\b(?:i|we) (?:could not|couldn't|cannot|can't|can not|was not able to|wasn't able to|were not able to|"
    r"was unable to|am unable to|am not able to|did not|didn't|failed to|have not been able to|"
    r"haven't been able to|have failed to|do not|don't) (?:find|see|come up with|produce|construct|give|know|"
    r"solve|reach|complete|determine|think of)\b(?![^.\n]{0,60}\b(?:fewer|shorter|better|other|another|faster|"
    r"cheaper|any improvement)\b)"
    r"|\bi give up\b"
)
"""The writer has found no plan."""

_TO = (
    r"(?:should (?:actually |really |instead )?(?:be|read|have been|say)|must (?:actually )?be|needs to be|"
    r"has to be|ought to be|becomes|is actually|is really|now reads|reads|"
)
_TO += r"(?:is|should be|must be|needs to be|has to be) (?:replaced|changed|corrected) (?:with|by|to)|→|->|=>|:)"
REPLACES = re.compile(
    rf"\b(?:step|action|item|line|move|number|no\.?) ?#?(?P<n>\d{{1,4}})\b(?: of the plan| above| is (?:wrong|"
    rf"incorrect|a mistake)[^:\n]{{0,40}}[.;,:–-]+ (?:it|this|that))? {_TO}\W*(?P<what>.+)"
    rf"|\b(?:replace|change|correct|swap(?: out)?|fix) (?:the )?(?:step|action|item|line|move|"
    rf"number) ?#?(?P<n2>\d{{1,4}}),? (?:with|by|to|into|for|:|so that it (?:is|reads|says))\W*(?P<what2>.+)"
    rf"|\b(?:the )?(?P<nth>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last) (?:step|action|"
    rf"move) {_TO}\W*(?P<what3>.+)"
    rf"|\binstead of (?:step|action) ?#?(?P<n4>\d{{1,4}}),?:?\W*(?P<what4>.+)"
)
REMOVES = re.compile(
    r"\b(?:remove|delete|skip|omit|drop|leave out|ignore|strike|cross out|disregard|take out) (?:the )?(?:steps?|"
    r"actions?|items?|lines?|moves?|numbers?) ?#?(?P<n>\d{1,4})(?: (?:and|to|-|–|through|,) ?#?(?P<m>\d{1,4}))?"
    r"|\b(?:steps?|actions?|items?|moves?) ?#?(?P<n2>\d{1,4})(?: (?P<to>and|to|-|–|"
    r"through) ?#?(?P<m2>\d{1,4}))?\b[^.\n]{0,60}?\b(?:(?:must|should|can|has to|have to|needs to|need to|"
    r"ought to|is to|are to) (?:\w+ )?be (?:left out|removed|deleted|skipped|omitted|"
    r"dropped|ignored|struck|disregarded|cancelled|taken out)|(?:is|are|was|were) (?:not (?:needed|necessary|"
    r"required)|unnecessary|superfluous|redundant|removed|deleted|dropped|left out|to be (?:left out|removed|"
    r"skipped|deleted)))"
)
INSERTS = re.compile(
    r"\b(?:insert|add)\W+(?P<what>.{3,200}?)\W+(?P<where>after|before|between) (?:step|action|item|"
    r"steps) ?#?(?P<n>\d{1,4})"
    r"|\b(?P<where2>after|before) (?:step|action|item) ?#?(?P<n2>\d{1,4}),? (?:(?:we|i|you) (?:must|should|"
    r"need to|have to|must also) )?(?:insert|add|there (?:must|should) (?:also )?be|comes?|goes)\W+(?P<what2>.+)"
    r"|\bbetween (?:steps?|actions?) ?#?(?P<n4>\d{1,4}) and (?:step |action )?#?\d{1,4},? (?:(?:we|i|you) )?(?:also )?"
    r"(?:(?:must|should|need to|have to|there should|there must)\b ?)?(?:also |be ){0,2}(?:insert|add)?\W*(?P<what4>.+)"
)
SWAPS = re.compile(
    r"\b(?:swap|exchange|switch|reverse) (?:the )?(?:order of )?(?:steps?|actions?) ?#?(?P<n>\d{1,4}) (?:and|"
    r"with) (?:step |action )?#?(?P<m>\d{1,4})"
    r"|\b(?:steps|actions) ?#?(?P<n2>\d{1,4}) and #?(?P<m2>\d{1,4}) (?:should|must|have to|need to|"
    r"are to) (?:be (?:swapped|exchanged|switched|reversed|in reverse order)|change places|swap)"
)
CORRECTS = re.compile(
    r"\b(?:steps?|action|item|line|move) ?#?\d{1,4}\b[^\n]{0,80}\b(?:wrong|incorrect|mistake|error|instead|invalid|"
    r"impossible|not (?:possible|valid|correct|needed|allowed))\b|\b(?:correction|erratum|edit|update)\s?:"
)
DECIDES = re.compile(
    r"\b(?:choose|pick|recommend|prefer|go(?:ing)? with|use|select|chosen|best|better|shorter|shortest|"
    r"final answer|answer|decide[d]?|take)\b[^.\n]{0,60}?"
    r"\b(?:plan|option|alternative|solution|variant|approach|way|the) #?(?P<a>[a-d]|\d|one|two|three|first|second|"
    r"third|last|latter|former)\b"
    r"|\b(?:plan|option|alternative|solution|variant|approach|the) #?(?P<b>[a-d]|\d|one|two|three|first|second|"
    r"third|last|latter|former)\b(?: \w+)? (?:is|works|was|wins)\b[^.\n]{0,30}?\b(?:best|better|shorter|shortest|"
    r"preferred|preferable|chosen|correct|right|my (?:final )?(?:answer|choice)|the one|optimal)\b"
)


def kind_of(line: str) -> str:
    """What kind of list a line announces: "" if none that is known."""
    said = line[:160]
    return next((kind for kind, pattern in _PATTERNS if pattern.search(said)), "")
