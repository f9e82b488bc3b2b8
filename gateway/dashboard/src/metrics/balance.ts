// The ledger's promise: what was received is somewhere.
import type { LedgerCounts } from '../api/model';

/** What the received items became; these add up. */
export const PARTS = [
  'stored_count',
  'duplicate_count',
  'rejected_count',
  'dead_lettered_count',
  'in_flight_count',
] as const;

/** Received items that are nowhere; below zero, there are more than were received. */
export function missing(counts: LedgerCounts): number {
  return counts.received_count - PARTS.reduce((sum, part) => sum + counts[part], 0);
}
