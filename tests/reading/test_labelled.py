"""Responses as models write them, labelled by hand before they were scored: terse, chatty, in LaTeX and Markdown, with
second thoughts, hedges and refusals."""

from functools import lru_cache
from typing import Any

import pytest

from harness import plugins
from harness.types import Outcome, Task

WORDS = "allergic athletic brave creative curious hungry insured jealous loyal religious shortsighted tattooed".split()
WORDS += ["thirsty", "vaccinated"]

ASKED: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "ladder": ("ladder", {}, {}),
    "percent": ("ladder", {"form": "number"}, {}),
    "yesnounknown": ("logic", {"kind": "defeasible"}, {}),
    "logic": ("logic", {"kind": "entailment"}, {}),
    "abduction": ("logic", {"kind": "abduction"}, {"choices": (*WORDS, "unknown"), "answer": "loyal"}),
    "kinship": ("logic", {"kind": "kinship"}, {}),
    "chess": ("worlds", {"kind": "chess"}, {}),
    "spatial": (
        "worlds",
        {"kind": "spatial"},
        {"candidates": ("barrel", "chest", "desk", "loom", "oven", "saddle", "trunk", "vase"), "answer": "oven"},
    ),
    "code": ("worlds", {"kind": "code"}, {}),
    "edits": ("edits", {}, {}),
    "nli": (
        "hub",
        {},
        {"kind": "label", "options": ("contradiction", "entailment", "neutral"), "answer": "neutral"},
    ),
}
"""What is asked: the task, its options, and params in place of those of its first sample."""

