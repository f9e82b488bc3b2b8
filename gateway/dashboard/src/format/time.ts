// How instants are written, in the zone that the viewer chose.

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter costs 50 µs and more, so each is made once. */
function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone, hourCycle: 'h23' });
    formats.set(key, known);
  }
  return known;
}

/** 14:05:09 */
export function clock(ms: number, zone: string): string {
  return format(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms);
}

/** 22 Nov 2026, 14:05 */
export function instant(ms: number, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(
    ms,
  );
}

/** 22 Nov 2026 */
export function day(ms: number, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short', year: 'numeric' }).format(ms);
}

/** 22 Nov */
export function dayMonth(ms: number, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short' }).format(ms);
}

/** 14:05 */
export function hourMinute(ms: number, zone: string): string {
  return format(zone, { hour: '2-digit', minute: '2-digit' }).format(ms);
}

/** A window in as few words as say it: "22 Nov, 14:05–14:06". */
export function span(startMs: number, endMs: number, zone: string): string {
  return format(zone, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).formatRange(
    startMs,
    endMs,
  );
}

/** The wall clock of `ms` in `zone` as <input type="datetime-local"> wants it: 2026-11-22T14:05. */
export function toLocalInput(ms: number, zone: string): string {
  const parts = new Map(
    format(zone, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' })
      .formatToParts(ms)
      .map((part) => [part.type, part.value]),
  );
  const get = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '00';
  return `${get('year').padStart(4, '0')}-${get('month')}-${get('day')}T${get('hour')}:${get('minute')}`;
}

/** The instant at which the wall clock of `zone` shows `local`; NaN if it is no date. In an hour that comes twice, the first. */
export function fromLocalInput(local: string, zone: string): number {
  const wanted = Date.parse(`${local}Z`);
  if (Number.isNaN(wanted)) return NaN;
  // Zones are whole minutes off and at most 14 hours; two rounds settle the day on which the offset changes.
  let guess = wanted;
  for (let round = 0; round < 2; round += 1) {
    guess += wanted - Date.parse(`${toLocalInput(guess, zone)}Z`);
  }
  return guess;
}

/** 14:05, with the day where that is not the one of `nowMs`: 21 Nov, 14:05. */
export function shortInstant(ms: number, zone: string, nowMs: number): string {
  const isToday = day(ms, zone) === day(nowMs, zone);
  const clockOnly = { hour: '2-digit', minute: '2-digit' } as const;
  return format(zone, isToday ? clockOnly : { day: 'numeric', month: 'short', ...clockOnly }).format(ms);
}
