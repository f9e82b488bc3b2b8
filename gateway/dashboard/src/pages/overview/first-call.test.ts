import { describe, expect, it } from 'vitest';
import { collectorFrom, firstCall } from './first-call';

describe('the first call goes to', () => {
  it.each([
    ['localhost', '127.0.0.1:7001', 'localhost:7001'],
    ['assay.example.com', '127.0.0.1:7001', 'assay.example.com:7001'],
    ['assay.example.com', '[::1]:21001', 'assay.example.com:21001'],
    ['assay.example.com', 'collector.internal:7001', 'collector.internal:7001'],
    ['assay.example.com', '10.127.0.1:7001', '10.127.0.1:7001'],
  ])('the collector as it is seen from %s, at %s', (host, address, expected) => {
    expect(collectorFrom(host, address)).toBe(expected);
  });

  it.each(['Python', 'grpcurl'] as const)('its address, by %s', (way) => {
    expect(firstCall(way, { origin: 'https://a', collector: 'c:7001', project: 'p' })).toContain('c:7001');
  });
});
