"""`assay alerts silence` and `assay alerts receivers` on a running suite."""

import asyncio

from assay.alerter.v1.receiver_service_pb2 import CreateReceiverRequest, Receiver, TeamsConfig
from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceStub

from cli.work import connection
from tests.cli.suite import Suite, assay


def test_a_silence_is_made_listed_and_ended(suite: Suite) -> None:
    matchers = ('provider="silent"', "model=~x.*")
    made = suite.assay("alerts", "silence", "create", *matchers, "--for", "30m", "--comment", "quiet", "--json").json
    assert (made["state"], made["matchers"], made["comment"]) == ("ACTIVE", ['provider="silent"', 'model=~"x.*"'], "quiet")
    assert made["author"]
    silence_id = made["silence_id"]
    assert silence_id in suite.assay("alerts", "silence", "list").stdout
    assert suite.assay("alerts", "silence", "expire", silence_id).stdout == f"{silence_id} is over.\n"
    assert suite.assay("alerts", "silence", "list", "--json").json["silences"] == []
    listed = suite.assay("alerts", "silence", "list", "--all", "--json").json["silences"]
    assert [(one["silence_id"], one["state"]) for one in listed] == [(silence_id, "EXPIRED")]
    assert suite.assay("alerts", "silence", "expire", silence_id).exit_code == 1
    assert "until" in suite.assay("alerts", "silence", "create", "provider=silent").stdout


def test_a_silence_that_means_nothing_or_lasts_too_long_is_refused(suite: Suite) -> None:
    assert suite.assay("alerts", "silence", "create", "provider").exit_code == 1
    assert assay("alerts", "silence", "create", "provider=x", "--for", "400d").exit_code == 2


def test_receivers_are_listed_without_secrets_and_tried(suite: Suite) -> None:
    assert "nobody is told" in suite.assay("alerts", "receivers", "list").stdout
    # Messages are not sent to the machine itself unless that is allowed, so that this one does not get its sample.
    receiver = Receiver(receiver_id="team", teams=TeamsConfig(webhook_url="https://127.0.0.1:1/s3cr3t"))
    target = connection.find(suite.data_dir, None, None, connection.ALERTER)

    async def create() -> None:
        async with target.channel() as channel:
            await ReceiverServiceStub(channel).CreateReceiver(CreateReceiverRequest(project="default", receiver=receiver))

    asyncio.run(create())
    shown = suite.assay("alerts", "receivers", "list", "--json")
    (listed,) = shown.json["receivers"]
    assert (listed["receiver_id"], listed["secrets_set"]) == ("team", ["webhook_url"]) and "s3cr3t" not in shown.stdout
    assert "webhook_url" in suite.assay("alerts", "receivers", "list").stdout
    tried = suite.assay("alerts", "receivers", "test", "team", "--json")
    assert tried.exit_code == 1 and '"result": "REFUSED"' in tried.stdout
    assert tried.stderr.startswith("team did not take it: ") and "s3cr3t" not in tried.stderr
    assert suite.assay("alerts", "receivers", "test", "nobody").exit_code == 1
