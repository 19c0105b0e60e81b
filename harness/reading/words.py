"""The words of the judge, each list once: markers, retractions, refusals, thinking tags, closing remarks.

Ten languages: English, German, French, Spanish, Portuguese, Italian, Chinese, Japanese, Korean, Russian. Each list is a
regular expression, with one or more alternatives a line, for use without regard to case on text that `envelope.clean`
gives (straight quotes, ASCII colons and digits).
"""

from __future__ import annotations


def either(lines: str) -> str:
    """A regular expression for any of the alternatives, one or more a line with ` | ` between them."""
    parts = [part.strip() for line in lines.strip().split("\n") for part in line.split(" | ")]
    return f"(?:{'|'.join(part for part in parts if part)})"


# What an answer is called ------------------------------------------------------------------------------------------

ADJECTIVE = either("""
    the | my | our | your | so | final | finale | correct | corrected | short | best | overall | revised | numeric
    numerical | direct | actual | real | right | most likely | likely | resulting | updated | official | definitive
    endg[uü]ltige | korrekte | richtige | die | das | la | le | el | a | o | il | окончательный | итоговый | правильный
""")
ANSWER = either(r"""
    (?:final[ _-]?)?answer | ans | tl;?dr | final (?:result|value|response|solution|output|choice|verdict)
    antwort | endantwort | endergebnis
    r[ée]ponse(?: finale)? | respuesta(?: final| correcta)? | resposta(?: final| correta)?
    risposta(?: finale| corretta)? | ответ
""")
"""Names of the answer that are used for nothing else."""

RESULT = either(r"""
    results? | outputs? | solution | conclusion | response | prediction
    ergebnis | l[öo]sung | fazit | r[ée]sultat | resultado | soluci[óo]n | conclusi[óo]n | solu[çc][ãa]o
    conclus[ãa]o | risultato | soluzione | conclusione | результат | итог | решение
""")
"""Names of the answer that may also stand for a part of it: they count only if no better mark is found."""

CJK_ANSWER = (
    r"(?:最终|最終的な|最終|最后|最後の?|正确|正確|正しい|최종|올바른)?(?:的|の)?\s?"
    r"(?:答案|回答|答え|こたえ|解答|正解|정답|답변|답|结果|結果|结论|結論|결과|결론)"
)

ARRIVES = either(r"""
    (?:ends?|ended) up (?:with|at|being) | left with | leaves (?:us|me|you) with | (?:comes?|came) (?:out )?(?:to|at|as)
    works? out (?:to|at|as) | turns? out to be | arrives? at | lands? (?:on|at) | amounts? to | boils down to
    leads? to | points? to | finish(?:es)? (?:with|at) | settled(?: now)?(?: on)? | form
    donne | vaut | fait | arrive [àa] | (?:es|[ée]|[èe]) (?:igual|uguale) a | obtenemos(?: que)? | obtemos | otteniamo
    llegamos a | chegamos a | arriviamo a | получаем | равн[оаы] | составляет | 等于 | 得到 | になります | 됩니다
""")
"""What leads to a result in a sentence."""

IS = either("""
    is | are | was | would be | must be | should be | will be | has to be | equals | becomes | turns out to be
    comes (?:out )?(?:to|as|at) | works out (?:to|as|at) | ergibt
    lautet | ist | w[äa]re | est | serait | es | ser[íi]a | é | seria | è | sarebbe | это | —
""")
CJK_IS = "(?:是|为|為|は|이|은|는|가|:|=)"

REJECTED = either(r"""
    \b(?:wrong|incorrect|obvious|common|naive|naïve|tempting|mistaken|intuitive|typical|trap|never|nobody)\b
    \b(?:first glance|first sight|people|falsche?)\b
    (?<!how )\b(?:many|some) (?:people|say|think|would|might|may|assume)\b
    \b(?:(?:one|you) might|might (?:think|say|be)|may (?:think|be))\b
    \b(?:initial(?:ly)?|(?:first|earlier|previous) (?:guess|thought|attempt|idea|answer|try)|at first)\b
    \b(?:(?:could|would|may) (?:think|believe|say)|pourrait croire|k[öo]nnte (?:man )?(?:denken|meinen))\b
    \bpodr[íi]a pensar\b
    \b(?:poder?ia pensar|si potrebbe pensare) | можно подумать | 可能会(?:认为|以为) | 考えがち | 생각할 수
""")
"""Before a marker in prose: what follows is not what the writer answers."""

