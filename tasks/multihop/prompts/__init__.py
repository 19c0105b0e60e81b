"""The instructions, one a file: before documents, where they may not suffice, and without documents. Ours."""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").strip()


DOCUMENTS, OFFER, CLOSED_BOOK = _read("documents"), _read("offer"), _read("closed_book")
