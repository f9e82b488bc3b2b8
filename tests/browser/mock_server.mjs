// Serves the built dashboard with made-up numbers that move, for looking at pages without the suite behind them.
// Prints {"url", "login_path"} when it listens. The project `empty` has no calls, `quiet` has none lately.
// POST /mock/outage refuses and cuts streams until POST /mock/recovery; mock_findings.mjs knows more of the kind.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { Findings } from './mock_findings.mjs';
import { insight } from './mock_insights.mjs';
import { answer } from './mock_numbers.mjs';
import { Reporter } from './mock_reports.mjs';

const DIST = process.env.ASSAY_DASHBOARD ?? resolve(import.meta.dirname, '../../gateway/dashboard/dist');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; frame-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LATEST_QUIET_CALL = '2026-04-11T20:04:22Z';
const COLLECTOR_ADDRESS = 'collector.test:7001';
const TICK_MS = 1_000;

const startedMs = Date.now();
const streams = new Set();
const findings = new Findings();
const reporter = new Reporter();
let isOut = false;

function durationMs(text) {
  const [, number, unit] = /^(\d+)([smhd]?)$/.exec(text);
  return Number(number) * UNIT_MS[unit || 's'];
}

/** Ranges begin that long before the server did, so that nothing leaves them and counts only grow. */
function momentMs(text, nowMs) {
  if (!text) return nowMs;
  return text.startsWith('-') ? startedMs - durationMs(text.slice(1)) : Date.parse(text);
}

function questionOf(query, nowMs) {
  const rangeMs = query.has('range') ? durationMs(query.get('range')) : 0;
  return {
    startMs: rangeMs ? startedMs - rangeMs : momentMs(query.get('start') ?? '-24h', nowMs),
    endMs: momentMs(query.get('end'), nowMs),
    stepMs: query.has('step') ? durationMs(query.get('step')) : 0,
    groupBy: (query.get('group_by') ?? '').split(',').filter(Boolean),
    filters: { provider: query.getAll('provider'), task_type: query.getAll('task_type') },
    nowMs,
  };
}

function seriesOf(query, question) {
  const project = query.get('project');
  const isLate = project === 'quiet' && question.startMs > Date.parse(LATEST_QUIET_CALL);
  return project === 'empty' || isLate ? [] : answer(question);
}

function accountOf(project, nowMs) {
  const zero = {
    received_count: 0,
    stored_count: 0,
    rejected_count: 0,
    duplicate_count: 0,
    dead_lettered_count: 0,
    in_flight_count: 0,
  };
  if (project === 'empty') return { ...zero, client_dropped_count: 0, too_late_count: 0 };
  const stored = 1_284_016 + Math.round((nowMs - startedMs) / 40);
  const inFlight = Math.round(20 + 18 * Math.sin(nowMs / 1_700));
  const parts = {
    ...zero,
    stored_count: stored,
    duplicate_count: 16_284,
    rejected_count: 42,
    in_flight_count: inFlight,
  };
  return { ...parts, received_count: stored + 16_284 + 42 + inFlight, client_dropped_count: 0, too_late_count: 0 };
}

function ledgerOf(project, nowMs) {
  const call = accountOf(project, nowMs);
  const evidence = { ...accountOf('empty', nowMs) };
  if (project !== 'empty')
    Object.assign(evidence, { received_count: 14_699, stored_count: 14_687, duplicate_count: 12 });
  const totals = { call, evidence };
  return {
    totals,
    today: totals,
    lag_s: 0.3 + 0.2 * Math.sin(nowMs / 2_300),
    waiting_evidence_count: project === 'empty' ? 0 : 3,
  };
}

function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function problem(response, status, reason, detail) {
  json(response, status, { type: 'about:blank', title: reason, status, detail, reason });
}

