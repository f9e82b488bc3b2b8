// Made-up numbers for the mock server: the same for the same moment, so that pages can be compared.

const PROVIDERS = [
  // name, seconds of latency, part that fails, dollars a call, whether it streams
  ['anthropic', 2.4, 0.012, 0.0061, true],
  ['openai', 1.9, 0.018, 0.0047, true],
  ['google', 1.4, 0.021, 0.0019, true],
  ['mistralai', 1.1, 0.034, 0.0008, true],
  ['deepseek', 4.8, 0.055, 0.0005, true],
  ['qwen', 3.1, 0.041, 0.0007, false],
  ['x-ai', 2.2, 0.029, 0.0039, true],
  ['ollama', 7.5, 0.11, null, false],
];
const TASKS = [
  // name, calls a minute, factor of latency, input and output tokens, quality
  ['code_generation', 5.2, 2.2, 2400, 900, 0.81],
  ['code_review', 3.1, 1.6, 5200, 420, 0.78],
  ['tool_calling', 7.4, 0.5, 900, 110, 0.9],
  ['summarization', 2.3, 0.9, 6100, 260, 0.86],
  ['translation', 1.2, 0.8, 700, 680, 0.92],
  ['customer_support', 4.4, 0.7, 1300, 240, 0.74],
  ['structured_output', 0.9, 0.6, 800, 310, 0.95],
];
const RARE_OUTCOMES = ['FAILED', 'TIMED_OUT', 'RATE_LIMITED', 'REFUSED', 'CANCELLED'];

