/** Neon over WebSocket: gets through where only HTTPS does, and wakes a suspended compute. */
import { Pool, type PoolClient } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-serverless';
import type { OpenDatabase, ServerOptions } from './client.ts';

export async function openNeon({ url, poolSize, timeoutMs }: ServerOptions): Promise<OpenDatabase> {
  const client = new Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A dropped socket is an event of the pool and of the client; unheard, either ends the process. The statement
  // that ran on it is rejected as well, and that is where it is dealt with.
  const heard = () => {};
  client.on('error', heard);
  client.on('connect', (connection: PoolClient) => connection.on('error', heard));
  return { db: drizzle({ client }), close: () => client.end() };
}
