/** Stops and starts a PostgreSQL server with its data kept, from what the server itself says of how it was started. */
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SQL } from 'bun';
import { startPostgres } from './postgres.ts';
import { until } from './until.ts';

/** `fast` ends the sessions and shuts down, `immediate` stops as a crash does. */
type Shutdown = 'fast' | 'immediate';

export interface RestartableServer {
  /** Names no database. */
  url: string;
  dataDirectory: string;
  halt: (shutdown: Shutdown) => Promise<void>;
  resume: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startRestartableServer(): Promise<RestartableServer> {
  const server = await startPostgres();
  const sql = new SQL(`${server.url}/postgres`, { max: 1 });
  const [{ data_directory: dataDirectory }] = await sql`show data_directory`;
  await sql.close();
  const pidFile = join(dataDirectory, 'postmaster.pid');
  const command = await Bun.file(join(dataDirectory, 'postmaster.opts')).text();
  const { uid, gid } = await stat(dataDirectory);

  async function halt(shutdown: Shutdown): Promise<void> {
    const pid = Number.parseInt(await Bun.file(pidFile).text(), 10);
    process.kill(pid, shutdown === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await until(async () => !(await Bun.file(pidFile).exists()));
  }

  return {
    url: server.url,
    dataDirectory,
    halt,
    async resume() {
      spawn('sh', ['-c', `exec ${command}`], { cwd: dataDirectory, uid, gid, stdio: 'ignore' });
      await until(() => accepts(server.url));
    },
    async stop() {
      if (await Bun.file(pidFile).exists()) await halt('fast');
      await server.stop();
    },
  };
}

async function accepts(url: string): Promise<boolean> {
  const sql = new SQL(`${url}/postgres`, { max: 1 });
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.close();
  }
}
