/**
 * `bun run test:image`: builds the container image, runs it the ways it is meant to be run, and ends with a line that a
 * machine can read, `N passed, N failed`. Needs a Docker engine on this machine and its network; without one it fails.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { SQL } from 'bun';
import { description, engines, license, scripts, version } from '../../package.json';
import { atEnd, cleanUp } from '../support/cleanup.ts';
import { startPostgres } from '../support/postgres.ts';
import { create, MAIN_PATHS, newCollection, readTask, walkMainPaths } from './contract.ts';
import { buildImage, Container, createVolume, docker, interrupt, type RunOptions, until } from './docker.ts';

const BASE = `oven/bun:${engines.bun}-distroless`;
const REVISION = 'the commit that it is of';
const MAX_ADDED_BYTES = 60_000_000;
/** How a process ends that SIGKILL had to end. */
const KILLED = 128 + 9;

/** All that may lie in the image beside its base, under `/app`. */
const CONTENTS = [
  { what: 'the service and its packages, bundled', files: /^server\/dist\/[\w-]+\.js$/ },
  { what: 'their source maps', files: /^server\/dist\/[\w-]+\.js\.map$/ },
  { what: 'PGlite', files: /^server\/dist\/(pglite\.wasm|pglite\.data|initdb\.wasm)$/ },
  { what: 'an empty cluster for PGlite', files: /^server\/dist\/prepopulatedfs\.tgz$/ },
  { what: 'migrations', files: /^drizzle\/(\d{4}_\w+\.sql|meta\/\w+\.json)$/ },
  {
    what: 'the docs page',
    files:
      /^node_modules\/swagger-ui-dist\/(package\.json|LICENSE|NOTICE|swagger-ui\.css|swagger-ui-bundle\.js|favicon-32x32\.png)$/,
  },
];

let passed = 0;
let failed = 0;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
if (await check('a Docker engine can be reached', () => docker('info', '--format={{.ServerVersion}}'))) {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const image = await check('the image builds', () => buildImage(root, { VERSION: version, REVISION }));
  if (image) {
    await verifyConfiguration(image);
    await verifyWithVolume(image);
    await verifyConfined(image);
    await verifyWithPostgres(image);
  }
}
await cleanUp();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function verifyConfiguration(image: string): Promise<void> {
  await check('it adds less than 60 MB to its base image', async () => {
    const { RootFS, Size } = await inspectImage(image);
    // BuildKit keeps the layers of a base image without its name.
    const base = await inspectImage(BASE).catch(() => docker('pull', BASE).then(() => inspectImage(BASE)));
    console.log(`      image ${megabytes(Size)}, base ${megabytes(base.Size)}, added ${megabytes(Size - base.Size)}`);
    assert.deepEqual(RootFS.Layers.slice(0, base.RootFS.Layers.length), base.RootFS.Layers);
    assert.ok(Size - base.Size < MAX_ADDED_BYTES);
  });

  await check('it says what it is, who it runs as and how, without a shell', async () => {
    const { Config } = await inspectImage(image);
    const { User, Entrypoint, Cmd, WorkingDir, Volumes, ExposedPorts, Labels, Healthcheck } = Config;
    assert.deepEqual(
      { User, command: [...Entrypoint, ...(Cmd ?? [])], WorkingDir, Volumes, ExposedPorts },
      {
        User: '65532:65532',
        command: ['/usr/local/bin/bun', '/app/server/dist/main.js'],
        WorkingDir: '/app',
        Volumes: { '/data': {} },
        ExposedPorts: { '3000/tcp': {} },
      },
    );
    const variables = scripts.start.split(' ').filter((word) => word.includes('='));
    assert.deepEqual(
      Config.Env.filter((variable) => variables.includes(variable)),
      variables,
    );
    assert.deepEqual(Healthcheck.Test.slice(0, 2), ['CMD', '/usr/local/bin/bun']);
    const labels = Object.entries(Labels).filter(([name]) => name.startsWith('org.opencontainers.image.'));
    assert.partialDeepStrictEqual(Object.fromEntries(labels), {
      'org.opencontainers.image.title': 'Todo API',
      'org.opencontainers.image.description': description,
      'org.opencontainers.image.licenses': license,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': REVISION,
      'org.opencontainers.image.base.name': `docker.io/${BASE}`,
    });
  });
}

