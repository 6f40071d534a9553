/** Neon over WebSocket: gets through where only HTTPS does, and wakes a suspended compute. */
import { Pool, type PoolClient } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-serverless';
import { type Opened, type ServerOptions, statementTimeout } from './client.ts';

export async function openNeon({ url, poolSize, timeoutMs, logger }: ServerOptions): Promise<Opened> {
  const client = new Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: timeoutMs / 2,
    query_timeout: timeoutMs,
    // A pooler hands its connections around and so takes no settings for one of them.
    ...(!isPooler(url) && { statement_timeout: statementTimeout(timeoutMs) }),
  });
  // A dropped socket is an event of the pool and of the client; unheard, either ends the process. The statement
  // that ran on it is rejected as well, and that is where it is dealt with.
  const heard = () => {};
  client.on('error', heard);
  client.on('connect', (connection: PoolClient) => connection.on('error', heard));
  return { db: drizzle({ client, ...(logger && { logger }) }), close: () => client.end() };
}

function isPooler(url: string): boolean {
  return new URL(url).hostname.split('.', 1)[0]?.endsWith('-pooler') ?? false;
}
