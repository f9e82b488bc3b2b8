import { describe, expect, it } from 'vitest';
import css from './tokens.css?raw';

type Theme = 'light' | 'dark';

const TEXT_LEAST = 4.5;
const MARK_LEAST = 3;

/** Channels of a colour that is given in full, 0 to 1. */
function channels(token: string, theme: Theme): number[] {
  const [, light, dark] = new RegExp(`--${token}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(css)!;
  const hex = { light, dark }[theme]!;
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
}

/** As WCAG 2.2 defines it. */
function luminance(token: string, theme: Theme): number {
  const linear = channels(token, theme).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
}

function contrast(one: string, other: string, theme: Theme): number {
  const [dark, light] = [luminance(one, theme), luminance(other, theme)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const SURFACES = ['page', 'surface', 'sunken', 'hover'];
const TEXTS: readonly (readonly [text: string, surfaces: readonly string[]])[] = [
  ['ink', [...SURFACES, 'accent-soft', 'good-soft', 'warn-soft', 'bad-soft']],
  ['ink-soft', [...SURFACES, 'accent-soft', 'bad-soft']],
  ['ink-faint', SURFACES],
  ['accent', [...SURFACES, 'accent-soft']],
  ['good', [...SURFACES, 'good-soft']],
  ['warn', [...SURFACES, 'warn-soft']],
  ['bad', [...SURFACES, 'bad-soft']],
  ['accent-ink', ['accent']],
  ['bad-ink', ['bad']],
];
const MARKS = ['line-strong', 'data-blue', 'data-orange', 'data-green', 'data-violet', 'data-grey', 'band-line'];

describe.each<Theme>(['light', 'dark'])('in the %s theme', (theme) => {
  it.each(TEXTS)('%s can be read on what it stands on', (text, surfaces) => {
    const weak = surfaces.filter((surface) => contrast(text, surface, theme) < TEXT_LEAST);
    expect(weak).toEqual([]);
  });

  it('borders of controls and marks of charts are told from their surface', () => {
    expect(MARKS.filter((mark) => contrast(mark, 'surface', theme) < MARK_LEAST)).toEqual([]);
  });
});