HYPOTHETICAL = either(r"""
    \b(?:if|unless|were|hypothetical(?:ly)?|suppose|supposing|assum(?:e|ing)|had|otherwise)\b
    \bwould (?:be|have|give)\b
""")
"""A value behind these words is the writer's answer only if there is no other."""

# Taking back and standing by ---------------------------------------------------------------------------------------

CORRECTION = either(r"""
    \b(?:correction|corrected(?: answer| version| result)?|edit|updated?(?: answer)?|erratum) ?:
    \b(?:korrektur|correcci[óo]n|corre[çc][ãa]o|correzione|исправление) ?: | (?:更正|訂正|정정|修正) ?:
    \b(?:sorry|pardon|oops|wait|no|rather|ah)[,.! ]{1,3}i (?:meant|mean)\b(?: to (?:say|write|answer)\b)?
    \bi meant\b(?: to (?:say|write|answer)\b)? | \bor rather\b
    \b(?:it|that|this|which) should (?:actually |really )?(?:be|have been|read)\b | \bit(?:'s| is) actually\b
    \bthe (?:correct|right|true|actual|real) (?:answer|value|result|number|sum|one)\b(?= (?:is|was|would|should)\b|:)
""")
"""What follows replaces what stood before."""

UNSAID = either(r"""
    \b(?:scratch|strike) that\b | \bi was (?:wrong|mistaken)\b(?! to) | \bmy (?:mistake|bad)\b
    \b(?:ignore|disregard|forget) (?:that|(?:this|everything|the) above|my (?:previous|first|last|earlier)\b)
    \b(?:ignore|disregard|forget) (?:this|the|my) (?:\w+ )?(?:plan|sequence|answer|list|solution|steps)
    \b(?:i|we)(?: have|'ve| just)? made (?:an?|the|my|some) (?:\w+ )?(?:mistake|error|slip)s?\b
    \b(?:i|we)(?: have|'ve| just)? (?:found|spotted|noticed|see) (?:an?|the|my|some) (?:\w+ )?(?:mistake|error|slip)s?\b
    \b(?:i|we)(?: have|'ve| just)? (?:found|spotted|noticed|see) (?:an?|the|my|some) (?:\w+ )?(?:problem|flaw)s?\b
    \bon (?:reflection|second thoughts?|closer inspection)\b
    \bi (?:take|retract|withdraw) (?:that|it|this)(?: back)?\b
    \blet me (?:correct|fix)\b
    \blet (?:me|us) (?:redo|retry|revise|rethink|reconsider|rewrite|replan|start (?:over|again|anew))\b
    \blet (?:me|us) (?:try (?:again|another|once more|a different)|do (?:it|this|that) again)\b
    \bi (?:need|have) to (?:start over|redo|revise|rethink|correct)\b
    \bdas (?:ist falsch|war falsch|funktioniert nicht)\b | \bc'est faux\b | \bne (?:marche|fonctionne) pas\b
    \bes incorrecto\b | \bno funciona\b | \best[áa] (?:mal|errado)\b | \bè sbagliato\b
    这是错 | 錯了 | 错了 | 不对 | 間違い | まちがい | 틀렸 | неверно | ошибся | ошиблась
""")
"""Takes back what stands before, of whatever kind: no subject is needed."""

FAILS = r"(?:does not|doesn't|did not|didn't|won't|will not)"
"""With the verb for what a thing should have done ("work"): how an answer or a plan is taken back."""

