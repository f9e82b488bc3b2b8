// The frame around the pages: which page a path means, and what is on all of them.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { TooltipLayer } from './parts/Tooltip';
import { routeOf, type PageProps, type Route } from './routes';
import { Shell } from './shell/Shell';
import { loadSession, project, session, sessionError } from './state/session';
import { path } from './state/view';
import './app.css';

const LOGIN_PATH = '/login';
// Assay that starts anew is back within a few seconds.
const RETRY_MS = 3_000;

export function App() {
  const isLogin = path.value === LOGIN_PATH;
  useEffect(() => {
    if (!isLogin && !session.value) void loadSession();
  }, [isLogin]);
  const isAway = !isLogin && !session.value && sessionError.value !== '';
  useEffect(() => {
    if (!isAway) return undefined;
    // One at a time: an answer may take longer than the pause.
    let asked: Promise<void> | null = null;
    const retry = (): void => {
      asked ??= loadSession().finally(() => (asked = null));
    };
    const timer = setInterval(retry, RETRY_MS);
    return () => clearInterval(timer);
  }, [isAway]);

  return (
    <>
      <Frame isLogin={isLogin} />
      <TooltipLayer />
    </>
  );
}

function Frame({ isLogin }: { isLogin: boolean }) {
  const { route, name } = routeOf(path.value);
  // Another project is another page: answers and drafts of one are never taken for the other's.
  const page = <Page key={isLogin ? path.value : `${project.value} ${path.value}`} route={route} name={name} />;
  if (isLogin) return page;
  if (session.value) return <Shell route={route}>{page}</Shell>;
  return sessionError.value ? <Unreachable reason={sessionError.value} /> : null;
}

function Page({ route, name }: { route: Route; name: string }) {
  const [Loaded, setLoaded] = useState<ComponentType<PageProps> | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    const loadLater = (): ReturnType<Route['load']> =>
      new Promise((resolve) => setTimeout(resolve, RETRY_MS)).then(route.load);
    route
      .load()
      .catch(loadLater)
      .then(
        (module) => setLoaded(() => module.default),
        () => setError('This page could not be loaded; a newer version may have been installed.'),
      );
  }, []);
  if (error) return <Unreachable reason={error} />;
  return Loaded && <Loaded name={name} />;
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
