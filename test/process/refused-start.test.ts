/** Every start that cannot succeed ends with 1 and says in one or two lines why, and what to do. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmod, chown, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SQL } from 'bun';
import { makeFolder } from '../support/folder.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { createDatabase } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { type Environment, runToEnd, startService } from '../support/service.ts';

const TIMEOUT_MS = 120_000;
const SECRET = 's3cret';

let url: string;
let host: string;
let sql: SQL;
beforeAll(async () => {
  url = await createDatabase();
  host = new URL(url).host;
  sql = new SQL(url, { max: 1 });
});
afterAll(() => sql.close());

const database = (user: string, name = new URL(url).pathname.slice(1)) =>
  `postgres://${user}:${SECRET}@${host}/${name}`;

/** @returns what a start says that ends by itself with 1. */
async function refusal(environment: Environment, options?: Parameters<typeof runToEnd>[2]): Promise<string> {
  const { exitCode, stdout, stderr } = await runToEnd([], { DATABASE_TIMEOUT_MS: '2000', ...environment }, options);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).not.toContain(SECRET);
  return stderr;
}

const unusable = (place: string, reason: string, advice: string) =>
  `The database cannot be used (${place}): ${reason}\n${advice}\n`;

/** Roles that the server treats in their own way, for as long as the test server runs. */
async function createRoles(rules: Record<string, string>): Promise<void> {
  const [{ file }] = await sql`select current_setting('hba_file') as file`;
  const [{ text }] = await sql`select pg_read_file(${file}) as text`;
  for (const role of Object.keys(rules)) {
    await sql.unsafe(`drop role if exists ${role}`);
    await sql.unsafe(`create role ${role} login password 'right'`);
  }
  const lines = Object.entries(rules).map(([role, rule]) => `host all ${role} 127.0.0.1/32 ${rule}`);
  const all = [...lines, ...text.split('\n').filter((line: string) => /^[a-z]/.test(line) && !lines.includes(line))];
  await sql.unsafe(`copy (select unnest(array[${all.map((line) => `'${line}'`)}])) to '${file}'`);
  await sql`select pg_reload_conf()`;
}

const CHECK_USER = 'Check the user in DATABASE_URL; pg_hba.conf of the server says who may connect.';

test(
  'A missing database or role, a wrong password and a role that may not connect are told apart',
  async () => {
    await createRoles({ has_password: 'scram-sha-256', is_rejected: 'reject' });
    const place = `PostgreSQL at ${host}`;
    expect(await refusal({ DATABASE_URL: database('postgres', 'not_there') })).toBe(
      unusable(
        place,
        'database "not_there" does not exist (3D000)',
        'Create the database (createdb), or name another one in DATABASE_URL.',
      ),
    );
    expect(await refusal({ DATABASE_URL: database('nobody') })).toBe(
      unusable(place, 'role "nobody" does not exist (28000)', CHECK_USER),
    );
    expect(await refusal({ DATABASE_URL: database('has_password') })).toBe(
      unusable(
        place,
        'password authentication failed for user "has_password" (28P01)',
        'Check the user and the password in DATABASE_URL.',
      ),
    );
    const rejected = await refusal({ DATABASE_URL: database('is_rejected') });
    expect(rejected).toStartWith(`The database cannot be used (${place}): pg_hba.conf rejects connection for host`);
    expect(rejected).toEndWith(
      '(28000)\nAdd ?sslmode=require to DATABASE_URL, or let the user in without TLS in pg_hba.conf.\n',
    );
  },
  TIMEOUT_MS,
);

test('A missing database behind the Neon driver is explained as well', async () => {
  const relay = startRelay(url);
  const preload = Bun.fileURLToPath(import.meta.resolve('../support/neon-preload.ts'));
  const environment = {
    DATABASE_URL: `postgres://postgres:${SECRET}@test.neon.tech/not_there`,
    NEON_RELAY: new URL(relay.url).host,
  };
  expect(await refusal(environment, { bunArguments: ['--preload', preload] })).toBe(
    unusable(
      'Neon at test.neon.tech',
      'database "not_there" does not exist (3D000)',
      'Create the database (createdb), or name another one in DATABASE_URL.',
    ),
  );
  await relay.stop();
});

