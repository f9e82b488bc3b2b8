"""Follows the collector's health, for /readyz."""

import asyncio

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from kit.health import Readiness
from kit.lifecycle import Job

COLLECTOR = "collector"
RETRY_S = 1.0


def follow_collector(channel: grpc.aio.Channel, readiness: Readiness) -> Job:
    """A background job that keeps the condition `collector` true to what grpc.health.v1 says."""

    async def job(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(channel, readiness, stop))
            await stop.wait()
            following.cancel()

    return job


async def _follow(channel: grpc.aio.Channel, readiness: Readiness, stop: asyncio.Event) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    while not stop.is_set():
        why = "ended the connection"
        try:
            async for response in stub.Watch(health_pb2.HealthCheckRequest()):
                is_serving = response.status == health_pb2.HealthCheckResponse.SERVING
                readiness.set(COLLECTOR, is_serving, "says that it is not ready")
        except grpc.aio.AioRpcError as error:
            why = f"cannot be reached: {rpc.connection_trouble(error.details() or '') or error.code().name}"
        readiness.set(COLLECTOR, ready=False, why=why)
        await asyncio.sleep(RETRY_S)
