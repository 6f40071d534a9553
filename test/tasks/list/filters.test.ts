import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { PRIORITIES } from '../../../src/db/schema.ts';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase, onOneDatabase } from '../../support/databases.ts';
import { deletedAll, invalidInput } from '../../support/expected.ts';
import { anyFilter, anyRows, type Filter, matches, type Row, rowOf, store, toQuery } from '../../support/task-rows.ts';

const RUNS = 60;

const DETAILS = {
  trueOrFalse: 'must be true or false, given once',
  priority: 'must be given at most 4 times, each one of none, low, medium, high',
  project: 'must be a string of 1 to 100 characters after trimming, without U+0000 or lone surrogates',
  day: 'must be a day as 2026-12-01, from 1970 to 9999, given once',
  zone: 'must be a name of the IANA time zone database as Europe/Berlin, given once',
  q: 'must be a string of 1 to 500 characters, without U+0000 or lone surrogates',
  time: 'must be a day as 2026-12-01 or an RFC 3339 time as 2026-12-01T09:30:00Z, from 1970 to 9999, given once',
  tag: 'must be given at most 20 times, each a string of 1 to 50 characters after trimming, without U+0000 or lone surrogates',
  sort: 'must be one of created_at, updated_at, completed_at, due, title, priority, order, -created_at, -updated_at, -completed_at, -due, -title, -priority, -order',
  unknown: 'unknown parameter',
};

