// Something that is asked for once it is known what to ask for, and again when it may have changed or somebody says so.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
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

/**
 * The answer of `load` to a question that `question` names in full; an empty one is none yet. Another question ends what is
 * under way. `changes` changes when there may be another answer to the same one: then it is asked for again, but not before
 * what is under way has come, since a slow answer would otherwise never come at all.
 */
export function useResource<T>(
  question: string,
  load: (signal: AbortSignal) => Promise<T>,
  changes: string | number = '',
): Resource<T> {
  const [state, setState] = useState<Omit<Resource<T>, 'reload'>>({ data: null, error: null, isLoading: true });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  const latest = useRef(load);
  latest.current = load;
  const moment = `${changes} ${round}`;
  const askedAt = useRef(moment);
  const askAgain = useRef<() => void>(() => undefined);

  useEffect(() => {
    askedAt.current = moment;
    if (!question) return undefined;
    const aborter = new AbortController();
    let isAsking = false;
    let isOutdated = false;

    async function ask(): Promise<void> {
      isOutdated = isAsking;
      if (isAsking) return;
      isAsking = true;
      setState((known) => ({ ...known, isLoading: true }));
      const outcome = await outcomeOf(latest.current(aborter.signal));
      isAsking = false;
      if (aborter.signal.aborted) return;
      if (outcome.error?.isSignedOut) void loadSession();
      setState((known) => ({ ...known, ...outcome, isLoading: false }));
      if (isOutdated) void ask();
    }

    askAgain.current = () => void ask();
    void ask();
    return () => {
      askAgain.current = () => undefined;
      aborter.abort();
    };
  }, [question]);

  useEffect(() => {
    if (askedAt.current === moment) return;
    askedAt.current = moment;
    askAgain.current();
  }, [moment]);

  return { ...state, reload };
}

/** The answer, or why there is none: then the one before stays. */
async function outcomeOf<T>(answer: Promise<T>): Promise<{ data: T; error: null } | { error: ApiError }> {
  try {
    return { data: await answer, error: null };
  } catch (reason) {
    return { error: reason instanceof ApiError ? reason : new ApiError(0, 'UNEXPECTED', String(reason)) };
  }
}
