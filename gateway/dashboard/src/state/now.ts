// The time, as far as pages need it to say how long something has been going on; and values that change too often to act on each time.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';

const TICK_MS = 15_000;

/** Now, at most a quarter of a minute ago. */
export const nowMs = signal(Date.now());

window.setInterval(() => (nowMs.value = Date.now()), TICK_MS);

/** The value, but changing no more often than once in `ms`. */
export function useAtMostEvery<T>(ms: number, value: T): T {
  const [kept, setKept] = useState(value);
  const keptAt = useRef(0);
  useEffect(() => {
    const timer = window.setTimeout(
      () => {
        keptAt.current = performance.now();
        setKept(value);
      },
      Math.max(0, keptAt.current + ms - performance.now()),
    );
    return () => window.clearTimeout(timer);
  }, [value]);
  return kept;
}
