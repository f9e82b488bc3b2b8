// Draws episodes on a chart: the stretch of time shaded, a bar over it, and at its begin a sign for how severe it is.
import type uPlot from 'uplot';
import type { Severity } from '../api/model';
import { colourOf } from './charting';
import type { Episode } from './TimeChart';

const COLOURS: Record<Severity, string> = { CRITICAL: '--bad', WARNING: '--warn', INFO: '--accent' };
const BAR_PX = 3;
const SIGN_PX = 9;
// Something short is still seen in a month.
const WIDTH_LEAST_PX = 2;

export function drawEpisodes(plot: uPlot, episodes: readonly Episode[]): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, 0, width, top + height);
  ctx.clip();
  for (const { startMs, endMs, severity } of episodes) {
    const from = plot.valToPos(startMs / 1_000, 'x', true);
    const to = endMs === null ? left + width : plot.valToPos(endMs / 1_000, 'x', true);
    if (to < left || from > left + width) continue;
    const long = Math.max(to - from, WIDTH_LEAST_PX * devicePixelRatio);
    ctx.fillStyle = colourOf(COLOURS[severity]);
    ctx.globalAlpha = 0.1;
    ctx.fillRect(from, top, long, height);
    ctx.globalAlpha = 1;
    ctx.fillRect(from, top, long, BAR_PX * devicePixelRatio);
    drawSign(ctx, Math.min(Math.max(from, left), left + width - SIGN_PX * devicePixelRatio), top, severity);
  }
  ctx.restore();
}

/** A square, a triangle or a quarter of a disc, hanging from the bar: told apart without their colour. */
function drawSign(ctx: CanvasRenderingContext2D, x: number, y: number, severity: Severity): void {
  const size = SIGN_PX * devicePixelRatio;
  ctx.beginPath();
  if (severity === 'CRITICAL') ctx.rect(x, y, size, size);
  else if (severity === 'WARNING') {
    ctx.moveTo(x, y);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
  } else ctx.arc(x, y, size * 0.8, 0, Math.PI / 2);
  if (severity === 'INFO') ctx.lineTo(x, y);
  ctx.closePath();
  ctx.fill();
}
