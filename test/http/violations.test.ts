import { expect, test } from 'bun:test';
import { type TSchema, Type } from '@sinclair/typebox';
import { ValueErrorType } from '@sinclair/typebox/errors';
import { Value } from '@sinclair/typebox/value';
import fc from 'fast-check';
import { violationsOf } from '../../src/http/violations.ts';
import {
  Completion,
  DeleteQuery,
  ListQuery,
  NewTask,
  TaskPatch,
  TaskPath,
  TaskReplacement,
} from '../../src/tasks/schema.ts';

/** A name that a pointer has to escape, one that every object has already, and one that is special to JavaScript. */
const STRAYS = ['titel', 'a/b~c', '', 'constructor', '__proto__'];

const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>;
const likely = fc.constantFrom<unknown>(null, true, 'high', 'true', '2026-12-01', '2026-12-01T09:30:00Z', 7, '7', [
  'a',
]);
const list = fc.array(fc.oneof(fc.constantFrom('home', ' ', '\0'), json), { maxLength: 25 });

const objectsWith = (names: string[]) =>
  fc.dictionary(fc.constantFrom(...names, ...STRAYS), fc.oneof(likely, json, list), { noNullPrototype: false });

/** Where TypeBox finds something wrong; what it says of an intersection only sums up its members. */
function placesByTypeBox(schema: TSchema, value: unknown): string[] {
  const errors = [...Value.Errors(schema, value)].filter(({ type }) => type !== ValueErrorType.Intersect);
  return [...new Set(errors.map(({ path }) => path))];
}

for (const [title, schema, members] of [
  ['A new task', NewTask, NewTask.allOf],
  ['A replacement', TaskReplacement, TaskReplacement.allOf],
  ['A patch', TaskPatch, TaskPatch.allOf],
  ['A wanted completion', Completion, [Completion]],
] as [string, TSchema, TSchema[]][]) {
  test(`${title} is at fault just where TypeBox finds a fault, in the same order`, () => {
    const fields = members.flatMap(({ properties = {} }) => Object.keys(properties));
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: objectsWith(fields) }, { weight: 1, arbitrary: json }), (value) => {
        const faults = violationsOf('body', schema, value);
        expect(faults.map(({ pointer }) => pointer)).toEqual(placesByTypeBox(schema, value));
        expect(faults.length === 0).toBe(Value.Check(schema, value));
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
}

for (const [title, part, schema] of [
  ['The query of a list', 'query', ListQuery],
  ['The query of a deletion', 'query', DeleteQuery],
  ['A path', 'path', TaskPath],
] as const) {
  test(`${title} is at fault under the names where TypeBox finds a fault`, () => {
    const value = fc.oneof(fc.string(), likely, fc.array(fc.string()));
    const names = fc.constantFrom(...Object.keys(schema.properties), ...STRAYS);
    fc.assert(
      fc.property(fc.dictionary(names, value), (parameters) => {
        const places = placesByTypeBox(schema, parameters).map((path) =>
          path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~'),
        );
        expect(violationsOf(part, schema, parameters).map(({ pointer }) => pointer)).toEqual(places);
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
}

test('A value that breaks a rule of a kind that no schema has yet is at fault as a whole', () => {
  const faults = violationsOf('body', Type.Object({}, { minProperties: 1 }), {});
  expect(faults).toEqual([{ in: 'body', pointer: '', detail: 'must be a JSON object' }]);
});

test('Nothing is looked at after the violation that is too many to be told', () => {
  let looks = 0;
  const strays = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`stray ${n}`, n]));
  const tags = new Proxy(Array(1000).fill(''), {
    get(array, name) {
      looks += 1;
      return Reflect.get(array, name);
    },
  });
  violationsOf('body', TaskPatch, { tags });
  expect(looks).toBeLessThan(500);
  expect(violationsOf('body', TaskPatch, strays)).toEqual(
    Array.from({ length: 101 }, (_, n) => ({ in: 'body', pointer: `/stray ${n}`, detail: 'unknown field' })),
  );
});
