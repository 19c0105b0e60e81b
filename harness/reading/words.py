"""The words of the judge, each list once: markers, retractions, confirmations, refusals, thinking tags, closing remarks.

Ten languages: English, German, French, Spanish, Portuguese, Italian, Chinese, Japanese, Korean, Russian. All lists are
parts of regular expressions, to be used without regard to case, on text that `envelope.clean` has been through (straight
quotes, ASCII colons and digits).
"""

from __future__ import annotations

# What an answer is called ------------------------------------------------------------------------------------------

_FINAL = (
    r"(?:(?:the|my|our|your|so|final|finale|correct|corrected|short|best|overall|overall|revised|numeric|numerical|direct|actual|"
    r"real|right|most likely|likely|resulting|updated|official|definitive|endg[uü]ltige|korrekte|richtige|la|a|o|il|"
    r"die|die|окончательный|итоговый|правильный) ){0,4}"
)
ANSWER = (
    rf"{_FINAL}(?:final[ _-]?answer|answers?|ans|final (?:result|value|response|solution|output|choice|verdict)|tl;?dr|"
    r"antwort|endantwort|endergebnis|r[ée]ponse(?: finale)?|respuesta(?: final| correcta)?|resposta(?: final| correta)?|"
    r"risposta(?: finale| corretta)?|(?:окончательный |итоговый |правильный )?ответ)"
)
"""Names of the answer that are used for nothing else."""

RESULT = (
    rf"{_FINAL}(?:results?|outputs?|solution|conclusion|response|prediction|ergebnis|l[öo]sung|fazit|r[ée]sultat|resultado|"
    r"soluci[óo]n|conclusi[óo]n|solu[çc][ãa]o|conclus[ãa]o|risultato|soluzione|conclusione|результат|итог|решение)"
)
"""Names of the answer that may also stand for a part of it: they count if nothing better is there."""

CJK_ANSWER = (
    r"(?:最终|最後|最后|正确|正確|最終的な|正しい|최종|올바른)?(?:的)?\s?"
    r"(?:答案|回答|答え|こたえ|解答|正解|정답|답변|답|结果|結果|结论|結論|결과|결론)"
)

IS = r"(?:is|are|was|would be|must be|should be|will be|has to be|equals|becomes|lautet|ist|w[äa]re|est|serait|es|ser[íi]a|é|seria|è|sarebbe|—|это)"
CJK_IS = r"(?:是|为|為|は|이|은|는|가|：|:|=)"

REJECTED = (
    r"\b(?:wrong|incorrect|obvious|common|naive|na[ïi]ve|tempting|mistaken|first glance|people|assumes?|might|"
    r"initial(?:ly)?|(?:first|my|earlier|previous) (?:guess|thought|attempt|idea)|intuitive|typical|trap|not|never|falsche?|"
    r"if|would|could|unless|were|hypothetical)\b"
)
"""Before or behind a marker in prose: what follows is not what the writer answers."""

# Taking back and standing by ---------------------------------------------------------------------------------------

CORRECTION = (
    r"\b(?:correction|corrected(?: answer| version| result)?|edit|update|updated(?: answer)?|erratum|korrektur|correcci[óo]n|"
    r"corre[çc][ãa]o|correzione|исправление)\s?:|更正\s?:|訂正\s?:|정정\s?:|修正\s?:"
    r"|\b(?:sorry|pardon|oops|wait|no|rather|ah)?[,.! ]{0,3}\bi (?:meant|mean)(?: to (?:say|write|answer))?\b"
    r"|\bi meant(?: to (?:say|write))?\b|\bor rather\b|\b(?:it|that|this|which) should (?:actually |really )?(?:be|have been|read)\b"
    r"|\bit(?:'s| is) actually\b|\bthe (?:correct|right|true|actual|real) (?:answer|value|result|number|sum|one)\b(?= (?:is|was|would|should)\b|:)"
)
"""What follows replaces what stood before."""

