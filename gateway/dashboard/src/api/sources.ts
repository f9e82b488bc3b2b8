// Who sends calls, and what of them they leave out.
import { get } from './client';
import type { components } from './types';

export type Source = components['schemas']['Source'];
export type SourceField = components['schemas']['SourceField'];
type SourcesPage = components['schemas']['Sources'];

// As many as a project can have.
const PAGE_SIZE = 500;

export async function listSources(project: string, signal?: AbortSignal): Promise<Source[]> {
  const query = new URLSearchParams({ project, page_size: String(PAGE_SIZE) });
  return (await get<SourcesPage>(`/api/v1/sources?${query}`, signal)).sources;
}
