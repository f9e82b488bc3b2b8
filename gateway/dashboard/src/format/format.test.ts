import { describe, expect, it } from 'vitest';
import { count, duration, money, NONE, plural, rate, ratio, score, text, tickText } from './format';

const shown = (figure: { value: string; unit: string; exact: string }): string =>
  text(figure).replaceAll('\u202f', ' ');

describe('numbers are short, have a unit, and never say more than was measured', () => {
  it.each([
    [0, '0'],
    [9_999, '9,999'],
    [10_000, '10.0k'],
    [16_284, '16.3k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [1_240_000_000, '1.24B'],
  ])('count %d is %s', (value, expected) => expect(shown(count(value))).toBe(expected));

  it.each([
    [0, '0 %'],
    [0.0001, '<0.1 %'],
    [0.98216, '98.2 %'],
    [0.99999, '>99.9 %'],
    [1, '100 %'],
  ])('ratio %d is %s', (value, expected) => expect(shown(ratio(value))).toBe(expected));

  it.each([
    [0, '0 s'],
    [0.0000042, '4.20 µs'],
    [0.018, '18.0 ms'],
    [0.9996, '1.00 s'],
    [1.861, '1.86 s'],
    [59.96, '1 min'],
    [185, '3 min 5 s'],
    [7_380, '2 h 3 min'],
    [90_000, '1 d 1 h'],
  ])('duration of %d s is %s', (value, expected) => expect(shown(duration(value))).toBe(expected));

  it.each([
    [0, '$0'],
    [0.000_382, '$0.00038'],
    [0.000_000_001, '$0.000000001'],
    [0.123, '$0.12'],
    [0.999, '$1.00'],
    [12.345, '$12.35'],
    [1_234.5, '$1,235'],
    [1_240_000, '$1.24M'],
    [-0.5, '-$0.50'],
  ])('%d dollars are %s', (value, expected) => expect(shown(money(value))).toBe(expected));

  it.each([
    [0, '0 /s'],
    [2_000, '2,000 /s'],
    [1.234, '1.23 /s'],
    [0.5, '30.0 /min'],
    [0.001, '3.60 /h'],
  ])('rate of %d a second is %s', (value, expected) => expect(shown(rate(value))).toBe(expected));

  it.each([count, ratio, score, duration, money, rate])('%o says so where there is no data', (formatter) => {
    for (const missing of [null, undefined, NaN]) expect(formatter(missing)).toEqual(NONE);
  });

  it('keeps the exact value for whoever asks', () => {
    expect(count(16_284, 'calls').exact).toBe('16,284 calls');
    expect(duration(1.861).exact).toBe('1.861 seconds');
    expect(money(0.000_382).exact).toBe('0.000382 US dollars');
    expect(score(0.81234).exact).toBe('0.81234 on a scale of 0 to 1');
  });

  it.each([
    [duration(5), '5 s'],
    [duration(2.5), '2.5 s'],
    [count(10_000), '10k'],
    [count(1_000), '1,000'],
    [ratio(0.9), '90 %'],
    [money(0.1), '$0.1'],
  ])('ticks are short', (figure, expected) => expect(tickText(figure).replaceAll('\u202f', ' ')).toBe(expected));

  it('counts one and many', () => {
    expect(plural(1, 'call')).toBe('1 call');
    expect(plural(2, 'reply', 'replies')).toBe('2 replies');
  });
});
