"""The pages behind links of messages: what a link is for, a button that does it, and what was done. No script; all is escaped."""

from datetime import UTC
from html import escape

from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import link_service_pb2 as links
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.problems import Problem

STYLE_PATH = "/links/style.css"
ACTOR_LENGTH_MAX = 64
# What the select offers; the contract's most is a day.
_DURATIONS = {"30m": "30 minutes", "1h": "1 hour", "2h": "2 hours", "4h": "4 hours", "8h": "8 hours", "24h": "24 hours"}
_DURATION_DEFAULT = "2h"

_TITLES = {links.LINK_ACTION_ACKNOWLEDGE: "Acknowledge alerts", links.LINK_ACTION_SILENCE: "Silence alerts"}
_MEANINGS = {
    links.LINK_ACTION_ACKNOWLEDGE: "This tells everybody that you look after them. Nobody else is called for them then.",
    links.LINK_ACTION_SILENCE: "For a while nobody is told of alerts with these labels. They stay visible in Assay.",
}
_LATER = ("Try again in a moment", "The part of Assay that keeps alerts does not answer. Using a link twice does no harm.")
_REFUSALS = {
    "LINK_INVALID": ("This link does not work", "It is not complete, or not from this Assay. Copy the whole link from the message."),
    "LINK_EXPIRED": ("This link has expired", "Links work for some days after their message. Open Assay to do what it was for."),
    "GROUP_OVER": ("All of it is over", "No alert of this message is open any more: there is nothing left to do."),
    "GROUP_TOO_WIDE": ("This cannot be silenced by a link", "The alerts have no label in common. Open Assay to say which ones are meant."),
    "ALERTER_UNAVAILABLE": _LATER,
    "DATABASE_UNAVAILABLE": _LATER,
    "DEADLINE_EXCEEDED": _LATER,
}


def link_page(link: links.GetLinkResponse) -> str:
    """What a link is for, and the button, if anything is left to do."""
    title = _TITLES[link.action]
    form = _form(link) if _is_of_use(link) else "<p><strong>All of them are acknowledged already.</strong></p>"
    expiry = f'<p class="fine">The link works until {moment_text(link.expire_time)}.</p>'
    return page(title, f"<p>{escape(_MEANINGS[link.action])}</p>{_about(link)}{_alerts(link)}{form}{expiry}")


def used_page(action: links.LinkAction.ValueType, used: links.UseLinkResponse) -> str:
    """What was done."""
    if action == links.LINK_ACTION_SILENCE:
        return page("Silenced", f"<p>{_count(used.alert_count)} silenced. Using the link again changes nothing.</p>")
    if used.remaining_count:
        again = '<form method="post"><button type="submit">Acknowledge the rest</button></form>'
        return page("Not all at once", f"<p>{_count(used.alert_count)} acknowledged, {used.remaining_count:,} are not yet.</p>{again}")
    if not used.alert_count:
        return page("Acknowledged", "<p>All of them were acknowledged already. Nothing was changed.</p>")
    return page("Acknowledged", f"<p>{_count(used.alert_count)} acknowledged. Using the link again changes nothing.</p>")


def refused_page(problem: Problem) -> str:
    """Why a link does not work, in plain words."""
    title, text = _REFUSALS.get(problem.reason, ("This did not work", problem.detail))
    return page(title, f"<p>{escape(text)}</p>")


def page(title: str, content: str, home: str = '<p><a href="/alerts">Open Assay</a></p>') -> str:
    """A page of its own; `home` is what leads to the dashboard, empty for people who have no part in it."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{escape(title)} · Assay</title><link rel="stylesheet" href="{STYLE_PATH}"></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}{home}</main></body></html>"
    )


def _about(link: links.GetLinkResponse) -> str:
    rows = [("Project", link.project), ("Sent to", link.receiver_id), *sorted(link.labels.items())]
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in rows)}</dl>"


def _alerts(link: links.GetLinkResponse) -> str:
    rest = link.alert_count - len(link.alerts)
    more = f"<li>and {rest:,} more</li>" if rest > 0 else ""
    return f"<ul>{''.join(map(_alert, link.alerts))}{more}</ul>"


def _alert(alert: alerts.Alert) -> str:
    severity = alerts.Severity.Name(alert.severity).removeprefix("SEVERITY_").capitalize()
    state = alerts.AlertState.Name(alert.state).removeprefix("ALERT_STATE_").lower()
    who = f" by {alert.acknowledged_by}" if alert.acknowledged_by else ""
    about = f"{severity}, {state}{who}, since "
    text = escape(alert.summary or alert.rule_name)
    return f'<li>{text}<br><span class="fine">{escape(about)}{moment_text(alert.start_time)}</span></li>'


def _is_of_use(link: links.GetLinkResponse) -> bool:
    """Whether there may be something left to do: of more alerts than are shown, the others may be firing."""
    is_firing = any(alert.state == alerts.ALERT_STATE_FIRING for alert in link.alerts)
    return link.action == links.LINK_ACTION_SILENCE or is_firing or link.alert_count > len(link.alerts)


def _form(link: links.GetLinkResponse) -> str:
    name = (
        '<label for="actor_name">Your name, if you like</label>'
        f'<input id="actor_name" name="actor_name" maxlength="{ACTOR_LENGTH_MAX}" autocomplete="name">'
    )
    is_silence = link.action == links.LINK_ACTION_SILENCE
    button = f'<button type="submit">{"Silence" if is_silence else "Acknowledge"}</button>'
    return f'<form method="post">{name}{_durations() if is_silence else ""}{button}</form>'


def _durations() -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == _DURATION_DEFAULT else ""}>{text}</option>' for value, text in _DURATIONS.items()
    )
    return f'<label for="duration">For how long</label><select id="duration" name="duration">{options}</select>'


def _count(count: int) -> str:
    return "1 alert is" if count == 1 else f"{count:,} alerts are"


def moment_text(time: Timestamp) -> str:
    """A time for people, in UTC."""
    return f'<time datetime="{time.ToJsonString()}">{time.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC</time>'
