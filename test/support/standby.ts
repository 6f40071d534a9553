/** A hot standby of a real server: a copy of its files that follows it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SQL } from 'bun';
import { makeFolder } from './folder.ts';
import { freePort } from './postgres.ts';
import type { RestartableServer } from './restartable-postgres.ts';
import { until } from './until.ts';

export interface Standby {
  /** Names no database. */
  url: string;
  /** One connection to its database `postgres`. */
  sql: SQL;
  /** Waits until it has all that the primary has written. */
  catchUp: () => Promise<void>;
  /** Makes it a primary. */
  promote: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Restarts the primary. */
export async function startStandby(primary: RestartableServer): Promise<Standby> {
  const { folder, remove } = await makeFolder();
  const cluster = join(folder, 'standby');
  const options = await Bun.file(join(primary.dataDirectory, 'postmaster.opts')).text();
  await primary.halt('fast');
  await cp(primary.dataDirectory, cluster, { recursive: true, preserveTimestamps: true });
  await primary.resume();
  const { port: primaryPort } = new URL(primary.url);
  await Bun.write(join(cluster, 'standby.signal'), '');
  await appendFile(
    join(cluster, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=postgres'\n`,
  );
  await chmod(cluster, 0o700);
  const { uid, gid } = await stat(primary.dataDirectory);
  await once(spawn('chown', ['-R', `${uid}:${gid}`, cluster]), 'exit');
  const port = String(freePort());
  const command = options.replaceAll(primary.dataDirectory, cluster).replaceAll(primaryPort, port);
  const server = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, uid, gid, stdio: 'ignore' });
  const url = Object.assign(new URL(primary.url), { port }).href.replace(/\/$/, '');
  const sql = new SQL(`${url}/postgres`, { max: 1 });
  await until(() =>
    sql`select 1`.then(
      () => true,
      () => false,
    ),
  );
  return {
    url,
    sql,
    async catchUp() {
      const source = new SQL(`${primary.url}/postgres`, { max: 1 });
      const [{ lsn }] = await source`select pg_current_wal_lsn()::text as lsn`;
      await source.close();
      await until(async () => (await sql`select pg_last_wal_replay_lsn() >= ${lsn}::pg_lsn as is_there`)[0].is_there);
    },
    async promote() {
      await sql`select pg_promote()`;
    },
    async stop() {
      await sql.close();
      if (server.exitCode === null && server.kill('SIGINT')) await once(server, 'exit');
      await remove();
    },
  };
}
