// A value with its interval on a line that several rows share, so that what overlaps is seen to.
import './interval-bar.css';
import { tip } from './Tooltip';

interface IntervalBarProps {
  low: number;
  high: number;
  /** Where the mark is; none where there is none. */
  value: number | null;
  /** From values to 0 … 1 along the line. */
  at: (value: number) => number;
  /** Values at which a thin line crosses it, such as zero. */
  lines?: readonly number[];
  tone?: 'accent' | 'soft' | 'good' | 'bad';
  /** All of it in words. */
  words: string;
}

const WIDTH = 1_000;
const MIDDLE = 6;

export function IntervalBar({ low, high, value, at, lines = [], tone = 'accent', words }: IntervalBarProps) {
  const x = (one: number): number => Math.round(Math.min(1, Math.max(0, at(one))) * WIDTH);
  return (
    <svg
      class={`interval is-${tone}`}
      viewBox={`0 0 ${WIDTH} 12`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
      {...tip(words)}
    >
      <path class="interval-track" d={`M0 ${MIDDLE}H${WIDTH}`} />
      {lines.map((one) => (
        <path class="interval-line" key={one} d={`M${x(one)} 0V12`} />
      ))}
      <path class="interval-bar" d={`M${x(low)} ${MIDDLE}H${Math.max(x(high), x(low) + 1)}`} />
      {value !== null && <path class="interval-mark" d={`M${x(value)} ${MIDDLE}h0.01`} />}
    </svg>
  );
}