LABELLED = [
    ("ladder", "Yep, they do so less often.\n\nAnswer: **Yes**.", "yes"),
    (
        "ladder",
        "P(strong | lift) = 0.46 and P(strong | not) = 0.53.\n\n$$0.46 < 0.53$$\n\n\\[\\boxed{\\text{Yes}}\\]",
        "yes",
    ),
    (
        "ladder",
        "At first I thought yes, since 46 is below 53. But the question is about forcing everyone to lift weights, and then it is 61 against 40, so it would be the other way round. No.",  # noqa: E501
        "no",
    ),
    (
        "ladder",
        "Answer: yes\n\nHmm, wait. I mixed up the two groups. In the club 55 of 100 have strong arms, so they have them more often, not less.\n\nAnswer: no",  # noqa: E501
        "no",
    ),
    ("ladder", "I can't tell from these numbers whether it is yes or no; both seem possible.", "unparsed"),
    ("ladder", "Answer: no, it is not less often but more often.", "no"),
    ("ladder", "That is false.", "no"),
    (
        "ladder",
        "I would need to compute two rates.\n- lifters: 46.1%\n- others: 53.2%\nThe first is smaller, which is what the question asks about.\n\n**Answer:** yes ✅",  # noqa: E501
        "yes",
    ),
    ("percent", "Answer: 46,07 %", "46.07"),
    ("percent", "Ungefähr 46,1%.", "46.1"),
    ("percent", "$$P = \\frac{0.4607}{1} = 46.07\\%$$\nSo about **46.07%** of them.", "46.07"),
    ("percent", "The share is 0.4607, i.e. 46.07 percent.", "46.07"),
    ("percent", "Answer: between 40 and 50", "unparsed"),
    (
        "yesnounknown",
        "The rules that fit all examples disagree about this thing, so it can't be known.\n\nAnswer: unknown",
        "unknown",
    ),
    (
        "yesnounknown",
        "Helen is a painter, painters are normally not singers, and nothing narrower applies.\nAnswer: No, Helen is not a singer.",  # noqa: E501
        "no",
    ),
    ("yesnounknown", "It is either yes or no or unknown, and I can't decide which.", "unparsed"),
    ("yesnounknown", "Could be yes. Could be no. The text doesn't settle it: unknown.", "unknown"),
    ("logic", "Answer: no, it is not true.", "no"),
    (
        "logic",
        "It does not follow.\n\nThe statement may be false while the premises hold (take Fiona = 10, Jack = 5). Therefore: **no**.",  # noqa: E501
        "no",
    ),
    ("logic", "Yes - wait, no. Fiona was paid more. So no.", "no"),
    (
        "abduction",
        'Candidates: loyal, religious. "religious and creative" would need creative too. "loyal and jealous": Maria is jealous, so loyal does it.\n\nAnswer: loyal',  # noqa: E501
        "loyal",
    ),
    ("abduction", "Either loyal or religious would do, so it isn't determined: unknown.", "unknown"),
    ("abduction", "Maria must be *loyal*.", "loyal"),
    (
        "kinship",
        "Laura -> George -> Olivia: mother of the father, i.e. the paternal grandmother.\n\nAnswer: grandmother",
        "grandmother",
    ),
    ("kinship", "She is not her mother but her grandmother.", "grandmother"),
    (
        "chess",
        "1. Nc3 is fine, 1...b5 is fine, 2. d4 is fine and 2...h5 is fine. None of the moves is illegal.",
        "legal",
    ),
    ("chess", "The bishop stands on b1 here, so 1. Nc3 isn't possible: illegal.", "illegal"),
    ("chess", "In normal chess this would be illegal, but with the pieces placed as described it is legal.", "legal"),
    (
        "chess",
        "All moves are legal except 2...h5, which is illegal because the pawn is pinned.\n\nAnswer: illegal",
        "illegal",
    ),
    ("chess", "Legal.", "legal"),
    ("chess", "I don't see a single illegal move, so Answer: legal", "legal"),
    (
        "spatial",
        'Start (7,4); W3 -> (4,4); E2 -> (6,4); S4 -> (6,0); W2 -> (4,0). That\'s where the oven is.\n\n{"answer": "oven"}',  # noqa: E501
        "oven",
    ),
    (
        "spatial",
        "You end at (4, 0), next to nothing else - the **oven**. (Not the barrel, which is at (10, 0).)",
        "oven",
    ),
    ("code", "marks[3] is 76, so the program prints 76. In Python with 1-based lists it would be 46.", "76"),
    ("edits", "The new captain is Thea Corisk; before that it was Urban Ellerisk.", "Thea Corisk"),
    ("edits", "It used to be Urban Ellerisk, but since the change the captain is Thea Corisk.", "Thea Corisk"),
    ("edits", "Urban Ellerisk? No: they swapped places, so Thea Corisk.", "Thea Corisk"),
    ("edits", "I don't have information about the captain of that ship.", "refused"),
    ("nli", "The premise says nothing about it, so there is no entailment and no contradiction. Neutral.", "neutral"),
    ("nli", "Answer: not entailment", "unparsed"),
    ("ladder", "no.", "no"),
    (
        "ladder",
        "I computed 0.61 for the first group versus 0.40 for the second; the first is larger. Hence, they do not have it less often, and my answer is NO.",  # noqa: E501
        "no",
    ),
    ("ladder", "Hmm, tough one. If pressed, I'd go with yes.", "yes"),
    ("ladder", "**Conclusion**\n\nYes, they do.", "yes"),
    ("ladder", "Answer: yes or no depends on the confounder, so I won't commit.", "unparsed"),
    ("ladder", "The answer isn't yes; it's no.", "no"),
    ("ladder", "\\text{Answer: } \\textbf{no}", "no"),
    ("ladder", "Sorry, I cannot assist with questions about this.", "refused"),
    ("percent", "Therefore: 0.25*0.61 + 0.75*0.40 = 0.4525, i.e. **45.25 %**\n\nAnswer: 45.25", "45.25"),
    ("percent", "About 46.07 per cent.", "46.07"),
    ("percent", "Answer: 46.07% (rounded to two decimal places)", "46.07"),
    ("percent", "Answer: 53.20\n\nWait, I used the wrong group.\n\nAnswer: 46.07", "46.07"),
    ("yesnounknown", "There's no way to tell from what is given.", "unknown"),
    ("yesnounknown", "Unknown - the two rules cancel out.", "unknown"),
    ("yesnounknown", "It's not unknown: the narrower rule wins, so yes.", "yes"),
    ("yesnounknown", 'Answer: "unknown"', "unknown"),
    ("logic", "The statement doesn't follow. No.", "no"),
    ("logic", "True.", "yes"),
    (
        "logic",
        "Yes, because Jack paid less than Fiona and the statement says the same.\n\n(If it said the opposite, the answer would be no.)",  # noqa: E501
        "yes",
    ),
    ("abduction", "The missing fact: Maria is loyal.", "loyal"),
    ("abduction", "Answer: loyal (not religious, since she is not creative)", "loyal"),
    ("abduction", "loyal or brave", "unparsed"),
    ("kinship", "Laura is Olivia's grandmother.", "grandmother"),
    ("kinship", "**grandmother** (mother of her father)", "grandmother"),
    ("chess", "Every move checks out, so it's a perfectly legal opening.", "legal"),
    ("chess", "2. Bd3 breaks the rules here, hence the opening isn't legal.", "illegal"),
    ("chess", "There's an illegal move: 1. Nc3.", "illegal"),
    ("chess", "Nothing in it is against the rules. Answer: **legal**", "legal"),
    ("chess", "Is it illegal? No, it is legal.", "legal"),
    ("chess", "I can't decide whether it is legal or illegal.", "unparsed"),
    ("spatial", '{"answer": "the oven"}', "oven"),
    ("spatial", "I first thought it was the barrel, but the barrel is at (10, 0), so it's the oven.", "oven"),
    ("code", "```\n76\n```", "76"),
    ("code", "Output: `76`", "76"),
    ("edits", "Thea Corisk (formerly Urban Ellerisk)", "Thea Corisk"),
    ("edits", "Urban Ellerisk was replaced, so it is Thea Corisk now.", "Thea Corisk"),
    ("edits", "The captain is still Urban Ellerisk.", "Urban Ellerisk"),
    ("edits", "Either Urban Ellerisk or Thea Corisk.", "unparsed"),
    ("nli", "Label: Contradiction", "contradiction"),
    ("nli", "The hypothesis neither follows nor is ruled out => neutral", "neutral"),
    ("nli", "This isn't entailment; it's neutral.", "neutral"),
    ("nli", "entailment/neutral", "unparsed"),
]
"""What is asked, a response, and the answer or outcome that a person reads."""


@lru_cache
def asked(what: str) -> tuple[Task, dict[str, Any]]:
    name, options, own = ASKED[what]
    task = plugins.task(name, options)
    return task, dict(next(iter(task.samples(0))).params) | own


@pytest.mark.parametrize(("what", "response", "label"), LABELLED)
def test_labelled_responses_are_read_as_a_person_reads_them(what: str, response: str, label: str) -> None:
    task, params = asked(what)
    score = task.score(params, response)
    read = score.answer if score.outcome in (Outcome.CORRECT, Outcome.WRONG) else score.outcome.value
    assert read == label, score
