/** Opens the database that `DATABASE_URL` names. All three speak PostgreSQL, and the rest of the code cannot tell them apart. */
import { DatabaseReadOnly } from '../errors.ts';
import type { DatabaseOptions, Drizzle, Embedded, Opened } from './driver.ts';
import { createStatementQueue, type StatementQueue } from './statement-queue.ts';

export interface Database extends StatementQueue {
  db: Drizzle;
  /** Finishes the statements under way, then lets go of every connection, file and lock. */
  close(): Promise<void>;
  /** Whether it was opened for reads only: writes reject with DatabaseReadOnly. */
  readOnly: boolean;
  /** Of the embedded database only. */
  embedded?: Embedded;
}

/**
 * Opens PGlite without a URL, Neon over WebSocket for a host under `neon.tech`, else PostgreSQL over TCP. Connections
 * are made when first needed, so this succeeds while a server is down.
 * @throws FolderInUse when another process uses `dataDir`
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, poolSize, timeoutMs, readOnly = false } = options;
  const { db, close, reconnect, embedded } = await openDriver(options);
  const concurrency = url === undefined ? 1 : poolSize;
  const queue = createStatementQueue({ timeoutMs, concurrency, reconnect });
  const refusal = readOnly && { write: refuse, writeOnce: refuse };
  return { ...queue, ...refusal, db, close, readOnly, ...(embedded && { embedded }) };
}

const refuse = () => Promise.reject(new DatabaseReadOnly());

async function openDriver({ url, ...options }: DatabaseOptions): Promise<Opened> {
  if (url === undefined) return (await import('./pglite.ts')).openPglite(options);
  const open = isNeon(url) ? (await import('./neon.ts')).openNeon : (await import('./tcp.ts')).openTcp;
  return open({ ...options, url });
}

/** Where the tasks are, for people: a folder or a host, never a user or a password. */
export function placeOf({ url, dataDir }: Pick<DatabaseOptions, 'url' | 'dataDir'>): string {
  if (url === undefined) return `embedded, in ${dataDir}`;
  return `${isNeon(url) ? 'Neon' : 'PostgreSQL'} at ${new URL(url).host}`;
}

function isNeon(url: string): boolean {
  return /(^|\.)neon\.tech$/.test(new URL(url).hostname);
}
