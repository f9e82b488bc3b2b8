// Made-up anomalies, baselines, alerts and rules for the mock server. They change when they are marked, acknowledged or saved, and when told to.
const MINUTE_MS = 60_000;
const HISTORY_COUNT = 60;
const KEY_ID = 'mock';
export const HOSTILE = 'success of <img src=x onerror=alert(1)> fell from 98 % to 71 % from 09:00 to 09:20 UTC';

const at = (ms) => new Date(ms).toISOString();
const idOf = (number) => number.toString(16).padStart(32, '0');

function anomaly(number, part) {
  const now = Date.now();
  return {
    anomaly_id: idOf(number),
    project: 'default',
    kind: 'SHIFT',
    metric: 'SUCCESS_RATIO',
    direction: 'DOWN',
    severity: 'WARNING',
    scope: { provider: 'openai', task_type: 'code_review' },
    part_count: 1,
    start_time: at(now - 40 * MINUTE_MS),
    detect_time: at(now - 38 * MINUTE_MS),
    peak_time: at(now - 20 * MINUTE_MS),
    end_time: null,
    observed: 0.71,
    expected: 0.981,
    expected_low: 0.96,
    expected_high: 0.99,
    log10_e: 12.4,
    p_value: null,
    call_count: 131,
    affected_count: 38,
    outcome_counts: { SUCCEEDED: 93, FAILED: 9, RATE_LIMITED: 29 },
    main_outcome: 'RATE_LIMITED',
    explanation:
      'success of openai on code_review fell from 98.1 % to 71 % since 14:05 UTC, 38 of 131 calls, mostly RATE_LIMITED',
    is_open: true,
    version: 1,
    mark_counts: { expected: 0, useful: 0, noise: 0 },
    merged_into: null,
    ...part,
  };
}

function ended(number) {
  const end = Date.now() - number * 90 * MINUTE_MS;
  const words = `latency of google rose from 1.4 s to 4.9 s, episode ${number}`;
  return anomaly(1_000 + number, {
    metric: 'LATENCY',
    direction: 'UP',
    severity: number % 5 === 0 ? 'CRITICAL' : 'WARNING',
    scope: { provider: 'google' },
    observed: 4.9,
    expected: 1.4,
    expected_low: 1,
    expected_high: 1.9,
    start_time: at(end - 30 * MINUTE_MS),
    end_time: at(end),
    is_open: false,
    explanation: number === 1 ? HOSTILE : words,
  });
}

function firstAnomalies() {
  const wide = {
    severity: 'CRITICAL',
    scope: { provider: 'anthropic' },
    part_count: 3,
    start_time: at(Date.now() - 12 * MINUTE_MS),
    explanation:
      'success of anthropic fell from 95.8 % to 40.3 % since 14:20 UTC, 74 of 124 calls, mostly FAILED, 3 series',
  };
  return [anomaly(1, wide), anomaly(2), ...Array.from({ length: HISTORY_COUNT }, (_, index) => ended(index + 1))];
}

function alert(number, part) {
  return {
    alert_id: idOf(number),
    project: 'default',
    rule_id: 'default-latency',
    rule_name: 'Answers take long',
    labels: { alertname: 'Answers take long', provider: 'openai', severity: 'warning' },
    state: 'FIRING',
    severity: 'WARNING',
    start_time: at(Date.now() - 9 * MINUTE_MS),
    fire_time: at(Date.now() - 4 * MINUTE_MS),
    acknowledge_time: null,
    resolve_time: null,
    acknowledged_by: '',
    summary: 'latency p95 of openai is 2 min 20 s, above 2 min',
    observed: 140,
    threshold: 120,
    unit: 's',
    description: 'Compare with the baseline and with other providers.',
    anomaly_id: '',
    version: 1,
    ...part,
  };
}

const resolved = {
  state: 'RESOLVED',
  start_time: at(Date.now() - 300 * MINUTE_MS),
  resolve_time: at(Date.now() - 200 * MINUTE_MS),
};
const NO_FILTER = { providers: [], models: [], task_types: [], prompt_names: [], prompt_versions: [] };
const rule = (ruleId, name, part) => ({
  rule_id: ruleId,
  display_name: name,
  severity: 'WARNING',
  description: 'Compare with the baseline.',
  labels: {},
  is_paused: false,
  filter: NO_FILTER,
  group_by: ['provider'],
  for_s: 300,
  keep_firing_s: null,
  ...{
    threshold: null,
    burn: null,
    absence: null,
    anomaly: null,
    own_state: null,
    heartbeat: null,
    spend_forecast: null,
  },
  create_time: at(Date.now() - 9_000 * MINUTE_MS),
  update_time: at(Date.now() - 9_000 * MINUTE_MS),
  updated_by: '',
  version: 1,
  ...part,
});

