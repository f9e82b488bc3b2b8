"""What the RPCs and routes of the analyzer and the alerter need, beside the collector's: the role, and a request that may be incomplete.

Who has the role is told what is missing, or that there is no such thing; who has not is told that alone.
"""

from collections.abc import Mapping

from tests.system.surface import HttpRequest

_READ = {
    "AlertService": ("ListAlerts", "GetAlert", "WatchAlerts"),
    "AnomalyService": ("ListAnomalies", "GetAnomaly", "WatchAnomalies"),
    "BaselineService": ("GetBaseline", "ListBaselines", "QueryBaselines", "ListAcceptedShifts"),
    "RankingService": ("RankProviders",),
    "ReceiverService": ("GetReceiver", "ListReceivers", "GetNotificationPolicy", "ListDeliveries"),
    "RuleService": ("GetRule", "ListRules", "BacktestRule"),
    "SilenceService": ("GetSilence", "ListSilences", "PreviewSilence"),
}
_OPERATE = {
    "AlertService": ("AcknowledgeAlert", "ResolveAlert"),
    "AnomalyService": ("MarkAnomaly",),
    "BaselineService": ("AcceptShift",),
    "ReceiverService": ("TestReceiver", "Deliver", "RetryDelivery"),
    "RuleService": ("CreateRule", "UpdateRule", "DeleteRule"),
    "SilenceService": ("CreateSilence", "UpdateSilence"),
}
_ADMIN = {"ReceiverService": ("CreateReceiver", "UpdateReceiver", "DeleteReceiver", "UpdateNotificationPolicy")}

RPC_ROLES: Mapping[str, str] = {
    f"{service}.{method}": role
    for role, table in (("READ", _READ), ("OPERATE", _OPERATE), ("ADMIN", _ADMIN))
    for service, methods in table.items()
    for method in methods
}
# The token in a message's link is all that is needed, and names a project itself.
LINK_RPCS = ("LinkService.GetLink", "LinkService.UseLink")

_ID = "0" * 32
_ALERT, _ANOMALY, _RULE = {"alert_id": _ID}, {"anomaly_id": _ID}, {"rule_id": "none"}
_SILENCE, _RECEIVER, _DELIVERY = {"silence_id": "none"}, {"receiver_id": "none"}, {"delivery_id": _ID}
_BUSY = {**_RULE, "threshold": {"metric": "CALL_COUNT", "window_s": 300, "comparison": "ABOVE", "threshold": 1e9}}
_MATCHERS = ['provider="none"']
_QUIET = {**_SILENCE, "matchers": _MATCHERS, "author": "test", "end_time": "2026-12-31T00:00:00Z"}
_WEBHOOK = {**_RECEIVER, "webhook": {"url": "https://receiver.invalid/"}}

ROUTE_NEEDS: Mapping[str, tuple[str, HttpRequest]] = {
    "GET /api/v1/anomalies": ("READ", HttpRequest()),
    "GET /api/v1/anomalies/{anomaly_id}": ("READ", HttpRequest(path=_ANOMALY)),
    "POST /api/v1/anomalies/{anomaly_id}/mark": ("OPERATE", HttpRequest(path=_ANOMALY, json={"mark": "NOISE"})),
    "GET /api/v1/baselines": ("READ", HttpRequest(query={"metric": "LATENCY"})),
    "GET /api/v1/baselines/accepted": ("READ", HttpRequest()),
    "POST /api/v1/baselines/accept": ("OPERATE", HttpRequest(json={"metric": "LATENCY", "key": {}})),
    "GET /api/v1/rankings/{task_type}": ("READ", HttpRequest(path={"task_type": "chat"})),
    "GET /api/v1/alerts": ("READ", HttpRequest()),
    "GET /api/v1/alerts/{alert_id}": ("READ", HttpRequest(path=_ALERT)),
    "POST /api/v1/alerts/{alert_id}/acknowledge": ("OPERATE", HttpRequest(path=_ALERT, json={})),
    "POST /api/v1/alerts/{alert_id}/resolve": ("OPERATE", HttpRequest(path=_ALERT, json={})),
    "GET /api/v1/rules": ("READ", HttpRequest()),
    "POST /api/v1/rules": ("OPERATE", HttpRequest(json=_BUSY)),
    "POST /api/v1/rules/backtest": ("READ", HttpRequest(json={"rule_id": "none"})),
    "GET /api/v1/rules/{rule_id}": ("READ", HttpRequest(path=_RULE)),
    "PUT /api/v1/rules/{rule_id}": ("OPERATE", HttpRequest(path=_RULE, json=_BUSY)),
    "DELETE /api/v1/rules/{rule_id}": ("OPERATE", HttpRequest(path=_RULE)),
    "GET /api/v1/silences": ("READ", HttpRequest()),
    "POST /api/v1/silences": ("OPERATE", HttpRequest(json=_QUIET)),
    "POST /api/v1/silences/preview": ("READ", HttpRequest(json={"matchers": _MATCHERS})),
    "GET /api/v1/silences/{silence_id}": ("READ", HttpRequest(path=_SILENCE)),
    "PATCH /api/v1/silences/{silence_id}": ("OPERATE", HttpRequest(path=_SILENCE, json={})),
    "GET /api/v1/receivers": ("READ", HttpRequest()),
    "POST /api/v1/receivers": ("ADMIN", HttpRequest(json=_WEBHOOK)),
    "GET /api/v1/receivers/{receiver_id}": ("READ", HttpRequest(path=_RECEIVER)),
    "PUT /api/v1/receivers/{receiver_id}": ("ADMIN", HttpRequest(path=_RECEIVER, json=_WEBHOOK)),
    "DELETE /api/v1/receivers/{receiver_id}": ("ADMIN", HttpRequest(path=_RECEIVER)),
    "POST /api/v1/receivers/{receiver_id}/test": ("OPERATE", HttpRequest(path=_RECEIVER)),
    "GET /api/v1/notification-policy": ("READ", HttpRequest()),
    "PUT /api/v1/notification-policy": ("ADMIN", HttpRequest(json={})),
    "GET /api/v1/deliveries": ("READ", HttpRequest()),
    "POST /api/v1/deliveries/{delivery_id}/retry": ("OPERATE", HttpRequest(path=_DELIVERY)),
}
