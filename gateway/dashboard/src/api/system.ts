// How Assay itself does: what the gateway knows of the services behind it, and the account of everything received.
import { get } from './client';
import type { Ledger, Storage } from './model';

/** Why the gateway is not ready, and what it does without, by service. */
export interface Readiness {
  ready: boolean;
  reasons: Readonly<Record<string, string>>;
  without?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 10_000;

/** An answer of 503 is an answer as well: it says what is missing. */
export async function getReadiness(signal: AbortSignal): Promise<Readiness> {
  const response = await fetch('/readyz', { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  return (await response.json()) as Readiness;
}

/** What the installation keeps; for its admin alone. */
export function getStorage(signal?: AbortSignal): Promise<Storage> {
  return get('/api/v1/storage', signal);
}

export function getLedger(project: string, start: string, signal?: AbortSignal): Promise<Ledger> {
  return get(`/api/v1/ledger?${new URLSearchParams({ project, start })}`, signal);
}
