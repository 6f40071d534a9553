/** PostgreSQL over TCP, with Bun's own driver, which sends statements on without waiting for answers (pipelining). */
import { SQL } from 'bun';
import { drizzle } from 'drizzle-orm/bun-sql';
import { type Opened, type ServerOptions, statementTimeout } from './client.ts';

export async function openTcp({ url, poolSize, timeoutMs, logger }: ServerOptions): Promise<Opened> {
  const connect = () =>
    new SQL({
      url,
      max: poolSize,
      connectionTimeout: timeoutMs / 2000,
      connection: { TimeZone: 'UTC', statement_timeout: statementTimeout(timeoutMs) },
    });
  let client = connect();
  // Drizzle holds on to its client; this one stands for whichever is in use.
  const current = new Proxy(client, { get: (_, name) => client[name as keyof SQL] });
  return {
    db: drizzle({ client: current, ...(logger && { logger }) }),
    reconnect() {
      const old = client;
      client = connect();
      void old.close({ timeout: 0 });
    },
    close: () => client.close({ timeout: 1 }),
  };
}
