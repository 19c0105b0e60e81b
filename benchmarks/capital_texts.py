"""Texts for the covariance of ROME's keys: paragraphs of the documentation that comes with Python, one a line."""

import json
import pydoc_data.topics
import re

TEXTS = 150


def texts() -> list[str]:
    """The first paragraphs of 200 to 500 characters that are sentences, by the name of their topic."""
    found: dict[str, None] = {}
    for _, topic in sorted(pydoc_data.topics.topics.items()):
        for paragraph in topic.split("\n\n"):
            text = " ".join(paragraph.split())
            if 200 < len(text) < 500 and re.match(r"[A-Z].*\.$", text):
                found[text] = None
    return list(found)[:TEXTS]


if __name__ == "__main__":
    for line in texts():
        print(json.dumps({"text": line}))
