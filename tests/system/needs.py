"""What the RPCs and routes of the services beside the collector need: the role, and a request that may be incomplete.

Who has the role is told what is missing, or that there is no such thing; who has not is told that alone.
"""

from collections.abc import Mapping

from tests.system.surface import HttpRequest

_READ = {
    "AlertService": ("ListAlerts", "GetAlert", "WatchAlerts"),
    "AnomalyService": ("ListAnomalies", "GetAnomaly", "WatchAnomalies"),
    "BaselineService": ("GetBaseline", "ListBaselines", "QueryBaselines", "ListAcceptedShifts"),
    "PromptService": ("ListPrompts", "ComparePrompts", "RankPrompts"),
    "EvidenceService": ("ListEvidence", "LocateSubjects"),
    "ExportService": ("ScrapeProviders", "ListExportTargets"),
    "QualityService": ("GetQuality", "ListQuality", "WatchQuality", "SummarizeQuality", "GetQualityWeights"),
    "RankingService": ("RankProviders", "WatchRankings", "WatchKeptRankings", "ListRankings", "GetRanking", "BacktestRanking"),
    "ReceiverService": ("GetReceiver", "ListReceivers", "GetNotificationPolicy", "ListDeliveries"),
    "ReportService": (
        *("GetReport", "ListReports", "WatchReports", "RenderReport", "ListRecommendations"),
        *("GetSchedule", "ListSchedules", "ListScheduleRuns"),
    ),
    "RuleService": ("GetRule", "ListRules", "BacktestRule"),
    "SilenceService": ("GetSilence", "ListSilences", "PreviewSilence"),
    "SourceService": ("ListSources",),
}
_OPERATE = {
    "AlertService": ("AcknowledgeAlert", "ResolveAlert"),
    "AnomalyService": ("MarkAnomaly",),
    "BaselineService": ("AcceptShift",),
    "QualityService": ("RescoreQuality", "CalibrateQuality"),
    "ReceiverService": ("TestReceiver", "Deliver", "RetryDelivery"),
    "ReportService": (
        *("GenerateReport", "SendReport", "CreateReportLink", "UpdateRecommendation"),
        *("CreateSchedule", "UpdateSchedule", "DeleteSchedule"),
    ),
    "RuleService": ("CreateRule", "UpdateRule", "DeleteRule"),
    "SilenceService": ("CreateSilence", "UpdateSilence"),
}
_RECORD = {"FeedbackService": ("CreateFeedbackLink",)}
_ADMIN = {
    "AuditService": ("ListAuditEvents",),
    "ErasureService": ("EraseRecords", "GetErasure"),
    "QualityService": ("UpdateQualityWeights",),
    "ReceiverService": ("CreateReceiver", "UpdateReceiver", "DeleteReceiver", "UpdateNotificationPolicy"),
}

_INSTALLATION_ADMIN = {"StorageService": ("GetStorage",)}

RPC_ROLES: Mapping[str, str] = {
    f"{service}.{method}": role
    for role, table in (
        *(("RECORD", _RECORD), ("READ", _READ), ("OPERATE", _OPERATE), ("ADMIN", _ADMIN)),
        ("INSTALLATION_ADMIN", _INSTALLATION_ADMIN),
    )
    for service, methods in table.items()
    for method in methods
}
# The token in a message's link is all that is needed, and names a project itself.
LINK_RPCS = (
    "LinkService.GetLink",
    "LinkService.UseLink",
    "ReportService.GetLinkedReport",
    "FeedbackService.GetFeedbackLink",
    "FeedbackService.UseFeedbackLink",
)

_ID = "0" * 32
_ALERT, _ANOMALY, _RULE = {"alert_id": _ID}, {"anomaly_id": _ID}, {"rule_id": "none"}
_SILENCE, _RECEIVER, _DELIVERY = {"silence_id": "none"}, {"receiver_id": "none"}, {"delivery_id": _ID}
_BUSY = {**_RULE, "threshold": {"metric": "CALL_COUNT", "window_s": 300, "comparison": "ABOVE", "threshold": 1e9}}
_MATCHERS = ['provider="none"']
_QUIET = {**_SILENCE, "matchers": _MATCHERS, "author": "test", "end_time": "2026-12-31T00:00:00Z"}
_REPORT, _SCHEDULE, _ADVICE = {"report_id": "none"}, {"schedule_id": "none"}, {"recommendation_id": _ID}
_WEEKLY = {**_SCHEDULE, "period": "WEEKLY", "local_time": {"weekday": 1, "minute_of_day": 480}}
_WEBHOOK = {**_RECEIVER, "webhook": {"url": "https://receiver.invalid/"}}

