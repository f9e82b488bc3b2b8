// Counts over time, small enough for a cell: one path of bars, as high as the largest of them.
import './sparkline.css';

const WIDTH = 96;
const HEIGHT = 20;
// Something that happened once is still seen beside a peak of thousands.
const LEAST_HEIGHT = 1.5;

function bars(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  const pitch = WIDTH / counts.length;
  const width = Math.max(1, pitch * 0.78);
  let path = '';
  counts.forEach((count, index) => {
    if (count === 0) return;
    const height = Math.max(LEAST_HEIGHT, (count / most) * HEIGHT);
    path += `M${(index * pitch).toFixed(2)} ${HEIGHT}v${(-height).toFixed(2)}h${width.toFixed(2)}V${HEIGHT}z`;
  });
  return path;
}

export function Sparkline({ counts, label }: { counts: readonly number[]; label: string }) {
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="sparkline-base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path class="sparkline-bars" d={bars(counts)} />
    </svg>
  );
}
