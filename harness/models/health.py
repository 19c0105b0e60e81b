"""Is the server there? All requests of a model share one answer: while the server is away, one request looks for it and
the others wait. Knows neither HTTP nor what is asked."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from harness.errors import FatalModelError

PROBES_AT_FIRST = 3
"""How often a server that has never answered is looked for."""

IN_A_ROW = 8
"""So many failures without a reply between them, of all requests together, and the server is looked for. It is looked
for at once if no connection can be made."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0


class Health:
    """`probe` says in words why the server does not answer, "" if it does. One that has answered before is waited for
    `patience_s` seconds. `waiting` says why nothing is asked now, "" if requests are sent."""

    def __init__(self, address: str, probe: Callable[[], Awaitable[str]], patience_s: float, hint: str) -> None:
        self._address, self._probe, self._patience_s, self._hint = address, probe, patience_s, hint
        self.waiting = ""
        self._answered = self._was_away = False
        self._replies = self._failures = 0
        self._looking = asyncio.Lock()
        self._gone: FatalModelError | None = None

    def replied(self) -> None:
        """The server has answered, whatever it said."""
        self._answered, self._failures = True, 0
        self._replies += 1

    async def turn(self) -> None:
        """Wait while the server is away. Raises FatalModelError if it was given up."""
        if self._looking.locked():
            async with self._looking:
                pass
        if self._gone:
            raise self._gone

    async def failed(self, why: str, unreachable: bool) -> bool:
        """A request had no reply; `unreachable` if no connection could be made. If the server is away, this returns
        when it is back: True, and the request's try does not count. Raises FatalModelError if it does not come back."""
        self._failures += 1
        if not unreachable and self._failures < IN_A_ROW:
            return False
        seen = self._replies
        async with self._looking:
            if self._gone:
                raise self._gone
            if self._replies == seen:  # else it answered while this request waited for the lock
                await self._look(why)
            return self._was_away

    async def _look(self, why: str) -> None:
        start, probes, wait = time.monotonic(), 0, FIRST_WAIT_S
        try:
            while now := await self._probe():
                why, probes = now, probes + 1
                left = start + self._patience_s - time.monotonic()
                if left <= 0 if self._answered else probes == PROBES_AT_FIRST:
                    self._gone = self._given_up(why)
                    raise self._gone
                self.waiting = f"nothing answers at {self._address} ({why}): waiting for it"
                pause = random.uniform(wait / 2, wait)
                await asyncio.sleep(min(pause, left) if self._answered else pause)
                wait = min(2 * wait, LONGEST_WAIT_S)
        finally:
            self.waiting = ""
        self._was_away = probes > 0
        self.replied()

    def _given_up(self, why: str) -> FatalModelError:
        if not self._answered:
            return FatalModelError(f"nothing answers at {self._address}: {why}", "unreachable", self._hint)
        what = f"the server at {self._address} went away and was waited for {self._patience_s:g} s: {why}"
        return FatalModelError(what, "unreachable", "the run can go on as soon as the server answers again")
