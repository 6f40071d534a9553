import { expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { getTableConfig } from 'drizzle-orm/pg-core';
import { postgresError } from '../../src/db/driver-errors.ts';
import { idempotencyKeys, tasks, userRevisions } from '../../src/db/schema.ts';
import { START } from '../support/app.ts';
import { forEachDatabase } from '../support/databases.ts';
import { WHITE_SPACE } from '../support/fields.ts';

const TASK = {
  id: '01980a3e-7c00-7000-8000-000000000000',
  title: 'Buy milk',
  description: null,
  completed: false,
  completed_at: null,
  priority: 'medium' as const,
  tags: ['errand'],
  due_date: null,
  due_at: null,
  start_date: null,
  project: null,
  order: 0,
  wide_order: null,
  metadata: null,
  created_at: START,
  updated_at: START,
  revision: 1,
};

/** By the constraint that refuses them, rows that the API would refuse, as they differ from a good one. */
const BROKEN: Record<string, Record<string, unknown>> = {
  tasks_user_id_valid: {
    'an empty user_id': { user_id: '' },
    'a user_id of 256 characters': { user_id: 'u'.repeat(256) },
    'a user_id with a control character': { user_id: 'a\u001fb' },
    'a user_id with a control character of the second range': { user_id: 'a\u0085b' },
  },
  tasks_title_length: { 'an empty title': { title: '' }, 'a title of 501 characters': { title: '🦊'.repeat(501) } },
  tasks_title_trimmed: Object.fromEntries(
    [...WHITE_SPACE].flatMap((space) => {
      const name = `U+${space.charCodeAt(0).toString(16).padStart(4, '0')}`;
      return [
        [`a title that begins with ${name}`, { title: `${space}milk` }],
        [`a title that ends with ${name}`, { title: `milk${space}` }],
      ];
    }),
  ),
  tasks_description_length: { 'a description of 10,001 characters': { description: '🦊'.repeat(10_001) } },
  tasks_completed_at_matches: {
    'a completed task without a time of completion': { completed: true },
    'an open task with a time of completion': { completed_at: START },
  },
  tasks_project_valid: {
    'an empty project': { project: '' },
    'a project of 101 characters': { project: '🦊'.repeat(101) },
    'a project with white space before it': { project: '\u00a0Home' },
    'a project with white space after it': { project: 'Home\ufeff' },
  },
  tasks_wide_order_range: {
    'a wide order beyond what a number in JSON holds exactly': { wide_order: 2 ** 53 },
    'a wide order that is too small': { wide_order: -(2 ** 53) },
    'a wide order that 32 bits hold': { wide_order: 2 ** 31 - 1 },
    'a negative wide order that 32 bits hold': { wide_order: -(2 ** 31) },
  },
  tasks_metadata_valid: {
    'metadata of no keys': { metadata: {} },
    'metadata of 51 keys': { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`${n}`, n])) },
    'metadata that are an array': { metadata: ['red'] },
    'metadata that are a text': { metadata: 'red' },
    'metadata that are JSON null': { metadata: sql`'null'::jsonb` },
    'a key without a name': { metadata: { '': 1 } },
    'a key of 41 characters': { metadata: { ['🦊'.repeat(41)]: 1 } },
    'a value of 501 characters': { metadata: { colour: '🦊'.repeat(501) } },
    'a value that is null': { metadata: { colour: null } },
    'a value that is an array': { metadata: { colours: ['red'] } },
    'a value that is an object': { metadata: { colour: { red: 1 } } },
  },
  tasks_tags_count: { '21 tags': { tags: Array.from({ length: 21 }, (_, n) => `tag ${n}`) } },
  tasks_tags_valid: {
    'an empty tag': { tags: [''] },
    'a tag of 51 characters': { tags: ['🦊'.repeat(51)] },
    'a tag in capitals': { tags: ['milk', 'Errand'] },
    'a tag with white space before it': { tags: ['\u00a0errand'] },
    'a tag with white space after it': { tags: ['errand\ufeff'] },
    'a tag of one space': { tags: [' '] },
    'a tag twice': { tags: ['errand', 'milk', 'errand'] },
    'a tag that is NULL': { tags: ['errand', null] },
    'tags in two dimensions': { tags: sql`'{{errand},{milk}}'::text[]` },
    'tags that do not begin at 1': { tags: sql`'[2:3]={errand,milk}'::text[]` },
  },
  tasks_due_once: { 'both due_date and due_at': { due_date: '2026-12-01', due_at: START } },
  tasks_due_date_range: {
    'a day before 1970': { due_date: '1969-12-31' },
    'a day after 9999': { due_date: '10000-01-01' },
    'no end of days': { due_date: 'infinity' },
  },
  tasks_due_at_range: {
    'an instant before 1970': { due_at: '1969-12-31T23:59:59.999Z' },
    'an instant after 9999': { due_at: '10000-01-01T00:00:00Z' },
    'no end of time': { due_at: 'infinity' },
  },
  tasks_start_date_range: {
    'a start before 1970': { start_date: '1969-12-31' },
    'a start after 9999': { start_date: '10000-01-01' },
    'a start at no time': { start_date: '-infinity' },
  },
  tasks_times_range: {
    'a creation at no time': { created_at: '-infinity' },
    'an update after 9999': { updated_at: '10000-01-01T00:00:00Z' },
    'a completion at no time': { completed: true, completed_at: 'infinity' },
    'a deletion before 1970': { deleted_at: '1969-12-31T23:59:59.999Z' },
  },
  tasks_revision_positive: { 'revision 0': { revision: 0 }, 'a negative revision': { revision: -1 } },
};

