import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { TestApp } from '../../support/app.ts';
import { forEachDatabase, type TestDatabase } from '../../support/databases.ts';
import { walk } from '../../support/links.ts';
import { type Row, rowOf, SORTS, store } from '../../support/task-rows.ts';

const UNTOUCHED = 60;
const RESTLESS = 30;
const CLIENTS = 4;

/** Values that many tasks share, so that most pages end in the middle of a tie. */
const values = {
  title: fc.constantFrom('a', 'b', 'c'),
  priority: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
  order: fc.constantFrom(-1, 0, 1),
  due_date: fc.constantFrom(null, '2026-12-01', '2026-12-02'),
};

type Action = { kind: 'create' | 'edit'; fields: object } | { kind: 'complete' | 'delete' | 'restore' };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), fields: fc.record(values) }),
  fc.record({ kind: fc.constant('edit' as const), fields: fc.record(values, { requiredKeys: [] }) }),
  fc.record({ kind: fc.constantFrom('complete' as const, 'delete' as const, 'restore' as const) }),
);

forEachDatabase('A walk over the pages while other clients write', (open, database) => {
  for (const sort of SORTS) {
    test(`sees every task that stood unchanged exactly once, by ${sort}`, async () => {
      const app = open();
      const { untouched, restless } = await prepare(app, database);
      const others = disturb(app, restless);
      const pages = await walk(app.call, `${app.root}?sort=${sort}`, [7], others.nextWrite);
      await others.stop();

      const seen = pages.flat().map(({ id }) => id);
      expect(seen.filter((id) => untouched.has(id)).sort()).toEqual([...untouched].sort());
    });
  }

  test('sees every task that a filter matches all the time exactly once, and none that it never matches', async () => {
    const app = open();
    const { untouched, restless, rows } = await prepare(app, database);
    const others = disturb(app, restless);
    const pages = await walk(app.call, `${app.root}?priority=high&sort=-order`, [5], others.nextWrite);
    await others.stop();

    const stood = rows.filter(({ id, priority }) => untouched.has(id) && priority === 'high').map(({ id }) => id);
    const seen = pages.flat();
    const seenOfThose = seen.map(({ id }) => id).filter((id) => untouched.has(id));
    expect(seenOfThose.sort()).toEqual(stood.sort());
    expect(new Set(seen.map(({ priority }) => priority))).toEqual(new Set(['high']));
  });
});

/** Stores tasks that nobody will touch and, lying between them in every order, tasks that others will. */
async function prepare({ user }: TestApp, database: TestDatabase) {
  const drawn = fc.sample(fc.record(values), UNTOUCHED + RESTLESS);
  const rows: Row[] = drawn.map((fields, n) => rowOf(n, fields));
  await store(database, user, rows);
  const isRestless = (n: number) => n % 3 === 0;
  return {
    rows,
    untouched: new Set(rows.flatMap(({ id }, n) => (isRestless(n) ? [] : [id]))),
    restless: rows.flatMap(({ id }, n) => (isRestless(n) ? [id] : [])),
  };
}

/** Has clients create, edit, complete, delete and restore until they are told to stop. */
function disturb({ call, clock, root }: TestApp, restless: string[]) {
  let stopping = false;
  let written = Promise.withResolvers<void>();

  async function client(): Promise<void> {
    while (!stopping) {
      const [todo, nth] = draw(fc.tuple(action, fc.nat(restless.length - 1)));
      const { status } = await act(todo, `${root}/${restless[nth]}`);
      // A task that another client has just deleted is not there.
      if (status >= 400 && status !== 404) throw new Error(`A write was answered ${status}`);
      if (status >= 400) continue;
      written.resolve();
      written = Promise.withResolvers();
    }
  }

  function act(todo: Action, address: string) {
    clock.now += 1;
    switch (todo.kind) {
      case 'create':
        return call('POST', root, { body: todo.fields });
      case 'edit':
        return call('PATCH', address, { body: todo.fields });
      case 'complete':
        return call('PATCH', `${address}/complete`);
      case 'delete':
        return call('DELETE', address);
      case 'restore':
        return call('POST', `${address}/restore`);
    }
  }

  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  return {
    /** A walk that waits for one before each of its pages is surely disturbed. */
    nextWrite: () => Promise.race([written.promise, clients.then(() => {})]),
    async stop(): Promise<void> {
      stopping = true;
      await clients;
    },
  };
}

function draw<T>(arbitrary: fc.Arbitrary<T>): T {
  const [drawn] = fc.sample(arbitrary, 1);
  return drawn as T;
}
