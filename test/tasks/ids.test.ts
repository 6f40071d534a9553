import { expect, test } from 'bun:test';
import { createTaskIds } from '../../src/tasks/ids.ts';

const TIME = Date.parse('2026-11-21T09:30:00.000Z');
/** TIME in hexadecimal, as an id begins with it. */
const AT = '01a1fd70-f1c0';
const LATER = '01a1fd70-f1c1';

/** Ids whose random bytes are all the same. */
const idsOf = (byte: number) => createTaskIds((bytes) => bytes.fill(byte));

test('An id is a UUID of version 7: the time, a counter, and random bits', () => {
  expect(idsOf(0x00)(TIME)).toBe(`${AT}-7000-8000-000000000000`);
  expect(idsOf(0xff)(TIME)).toBe(`${AT}-77ff-bfff-ffffffffffff`);
});

test('Of one millisecond the ids count up, from a random start in the lower half', () => {
  const newId = idsOf(0xff);
  expect([newId(TIME), newId(TIME), newId(TIME)].map((id) => id.slice(0, 18))).toEqual([
    `${AT}-77ff`,
    `${AT}-7800`,
    `${AT}-7801`,
  ]);
  expect(newId(TIME + 1)).toStartWith(`${LATER}-77ff`);
});

test('When the counter of a millisecond runs out, the time of the ids runs ahead and the counter begins anew', () => {
  const newId = idsOf(0);
  const ids = Array.from({ length: 4098 }, () => newId(TIME));
  expect(ids.slice(-3).map((id) => id.slice(0, 18))).toEqual([`${AT}-7fff`, `${LATER}-7000`, `${LATER}-7001`]);
  expect(ids).toEqual(ids.toSorted());
  expect(newId(TIME + 1)).toStartWith(`${LATER}-7002`);
});

test('When the clock steps back, the ids still rise', () => {
  const newId = idsOf(0);
  expect([newId(TIME), newId(TIME - 60_000), newId(TIME)].map((id) => id.slice(0, 18))).toEqual([
    `${AT}-7000`,
    `${AT}-7001`,
    `${AT}-7002`,
  ]);
});

test('Unless told, the random bits of two ids differ', () => {
  const newId = createTaskIds();
  expect(newId(TIME).slice(19)).not.toBe(newId(TIME).slice(19));
});
