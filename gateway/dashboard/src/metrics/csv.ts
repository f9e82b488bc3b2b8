// Tables as CSV (RFC 4180), with a line of names first: numbers as they are, not as they are shown.

export type Cell = string | number | null;
export type CsvColumn<T> = readonly [name: string, of: (row: T) => Cell];

// A spreadsheet takes a text that begins so for a formula, and names are whatever somebody sent.
const FORMULA = /^[=+\-@\t\r]/;

function written(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf<T>(columns: readonly CsvColumn<T>[], rows: readonly T[]): string {
  const lines = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, of]) => written(of(row))))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}
