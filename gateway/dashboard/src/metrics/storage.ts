// What the disk is full of, made ready to be shown.
import type { Storage } from '../api/model';

export interface StoragePart {
  name: string;
  /** What is in it. */
  content: string;
  byte_count: number;
  /** Null where it is not counted. */
  row_count: number | null;
}

/** What it is called, and what is in it. */
const TABLES: Readonly<Record<string, readonly [name: string, content: string]>> = {
  call: ['Calls', 'Every call as it was recorded'],
  evidence: ['Evidence', 'What became known of calls and tasks'],
  rollup: ['Roll-ups', 'Sums by minute, quarter of an hour and day, from which charts are drawn'],
  rollup_pending: ['Roll-ups to be folded', 'What was added to them since'],
  message: ['Messages', 'Which messages of the bus were stored, so that none is stored twice'],
  task: ['Tasks', 'What the calls of a task add up to'],
  task_pending: ['Tasks to be folded', 'What was added to them since'],
  score: ['Scores', 'How good the answers of calls were'],
  task_score: ['Scores of tasks', 'How good the results of tasks were'],
  dead_letter: ['Dead letters', 'What could not be stored, kept aside'],
};
// The others are small change.
const PARTS_MOST = 6;

/** The largest parts first; what is not the collector's, and all that is small, together at the end. */
export function partsOf({ database_byte_count: whole, tables }: Storage): StoragePart[] {
  const parts = tables.slice(0, PARTS_MOST).map(({ name, byte_count, row_count }) => {
    const [label, content] = TABLES[name] ?? [name, 'A table of the collector'];
    return { name: label, content, byte_count, row_count };
  });
  const rest = whole - parts.reduce((sum, part) => sum + part.byte_count, 0);
  const other = { name: 'Everything else', content: 'What the other services keep, and small tables' };
  return [...parts, { ...other, byte_count: Math.max(0, rest), row_count: null }];
}

/** How full the ingest stream is, 0 to 1; null where it has no end. */
export function streamRatio({ ingest_stream: { byte_count, byte_limit } }: Storage): number | null {
  return byte_limit > 0 ? byte_count / byte_limit : null;
}
