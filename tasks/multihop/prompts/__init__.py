"""The instructions, one a file: before documents, where they may not suffice or are to be named, and without. Ours."""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").strip()


DOCUMENTS, OFFER, SUPPORT, CLOSED_BOOK = map(_read, ("documents", "offer", "support", "closed_book"))
