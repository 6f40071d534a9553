/** Opens the database that `DATABASE_URL` names. All three speak PostgreSQL; the rest of the code cannot tell them apart. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

export type Database = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export interface OpenDatabase {
  db: Database;
  /** Finishes what runs, then lets go of every connection, file and lock. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://…`; without it the data is kept in `dataDir`. */
  url?: string | undefined;
  /** The folder of the embedded database; made when missing. */
  dataDir: string;
  /** Connections at most; the embedded database has one. */
  poolSize: number;
  /** How long connecting or one statement may take. */
  timeoutMs: number;
}

/**
 * Opens PGlite without a URL, Neon over WebSocket for a host under `neon.tech`, else PostgreSQL over TCP. Connections
 * are made when first needed, so this succeeds while a server is down; it fails when another process uses `dataDir`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { url, dataDir, poolSize, timeoutMs } = options;
  if (url === undefined) return (await import('./pglite.ts')).openPglite(dataDir);
  const driver = isNeon(url) ? (await import('./neon.ts')).openNeon : (await import('./tcp.ts')).openTcp;
  return driver({ url, poolSize, timeoutMs });
}

export type ServerOptions = Required<Omit<DatabaseOptions, 'dataDir'>> & { url: string };

function isNeon(url: string): boolean {
  return /(^|\.)neon\.tech$/.test(new URL(url).hostname);
}
