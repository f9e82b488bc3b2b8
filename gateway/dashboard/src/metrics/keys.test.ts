import { describe, expect, it } from 'vitest';
import type { Key } from '../api/model';
import { stateOf } from './keys';

const key: Key = {
  key_id: 'k',
  project: 'default',
  display_name: '',
  roles: ['READ'],
  create_time: null,
  expire_time: null,
  revoke_time: null,
  calls_per_s_limit: 0,
  calls_burst_limit: 0,
  open_streams_limit: 0,
};

describe('a key', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');

  it('works until it is revoked or its time is over', () => {
    expect(stateOf(key, now)).toBe('works');
    expect(stateOf({ ...key, expire_time: '2026-11-22T12:00:01Z' }, now)).toBe('works');
    expect(stateOf({ ...key, expire_time: '2026-11-22T12:00:00Z' }, now)).toBe('expired');
    expect(stateOf({ ...key, revoke_time: '2026-11-01T00:00:00Z' }, now)).toBe('revoked');
  });
});
