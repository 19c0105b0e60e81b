"""Our instructions, one per file: before documents; if these may not suffice; if they must be named; without any."""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").strip()


DOCUMENTS, OFFER, SUPPORT, CLOSED_BOOK = map(_read, ("documents", "offer", "support", "closed_book"))