ROUTE_NEEDS: Mapping[str, tuple[str, HttpRequest]] = {
    "GET /api/v1/export-targets": ("READ", HttpRequest()),
    "GET /api/v1/sources": ("READ", HttpRequest()),
    "GET /api/v1/storage": ("INSTALLATION_ADMIN", HttpRequest()),
    "GET /api/v1/anomalies": ("READ", HttpRequest()),
    "GET /api/v1/anomalies/{anomaly_id}": ("READ", HttpRequest(path=_ANOMALY)),
    "POST /api/v1/anomalies/{anomaly_id}/mark": ("OPERATE", HttpRequest(path=_ANOMALY, json={"mark": "NOISE"})),
    "GET /api/v1/baselines": ("READ", HttpRequest(query={"metric": "LATENCY"})),
    "GET /api/v1/baselines/accepted": ("READ", HttpRequest()),
    "POST /api/v1/baselines/accept": ("OPERATE", HttpRequest(json={"metric": "LATENCY", "key": {}})),
    "GET /api/v1/ranking-history": ("READ", HttpRequest()),
    "GET /api/v1/ranking-history/{ranking_id}": ("READ", HttpRequest(path={"ranking_id": _ID})),
    "GET /api/v1/ranking-backtests/{task_type}": ("READ", HttpRequest(path={"task_type": "chat"})),
    "GET /api/v1/prompts": ("READ", HttpRequest()),
    "GET /api/v1/prompts/compare": ("READ", HttpRequest(query={"prompt_name": "none"})),
    "GET /api/v1/prompts/rank": ("READ", HttpRequest(query={"prompt_name": "none"})),
    "GET /api/v1/quality": ("READ", HttpRequest()),
    "GET /api/v1/quality/summary": ("READ", HttpRequest()),
    "GET /api/v1/quality/calls/{call_id}": ("READ", HttpRequest(path={"call_id": "none"})),
    "GET /api/v1/quality/tasks/{task_id}": ("READ", HttpRequest(path={"task_id": "none"})),
    "GET /api/v1/quality/weights": ("READ", HttpRequest()),
    "PUT /api/v1/quality/weights": ("ADMIN", HttpRequest(json={"version": 9})),
    "POST /api/v1/quality/rescore": ("OPERATE", HttpRequest()),
    "POST /api/v1/quality/calibrate": ("OPERATE", HttpRequest()),
    "POST /api/v1/feedback-links": ("RECORD", HttpRequest(json={"call_id": "none"})),
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
    "GET /api/v1/reports": ("READ", HttpRequest()),
    "POST /api/v1/reports": ("OPERATE", HttpRequest(json={"report_id": "none", "period": "DAILY", "end_time": "now"})),
    "GET /api/v1/reports/{report_id}": ("READ", HttpRequest(path=_REPORT)),
    "GET /api/v1/reports/{report_id}/file": ("READ", HttpRequest(path=_REPORT)),
    "POST /api/v1/reports/{report_id}/send": ("OPERATE", HttpRequest(path=_REPORT, json={"receiver_ids": ["none"]})),
    "POST /api/v1/reports/{report_id}/links": ("OPERATE", HttpRequest(path=_REPORT, json={})),
    "GET /api/v1/recommendations": ("READ", HttpRequest()),
    "PATCH /api/v1/recommendations/{recommendation_id}": ("OPERATE", HttpRequest(path=_ADVICE, json={"state": "DONE"})),
    "GET /api/v1/report-schedules": ("READ", HttpRequest()),
    "POST /api/v1/report-schedules": ("OPERATE", HttpRequest(json=_WEEKLY)),
    "GET /api/v1/report-schedules/{schedule_id}": ("READ", HttpRequest(path=_SCHEDULE)),
    "PUT /api/v1/report-schedules/{schedule_id}": ("OPERATE", HttpRequest(path=_SCHEDULE, json=_WEEKLY)),
    "DELETE /api/v1/report-schedules/{schedule_id}": ("OPERATE", HttpRequest(path=_SCHEDULE)),
    "GET /api/v1/report-schedules/{schedule_id}/runs": ("READ", HttpRequest(path=_SCHEDULE)),
    "GET /api/v1/notification-policy": ("READ", HttpRequest()),
    "PUT /api/v1/notification-policy": ("ADMIN", HttpRequest(json={})),
    "GET /api/v1/deliveries": ("READ", HttpRequest()),
    "POST /api/v1/deliveries/{delivery_id}/retry": ("OPERATE", HttpRequest(path=_DELIVERY)),
}