/** Tells listeners {"anomalies"} and {"alerts"} events. */
export class Findings {
  constructor() {
    this.anomalies = firstAnomalies();
    this.marks = new Map();
    this.accepted = [];
    this.alerts = [alert(1), alert(2, { severity: 'CRITICAL', rule_name: 'Calls fail too often' }), alert(3, resolved)];
    this.transitions = [
      {
        time: at(Date.now()),
        from_state: null,
        to_state: 'FIRING',
        cause: 'the condition holds',
        actor: '',
        observed: 140,
        version: 1,
      },
    ];
    const threshold = {
      metric: 'LATENCY_P95',
      window_s: 900,
      comparison: 'ABOVE',
      threshold: 120,
      resolve_threshold: 90,
      minimum_call_count: 50,
    };
    this.rules = [
      rule('default-anomaly', 'Anomaly', {
        severity: null,
        anomaly: { minimum_severity: 'WARNING', metrics: [], kinds: [] },
      }),
      rule('default-latency', 'Answers take long', { threshold }),
    ];
    this.isAway = false;
    this.listeners = new Set();
  }

  tell(event, data) {
    for (const listener of this.listeners) listener(event, data);
  }

  anomalyEvent(isSnapshot, anomalies) {
    return {
      is_available: !this.isAway,
      reason: this.isAway ? 'ANALYZER_UNAVAILABLE' : null,
      is_snapshot: isSnapshot,
      anomalies: this.isAway ? [] : anomalies,
    };
  }

  snapshots(project) {
    const mine = project !== 'empty';
    const unresolved = this.alerts.filter((one) => mine && one.state !== 'RESOLVED');
    return [
      [
        'anomalies',
        this.anomalyEvent(
          true,
          this.anomalies.filter((one) => mine && one.is_open),
        ),
      ],
      ['alerts', { is_available: true, reason: null, is_snapshot: true, alerts: unresolved }],
    ];
  }

  change(found, part) {
    Object.assign(found, part, { version: found.version + 1 });
    if (found.anomaly_id === undefined || found.alert_id)
      this.tell('alerts', { is_available: true, reason: null, is_snapshot: false, alerts: [found] });
    else this.tell('anomalies', this.anomalyEvent(false, [found]));
    return found;
  }

  /** What only a test does: a new one, the end of it, and the analyzer away and back. */
  control = {
    '/mock/anomaly': () => {
      this.anomalies.unshift(
        anomaly(3, {
          explanation: 'quality of qwen fell from 0.81 to 0.6',
          metric: 'QUALITY',
          scope: { provider: 'qwen' },
        }),
      );
      this.tell('anomalies', this.anomalyEvent(false, [this.anomalies[0]]));
    },
    '/mock/anomaly-ends': () => this.change(this.anomalies[0], { is_open: false, end_time: at(Date.now()) }),
    '/mock/alert': () => {
      this.alerts.unshift(alert(4, { severity: 'CRITICAL', rule_name: 'No <b>calls</b>', fire_time: at(Date.now()) }));
      this.change(this.alerts[0], {});
    },
    '/mock/analyzer-away': () => {
      this.isAway = true;
      this.tell('anomalies', this.anomalyEvent(true, []));
    },
    '/mock/analyzer-back': () => {
      this.isAway = false;
      this.tell(...this.snapshots('default')[0]);
    },
  };

  /** Answers [status, body], or nothing where the path is none of ours. */
  answer(method, path, query, body) {
    const [, name, id, action] = /^\/api\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(path) ?? [];
    const routes = {
      anomalies: this.answerAnomalies,
      baselines: this.answerBaselines,
      alerts: this.answerAlerts,
      rules: this.answerRules,
    };
    if (!name || !Object.hasOwn(routes, name)) return undefined;
    if (this.isAway && (name === 'anomalies' || name === 'baselines')) return unavailable();
    return routes[name].call(this, { method, id, action, query, body });
  }

  answerAnomalies({ id, action, query, body }) {
    if (!id) return [200, this.page(query, this.wanted(query), 'anomalies')];
    const found = this.anomalies.find((one) => one.anomaly_id === id);
    if (!found)
      return [
        404,
        {
          type: 'about:blank',
          title: 'Not found',
          status: 404,
          detail: 'there is no such anomaly',
          reason: 'ANOMALY_UNKNOWN',
        },
      ];
    if (action === 'mark') {
      this.marks.set(id, [{ mark: body.mark, key_id: KEY_ID, mark_time: at(Date.now()), comment: body.comment }]);
      return [
        200,
        this.change(found, { mark_counts: { expected: 0, useful: 0, noise: 0, [body.mark.toLowerCase()]: 1 } }),
      ];
    }
    const part = ({ task }) => ({
      key: { provider: 'anthropic', model: 'claude-x', task_type: task },
      metric: found.metric,
      observed: 0.4,
      expected: 0.95,
      call_count: 40,
      affected_count: 24,
    });
    const parts = ['code_review', 'code_generation', 'translation']
      .slice(0, found.part_count)
      .map((task) => part({ task }));
    return [
      200,
      { anomaly: found, parts, marks: this.marks.get(id) ?? [], call_ids: ['call-1', 'call-2'], are_calls_known: true },
    ];
  }

