import { fileURLToPath } from 'node:url';
import { desc, eq } from 'drizzle-orm';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { bigint, type PgDialect, type PgSession, pgSchema, serial, text } from 'drizzle-orm/pg-core';
import { OperatorError } from '../errors.ts';
import type { Drizzle } from './driver.ts';
import { postgresError } from './driver-errors.ts';
import { lockUntilCommit, withoutTimeLimit } from './expressions.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));

/** A number that no other user of advisory locks in the same database is likely to take. */
const LOCK = 7_036_874_417;

/** Where Drizzle notes what it has applied; `created_at` is the `when` of the migration's journal entry. */
const applied = pgSchema('drizzle').table('__drizzle_migrations', {
  id: serial().primaryKey(),
  hash: text().notNull(),
  created_at: bigint({ mode: 'number' }),
});

const settings = pgSchema('pg_catalog').table('pg_settings', { name: text().notNull(), setting: text().notNull() });

/** The tables, or their database, do not fit this version of the code. */
class SchemaMismatch extends OperatorError {}

/**
 * Brings the tables to the state that this code needs, or does nothing when they are there. Any number of processes may
 * call it at once: one works, the others wait. The lock belongs to the transaction, so it works behind a transaction pooler.
 * @throws SchemaMismatch when the tables are newer than the code, or the database cannot hold every text
 */
export async function migrate(db: Drizzle): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder });
  if ((await pending(db, migrations)).length === 0) return;
  await refuseOtherEncodings(db);
  await db.transaction(async (transaction) => {
    // A large table, or another process at work, may take longer than a statement may.
    await transaction.execute(withoutTimeLimit());
    await transaction.execute(lockUntilCommit(LOCK));
    // The same call as in the `migrate` of every driver, but within the transaction that holds the lock.
    const { dialect, session } = transaction as unknown as { dialect: PgDialect; session: PgSession };
    const within = Object.create(session, {
      transaction: { value: (work: (tx: unknown) => unknown) => work(transaction) },
    });
    await dialect.migrate(migrations, within, { migrationsFolder });
  });
}

/** In another encoding some titles could not be stored, and characters would be counted in another way. */
async function refuseOtherEncodings(db: Drizzle): Promise<void> {
  const [row] = await db.select().from(settings).where(eq(settings.name, 'server_encoding'));
  if (row?.setting !== 'UTF8')
    throw new SchemaMismatch(
      `The database is encoded in ${row?.setting}, and the service needs UTF8.\nMake another one: createdb --encoding=UTF8 --template=template0`,
    );
}

/** @throws SchemaMismatch when the tables are older or newer than the code */
export async function checkSchema(db: Drizzle): Promise<void> {
  const { length } = await pending(db, readMigrationFiles({ migrationsFolder }));
  if (length > 0)
    throw new SchemaMismatch(
      `The tables are older than this version: ${length} to apply. Run the command \`migrate\`.`,
    );
}

async function pending(db: Drizzle, migrations: MigrationMeta[]): Promise<MigrationMeta[]> {
  const last = await lastApplied(db);
  if (last > Math.max(...migrations.map(({ folderMillis }) => folderMillis)))
    throw new SchemaMismatch('The tables are newer than this version: run the version that made them, or a later one.');
  return migrations.filter(({ folderMillis }) => folderMillis > last);
}

async function lastApplied(db: Drizzle): Promise<number> {
  try {
    const [row] = await db.select().from(applied).orderBy(desc(applied.created_at)).limit(1);
    return row?.created_at ?? 0;
  } catch (error) {
    // No such table or schema: nothing has been applied.
    if (postgresError(error)?.sqlState === '42P01') return 0;
    throw error;
  }
}
