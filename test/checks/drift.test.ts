import { afterEach, beforeEach, expect, test } from 'bun:test';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { ROOT } from './command.ts';
import { migrationDrift } from './drift.ts';

let workspace: Awaited<ReturnType<typeof makeFolder>>;

beforeEach(async () => {
  workspace = await makeFolder();
  await cp(join(ROOT, 'src/db'), join(workspace.folder, 'db'), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(workspace.folder, 'node_modules'));
});

afterEach(() => workspace.remove());

test('the migrations lead to the tables of the schema', async () => {
  expect((await migrationDrift()).passed).toBe(true);
});

test('a column without a migration is drift, told with the statement that is missing', async () => {
  const { passed, output } = await driftAfter('description: text(),', 'description: text(), colour: text(),');
  expect(passed).toBe(false);
  expect(output).toContain('ALTER TABLE "tasks" ADD COLUMN "colour" text;');
});

test('a renamed column is drift, though drizzle-kit cannot ask what became of the old one', async () => {
  expect((await driftAfter('description: text(),', 'details: text(),')).passed).toBe(false);
});

test('looking for drift changes no migration', async () => {
  const before = await migrations();
  await driftAfter('description: text(),', 'description: text(), colour: text(),');
  expect(await migrations()).toEqual(before);
});

async function driftAfter(text: string, replacement: string) {
  const file = join(workspace.folder, 'db/schema.ts');
  const schema = await Bun.file(file).text();
  expect(schema).toContain(text);
  await Bun.write(file, schema.replace(text, replacement));
  return migrationDrift(file);
}

async function migrations(): Promise<Record<string, string>> {
  const names = await Array.fromAsync(new Bun.Glob('**/*').scan(join(ROOT, 'drizzle')));
  const entries = names.sort().map(async (name) => [name, await Bun.file(join(ROOT, 'drizzle', name)).text()]);
  return Object.fromEntries(await Promise.all(entries));
}
