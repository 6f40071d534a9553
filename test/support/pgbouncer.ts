/** PgBouncer as Debian ships it, in front of a PostgreSQL server. */
import { join } from 'node:path';
import { makeFolder } from './folder.ts';
import { freePort } from './postgres.ts';

export interface Pooler extends AsyncDisposable {
  /** The address of the database through the pooler. */
  url: string;
}

/** @param settings lines of its configuration, such as `pool_mode = transaction` */
export async function startPgBouncer(databaseUrl: string, settings: string[] = []): Promise<Pooler> {
  const { folder, remove } = await makeFolder();
  const { port, pathname, username } = new URL(databaseUrl);
  const own = freePort();
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${port} user=${username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${own}`,
    'unix_socket_dir =',
    'auth_type = any',
    ...settings,
  ];
  const configuration = join(folder, 'pgbouncer.ini');
  await Bun.write(configuration, `${lines.join('\n')}\n`);
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = Bun.spawn(['pgbouncer', ...user, configuration], { stdout: 'ignore', stderr: 'pipe' });
  await logged(child.stderr, 'process up');
  return {
    url: `postgres://${username}@127.0.0.1:${own}${pathname}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
      await remove();
    },
  };
}

async function logged(stream: ReadableStream<Uint8Array>, wanted: string): Promise<void> {
  let said = '';
  for await (const bytes of stream) {
    said += new TextDecoder().decode(bytes);
    if (said.includes(wanted)) return;
  }
  throw new Error(`PgBouncer ended: ${said}`);
}
