"""Where the installation sends numbers to by itself, as JSON and as a table."""

import grpc.aio
from assay.collector.v1.export_service_pb2 import ExportTarget, ExportTargetKind, ListExportTargetsRequest
from assay.collector.v1.export_service_pb2_grpc import ExportServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table

_COLUMNS = ("target", "sent", "address", "writer", "last", "taken", "refused", "waiting", "trouble")


def show_targets(target: Target, project: str, *, json: bool) -> None:
    """Prints the targets, by name."""
    found = ask(target, lambda channel: _all(channel, project))
    if json:
        print_json([as_json(each) for each in found])
        return
    print_table(_COLUMNS, map(_row, found), empty="numbers are sent nowhere: ASSAY_COLLECTOR_EXPORTS_FILE can name targets")


async def _all(channel: grpc.aio.Channel, project: str) -> list[ExportTarget]:
    service = ExportServiceStub(channel)
    return list((await service.ListExportTargets(ListExportTargetsRequest(project=project), timeout=ASK_TIMEOUT_S)).targets)


def _row(target: ExportTarget) -> tuple[object, ...]:
    kind = ExportTargetKind.Name(target.kind).rpartition("_")[2].lower()
    last = target.send_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S") if target.HasField("send_time") else None
    counts = target.sent_count, target.refused_count, target.waiting_count
    return target.target, kind, target.address, "at it" if target.is_sending else "none", last, *counts, target.trouble or None