/** What the types of the columns refuse, by the SQLSTATE. */
const MISTYPED: Record<string, { sqlState: string; row: Record<string, unknown> }> = {
  'an id that is no UUID': { sqlState: '22P02', row: { id: 'milk' } },
  'another priority': { sqlState: '22P02', row: { priority: 'urgent' } },
  'an order beyond 32 bits': { sqlState: '22003', row: { order: sql`2147483648` } },
  'a day that is none': { sqlState: '22008', row: { due_date: '2026-02-30' } },
  'U+0000 in a title': { sqlState: '22021', row: { title: 'a\0b' } },
};

const REQUIRED = getTableConfig(tasks).columns.filter((column) => column.notNull);

forEachDatabase('The tables', (_, { db }) => {
  let users = 0;
  const newUser = () => `schema-${process.pid}-${++users}`;

  /** What the database says of a row: undefined when it takes it. */
  async function insert(row: Record<string, unknown>) {
    try {
      await db.insert(tasks).values({ ...TASK, user_id: newUser(), ...row } as typeof tasks.$inferInsert);
      return undefined;
    } catch (error) {
      return postgresError(error);
    }
  }

  test('take a good task', async () => {
    expect(await insert({})).toBeUndefined();
  });

  test('take a task with all that it may hold', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => String(n).padStart(2, '0') + '🦊'.repeat(38));
    const metadata = Object.fromEntries(keys.map((key, n) => [key, [1.5, true, '\n🦊'.repeat(250)][n % 3]]));
    const wide = { order: 2 ** 31 - 1, wide_order: 2 ** 53 - 1 };
    expect(
      await insert({ title: '🦊'.repeat(500), project: '🦊'.repeat(100), priority: 'none', ...wide, metadata }),
    ).toBeUndefined();
  });

  for (const [constraint, rows] of Object.entries(BROKEN)) {
    for (const [what, row] of Object.entries(rows)) {
      test(`refuse ${what}`, async () => {
        expect(await insert(row as Record<string, unknown>)).toEqual({ sqlState: '23514', constraint });
      });
    }
  }

  for (const [what, { sqlState, row }] of Object.entries(MISTYPED)) {
    test(`refuse ${what}`, async () => {
      expect(await insert(row)).toMatchObject({ sqlState });
    });
  }

  for (const { name } of REQUIRED) {
    test(`refuse a task without ${name}`, async () => {
      // A column that is left out would be given by its default, if it had one.
      expect(await insert({ [name]: sql`null` })).toMatchObject({ sqlState: '23502' });
    });
  }

  test('refuse a second task of a user under one id, but not of another user', async () => {
    const user_id = newUser();
    expect(await insert({ user_id })).toBeUndefined();
    expect(await insert({ user_id, revision: 2 })).toEqual({ sqlState: '23505', constraint: 'tasks_pkey' });
    expect(await insert({})).toBeUndefined();
  });

  test('refuse a second change of a user under one revision', async () => {
    const user_id = newUser();
    const id = '01980a3e-7c00-7000-8000-000000000001';
    expect(await insert({ user_id })).toBeUndefined();
    expect(await insert({ user_id, id })).toEqual({ sqlState: '23505', constraint: 'tasks_user_revision' });
  });

  test('refuse to change a good task into a bad one', async () => {
    const user_id = newUser();
    await insert({ user_id });
    const change = db.update(tasks).set({ title: ' ' }).where(sql`${tasks.user_id} = ${user_id}`);
    expect(await change.then(undefined, postgresError)).toMatchObject({ sqlState: '23514' });
  });

  test('refuse a counter that does not count', async () => {
    const failure = await db
      .insert(userRevisions)
      .values({ user_id: newUser(), revision: 0 })
      .then(undefined, postgresError);
    expect(failure).toEqual({ sqlState: '23514', constraint: 'user_revisions_revision_positive' });
  });

  for (const [what, key] of [
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
  ] as const) {
    test(`refuse an Idempotency-Key that is ${what}`, async () => {
      const row = { user_id: newUser(), key, fingerprint: 'x', task: {} as never, created_at: START };
      const failure = await db.insert(idempotencyKeys).values(row).then(undefined, postgresError);
      expect(failure).toEqual({ sqlState: '23514', constraint: 'idempotency_keys_key_length' });
    });
  }

  test('have no rule about tasks that these tests leave out', () => {
    const { checks } = getTableConfig(tasks);
    expect(checks.map(({ name }) => name).sort()).toEqual(Object.keys(BROKEN).sort());
  });
});