TAKEN_BACK = (
    r"\b(?:scratch|strike) that\b|\b(?:ignore|disregard|forget) (?:that|this|the above|my (?:previous|last|earlier)\b[^.\n]{0,20})"
    r"|\b(?:that(?:'s| is| was)|this is|it is|it's|which is|above is|answer (?:above )?is|was) (?:wrong|incorrect|not (?:right|correct|valid|true)|"
    r"a mistake|mistaken|an error|false)\b"
    r"|\bis (?:wrong|incorrect)\b(?= ?[;,.]| because| since)"
    r"|\bi(?: have|'ve)? made an? (?:\w+ )?(?:mistake|error|slip)\b|\bi was (?:wrong|mistaken)\b(?! to)|\bmy (?:mistake|bad)\b|\b(?:i )?misread\b"
    r"|\bon second thoughts?\b|\bi (?:take|retract|withdraw) (?:that|it|this)(?: back)?\b|\blet me (?:correct|start over|redo|retry|try again|fix)\b"
    r"|\b(?:(?:this|that|it|which) )?(?:does not|doesn't|did not|didn't|won't|will not) (?:work|hold(?: up)?|check out|add up|fit)\b"
    r"|\b(?:this|that|it|which) fails\b|\bapologies\b|\bapologi[sz]e for\b"
    r"|\bdas (?:ist|war) falsch\b|\bc'est faux\b|\bes incorrecto\b|\bestá errado\b|\bè sbagliato\b|这是错|錯了|错了|不对|間違い|まちがい|틀렸|아니,|неверно|ошибся|ошиблась"
)
"""What stands before is no longer meant."""

DOUBT = (
    r"\b(?:wait|hold on|hmm+|oops|whoops|uh-oh|warte|moment mal|attends|espera|aspetta|подожди(?:те)?|стоп)\b(?= ?[,.!:;…—–-]|$| no\b| a (?:second|minute|moment)\b)"
    r"|(?:(?<=[.!?…\n] )|(?<=[.!?…\n])|^|(?<=\n\n))(?:actually|in fact|no|sorry|my apologies)[,:]? "
    r"|\b(?:but )?actually[,:]"
    r"|\blet me (?:double[ -]?check|re-?\w+|verify|check|think)\b|等等|等一下|待って|잠깐"
)
"""A second look: what follows decides whether what stood before is still meant."""

CONFIRMED = (
    r"\b(?:yes|yep|yeah|right|correct|confirmed|confirms?|verified|holds|checks out|works|consistent|stands|same (?:answer|result|value)|"
    r"satisfied|indeed|all good|matches|stimmt|richtig|correcto|correto|corretto|exact)\b|✓|✔|✅|没错|正确|正しい|맞습니다|верно"
)
"""After a second look: what stood before is still meant."""

UNCONFIRMED = r"\b(?:not|isn't|wasn't|doesn't|n't|in)\s?(?:quite |entirely )?(?:right|correct|work\w*|hold|consistent|confirmed)\b|\bincorrect\b"

# Declining ---------------------------------------------------------------------------------------------------------

_CANT = r"(?:cannot|can ?not|can't|could not|couldn't|am (?:not able|unable) to|(?:was|were) (?:not able|unable) to|won't|will not|must (?:respectfully )?decline to|have to decline to|decline to|refuse to|don't feel comfortable)"
_HELP = r"(?:help|assist|answer (?:that|this|your|the|such)|comply|provide|continue|do (?:that|this)|fulfil\w*|engage|respond|discuss|create|generate|support|process|complete (?:that|this|your)|participate|give)"
REFUSAL = (
    r"(?:(?:i'm|i am|we're|we are)? ?(?:very |so |really |deeply )?(?:sorry|afraid)|i apologi[sz]e|apologies|unfortunately|regrettably)?"
    r"[,.;:!]? ?(?:but )?(?:as an? [^.\n]{1,60}?,? )?(?:that )?(?:i|we) "
    rf"{_CANT} (?:to )?(?:\w+ )?{_HELP}"
    r"|as an? (?:ai|artificial|large|language)[^.\n]{0,60}?,? i (?:cannot|can't|am (?:not able|unable)|do not|don't|won't|must)"
    r"|i(?:'m| am)? (?:not able|unable|not allowed|not permitted|not comfortable|not programmed) (?:to|with) "
    r"|(?:this|that|your) (?:request|content|question|prompt) (?:violates|goes against|is against|cannot be|can't be|has been (?:blocked|flagged))"
    r"|(?:i must|i have to|i'd have to|i respectfully|i will have to) (?:respectfully )?(?:decline|refuse)"
    r"|(?:es tut mir leid|tut mir leid|entschuldigung)[^.\n]{0,40}(?:kann|nicht)|(?:je suis )?d[ée]sol[ée][^.\n]{0,40}(?:ne peux|ne suis)"
    r"|lo siento[^.\n]{0,40}no puedo|(?:desculpe|lamento|sinto muito)[^.\n]{0,40}n[ãa]o posso|mi dispiace[^.\n]{0,40}non posso"
    r"|(?:很?抱歉|对不起)[^。\n]{0,30}(?:不能|无法)|申し訳(?:ありません|ございません)[^。\n]{0,30}(?:できません|ません)|죄송(?:합니다|하지만)[^.\n]{0,30}(?:없습니다|수 없)"
    r"|(?:к сожалению|извините|простите)[^.\n]{0,40}не могу"
)
"""How a response that declines begins."""

