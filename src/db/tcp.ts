/** PostgreSQL over TCP, with Bun's own driver. */
import { SQL } from 'bun';
import { drizzle } from 'drizzle-orm/bun-sql';
import { forwardingTo, type Opened, type ServerOptions, statementTimeout } from './driver.ts';

export async function openTcp({ url, poolSize, timeoutMs, logger }: ServerOptions): Promise<Opened> {
  const connect = () =>
    new SQL({
      url,
      max: poolSize,
      connectionTimeout: timeoutMs / 2000,
      connection: {
        TimeZone: 'UTC',
        statement_timeout: statementTimeout(timeoutMs),
        // What is planned for a small table as a reading of all of it is kept for the large one that it becomes.
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
      void old.close({ timeout: 0 });
    },
    close: () => client.close({ timeout: 1 }),
  };
}