test(
  'A role that may not make the tables, and one that may not read them, are told to migrate and grant',
  async () => {
    await sql.unsafe('drop role if exists limited');
    await sql.unsafe('create role limited login');
    const name = new URL(url).pathname.slice(1);
    const advice =
      'Run the command `migrate` as the owner of the tables, and grant rights: "Upgrade" in docs/operations.md.';
    const place = `PostgreSQL at ${host}`;
    expect(await refusal({ DATABASE_URL: database('limited') })).toBe(
      unusable(place, `permission denied for database ${name} (42501)`, advice),
    );
    {
      await using _ = await startService({ DATABASE_URL: url });
    }
    expect(await refusal({ DATABASE_URL: database('limited'), MIGRATE_ON_START: 'false' })).toBe(
      unusable(place, 'permission denied for schema drizzle (42501)', advice),
    );
  },
  TIMEOUT_MS,
);

test.each(['LATIN1', 'SQL_ASCII'])('A database that is encoded in %s gets no tables', async (encoding) => {
  const name = `encoded_${crypto.randomUUID().replaceAll('-', '')}`;
  await sql.unsafe(`create database ${name} encoding '${encoding}' template template0 locale 'C'`);
  expect(await refusal({ DATABASE_URL: database('postgres', name) })).toBe(
    `The database is encoded in ${encoding}, and the service needs UTF8.
Make another one: createdb --encoding=UTF8 --template=template0
`,
  );
  const inside = new SQL(database('postgres', name), { max: 1 });
  expect([...(await inside`select from pg_tables where tablename = 'tasks'`)]).toEqual([]);
  await inside.close();
});

const UNREACHABLE = 'Check host and port in DATABASE_URL, and that the server runs and can be reached from here.';

test(
  'A server that refuses, cannot be found, keeps silent or is something else is named with its address',
  async () => {
    const silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    const web = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('Hello') });
    const reasons = {
      '127.0.0.1:1': 'Failed to connect (ERR_POSTGRES_CONNECTION_REFUSED)',
      'db.invalid': 'Failed to connect (ERR_POSTGRES_CONNECTION_REFUSED)',
      [`127.0.0.1:${silent.port}`]:
        'Connection timeout after 1s (sent startup message, but never received response) (ERR_POSTGRES_CONNECTION_TIMEOUT)',
      [`127.0.0.1:${web.port}`]:
        'Connection closed before the connection was established (ERR_POSTGRES_CONNECTION_FAILED)',
    };
    for (const [address, reason] of Object.entries(reasons))
      expect(await refusal({ DATABASE_URL: `postgres://ada:${SECRET}@${address}/todo` })).toBe(
        unusable(`PostgreSQL at ${address}`, reason, UNREACHABLE),
      );
    silent.stop(true);
    await web.stop(true);
  },
  TIMEOUT_MS,
);

test('A server without TLS is told from one that cannot be reached', async () => {
  expect(await refusal({ DATABASE_URL: `${database('postgres')}?sslmode=require` })).toBe(
    unusable(
      `PostgreSQL at ${host}`,
      'Server does not support SSL (ERR_POSTGRES_TLS_NOT_AVAILABLE)',
      'Make sslmode in DATABASE_URL fit the server; NODE_EXTRA_CA_CERTS names your own authority.',
    ),
  );
});

test('A server that has no connection left says so', async () => {
  const name = `full_${crypto.randomUUID().replaceAll('-', '')}`;
  await sql.unsafe(`create database ${name} connection limit 0`);
  await sql.unsafe('drop role if exists one_of_many');
  await sql.unsafe('create role one_of_many login');
  expect(await refusal({ DATABASE_URL: database('one_of_many', name) })).toBe(
    unusable(
      `PostgreSQL at ${host}`,
      `too many connections for database "${name}" (53300)`,
      'Free connections or let the server allow more; DATABASE_POOL_SIZE is how many this process takes.',
    ),
  );
});

const hasPgBouncer = Bun.which('pgbouncer') !== null;
if (!hasPgBouncer) console.warn('Poolers are not tested here: that needs PgBouncer (apt-get install pgbouncer).');

