"""The yardsticks: the least that any client must do. Sends N prompts over C connections and throws the answers away.

python benchmarks/raw_client.py aiohttp|openai URL N C
"""

from __future__ import annotations

import asyncio
import sys

PROMPT = "Alice has {} brothers and she also has 6 sisters. How many sisters does Alice's brother have?"


async def with_aiohttp(url: str, n: int, connections: int) -> None:
    """Send n prompts through aiohttp. Raises AssertionError for a reply without choices."""
    import aiohttp

    numbers = iter(range(n))

    async def work(session: aiohttp.ClientSession) -> None:
        for i in numbers:
            body = {"model": "mock", "messages": [{"role": "user", "content": PROMPT.format(i)}]}
            async with session.post(f"{url}/chat/completions", json=body) as reply:
                assert (await reply.json())["choices"]

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        await asyncio.gather(*(work(session) for _ in range(connections)))


async def with_openai(url: str, n: int, connections: int) -> None:
    """Send n prompts through the openai client. Raises AssertionError for a reply without choices."""
    import openai

    numbers = iter(range(n))
    client = openai.AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0)

    async def work() -> None:
        for i in numbers:
            reply = await client.chat.completions.create(
                model="mock", messages=[{"role": "user", "content": PROMPT.format(i)}]
            )
            assert reply.choices

    await asyncio.gather(*(work() for _ in range(connections)))


if __name__ == "__main__":
    which, url, n, connections = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    asyncio.run({"aiohttp": with_aiohttp, "openai": with_openai}[which](url, n, connections))
