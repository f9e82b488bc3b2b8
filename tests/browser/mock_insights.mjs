// Made-up rankings, prompts and quality for the mock server.
import { PAIRS } from './mock_numbers.mjs';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const at = (ms) => new Date(ms).toISOString();

const CANDIDATES = [
  // provider, model, quality, success, dollars a task, seconds, calls, what is wrong
  ['anthropic', 'claude-sonnet-4.6', 0.893, 0.981, 0.0214, 2.4, 2_140, ''],
  ['openai', 'gpt-5.3', 0.887, 0.976, 0.0163, 1.9, 1_871, ''],
  ['google', 'gemini-3-flash', 0.861, 0.985, 0.0048, 1.1, 1_502, ''],
  ['mistralai', 'mistral-large-3', 0.829, 0.969, 0.0071, 1.6, 803, ''],
  ['openai', 'gpt-5.3-mini', 0.842, 0.978, 0.0029, 0.9, 1_220, ''],
  ['deepseek', 'deepseek-v4', 0.851, 0.931, 0.0019, 4.8, 611, 'success fell from 97.2 % to 71 % since 14:05 UTC'],
  ['qwen', 'qwen4-coder', 0.812, 0.948, 0.0013, 3.1, 344, ''],
  ['<img src=x onerror=alert(1)>', '<b>model</b>', 0.83, 0.96, 0.011, 2.2, 12, ''],
];
const SEVERAL = { QUALITY: 0.4, SUCCESS: 0.25, COST_PER_ACCEPTED_TASK: 0.2, LATENCY: 0.15 };
const PRESETS = {
  balanced: SEVERAL,
  quality: { QUALITY: 0.8, SUCCESS: 0.2 },
  cheapest: { COST_PER_ACCEPTED_TASK: 0.8, SUCCESS: 0.1, QUALITY: 0.1 },
  fastest: { LATENCY: 0.8, SUCCESS: 0.1, QUALITY: 0.1 },
  reliable: { SUCCESS: 0.9, QUALITY: 0.1 },
};

function estimate(metric, value, spread, count, quantile = null) {
  const isRatio = metric === 'SUCCESS' || metric === 'QUALITY';
  const [low, high] = isRatio
    ? [value - spread * (1 - value) * 0.6, Math.min(0.999, value + spread * (1 - value) * 0.5)]
    : [value / (1 + spread), value * (1 + spread)];
  return { measure: { metric, quantile }, value, low, high, evidence_count: count };
}

function estimatesOf([, , quality, success, dollars, seconds, calls]) {
  const spread = 6 / Math.sqrt(calls);
  return [
    estimate('SUCCESS', success, spread, calls),
    estimate('QUALITY', quality, spread * 1.4, Math.round(calls / 3)),
    estimate('LATENCY', seconds, spread / 2, calls, 0.5),
    estimate('LATENCY', seconds * 2.6, spread / 2, calls, 0.95),
    estimate('TIME_TO_FIRST_TOKEN', seconds * 0.22, spread / 2, calls, 0.5),
    estimate('COST_PER_ACCEPTED_TASK', dollars, spread, Math.round(calls / 4)),
    estimate('TIME_PER_ACCEPTED_TASK', seconds * 3.4, spread, Math.round(calls / 4)),
  ];
}

const worth = {
  QUALITY: (value) => value,
  SUCCESS: (value) => value,
  COST_PER_ACCEPTED_TASK: (value) => 0.5 - 0.1 * Math.log2(value / 0.005),
  LATENCY: (value) => 0.5 - 0.1 * Math.log2(value / 2),
};

function leftOutOf(row, query) {
  const [provider, model, , success, , , calls] = row;
  const least = Number(query.get('min_success_ratio') ?? 0);
  const fewest = Number(query.get('min_call_count') ?? 0);
  const candidate = { provider, model };
  if (calls < fewest)
    return {
      candidate,
      reason: 'EVIDENCE_TOO_LITTLE',
      explanation: `${calls} calls, at least ${fewest} are asked for`,
    };
  if (success < least)
    return {
      candidate,
      reason: 'CONSTRAINT_NOT_MET',
      explanation: `success is at least ${least} with a probability of 0.02, 0.95 is asked for; it is ${success}`,
    };
  return null;
}