async function verifyWithVolume(image: string): Promise<void> {
  const volume = await check('a volume is made', createVolume);
  const options = ['--volume', `${volume}:/data`];
  const container = await check('it starts with a new volume', () => serve({ image, options }));
  if (!container) return;

  await check('it holds what it needs and nothing else', async () => {
    const files = await container.evaluate<{ path: string; size: number }[]>(
      `fs.readdirSync('/app', { recursive: true }).map((path) => ({ path, stat: fs.statSync('/app/' + path) }))
         .filter(({ stat }) => stat.isFile()).map(({ path, stat }) => ({ path, size: stat.size }))`,
    );
    const groups = Map.groupBy(files, ({ path }) => CONTENTS.find((content) => content.files.test(path))?.what);
    for (const { what } of CONTENTS) {
      const size = groups.get(what)?.reduce((sum, file) => sum + file.size, 0) ?? 0;
      console.log(`      ${megabytes(size).padStart(9)}  ${what}`);
    }
    assert.deepEqual(groups.get(undefined), undefined);
    assert.deepEqual(Array.from(groups.keys()).sort(), CONTENTS.map(({ what }) => what).sort());
  });

  await check('it is process 1, runs without privileges and listens on every address', async () => {
    const status = await container.evaluate<string>(`fs.readFileSync('/proc/1/status', 'utf8')`);
    assert.match(status, /^Name:\tbun$/m);
    assert.match(status, /^Uid:\t65532\t65532\t65532\t65532$/m);
    assert.match(status, /^Gid:\t65532\t65532\t65532\t65532$/m);
    assert.match(await container.logs(), /"url":"http:\/\/0\.0\.0\.0:\d+\/"/);
  });

  for (const { guarantee, verify } of MAIN_PATHS) {
    await check(guarantee, () => verify(container.url, newCollection(container.url)));
  }

  await check('its health check turns healthy', () => container.turns('healthy'));

  await check('it writes to its volume only', async () => assert.deepEqual(await container.changedFiles(), []));

  await check('a second container on the same volume ends and says why', async () => {
    const second = await Container.run({ image, options });
    assert.equal(await second.ended(), 1);
    assert.match(await second.logs(), /\/data is in use by another process/);
  });

  const kept = await check('started again, it finds its tasks', async () => {
    const task = await create(newCollection(container.url), 'to keep');
    await container.stop();
    assert.equal((await container.state()).ExitCode, 0);
    await container.start();
    await reportStart(container);
    assert.deepEqual(await readTask(task.url), task);
    return task;
  });

  await check('a new container on the same volume finds the tasks of one that was killed', async () => {
    assert.ok(kept);
    await container.remove();
    const successor = await Container.serve({ image, options });
    const { pathname } = new URL(kept.url);
    assert.deepEqual(await readTask(successor.url + pathname), { ...kept, url: successor.url + pathname });
  });
}

async function verifyConfined(image: string): Promise<void> {
  await check('it serves with a read-only root file system and no capabilities', () => serveConfined(image));

  await check('it serves as any other user, on a volume that is new to them', async () => {
    const container = await serveConfined(image, '--user=12345:54321');
    assert.deepEqual(await container.evaluate(`[process.getuid(), process.getgid()]`), [12345, 54321]);
  });
}

async function serveConfined(image: string, ...more: string[]): Promise<Container> {
  const confined = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
  const options = [...confined, ...more, '--volume', `${await createVolume()}:/data`];
  const container = await Container.serve({ image, options });
  await walkMainPaths(container.url);
  await container.turns('healthy');
  return container;
}

