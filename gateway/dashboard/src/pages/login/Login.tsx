// Signing in: by the one-time token of a login link, which is used at once, or by a key.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, signIn } from '../../api/client';
import { Icon } from '../../parts/Icon';
import { go } from '../../state/view';
import './login.css';

type Credential = { token: string } | { key: string };

/** Where to go afterwards: a path of this origin, whatever the link says. */
function destination(): string {
  const next = new URLSearchParams(location.search).get('next') ?? '/';
  const address = new URL(next, location.origin);
  return address.origin === location.origin && address.pathname !== '/login' ? address.pathname + address.search : '/';
}

function sentence(error: unknown, credential: Credential): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 429) return 'Too many tries. Wait a minute, then try again.';
  if (error.status !== 401) return error.message;
  return 'token' in credential
    ? 'This login link has been used already, or has expired. Enter a key instead.'
    : 'This key is not known, or is no longer valid.';
}

export default function Login() {
  const [token] = useState(() => new URLSearchParams(location.search).get('token'));
  const [to] = useState(destination);
  const [key, setKey] = useState('');
  const [isBusy, setBusy] = useState(token !== null);
  const [error, setError] = useState('');

  async function enter(credential: Credential): Promise<void> {
    setBusy(true);
    setError('');
    try {
      await signIn(credential);
      go(to, 'replace');
    } catch (reason) {
      setError(sentence(reason, credential));
      setBusy(false);
    }
  }

  useEffect(() => {
    if (token === null) return;
    // The token goes out of the address at once, so that it is in no history and no screenshot.
    history.replaceState(null, '', '/login');
    void enter({ token });
  }, []);

  return (
    <main class="login">
      <form
        class="login-form card"
        aria-busy={isBusy}
        onSubmit={(event) => {
          event.preventDefault();
          void enter({ key: key.trim() });
        }}
      >
        <h1 class="login-brand">
          <Icon name="balance" /> Assay
        </h1>
        <p class="is-faint">How AI agents and the providers behind them perform.</p>
        <label class="login-field">
          <span>Key</span>
          <input
            class="input"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            disabled={isBusy}
            value={key}
            aria-invalid={error !== ''}
            aria-describedby="login-error"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button is-primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
        <p id="login-error" class="login-error" role="alert">
          {error && (
            <>
              <Icon name="warning" /> <span>{error}</span>
            </>
          )}
        </p>
        <p class="login-hint">
          The login link that <code>assay up</code> prints signs you in without a key. A key with the role{' '}
          <code>read</code> comes from <code>assay keys create --role read</code>.
        </p>
      </form>
    </main>
  );
}
