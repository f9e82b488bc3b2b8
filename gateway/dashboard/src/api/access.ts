// Projects, keys, and who changed what.
import { get, patch, post, remove } from './client';
import type { AuditPage, CreatedKey, KeysPage, Project, ProjectsPage, Role } from './model';

export interface NewKey {
  display_name: string;
  roles: readonly Role[];
  /** Null: it works until it is revoked. */
  lifetime_s: number | null;
}

export interface ProjectChange {
  time_zone?: string;
  series_limit?: number;
}

const PROJECTS_MOST = '1000';

/** The projects that the key may see. */
export async function listProjects(signal?: AbortSignal): Promise<readonly Project[]> {
  const parameters = new URLSearchParams({ page_size: PROJECTS_MOST });
  return (await get<ProjectsPage>(`/api/v1/projects?${parameters}`, signal)).projects;
}

export function createProject(project: string, time_zone: string): Promise<Project> {
  return post('/api/v1/projects', { project, time_zone });
}

export function updateProject(project: string, change: ProjectChange): Promise<Project> {
  return patch(`/api/v1/projects/${encodeURIComponent(project)}`, change);
}

/** A page of keys, the newest first; of the installation where the project is empty. */
export function listKeys(
  project: string,
  pageSize: number,
  pageToken: string,
  signal?: AbortSignal,
): Promise<KeysPage> {
  const parameters = new URLSearchParams({ project, page_size: String(pageSize) });
  if (pageToken) parameters.set('page_token', pageToken);
  return get(`/api/v1/keys?${parameters}`, signal);
}

/** Makes a key; its secret is in the answer, and nowhere else. */
export function createKey(project: string, key: NewKey): Promise<CreatedKey> {
  return post(`/api/v1/keys?${new URLSearchParams({ project })}`, key);
}

/** Ends a key, and the sessions that came from it. */
export function revokeKey(project: string, keyId: string): Promise<void> {
  return remove(`/api/v1/keys/${encodeURIComponent(keyId)}?${new URLSearchParams({ project })}`);
}

/** A page of what was changed, the latest first. */
export function listAuditEvents(
  project: string,
  pageSize: number,
  pageToken: string,
  signal?: AbortSignal,
): Promise<AuditPage> {
  const parameters = new URLSearchParams({ project, page_size: String(pageSize) });
  if (pageToken) parameters.set('page_token', pageToken);
  return get(`/api/v1/audit?${parameters}`, signal);
}
