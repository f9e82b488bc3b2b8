// How numbers are written: short with a unit where they stand, exact where one hovers.

/** A number ready to be shown. `exact` is the whole truth in words, for titles and screen readers. */
export interface Figure {
  value: string;
  unit: string;
  exact: string;
}

/** What stands where nothing was measured. */
export const NONE: Figure = { value: '–', unit: '', exact: 'No data' };

const THIN_SPACE = '\u202f';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 12 });

type Maybe = number | null | undefined;

function isMissing(value: Maybe): value is null | undefined {
  return value === null || value === undefined || !Number.isFinite(value);
}

/** The figure as one string, value and unit apart by a space that does not break. */
export function text(figure: Figure): string {
  return figure.unit ? `${figure.value}${THIN_SPACE}${figure.unit}` : figure.value;
}

/** A figure on an axis, whose ticks are round: without the zeros that only say how exact it is. */
export function tickText(figure: Figure): string {
  const { value } = figure;
  return text({ ...figure, value: value.includes('.') ? value.replace(/\.?0+(?=\D*$)/, '') : value });
}

/** Three significant digits without an exponent: 1.86, 12.4, 850. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return grouped.format(Math.round(value));
  if (size >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

const COUNT_STEPS: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** A count of things: exact up to 9,999, then with three digits and k, M, B or T. */
export function count(value: Maybe, noun = ''): Figure {
  if (isMissing(value)) return NONE;
  const exact = `${grouped.format(value)}${noun && ` ${noun}`}`;
  if (Math.abs(value) < 10_000) return { value: grouped.format(value), unit: '', exact };
  for (const [size, suffix] of COUNT_STEPS) {
    // 999,500 is 1.00M and not 1,000k.
    if (Math.abs(value) >= size * 0.9995) return { value: significant(value / size) + suffix, unit: '', exact };
  }
  return { value: grouped.format(value), unit: '', exact };
}

const BYTE_STEPS: readonly (readonly [number, string])[] = [
  [1e12, 'TB'],
  [1e9, 'GB'],
  [1e6, 'MB'],
  [1e3, 'kB'],
];

/** How much is kept, in bytes. */
export function bytes(value: Maybe): Figure {
  if (isMissing(value)) return NONE;
  const exact = `${grouped.format(value)} bytes`;
  const [size, unit] = BYTE_STEPS.find(([least]) => value >= least * 0.9995) ?? [1, 'B'];
  return { value: size === 1 ? grouped.format(value) : significant(value / size), unit, exact };
}

/** A ratio of 0 to 1 in percent. Only all is 100 and only none is 0. */
export function ratio(value: Maybe): Figure {
  if (isMissing(value)) return NONE;
  const percent = value * 100;
  const exact = `${precise.format(Number(percent.toPrecision(8)))} percent`;
  let shown = percent.toFixed(1);
  if (shown === '100.0') shown = value < 1 ? '>99.9' : '100';
  else if (shown === '0.0') shown = value > 0 ? '<0.1' : '0';
  return { value: shown, unit: '%', exact };
}

/** A score of 0 to 1, with two or three digits. */
export function score(value: Maybe): Figure {
  if (isMissing(value)) return NONE;
  return { value: value.toFixed(3), unit: '', exact: `${precise.format(value)} on a scale of 0 to 1` };
}

function twoParts(large: number, largeUnit: string, small: number, smallUnit: string): Figure {
  const rest = small > 0 ? `${THIN_SPACE}${small}${THIN_SPACE}${smallUnit}` : '';
  return { value: `${large}${THIN_SPACE}${largeUnit}${rest}`, unit: '', exact: '' };
}

/** A duration in seconds, from microseconds to days. */
export function duration(seconds: Maybe): Figure {
  if (isMissing(seconds)) return NONE;
  const exact = `${precise.format(Number(seconds.toPrecision(6)))} seconds`;
  return { ...shortDuration(seconds), exact };
}

function shortDuration(seconds: number): Figure {
  if (seconds === 0) return { value: '0', unit: 's', exact: '' };
  if (seconds < 0.000_999_5) return { value: significant(seconds * 1e6), unit: 'µs', exact: '' };
  if (seconds < 0.999_5) return { value: significant(seconds * 1e3), unit: 'ms', exact: '' };
  if (seconds < 59.95) return { value: significant(seconds), unit: 's', exact: '' };
  const whole = Math.round(seconds);
  if (whole < 3_600) return twoParts(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return twoParts(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(seconds / 3_600);
  return twoParts(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** Money in US dollars. Small amounts keep two significant digits, since a call can cost less than a cent. */
export function money(usd: Maybe): Figure {
  if (isMissing(usd)) return NONE;
  return { value: shortMoney(usd), unit: '', exact: `${precise.format(Number(usd.toPrecision(10)))} US dollars` };
}

function shortMoney(usd: number): string {
  const size = Math.abs(usd);
  const sign = usd < 0 ? '-' : '';
  if (size === 0) return '$0';
  if (size >= 9_999.5) {
    const [step, suffix] = COUNT_STEPS.find(([least]) => size >= least * 0.9995) ?? [1, ''];
    return `${sign}$${significant(size / step)}${suffix}`;
  }
  if (size >= 999.5) return `${sign}$${grouped.format(size)}`;
  if (size >= 0.995) return `${sign}$${size.toFixed(2)}`;
  // Two significant digits of a nano-dollar are the end of what is kept.
  const digits = Math.min(9, 1 - Math.floor(Math.log10(size)));
  return `${sign}$${size.toFixed(Math.max(2, digits))}`;
}

/** Calls per second, said by the minute or hour where that is easier to picture. */
export function rate(perSecond: Maybe): Figure {
  if (isMissing(perSecond)) return NONE;
  const exact = `${precise.format(Number(perSecond.toPrecision(6)))} per second`;
  if (perSecond === 0) return { value: '0', unit: '/s', exact };
  if (perSecond >= 9_999.5) return { value: count(perSecond).value, unit: '/s', exact };
  if (perSecond >= 1) return { value: significant(perSecond), unit: '/s', exact };
  if (perSecond * 60 >= 1) return { value: significant(perSecond * 60), unit: '/min', exact };
  return { value: significant(perSecond * 3_600), unit: '/h', exact };
}

/** One of something or many of it: "1 call", "2 calls". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${text(count(value))} ${value === 1 ? one : many}`;
}

/** How long something took or has taken, as one would say it: in whole minutes where there are any. */
export function length(ms: number): string {
  const seconds = Math.max(0, ms / 1_000);
  return text(duration(seconds < 60 ? Math.round(seconds) : Math.round(seconds / 60) * 60)).replace(
    /\u202f0\u202fs$/,
    '',
  );
}

/** A difference with its sign, as a minus of its own width; none for what rounds to nothing. */
export function signed(value: number, digits: number): string {
  const size = Math.abs(value).toFixed(digits);
  if (Number(size) === 0) return `±${size}`;
  return `${value < 0 ? '−' : '+'}${size}`;
}
