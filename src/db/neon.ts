/** Neon over WebSocket, which passes where only HTTPS does and wakes a suspended compute. */
import { Pool, type PoolClient } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-serverless';
import {
  forwardingTo,
  IDLE_SECONDS,
  LIFE_SECONDS,
  type Opened,
  type ServerOptions,
  statementTimeout,
} from './driver.ts';

/** Connections are made when first needed, so this succeeds while the compute is suspended or gone. */
export async function openNeon({ url, poolSize, timeoutMs, logger }: ServerOptions): Promise<Opened> {
  const connect = () => {
    const pool = new Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: timeoutMs,
      idleTimeoutMillis: IDLE_SECONDS * 1000,
      maxLifetimeSeconds: LIFE_SECONDS,
      // Drops a connection that does not answer, long after the request: a migration may take its time.
      query_timeout: timeoutMs + 60_000,
      // A pooler shares its connections and so takes no settings for one of them.
      ...(!isPooler(url) && { statement_timeout: statementTimeout(timeoutMs) }),
    });
    // A dropped socket is an event of the pool and of the client, and ends the process if either is unhandled. The
    // statement that ran on it rejects as well, and is handled there.
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
