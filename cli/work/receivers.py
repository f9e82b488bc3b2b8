"""Receivers: listed, and sent samples."""

from assay.alerter.v1 import receiver_service_pb2 as contract
from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table
from kit.errors import AssayError, Kind

PAGE_SIZE = 500  # the contract's largest
# A receiver has 30 s to take a message; only then is it known that it did not.
TEST_TIMEOUT_S = 45.0


def show_receivers(target: Target, project: str, *, json: bool) -> None:
    """Prints a page of receivers by id."""
    request = contract.ListReceiversRequest(project=project, page_size=PAGE_SIZE)
    receivers = ask(target, lambda channel: ReceiverServiceStub(channel).ListReceivers(request, timeout=ASK_TIMEOUT_S)).receivers
    if json:
        print_json({"receivers": [as_json(receiver) for receiver in receivers]})
        return
    rows = [
        (one.receiver_id, one.WhichOneof("config"), one.display_name, list(one.secrets_set), one.update_time.ToJsonString())
        for one in receivers
    ]
    print_table(("id", "through", "name", "secrets", "changed"), rows, empty="There are no receivers: nobody is told of alerts.")


def send_sample(target: Target, project: str, receiver_id: str, *, json: bool) -> None:
    """Sends a sample, and prints what became of it. Raises SAMPLE_NOT_TAKEN."""
    request = contract.TestReceiverRequest(project=project, receiver_id=receiver_id)
    response = ask(target, lambda channel: ReceiverServiceStub(channel).TestReceiver(request, timeout=TEST_TIMEOUT_S))
    if json:
        print_json(as_json(response))
    if response.result != contract.ATTEMPT_RESULT_SENT:
        raise AssayError(Kind.FAILED_PRECONDITION, "SAMPLE_NOT_TAKEN", f"{receiver_id} did not take it: {response.detail}")
    if not json:
        print(f"{receiver_id} took it within {response.elapsed.ToMilliseconds() / 1_000:g} s.")
