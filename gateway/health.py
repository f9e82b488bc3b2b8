"""Follows the health of the services behind, for /readyz."""

import asyncio
from collections.abc import Callable

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from kit.lifecycle import Job

COLLECTOR = "collector"
ANALYZER = "analyzer"
ALERTER = "alerter"
REPORTER = "reporter"
RETRY_S = 1.0

# Is told whether the service is there, and if not, why.
Tell = Callable[[bool, str], None]


def follow(channel: grpc.aio.Channel, tell: Tell) -> Job:
    """A background job that tells what grpc.health.v1 says of the service behind a channel."""

    async def job(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(channel, tell, stop))
            await stop.wait()
            following.cancel()

    return job


async def _follow(channel: grpc.aio.Channel, tell: Tell, stop: asyncio.Event) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    while not stop.is_set():
        why = "ended the connection"
        try:
            async for response in stub.Watch(health_pb2.HealthCheckRequest()):
                is_serving = response.status == health_pb2.HealthCheckResponse.SERVING
                tell(is_serving, "says that it is not ready")
        except grpc.aio.AioRpcError as error:
            why = f"cannot be reached: {rpc.connection_trouble(error.details() or '') or error.code().name}"
        tell(False, why)  # noqa: FBT003 - as Readiness has it
        await asyncio.sleep(RETRY_S)
