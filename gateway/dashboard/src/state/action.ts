// Something that is done at a press: whether it is under way, and why it did not work.
import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';

export interface Action {
  isBusy: boolean;
  /** Null while nothing is wrong. */
  error: ApiError | null;
  /** Does it, one at a time; whether it worked. */
  run: (work: () => Promise<void>) => Promise<boolean>;
  clear: () => void;
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);

  async function run(work: () => Promise<void>): Promise<boolean> {
    setBusy(true);
    setError(null);
    try {
      await work();
      return true;
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError(0, 'UNEXPECTED', String(reason)));
      return false;
    } finally {
      setBusy(false);
    }
  }

  return { isBusy, error, run, clear: () => setError(null) };
}
