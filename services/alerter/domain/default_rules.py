"""The rules that a project has from its first sight: for what nearly nobody wants to miss, at bounds that what is normal seldom passes.

What is normal for one provider or task is not known here: that is the analyzer's, and `default-anomaly` passes on what it finds. What needs
a number that only its owner knows (a budget) or a receiver (a heartbeat) is there, but paused.
"""

from services.alerter.domain.alert import Severity
from services.alerter.domain.metric import RuleMetric
from services.alerter.domain.rule import (
    S_PER_DAY,
    S_PER_HOUR,
    USUAL_TIERS,
    Absence,
    AnomalyMatch,
    Burn,
    Comparison,
    Condition,
    Heartbeat,
    OwnState,
    OwnStateCheck,
    Rule,
    SpendForecast,
    Threshold,
)

ID_PREFIX = "default-"
_PROVIDER = ("provider",)
_MODEL = ("provider", "model")
_TASK = ("task_type",)


def default_rules() -> list[Rule]:
    """The rules, by id."""
    made = [*_of_outcomes(), *_of_speed(), *_of_cost(), *_of_results(), *_of_analyzer_and_self()]
    return sorted(made, key=lambda rule: rule.rule_id)


def _of_outcomes() -> list[Rule]:
    return [
        _rule("success-burn", "Calls fail too often", Burn(0.99, USUAL_TIERS, 50, 5), _PROVIDER, Severity.CRITICAL,
              advice="See which outcome grows: time-outs and failures point at the provider, rate limits at the quota."),
        _rule("rate-limited", "Rate limited", _above(RuleMetric.RATE_LIMITED_RATIO, 900, 0.2, 0.1), _PROVIDER, for_s=300,
              advice="Ask for a higher quota, spread the load, or use another provider as well."),
        _rule("refused", "Refused by safety filters", _above(RuleMetric.REFUSED_RATIO, S_PER_HOUR, 0.2, 0.1), _MODEL, for_s=300,
              advice="Look at what was sent: a prompt may have changed, or somebody tries the filter."),
        _rule("absence", "No calls any more", Absence(S_PER_DAY, S_PER_HOUR, 500), _PROVIDER,
              advice="Nobody calls this provider any more, or nobody reports it: look at the callers and their client."),
    ]  # fmt: skip


def _of_speed() -> list[Rule]:
    return [
        _rule("latency", "Answers take long", _above(RuleMetric.LATENCY_P95, 900, 120.0, 90.0), _MODEL, for_s=300,
              advice="Compare with the model's baseline and with other providers."),
        _rule("time-to-first-token", "First tokens take long",
              _above(RuleMetric.TIME_TO_FIRST_TOKEN_P95, 900, 30.0, 20.0), _MODEL, for_s=300,
              advice="Compare with the model's baseline and with other providers."),
    ]  # fmt: skip


def _of_cost() -> list[Rule]:
    return [
        _rule("cost-per-accepted-task", "Accepted results are dear",
              _above(RuleMetric.COST_PER_ACCEPTED_TASK, 6 * S_PER_HOUR, 25.0, 20.0), _TASK,
              advice="See whether tries, revisions or tokens grew."),
        _rule("cost-unknown", "Costs are not known", _above(RuleMetric.COST_UNKNOWN_RATIO, 6 * S_PER_HOUR, 0.2, 0.1), _MODEL, Severity.INFO,
              advice="The price table has no price for this model: send the cost with the call, or set a price of your own."),
        _rule("tokens", "Answers are long", _above(RuleMetric.OUTPUT_TOKENS_PER_CALL, S_PER_HOUR, 16_000.0, 12_000.0), _MODEL,
        Severity.INFO,
              advice="A prompt may have changed, or a model may be going round in circles."),
        _rule("spend", "The month will cost too much", SpendForecast(10_000.0, 0.9), is_paused=True,
              advice="Set the month's budget, and resume this rule."),
    ]  # fmt: skip


def _of_results() -> list[Rule]:
    return [
        _rule("accepted", "Few results are accepted", _below(RuleMetric.ACCEPTED_TASK_RATIO, 6 * S_PER_HOUR, 0.5, 0.6), _TASK,
              advice="See which provider, model and prompt version the rejected results are from."),
        _rule("revisions", "Results are revised often", _above(RuleMetric.REVISIONS_PER_TASK, 6 * S_PER_HOUR, 5.0, 4.0), _TASK,
              advice="See which provider, model and prompt version need the most revisions."),
        _rule("quality", "Answers score low", _below(RuleMetric.QUALITY_RATIO, S_PER_DAY, 0.4, 0.5), _TASK,
              advice="See which provider, model and prompt version score low, and read some of the answers."),
    ]  # fmt: skip


def _of_analyzer_and_self() -> list[Rule]:
    return [
        _rule("anomaly", "Anomaly", AnomalyMatch(Severity.WARNING, frozenset(), frozenset()), severity=None),
        _rule("lag", "Records are stored late", OwnState(OwnStateCheck.LAG, 60.0), for_s=120,
              advice="Look at the collector's writer and at PostgreSQL: nothing is lost, but what is shown is old."),
        _rule("dead-letters", "Records could not be stored", OwnState(OwnStateCheck.DEAD_LETTERS, 0.0), severity=Severity.CRITICAL,
              advice="`assay ledger` shows how many, and the collector's log says why."),
        _rule("client-drops", "Clients drop records", OwnState(OwnStateCheck.CLIENT_DROPS, 0.0),
              advice="A client had no room left while the collector was away, or sends more than its quota."),
        _rule("service-down", "A process of Assay is down", OwnState(OwnStateCheck.SERVICE_DOWN, 0.0), severity=Severity.CRITICAL, for_s=60,
              advice="Look at the process' log and at /readyz."),
        _rule("heartbeat", "Heartbeat", Heartbeat(), severity=Severity.INFO, is_paused=True,
              advice="All is well as long as this comes: route it to a receiver that notices when it stays out, and resume this rule."),
    ]  # fmt: skip


def _rule(
    name: str,
    title: str,
    condition: Condition,
    group_by: tuple[str, ...] = (),
    severity: Severity | None = Severity.WARNING,
    *,
    for_s: float = 0.0,
    advice: str = "",
    is_paused: bool = False,
) -> Rule:
    return Rule(f"{ID_PREFIX}{name}", title, condition, severity, group_by=group_by, for_s=for_s, description=advice, is_paused=is_paused)


def _above(metric: RuleMetric, window_s: int, threshold: float, resolve_threshold: float) -> Threshold:
    return Threshold(metric, window_s, Comparison.ABOVE, threshold, resolve_threshold, 50)


def _below(metric: RuleMetric, window_s: int, threshold: float, resolve_threshold: float) -> Threshold:
    return Threshold(metric, window_s, Comparison.BELOW, threshold, resolve_threshold, 50)
