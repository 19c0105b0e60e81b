"""What several strategies do alike: a turn of the model, feedback that must be there, samples that must differ, the
end at a limit."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError
from harness.types import Completion, Feedback, Message, Response, Session

NOTHING = Completion("")


def said(completion: Completion) -> Message:
    """The model's turn in a conversation that goes on. Servers refuse one that is empty."""
    return Message("assistant", completion.text or "(no answer)")


def feedback(session: Session, answer: Completion, level: str) -> Feedback:
    """What the task says of an answer. UsageError if it has no feedback, AidError if the strategy has too little aid:
    call it with NOTHING before the first call of a model, so that nothing is paid for in vain."""
    found = session.feedback(answer.text, level, answer.stop_reason)
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


async def ask_again(
    session: Session, messages: Sequence[Message], max_calls: int | None, best: str
) -> Completion | Response:
    """One more answer of a conversation; or the end of the sample, with its best answer so far, if it has made all its
    calls, or if the server refuses the conversation, which may have become too long."""
    if session.spent.calls == max_calls:
        return Response("", "length", best)
    [completion] = await session.ask(messages)
    if completion.stop_reason == "content_filter" and completion.error:
        return Response("", "content_filter")
    return Response("", "length", best, {"refused": completion.error}) if completion.error else completion
