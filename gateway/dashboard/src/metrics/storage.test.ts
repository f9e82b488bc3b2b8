import { describe, expect, it } from 'vitest';
import type { Storage } from '../api/model';
import { partsOf, streamRatio } from './storage';

const table = (name: string, byte_count: number) => ({ name, byte_count, row_count: 10 });
const STORAGE: Storage = {
  database_byte_count: 1_000,
  tables: [table('call', 400), ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => table(name, 10))],
  ingest_stream: { message_count: 3, byte_count: 25, byte_limit: 100 },
  calls_kept_days: 30,
  minutes_kept_days: 14,
  quarters_kept_days: 400,
};

describe('the parts of the storage', () => {
  it('add up to the whole, the largest by their names', () => {
    const parts = partsOf(STORAGE);
    expect(parts.map(({ name }) => name)).toEqual(['Calls', 'a', 'b', 'c', 'd', 'e', 'Everything else']);
    expect(parts.reduce((sum, part) => sum + part.byte_count, 0)).toBe(1_000);
  });

  it('are none of less than nothing, though sizes are not of one moment', () => {
    expect(partsOf({ ...STORAGE, database_byte_count: 300 }).at(-1)?.byte_count).toBe(0);
  });

  it('say how full the stream is, where it can be full', () => {
    expect(streamRatio(STORAGE)).toBe(0.25);
    expect(streamRatio({ ...STORAGE, ingest_stream: { message_count: 0, byte_count: 0, byte_limit: 0 } })).toBeNull();
  });
});
