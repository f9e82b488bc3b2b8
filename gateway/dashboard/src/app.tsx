// The frame around the pages: which page a path means, and what is on all of them.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { TooltipLayer } from './parts/Tooltip';
import { loadSession, session, sessionError } from './state/session';
import { path } from './state/view';
import './app.css';

/** Each page is a chunk of its own, loaded when it is first shown. */
const PAGES: Record<string, () => Promise<{ default: ComponentType }>> = {
  '/': () => import('./pages/overview/Overview'),
  '/login': () => import('./pages/login/Login'),
};
const LOGIN_PATH = '/login';

export function App() {
  const isLogin = path.value === LOGIN_PATH;
  useEffect(() => {
    if (!isLogin && !session.value) void loadSession();
  }, [isLogin]);

  return (
    <>
      {sessionError.value && !isLogin && !session.value ? (
        <Unreachable reason={sessionError.value} />
      ) : (
        (isLogin || session.value) && (
          <Page key={path.value} load={PAGES[path.value] ?? (() => import('./pages/NotFound'))} />
        )
      )}
      <TooltipLayer />
    </>
  );
}

function Page({ load }: { load: () => Promise<{ default: ComponentType }> }) {
  const [Loaded, setLoaded] = useState<ComponentType | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    load().then(
      (module) => setLoaded(() => module.default),
      () => setError('This page could not be loaded; a newer version may have been installed.'),
    );
  }, []);
  if (error) return <Unreachable reason={error} />;
  return Loaded && <Loaded />;
}

function Unreachable({ reason }: { reason: string }) {
  return (
    <main class="notice card">
      <h1>Assay is not answering</h1>
      <p role="alert">{reason}</p>
      <button type="button" class="button is-primary" onClick={() => location.reload()}>
        Try again
      </button>
    </main>
  );
}
