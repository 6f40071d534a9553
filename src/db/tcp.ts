/** PostgreSQL over TCP, with Bun's own driver. */
import { SQL } from 'bun';
import { drizzle } from 'drizzle-orm/bun-sql';
import {
  forwardingTo,
  IDLE_SECONDS,
  LIFE_SECONDS,
  type Opened,
  type ServerOptions,
  statementTimeout,
} from './driver.ts';

/** Connections are made when first needed, so this succeeds while the server is down. */
export async function openTcp({ url, poolSize, timeoutMs, logger }: ServerOptions): Promise<Opened> {
  const connect = () =>
    new SQL({
      url,
      max: poolSize,
      connectionTimeout: timeoutMs / 2000,
      // A statement under way is no idleness, and outlives both.
      idleTimeout: IDLE_SECONDS,
      maxLifetime: LIFE_SECONDS,
      connection: {
        TimeZone: 'UTC',
        statement_timeout: statementTimeout(timeoutMs),
        // A plan that scans a small table is kept when the table has grown.
        enable_seqscan: 'off',
      },
    });
  let client = connect();
  const current = forwardingTo(() => client);
  return {
    db: drizzle({ client: current, ...(logger && { logger }) }),
    reconnect() {
      const old = client;
      client = connect();
      void old.close({ timeout: timeoutMs / 1000 });
    },
    close: () => client.close({ timeout: 1 }),
  };
}
