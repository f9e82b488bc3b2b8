// What somebody typed: the id of a call or of a task, or the name of an agent. Which one is found out by looking.
import { findCall, listCalls } from '../../api/calls';

export type Meaning = { kind: 'everything' } | { kind: 'call' | 'task' | 'agent' | 'nothing'; name: string };

const LOOK = { pageSize: 1 };

/** The first that there is of: a task, an agent, a call. */
export async function meaningOf(project: string, typed: string, signal?: AbortSignal): Promise<Meaning> {
  const name = typed.trim();
  if (!name) return { kind: 'everything' };
  const [task, agent] = await Promise.all([
    listCalls({ project, taskId: name, ...LOOK }, signal),
    listCalls({ project, agent: name, ...LOOK }, signal),
  ]);
  if (task.calls.length > 0) return { kind: 'task', name };
  if (agent.calls.length > 0) return { kind: 'agent', name };
  return { kind: (await findCall(project, name, signal)) ? 'call' : 'nothing', name };
}
