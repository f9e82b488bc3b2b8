"""The ledger, as JSON and as a table that shows whether it balances."""

from typing import Any

from assay.collector.v1.collector_service_pb2 import GetLedgerRequest, GetLedgerResponse, LedgerDay
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import Json, as_json, print_json, print_table

# What received is the sum of, in the order of a call's way.
PARTS = ("stored_count", "rejected_count", "duplicate_count", "dead_lettered_count", "in_flight_count")
_KINDS = ("call", "evidence")


def show_ledger(target: Target, project: str, *, json: bool) -> None:
    """Prints the account of all days that are kept."""
    request = GetLedgerRequest(project=project)
    response = ask(target, lambda channel: CollectorServiceStub(channel).GetLedger(request, timeout=ASK_TIMEOUT_S))
    account = as_account(response)
    if json:
        print_json(account)
    else:
        _print_account(account)


def as_account(response: GetLedgerResponse) -> Json:
    """The ledger as the HTTP API's /ledger has it; both kinds are always among the totals."""
    totals = {_kind_of(total): _counts(total) for total in response.totals}
    return {
        "days": [{"date": day.date, "kind": _kind_of(day), **_counts(day)} for day in response.days],
        "totals": {kind: totals.get(kind) or _counts(LedgerDay()) for kind in _KINDS},
        "lag_s": response.lag_s,
        "waiting_evidence_count": response.waiting_evidence_count,
    }


def unaccounted_count(counts: dict[str, Any]) -> int:
    """Items received that are nowhere: 0, or the promise is broken."""
    return int(counts["received_count"]) - sum(int(counts[name]) for name in PARTS)


def _kind_of(day: LedgerDay) -> str:
    return str(as_json(day)["kind"]).lower()


def _counts(day: LedgerDay) -> dict[str, int]:
    return {name: value for name, value in as_json(day).items() if name.endswith("_count")}


def _print_account(account: Json) -> None:
    parts = (name.removesuffix("_count").replace("_", " ") for name in PARTS)
    days = [(day["date"], day["kind"], day) for day in account["days"]]
    totals = [("all days", kind, counts) for kind, counts in account["totals"].items()]
    rows = [
        (date, kind, counts["received_count"], *(counts[name] for name in PARTS), _balance(unaccounted_count(counts)))
        for date, kind, counts in (*days, *totals)
    ]
    print_table(("day (UTC)", "kind", "received", *parts, "balance"), rows, empty="")
    dropped = sum(counts["client_dropped_count"] for counts in account["totals"].values())
    print(f"oldest in flight: {account['lag_s']:.1f} s · evidence that waits for its call: {account['waiting_evidence_count']:,}")
    print(f"dropped by clients before sending, as they say: {dropped:,}")


def _balance(unaccounted: int) -> str:
    return "ok" if unaccounted == 0 else f"{unaccounted:+,} unaccounted for"
