// Matchers as people put them together, and as the alerter reads them: provider="openai".

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;
export type Operator = (typeof OPERATORS)[number];

export const OPERATOR_WORDS: Readonly<Record<Operator, string>> = {
  '=': 'is',
  '!=': 'is not',
  '=~': 'matches',
  '!~': 'does not match',
};

export interface Matcher {
  name: string;
  operator: Operator;
  value: string;
}

/** What alerts are labelled with, in the order in which one thinks of it. */
export const LABELS = [
  'alertname',
  'severity',
  'provider',
  'model',
  'task_type',
  'prompt_name',
  'prompt_version',
  'metric',
  'kind',
  'rule_id',
] as const;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const WRITTEN = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/s;
const VALUE_LENGTH_MOST = 1_024;

/** As it is sent and kept. */
export function written({ name, operator, value }: Matcher): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `${name}${operator}"${escaped}"`;
}

/** The matcher that was written so; null for what is none. */
export function parsed(text: string): Matcher | null {
  const found = WRITTEN.exec(text);
  if (!found) return null;
  const [, name = '', operator, raw = ''] = found;
  if (!raw.startsWith('"')) return { name, operator: operator as Operator, value: raw };
  const quoted = QUOTED.exec(raw);
  if (!quoted) return null;
  const value = (quoted[1] ?? '').replace(/\\(.)/gs, (_, letter: string) => (letter === 'n' ? '\n' : letter));
  return { name, operator: operator as Operator, value };
}

/** Those that were written so; what is none stands where the label does, to be set right. */
export function readAll(texts: readonly string[]): Matcher[] {
  return texts.map((text) => parsed(text) ?? { name: text, operator: '=', value: '' });
}

/** Those that are being put together, as long as they are what is written: else what is written. */
export function ownOrRead(own: readonly Matcher[], texts: readonly string[]): readonly Matcher[] {
  return JSON.stringify(own.map(written)) === JSON.stringify(texts) ? own : readAll(texts);
}

/** What is wrong with it, in words; empty where nothing is. Whether a pattern is one, the alerter says. */
export function problemOf({ name, value }: Matcher): string {
  if (!name) return 'Choose a label';
  if (!NAME.test(name)) return 'A label has letters, digits and _, and does not begin with a digit';
  return value.length > VALUE_LENGTH_MOST ? `A value has at most ${VALUE_LENGTH_MOST} characters` : '';
}

/** Whether it is fulfilled by a label that is missing; null where only the alerter can say. */
function holdsForNothing({ operator, value }: Matcher): boolean | null {
  if (operator === '=') return value === '';
  return operator === '!=' ? value !== '' : null;
}

/** What is wrong with matchers that are to silence: without one that asks for something, they would silence everything. */
export function silenceProblem(matchers: readonly Matcher[]): string {
  if (matchers.length === 0) return 'Say what is to be silent: add a condition';
  const wrong = matchers.map(problemOf).find(Boolean);
  if (wrong) return wrong;
  const isAll = matchers.every((one) => holdsForNothing(one) === true);
  return isAll ? 'Everything would be silent: at least one condition must ask for a value' : '';
}

/** In words: provider is openai. */
export function matcherWords(text: string): string {
  const matcher = parsed(text);
  if (!matcher) return text;
  const { name, operator, value } = matcher;
  if (value === '' && operator === '=') return `${name} is missing`;
  return value === '' && operator === '!=' ? `${name} is there` : `${name} ${OPERATOR_WORDS[operator]} ${value}`;
}
