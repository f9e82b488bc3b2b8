// How wide an element is, for what is drawn in pixels of its own.
import { useEffect, useRef, useState } from 'preact/hooks';

/** A reference for the element, and its width in CSS pixels: 0 until it is known. */
export function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
