"""Reading a percentage. Text in, value or reason out; knows no task and no right answer."""

from __future__ import annotations

import functools
import re

from harness.reading import numbers
from harness.reading.values import Reader


@functools.cache
def reader() -> Reader:
    """A reader of a percentage, which may be rounded ("about 46.1%"), and have its decimals behind a comma: "46,1%"."""
    base = numbers.reader()
    return Reader(
        marked=lambda m: base.marked(m._replace(text=_points(m.text))),
        stated=lambda sentence, concludes: base.stated(_points(sentence), concludes),
        alone=lambda line: base.alone(_points(line)),
        labels="percentage|share|probability|chance",
    )


def _points(text: str) -> str:
    """Without "about", and with decimal points in place of commas. Behind the comma of a thousand stand three
    digits."""
    return _ABOUT.sub("", _COMMA.sub(".", text))


_ABOUT = re.compile(
    r"\b(?:about|approximately|approx\.?|roughly|around|circa|ca\.?|ungefähr|etwa|environ|aproximadamente)"
    r" (?=[\s*$(`]{0,3}\d)",
    re.I,
)
_COMMA = re.compile(r"(?<=\d)(?<!\d{4})(?<!,\d)(?<!,\d\d)(?<!,\d{3})\{?,\}?(?=\d{1,2}(?![\d,])|\d{3} ?\\?%)")