function rankedOf(kept, weights, now) {
  const scored = kept.map((row) => {
    const estimates = estimatesOf(row);
    const of = (metric) => estimates.find(({ measure }) => measure.metric === metric).value;
    const score = Object.entries(weights).reduce(
      (sum, [metric, weight]) => sum + weight * worth[metric](of(metric)),
      0,
    );
    return { row, estimates, score, spread: 0.9 / Math.sqrt(row[6]) };
  });
  scored.sort((a, b) => b.score - a.score);
  const best = scored[0]?.score;
  const sum = scored.reduce((total, { score }) => total + Math.exp((score - best) * 60), 0);
  return scored.map(({ row, estimates, score, spread }, index) => {
    const overlaps = scored.filter((one) => Math.abs(one.score - score) < one.spread + spread);
    const probability = Math.exp((score - best) * 60) / sum;
    return {
      candidate: { provider: row[0], model: row[1] },
      rank: index + 1,
      rank_low: scored.indexOf(overlaps[0]) + 1,
      rank_high: scored.indexOf(overlaps.at(-1)) + 1,
      probability_best: probability,
      is_tied_with_first: overlaps[0] === scored[0],
      ...{ score, score_low: score - spread, score_high: score + spread },
      suggested_share: probability,
      call_count: row[6] + 0.4,
      last_call_time: at(now - 20 * MINUTE_MS),
      is_in_anomaly: Boolean(row[7]),
      anomaly: row[7],
      estimates,
      reasons: [
        `better than the middle candidate in quality: ${row[2]} (${(row[2] - 0.01).toFixed(3)} to ${(row[2] + 0.01).toFixed(3)})`,
        `worse than the middle candidate in cost per accepted task: ${row[4]}`,
      ],
    };
  });
}

/** GET /rankings/{task_type} */
function ranking(taskType, query) {
  const now = Date.now();
  const rows = query.get('project') === 'empty' ? [] : CANDIDATES;
  const leftOut = rows.map((row) => leftOutOf(row, query));
  const kept = rows.filter((_, index) => !leftOut[index]);
  const candidates = rankedOf(kept, PRESETS[query.get('objective')] ?? SEVERAL, now);
  return {
    ranking_id: 'f'.repeat(32),
    task_type: taskType,
    candidates,
    left_out: leftOut.filter(Boolean),
    unmeasured: [],
    as_of_time: at(now - MINUTE_MS),
    is_stale: query.get('project') === 'quiet',
    empty_reason: candidates.length === 0 ? 'nobody keeps the bounds that are asked for' : null,
  };
}

/** GET /ranking-history and /ranking-history/{ranking_id} */
function history(rankingId, query) {
  const taskType = query.get('task_type') || 'tool_calling';
  const kept = ['', 'cheapest', 'quality'].map((objective, index) => ({
    make_time: at(Date.now() - (index + 1) * 7 * HOUR_MS),
    question: { taskType, ...(objective ? { preset: `OBJECTIVE_PRESET_${objective.toUpperCase()}` } : {}) },
    ranking: { ...ranking(taskType, new URLSearchParams({ objective })), ranking_id: String(index).padStart(32, 'a') },
  }));
  return rankingId ? kept.find((one) => one.ranking.ranking_id === rankingId) : { rankings: kept, next_page_token: '' };
}

