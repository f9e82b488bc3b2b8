// What is being looked at. It lives in the URL and nowhere else, so that a link or the back button brings all of it back.
import { signal } from '@preact/signals';
import type { Dimension, Filters } from '../api/model';
import { DEFAULT_RANGE, SHORTEST_FIXED_MS, TRAILING, type Range } from './ranges';

export type ZoneChoice = 'browser' | 'project' | 'utc';

export interface Sort {
  column: string;
  isDescending: boolean;
}

/** What a list is narrowed to. Each page knows its own values; one that it does not know is as if it were not there. */
export const FACETS = [
  ...(['state', 'kind', 'metric', 'severity'] as const),
  // What a ranking is asked for, and how its chart is drawn.
  ...(['objective', 'weights', 'min_success', 'min_quality', 'max_latency', 'max_cost', 'min_calls'] as const),
  ...(['across', 'up', 'rows', 'baseline', 'kept'] as const),
  // Which calls, which deliveries, what a silence is made of, and which part of a policy or of the settings.
  ...(['outcome', 'delivery', 'alert', 'part'] as const),
  // What the range is held against.
  'compare',
] as const;
export type Facet = (typeof FACETS)[number];

export interface View {
  /** Empty: the key's own. */
  project: string;
  range: Range;
  zone: ZoneChoice;
  filters: Filters;
  search: string;
  sort: Sort;
  facets: Partial<Record<Facet, string>>;
}

const ZONES: readonly ZoneChoice[] = ['browser', 'project', 'utc'];
const FILTERED: readonly Dimension[] = ['provider', 'model', 'task_type', 'prompt_name', 'prompt_version'];
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
  const facets: View['facets'] = {};
  for (const facet of FACETS) {
    const value = query.get(facet);
    if (value) facets[facet] = value;
  }
  return {
    project: query.get('project') ?? '',
    range: parseRange(query),
    zone: ZONES.includes(zone) ? zone : 'browser',
    filters,
    search: query.get('q') ?? '',
    sort: sort ? { column: sort.replace(/^-/, ''), isDescending: sort.startsWith('-') } : DEFAULT_SORT,
    facets,
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
  for (const facet of FACETS) {
    const value = view.facets[facet];
    if (value) query.set(facet, value);
  }
  return query.toString();
}

const USUAL = parseView(new URLSearchParams());

/** Where a page is, with the project and the zone of now and everything else as usual, but for what is changed. */
export function addressOf(path: string, change: Partial<View> = {}): string {
  const { project, zone } = view.value;
  const query = queryOf({ ...USUAL, project, zone, ...change });
  return path + (query && `?${query}`);
}

/** The filters that keep one series, or what a scope leaves of it. */
export function filtersOf(key: Partial<Record<Dimension, string | null>>): Filters {
  const given = FILTERED.filter((dimension) => typeof key[dimension] === 'string');
  return Object.fromEntries(given.map((dimension) => [dimension, [key[dimension]!]]));
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

/** Shows this stretch of time, or what of its surroundings makes it long enough. */
export function zoom(startMs: number, endMs: number): void {
  const missingMs = Math.max(0, SHORTEST_FIXED_MS - (endMs - startMs)) / 2;
  changeView({ range: { kind: 'fixed', startMs: startMs - missingMs, endMs: endMs + missingMs } });
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

/** Follows a link to another page of ours without loading anew. */
function follow(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.origin !== location.origin || link.pathname.startsWith('/api/')) return;
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(link.pathname + link.search);
  window.scrollTo(0, 0);
}

if (hasLocation) {
  window.addEventListener('popstate', readLocation);
  document.addEventListener('click', follow);
}
