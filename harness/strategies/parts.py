"""What several strategies do alike: a turn of the model, feedback that must be there, samples that must differ, the
end at a limit."""

from __future__ import annotations

from harness.errors import UsageError
from harness.types import Completion, Feedback, Message, Response, Session


def said(completion: Completion) -> Message:
    """The model's turn in a conversation that goes on. Servers refuse one that is empty."""
    return Message("assistant", completion.text or "(no answer)")


def feedback(session: Session, text: str, level: str) -> Feedback:
    """What the task says of a text. UsageError if it has no feedback, AidError if the strategy has too little aid: call
    it with an empty text before the first call of a model, so that nothing is paid for in vain."""
    found = session.feedback(text, level)
    if found is None:
        raise UsageError("the task has no feedback on responses", "choose another strategy: `harness strategies`")
    return found


def need_temperature(session: Session, strategy: str) -> None:
    """UsageError if the same question would have the same answer again."""
    if session.sampling.temperature == 0:
        raise UsageError(
            f"strategy {strategy} asks the same question several times: at temperature 0 the answers are all the same",
            "give a temperature, such as --temperature 0.7",
        )


def cut_short(completion: Completion, best: str | None = None) -> Response | None:
    """The end of a sample if the server refused the conversation, which may have become too long; None for a completion
    that is an answer. `best` is the best answer before it, None if this was the first call."""
    if not completion.error:
        return None
    return Response("", completion.stop_reason, None if completion.stop_reason == "content_filter" else best)
