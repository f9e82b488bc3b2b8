// Which page a path means. Each page is a chunk of its own, loaded when it is first shown or about to be.
import type { ComponentType } from 'preact';

export interface Route {
  load: () => Promise<{ default: ComponentType<PageProps> }>;
  /** Whether the range of time in the header means anything on it. */
  hasRange: boolean;
  /** Whether it can be held against the range before. */
  canCompare?: boolean;
}

export interface PageProps {
  /** What the path names, such as an anomaly's id; empty where it names nothing. */
  name: string;
}

const overview: Route = { load: () => import('./pages/overview/Overview'), hasRange: true, canCompare: true };
const notFound: Route = { load: () => import('./pages/NotFound'), hasRange: false };

const ROUTES: readonly (readonly [RegExp, Route])[] = [
  [/^\/$/, overview],
  [/^\/login$/, { load: () => import('./pages/login/Login'), hasRange: false }],
  [/^\/series$/, { load: () => import('./pages/series/Series'), hasRange: true, canCompare: true }],
  [/^\/calls$/, { load: () => import('./pages/calls/Calls'), hasRange: true }],
  [/^\/calls\/([^/]+)$/, { load: () => import('./pages/call/CallPage'), hasRange: false }],
  [/^\/anomalies$/, { load: () => import('./pages/anomalies/Anomalies'), hasRange: false }],
  [/^\/anomalies\/([^/]+)$/, { load: () => import('./pages/anomaly/AnomalyPage'), hasRange: false }],
  [/^\/alerts$/, { load: () => import('./pages/alerts/Alerts'), hasRange: false }],
  [/^\/alerts\/([^/]+)$/, { load: () => import('./pages/alert/AlertPage'), hasRange: false }],
  [/^\/rules$/, { load: () => import('./pages/rules/Rules'), hasRange: false }],
  [/^\/rules\/([^/]+)$/, { load: () => import('./pages/rule/RulePage'), hasRange: false }],
  [/^\/heatmap$/, { load: () => import('./pages/heatmap/HeatMapPage'), hasRange: true }],
  [/^\/silences$/, { load: () => import('./pages/silences/Silences'), hasRange: false }],
  [/^\/silences\/new$/, { load: () => import('./pages/silence/NewSilence'), hasRange: false }],
  [/^\/prompts$/, { load: () => import('./pages/prompts/Prompts'), hasRange: false }],
  [/^\/receivers$/, { load: () => import('./pages/receivers/Receivers'), hasRange: false }],
  [/^\/receivers\/([^/]+)$/, { load: () => import('./pages/receiver/ReceiverPage'), hasRange: false }],
  [/^\/quality$/, { load: () => import('./pages/quality/QualityPage'), hasRange: true }],
  [/^\/reports$/, { load: () => import('./pages/reports/Reports'), hasRange: false }],
  [/^\/reports\/([^/]+)$/, { load: () => import('./pages/report/ReportPage'), hasRange: false }],
  [/^\/routing$/, { load: () => import('./pages/routing/Routing'), hasRange: false }],
  [/^\/sources$/, { load: () => import('./pages/sources/Sources'), hasRange: false }],
  [/^\/system$/, { load: () => import('./pages/system/System'), hasRange: false }],
  [/^\/settings$/, { load: () => import('./pages/settings/Settings'), hasRange: false }],
  [/^\/rankings$/, { load: () => import('./pages/rankings/Rankings'), hasRange: false }],
];

/** The page of a path, and what the path names. */
export function routeOf(path: string): { route: Route; name: string } {
  for (const [pattern, route] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return { route, name: decoded(found[1] ?? '') };
  }
  return { route: notFound, name: '' };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A hand-made address; the page will say that it knows no such thing.
  }
}
