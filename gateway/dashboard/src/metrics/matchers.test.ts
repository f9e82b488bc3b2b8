import { describe, expect, it } from 'vitest';
import { matcherWords, ownOrRead, parsed, problemOf, readAll, silenceProblem, written, type Matcher } from './matchers';

describe('a matcher', () => {
  it.each<Matcher>([
    { name: 'provider', operator: '=', value: 'openai' },
    { name: 'task_type', operator: '!~', value: 'code_.*|chat' },
    { name: 'alertname', operator: '!=', value: 'say "no" \\ and\nmore' },
    { name: 'model', operator: '=', value: '' },
  ])('is written so that it is read again: %j', (matcher) => {
    expect(parsed(written(matcher))).toEqual(matcher);
  });

  it('may be written without quotes, and is none without an operator or a closing quote', () => {
    expect(parsed(' severity = critical ')).toEqual({ name: 'severity', operator: '=', value: 'critical' });
    expect(parsed('severity')).toBeNull();
    expect(parsed('severity="critical')).toBeNull();
  });

  it.each([
    ['provider="openai"', 'provider is openai'],
    ['model=""', 'model is missing'],
    ['model!=""', 'model is there'],
    ['model!~"gpt.*"', 'model does not match gpt.*'],
    ['what?', 'what?'],
  ])('%s is said as "%s"', (text, words) => expect(matcherWords(text)).toBe(words));

  it('needs a name that a label can have', () => {
    expect(problemOf({ name: '', operator: '=', value: 'a' })).toBe('Choose a label');
    expect(problemOf({ name: '2nd', operator: '=', value: 'a' })).toContain('digit');
    expect(problemOf({ name: 'model', operator: '=', value: 'a'.repeat(1_025) })).toContain('1024');
    expect(problemOf({ name: 'model', operator: '=', value: '' })).toBe('');
  });
});

describe('matchers that are being put together', () => {
  const own: Matcher[] = [{ name: '2nd', operator: '=', value: 'a' }];

  it('are read from what is written, what is none as a label', () =>
    expect(readAll(['model="a"', 'what?'])).toEqual([
      { name: 'model', operator: '=', value: 'a' },
      { name: 'what?', operator: '=', value: '' },
    ]));

  it('stay as they are while they are what is written', () => expect(ownOrRead(own, own.map(written))).toBe(own));

  it('give way to what is written elsewhere', () => {
    expect(ownOrRead(own, ['model="a"'])).toEqual(readAll(['model="a"']));
    expect(ownOrRead(own, [])).toEqual([]);
  });
});

describe('matchers of a silence', () => {
  const asks: Matcher = { name: 'provider', operator: '=', value: 'openai' };
  const asksNothing: Matcher = { name: 'model', operator: '!=', value: 'gpt' };

  it('must ask for something', () => {
    expect(silenceProblem([])).toContain('add a condition');
    expect(silenceProblem([asksNothing])).toContain('Everything would be silent');
    expect(silenceProblem([asksNothing, asks])).toBe('');
    expect(silenceProblem([{ ...asks, name: '' }, asks])).toBe('Choose a label');
  });
});
