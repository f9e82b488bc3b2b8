// A window without calls and an account without records, for tests to vary.
import type { LedgerCounts, MetricWindow } from '../api/model';

export const emptyAccount: LedgerCounts = {
  received_count: 0,
  stored_count: 0,
  rejected_count: 0,
  duplicate_count: 0,
  dead_lettered_count: 0,
  in_flight_count: 0,
  client_dropped_count: 0,
  too_late_count: 0,
};

export const emptyWindow: MetricWindow = {
  start: '1970-01-01T00:00:00Z',
  end: '1970-01-01T00:01:00Z',
  call_count: 0,
  success_ratio: null,
  outcome_counts: {},
  latency_s: null,
  time_to_first_token_s: null,
  unsuccessful_latency_s: null,
  latency_mean_s: null,
  input_token_count: 0,
  output_token_count: 0,
  cache_read_token_count: 0,
  cache_write_token_count: 0,
  reasoning_token_count: 0,
  cost_usd: 0,
  cost_unknown_count: 0,
  task_count: 0,
  accepted_task_count: 0,
  cost_per_accepted_task_usd: null,
  revision_count: 0,
  quality_ratio: null,
  quality_count: 0,
};
