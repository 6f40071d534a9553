/** What the three drivers have in common. */
import type { Logger } from 'drizzle-orm/logger';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

export type Drizzle = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export interface DatabaseOptions {
  /** `postgres://…`; without it the data is kept in `dataDir`. */
  url?: string | undefined;
  /** The folder of the embedded database; made when missing. */
  dataDir: string;
  /** The most connections; the embedded database has one. */
  poolSize: number;
  /** How long connecting, or a statement, may take. */
  timeoutMs: number;
  /** Is shown every statement that is sent. */
  logger?: Logger | undefined;
}

export type ServerOptions = DatabaseOptions & { url: string };

/** An open driver. */
export interface Opened {
  db: Drizzle;
  /** Replaces connections that have stopped answering. */
  reconnect?: () => void;
  close(): Promise<void>;
}

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
