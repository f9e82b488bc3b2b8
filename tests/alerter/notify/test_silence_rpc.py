"""SilenceService as its callers see it."""

from datetime import timedelta
from typing import Any

from assay.alerter.v1 import silence_service_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.alerter.notify.calling import Caller
from tests.alerter.notify.test_notifier import kept


def at(time: Any) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


async def test_a_silence_is_previewed_made_changed_and_expired(call: Caller) -> None:
    now = call.desk.clock()
    await call.desk.set_alerts(kept("slow"), kept("fast"))
    preview = await call("PreviewSilence", "reader", matchers=["alertname=~s.*"])
    assert (preview.alert_count, [each.rule_name for each in preview.alerts]) == (1, ["slow"])
    wanted = silence_service_pb2.Silence(
        silence_id="s1", matchers=['alertname="slow"'], author="ann", end_time=at(now + timedelta(hours=1))
    )
    made = (await call("CreateSilence", "operator", silence=wanted)).silence
    assert made.state == silence_service_pb2.SILENCE_STATE_ACTIVE and list(made.matchers) == ['alertname="slow"']
    assert (await call("CreateSilence", "operator", silence=wanted)).silence == made
    other = silence_service_pb2.Silence(silence_id="s1", matchers=["a=b"], author="bob", end_time=wanted.end_time)
    assert await call.refusal("CreateSilence", "operator", silence=other) == "SILENCE_EXISTS"
    later = at(now + timedelta(hours=2))
    changed = (await call("UpdateSilence", "operator", silence_id="s1", end_time=later, comment="longer")).silence
    assert (changed.end_time, changed.comment) == (later, "longer")
    assert await call.refusal("UpdateSilence", "operator", silence_id="s1", end_time=at(now + timedelta(days=999))) == "end_time"
    expired = (await call("UpdateSilence", "operator", silence_id="s1", end_time=at(now))).silence
    assert expired.state == silence_service_pb2.SILENCE_STATE_EXPIRED
    assert await call.refusal("UpdateSilence", "operator", silence_id="s1", end_time=later) == "SILENCE_OVER"
    assert list((await call("ListSilences", "reader")).silences) == []
    assert [each.silence_id for each in (await call("ListSilences", "reader", includes_expired=True)).silences] == ["s1"]
    assert (await call("GetSilence", "reader", silence_id="s1")).silence == expired
    assert await call.refusal("GetSilence", "reader", silence_id="s2") == "SILENCE_UNKNOWN"
    assert await call.refusal("UpdateSilence", "operator", silence_id="s2") == "SILENCE_UNKNOWN"


async def test_silences_are_paged(call: Caller) -> None:
    end = at(call.desk.clock() + timedelta(hours=1))
    for n in range(3):
        silence = silence_service_pb2.Silence(silence_id=f"s{n}", matchers=["a=b"], author="ann", end_time=end)
        await call("CreateSilence", "operator", silence=silence)
    first = await call("ListSilences", page_size=2)
    rest = await call("ListSilences", page_size=2, page_token=first.next_page_token)
    assert [each.silence_id for each in (*first.silences, *rest.silences)] == ["s0", "s1", "s2"]
    bad = silence_service_pb2.Silence(silence_id="a b", matchers=["a=b"], author="ann", end_time=end)
    assert await call.refusal("CreateSilence", "operator", silence=bad) == "silence_id"
