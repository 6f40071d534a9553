/** Figures as Markdown, and what they were measured on. */
import { cpus, totalmem } from 'node:os';

export interface Section {
  title: string;
  /** What was measured and how to read it, in a sentence or two. */
  about: string;
  columns: string[];
  rows: (string | number)[][];
}

export function toMarkdown({ title, about, columns, rows }: Section): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  const rule = columns.map((_, index) => (index === 0 ? '---' : '--:'));
  return [`## ${title}`, '', about, '', line(columns), line(rule), ...rows.map(line), ''].join('\n');
}

export async function describeMachine(postgresVersion: string): Promise<string> {
  const { dependencies } = await Bun.file(new URL('../../package.json', import.meta.url)).json();
  const versions = ['elysia', 'drizzle-orm', 'pino', '@electric-sql/pglite'].map(
    (name) => `${name} ${dependencies[name]}`,
  );
  const memory = Math.round(totalmem() / 1024 ** 3);
  return [
    `${cpus().length} cores (${cpus()[0]?.model}), ${memory} GiB, ${process.platform} ${process.arch}.`,
    `Bun ${Bun.version}, PostgreSQL ${postgresVersion}, ${versions.join(', ')}.`,
  ].join(' ');
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

export const whole = (value: number) => Math.round(value).toLocaleString('en');
export const fixed = (value: number, digits = 2) => value.toFixed(digits);
