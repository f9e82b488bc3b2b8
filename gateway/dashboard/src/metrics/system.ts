// What Assay consists of, and how each part does as the gateway sees it.
import type { Readiness } from '../api/system';

export interface ServiceState {
  name: string;
  /** What it does. */
  work: string;
  /** What is not there while it is away. */
  loss: string;
  isThere: boolean;
  /** Why not, in the gateway's words; empty where it is there. */
  why: string;
}

const SERVICES = [
  ['collector', 'Takes calls and evidence, and answers what was measured.', 'Nothing is shown. Clients keep their calls and send them later.'],
  ['analyzer', 'Learns what is usual, finds anomalies, ranks providers, scores quality.', 'No new anomalies, rankings or scores.'],
  ['alerter', 'Evaluates rules, tells people.', 'No rule is evaluated, and nobody is told of anything.'],
  ['reporter', 'Makes reports and sends them.', 'No reports. Those that are due are made later.'],
] as const;

/** Each service behind the gateway, with those first that are away. */
export function servicesOf({ reasons, without = {} }: Readiness): ServiceState[] {
  const missing: Readonly<Record<string, string>> = { ...without, ...reasons };
  const known = SERVICES.map(([name, work, loss]) => ({ name, work, loss, isThere: !(name in missing), why: missing[name] ?? '' }));
  const names: readonly string[] = SERVICES.map(([name]) => name);
  const others = Object.entries(missing)
    .filter(([name]) => !names.includes(name))
    .map(([name, why]) => ({ name, work: '', loss: '', isThere: false, why }));
  return [...others, ...known].sort((a, b) => Number(a.isThere) - Number(b.isThere));
}
