import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase } from '../../support/databases.ts';
import { deletedAll, noContent, preconditionFailed, taskNotFound } from '../../support/expected.ts';
import { prepare, send, WRITES } from './writes.ts';

const CLIENTS = 50;
const clients = Array.from({ length: CLIENTS }, (_, n) => n);

forEachDatabase(`Of ${CLIENTS} clients that change one revision at once`, (open) => {
  for (const write of WRITES.filter(({ method }) => method !== 'DELETE')) {
    test(`by ${write.name}, one does, and the others learn the tag of what it wrote`, async () => {
      const app = open();
      const task = await prepare(app, write);
      const headers = { 'if-match': `"${task.revision}"` };
      const answers = await Promise.all(clients.map((n) => send(app, write, task, headers, n)));

      const winners = answers.filter(({ status }) => status === 200);
      const losers = answers.filter(({ status }) => status !== 200);
      const revision = task.revision + 1;
      expect(winners).toMatchObject([{ headers: { etag: `"${revision}"` }, body: { revision } }]);
      expect(losers).toEqual(
        Array(CLIENTS - 1).fill(preconditionFailed(new URL(task.url).pathname + write.path, `"${revision}"`)),
      );
      expect((await app.call('GET', task.url)).body).toEqual(winners[0]?.body);
    });
  }

  test('by DELETE, one does, and to the others the task is gone', async () => {
    const app = open();
    const { url, id } = await app.create();
    const headers = { 'if-match': '"1"' };
    const answers = await Promise.all(clients.map(() => app.call('DELETE', url, { headers })));
    expect(answers.filter(({ status }) => status === 204)).toEqual([noContent()]);
    expect(answers.filter(({ status }) => status !== 204)).toEqual(
      Array(CLIENTS - 1).fill(taskNotFound(`${app.root}/${id}`)),
    );
    expect(await app.stored()).toMatchObject({ tasks: [{ revision: 2 }], revision: 2 });
  });

  test('each in another way, one does', async () => {
    const app = open();
    const { url } = await app.create();
    const ways = WRITES.filter(({ deleted }) => !deleted);
    const headers = { 'if-match': '"1"' };
    const answers = await Promise.all(
      clients.map((n) => send(app, ways[n % ways.length] as (typeof ways)[0], { url } as Task, headers, n)),
    );
    const counts = Object.groupBy(answers, ({ status }) => (status < 300 ? 'done' : 'refused'));
    expect(counts.done).toHaveLength(1);
    const refusal = counts.done?.[0]?.status === 204 ? 404 : 412;
    expect(new Set(counts.refused?.map(({ status }) => status))).toEqual(new Set([refusal]));
    expect(await app.stored()).toMatchObject({ tasks: [{ revision: 2 }], revision: 2 });
  });

  test('by deletion of the list, one does', async () => {
    const { call, root, create, stored } = open();
    for (const title of ['a', 'b', 'c']) await create({ title });
    const { headers } = await call('GET', root);
    const conditions = { 'if-match': headers.etag as string };
    const answers = await Promise.all(clients.map(() => call('DELETE', root, { headers: conditions })));
    const current = (await call('GET', root)).headers.etag;
    expect(answers.filter(({ status }) => status === 204)).toEqual([deletedAll(3)]);
    expect(answers.filter(({ status }) => status !== 204)).toEqual(
      Array(CLIENTS - 1).fill(preconditionFailed(root, current)),
    );
    expect(await stored()).toMatchObject({ tasks: [{ revision: 4 }, { revision: 5 }, { revision: 6 }], revision: 6 });
  });
});

forEachDatabase('Clients that read, edit and write with If-Match', (open) => {
  test('lose no edit, however many they are', async () => {
    const { call, create, stored } = open();
    const { url } = await create({ description: '' });
    const words = Array.from({ length: 8 }, (_, client) => [`${client}a`, `${client}b`, `${client}c`]);

    async function append(word: string): Promise<void> {
      for (;;) {
        const { body, headers } = await call<Task>('GET', url);
        const { status } = await call('PUT', url, {
          body: { ...body, description: `${body.description} ${word}` },
          headers: { 'if-match': headers.etag as string },
        });
        if (status === 200) return;
        if (status !== 412) throw new Error(`The edit was answered ${status}`);
      }
    }

    await Promise.all(
      words.map(async (own) => {
        for (const word of own) await append(word);
      }),
    );
    const { tasks } = await stored();
    expect(tasks[0]?.description?.trim().split(' ').sort()).toEqual(words.flat().sort());
    expect(tasks[0]?.revision).toBe(1 + words.flat().length);
  });
});
