/** What the three drivers have in common. */
import type { Logger } from 'drizzle-orm/logger';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

export type Drizzle = PgDatabase<PgQueryResultHKT, Record<string, never>>;

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

/** The server gives up sooner than we do: a statement that nobody waits for any more must not run on. */
export const statementTimeout = (timeoutMs: number) => Math.ceil(timeoutMs * 0.75);

/** Drizzle holds on to its client; this one stands for whichever is in use. */
export function standIn<Client extends object>(current: () => Client): Client {
  return new Proxy(current(), {
    get(_, name) {
      const client = current();
      const value: unknown = Reflect.get(client, name);
      return typeof value === 'function' ? value.bind(client) : value;
    },
  });
}
