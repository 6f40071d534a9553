/** The commands of the README and of docs/, run as a person would paste them. */
import { afterAll, describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SQL } from 'bun';
import { createDatabase } from '../support/postgres.ts';
import { runToEnd, type Service, startService } from '../support/service.ts';
import { ROOT } from './command.ts';

interface Block {
  language: string;
  text: string;
}

async function blocksOf(document: string): Promise<Block[]> {
  const text = await Bun.file(join(ROOT, document)).text();
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({ language, text }));
}

const documents = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
const docs = await Promise.all(
  documents.map(async (name) => ({ name: `docs/${name}`, blocks: await blocksOf(`docs/${name}`) })),
);

/** Commands that need what is not here. What they promise is tested elsewhere. */
const ELSEWHERE: Record<string, RegExp> = {
  'test/image/run.ts, which has an engine': /\bdocker /,
  'the gateway of the compose example: test/gateway/examples.ts': /localhost:8080/,
  'a Neon account': /neon\.tech/,
};

test('The README has at most 150 lines', async () => {
  expect((await Bun.file(join(ROOT, 'README.md')).text()).trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

test.each(['README.md', ...documents.map((name) => `docs/${name}`)])(
  'No command of %s has a comment, which an interactive zsh does not know',
  async (document) => {
    const commands = (await blocksOf(document)).filter(({ language }) => language === 'sh');
    expect(commands.filter(({ text }) => /(^|\s)#/.test(text))).toEqual([]);
  },
);

test('Every command of docs/ is run here, or needs what is not here', () => {
  const commands = docs.flatMap(({ blocks }) => blocks).filter(({ language }) => language === 'sh');
  const lines = commands.flatMap(({ text }) => text.replaceAll('\\\n', '').trim().split('\n'));
  expect(lines.filter((line) => !Object.values(ELSEWHERE).some((pattern) => pattern.test(line)))).toEqual([]);
});

/** Interactive, as in a terminal, without what a person has set up. */
const SHELLS = { bash: ['bash', '--norc', '-i'], zsh: ['zsh', '-f', '-i'] };

const END = 'end-of-block';

describe('The first minute of the README', async () => {
  const blocks = await blocksOf('README.md');
  let service: Service | undefined;
  afterAll(() => service?.[Symbol.asyncDispose]());

  for (const [shell, command] of Object.entries(SHELLS)) {
    const isHere = Bun.which(shell) !== null;
    if (!isHere) console.warn(`The README is not tested in ${shell} (apt-get install ${shell}).`);
    test.if(isHere)(`shows what ${shell} shows`, async () => {
      service ??= await startService({ DATABASE_URL: await createDatabase() });
      const script = blocks
        .filter(({ language }) => language === 'sh')
        .map(({ text }) => `${text}echo; echo ${END}\n`)
        .join('')
        // Each shell gets a user of its own.
        .replaceAll('http://127.0.0.1:3000/api/ada/', `${service.origin}/api/${shell}/`);
      const child = Bun.spawn(command, {
        env: { PATH: process.env.PATH, HOME: '/nonexistent' },
        stdin: Buffer.from(script),
        stderr: 'ignore',
      });
      const said = (await child.stdout.text()).split(END).slice(0, -1);
      const shown = said.map((text) => text.split('\n').findLast((line) => line.startsWith('{')) ?? '');
      expect(said.length).toBe(blocks.filter(({ language }) => language === 'sh').length);
      let at = -1;
      for (const { language, text } of blocks) {
        if (language === 'sh') at += 1;
        if (language === 'json') expect(anonymous(shown[at] as string, shell)).toEqual(anonymous(text, 'ada'));
      }
      // These have no answer in the README.
      const [bin, restored] = said.slice(-3).map((text) => JSON.parse(text.trim().split('\n').at(-1) as string));
      expect(bin).toMatchObject([{ title: 'Buy milk', completed: true, revision: 3 }]);
      expect(restored).toMatchObject({ title: 'Buy milk', completed: true, revision: 4 });
    });
  }
});

/** An answer without what is another one each time. */
function anonymous(text: string, user: string): unknown {
  const plain = text
    .replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/http:\/\/[\d.:]+/g, 'ORIGIN')
    .replaceAll(`/api/${user}/`, '/api/USER/')
    .replace(`"user_id":"${user}"`, '"user_id":"USER"');
  return JSON.parse(plain);
}

test('With the rights that docs/operations.md grants, a role that owns nothing serves, and cannot change tables', async () => {
  const DATABASE_URL = await createDatabase();
  const sql = new SQL(DATABASE_URL, { max: 1 });
  await sql.unsafe('create role todo_service login');
  try {
    expect((await runToEnd(['migrate'], { DATABASE_URL })).exitCode).toBe(0);
    const statements = docs.flatMap(({ blocks }) => blocks).filter(({ language }) => language === 'sql');
    expect(statements.length).toBe(2);
    for (const { text } of statements) await sql.unsafe(text);
    const url = Object.assign(new URL(DATABASE_URL), { username: 'todo_service' }).href;
    await using service = await startService({ DATABASE_URL: url, MIGRATE_ON_START: 'false' });
    const { status } = await service.call('POST', '/api/ada/tasks', { body: { title: 'Buy milk' } });
    expect(status).toBe(201);
    const limited = new SQL(url, { max: 1 });
    expect([...(await limited`select current_setting('statement_timeout') as given`)]).toEqual([{ given: '7500ms' }]);
    expect([...(await limited`select current_setting('enable_seqscan') as given`)]).toEqual([{ given: 'off' }]);
    await expect(limited`drop table tasks`.execute()).rejects.toThrow('must be owner');
    await limited.close();
  } finally {
    await sql.unsafe('drop owned by todo_service');
    await sql.unsafe('drop role todo_service');
    await sql.close();
  }
});
