import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { PgDialect, PgSession } from 'drizzle-orm/pg-core';
import type { Database } from './client.ts';
import { lockUntilCommit } from './expressions.ts';

const FOLDER = fileURLToPath(new URL('../../drizzle', import.meta.url));

/** Any number that no other use of advisory locks in the same database is likely to take. */
const LOCK = 7_036_874_417;

/**
 * Brings the tables to the state that this code needs; does nothing when they are. Any number of processes may call it
 * at once: one works, the others wait. The lock belongs to the transaction and so works behind a transaction pooler.
 */
export async function migrate(db: Database): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder: FOLDER });
  await db.transaction(async (transaction) => {
    await transaction.execute(lockUntilCommit(LOCK));
    // What the `migrate` of every driver calls, but within the transaction that holds the lock.
    const { dialect, session } = transaction as unknown as { dialect: PgDialect; session: PgSession };
    const within = Object.create(session, {
      transaction: { value: (work: (tx: unknown) => unknown) => work(transaction) },
    });
    await dialect.migrate(migrations, within, { migrationsFolder: FOLDER });
  });
}
