import { expect, test } from 'bun:test';
import { cp, mkdir, readFile, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { makeFolder } from '../support/folder.ts';
import type { Answer } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';
import { runToEnd, type Service, startService } from '../support/service.ts';

const TIMEOUT_MS = 120_000;

async function inFolder(run: (folder: string) => Promise<void>) {
  const { folder, remove } = await makeFolder();
  try {
    await run(folder);
  } finally {
    await remove();
  }
}

const PATH = '/api/ada/tasks';

function createTask({ call }: Service, title: string): Promise<Answer> {
  return call('POST', PATH, { body: { title } });
}

async function titles({ call }: Service): Promise<string[]> {
  const { body } = await call<Task[]>('GET', `${PATH}?limit=200&sort=created_at`);
  return body.map(({ title }) => title);
}

test(
  'Ten processes that start at once on an empty database all come up and serve the same tasks',
  async () => {
    const DATABASE_URL = await createDatabase();
    const names = Array.from({ length: 10 }, (_, n) => `process ${n}`);
    const services = await Promise.all(names.map(() => startService({ DATABASE_URL, DATABASE_POOL_SIZE: '2' })));
    try {
      const created = await Promise.all(services.map((service, n) => createTask(service, names[n] as string)));
      expect(created.map(({ status }) => status)).toEqual(Array(10).fill(201));
      for (const service of services) expect((await titles(service)).sort()).toEqual(names);
    } finally {
      await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
    }
  },
  TIMEOUT_MS,
);

test(
  'A second process on the same folder is refused, and the first goes on',
  () =>
    inFolder(async (DATA_DIR) => {
      await using first = await startService({ DATA_DIR });
      const second = await runToEnd([], { DATA_DIR });
      expect(second).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: `${DATA_DIR} is in use by another process; stop it, or give this one its own DATA_DIR\n`,
      });
      expect(await createTask(first, 'still here')).toMatchObject({ status: 201 });
    }),
  TIMEOUT_MS,
);

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  test(
    `What was stored is there again after ${signal} and another start`,
    () =>
      inFolder(async (DATA_DIR) => {
        {
          await using service = await startService({ DATA_DIR });
          expect(await createTask(service, 'kept')).toMatchObject({ status: 201 });
          service.kill(signal);
          expect(await service.exited).toBe(signal === 'SIGKILL' ? -1 : 0);
        }
        await using again = await startService({ DATA_DIR });
        expect(await titles(again)).toEqual(['kept']);
      }),
    TIMEOUT_MS,
  );
}

test(
  'A process on PostgreSQL stops with 0 as well, and another one goes on from there',
  async () => {
    const DATABASE_URL = await createDatabase();
    await using service = await startService({ DATABASE_URL });
    await createTask(service, 'kept');
    service.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    await using again = await startService({ DATABASE_URL });
    expect(await titles(again)).toEqual(['kept']);
  },
  TIMEOUT_MS,
);

test(
  'The first start with embedded storage needs less than 600 MB at its peak',
  () =>
    inFolder(async (DATA_DIR) => {
      await using service = await startService({ DATA_DIR });
      expect(await createTask(service, 'small')).toMatchObject({ status: 201 });
      expect(await peakMegabytes(service.pid)).toBeLessThan(600);
    }),
  TIMEOUT_MS,
);

/** Linux keeps the peak; elsewhere this is what the process has now. */
async function peakMegabytes(pid: number): Promise<number> {
  const kilobytes =
    process.platform === 'linux'
      ? /^VmHWM:\s*(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
      : await new Response(Bun.spawn(['ps', '-o', 'rss=', '-p', String(pid)]).stdout).text();
  return Number(kilobytes) / 1000;
}

test('A configuration with faults stops the start, tells each of them, and repeats no value', async () => {
  const { exitCode, stdout, stderr } = await runToEnd([], {
    PORT: '70000',
    HOST: '127.0.0.1',
    DATABASE_URL: 'mysql://ada:s3cret@db.example/tasks',
    DATABASE_POOL_SIZE: 'ten',
    PUBLIC_URL: 'ftp://s3cret.example',
    CORS_ORIGINS: 'https://todo.example, s3cret',
    MAX_BODY_BYTES: '0',
    LOG_LEVEL: 'loud',
  });
  expect(exitCode).toBe(1);
  expect(stdout).toBe('');
  const told = stderr.match(/^[A-Z_]+(?= must be )/gm);
  expect(told).toEqual([
    'PORT',
    'DATABASE_URL',
    'DATABASE_POOL_SIZE',
    'PUBLIC_URL',
    'CORS_ORIGINS',
    'MAX_BODY_BYTES',
    'LOG_LEVEL',
  ]);
  for (const value of ['s3cret', '70000', 'ten\n', 'loud']) expect(stderr).not.toContain(value);
});

test('A pattern among CORS_ORIGINS, which would match no origin, stops the start', async () => {
  const { exitCode, stderr } = await runToEnd([], { CORS_ORIGINS: 'https://*.example' });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr:
      'The configuration is not valid; see --help.\nCORS_ORIGINS must be * or origins separated by commas, as https://a.example\n',
  });
});

