// One tooltip for the whole page. Anything with `{...tip(text)}` shows it on hover, on tap and on focus; Escape hides it.
import { useEffect, useRef } from 'preact/hooks';
import './tooltip.css';

const GAP_PX = 6;

/** Attributes that give an element a tooltip, which screen readers read as its description. */
export function tip(text: string): { 'data-tip': string; 'aria-description': string } {
  return { 'data-tip': text, 'aria-description': text };
}

function place(bubble: HTMLElement, target: Element): void {
  const around = target.getBoundingClientRect();
  const { width, height } = bubble.getBoundingClientRect();
  const left = Math.min(Math.max(GAP_PX, around.left + (around.width - width) / 2), innerWidth - width - GAP_PX);
  const isAbove = around.bottom + GAP_PX + height > innerHeight;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${isAbove ? around.top - height - GAP_PX : around.bottom + GAP_PX}px`;
}

export function TooltipLayer() {
  const ref = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const bubble = ref.current!;
    const hide = (): void => {
      if (bubble.matches(':popover-open')) bubble.hidePopover();
    };
    const show = (event: Event): void => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
      const text = target?.getAttribute('data-tip');
      // What has the focus because it was clicked needs no explaining.
      if (!target || !text || (event.type === 'focusin' && !target.matches(':focus-visible'))) return hide();
      bubble.textContent = text;
      // Opening it anew lifts it above a dialog that came in between.
      hide();
      bubble.showPopover();
      place(bubble, target);
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') hide();
    };
    document.addEventListener('pointerover', show);
    document.addEventListener('focusin', show);
    document.addEventListener('focusout', hide);
    document.addEventListener('keydown', onKey);
    window.addEventListener('scroll', hide, { passive: true, capture: true });
    return () => {
      document.removeEventListener('pointerover', show);
      document.removeEventListener('focusin', show);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('keydown', onKey);
      window.removeEventListener('scroll', hide, { capture: true });
    };
  }, []);

  return <div ref={ref} class="tooltip" role="tooltip" popover="manual" />;
}
