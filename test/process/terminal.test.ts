import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { version } from '../../package.json';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { makeFolder } from '../support/folder.ts';
import { createDatabase } from '../support/postgres.ts';
import { startService } from '../support/service.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

/** Twelve starts and stops, on a machine that may be busy. */
const TIMEOUT_MS = 600_000;
const TIMES = process.env.CI ? 10 : 3;
const PATH = '/api/ada/tasks';
const BARE = [process.execPath, 'src/main.ts'];
const SCRIPT = [process.execPath, 'run', 'start'];

async function originOf(terminal: Terminal): Promise<string> {
  await terminal.shows('Ctrl-C');
  return new URL(/http:\S+/.exec(terminal.shown())?.[0] ?? '').origin;
}

/** Begins a create, whose body `finish` completes. */
async function beginCreate(origin: string, title: string) {
  const connection = new Connection(origin);
  const socket = await connection.connect();
  const body = JSON.stringify({ title });
  const headers = ['Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`];
  socket.write(`POST ${PATH} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  return { finish: () => connection.send<Task>(body.slice(5)) };
}

test.each([
  ['Ctrl-C twice on the process itself', 2, BARE],
  [`Ctrl-C ${TIMES} times on \`bun run start\`, which passes the signal on once more`, TIMES, SCRIPT],
])(
  '%s, each time with a request in flight: it is answered, the exit code is 0, and the task is kept',
  async (_, times, command) => {
    const { folder, remove } = await makeFolder();
    const DATA_DIR = join(folder, 'data');
    const titles = Array.from({ length: times }, (_, n) => `Task ${n}`);
    for (const title of titles) {
      await using terminal = openTerminal(command, { DATA_DIR });
      const inFlight = await beginCreate(await originOf(terminal), title);
      terminal.press('Ctrl-C');
      await terminal.shows('stopping');
      const { status, body } = await inFlight.finish();
      expect({ status, title: body.title }).toEqual({ status: 201, title });
      expect({ title, exit: await terminal.exited }).toEqual({ title, exit: 0 });
    }
    await using service = await startService({ DATA_DIR });
    const { body } = await service.call<Task[]>('GET', `${PATH}?sort=created_at`);
    expect(body.map(({ title }) => title)).toEqual(titles);
    await remove();
  },
  TIMEOUT_MS,
);

test('On a terminal the start says in a few lines where all is, and each request is a short line', async () => {
  const { folder: DATA_DIR, remove } = await makeFolder();
  await using terminal = openTerminal(BARE, { DATA_DIR });
  const origin = await originOf(terminal);
  await fetch(`${origin}${PATH}`);
  await fetch(`${origin}/nothing`);
  terminal.press('Ctrl-C');
  expect(await terminal.exited).toBe(0);
  const shown = terminal
    .shown()
    .replace(/^(\^C)?\d\d:\d\d:\d\d /gm, (_, key = '') => `${key}12:00:00 `)
    .replace(/\d+\.\d ms/g, '1.0 ms');
  expect(shown).toBe(`Todo API ${version}
  API       ${origin}/api/{user_id}/tasks
  Docs      ${origin}/swagger
  Database  embedded, in ${DATA_DIR}
  Stop      Ctrl-C
12:00:00 GET /api/:user_id/tasks/ 200, 1.0 ms
12:00:00 GET (no route) 404, 1.0 ms
^C12:00:00 stopping signal=SIGINT
12:00:00 stopped outcome=done
`);
  await remove();
});

test('The start names the host of the database, and neither user nor password', async () => {
  const url = Object.assign(new URL(await createDatabase()), { password: 's3cret' });
  await using terminal = openTerminal(BARE, { DATABASE_URL: url.href, PUBLIC_URL: 'https://todo.example/base/' });
  await terminal.shows('Ctrl-C');
  expect(terminal.shown()).toBe(`Todo API ${version}
  API       https://todo.example/base/api/{user_id}/tasks
  Docs      https://todo.example/base/swagger
  Database  PostgreSQL at ${url.host}
  Stop      Ctrl-C
`);
});

test('LOG_FORMAT=json gives JSON on a terminal, and LOG_FORMAT=text gives text elsewhere', async () => {
  const DATABASE_URL = await createDatabase();
  await using terminal = openTerminal(BARE, { DATABASE_URL, LOG_FORMAT: 'json' });
  await terminal.shows('listening');
  expect(JSON.parse(terminal.shown())).toEqual({
    level: 'info',
    time: expect.stringMatching(/Z$/),
    url: expect.stringMatching(/^http:/),
    database: `PostgreSQL at ${new URL(DATABASE_URL).host}`,
    msg: 'listening',
  });
  const piped = Bun.spawn([...BARE, 'migrate'], {
    cwd: join(import.meta.dir, '../..'),
    env: { PATH: process.env.PATH, DATABASE_URL, LOG_FORMAT: 'text' },
  });
  expect(await piped.stdout.text()).toMatch(/^\d\d:\d\d:\d\d The tables are up to date\.\n$/);
});