test(
  'The password of the database is not logged by a process that serves',
  async () => {
    const url = new URL(await createDatabase());
    url.password = 's3cret';
    await using service = await startService({ DATABASE_URL: url.href, LOG_LEVEL: 'debug' });
    await createTask(service, 'told nobody');
    service.kill('SIGTERM');
    await service.exited;
    const log = JSON.stringify(await service.log());
    expect(log).toContain('stopped');
    for (const hidden of ['s3cret', 'told nobody', 'ada']) expect(log).not.toContain(hidden);
  },
  TIMEOUT_MS,
);

test(
  'A port that is taken stops the start with one line, and gives the folder back',
  () =>
    inFolder(async (DATA_DIR) => {
      // One that would share its port.
      const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, reusePort: true, fetch: () => new Response() });
      const { port } = taken;
      try {
        const { exitCode, stderr } = await runToEnd([], { DATA_DIR, PORT: String(port) });
        expect(exitCode).toBe(1);
        expect(stderr).toBe(
          `Cannot listen on 127.0.0.1, port ${port} (EADDRINUSE). Another program uses the port: stop it, or choose another PORT.\n`,
        );
      } finally {
        await taken.stop(true);
      }
      await using service = await startService({ DATA_DIR });
      expect(await titles(service)).toEqual([]);
    }),
  TIMEOUT_MS,
);

test(
  'A folder that holds other things keeps them',
  () =>
    inFolder(async (folder) => {
      const DATA_DIR = join(folder, 'data');
      await mkdir(DATA_DIR);
      await Bun.write(join(DATA_DIR, 'notes.txt'), 'mine');
      await using service = await startService({ DATA_DIR });
      expect(await titles(service)).toEqual([]);
      expect(await Bun.file(join(DATA_DIR, 'notes.txt')).text()).toBe('mine');
    }),
  TIMEOUT_MS,
);

const DAMAGES: [string, string, (cluster: string) => Promise<unknown>][] = [
  ['lacks its control file', 'could not', (cluster) => rm(join(cluster, 'global', 'pg_control'))],
  ['has an empty control file', 'could not read file', (cluster) => truncate(join(cluster, 'global', 'pg_control'))],
  ['lacks its log', 'required WAL directory', (cluster) => rm(join(cluster, 'pg_wal'), { recursive: true })],
  ['has lost its version', 'it has no file PG_VERSION', (cluster) => rm(join(cluster, 'PG_VERSION'))],
  ['is of another PostgreSQL', 'it is of PostgreSQL 17', (cluster) => Bun.write(join(cluster, 'PG_VERSION'), '17\n')],
];

test(
  'A folder that is damaged, or of another version of PostgreSQL, stops the start with one line that says why',
  () =>
    inFolder(async (folder) => {
      const sound = join(folder, 'sound');
      {
        await using _ = await startService({ DATA_DIR: sound });
      }
      for (const [name, reason, damage] of DAMAGES) {
        const DATA_DIR = join(folder, name);
        await cp(sound, DATA_DIR, { recursive: true, filter: (path) => !path.endsWith('.sock') });
        await damage(join(DATA_DIR, 'postgres'));
        const { exitCode, stdout, stderr } = await runToEnd([], { DATA_DIR });
        expect({ name, exitCode, stdout }).toEqual({ name, exitCode: 1, stdout: '' });
        expect(stderr).toStartWith(`The database in ${DATA_DIR}/postgres cannot be opened: ${reason}`);
        expect(stderr.trimEnd()).not.toContain('\n');
      }
    }),
  TIMEOUT_MS,
);

test(
  'It starts with the longest time-outs that may be set',
  () =>
    inFolder(async (DATA_DIR) => {
      await using service = await startService({
        DATA_DIR,
        DATABASE_TIMEOUT_MS: '600000',
        SHUTDOWN_GRACE_SECONDS: '3600',
      });
      expect(await createTask(service, 'patient')).toMatchObject({ status: 201 });
    }),
  TIMEOUT_MS,
);

test('--help lists every variable and starts nothing', async () => {
  const { exitCode, stdout, stderr } = await runToEnd(['--help'], { DATA_DIR: '/dev/null/not-there' });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const listed = [...stdout.matchAll(/^ {2}([A-Z_]+) {2}/gm)].map(([, name]) => name);
  const known = new Set<string>();
  const spy = new Proxy({}, { get: (_, name) => void known.add(String(name)) });
  readConfig(spy);
  expect(listed).toEqual([...known]);
});

test('An argument that means nothing stops the start with the help', async () => {
  const { exitCode, stdout } = await runToEnd(['serve'], {});
  expect(exitCode).toBe(1);
  expect(stdout).toStartWith('Usage:\n  bun run start\n');
});

test('--help of the image speaks of the image', () =>
  inFolder(async (folder) => {
    const root = Bun.fileURLToPath(import.meta.resolve('../..'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    // As the Dockerfile does.
    const outdir = join(folder, 'server', 'dist');
    await Bun.build({ entrypoints: [join(root, 'src/main.ts')], target: 'bun', splitting: true, outdir });
    const help = Bun.spawn([process.execPath, join(outdir, 'main.js'), '--help'], { env: {} });
    const said = await help.stdout.text();
    expect(said).toStartWith('Usage:\n  docker run -p 127.0.0.1:3000:3000 -v todo:/data todo-api\n');
    expect(said).not.toContain('bun run');
    const dockerfile = await Bun.file(join(root, 'Dockerfile')).text();
    for (const [setting] of said.matchAll(/(HOST|DATA_DIR|SHUTDOWN_GRACE_SECONDS)=[\w./]+\w/g))
      expect(dockerfile).toContain(setting);
  }));
