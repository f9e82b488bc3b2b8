// Who is signed in, and what follows from it: the project and the zone that are looked at.
import { computed, signal } from '@preact/signals';
import { ApiError, getSession, signOut } from '../api/client';
import type { Session } from '../api/model';
import { go, view } from './view';

export const session = signal<Session | null>(null);

/** Why the session could not be asked for, if so. */
export const sessionError = signal<string>('');

/** The project on the page: the one in the URL, the key's own, or the first of an installation's admin. */
export const project = computed(
  () => view.value.project || session.value?.project || session.value?.projects[0]?.project || 'default',
);

const OPERATORS: readonly string[] = ['OPERATE', 'ADMIN', 'INSTALLATION_ADMIN'];

/** Whether who is signed in may change what others see: mark, accept, acknowledge. */
export const mayOperate = computed(() => session.value?.roles.some((role) => OPERATORS.includes(role)) ?? false);

const ADMINS: readonly string[] = ['ADMIN', 'INSTALLATION_ADMIN'];

/** Whether who is signed in may say who is told, and make keys. */
export const mayAdminister = computed(() => session.value?.roles.some((role) => ADMINS.includes(role)) ?? false);

/** Whether all of the installation is theirs, projects included. */
export const isInstallationAdmin = computed(() => session.value?.roles.includes('INSTALLATION_ADMIN') ?? false);

const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export const projectZone = computed(
  () => session.value?.projects.find((one) => one.project === project.value)?.time_zone || 'UTC',
);

/** IANA name of the zone on the page. */
export const timeZone = computed(
  () => ({ browser: browserZone, project: projectZone.value, utc: 'UTC' })[view.value.zone],
);

/** Asks who is signed in; where nobody is, shows the login page, which comes back here. */
export async function loadSession(): Promise<void> {
  try {
    session.value = await getSession();
    sessionError.value = '';
  } catch (error) {
    if (error instanceof ApiError && error.isSignedOut) showLogin();
    else sessionError.value = error instanceof Error ? error.message : String(error);
  }
}

export function showLogin(): void {
  session.value = null;
  const here = location.pathname + location.search;
  go(here === '/' ? '/login' : `/login?${new URLSearchParams({ next: here })}`, 'replace');
}

export async function leave(): Promise<void> {
  await signOut().catch(() => undefined); // Whoever leaves is shown out even if the gateway is away.
  session.value = null;
  go('/login');
}
