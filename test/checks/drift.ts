import { cp } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { type Outcome, ROOT, run, tool } from './command.ts';

/**
 * Whether the migrations lead to the tables that the schema describes. Generates into a copy, so that nothing is left
 * behind.
 */
export async function migrationDrift(schema = join(ROOT, 'src/db/schema.ts')): Promise<Outcome> {
  const { folder, remove } = await makeFolder();
  try {
    const copy = join(folder, 'drizzle');
    await cp(join(ROOT, 'drizzle'), copy, { recursive: true });
    const before = await migrationsIn(copy);
    // drizzle-kit takes every path for a relative one.
    const paths = [`--schema=${relative(ROOT, schema)}`, `--out=${relative(ROOT, copy)}`];
    const { output } = await run(tool('drizzle-kit', 'generate', '--dialect=postgresql', ...paths));
    const added = (await migrationsIn(copy)).filter((name) => !before.includes(name));
    const statements = await Promise.all(added.map((name) => Bun.file(join(copy, name)).text()));
    // It ends with 0 even when it cannot tell a renamed column from a new one and has nobody to ask.
    return {
      passed: added.length === 0 && output.includes('No schema changes'),
      output: added.length === 0 ? output : `bun run generate --name=… is due; it adds:\n${statements.join('\n')}`,
    };
  } finally {
    await remove();
  }
}

async function migrationsIn(folder: string): Promise<string[]> {
  return Array.fromAsync(new Bun.Glob('*.sql').scan(folder));
}
