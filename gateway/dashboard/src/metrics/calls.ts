// What a call says: its numbers out of protobuf's JSON, where its cost is from, and its evidence in words.
import type { CallOutcome, StoredCall } from '../api/model';
import { count, plural, ratio, score, text } from '../format/format';

export const OUTCOME_WORDS: Readonly<Record<CallOutcome, string>> = {
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  TIMED_OUT: 'Timed out',
  RATE_LIMITED: 'Rate limited',
  REFUSED: 'Refused',
  CANCELLED: 'Cancelled',
};

export const OUTCOME_NAMES = Object.keys(OUTCOME_WORDS) as CallOutcome[];

const NANOS_PER_USD = 1e9;

/** How it ended; null for a way that this page does not know. */
export function outcomeOf(call: StoredCall): CallOutcome | null {
  const name = call.outcome?.replace(/^CALL_OUTCOME_/, '');
  return OUTCOME_NAMES.find((one) => one === name) ?? null;
}

/** Seconds of a duration such as 2.818s. */
export function secondsOf(duration: string | null | undefined): number | null {
  return duration ? parseFloat(duration) : null;
}

export function costOf(call: StoredCall): number | null {
  return call.cost_usd_nanos ? Number(call.cost_usd_nanos) / NANOS_PER_USD : null;
}

/** Tokens by what they were; parts are contained in the wholes. */
export interface Tokens {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  reasoning: number;
}

/** Null where the provider did not say. */
export function tokensOf({ usage }: StoredCall): Tokens | null {
  if (!usage) return null;
  return {
    input: Number(usage.input_token_count ?? 0),
    output: Number(usage.output_token_count ?? 0),
    cacheRead: Number(usage.cache_read_token_count ?? 0),
    cacheWrite: Number(usage.cache_write_token_count ?? 0),
    reasoning: Number(usage.reasoning_token_count ?? 0),
  };
}

/** How fast the answer was written, tokens per second: its first token left out, since that one's wait is the prompt's doing. */
export function writingSpeed(call: StoredCall): number | null {
  const latency = secondsOf(call.latency);
  const first = secondsOf(call.time_to_first_token);
  const output = tokensOf(call)?.output ?? 0;
  if (latency === null || first === null || output < 2 || latency <= first) return null;
  return (output - 1) / (latency - first);
}

/** Where the cost is from, in a sentence. */
export function priceWords({ price_origin: origin, price_version: version }: StoredCall): string {
  if (origin === 'CALLER') return 'Its caller said what it cost.';
  if (origin === 'TABLE')
    return `Priced by its tokens from the table of the day on which it started${version && `, ${version}`}.`;
  return 'Not known: its caller did not say, and no price table has its model. It is counted as unpriced, not as free.';
}

/** One piece of evidence in words. */
export interface EvidenceWords {
  id: string;
  /** RFC 3339; empty where it is not known. */
  time: string;
  what: string;
  /** What it says, and who. */
  facts: readonly string[];
  /** What a person wrote. */
  comment: string;
  /** 0 to 1, where it says so by itself. */
  scoreRatio: number | null;
}

type Json = Readonly<Record<string, unknown>>;

const part = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const words = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads evidence in protobuf's JSON, which leaves out what is zero. */
export function evidenceWords(evidence: Json): EvidenceWords {
  const common = {
    id: words(evidence.evidence_id),
    time: words(evidence.observe_time),
    comment: '',
    scoreRatio: null,
  };
  for (const [kind, read] of Object.entries(KINDS)) {
    if (Object.hasOwn(evidence, kind)) return { ...common, ...read(part(evidence[kind])) };
  }
  return { ...common, what: 'Evidence', facts: ['of a kind that this page does not know'] };
}

type Read = (of: Json) => Pick<EvidenceWords, 'what' | 'facts'> & Partial<EvidenceWords>;

const KINDS: Readonly<Record<string, Read>> = {
  evaluation: (of) => {
    const scoreRatio = number(of.score_ratio);
    return { what: 'Evaluation', facts: [text(score(scoreRatio)), `by ${words(of.evaluator)}`], scoreRatio };
  },
  feedback: (of) => ({
    what: 'Feedback',
    facts: [
      ...(typeof of.rating_ratio === 'number' ? [`rated ${text(score(of.rating_ratio))}`] : []),
      ...(typeof of.accepted === 'boolean' ? [of.accepted ? 'accepted' : 'not accepted'] : []),
      ...(of.rater ? [`by ${words(of.rater)}`] : []),
    ],
    comment: words(of.comment),
    scoreRatio: typeof of.rating_ratio === 'number' ? of.rating_ratio : null,
  }),
  tests: (of) => {
    const { passed_count: passed, failed_count: failed, skipped_count: skipped } = part(of.counts);
    const counts = [
      [number(passed), 'passed'],
      [number(failed), 'failed'],
      [number(skipped), 'skipped'],
    ] as const;
    const facts = of.counts ? counts.map(([many, what]) => `${text(count(many))} ${what}`) : ['a JUnit report'];
    return { what: 'Tests', facts };
  },
  coverage: (of) => ({
    what: 'Coverage',
    facts: [typeof of.covered_ratio === 'number' ? text(ratio(of.covered_ratio)) : 'a report of covered lines'],
  }),
  static_analysis: (of) => {
    const { error_count: errors, warning_count: warnings, note_count: notes, line_count: lines } = part(of.counts);
    const facts = of.counts
      ? [
          plural(number(errors), 'error'),
          plural(number(warnings), 'warning'),
          plural(number(notes), 'note'),
          `in ${plural(number(lines), 'line')}`,
        ]
      : ['a SARIF report'];
    return { what: 'Static analysis', facts };
  },
  code: (of) => ({
    what: 'Code',
    facts: [words(of.language) || 'language told from its files', 'unified_diff' in of ? 'a change' : 'a file'],
  }),
  revision: (of) => ({ what: 'Revision', facts: [`worked over ${plural(number(of.count), 'time')}`] }),
};
