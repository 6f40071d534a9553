import { expect, test } from 'bun:test';
import { forEachDatabase, onOneDatabase } from '../support/databases.ts';
import { invalidInput, success, taskNotFound } from '../support/expected.ts';
import { MISSING_IDS } from '../support/fields.ts';

const LATER = '2026-11-21T09:31:00.000Z';
const EVEN_LATER = '2026-11-21T09:32:00.000Z';
const JSON_TYPE = { 'content-type': 'application/json' };

forEachDatabase('PATCH /api/{user_id}/tasks/{id}/complete', (open) => {
  const TOGGLES = {
    'no body': {},
    'an empty body of type JSON': { raw: '', headers: JSON_TYPE },
    'an empty object': { body: {} },
    'a merge patch without a field': { body: {}, headers: { 'content-type': 'application/merge-patch+json' } },
  };
  for (const [what, request] of Object.entries(TOGGLES)) {
    test(`completes an open task and reopens a completed one, at ${what}`, async () => {
      const { call, clock, create, stored } = open();
      const task = await create();
      clock.now = Date.parse(LATER);
      const completed = { ...task, completed: true, completed_at: LATER, updated_at: LATER, revision: 2 };
      expect(await call('PATCH', `${task.url}/complete`, request)).toEqual(success(200, completed, { etag: '"2"' }));
      expect(await stored()).toMatchObject({ tasks: [{ completed: true, completed_at: LATER }], revision: 2 });
      clock.now = Date.parse(EVEN_LATER);
      const reopened = { ...task, updated_at: EVEN_LATER, revision: 3 };
      expect(await call('PATCH', `${task.url}/complete`, request)).toEqual(success(200, reopened, { etag: '"3"' }));
      expect(await stored()).toMatchObject({ tasks: [{ completed: false, completed_at: null }], revision: 3 });
    });
  }

  test('sets the wanted state, and changes nothing when the task has it', async () => {
    const { call, clock, create, stored } = open();
    const task = await create();
    const set = (completed: boolean) => call('PATCH', `${task.url}/complete`, { body: { completed } });

    clock.now = Date.parse(LATER);
    expect(await set(false)).toEqual(success(200, task, { etag: '"1"' }));
    const completed = { ...task, completed: true, completed_at: LATER, updated_at: LATER, revision: 2 };
    expect(await set(true)).toEqual(success(200, completed, { etag: '"2"' }));
    const before = await stored();
    clock.now = Date.parse(EVEN_LATER);
    expect(await set(true)).toEqual(success(200, completed, { etag: '"2"' }));
    expect(await stored()).toEqual(before);
    expect(await set(false)).toEqual(success(200, { ...task, updated_at: EVEN_LATER, revision: 3 }, { etag: '"3"' }));
  });

  test('toggles once for each of many requests at the same time', async () => {
    const { call, create, stored } = open();
    const { url } = await create();
    const toggles = await Promise.all(Array.from({ length: 11 }, () => call('PATCH', `${url}/complete`)));
    expect(toggles.map(({ status }) => status)).toEqual(Array(11).fill(200));
    expect(await stored()).toMatchObject({ tasks: [{ completed: true, revision: 12 }], revision: 12 });
  });

  for (const { what, id } of MISSING_IDS) {
    test(`answers 404 to ${what}`, async () => {
      const { call, root, stored } = open();
      const path = `${root}/${id}/complete`;
      expect(await call('PATCH', path)).toEqual(taskNotFound(path));
      expect(await call('PATCH', path, { body: { completed: false } })).toEqual(taskNotFound(path));
      expect(await stored()).toEqual({ tasks: [], revision: undefined });
    });
  }

  test('does not find what was deleted', async () => {
    const { call, root, create, stored } = open();
    const { id } = await create();
    await call('DELETE', `${root}/${id}`);
    const before = await stored();
    const path = `${root}/${id}/complete`;
    expect(await call('PATCH', path)).toEqual(taskNotFound(path));
    expect(await call('PATCH', path, { body: { completed: false } })).toEqual(taskNotFound(path));
    expect(await stored()).toEqual(before);
  });
});

onOneDatabase('PATCH /api/{user_id}/tasks/{id}/complete', (open) => {
  for (const { what, body, pointer, detail } of [
    { what: 'a string', body: { completed: 'true' }, pointer: '/completed', detail: 'must be true or false' },
    { what: 'null', body: { completed: null }, pointer: '/completed', detail: 'must be true or false' },
    { what: 'another field', body: { title: 'x' }, pointer: '/title', detail: 'unknown field' },
    { what: 'an array', body: [], pointer: '', detail: 'must be a JSON object' },
    { what: 'a boolean', body: true, pointer: '', detail: 'must be a JSON object' },
    { what: 'null as the body', body: null, pointer: '', detail: 'must be a JSON object' },
  ]) {
    test(`refuses ${what}, and leaves the task as it is`, async () => {
      const { refuse, root, create, stored } = open();
      const { id } = await create();
      const before = await stored();
      const path = `${root}/${id}/complete`;
      expect(await refuse('PATCH', path, { body })).toEqual(invalidInput(path, [{ in: 'body', pointer, detail }]));
      expect(await stored()).toEqual(before);
    });
  }
});
