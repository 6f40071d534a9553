/** The three databases that every rule must hold on, opened as the service opens them, from empty. */
import { describe } from 'bun:test';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createTestApp, type TestApp, type TestAppOptions } from './app.ts';
import { atEnd } from './cleanup.ts';
import type { Call } from './client.ts';
import { makeFolder } from './folder.ts';
import { startNeonRelay } from './neon-relay.ts';
import { createDatabase } from './postgres.ts';

export interface TestDatabase extends Database {
  name: 'PGlite' | 'PostgreSQL' | 'Neon';
}

export const databases = await openAll();
const [, postgres] = databases;

/** Opens an app on the database with a user of its own, so that no test sees the tasks of another. */
export type OpenApp = (options?: TestAppOptions) => TestApp;

/** Defines the same tests once for each of the three databases. */
export function forEachDatabase(name: string, define: (open: OpenApp, database: TestDatabase) => void): void {
  for (const database of databases) {
    describe(`${name} on ${database.name}`, () => define((options) => createTestApp(database, options), database));
  }
}

/** `refuse` is a `call` that throws when the service sends a statement for it. */
type OpenRefusingApp = (options?: TestAppOptions) => TestApp & { refuse: Call };

/** Defines tests of requests that are refused without a statement: on which database they run makes no difference. */
export function onOneDatabase(name: string, define: (open: OpenRefusingApp, database: TestDatabase) => void): void {
  describe(name, () => define(openRefusingApp, postgres));
}

const counted = countStatements(postgres);

function openRefusingApp(options?: TestAppOptions) {
  const app = createTestApp(counted, options);
  const refuse: Call = async (method, path, request) => {
    const before = counted.statements;
    const answer = await app.call(method, path, request);
    if (counted.statements > before) throw new Error(`${method} ${path} sends a statement: test it on each database.`);
    return answer as never;
  };
  return { ...app, refuse };
}

function countStatements(database: TestDatabase) {
  const counted = {
    ...database,
    statements: 0,
    read(statement) {
      counted.statements += 1;
      return database.read(statement);
    },
    write(statement) {
      counted.statements += 1;
      return database.write(statement);
    },
  } as TestDatabase & { statements: number };
  return counted;
}

async function openAll(): Promise<readonly [TestDatabase, TestDatabase, TestDatabase]> {
  const { folder, remove } = await makeFolder();
  atEnd(remove);
  const relayed = await createDatabase();
  const relay = startNeonRelay(relayed);
  atEnd(relay.stop);
  return Promise.all([
    open('PGlite', undefined),
    open('PostgreSQL', await createDatabase()),
    open('Neon', relay.urlOf(relayed)),
  ]);

  async function open(name: TestDatabase['name'], url: string | undefined): Promise<TestDatabase> {
    const dataDir = join(folder, 'data');
    // No answer depends on whether the disk has it; test/faults/power-cut.test.ts tests that it does.
    // Nor on how busy the machine is.
    const database = await openDatabase({ url, dataDir, sync: false, poolSize: 10, timeoutMs: 60_000 });
    atEnd(database.close);
    await migrate(database.db);
    return { name, ...database };
  }
}