forEachDatabase('The filters of a list', (open, database) => {
  /** The titles of what the query finds, in the order in which the rows are given. */
  async function found(rows: Partial<Row>[], filter: Filter): Promise<string[]> {
    const { call, root, user } = open();
    await store(
      database,
      user,
      rows.map((row, n) => rowOf(n, row)),
    );
    const query = toQuery(filter, 'created_at');
    const { status, body } = await call<Task[]>('GET', root + query);
    expect({ query, status }).toEqual({ query, status: 200 });
    return body.map(({ title }) => title);
  }

  const titled = (...titles: string[]) => titles.map((title) => ({ title }));

  test('a deletion takes exactly what the same filters show in a list, and nothing else changes', async () => {
    const { call, user: prefix, stored } = open();
    let users = 0;
    await fc.assert(
      fc.asyncProperty(anyRows, anyFilter, async (rows, { deleted: _, ...filter }) => {
        const user = `${prefix}-${++users}`;
        const address = `/api/${user}/tasks${toQuery(filter)}`;
        await store(database, user, rows);
        const { tasks: before } = await stored(user);
        const shown = await call<Task[]>('GET', address);
        const deletion = await call('DELETE', address);
        const { tasks: after } = await stored(user);
        const doomed = new Set(rows.filter((row) => matches(row, filter)).map(({ id }) => id));
        expect(deletion).toEqual(deletedAll(doomed.size));
        expect(new Set(shown.body.map(({ id }) => id))).toEqual(doomed);
        expect(after.filter(({ id }) => !doomed.has(id))).toEqual(before.filter(({ id }) => !doomed.has(id)));
        expect(after.filter(({ deleted_at }) => deleted_at !== null)).toHaveLength(
          before.filter(({ id, deleted_at }) => deleted_at !== null || doomed.has(id)).length,
        );
      }),
      { numRuns: RUNS },
    );
  });

  for (const q of ['%', '_', '\\', '%%', '\\%', '\\\\', 'a%b', "'", '"', '$1', '.*', '[', '(']) {
    test(`q takes ${q} for itself`, async () => {
      const rows = titled(
        'plain',
        'a%b',
        'a_b',
        'axb',
        '100%%',
        'back\\slash',
        'two\\\\',
        '\\%',
        'it\'s $1 (a) [b] .* "',
      );
      const expected = rows.flatMap(({ title }) => (title.includes(q) ? [title] : []));
      expect(expected).not.toEqual([]);
      expect(await found(rows, { q })).toEqual(expected);
    });
  }

  for (const [q, titles] of [
    ['BUY', ['Buy milk', 'rebuy']],
    ['é', ['École', 'café', 'CAFÉ']],
    ['É', ['École', 'café', 'CAFÉ']],
    ['ж', ['ЖУК', 'жук']],
    ['Ж', ['ЖУК', 'жук']],
    ['ø', ['SMØRREBRØD']],
    ['ｚ', ['Ｚ']],
    ['𐐷', ['𐐏']],
    ['ß', ['Straße']],
  ] as const) {
    test(`q finds ${q} in whatever case it is`, async () => {
      expect(await found(titled('other', ...titles, 'ecole'), { q })).toEqual([...titles]);
    });
  }

  for (const q of ['σ', 'ς', 'Σ', 'οδος', 'ΟΔΟΣ', 'οδοσ']) {
    test(`q finds ${q} wherever it stands in a word: of Σ there are two small letters`, async () => {
      const titles = ['ΟΔΟΣ', 'οδος', 'ΟΔΟΣΑ', 'οδοσα'];
      expect(await found(titled(...titles, 'ΑΒΓ'), { q })).toEqual(titles);
    });
  }

  test('q tells letters with and without a mark apart, and not whether they are one code point or two', async () => {
    expect(await found(titled('ecole', 'e\u0301cole', 'école'), { q: 'é' })).toEqual(['e\u0301cole', 'école']);
    expect(await found(titled('ecole', 'e\u0301cole', 'école'), { q: 'E\u0301' })).toEqual(['e\u0301cole', 'école']);
    expect(await found(titled('ecole', 'e\u0301cole', 'école'), { q: 'ec' })).toEqual(['ecole']);
  });

  test('q looks into title and description, but not across them', async () => {
    const rows = [
      { title: 'milk', description: null },
      { title: 'a', description: 'skimmed\nMilk' },
      { title: 'mi', description: 'lk' },
    ];
    expect(await found(rows, { q: 'milk' })).toEqual(['milk', 'a']);
  });

  test('q keeps its white space', async () => {
    expect(await found(titled('a b', 'ab', 'a  b'), { q: ' ' })).toEqual(['a b', 'a  b']);
    expect(await found(titled('a b', 'ab', 'a  b'), { q: '  ' })).toEqual(['a  b']);
  });

  test('q may have 500 code points', async () => {
    const title = '🦊'.repeat(500);
    expect(await found(titled(title, '🦊'), { q: title })).toEqual([title]);
  });

  test('a tag is asked for as it is stored: trimmed and in lower case', async () => {
    const rows = [{ title: 'a', tags: ['at home', 'ä'] }, { title: 'b', tags: ['home'] }, { title: 'c' }];
    expect(await found(rows, { tag: [' AT Home\t'] })).toEqual(['a']);
    expect(await found(rows, { tag: ['Ä'] })).toEqual(['a']);
    expect(await found(rows, { tag: ['hom'] })).toEqual([]);
  });

  test('of several tags a task must have all, in whatever order and however often they are named', async () => {
    const rows = [
      { title: 'ab', tags: ['a', 'b'] },
      { title: 'ba', tags: ['b', 'x', 'a'] },
      { title: 'a', tags: ['a'] },
    ];
    expect(await found(rows, { tag: ['a', 'b'] })).toEqual(['ab', 'ba']);
    expect(await found(rows, { tag: ['b', 'a', 'A', ' b '] })).toEqual(['ab', 'ba']);
    expect(await found(rows, { tag: ['a', 'b', 'c'] })).toEqual([]);
  });

  test('a tag may be whatever an array literal gives a meaning to', async () => {
    const tags = ['null', '{a,b}', '"', '\\', ',', "'", '{}', 'x,y', 'x y'];
    const rows = tags.map((tag) => ({ title: tag, tags: [tag] }));
    for (const tag of tags) expect(await found(rows, { tag: [tag] })).toEqual([tag]);
    expect(await found([{ title: 'all', tags }], { tag: tags })).toEqual(['all']);
  });

  const DUE = [
    { title: 'eve', due_date: '2026-11-30' },
    { title: 'eve, last', due_at: '2026-11-30T23:59:59.999Z' },
    { title: 'day', due_date: '2026-12-01' },
    { title: 'first', due_at: '2026-12-01T00:00:00.000Z' },
    { title: 'second', due_at: '2026-12-01T00:00:00.001Z' },
    { title: 'never' },
  ];
  for (const spelling of [
    '2026-12-01',
    '2026-12-01T00:00:00Z',
    '2026-12-01t00:00:00.000z',
    '2026-12-01T05:45:00+05:45',
    '2026-11-30T14:00:00-10:00',
  ]) {
    test(`due_before and due_after leave out the instant itself, 00:00 UTC of a day: ${spelling}`, async () => {
      expect(await found(DUE, { due_before: spelling })).toEqual(['eve', 'eve, last']);
      expect(await found(DUE, { due_after: spelling })).toEqual(['second']);
    });
  }

  test('due_before and due_after together are a span', async () => {
    const span = { due_after: '2026-11-30', due_before: '2026-12-01T00:00:00.001Z' };
    expect(await found(DUE, span)).toEqual(['eve, last', 'day', 'first']);
    expect(await found(DUE, { due_after: '2026-12-01', due_before: '2026-12-01' })).toEqual([]);
    expect(await found(DUE, { due_after: '1970-01-01', due_before: '9999-12-31' })).toHaveLength(5);
  });

  test('several priorities are any of them', async () => {
    const rows = PRIORITIES.map((priority) => ({ title: priority, priority }));
    expect(await found(rows, { priority: ['none', 'high'] })).toEqual(['none', 'high']);
    expect(await found(rows, { priority: ['high', 'high', 'low'] })).toEqual(['low', 'high']);
    expect(await found(rows, { priority: ['none'] })).toEqual(['none']);
  });

  test('a project is asked for as it is stored: trimmed, in NFC, with its capitals', async () => {
    const rows = ['Ångström', 'ångström', 'Ångström 2', null].map((project, n) => ({ title: `${n}`, project }));
    expect(await found(rows, { project: ' \u212bngstro\u0308m ' })).toEqual(['0']);
    expect(await found(rows, { has_project: 'true' })).toEqual(['0', '1', '2']);
    expect(await found(rows, { has_project: 'false' })).toEqual(['3']);
    expect(await found(rows, { has_project: 'false', project: 'ångström' })).toEqual([]);
  });

  test('has_due=false leaves nothing that a filter of due times could match', async () => {
    expect(await found(DUE, { has_due: 'false' })).toEqual(['never']);
    expect(await found(DUE, { has_due: 'true' })).toHaveLength(5);
    expect(await found(DUE, { has_due: 'false', due_after: '1970-01-01' })).toEqual([]);
    expect(await found(DUE, { has_due: 'false', due_from: '1970-01-01' })).toEqual([]);
  });

  test('deleted=true shows the bin and nothing else, through every other filter too', async () => {
    const deleted_at = '2026-12-05T00:00:00.000Z';
    const rows = [
      { title: 'a', deleted_at },
      { title: 'b', deleted_at, tags: ['x'] },
      { title: 'c', tags: ['x'] },
    ];
    expect(await found(rows, { deleted: 'true' })).toEqual(['a', 'b']);
    expect(await found(rows, { deleted: 'true', tag: ['x'] })).toEqual(['b']);
    expect(await found(rows, { deleted: 'false' })).toEqual(['c']);
    expect(await found(rows, {})).toEqual(['c']);
  });
});