/** A number of 0 to 1 that looks random and is always the same for the same words. */
function chance(...words) {
  let hash = 2166136261;
  for (const letter of words.join(' ')) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

export const PAIRS = PROVIDERS.flatMap((provider) => TASKS.map((task) => ({ provider, task }))).filter(
  ({ provider, task }) => chance('pair', provider[0], task[0]) > 0.22,
);

/** A cell of time of one pair; `untilMs` cuts off what has not happened yet. */
function cell({ provider, task }, startMs, stepMs, untilMs) {
  const [name, baseLatency, failing, dollars, isStreamed] = provider;
  const [taskType, perMinute, factor, input, output, quality] = task;
  const over = Math.max(0, Math.min(1, (untilMs - startMs) / stepMs));
  const hour = (startMs / 3_600_000) % 24;
  const rhythm = 0.65 + 0.35 * Math.sin(((hour - 8) / 24) * 2 * Math.PI);
  const seed = [name, taskType, startMs];
  const share = 0.15 + chance('share', name, taskType);
  const calls = Math.round(
    perMinute * (stepMs / 60_000) * rhythm * share * (0.6 + 0.8 * chance('calls', ...seed)) * over,
  );
  const bad = Math.min(
    calls,
    Math.floor(calls * failing * (0.2 + 1.6 * chance('bad', ...seed)) + chance('one', ...seed)),
  );
  const latency = baseLatency * factor * (0.9 + 0.25 * chance('latency', ...seed));
  return {
    calls,
    bad,
    outcome: RARE_OUTCOMES[Math.floor(chance('outcome', ...seed) ** 2 * RARE_OUTCOMES.length)],
    latency,
    firstToken: isStreamed ? latency * 0.22 : null,
    input: calls * input,
    output: Math.round((calls - bad) * output),
    cost: dollars === null ? 0 : calls * dollars * (input / 2000),
    unpriced: dollars === null ? calls : 0,
    tasks: Math.round(calls / 3),
    quality: quality - baseLatency / 100 + 0.04 * (chance('quality', ...seed) - 0.5),
  };
}

const quantiles = (median, spread) =>
  median === null
    ? null
    : { p50: median, p90: median * spread, p95: median * spread * 1.35, p99: median * spread * 2.1 };

function mean(cells, value, weight) {
  let sum = 0;
  let weights = 0;
  for (const one of cells) {
    if (value(one) === null || weight(one) === 0) continue;
    sum += value(one) * weight(one);
    weights += weight(one);
  }
  return weights > 0 ? sum / weights : null;
}

/** Sums up cells as the collector would sum up calls; the quantiles are no better than plausible. */
export function windowOf(cells, startMs, endMs) {
  const total = (value) => cells.reduce((sum, one) => sum + value(one), 0);
  const good = (one) => one.calls - one.bad;
  const outcomes = { SUCCEEDED: total(good) };
  for (const outcome of RARE_OUTCOMES) outcomes[outcome] = total((one) => (one.outcome === outcome ? one.bad : 0));
  const calls = total((one) => one.calls);
  const counted = calls - outcomes.CANCELLED;
  const accepted = Math.round(total((one) => one.tasks) * 0.83);
  const cost = total((one) => one.cost);
  const latency = mean(cells, (one) => one.latency, good);
  return {
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    call_count: calls,
    success_ratio: counted > 0 ? outcomes.SUCCEEDED / counted : null,
    outcome_counts: outcomes,
    latency_s: quantiles(latency, 2.4),
    time_to_first_token_s: quantiles(
      mean(cells, (one) => one.firstToken, good),
      1.9,
    ),
    unsuccessful_latency_s: quantiles(
      mean(
        cells,
        (one) => one.latency * 0.4,
        (one) => one.bad,
      ),
      3,
    ),
    latency_mean_s: latency === null ? null : latency * 1.3,
    input_token_count: total((one) => one.input),
    output_token_count: total((one) => one.output),
    cache_read_token_count: Math.round(total((one) => one.input) * 0.31),
    cache_write_token_count: Math.round(total((one) => one.input) * 0.07),
    reasoning_token_count: Math.round(total((one) => one.output) * 0.18),
    cost_usd: cost,
    cost_unknown_count: total((one) => one.unpriced),
    task_count: total((one) => one.tasks),
    accepted_task_count: accepted,
    cost_per_accepted_task_usd: accepted > 0 ? cost / accepted : null,
    revision_count: Math.round(accepted * 0.4),
    quality_ratio: mean(cells, (one) => one.quality, good),
    quality_count: Math.round(outcomes.SUCCEEDED * 0.6),
  };
}

/** Answers a query: `stepMs` 0 is one window for the range. `sinceMs` leaves out windows that ended before. */
export function answer({ startMs, endMs, stepMs, groupBy, filters, nowMs, sinceMs = 0 }) {
  const cellMs = stepMs || (endMs - startMs <= 6 * 3_600_000 ? 60_000 : 900_000);
  const firstMs = Math.floor(startMs / cellMs) * cellMs;
  const groups = new Map();
  for (const pair of PAIRS) {
    const names = { provider: pair.provider[0], task_type: pair.task[0] };
    if (Object.entries(filters).some(([dimension, values]) => values.length > 0 && !values.includes(names[dimension])))
      continue;
    const key = Object.fromEntries(groupBy.map((dimension) => [dimension, names[dimension]]));
    const id = JSON.stringify(key);
    if (!groups.has(id)) groups.set(id, { key, byStart: new Map() });
    const { byStart } = groups.get(id);
    for (let at = firstMs; at < Math.min(endMs, nowMs); at += cellMs) {
      if (at + cellMs <= sinceMs) continue;
      const start = stepMs ? at : firstMs;
      if (!byStart.has(start)) byStart.set(start, []);
      byStart.get(start).push(cell(pair, at, cellMs, nowMs));
    }
  }
  const series = [...groups.values()].map(({ key, byStart }) => ({
    key,
    windows: [...byStart]
      .map(([start, cells]) => windowOf(cells, start, stepMs ? start + stepMs : Math.min(endMs, nowMs)))
      .filter((window) => window.call_count > 0),
  }));
  return series.filter(({ windows }) => windows.length > 0);
}
