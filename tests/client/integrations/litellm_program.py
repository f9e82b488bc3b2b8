"""Run by an interpreter that has LiteLLM, and the OpenAI SDK that it wants: calls of both, and of its router, to the providers at argv[1].

It has a client of the collector in ASSAY_URL and, for the router, a ranking in which Anthropic has all of the traffic.
"""

import asyncio
import contextlib
import sys
import time
from typing import Any

import litellm
import openai as openai_sdk
from assay.analyzer.v1.ranking_service_pb2 import RankProvidersResponse
from assay_client import Client, tagged
from assay_client.integrations.litellm import AssayLogger
from assay_client.integrations.openai import watch
from assay_client.rankings import Rankings

CALL_COUNT = 13
DEADLINE_S = 60.0
HELLO = [{"role": "user", "content": "Hello"}]


class Told(Rankings):
    """Rankings that were told once."""

    def _feed(self, task_type: str) -> Any:
        ranking = RankProvidersResponse(ranking_id="r-1", task_type=task_type)
        ranking.candidates.add(candidate={"provider": "anthropic", "model": "claude-x"}, suggested_share=1.0)

        class Feed:
            """Stands for a feed that has heard this ranking."""

            def known(self, _kept_s: float) -> tuple[RankProvidersResponse, bool]:
                """It."""
                return ranking, False

        return Feed()


def calls(openai: dict[str, Any], anthropic: dict[str, Any]) -> None:
    with tagged(task_type="planning", task_id="t-1"):
        litellm.completion("openai/gpt-5", messages=HELLO, **openai)
        list(litellm.completion("openai/gpt-5", messages=HELLO, stream=True, stream_options={"include_usage": True}, **openai))
        litellm.completion("anthropic/claude-x", messages=HELLO, **anthropic)


async def async_calls(openai: dict[str, Any], anthropic: dict[str, Any]) -> None:
    fields = {"assay": {"task_type": "code_review"}}
    await litellm.acompletion("openai/gpt-5", messages=HELLO, metadata=fields, **openai)
    await litellm.aembedding("openai/text-embedding-3-small", input=["Hello"], **openai)
    models = {"openai/gpt-5": openai, "anthropic/claude-x": anthropic}
    deployments: list[Any] = [{"model_name": "any", "litellm_params": {"model": model, **given}} for model, given in models.items()]
    router = litellm.Router(model_list=deployments, num_retries=0)
    for _ in range(4):
        await router.acompletion("any", messages=HELLO, metadata=dict(fields))
    with contextlib.suppress(litellm.NotFoundError):
        await litellm.acompletion("openai/unknown", messages=HELLO, **openai)
    await litellm.acompletion("openai/gpt-5", messages=[{"role": "user", "content": "forbidden"}], **openai)


def calls_of_the_sdk(url: str, assay: Client) -> None:
    with openai_sdk.OpenAI(base_url=f"{url}/v1", api_key="key") as client:
        watch(client, assay, asks_stream_usage=True, task_type="the SDK alone")
        client.chat.completions.create(model="gpt-5", messages=HELLO)  # type: ignore[arg-type]  # as LiteLLM has it
        list(client.chat.completions.create(model="gpt-5", messages=HELLO, stream=True))  # type: ignore[arg-type]  # as above


def main(url: str) -> None:
    with Client() as assay:
        litellm.callbacks = [AssayLogger(assay, rankings=Told(("openai", "gpt-5")))]
        openai, anthropic = {"api_base": f"{url}/v1", "api_key": "key"}, {"api_base": url, "api_key": "key"}
        calls(openai, anthropic)
        asyncio.run(async_calls(openai, anthropic))
        calls_of_the_sdk(url, assay)
        deadline_s = time.monotonic() + DEADLINE_S
        while assay.stats().recorded < CALL_COUNT and time.monotonic() < deadline_s:  # LiteLLM tells of them from a thread
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1])
