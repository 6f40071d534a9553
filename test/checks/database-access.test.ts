/** The lint rules that keep drivers and SQL inside `src/db`: they fire on every way round them, and on nothing else. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { ROOT, run, tool } from './command.ts';

const OPTIONS = ['--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none'];

const IMPORTS = 'lint/style/noRestrictedImports';
const PLUGIN = 'plugin';

const DRIVERS = [
  `import { SQL } from 'bun'`,
  `import { sql as query } from 'bun'`,
  `import { Database } from 'bun:sqlite'`,
  `import pg from 'pg'`,
  `import Pool from 'pg/lib/index.js'`,
  `import type { Pool } from 'pg'`,
  `import postgres from 'postgres'`,
  `import { Pool } from '@neondatabase/serverless'`,
  `import { PGlite } from '@electric-sql/pglite'`,
  `import { live } from '@electric-sql/pglite/live'`,
  `import { drizzle } from 'drizzle-orm/bun-sql'`,
  `import { drizzle } from 'drizzle-orm/node-postgres'`,
  `import { migrate } from 'drizzle-orm/pglite/migrator'`,
  `export * from 'pg'`,
  `await import('@neondatabase/serverless')`,
];

const SQL_IMPORTS = [`import { sql } from 'drizzle-orm'`, `import { sql as fragment } from 'drizzle-orm'`];

const STATEMENTS = [
  'sql`select 1`',
  'sql<number>`select 1`',
  'drizzle.sql`select 1`',
  'Bun.sql`select 1`',
  `sql.raw('select 1')`,
  `drizzle.sql.raw(text)`,
  `new Bun.SQL('postgres://127.0.0.1')`,
  `db.execute('select 1')`,
  'db.execute(`select 1`)',
  'db.execute(text)',
  'dependencies.db.execute(text)',
  'transaction.execute(text)',
  `client.query('select 1', [])`,
  'client.unsafe(text)',
];

const HARMLESS = [
  `import { randomUUIDv7 } from 'bun'`,
  `import { and, eq, type SQL } from 'drizzle-orm'`,
  `import type { PgDatabase } from 'drizzle-orm/pg-core'`,
  `import { openDatabase } from '../db/client.ts'`,
  `db.select().from(tasks).prepare('get_task')`,
  `statement.execute({ user_id: 'ada' })`,
  'statement.execute(values)',
  'statements.getTask.execute(values)',
  'statement.toSQL().sql',
  `/select/.exec('select 1')`,
  'String.raw`select 1`',
  `url.searchParams.get('query')`,
];

let workspace: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  workspace = await makeFolder();
  for (const name of ['biome.json', '.biome'])
    await cp(join(ROOT, name), join(workspace.folder, name), { recursive: true });
});

afterAll(() => workspace.remove());

test.each(['src/app.ts', 'src/tasks/service.ts', 'src/http/health.ts'])(
  'a driver that %s imports is refused, whatever the form of the import',
  async (file) => {
    expect(await findings(file, DRIVERS)).toEqual(DRIVERS.map((line) => [line, IMPORTS]));
  },
);

test.each(['src/main.ts', 'src/tasks/store/reads.ts'])(
  'a hand-made statement in %s is refused, and so is the import of what makes one',
  async (file) => {
    const lines = [...SQL_IMPORTS, ...STATEMENTS];
    const expected = [...SQL_IMPORTS.map((line) => [line, IMPORTS]), ...STATEMENTS.map((line) => [line, PLUGIN])];
    expect(await findings(file, lines)).toEqual(expected);
  },
);

test('the modules of a driver in src/db may import it, yet write no statement either', async () => {
  const lines = [...DRIVERS, ...SQL_IMPORTS, ...STATEMENTS];
  expect(await findings('src/db/tcp.ts', lines)).toEqual(STATEMENTS.map((line) => [line, PLUGIN]));
});

test.each(['src/db/expressions.ts', 'src/db/schema.ts'])('%s may hold SQL expressions', async (file) => {
  expect(await findings(file, ['sql`excluded.revision`', `sql.raw('bigint')`])).toEqual([]);
});

test('what Drizzle and the language are used for otherwise is let alone', async () => {
  expect(await findings('src/tasks/service.ts', HARMLESS)).toEqual([]);
});

/** What the two rules say about a file of these lines: each line they refuse, with the name of the rule. */
async function findings(file: string, lines: string[]): Promise<string[][]> {
  await Bun.write(join(workspace.folder, file), `${lines.join(';\n')};\n`);
  const { stdout } = await run(tool('biome', 'lint', ...OPTIONS, file), { cwd: workspace.folder });
  const { diagnostics } = JSON.parse(stdout) as Report;
  return diagnostics
    .filter(({ category }) => category === IMPORTS || category === PLUGIN)
    .map(({ category, location }): [number, string] => [location.start.line, category])
    .sort(([one], [other]) => one - other)
    .map(([line, category]) => [lines[line - 1] ?? '', category]);
}

interface Report {
  diagnostics: { category: string; location: { start: { line: number } } }[];
}
