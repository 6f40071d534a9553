/** Which tasks are due on a day depends on where one is; a day is not always 24 hours long, nor one span. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase } from '../../support/databases.ts';
import { matches, type Row, rowOf, store, toQuery } from '../../support/task-rows.ts';

const ZONES = Intl.supportedValuesOf('timeZone');

/** Each name is a task, each query with the tasks that it finds. */
const CASES: readonly { name: string; query: string; tasks: Record<string, Partial<Row>>; due: string[] }[] = [
  {
    name: 'in Los Angeles tonight is today, and the all-day task of tomorrow is not',
    query: 'due_on=2026-12-01&time_zone=America/Los_Angeles',
    tasks: {
      A: { due_date: '2026-12-01' },
      B: { due_date: '2026-12-02' },
      C: { due_at: '2026-12-02T04:00:00.000Z' },
      D: { due_at: '2026-12-02T17:00:00.000Z' },
      E: { due_at: '2026-12-01T07:59:59.999Z' },
      F: { due_at: '2026-12-01T08:00:00.000Z' },
      G: { due_at: '2026-12-02T07:59:59.999Z' },
      H: {},
    },
    due: ['A', 'C', 'F', 'G'],
  },
  {
    name: 'Kiritimati is a day ahead',
    query: 'due_on=2026-12-01&time_zone=Pacific/Kiritimati',
    tasks: {
      A: { due_date: '2026-12-01' },
      B: { due_at: '2026-11-30T10:00:00.000Z' },
      C: { due_at: '2026-11-30T09:59:59.999Z' },
      D: { due_at: '2026-12-01T09:59:59.999Z' },
      E: { due_at: '2026-12-01T10:00:00.000Z' },
      F: { due_date: '2026-11-30' },
    },
    due: ['A', 'B', 'D'],
  },
  {
    name: 'the day of 25 hours in Berlin',
    query: 'due_on=2026-10-25&time_zone=Europe/Berlin',
    tasks: {
      A: { due_at: '2026-10-24T21:59:59.999Z' },
      B: { due_at: '2026-10-24T22:00:00.000Z' },
      C: { due_at: '2026-10-25T00:30:00.000Z' },
      D: { due_at: '2026-10-25T01:30:00.000Z' },
      E: { due_at: '2026-10-25T22:59:59.999Z' },
      F: { due_at: '2026-10-25T23:00:00.000Z' },
      G: { due_date: '2026-10-25' },
    },
    due: ['B', 'C', 'D', 'E', 'G'],
  },
  {
    name: 'the day of 23 hours in Berlin',
    query: 'due_on=2026-03-29&time_zone=europe/berlin',
    tasks: {
      A: { due_at: '2026-03-28T22:59:59.999Z' },
      B: { due_at: '2026-03-28T23:00:00.000Z' },
      C: { due_at: '2026-03-29T21:59:59.999Z' },
      D: { due_at: '2026-03-29T22:00:00.000Z' },
    },
    due: ['B', 'C'],
  },
  {
    name: 'all that is overdue in New York',
    query: 'due_until=2026-11-30&completed=false&time_zone=America/New_York',
    tasks: {
      A: { due_date: '2026-11-30' },
      B: { due_date: '2026-12-01' },
      C: { due_at: '2026-12-01T04:59:59.000Z' },
      D: { due_at: '2026-12-01T05:00:00.000Z' },
      E: { due_date: '2026-11-30', completed: true, completed_at: '2026-12-01T00:00:00.000Z' },
      F: {},
    },
    due: ['A', 'C'],
  },
  {
    name: 'a week without a zone is in UTC',
    query: 'due_from=2026-12-01&due_until=2026-12-07',
    tasks: {
      A: { due_date: '2026-12-01' },
      B: { due_date: '2026-12-07' },
      C: { due_at: '2026-12-07T23:59:59.999Z' },
      D: { due_at: '2026-12-08T00:00:00.000Z' },
      E: { due_at: '2026-11-30T23:59:59.999Z' },
    },
    due: ['A', 'B', 'C'],
  },
  {
    name: "the Saturday of St. John's that goes on after a minute of Sunday",
    query: 'due_on=1990-10-27&time_zone=America/St_Johns',
    tasks: {
      A: { due_at: '1990-10-28T02:29:59.999Z' },
      B: { due_at: '1990-10-28T02:30:00.000Z' },
      C: { due_at: '1990-10-28T02:31:00.000Z' },
      D: { due_at: '1990-10-28T03:29:59.999Z' },
      E: { due_at: '1990-10-28T03:30:00.000Z' },
    },
    due: ['A', 'C', 'D'],
  },
  {
    name: "and the Sunday of St. John's that has begun twice",
    query: 'due_from=1990-10-28&time_zone=America/St_Johns',
    tasks: {
      A: { due_at: '1990-10-28T02:29:59.999Z' },
      B: { due_at: '1990-10-28T02:30:00.000Z' },
      C: { due_at: '1990-10-28T02:31:00.000Z' },
      D: { due_at: '1990-10-28T03:29:59.999Z' },
      E: { due_at: '1990-10-28T03:30:00.000Z' },
    },
    due: ['B', 'E'],
  },
  {
    name: 'the day that Samoa left out',
    query: 'due_on=2011-12-30&time_zone=Pacific/Apia',
    tasks: {
      A: { due_at: '2011-12-30T09:59:59.999Z' },
      B: { due_at: '2011-12-30T10:00:00.000Z' },
      C: { due_date: '2011-12-30' },
    },
    due: ['C'],
  },
  {
    name: 'the first day and the last',
    query: 'due_from=1970-01-01&due_until=9999-12-31&time_zone=Pacific/Kiritimati',
    tasks: {
      // It was the evening before there.
      A: { due_at: '1970-01-01T00:00:00.000Z' },
      B: { due_at: '1970-01-01T10:40:00.000Z' },
      C: { due_at: '9999-12-31T09:59:59.999Z' },
      D: { due_date: '1970-01-01' },
      E: { due_date: '9999-12-31' },
    },
    due: ['B', 'C', 'D', 'E'],
  },
];

