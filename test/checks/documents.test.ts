/** What README and `.env.example` repeat of the code, held against the code. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { describeConfig } from '../../src/config.ts';
import { PROBLEMS } from '../../src/http/problems.ts';
import { ROOT } from './command.ts';

const readme = await Bun.file(join(ROOT, 'README.md')).text();

const variables = describeConfig().split('\n').map(readVariable);

test('the README lists every variable of the configuration with its default and what it means', () => {
  const expected = variables.map(({ name, value, description }) => [
    `\`${name}\``,
    value === '' ? '' : `\`${value}\``,
    description,
  ]);
  expect(tableUnder('Configuration')).toEqual(expected);
});

test('.env.example lists every variable with its default, and sets none', async () => {
  const expected = variables.map(({ name, value, description }) => `# ${description}\n# ${name}=${value}\n`);
  expect(await Bun.file(join(ROOT, '.env.example')).text()).toBe(expected.join('\n'));
});

test('the README lists every kind of problem with its status and title', () => {
  const expected = Object.entries(PROBLEMS).map(([name, { status, title }]) => [`\`${name}\``, String(status), title]);
  expect(tableUnder('Errors').map((row) => row.slice(0, 3))).toEqual(expected);
});

/** Takes a line of `--help` apart. */
function readVariable(line: string): { name: string; description: string; value: string } {
  const [, name, description, value = ''] = /^ {2}(\w+) +(.*?)(?: Default: (.*)\.)?$/.exec(line) ?? [];
  if (!name || !description) throw new Error(`--help has a line that is not about a variable: ${line}`);
  return { name, description, value };
}

/** The cells of the first table after a heading, without its head. */
function tableUnder(heading: string): string[][] {
  const section = readme.split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? '';
  const [table = ''] = /^(\|.*\n)+/m.exec(section) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
