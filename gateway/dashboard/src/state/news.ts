// How often the stream has said that there is something new: who lists such things then asks again.
import { signal } from '@preact/signals';
import type { NewsKind } from '../api/stream';

/** By kind; counts also that its service went and came back. */
export const newsCounts = signal<Readonly<Record<NewsKind, number>>>({ rankings: 0, reports: 0, scores: 0 });

export function takeNews(kind: NewsKind): void {
  newsCounts.value = { ...newsCounts.value, [kind]: newsCounts.value[kind] + 1 };
}