function stream(response, query) {
  if (isOut) return problem(response, 503, 'BUS_UNAVAILABLE', 'the collector is away');
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('retry: 2000\n\n');
  let number = 0;
  const send = (event, data) =>
    response.write(`id: mock-${(number += 1)}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const tick = (isSnapshot) => {
    const nowMs = Date.now();
    const question = questionOf(query, nowMs);
    const common = { is_snapshot: isSnapshot, as_of: new Date(nowMs).toISOString(), lag_s: ledgerOf('', nowMs).lag_s };
    const sinceMs = isSnapshot ? 0 : nowMs - 3 * TICK_MS;
    send('metrics', { ...common, series: seriesOf(query, { ...question, sinceMs }) });
    send('totals', { ...common, series: seriesOf(query, { ...question, stepMs: 0, groupBy: [] }) });
    send('ledger', ledgerOf(query.get('project'), nowMs));
  };
  tick(true);
  for (const [event, data] of findings.snapshots(query.get('project'))) send(event, data);
  findings.listeners.add(send);
  const timer = setInterval(() => tick(false), TICK_MS);
  streams.add(response);
  response.on('close', () => {
    clearInterval(timer);
    streams.delete(response);
    findings.listeners.delete(send);
  });
}

async function bodyOf(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body ? JSON.parse(body) : {};
}

async function findingsOf(request, response, path, query) {
  if (findings.control[path]) {
    findings.control[path]();
    return response.writeHead(204).end();
  }
  const body = await bodyOf(request);
  const question = [request.method, path, query, body];
  const found = insight(...question) ?? reporter.answer(...question) ?? findings.answer(...question);
  if (typeof found?.[1] === 'string') paper(response, found[1]);
  else if (found?.[0] === 204) response.writeHead(204).end();
  else if (found) json(response, ...found);
  else file(response, path);
}

/** A report as the gateway sends it: a stranger to the pages, that can do nothing. */
function paper(response, html) {
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups allow-modals";
  response.writeHead(200, { 'content-type': TYPES['.html'], 'content-security-policy': policy });
  response.end(html);
}

async function session(request, response) {
  if (request.method === 'GET') {
    if (!/assay_session=mock/.test(request.headers.cookie ?? ''))
      return problem(response, 401, 'KEY_MISSING', 'sign in first');
    const projects = ['default', 'empty', 'quiet'].map((project) => ({ project, time_zone: 'Europe/Berlin' }));
    return json(response, 200, {
      key_id: 'mock',
      project: null,
      roles: ['INSTALLATION_ADMIN'],
      projects,
      expire_time: null,
      collector_address: COLLECTOR_ADDRESS,
    });
  }
  if (request.method === 'DELETE')
    return response.writeHead(204, { 'set-cookie': 'assay_session=; Path=/; Max-Age=0' }).end();
  const { token, key } = await bodyOf(request);
  if (token !== 'mock-token' && key !== 'mock-key') return problem(response, 401, 'KEY_INVALID', 'not known');
  return response.writeHead(204, { 'set-cookie': 'assay_session=mock; HttpOnly; SameSite=Strict; Path=/' }).end();
}

function file(response, path) {
  const found = join(DIST, path);
  const served = extname(path) && existsSync(found) ? found : join(DIST, 'index.html');
  response.writeHead(200, { 'content-type': TYPES[extname(served)] ?? 'application/octet-stream' });
  createReadStream(served).pipe(response);
}

const ROUTES = {
  '/api/v1/session': session,
  '/api/v1/stream': (_, response, query) => stream(response, query),
  '/api/v1/metrics': (_, response, query) => {
    if (isOut) return problem(response, 503, 'UNAVAILABLE', 'The collector is away.');
    const nowMs = Date.now();
    return json(response, 200, {
      as_of: new Date(nowMs).toISOString(),
      series: seriesOf(query, questionOf(query, nowMs)),
    });
  },
  '/api/v1/calls': (_, response) =>
    json(response, 200, { calls: [{ call_id: 'a', start_time: LATEST_QUIET_CALL }], next_page_token: '' }),
  '/mock/outage': (_, response) => {
    isOut = true;
    for (const one of streams) one.destroy();
    response.writeHead(204).end();
  },
  '/mock/recovery': (_, response) => {
    isOut = false;
    response.writeHead(204).end();
  },
};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://mock');
  response.setHeader('content-security-policy', POLICY);
  if (ROUTES[pathname]) ROUTES[pathname](request, response, searchParams);
  else void findingsOf(request, response, pathname, searchParams);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, login_path: '/login?token=mock-token' }));
});
process.on('SIGTERM', () => process.exit(0));
