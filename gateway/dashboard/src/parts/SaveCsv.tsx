// A button that saves a table as a file.
import { csvOf, type CsvColumn } from '../metrics/csv';
import { project } from '../state/session';
import { Icon } from './Icon';
import { tip } from './Tooltip';

interface SaveCsvProps<T> {
  /** What the file is called, beside the project and the time. */
  name: string;
  columns: readonly CsvColumn<T>[];
  rows: readonly T[];
  /** What it says it does, where that needs more words. */
  label?: string;
}

export function SaveCsv<T>({ name, columns, rows, label = 'Save as CSV' }: SaveCsvProps<T>) {
  return (
    <button
      type="button"
      class="button is-icon save-csv"
      aria-label={`${label}: ${name}`}
      {...tip(label)}
      disabled={rows.length === 0}
      onClick={() => save(`assay-${project.value}-${name}-${stamp()}.csv`, csvOf(columns, rows))}
    >
      <Icon name="download" />
    </button>
  );
}

/** 20261122T140509Z */
function stamp(): string {
  return new Date().toISOString().replace(/[-:]|\.\d+/g, '');
}

function save(fileName: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName;
  link.click();
  // The browser has taken what is behind the address when it has handled the click.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}
