// What each number means, in one or two sentences: shown where one hovers, and all together in the help.

export const DEFINITIONS = {
  calls: 'Requests to providers that started in the range, however they ended.',
  rate: 'Calls per time in the latest window that is over, as long as one bar of the chart.',
  success: 'Calls that succeeded, of all but those that their caller cancelled.',
  latency:
    'From sending the request to the last byte of the answer, for calls that succeeded. p50: half were faster; p95: 95 of 100 were. Within 1 %.',
  p50: 'Median latency of the calls that succeeded: half were faster. Within 1 %.',
  p95: 'Latency that 95 of 100 calls that succeeded stayed below. Within 1 %.',
  firstToken:
    'Median time from sending the request to the first token of the answer, for streamed calls that succeeded.',
  tokens:
    'Tokens as the providers counted them: all of the request (cache included) and all of the answer (reasoning included).',
  tokensIn: 'Tokens of the requests, cache reads and writes included.',
  tokensOut: 'Tokens of the answers, reasoning included.',
  cost: 'Sum of the known costs. A call has its price from its caller or from the price table of its day; one without is counted as unpriced, not as free.',
  costPerAccepted:
    'All known cost, failed tries and revisions included, by the tasks whose result was accepted: what a result that was kept really costs.',
  quality: 'Mean score of the answers that were scored, 0 to 1.',
  activity: 'Calls over the range; each row has its own scale.',
  provider: 'Who answered.',
  task: 'The kind of work that the call was for.',
  typicalLatency:
    'Median latency of the calls that succeeded, drawn before what is typical of them at that hour. Within 1 %.',
  costPerCall: 'Known cost by the calls whose cost is known.',
  outputTokens: 'Tokens of the answers by calls, reasoning included.',
  revisions: 'Revisions by tasks: how often a result had to be made again.',
  volume: 'Calls an hour.',
  usual:
    'What the analyzer has learnt to expect at that time, from the past of these series: the line, and the range within which it is normal.',
  anomaly: 'An episode in which a metric is not what is usual, beyond what chance would explain.',
  severity: 'Critical: look at it now. Warning: look at it today. Info: good to know.',
  evidence: 'How many times better "something changed" explains what was seen than "nothing did", as an e-value.',
  lag: 'Time from the receipt of the latest call until it was visible here.',
  received: 'Everything in the batches that were acknowledged. It is the sum of what follows, or something was lost.',
  stored: 'In the database, and in the numbers above.',
  duplicate: 'Sent again with a known id, and dropped.',
  rejected: 'Refused one by one at the door, each with its reason.',
  deadLettered: 'Could not be stored; kept aside for somebody to look at.',
  inFlight: 'Acknowledged and on disk, on its way to the database.',
  clientDropped: 'What clients say they dropped before sending, for want of room. Not part of what was received.',
  waiting: 'Evidence whose call or task has not arrived yet.',
} as const;

export type Term = keyof typeof DEFINITIONS;
