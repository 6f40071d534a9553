import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { importArrows } from './imports.ts';

/** What the check says of these files, each with the modules that it imports. */
async function findings(files: Record<string, string[]>): Promise<string[]> {
  const { folder, remove } = await makeFolder();
  for (const [file, targets] of Object.entries(files)) {
    const lines = targets.map((target) => `import type { X } from '${target}';`);
    await Bun.write(join(folder, file), lines.join('\n'));
  }
  const { output } = await importArrows(folder);
  await remove();
  return output === '' ? [] : output.split('\n');
}

test('the house has no import against its arrows and no circle', async () => {
  expect(await importArrows()).toEqual({ passed: true, output: '' });
});

test.each([
  ['http/problems.ts', '../tasks/schema.ts', 'tasks/schema.ts'],
  ['http/metrics.ts', '../db/database.ts', 'db/database.ts'],
  ['tasks/service.ts', '../http/problems.ts', 'http/problems.ts'],
  ['tasks/service.ts', '../db/database.ts', 'db/database.ts'],
  ['tasks/service.ts', './store/shared.ts', 'tasks/store/shared.ts'],
  ['tasks/routes.ts', '../db/schema.ts', 'db/schema.ts'],
  ['tasks/store/reads.ts', '../service.ts', 'tasks/service.ts'],
  ['db/schema.ts', '../tasks/fields.ts', 'tasks/fields.ts'],
  ['errors.ts', './http/problems.ts', 'http/problems.ts'],
])('%s may not import %s, not even a type', async (file, specifier, target) => {
  expect(await findings({ [file]: [specifier] })).toEqual([`${file} may not import ${target}`]);
});

test('a circle is found, of types too', async () => {
  const files = { 'db/a.ts': ['./b.ts'], 'db/b.ts': ['./c.ts'], 'db/c.ts': ['./a.ts'] };
  const [circle, ...others] = await findings(files);
  expect(circle).toMatch(/^circle: /);
  expect(others).toEqual([]);
});

test('a file that belongs to no part of the house is found', async () => {
  expect(await findings({ 'utils/dates.ts': [] })).toEqual(['utils/dates.ts belongs to no part of the house']);
});