async function verifyWithPostgres(image: string): Promise<void> {
  const server = await check('a PostgreSQL server starts beside it', startPostgres);
  if (!server) return;
  atEnd(server.stop);
  const env = { DATABASE_URL: `${server.url}/postgres` };
  const run = { image, env, options: ['--read-only'] };
  const container = await check('it starts with a PostgreSQL server', () => serve(run));
  if (!container) return;

  await check('it serves from the database that DATABASE_URL names, and needs no volume', async () => {
    await walkMainPaths(container.url);
    assert.deepEqual(await container.evaluate(`fs.readdirSync('/data')`), []);
  });

  await check('stopped, it answers the request in flight and ends with 0 before it would be killed', async () => {
    await using sql = new SQL(env.DATABASE_URL, { max: 2 });
    const other = await sql.reserve();
    await other`begin`;
    await other`lock table tasks in access exclusive mode`;
    const answered = create(newCollection(container.url), 'in flight');
    await until('the write waits', async () => (await sql`select from pg_locks where not granted`).length > 0);
    const stopped = container.stop();
    await until('the container stops', async () => (await container.logs()).includes('"msg":"stopping"'));
    await other`commit`;
    const task = await answered;
    await stopped;
    assert.equal(await container.ended(), 0);
    assert.match(await container.logs(), /"msg":"stopped"\}\n$/);
    await container.start();
    assert.deepEqual(await readTask(task.url), task);
    other.release();
  });

  await check('tables are brought up to date in a step of its own', async () => {
    await using sql = new SQL(env.DATABASE_URL, { max: 1 });
    await sql`create database migrated_apart`;
    const apart = { DATABASE_URL: `${server.url}/migrated_apart`, MIGRATE_ON_START: 'false' };
    const early = await Container.run({ image, env: apart });
    assert.equal(await early.ended(), 1);
    const migration = await Container.run({ image, env: apart, command: ['migrate'] });
    assert.equal(await migration.ended(), 0);
    const migrated = await Container.serve({ image, env: apart });
    await create(newCollection(migrated.url), 'after the migration');
  });

  await check('stopped while it waits for its database, it ends before it would be killed', async () => {
    let connections = 0;
    const open = () => {
      connections += 1;
    };
    using silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { open, data() {} } });
    const DATABASE_URL = `postgres://postgres@127.0.0.1:${silent.port}/postgres`;
    const starting = await Container.run({ image, env: { DATABASE_URL, DATABASE_TIMEOUT_MS: '60000' } });
    await until('it has connected', async () => connections > 0);
    await starting.stop();
    assert.notEqual(await starting.ended(), KILLED);
  });

  await check('its health check turns unhealthy when the database is gone', async () => {
    await container.turns('healthy');
    await server.stop();
    await container.turns('unhealthy');
  });
}

interface Image {
  Size: number;
  RootFS: { Layers: string[] };
  Config: {
    User: string;
    Entrypoint: string[];
    Cmd?: string[];
    WorkingDir: string;
    Volumes: object;
    ExposedPorts: object;
    Env: string[];
    Labels: Record<string, string>;
    Healthcheck: { Test: string[] };
  };
}

async function inspectImage(name: string): Promise<Image> {
  return JSON.parse(await docker('image', 'inspect', '--format={{json .}}', name));
}

async function serve(options: RunOptions): Promise<Container> {
  const container = await Container.serve(options);
  await reportStart(container);
  return container;
}

/** Prints how long after the start of the container the service listened; the log comes a little later. */
async function reportStart(container: Container): Promise<void> {
  const started = Date.parse((await container.state()).StartedAt);
  await until('the log says that the service listens', async () => {
    const times = Array.from((await container.logs()).matchAll(/"time":"(.+?)".*"msg":"listening"/g), ([, time]) =>
      Date.parse(time as string),
    );
    const listening = times.find((time) => time >= started);
    if (listening) console.log(`      listening after ${listening - started} ms`);
    return listening;
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @returns what `verify` does, undefined when it fails. */
async function check<T>(guarantee: string, verify: () => T | Promise<T>): Promise<T | undefined> {
  try {
    const outcome = await verify();
    passed += 1;
    console.log(`ok    ${guarantee}`);
    return outcome;
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${guarantee}\n      ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