/** GET /ranking-backtests/{task_type} */
function backtest() {
  const valueOf = (value, reach) => ({ value, low: value - reach, high: value + reach });
  const policies = ['SUGGESTED_SHARE', 'FIRST', 'FIXED', 'CHEAPEST', 'LOWEST_LATENCY', 'RANDOM', 'AS_IT_WAS'];
  const outcomes = { QUALITY: 0.87, SUCCESS: 0.975, COST: 0.0061, LATENCY: 1.7 };
  return {
    ...{ start_time: at(Date.now() - 168 * HOUR_MS), end_time: at(Date.now()), call_count: 8_412, sent_ratio: 0.4 },
    ...{ step_count: 28, assumptions: ['callers who sent no selection_ratio chose by the shares of their day'] },
    policies: policies.map((policy, index) => ({
      policy,
      choices: [{ candidate: { provider: 'openai', model: 'gpt-5.3-mini' }, share: 1 - index / 10 }],
      outcomes: Object.entries(outcomes).map(([outcome, mean]) => ({
        ...{ outcome, effective_count: 900 - index * 140, clipped_ratio: 0, covered_ratio: 0.9, call_count: 8_412 },
        doubly_robust: valueOf(mean * (1 - index / 50), mean / 40),
        inverse_propensity: valueOf(mean, mean / 30),
        gain_of_ranking: valueOf(index / 50, 0.01),
      })),
    })),
    empty_reason: null,
  };
}

const METRICS = {
  // name: margin, true difference of the second version, spread of single values, means
  QUALITY: [0.02, 0.041, 0.16, 0.81],
  SUCCESS: [0.02, 0.006, 0.2, 0.962],
  LATENCY: [0.05, 0.118, 0.6, 4.2],
  COST: [0.05, -0.003, 0.5, 0.0123],
  REVISIONS: [0.05, -0.034, 0.7, 0.31],
};
const STRATA = [
  ['anthropic', 'claude-sonnet-4.6', 'code_review', 0.46, 1.3],
  ['openai', 'gpt-5.3', 'code_review', 0.31, 0.9],
  ['google', 'gemini-3-flash', 'code_review', 0.17, 0.5],
  ['qwen', '<b>qwen4</b>', 'code_review', 0.06, -1.2],
];
const WINDOWS = 96;

const versionOf = (name, calls, sinceMs) => ({
  prompt_version: name,
  call_count: calls,
  first_call_time: at(sinceMs),
  last_call_time: at(Date.now()),
  task_types: ['code_review', 'code_generation'],
});

function effectOf(metric, factor, now) {
  const [margin, difference, deviation, mean] = METRICS[metric];
  const truth = difference * factor;
  const sequence = Array.from({ length: WINDOWS }, (_, index) => {
    const calls = index * 45;
    const reach = calls === 0 ? null : (3.4 * deviation) / Math.sqrt(calls);
    const seen = truth + (calls === 0 ? 0 : (deviation / Math.sqrt(calls)) * Math.sin(index / 3));
    return {
      time: at(now - (WINDOWS - 1 - index) * HOUR_MS),
      difference: calls === 0 ? null : seen,
      low: reach === null ? null : seen - reach,
      high: reach === null ? null : seen + reach,
    };
  });
  const last = sequence.at(-1);
  const isLess = metric === 'LATENCY' || metric === 'COST' || metric === 'REVISIONS';
  let verdict = 'UNDECIDED';
  if (last.low > 0) verdict = isLess ? 'WORSE' : 'BETTER';
  else if (last.high < 0) verdict = isLess ? 'BETTER' : 'WORSE';
  else if (last.low > -margin && last.high < margin) verdict = 'NO_DIFFERENCE';
  const decided = sequence.find(({ low, high }) => low !== null && (low > 0 || high < 0));
  return {
    metric,
    verdict,
    ...{ difference: last.difference, low: last.low, high: last.high, margin },
    call_count: WINDOWS * 45,
    further_call_count: verdict === 'UNDECIDED' ? 1_240.5 : null,
    decide_time: verdict === 'UNDECIDED' || !decided ? null : decided.time,
    explanation: `${metric.toLowerCase()} is ${verdict.toLowerCase().replace('_', ' ')}: ${last.difference.toFixed(3)} (${last.low.toFixed(3)} to ${last.high.toFixed(3)})`,
    strata: STRATA.map(([provider, model, taskType, weight, share]) => {
      const reach = (1.7 * deviation) / Math.sqrt(weight * WINDOWS * 45);
      return {
        ...{ provider, model, task_type: taskType, weight_ratio: weight },
        ...{ difference: truth * share, low: truth * share - reach, high: truth * share + reach },
        ...{ version_mean: mean * (1 + truth * share), baseline_mean: mean },
        ...{ version_count: weight * 2_000, baseline_count: weight * 2_200 },
      };
    }),
    sequence,
  };
}

