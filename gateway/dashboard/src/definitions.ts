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
  timePerAccepted:
    'The time of all calls, failed tries and revisions included, by the tasks whose result was accepted.',
  rankInterval:
    'Holds the true rank in 95 % of the cases. Where intervals overlap, the evidence does not say who is better.',
  rankingScore:
    'Expected usefulness by the objective, with its 90 % interval; higher is better, and a halved latency adds 0.1 times its weight.',
  probabilityBest: 'How probable it is that this one is the best of all that are ranked.',
  share: 'Share of the traffic that serves best and keeps the others being learnt about. Choose by it at random.',
  front: 'Nobody is better in one of the two and at least as good in the other.',
  difference:
    'Version less baseline, within the same provider, model and task, weighted by how many calls can be compared.',
  sequence:
    'Holds the true difference at all times at once, together with all other comparisons, in 95 % of the cases: looking every day is allowed.',
  margin: 'A difference that is not worth having: smaller ones count as none.',
  simultaneous:
    "Share of its calls that the baseline had calls beside, in the same window, provider, model and task. Where it is small, whatever else changed counts as the prompt's doing.",
  strata:
    "A provider's model on a kind of task. Calls are compared within these alone, since otherwise a change of the mix would look like one of the prompt.",
  qualityEstimate:
    'The mean score as far as so few scores tell: drawn toward what is usual, without the habits of raters, with its 90 % interval.',
  qualityScores: 'Calls and tasks that were scored.',
  componentCode: 'The code itself: complexity, length, syntax, duplication.',
  componentTests: 'Outcome of tests.',
  componentCoverage: 'How much of the code tests reach.',
  componentStatic: 'Findings of analysers.',
  componentFeedback: 'What people said: thumbs, ratings, what they kept.',
  componentRevisions: 'How often the result was worked over.',
  componentEvaluation: 'Scores of judges and verifiers.',
  leftOut: 'Not ranked, since the question does not allow them or too little is known.',
  decayedCalls: 'Calls on this kind of task, each counted the less the longer it is ago: half after a week.',
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
  before: 'The same of the range before, which is as long and ends where this one begins.',
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