TAKEN_BACK = either(rf"""
    {UNSAID} | \b(?:wait|hmm+|oh|ah|hold on|actually),? no\b(?! ?[:,—–-])
    \b(?:ignore|disregard|forget) this\b | \bignore what i\b | \bi misread\b
    \b(?:that's|that is|that was|this is|it is|it's|which is|above is|was) (?:wrong|incorrect|mistaken|false)\b
    \b(?:that's|that is|that was|this is|it is|it's|which is|above is|was) (?:an error|a mistake)\b
    \b(?:that's|that is|that was|this is|it is|it's|which is|above is|was) not (?:right|correct|valid|true)\b(?! that\b)
    \b(?:that|this|it|which|above|answer) (?:isn't|wasn't|can't be|cannot be) (?:\w+ )?(?:right|correct|valid|true)\b
    \bis (?:wrong|incorrect)\b(?= ?[;,.]| because| since)
    \b(?:do not|don't|no longer) (?:think|believe) (?:(?:that|this|it) ){{1,3}}is (?:right|correct)\b
    \b(?:do not|don't|no longer) (?:think|believe) (?:that|this|it)'s (?:right|correct)\b
    \b(?:that|this|it) can(?:'t|not) be (?:right|correct)\b
    \b{FAILS} (?:work|hold(?: up)?|check out|add up|fit)\b
    \b(?:this|that|it|which) fails\b | \bapologies\b | \bapologi[sz]e for\b
""")
"""An answer that stands before is no longer meant; the reader checks whether the sentence is about the answer."""

_LISTED = r"(?:plan|sequence|solution|answer|attempt|approach|version|list|order|try)"
_PLAN = (
    r"(?<!if )(?<!unless )(?<!in case )(?<!whether )(?<!should )(?<!because )(?<!since )\b"
    rf"(?:this|that|it|which|above|(?:the|my|this|that) (?:(?:above|previous|first|whole|last|second|original|initial|"
    rf"proposed|given) )*{_LISTED}|the above|the last step|(?:the )?(?:final|resulting) state|step \d{{1,4}})"
    r"[,]?(?: \w{1,12}){0,2}? "
)
_NOT = f"(?:{FAILS}|would not|wouldn't|cannot|can't|could not|fails? to|failed to)"
_IS = "(?:is|was|seems|looks)"
_IS_NOT = "(?:is not|was not|isn't|wasn't|seems not|looks not)"
PLAN_TAKEN_BACK = either(rf"""
    {UNSAID} | \bi (?:withdraw|give up)\b
    {_PLAN}{_NOT} (?:\w{{1,10}} )?(?:work|hold|succeed|make sense|meet|fulfil\w*|reach|achieve|solve|lead|satisfy)\b
    {_PLAN}{_NOT} (?:\w{{1,10}} )?be (?:executed|right|correct|valid)\b | {_PLAN}(?:fails?|failed)\b
    {_PLAN}{_IS}(?: \w{{1,12}}){{0,2}}? (?:wrong|incorrect|invalid|impossible|flawed|broken|mistaken|illegal)\b
    {_PLAN}{_IS}(?: \w{{1,12}}){{0,2}}? (?:infeasible|a mistake|an error)\b
    {_PLAN}{_IS_NOT} (?:\w{{1,10}} )?(?:valid|correct|right|possible|allowed|legal|quite right|what)\b
    {_PLAN}{_IS_NOT} (?:\w{{1,10}} )?(?:feasible|executable)\b
    {_PLAN}{_IS_NOT} (?:\w{{1,10}} )?a (?:valid |correct )?(?:plan|solution)\b
    \bthere (?:is|was) (?:an?|one) (?:\w+ )?(?:mistake|error|problem|flaw) (?:in|with) (?:the|my|this|that|step)\b
""")
"""A plan that stands before is no longer meant. It is named: "a shorter plan does not work" takes nothing back."""

DOUBT = either(r"""
    \b(?:wait|hold on|hmm+|oops|whoops|uh-oh)\b(?= ?[,.!:;…—–-]|$| no\b| a (?:second|minute|moment)\b)
    \b(?:warte|moment mal|attends|espera|aspetta|подожди(?:те)?|стоп)\b(?= ?[,.!:;…—–-]|$)
    (?:(?<=[.!?…\n] )|(?<=[.!?…\n])|^)(?:(?:actually|in fact|sorry|my apologies)[,:]?[ ]|no ?[,:;–—-] ?)
    \bactually[,:]
    等等 | 等一下 | 待って | 잠깐
""")
"""A second look: what follows decides if what stood before is still meant."""

