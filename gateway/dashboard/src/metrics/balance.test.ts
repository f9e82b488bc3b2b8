import { expect, it } from 'vitest';
import { missing } from './balance';
import { emptyAccount } from './fixtures';

it.each([
  [
    {
      received_count: 10,
      stored_count: 5,
      duplicate_count: 2,
      rejected_count: 1,
      dead_lettered_count: 1,
      in_flight_count: 1,
    },
    0,
  ],
  [{ received_count: 10, stored_count: 9 }, 1],
  [{ received_count: 10, stored_count: 11 }, -1],
  [{ received_count: 10, stored_count: 10, client_dropped_count: 7, too_late_count: 3 }, 0],
])('%j lacks %d', (counts, expected) => expect(missing({ ...emptyAccount, ...counts })).toBe(expected));
