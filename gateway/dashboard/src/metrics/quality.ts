// Scores and their components, made ready to be shown.
import type { QualityComponent, QualitySummary } from '../api/model';
import type { Term } from '../definitions';
import type { Band } from './band';
import type { Slot } from './windows';

interface ComponentInfo {
  label: string;
  term: Term;
}

export const COMPONENTS: Readonly<Record<QualityComponent, ComponentInfo>> = {
  EVALUATION: { label: 'Evaluation', term: 'componentEvaluation' },
  FEEDBACK: { label: 'Feedback', term: 'componentFeedback' },
  TESTS: { label: 'Tests', term: 'componentTests' },
  CODE: { label: 'Code', term: 'componentCode' },
  STATIC_ANALYSIS: { label: 'Static analysis', term: 'componentStatic' },
  COVERAGE: { label: 'Coverage', term: 'componentCoverage' },
  REVISIONS: { label: 'Revisions', term: 'componentRevisions' },
};
export const COMPONENT_NAMES = Object.keys(COMPONENTS) as QualityComponent[];

/** The components that any of the groups has, so that no column is empty. */
export function componentsIn(summaries: readonly QualitySummary[]): QualityComponent[] {
  const found = new Set(summaries.flatMap(({ components }) => components.map(({ component }) => component)));
  return COMPONENT_NAMES.filter((name) => found.has(name));
}

/** Groups with the lowest estimate first, since these want somebody; equal ones by name. */
export function worstFirst(summaries: readonly QualitySummary[]): QualitySummary[] {
  const name = ({ key }: QualitySummary): string => `${key?.provider ?? ''} ${key?.task_type ?? ''}`;
  return [...summaries].sort((a, b) => a.estimate_ratio - b.estimate_ratio || (name(a) < name(b) ? -1 : 1));
}

export interface Trend {
  slots: Slot[];
  means: (number | null)[];
  band: Band;
}

/** The summaries of one group by window as the slots of a chart: windows without scores are gaps. */
export function trendOf(summaries: readonly QualitySummary[], startMs: number, endMs: number, step_s: number): Trend {
  const step = step_s * 1_000;
  const byStart = new Map(summaries.map((one) => [one.start_time ? Date.parse(one.start_time) : NaN, one]));
  const slots: Slot[] = [];
  for (let start = Math.floor(startMs / step) * step; start < endMs; start += step)
    slots.push({ startMs: start, endMs: start + step, window: undefined });
  const found = slots.map((slot) => byStart.get(slot.startMs) ?? null);
  return {
    slots,
    means: found.map((one) => one?.estimate_ratio ?? null),
    band: {
      low: found.map((one) => one?.low_ratio ?? null),
      centre: found.map(() => null),
      high: found.map((one) => one?.high_ratio ?? null),
    },
  };
}

/** Where something was found: "src/app.py:12"; empty where the evidence names no place. */
export function placeOf({ path, line }: { path: string; line: number | null }): string {
  return path && line !== null ? `${path}:${line}` : path;
}
