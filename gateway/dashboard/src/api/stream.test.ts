import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStream, type StreamHandlers } from './stream';

/** A browser's EventSource whose server is the test. */
class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeSource[] = [];
  readyState = 1;
  onopen = (): void => undefined;
  onerror = (): void => undefined;

  constructor(readonly address: string) {
    super();
    FakeSource.opened.push(this);
  }

  say(event: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
  }

  close(): void {
    this.readyState = FakeSource.CLOSED;
  }
}

const QUERY = { project: 'default', time_zone: 'UTC', group_by: [], filters: {}, range_s: 3_600, step_s: 60 };
const heard: string[] = [];
const handlers: StreamHandlers = {
  metrics: () => heard.push('metrics'),
  totals: () => heard.push('totals'),
  ledger: () => heard.push('ledger'),
  anomalies: () => heard.push('anomalies'),
  alerts: () => heard.push('alerts'),
  news: (kind) => heard.push(kind),
  connected: () => heard.push('connected'),
  reconnecting: () => heard.push('reconnecting'),
  refused: () => heard.push('refused'),
};

function newest(): FakeSource {
  const source = FakeSource.opened.at(-1);
  if (!source) throw new Error('nothing was opened');
  return source;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('EventSource', FakeSource);
  FakeSource.opened = [];
  heard.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a live connection', () => {
  it('is left alone while heartbeats come', () => {
    const close = openStream(QUERY, handlers);
    newest().say('ledger', {});
    for (let beat = 0; beat < 20; beat += 1) {
      newest().say('heartbeat', { interval_s: 15 });
      vi.advanceTimersByTime(15_000);
    }
    expect(FakeSource.opened).toHaveLength(1);
    expect(heard).toEqual(['connected', 'ledger']);
    close();
  });

  it('is not taken for fed by what other services than the collector say', () => {
    const close = openStream(QUERY, handlers);
    newest().say('status', { connected: false });
    newest().say('anomalies', {});
    newest().say('alerts', {});
    expect(heard).toEqual(['reconnecting', 'anomalies', 'alerts']);
    close();
  });

  it('is replaced when even the heartbeats stop', () => {
    const close = openStream(QUERY, handlers);
    const dead = newest();
    dead.say('heartbeat', { interval_s: 15 });
    vi.advanceTimersByTime(30_000);
    expect(FakeSource.opened).toHaveLength(1);
    vi.advanceTimersByTime(10_000);
    expect(heard).toEqual(['reconnecting']);
    expect(dead.readyState).toBe(FakeSource.CLOSED);
    newest().say('ledger', {});
    expect(heard).toEqual(['reconnecting', 'connected', 'ledger']);
    expect(FakeSource.opened).toHaveLength(2);
    close();
  });

  it('is replaced again and again while nothing answers', () => {
    const close = openStream(QUERY, handlers);
    vi.advanceTimersByTime(200_000);
    expect(FakeSource.opened).toHaveLength(4);
    close();
    vi.advanceTimersByTime(200_000);
    expect(FakeSource.opened).toHaveLength(4);
  });

  it('that was refused is tried again later and later', () => {
    const close = openStream(QUERY, handlers);
    for (const [waitMs, count] of [
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
    ] as const) {
      newest().close();
      newest().onerror();
      vi.advanceTimersByTime(waitMs - 1);
      expect(FakeSource.opened).toHaveLength(count - 1);
      vi.advanceTimersByTime(1);
      expect(FakeSource.opened).toHaveLength(count);
    }
    expect(heard).toEqual(['reconnecting', 'refused', 'reconnecting', 'refused', 'reconnecting', 'refused']);
    close();
  });
});
