"""Patterns for the words that head lists of steps, take them back and confirm them, on single lines in lower case."""

from __future__ import annotations

import re

from harness.reading import words

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
"""How a line begins that comments on the step above."""

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

PROMPT = re.compile(r"^[ \t]*(?:These are the actions that can be taken|Here is a planning domain)", re.I | re.M)
"""How a planning prompt begins: a response that goes on with another question is cut there."""
RETRACTED = re.compile(words.PLAN_TAKEN_BACK)
"""The plan above is no longer meant."""
DOUBTED = re.compile(words.LINE_OF_DOUBT)
"""What follows, if it is a plan, replaces the one above."""
CONFIRMED = re.compile(words.PLAN_CONFIRMED)
GIVEN_UP = re.compile(words.GIVEN_UP)
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
    """The kind of list that a line announces, as in _KINDS; "" for an unknown kind."""
    said = line[:160]
    return next((kind for kind, pattern in _PATTERNS if pattern.search(said)), "")