LINE_OF_DOUBT = (
    r"^\W*(?:wait|hold on|hmm+|oops|whoops|actually|no|sorry|correction|edit|update|erratum)\b"
    r"(?! problem| need| more| other| further| shorter)"
)
"""A line that begins so: a plan behind it replaces the one above."""

CHECK = either(r"""
    \blet(?:'s| me| us) (?:now |quickly |just )?(?:double[ -]?check|verify|check|confirm|test)\b
    \blet(?:'s| me| us) (?:now |quickly |just )?re-?(?:check|verify|read|count|examine|calculate)\b
    (?:(?<=[.!?…\n] )|(?<=\n)|^)to (?:verify|check|confirm|double-check)\b
    \bto (?:verify|check|confirm|double-check) ?[:,]
    \b(?:verification|could it (?:be|have been))\b ?[:,]?
    \b(?:double[- ]check(?:ing)?|sanity check|quick check|check)\b ?[:,]
""")
"""A test of what stood before: it stands unless another answer is marked below."""

LEFT_OPEN = either(r"""
    \b(?:can't|cannot|can not|couldn't|hard to|impossible to|unable to) (?:say|tell|decide|determine|know) which\b
    \b(?:does not|doesn't|do not|don't|did not|didn't) (?:make (?:it )?clear|specify|say|state|tell(?: us)?) which\b
    \b(?:not|un)\s?(?:clear|sure|certain) which\b
    \beither (?:one )?(?:could|may|might|is|of (?:them|these|the two)) (?:\w+ )?be\b
    \bboth (?:\w+ ){0,2}(?:are|seem|could be|might be) (?:equally )?(?:possible|valid|plausible|correct|right)\b
    \b(?:can't|cannot|couldn't) (?:commit|decide|choose|settle)\b
    \bequally (?:\w+ )?(?:defensible|valid|plausible|likely)\b
    \btwo (?:possible )?(?:answers|readings|interpretations)\b
    \b(?:depends on|depending on) (?:how|which|whether|the)\b | \bambiguous\b
""")
"""The writer does not decide between what stands before."""

DECISION = either(r"""
    \bi(?:'d| would|'ll| will| shall|'m going to)? (?:go(?:ing)?|stick|stay) (?:with|for)\b
    \bi(?:'d| would|'ll| will)? (?:choose|pick|settle (?:on|for)|opt for|lean (?:towards?|to))\b
    \bi(?:'m| am) (?:leaning|inclined) (?:towards?|to)\b
    \bmy (?:best |final |educated )?(?:guess|bet|choice|pick|conclusion) (?:is|would be)\b
""")
"""What follows is what the writer decides for."""

ALTERNATIVE = either(r"""
    option | alternative | candidate | possibility | possible answer | interpretation | reading | answer | solution
    choice | variante? | opci[óo]n | op[çc][ãa]o | opzione | m[öo]glichkeit | вариант | 选项 | 選択肢 | 옵션
""")
"""What one of several answers is called, before its letter or number."""

CONFIRMED = either(r"""
    \b(?:yes|yep|yeah|right|correct|confirmed|confirms?|verified|holds|checks out|works|consistent|stands)\b
    \b(?:same (?:answer|result|value)|satisfied|indeed|all good|matches|stimmt|richtig|correcto|correto|corretto)\b
    ✓ | ✔ | ✅ | 没错 | 正确 | 正しい | 맞습니다 | верно
""")
"""After a second look: what stood before is still meant."""

PLAN_CONFIRMED = either(r"""
    \b(?:is|are|was|looks?|seems?) (?:\w+ )?(?:fine|correct|right|valid|ok|okay|good|as required|sound)\b
    \b(?:it|this|that|the plan|everything|plan) (?:\w+ )?(?:works|holds|checks out|stands|reaches|achieves)\b
    \b(?:it|this|that|the plan|everything|plan) (?:\w+ )?succeeds\b
    \bno (?:problem|change|mistake)s?\b | \b(?:yes|all good|confirmed|indeed)\b | ✓ | ✅
""")
"""The same for a plan: in its lines "right", "correct" and "works" are too common to confirm it by themselves."""