UNKNOWN = (
    r"\bi(?: really| honestly| simply| just)? (?:do not|don't|am not|'m not|wouldn't) (?:know|sure|certain|have (?:that|this|the|any|enough) (?:information|answer|idea)|have an answer)\b"
    r"|\bi(?:'m| am) (?:not|un)(?: sure| certain|sure|certain)\b|\bi have no (?:idea|answer|information|clue)\b|\bno idea\b|^\W*unknown\W*$"
    r"|\bich wei(?:ß|ss) (?:es )?nicht\b|\bje ne sais pas\b|\bno (?:lo )?s[ée]\b|\bn[ãa]o sei\b|\bnon (?:lo )?so\b|不知道|分かりません|わかりません|모르겠|не знаю"
)
"""The writer does not know. Not the same as saying that nobody could."""

# Around an answer --------------------------------------------------------------------------------------------------

THEREFORE = (
    r"(?:so|thus|hence|therefore|consequently|accordingly|as a result|finally|overall|altogether|in conclusion|in summary|in short|to sum up|"
    r"to conclude|to summari[sz]e|summing up|conclusion|that means|this means|which means|it follows that|we conclude(?: that)?|we get|we have|this gives(?: us)?|"
    r"also|daher|somit|folglich|deshalb|insgesamt|donc|ainsi|par cons[ée]quent|por (?:lo )?tanto|portanto|logo|assim|entonces|así|quindi|dunque|pertanto|perci[òo]|"
    r"следовательно|итак|значит|таким образом|поэтому|所以|因此|因而|故|したがって|よって|つまり|だから|따라서|그러므로|그래서)"
)

EXPLANATION = (
    r"(?:explanation|reasoning|justification|rationale|details?|why|here(?:'s| is) (?:why|how|the|my)|because|working|workings|derivation|proof|analysis|"
    r"verification|verify|check(?:ing)?|steps?|step[- ]by[- ]step|notes?|nb|n\.b\.|remark|comment|background|evidence|supporting|sources?|documents?|"
    r"confidence|erkl[äa]rung|begr[üu]ndung|explication|explicaci[óo]n|explica[çc][ãa]o|spiegazione|объяснение|пояснение|解释|解析|説明|理由|설명|풀이)"
)
"""Headings below an answer: what follows explains it."""

CLOSING = (
    r"(?:let me know|feel free|hope (?:this|that|it)|i hope|if you(?:'d| would| have| need| want|'re)|is there anything|do you (?:want|need)|would you like|"
    r"please (?:let|feel|note|wait)|thank(?:s| you)|you(?:'re| are) welcome|happy to|glad to|best regards|good luck|have a (?:nice|great|good)|"
    r"confidence|certainty|(?:total )?tokens?\b|time taken|word count|generated (?:by|with)|answer ends|end of|that's (?:it|all)|done\b|"
    r"ich hoffe|n'h[ée]sitez|espero|spero|надеюсь|如果|希望|何か|도움이)"
)
"""How a line begins that has nothing to do with the question."""

OR = r"(?:or|and/or|or else|or maybe|or perhaps|or possibly|versus|vs\.?|oder|ou|o|oppure|或|或者|または|もしくは|또는|혹은|или)"

# Thinking and templates --------------------------------------------------------------------------------------------

THINKING = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reason", "scratchpad", "scratch_pad", "analysis", "reflection",
    "inner_monologue", "internal_monologue", "cot", "chain_of_thought", "deliberation", "planning",
)  # fmt: skip
"""Names of tags around thinking, as in <think>, <seed:think>, [THINK], ◁think▷."""

QUESTION = (
    r"(?:next |new |another |follow-up |sample |example )?(?:question|problem|exercise|puzzle|task|prompt|input|query|instruction|statement|riddle|example|"
    r"frage|pregunta|pergunta|domanda|вопрос|问题|問題|질문)"
)
"""What a model writes before the next item of a list of examples."""