/** GET /prompts, /prompts/compare, /prompts/rank */
function prompts(rest, query) {
  const now = Date.now();
  const isEmpty = query.get('project') === 'empty';
  const since = now - WINDOWS * HOUR_MS;
  const versions = [versionOf('v3', 2_140, since), versionOf('v2', 810, since), versionOf('v1', 4_310, since)];
  const common = {
    task_type: query.get('task_type') ?? '',
    as_of_time: at(now),
    start_time: at(since),
    end_time: at(now),
  };
  if (!rest) {
    const names = isEmpty ? [] : ['review_pull_request', 'write_tests'];
    return { prompts: names.map((name) => ({ prompt_name: name, call_count: 7_260, versions })), as_of_time: at(now) };
  }
  if (rest === 'rank') {
    const places = [
      [1, 1],
      [2, 3],
      [2, 3],
    ];
    const ranked = places.map(([low, high], index) => ({
      ...{ version: versions[index], rank_low: low, rank_high: high, lead: 0.1 - index / 20, evidence_count: 500 },
    }));
    return {
      ...common,
      prompt_name: query.get('prompt_name'),
      metric: 'QUALITY',
      versions: ranked,
      empty_reason: null,
    };
  }
  const effects = (factor) => Object.keys(METRICS).map((metric) => effectOf(metric, factor, now));
  return {
    ...common,
    prompt_name: query.get('prompt_name'),
    baseline: versions[2],
    versions: [
      { version: versions[0], simultaneous_ratio: 0.94, effects: effects(1) },
      { version: versions[1], simultaneous_ratio: 0.31, effects: effects(-0.35) },
    ],
    step_s: 3_600,
    empty_reason: null,
  };
}

const COMPONENTS = { EVALUATION: 0.9, FEEDBACK: 0.84, TESTS: 0.97, CODE: 0.71, STATIC_ANALYSIS: 0.66 };
const FINDINGS = [
  ['CODE', 'complexity', 'reconcile() has a complexity of 31', 'src/<b>ledger</b>.py', 118, 0.083],
  ['STATIC_ANALYSIS', 'S608', 'an SQL query is put together from text', 'src/queries.py', 44, 0.061],
  ['TESTS', 'test_rounding', 'failed: 0.1 + 0.2 != 0.3', 'tests/test_money.py', null, 0.04],
  ['FEEDBACK', 'thumb', 'two of three voters say no', '', null, 0.021],
];

function summaryOf(key, startMs, quality, scores) {
  const reach = 0.3 / Math.sqrt(scores);
  return {
    key,
    start_time: at(startMs),
    score_count: scores,
    ...{ mean_ratio: quality, estimate_ratio: quality },
    ...{ low_ratio: Math.max(0, quality - reach), high_ratio: Math.min(1, quality + reach) },
    components: Object.entries(COMPONENTS)
      .slice(0, 2 + (scores % 4))
      .map(([component, mean]) => ({
        component,
        mean_ratio: Math.min(1, mean * (quality / 0.85)),
        score_count: scores,
      })),
  };
}