  wanted(query) {
    const least = ['INFO', 'WARNING', 'CRITICAL'].indexOf(query.get('severity_min') ?? 'INFO');
    const providers = query.getAll('provider');
    return this.anomalies.filter(
      (one) =>
        (!query.has('open') || String(one.is_open) === query.get('open')) &&
        (!query.has('metric') || one.metric === query.get('metric')) &&
        ['INFO', 'WARNING', 'CRITICAL'].indexOf(one.severity) >= least &&
        (providers.length === 0 || providers.includes(one.scope.provider)) &&
        (!query.has('start') || !one.end_time || one.end_time > query.get('start')),
    );
  }

  page(query, items, name) {
    const from = Number(query.get('page_token') || 0);
    const to = from + Number(query.get('page_size') || 50);
    return { [name]: items.slice(from, to), next_page_token: to < items.length ? String(to) : '' };
  }

  answerBaselines({ id, query, body }) {
    if (id === 'accepted') return [200, { shifts: this.accepted, next_page_token: '' }];
    if (id === 'accept') {
      const shift = {
        key: body.key,
        metric: body.metric,
        key_id: KEY_ID,
        accept_time: at(Date.now()),
        from_centre: 0.95,
        to_centre: 0.4,
      };
      this.accepted.push(shift);
      return [200, { shift, is_applied: true }];
    }
    const centre =
      { SUCCESS_RATIO: 0.97, COST_PER_CALL: 0.004, CALL_VOLUME: 900, TIME_TO_FIRST_TOKEN: 0.5 }[query.get('metric')] ??
      2.4;
    const points = [];
    for (
      let ms = Date.parse(query.get('start'));
      ms < Date.parse(query.get('end'));
      ms += Number(query.get('step')) * 1_000
    )
      points.push({
        start: at(ms),
        centre,
        low: centre * 0.8,
        high: Math.max(centre, Math.min(centre * 1.2, centre < 1 ? 1 : Infinity)),
      });
    return [200, { bands: [{ key: {}, points }] }];
  }

  answerAlerts({ id, action, query, body }) {
    const states = (query.get('state') ?? '').split(',').filter(Boolean);
    if (!id)
      return [
        200,
        this.page(
          query,
          this.alerts.filter((one) => states.length === 0 || states.includes(one.state)),
          'alerts',
        ),
      ];
    const found = this.alerts.find((one) => one.alert_id === id);
    if (action === 'acknowledge' || action === 'resolve') {
      const part =
        action === 'acknowledge'
          ? { state: 'ACKNOWLEDGED', acknowledged_by: KEY_ID }
          : { state: 'RESOLVED', resolve_time: at(Date.now()) };
      const before = found.state;
      this.change(found, part);
      this.transitions.push({
        time: at(Date.now()),
        from_state: before,
        to_state: part.state,
        cause: body.comment,
        actor: KEY_ID,
        observed: null,
        version: found.version,
      });
      return [200, found];
    }
    return [200, { alert: found, transitions: this.transitions }];
  }

  answerRules({ method, id, query, body }) {
    if (!id && method === 'GET') return [200, this.page(query, this.rules, 'rules')];
    if (id === 'backtest') return [200, backtest(body.rule)];
    const before = this.rules.find((one) => one.rule_id === (id ?? body.rule_id));
    if (method === 'GET') return [200, before];
    const now = rule(body.rule_id, body.display_name, {
      ...body,
      update_time: at(Date.now()),
      updated_by: KEY_ID,
      version: (before?.version ?? 0) + 1,
    });
    this.rules = [...this.rules.filter((one) => one !== before), now];
    return [200, now];
  }
}

/** The higher the bound, the less often. */
function backtest(tried) {
  const count = Math.max(0, 14 - Math.round((tried.threshold.threshold - 120) / 10));
  const startMs = Date.now() - 30 * 24 * 60 * MINUTE_MS;
  const labels = { provider: 'openai' };
  const episodes = Array.from({ length: count }, (_, index) => {
    const from = startMs + (index + 1) * 48 * 60 * MINUTE_MS;
    return { labels, start_time: at(from), end_time: at(from + 31 * MINUTE_MS), peak: 150, severity: 'WARNING' };
  });
  const values = Array.from({ length: 360 }, (_, index) => 60 + 50 * Math.abs(Math.sin(index / 9)));
  return {
    start_time: at(startMs),
    end_time: at(Date.now()),
    step_s: 7_200,
    approximations: ['Looked at once every 2 h.'],
    group_count: 6,
    firing_count: count,
    mean_duration_s: count ? 1_860 : null,
    episodes,
    groups: count ? [{ labels, values, states: values.map(() => 'INACTIVE') }] : [],
  };
}

function unavailable() {
  return [
    503,
    {
      type: 'about:blank',
      title: 'Unavailable',
      status: 503,
      detail: 'the analyzer is not answering',
      reason: 'ANALYZER_UNAVAILABLE',
    },
  ];
}