test.if(hasPgBouncer)('A pooler that refuses a start-up parameter is told from a server that is gone', async () => {
  await using pooler = await startPgBouncer(url);
  expect(await refusal({ DATABASE_URL: pooler.url })).toBe(
    unusable(
      `PostgreSQL at ${new URL(pooler.url).host}`,
      'unsupported startup parameter: statement_timeout (08P01)',
      'Have the pooler ignore it: "PostgreSQL" in docs/operations.md.',
    ),
  );
});

test.if(hasPgBouncer)('Behind a pooler that ignores the parameters, as the documents say, it starts', async () => {
  await using pooler = await startPgBouncer(url, ['ignore_startup_parameters = statement_timeout, enable_seqscan']);
  await using service = await startService({ DATABASE_URL: pooler.url });
  expect((await service.call('GET', '/health/ready')).status).toBe(200);
});

/** Root may do anything to any folder, unless it gives up that right. */
const isRoot = process.getuid?.() === 0;
const RIGHTS = '-dac_override,-dac_read_search,-chown,-fowner';
const within = isRoot ? ['setpriv', '--inh-caps=-all', `--bounding-set=${RIGHTS}`] : [];
const canTry = process.platform !== 'win32' && (!isRoot || Bun.which('setpriv') !== null);
const NOBODY = 65534;
const OWN = `Give the folder and all in it to uid ${process.getuid?.()} (chown -R), or set DATA_DIR to another folder.`;

/** Takes a folder from the user of the tests, or, where that takes root, the rights to it. */
async function takeAway(path: string): Promise<void> {
  if (isRoot) await chown(path, NOBODY, NOBODY);
  await chmod(path, isRoot ? 0o755 : 0o555);
}

test.if(canTry)(
  'A folder in which this user may not write, or that belongs to another, is told with what to do',
  async () => {
    const { folder, remove } = await makeFolder();
    const closed = join(folder, 'closed');
    await mkdir(closed);
    await takeAway(closed);
    const cannot = (DATA_DIR: string, what: string) => `The folder ${DATA_DIR} cannot be used: ${what}\n${OWN}\n`;
    expect(await refusal({ DATA_DIR: closed }, { within })).toBe(
      cannot(closed, `EACCES: permission denied, open '${closed}/lock'`),
    );
    expect(await refusal({ DATA_DIR: join(closed, 'data') }, { within })).toBe(
      cannot(join(closed, 'data'), `EACCES: permission denied, mkdir '${closed}/data'`),
    );

    const sound = join(folder, 'sound');
    {
      await using _ = await startService({ DATA_DIR: sound });
    }
    const parts = { postgres: 'access', 'postgres/global/pg_control': 'could not open' };
    for (const [part, reason] of Object.entries(parts)) {
      const DATA_DIR = join(folder, reason);
      await cp(sound, DATA_DIR, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      await takeAway(join(DATA_DIR, part));
      const said = await refusal({ DATA_DIR }, { within });
      expect(said).toStartWith(`The folder ${DATA_DIR}`);
      expect(said).toContain(' cannot be used: ');
      expect(said).toMatch(new RegExp(`${reason}.*\\n${OWN.replace(/[()]/g, '\\$&')}\\n$`));
      if (!isRoot) await chmod(join(DATA_DIR, part), 0o755);
    }
    await remove();
  },
  TIMEOUT_MS,
);

test('A file where the folder must be stops the start', async () => {
  const { folder, remove } = await makeFolder();
  const file = join(folder, 'file');
  await Bun.write(file, 'not a folder');
  const advice = 'There is a file where a folder must be: set DATA_DIR to another folder.\n';
  expect(await refusal({ DATA_DIR: file })).toBe(
    `The folder ${file} cannot be used: EEXIST: file already exists, mkdir '${file}'\n${advice}`,
  );
  expect(await refusal({ DATA_DIR: join(file, 'data') })).toBe(
    `The folder ${file}/data cannot be used: ENOTDIR: not a directory, mkdir '${file}/data'\n${advice}`,
  );
  await remove();
});

test('An address that this machine does not have is told with what to do', async () => {
  // Reserved for documentation.
  expect(await refusal({ DATABASE_URL: url, HOST: '203.0.113.7' })).toBe(
    'Cannot listen on 203.0.113.7, port 0 (EADDRNOTAVAIL). This machine does not have that address: choose another HOST.\n',
  );
});
