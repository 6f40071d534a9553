/** What the three drivers have in common. */
import type { Logger } from 'drizzle-orm/logger';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

export type Drizzle = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export interface DatabaseOptions {
  /** `postgres://…`; without it the data is kept in `dataDir`. */
  url?: string | undefined;
  /** The folder of the embedded database; made when missing. */
  dataDir: string;
  /** Whether every write of the embedded database is on the disk before it is answered; by default it is. */
  sync?: boolean;
  /** The most connections; the embedded database has one. */
  poolSize: number;
  /** How long connecting, or a statement, may take. */
  timeoutMs: number;
  /** Whether to refuse all writes. */
  readOnly?: boolean;
  /** Is shown every statement that is sent. */
  logger?: Logger | undefined;
}

export type ServerOptions = DatabaseOptions & { url: string };

/** An open driver. */
export interface Opened {
  db: Drizzle;
  /** Has all statements from now on sent on new connections; those under way end on the old ones. */
  reconnect?: () => void;
  close(): Promise<void>;
  /** Of the embedded database only. */
  embedded?: Embedded;
}

export interface Embedded {
  /**
   * Does what is due of what a server does in the background, at most one thing; to be called every second or so.
   * @returns undefined when nothing was due
   */
  upkeep(): Promise<Upkeep | undefined>;
  /**
   * Copies the database into a new folder, which can be the DATA_DIR of a service, while statements run; what was
   * written before the call is in it.
   * @throws BackupRefused when there is something at `folder`, or a back-up is being made
   */
  backUp(folder: string): Promise<void>;
}

/** What was done, and how long it held up the connection. */
export interface Upkeep {
  done: 'checkpoint' | 'vacuum';
  table?: string;
  durationMs: number;
}

/** Routers and firewalls forget a connection that is idle, most of them after minutes, and tell nobody. */
export const IDLE_SECONDS = 30;

/** A connection ends when it is so old, so that all of them find a new server or address some day. */
export const LIFE_SECONDS = 30 * 60;

/** The server gives up before we do: a statement that nobody waits for any more must not run on. */
export const statementTimeout = (timeoutMs: number) => Math.ceil(timeoutMs * 0.75);

/** A client that forwards to whichever one is current: Drizzle holds on to the client it was given. */
export function forwardingTo<Client extends object>(current: () => Client): Client {
  return new Proxy(current(), {
    get(_, name) {
      const client = current();
      const value: unknown = Reflect.get(client, name);
      return typeof value === 'function' ? value.bind(client) : value;
    },
  });
}
