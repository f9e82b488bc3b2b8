// Something that is asked for once it is known what to ask for, and again when that changes or somebody says so.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { loadSession } from './session';

export interface Resource<T> {
  /** The latest answer; while another one is on its way, still the one before. Null until there is one. */
  data: T | null;
  /** Why there is no newer one, if so. */
  error: ApiError | null;
  isLoading: boolean;
  reload: () => void;
}

/** The answer of `load` to a question that `key` names in full: another key is another question. An empty one is none yet. */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [state, setState] = useState<Omit<Resource<T>, 'reload'>>({ data: null, error: null, isLoading: true });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((count) => count + 1), []);

  useEffect(() => {
    if (!key) return undefined;
    const aborter = new AbortController();
    setState((known) => ({ ...known, isLoading: true }));
    load(aborter.signal).then(
      (data) => !aborter.signal.aborted && setState({ data, error: null, isLoading: false }),
      (reason: unknown) => {
        if (aborter.signal.aborted) return;
        const error = reason instanceof ApiError ? reason : new ApiError(0, 'UNEXPECTED', String(reason));
        if (error.isSignedOut) void loadSession();
        setState((known) => ({ ...known, error, isLoading: false }));
      },
    );
    return () => aborter.abort();
  }, [key, round]);

  return { ...state, reload };
}
