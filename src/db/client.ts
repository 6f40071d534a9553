/** Opens the database that `DATABASE_URL` names. All three speak PostgreSQL; the rest of the code cannot tell them apart. */
import type { Logger } from 'drizzle-orm/logger';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { createGuard, type Guard } from './guard.ts';

export type Drizzle = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export interface Database extends Guard {
  db: Drizzle;
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
  /** How long connecting, or a statement, may take. */
  timeoutMs: number;
  /** Is shown every statement that is sent. */
  logger?: Logger | undefined;
}

export type ServerOptions = DatabaseOptions & { url: string };

/** What opening a driver yields. */
export interface Opened {
  db: Drizzle;
  /** Gives up connections that do not answer, for new ones. */
  reconnect?: () => void;
  close(): Promise<void>;
}

/**
 * Opens PGlite without a URL, Neon over WebSocket for a host under `neon.tech`, else PostgreSQL over TCP. Connections
 * are made when first needed, so this succeeds while a server is down; it fails when another process uses `dataDir`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { db, close, reconnect } = await openDriver(options);
  return { ...createGuard({ timeoutMs: options.timeoutMs, onStall: reconnect }), db, close };
}

/** The server gives up sooner than we do: a statement that nobody waits for any more must not run on. */
export const statementTimeout = (timeoutMs: number) => Math.ceil(timeoutMs * 0.75);

async function openDriver({ url, ...options }: DatabaseOptions): Promise<Opened> {
  if (url === undefined) return (await import('./pglite.ts')).openPglite(options);
  const open = isNeon(url) ? (await import('./neon.ts')).openNeon : (await import('./tcp.ts')).openTcp;
  return open({ ...options, url });
}

function isNeon(url: string): boolean {
  return /(^|\.)neon\.tech$/.test(new URL(url).hostname);
}
