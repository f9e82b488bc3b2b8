// A value that is being written, once it has rested.
import { useEffect, useState } from 'preact/hooks';

/** The value, as it has been for `quietMs`. */
export function useSettled<T>(value: T, quietMs: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), quietMs);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}