forEachDatabase('The days of a list', (open, database) => {
  for (const { name, query, tasks, due } of CASES) {
    test(`are those of the zone, in a list and in a deletion: ${name}`, async () => {
      const { call, root, user } = open();
      const rows = Object.entries(tasks).map(([title, fields], n) => rowOf(n, { title, ...fields }));
      await store(database, user, rows);
      const titles = async (search: string) =>
        (await call<Task[]>('GET', `${root}?${search}`)).body.map(({ title }) => title).sort();
      expect(await titles(query)).toEqual(due);
      expect((await titles(`${query}&sort=due`)).sort()).toEqual(due);
      expect((await call('DELETE', `${root}?${query}`)).status).toBe(204);
      expect(await titles('deleted=true')).toEqual(due);
    });
  }

  test('agree with Temporal, for any zone, any days, and instants around all their beginnings and changes of the clock', async () => {
    const { call, root, user } = open();
    // Days on which some clock is set, and any others; the same rows serve every question.
    const day = fc
      .oneof(
        fc.date({ min: new Date('1970-01-02'), max: new Date('2040-01-01'), noInvalidDate: true }),
        fc.constantFrom(
          ...['2026-03-29', '2026-10-25', '1990-10-28', '2011-12-30', '2018-11-04'].map((d) => new Date(d)),
        ),
      )
      .map((date) => date.toISOString().slice(0, 10));
    let users = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ZONES), day, fc.nat(3), async (time_zone, from, length) => {
        const owner = `${user}-${++users}`;
        const due_until = Temporal.PlainDate.from(from).add({ days: length }).toString();
        await store(database, owner, rowsAround(time_zone, from, due_until));
        const rows = rowsAround(time_zone, from, due_until);
        for (const filter of [{ due_on: from }, { due_from: from, due_until }, { due_from: from }, { due_until }]) {
          const query = toQuery({ ...filter, time_zone });
          const { body } = await call<Task[]>('GET', `${root.replace(user, owner)}${query}&limit=200&sort=due`);
          const expected = rows.filter((row) => matches(row, { ...filter, time_zone })).map(({ title }) => title);
          expect({ query, due: body.map(({ title }) => title).sort() }).toEqual({ query, due: expected.sort() });
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Tasks due on each day and the days beside them, and just before, at and after each midnight and change of the clock. */
function rowsAround(zone: string, from: string, until: string): Row[] {
  const days: string[] = [];
  const last = Temporal.PlainDate.from(until).add({ days: 2 });
  for (let day = Temporal.PlainDate.from(from).subtract({ days: 1 }); !day.equals(last); day = day.add({ days: 1 }))
    days.push(day.toString());
  const instants = new Set<number>();
  for (const day of days) {
    const start = Temporal.PlainDate.from(day).toZonedDateTime(zone);
    const change = start.getTimeZoneTransition('next');
    const later = Temporal.PlainDateTime.from(day).toZonedDateTime(zone, { disambiguation: 'later' });
    for (const time of [start, later, ...(change ? [change] : [])])
      for (const shift of [-3_600_000, -60_000, -1, 0, 1, 60_000]) instants.add(time.epochMilliseconds + shift);
  }
  const due = [
    ...days.map((due_date) => ({ title: due_date, due_date })),
    ...[...instants]
      .filter((time) => time >= 0)
      .map((time) => ({ title: new Date(time).toISOString(), due_at: new Date(time).toISOString() })),
  ];
  return due.map((fields, n) => rowOf(n, fields));
}