UNCONFIRMED = (
    r"\b(?:not|isn't|wasn't|doesn't) (?:quite |entirely )?(?:right|correct|work\w*|hold|consistent)\b|\bincorrect\b"
)

# Declining ---------------------------------------------------------------------------------------------------------

_CANT = either(r"""
    cannot | can ?not | can't | could not | couldn't | won't | will not | decline to | refuse to
    (?:'m|'re) (?:not able|unable) to
    (?:am|was|were|are) (?:not able|unable) to | (?:must|have to) (?:respectfully )?decline to | don't feel comfortable
""")
_HELP = either(r"""
    help | assist | answer (?:that|this|your|the|such) | comply | provide | continue | do (?:that|this) | fulfil\w*
    engage | respond | discuss | create | generate | support | process | complete (?:that|this|your)
    participate | give | share | disclose | reveal
""")
_SORRY = (
    r"(?:(?:(?:i'm|i am|we're|we are) )?(?:\w+ )?(?:sorry|afraid)|i apologi[sz]e|apologies|unfortunately|regrettably)"
)
REFUSAL = either(rf"""
    {_SORRY}?[,.;:!]? ?(?:but )?(?:as an? [^.\n]{{1,60}}?,? )?(?:that )?(?:i|we) ?{_CANT} (?:to )?(?:\w+ )?{_HELP}
    as an? (?:ai|artificial|large|language)[^.\n]{{0,60}}?,? i (?:cannot|can't|do not|don't|won't|must)
    as an? (?:ai|artificial|large|language)[^.\n]{{0,60}}?,? i am (?:not able|unable)
    i(?:'m| am)? (?:not able|unable|not allowed|not permitted|not comfortable|not programmed) (?:to|with)\b
    (?:this|that|your) (?:request|content|question|prompt) (?:violates|goes against|is against)
    (?:this|that|your) (?:request|prompt) (?:cannot|can't) be (?:processed|completed|fulfilled|answered)
    (?:this|that|your) (?:request|content|question|prompt) has been (?:blocked|flagged)
    (?:i must|i have to|i'd have to|i respectfully|i will have to) (?:respectfully )?(?:decline|refuse)
    (?:es tut mir leid|tut mir leid|entschuldigung)[^.\n]{{0,40}}(?:kann|nicht)
    (?:je suis )?d[ée]sol[ée]e?[^.\n]{{0,40}}(?:ne peux|ne suis) | lo siento[^.\n]{{0,40}}no puedo
    (?:desculpe|lamento|sinto muito)[^.\n]{{0,40}}n[ãa]o posso | mi dispiace[^.\n]{{0,40}}non posso
    (?:很?抱歉|对不起)[^。\n]{{0,30}}(?:不能|无法)
    申し訳(?:ありません|ございません)[^。\n]{{0,30}}(?:できません|ません)
    죄송(?:합니다|하지만)[^.\n]{{0,30}}(?:없습니다|수 없)
    (?:к сожалению|извините|простите)[^.\n]{{0,40}}не могу
""")
"""How a response that declines begins."""

UNKNOWN = either(r"""
    \bi(?: really| honestly| simply| just)? (?:do not|don't) know\b
    \bi (?:do not|don't) have (?:that|this|the|any|enough) (?:information|answer)\b
    \bi (?:do not|don't) have (?:\w+ )?(?:information|knowledge|data) (?:about|on|of|regarding)\b
    \bi(?:'m| am) (?:really |honestly )?(?:not |un)(?:sure|certain)\b | \bi have no (?:idea|answer|information|clue)\b
    \bi (?:do not|don't) have an (?:answer|idea)\b | \bno idea\b | ^\W*unknown\W*$
    \bich wei(?:ß|ss) (?:es )?nicht\b | \bje ne sais pas\b | \bno (?:lo )?s[ée]\b | \bn[ãa]o sei\b | \bnon (?:lo )?so\b
    不知道 | 分かりません | わかりません | 모르겠 | не знаю
""")
"""The writer does not know the answer. A claim that nobody can know it is not meant."""

