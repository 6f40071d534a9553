/** PostgreSQL over TCP, with Bun's own driver. */
import { SQL } from 'bun';
import { drizzle } from 'drizzle-orm/bun-sql';
import type { OpenDatabase, ServerOptions } from './client.ts';

export async function openTcp({ url, poolSize, timeoutMs }: ServerOptions): Promise<OpenDatabase> {
  const client = new SQL(url, { max: poolSize, connectionTimeout: timeoutMs / 1000 });
  return { db: drizzle({ client }), close: () => client.close({ timeout: 1 }) };
}