/** GET /quality/summary */
function qualitySummary(query) {
  if (query.get('project') === 'empty') return { summaries: [] };
  const [startMs, endMs, stepMs] = [
    Date.parse(query.get('start')),
    Date.parse(query.get('end')),
    Number(query.get('step')) * 1_000,
  ];
  if (stepMs) {
    const first = Math.ceil(startMs / stepMs) * stepMs;
    const count = Math.floor((endMs - first) / stepMs);
    const windows = Array.from({ length: count }, (_, index) => first + index * stepMs).filter(
      (_, index) => index % 9 !== 4,
    );
    return { summaries: windows.map((ms) => summaryOf(null, ms, 0.83 + 0.05 * Math.sin(ms / 4e7), 30)) };
  }
  if (!query.get('group_by')) return { summaries: [summaryOf(null, startMs, 0.84, 1_284)] };
  const wanted = query.getAll('provider');
  const pairs = PAIRS.filter(({ provider }) => wanted.length === 0 || wanted.includes(provider[0])).slice(0, 14);
  return {
    summaries: pairs.map(({ provider, task }, index) =>
      summaryOf({ provider: provider[0], task_type: task[0] }, startMs, task[5] - provider[2] * 2, 12 + index * 17),
    ),
  };
}

function qualityOf(number) {
  const value = 0.31 + number / 20;
  return {
    project: 'default',
    ...(number % 3 === 1 ? { call_id: `call-${number}`, task_id: null } : { call_id: null, task_id: `task-${number}` }),
    key: { provider: 'openai', model: 'gpt-5.3', task_type: 'code_generation', prompt_name: '', prompt_version: '' },
    ...{ start_time: at(Date.now() - number * HOUR_MS), score_time: at(Date.now()) },
    ...{ score_ratio: value, low_ratio: value - 0.08, high_ratio: value + 0.09 },
    components: Object.entries(COMPONENTS).map(([component, mean], index) => ({
      ...{ component, score_ratio: index === 4 ? null : mean - 0.2, share_ratio: 0.2, evidence_count: 1 },
      missing_reason: index === 4 ? 'the analyser took too long' : '',
    })),
    findings: FINDINGS.slice(0, 3).map(findingOf),
    ...{ finding_count: FINDINGS.length, evidence_count: 4, version: 2, weights_version: 1, reader_version: 1 },
  };
}

function findingOf([component, rule, message, path, line, cost]) {
  return { component, rule, message, path, line, cost_ratio: cost };
}

/** GET /quality, /quality/summary, /quality/tasks/{task_id} … */
function quality(rest, query) {
  if (rest === 'summary') return qualitySummary(query);
  if (rest) return { ...qualityOf(Number(/\d+$/.exec(rest)[0])), findings: FINDINGS.map(findingOf) };
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  if (query.get('order') === 'latest_first') numbers.reverse();
  return { qualities: numbers.map(qualityOf), next_page_token: '' };
}

/** GET /baselines by group */
function bands(query) {
  const [metric, dimensions] = [query.get('metric'), query.get('group_by').split(',')];
  const [centre, reach] = { SUCCESS_RATIO: [0.975, 0.02], LATENCY: [2.2, 2.4] }[metric] ?? [1, 1];
  const points = [{ start: at(Date.now() - HOUR_MS), centre, low: Math.max(0, centre - reach), high: centre + reach }];
  const keys = PAIRS.map(({ provider, task }) => ({ provider: provider[0], model: provider[0], task_type: task[0] }));
  const keyOf = (key) => Object.fromEntries(dimensions.map((dimension) => [dimension, key[dimension]]));
  return { bands: keys.map((key) => ({ key: keyOf(key), points })) };
}

/** What the mock says to a path of the API: [status, body], or undefined where it is not one of these. */
export function insight(method, path, query) {
  const [, name, rest] = /^\/api\/v1\/([\w-]+)(?:\/(.*))?$/.exec(path) ?? [];
  if (name === 'rankings' && method === 'GET' && rest) return [200, ranking(decodeURIComponent(rest), query)];
  if (name === 'ranking-history') return [200, history(rest, query)];
  if (name === 'ranking-backtests') return [200, backtest()];
  if (name === 'baselines' && query.has('group_by')) return [200, bands(query)];
  if (name === 'quality' && method === 'GET') return [200, quality(rest, query)];
  if (name === 'prompts' && method === 'GET') return [200, prompts(rest, query)];
  return undefined;
}