_FIND = (
    r"(?:find|see|come up with|produce|construct|give|know|solve|reach|complete|determine|think of)\b"
    r"(?![^.\n]{0,60}\b(?:fewer|shorter|better|other|another|faster|cheaper|any improvement)\b)"
)
GIVEN_UP = either(rf"""
    \b(?:i|we) (?:could not|couldn't|cannot|can't|can not|did not|didn't|do not|don't) {_FIND}
    \b(?:i|we) (?:was|were|am) (?:not able|unable) to {_FIND} | \b(?:i|we) wasn't able to {_FIND}
    \b(?:i|we) (?:failed to|have failed to|(?:have not|haven't) been able to) {_FIND}
    \bi give up\b
""")
"""The writer looked for something and has not found it; "no shorter plan" gives nothing up."""

# Around an answer --------------------------------------------------------------------------------------------------

THEREFORE = either(r"""
    so | thus | hence | therefore | consequently | accordingly | as a result | finally | overall | altogether
    in conclusion | in summary | in short | to sum up | to conclude | to summari[sz]e | summing up | conclusion
    (?:that|this|which) (?:means|gives(?: us)?) | it follows that | we conclude(?: that)? | we get | we have | total
    also | daher | somit | folglich | deshalb | insgesamt | donc | ainsi | par cons[ée]quent | por (?:lo )?tanto
    portanto | logo | assim | entonces | así | quindi | dunque | pertanto | perci[òo]
    следовательно | итак | значит | таким образом | поэтому | 所以 | 因此 | 因而
    故 | したがって | よって | つまり | だから
    따라서 | 그러므로 | 그래서
""")

EXPLANATION = either(r"""
    explanation | reasoning | justification | rationale | details? | why | here(?:'s| is) (?:why|how|the|my) | because
    workings? | derivation | proof | analysis | verification | verify | check(?:ing)? | steps? | step[- ]by[- ]step
    notes? | nb | n\.b\. | remark | comment | background | evidence | supporting | sources? | documents? | confidence
    erkl[äa]rung | begr[üu]ndung | explication | explicaci[óo]n | explica[çc][ãa]o | spiegazione
    объяснение | пояснение | 解释 | 解析 | 説明 | 理由 | 설명 | 풀이
""")
"""Headings below an answer: what follows explains it."""

CLOSING = either(r"""
    let me know | feel free | hope (?:this|that|it) | i hope | if you(?:'d| would| have| need| want|'re)
    thank(?:s| you)
    is there anything | do you (?:want|need) | would you like | please (?:let|feel|note|wait) | you(?:'re| are) welcome
    happy to | glad to | best regards | good luck | have a (?:nice|great|good) | confidence | certainty
    difficulty | time\b | elapsed | latency | model\b | (?:total )?tokens?\b | time taken | word count
    generated (?:by|with) | answer ends | end of | that's (?:it|all)
    done\b | ich hoffe | n'h[ée]sitez | espero | spero | надеюсь | 如果 | 希望 | 何か | 도움이
""")
"""How a line begins that has nothing to do with the question."""

OR = either(r"""
    or | and/or | or else | or (?:maybe|perhaps|possibly|even) | versus | vs\.? | oder | ou | o | oppure | или
    或者 | 或 | または | もしくは | 또는 | 혹은
""")

# Thinking and templates --------------------------------------------------------------------------------------------

THINKING = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "reason", "scratchpad", "scratch_pad", "analysis"),
    *("reflection", "inner_monologue", "internal_monologue", "cot", "chain_of_thought", "deliberation", "planning"),
)
"""Names of tags around thinking, as in <think>, <seed:think>, [THINK], ◁think▷."""

QUESTION = r"(?:next |new |another |follow-up |sample |example )?" + either("""
    question | problem | exercise | puzzle | task | prompt | input | query | instruction | statement | riddle | example
    frage | pregunta | pergunta | domanda | вопрос | 问题 | 問題 | 질문
""")
"""What a model writes before the next item of a list of examples."""
