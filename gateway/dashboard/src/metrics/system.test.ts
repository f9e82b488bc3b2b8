import { describe, expect, it } from 'vitest';
import { servicesOf } from './system';

describe('the services', () => {
  it('are all there while the gateway misses none', () => {
    const all = servicesOf({ ready: true, reasons: {} });
    expect(all.map(({ name, isThere }) => [name, isThere])).toEqual([
      ['collector', true],
      ['analyzer', true],
      ['alerter', true],
      ['reporter', true],
    ]);
  });

  it('that are away come first, with the reason, whether or not they are needed', () => {
    const found = servicesOf({ ready: false, reasons: { process: 'stopping' }, without: { alerter: 'cannot be reached' } });
    expect(found.slice(0, 2).map(({ name, why }) => [name, why])).toEqual([
      ['process', 'stopping'],
      ['alerter', 'cannot be reached'],
    ]);
    expect(found).toHaveLength(5);
  });
});
