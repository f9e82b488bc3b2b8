"""What TestReceiver sends: a notification like any other, that says that it is a sample."""

from datetime import datetime, timedelta

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification.content import AlertNote, Notification
from services.alerter.domain.notification.group import MessageKind


def sample_notification(project: str, receiver_id: str, now: datetime) -> Notification:
    """A sample of a message about one alert."""
    note = AlertNote(
        alert_id="0" * 32,
        name="Sample alert",
        state=AlertState.FIRING,
        severity=Severity.INFO,
        labels={"alertname": "Sample alert", "severity": Severity.INFO.name, "project": project, "provider": "sample-provider"},
        start_time=now - timedelta(minutes=2),
        end_time=None,
        summary="This is a sample: somebody tests whether messages of Assay arrive here. Nothing is wrong.",
        description="There is nothing to do.",
        observed="2.5 s",
        threshold="2 s",
        acknowledged_by="",
        is_new=True,
    )
    return Notification(
        project=project,
        group_id=f"sample-{receiver_id}",
        number=1,
        kind=MessageKind.FIRST,
        receiver=receiver_id,
        title="Sample alert",
        severity=Severity.INFO,
        labels={"alertname": "Sample alert", "provider": "sample-provider"},
        firing_count=1,
        acknowledged_count=0,
        ended_count=0,
        notes=(note,),
    )
