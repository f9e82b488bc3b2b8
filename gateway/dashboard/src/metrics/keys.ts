// What keys may do, and whether they still work.
import type { Key, Role } from '../api/model';

export const ROLE_WORDS: Readonly<Record<Role, readonly [name: string, meaning: string]>> = {
  RECORD: ['Record', 'Sends calls and evidence, and reads nothing: for agents.'],
  READ: ['Read', 'Sees everything of the project, and changes nothing.'],
  OPERATE: ['Operate', 'Reads; acknowledges, marks, silences, changes rules.'],
  ADMIN: ['Admin', 'Operates; makes keys, says who is told.'],
  INSTALLATION_ADMIN: ['Installation', 'Admin of all projects; makes projects.'],
};

export type KeyState = 'works' | 'expired' | 'revoked';

export function stateOf(key: Key, nowMs: number): KeyState {
  if (key.revoke_time !== null) return 'revoked';
  return key.expire_time !== null && Date.parse(key.expire_time) <= nowMs ? 'expired' : 'works';
}

/** What an admin can give to a key of a project. */
export const PROJECT_ROLES: readonly Role[] = ['RECORD', 'READ', 'OPERATE', 'ADMIN'];

/** What the installation's admin can give to one of all projects. */
export const INSTALLATION_ROLES: readonly Role[] = ['READ', 'OPERATE', 'ADMIN', 'INSTALLATION_ADMIN'];
