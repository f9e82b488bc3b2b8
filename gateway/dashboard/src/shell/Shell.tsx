// What surrounds every page but the login: the way between pages, the header, the help, and the keys that work everywhere.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Route } from '../routes';
import { nextTheme } from '../state/theme';
import { path } from '../state/view';
import { Header } from './Header';
import { Help } from './Help';
import { Nav } from './Nav';
import { Toasts } from './Toasts';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.matches('input, textarea, select') || target.closest('dialog') !== null)
  );
}

export function Shell({ route, children }: { route: Route; children: ComponentChildren }) {
  const [isHelpOpen, setHelpOpen] = useState(false);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') setHelpOpen(true);
      else if (event.key === 't') nextTheme();
      else if (event.key === '/') document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  // Who goes to another page by key, or has pages read out, goes on at its beginning.
  const content = useRef<HTMLDivElement>(null);
  const shownPath = useRef(path.value);
  useEffect(() => {
    if (shownPath.current === path.value) return;
    shownPath.current = path.value;
    content.current!.focus({ preventScroll: true });
  }, [path.value]);

  return (
    <div class="shell">
      <a class="skip" href="#content" target="_self">
        To the content
      </a>
      <Nav />
      <div class="shell-body">
        <Header route={route} onHelp={() => setHelpOpen(true)} />
        <div id="content" ref={content} tabIndex={-1}>
          {children}
        </div>
      </div>
      <Toasts />
      <Help isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}
