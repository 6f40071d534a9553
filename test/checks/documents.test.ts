/** What the documents and `.env.example` repeat of the code, held against the code. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { describeConfig } from '../../src/config.ts';
import { EXPLANATIONS } from '../../src/http/problem-pages.ts';
import { PROBLEMS, type ProblemName } from '../../src/http/problems.ts';
import { ROOT } from './command.ts';

const read = (name: string) => Bun.file(join(ROOT, name)).text();

const variables = describeConfig().split('\n').map(readVariable);

test('docs/configuration.md lists every setting with its default and meaning', async () => {
  const expected = variables.map(({ name, value, description }) => [
    `\`${name}\``,
    value === '' ? '' : `\`${value}\``,
    description,
  ]);
  expect(await tableUnder('Settings', 'docs/configuration.md')).toEqual(expected);
});

test('.env.example lists every variable with its default, and sets none', async () => {
  const expected = variables.map(({ name, value, description }) => `# ${description}\n# ${name}=${value}\n`);
  expect(await read('.env.example')).toBe(expected.join('\n'));
});

test('docs/errors.md lists every problem with its status, its title, and what its page says', async () => {
  const expected = Object.entries(PROBLEMS).map(([name, { status, title }]) => [
    `\`${name}\``,
    String(status),
    title,
    ...EXPLANATIONS[name as ProblemName],
  ]);
  expect(await tableUnder('Problems', 'docs/errors.md')).toEqual(expected);
});

/** Takes a line of `--help` apart. */
function readVariable(line: string): { name: string; description: string; value: string } {
  const [, name, description, value = ''] = /^ {2}(\w+) +(.*?)(?: Default: (.*)\.)?$/.exec(line) ?? [];
  if (!name || !description) throw new Error(`--help has a line that is not about a variable: ${line}`);
  return { name, description, value };
}

/** The cells of the first table after a heading, without its head. */
async function tableUnder(heading: string, document: string): Promise<string[][]> {
  const section = (await read(document)).split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? '';
  const [table = ''] = /^(\|.*\n)+/m.exec(section) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
