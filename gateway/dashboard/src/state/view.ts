// What is being looked at. It lives in the URL and nowhere else, so that a link or the back button brings all of it back.
import { signal } from '@preact/signals';
import type { Dimension, Filters } from '../api/model';
import { DEFAULT_RANGE, TRAILING, type Range } from './ranges';

export type ZoneChoice = 'browser' | 'project' | 'utc';

export interface Sort {
  column: string;
  isDescending: boolean;
}

export interface View {
  /** Empty: the key's own. */
  project: string;
  range: Range;
  zone: ZoneChoice;
  filters: Filters;
  search: string;
  sort: Sort;
}

const ZONES: readonly ZoneChoice[] = ['browser', 'project', 'utc'];
const FILTERED: readonly Dimension[] = ['provider', 'task_type'];
export const DEFAULT_SORT: Sort = { column: 'calls', isDescending: true };

/** Reads a view from a URL's query. What makes no sense in it is as if it were not there. */
export function parseView(query: URLSearchParams): View {
  const zone = query.get('zone') as ZoneChoice;
  const sort = query.get('sort');
  const filters: Filters = {};
  for (const dimension of FILTERED) {
    const values = [...new Set(query.getAll(dimension))];
    if (values.length > 0) filters[dimension] = values;
  }
  return {
    project: query.get('project') ?? '',
    range: parseRange(query),
    zone: ZONES.includes(zone) ? zone : 'browser',
    filters,
    search: query.get('q') ?? '',
    sort: sort ? { column: sort.replace(/^-/, ''), isDescending: sort.startsWith('-') } : DEFAULT_SORT,
  };
}

function parseRange(query: URLSearchParams): Range {
  const startMs = Date.parse(query.get('from') ?? '');
  const endMs = Date.parse(query.get('to') ?? '');
  if (startMs < endMs) return { kind: 'fixed', startMs, endMs };
  return TRAILING.find((range) => range.name === query.get('range')) ?? DEFAULT_RANGE;
}

/** The query that parses to this view; what is as usual is left out. */
export function queryOf(view: View): string {
  const query = new URLSearchParams();
  if (view.project) query.set('project', view.project);
  if (view.range.kind === 'fixed') {
    query.set('from', new Date(view.range.startMs).toISOString());
    query.set('to', new Date(view.range.endMs).toISOString());
  } else if (view.range !== DEFAULT_RANGE) {
    query.set('range', view.range.name);
  }
  if (view.zone !== 'browser') query.set('zone', view.zone);
  for (const dimension of FILTERED) {
    for (const value of view.filters[dimension] ?? []) query.append(dimension, value);
  }
  if (view.search) query.set('q', view.search);
  const { column, isDescending } = view.sort;
  if (column !== DEFAULT_SORT.column || !isDescending) query.set('sort', (isDescending ? '-' : '') + column);
  return query.toString();
}

/** Filters with a value put in, or taken out if it was there. */
export function toggled(filters: Filters, dimension: Dimension, value: string): Filters {
  const values = filters[dimension] ?? [];
  const kept = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  const { [dimension]: _, ...others } = filters;
  return kept.length > 0 ? { ...others, [dimension]: kept } : others;
}

const hasLocation = typeof location !== 'undefined';

export const view = signal<View>(parseView(new URLSearchParams(hasLocation ? location.search : '')));

/** Where the window is: the path, without the query. */
export const path = signal<string>(hasLocation ? location.pathname : '/');

/** Changes part of the view. `replace` leaves no trace in the history, as for each letter of a search. */
export function changeView(change: Partial<View>, how: 'push' | 'replace' = 'push'): void {
  const next = { ...view.value, ...change };
  const query = queryOf(next);
  const address = location.pathname + (query && `?${query}`);
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  view.value = next;
}

/** Goes to another page of this origin. */
export function go(address: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  readLocation();
}

function readLocation(): void {
  path.value = location.pathname;
  view.value = parseView(new URLSearchParams(location.search));
}

if (hasLocation) window.addEventListener('popstate', readLocation);
