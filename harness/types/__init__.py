"""The nouns, all frozen: Task, Sample, Request, Completion, Model, Strategy, Response, Score.

One sample goes through them left to right (generate -> solve -> score -> record) and never back.
Knows no task, no model and no file; imports the standard library only.
"""

from harness.types.model import (
    Checked,
    Completion,
    Continues,
    Cut,
    LimitsThinking,
    Model,
    ModelOptions,
    Origin,
    Request,
    Sampling,
    ScoresText,
    StopReason,
    TokenLogprob,
    Waits,
)
from harness.types.sample import Example, Message, Param, Params, Sample, Scalar
from harness.types.score import Outcome, Score
from harness.types.strategy import CUT, UNREADABLE, Aid, Bounded, Feedback, Response, Session, Spent, Strategy
from harness.types.task import Collector, Task

__all__ = [
    "CUT",
    "UNREADABLE",
    "Aid",
    "Bounded",
    "Checked",
    "Collector",
    "Completion",
    "Continues",
    "Cut",
    "Example",
    "Feedback",
    "LimitsThinking",
    "Message",
    "Model",
    "ModelOptions",
    "Origin",
    "Outcome",
    "Param",
    "Params",
    "Request",
    "Response",
    "Sample",
    "Sampling",
    "Scalar",
    "Score",
    "ScoresText",
    "Session",
    "Spent",
    "StopReason",
    "Strategy",
    "Task",
    "TokenLogprob",
    "Waits",
]
