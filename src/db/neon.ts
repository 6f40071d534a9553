/** Neon over WebSocket: gets through where only HTTPS does, and wakes a suspended compute. */
import { Pool, type PoolClient } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-serverless';
import { forwardingTo, type Opened, type ServerOptions, statementTimeout } from './driver.ts';

export async function openNeon({ url, poolSize, timeoutMs, logger }: ServerOptions): Promise<Opened> {
  const connect = () => {
    const pool = new Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: timeoutMs,
      // Gives up a connection that will not answer; long after the request, for a migration may take its time.
      query_timeout: timeoutMs + 60_000,
      // A pooler hands its connections around and so takes no settings for one of them.
      ...(!isPooler(url) && { statement_timeout: statementTimeout(timeoutMs) }),
    });
    // A dropped socket is an event of the pool and of the client; unheard, either ends the process. The statement
    // that ran on it is rejected as well, and that is where it is dealt with.
    const heard = () => {};
    pool.on('error', heard);
    pool.on('connect', (connection: PoolClient) => connection.on('error', heard));
    return pool;
  };
  let pool = connect();
  const current = forwardingTo(() => pool);
  return {
    db: drizzle({ client: current, ...(logger && { logger }) }),
    reconnect() {
      void pool.end();
      pool = connect();
    },
    close: () => pool.end(),
  };
}

function isPooler(url: string): boolean {
  return new URL(url).hostname.split('.', 1)[0]?.endsWith('-pooler') ?? false;
}
