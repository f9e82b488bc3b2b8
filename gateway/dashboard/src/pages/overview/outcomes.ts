// The ways in which a call can end, in the order in which they are shown.

export const OUTCOMES = [
  ['SUCCEEDED', 'succeeded'],
  ['FAILED', 'failed'],
  ['TIMED_OUT', 'timed out'],
  ['RATE_LIMITED', 'rate limited'],
  ['REFUSED', 'refused'],
  ['CANCELLED', 'cancelled'],
] as const;
