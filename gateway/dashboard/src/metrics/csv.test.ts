import { describe, expect, it } from 'vitest';
import { csvOf, type CsvColumn } from './csv';

interface Row {
  name: string;
  ratio: number | null;
}

const COLUMNS: readonly CsvColumn<Row>[] = [
  ['provider', (row) => row.name],
  ['success_ratio', (row) => row.ratio],
];

describe('a table as CSV', () => {
  it.each<[string, Row, string]>([
    ['a number as it is', { name: 'openai', ratio: 0.123456789 }, 'openai,0.123456789'],
    ['nothing for what is not known', { name: '', ratio: null }, ','],
    ['what would end a cell in quotes', { name: 'a "b", c\nd', ratio: 1 }, '"a ""b"", c\nd",1'],
    ['a negative number as a number', { name: 'x', ratio: -1e-7 }, 'x,-1e-7'],
  ])('has %s', (_, row, line) => {
    expect(csvOf(COLUMNS, [row])).toBe(`provider,success_ratio\r\n${line}\r\n`);
  });

  it.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx'])('makes no formula of a name such as %j', (name) => {
    expect(csvOf(COLUMNS, [{ name, ratio: 1 }])).toContain(`'${name}`);
  });

  it('is its names alone where there are no rows', () => {
    expect(csvOf(COLUMNS, [])).toBe('provider,success_ratio\r\n');
  });
});