onOneDatabase('The filters of a list', (open, database) => {
  const MALFORMED: readonly [query: string, pointer: string, detail: string][] = [
    ['completed=1', 'completed', DETAILS.trueOrFalse],
    ['completed', 'completed', DETAILS.trueOrFalse],
    ['completed=%FF', 'completed', DETAILS.trueOrFalse],
    ['priority=', 'priority', DETAILS.priority],
    ['priority=HIGH', 'priority', DETAILS.priority],
    ['priority=low&priority=urgent', 'priority', DETAILS.priority],
    ['priority=low,high', 'priority', DETAILS.priority],
    ['priority=low&priority=low&priority=low&priority=low&priority=low', 'priority', DETAILS.priority],
    ['project=', 'project', DETAILS.project],
    ['project=%20', 'project', DETAILS.project],
    ['project=a&project=b', 'project', DETAILS.project],
    [`project=${'a'.repeat(101)}`, 'project', DETAILS.project],
    ['has_project=Home', 'has_project', DETAILS.trueOrFalse],
    ['has_due=1', 'has_due', DETAILS.trueOrFalse],
    ['due_on=2026-02-30', 'due_on', DETAILS.day],
    ['due_on=2026-12-01T00:00:00Z', 'due_on', DETAILS.day],
    ['due_on=2026-12-01&due_on=2026-12-02', 'due_on', DETAILS.day],
    ['due_from=today', 'due_from', DETAILS.day],
    ['due_until=1969-12-31', 'due_until', DETAILS.day],
    ['due_on=2026-12-01&due_from=2026-12-01', 'due_on', 'must not come with due_from or due_until'],
    ['due_on=2026-12-01&due_until=2026-12-01', 'due_on', 'must not come with due_from or due_until'],
    ['due_from=2026-12-02&due_until=2026-12-01', 'due_until', 'must not be before due_from'],
    ...['', 'Mars/Olympus', '%2B02:00', '-08:00', 'Z', 'CEST', 'CET', 'est', 'PST', 'UTC%2B2', 'GMT+2', 'local'].map(
      (zone): [string, string, string] => [`due_on=2026-12-01&time_zone=${zone}`, 'time_zone', DETAILS.zone],
    ),
    ['time_zone=', 'time_zone', DETAILS.zone],
    ['time_zone=2026-12-01T00:00[Europe/Berlin]', 'time_zone', DETAILS.zone],
    ['due_on=2026-12-01&time_zone=UTC&time_zone=UTC', 'time_zone', DETAILS.zone],
    ['completed_after=now', 'completed_after', DETAILS.time],
    ['completed_before=2026-02-29', 'completed_before', DETAILS.time],
    ['updated_after=', 'updated_after', DETAILS.time],
    ['updated_before=2026-12-01&updated_before=2026-12-01', 'updated_before', DETAILS.time],
    ['start_until=2026-12-01T00:00:00Z', 'start_until', DETAILS.day],
    ['tag=', 'tag', DETAILS.tag],
    ['tag=a&tag=%20%E3%80%80', 'tag', DETAILS.tag],
    [`tag=${'a'.repeat(51)}`, 'tag', DETAILS.tag],
    ['tag=%00', 'tag', DETAILS.tag],
    ['tag=a&tag=%ED%A0%80', 'tag', DETAILS.tag],
    [Array.from({ length: 21 }, (_, n) => `tag=${n}`).join('&'), 'tag', DETAILS.tag],
    ['q=', 'q', DETAILS.q],
    ['q=%00', 'q', DETAILS.q],
    ['q=%ZZ', 'q', DETAILS.q],
    ['q=%ED%A0%80', 'q', DETAILS.q],
    ['q=a&q=b', 'q', DETAILS.q],
    [`q=${'a'.repeat(501)}`, 'q', DETAILS.q],
    ['due_before=', 'due_before', DETAILS.time],
    ['due_before=tomorrow', 'due_before', DETAILS.time],
    ['due_before=2026-02-29', 'due_before', DETAILS.time],
    ['due_before=2026-12-01T00:00:00', 'due_before', DETAILS.time],
    ['due_before=2026-12-01T00:00:00+01:00', 'due_before', DETAILS.time],
    ['due_before=1969-12-31', 'due_before', DETAILS.time],
    ['due_after=10000-01-01', 'due_after', DETAILS.time],
    ['due_after=9999-12-31T23:59:59-01:00', 'due_after', DETAILS.time],
    ['due_after=1796083200', 'due_after', DETAILS.time],
    ['due_after=2026-12-01&due_after=2026-12-01', 'due_after', DETAILS.time],
    ['due_befor=2026-12-01', 'due_befor', DETAILS.unknown],
    ['tags=a', 'tags', DETAILS.unknown],
    ['search=a', 'search', DETAILS.unknown],
    ['completed%20=true', 'completed ', DETAILS.unknown],
    ['=true', '', DETAILS.unknown],
  ];
  for (const [query, pointer, detail] of MALFORMED) {
    test(`a list and a deletion refuse, and name, what they do not understand: ${query.slice(0, 60)}`, async () => {
      const { refuse, root, user, stored } = open();
      await store(database, user, [rowOf(0), rowOf(1, { completed: true, completed_at: '2026-12-01T00:00:00.000Z' })]);
      const before = await stored();
      const refusal = invalidInput(root, [{ in: 'query', pointer, detail }]);
      expect(await refuse('GET', `${root}?${query}`)).toEqual(refusal);
      expect(await refuse('DELETE', `${root}?${query}`)).toEqual(refusal);
      expect(await stored()).toEqual(before);
    });
  }

  for (const [query, pointer] of [
    ['sort=', 'sort'],
    ['sort=id', 'sort'],
    ['sort=%2Bdue', 'sort'],
    ['sort=--due', 'sort'],
    ['sort=DUE', 'sort'],
    ['sort=due,title', 'sort'],
    ['sort=due&sort=title', 'sort'],
    ['sort=constructor', 'sort'],
  ] as const) {
    test(`a list refuses ${query}`, async () => {
      const { refuse, root } = open();
      expect(await refuse('GET', `${root}?${query}`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer, detail: DETAILS.sort }]),
      );
    });
  }

  test('a list refuses deleted where it is neither true nor false', async () => {
    const { refuse, root } = open();
    for (const value of ['', '1', 'only', 'TRUE', 'true&deleted=true'])
      expect(await refuse('GET', `${root}?deleted=${value}`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer: 'deleted', detail: DETAILS.trueOrFalse }]),
      );
  });

  for (const name of ['deleted', 'sort', 'limit', 'cursor']) {
    test(`a deletion refuses ${name}, which says nothing of what to delete, and deletes nothing`, async () => {
      const { refuse, root, user, stored } = open();
      await store(database, user, [rowOf(0), rowOf(1, { deleted_at: '2026-12-01T00:00:00.000Z' })]);
      const before = await stored();
      expect(await refuse('DELETE', `${root}?${name}=true&completed=false`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer: name, detail: DETAILS.unknown }]),
      );
      expect(await stored()).toEqual(before);
    });
  }
});
