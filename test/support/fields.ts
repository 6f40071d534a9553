/** The rules of the fields that a client may write. POST, PUT and PATCH keep the same ones. */

/** What `String.prototype.trim` takes away, one of each: NBSP, the BOM and the line separators are among them. */
export const WHITE_SPACE =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';

/** One code point, two UTF-16 units, four bytes. */
const EMOJI = '🦊';

const distinctTags = (count: number) => Array.from({ length: count }, (_, n) => `tag ${n}`);

type Fields = Record<string, unknown>;

/** What is sent, how the task has it afterwards, and how its row does where that differs. */
export const ACCEPTED: readonly { rule: string; sent: Fields; kept: Fields; row?: Fields }[] = [
  {
    rule: 'a title loses the white space around it',
    ...pair('title', `${WHITE_SPACE}a \u00a0 b${WHITE_SPACE}`, 'a \u00a0 b'),
  },
  { rule: 'a title may have 500 code points', ...same('title', EMOJI.repeat(500)) },
  {
    rule: 'the white space around a title does not count',
    ...pair('title', ` ${EMOJI.repeat(500)}${' '.repeat(600)}`, EMOJI.repeat(500)),
  },
  { rule: 'a title may hold control characters, quotes and markup', ...same('title', `a\u0001\u007f'"\\%_<b>$1`) },
  { rule: 'a title is brought into NFC', ...pair('title', 'cafe\u0301 \u212b ﬁ', 'caf\u00e9 \u00c5 ﬁ') },
  { rule: 'the length of a title counts in NFC', ...pair('title', 'e\u0301'.repeat(500), 'é'.repeat(500)) },
  { rule: 'a description may have 10,000 code points', ...same('description', EMOJI.repeat(10_000)) },
  {
    rule: 'a description keeps its white space, of which NFC has fewer kinds',
    ...pair('description', `${WHITE_SPACE}a\n\n${WHITE_SPACE}`, `${WHITE_SPACE}a\n\n${WHITE_SPACE}`.normalize()),
  },
  { rule: 'a description may begin with a byte order mark', ...same('description', '\ufeffa') },
  { rule: 'a description may be empty', ...same('description', '') },
  { rule: 'a description may be null', ...same('description', null) },
  { rule: 'a description is brought into NFC', ...pair('description', 'cafe\u0301', 'caf\u00e9') },
  ...['none', 'low', 'medium', 'high'].map((priority) => ({
    rule: `priority ${priority}`,
    ...same('priority', priority),
  })),
  { rule: 'tags may be empty', ...same('tags', []) },
  { rule: 'there may be 20 tags', ...same('tags', distinctTags(20)) },
  { rule: 'a tag may have 50 code points', ...same('tags', [EMOJI.repeat(50), `${EMOJI.repeat(49)}.`]) },
  {
    rule: 'a tag loses the white space around it',
    ...pair('tags', [`${WHITE_SPACE}at  home${WHITE_SPACE}`, ` ${EMOJI.repeat(50)} `], ['at  home', EMOJI.repeat(50)]),
  },
  {
    rule: 'a tag is lower-cased',
    ...pair('tags', ['HOME', 'ÄRGER', 'ΟΔΟΣ', 'İ'], ['home', 'ärger', 'οδος', 'i\u0307']),
  },
  {
    rule: 'of equal tags the first stays, in its place',
    ...pair('tags', ['b', 'A', ' B ', 'a', 'c'], ['b', 'a', 'c']),
  },
  {
    rule: 'a tag may hold whatever an array literal or a pattern gives a meaning to',
    ...same('tags', ['null', '{a,b}', '"', '\\', ',', "'", '%', '.*', '$', 'a\nb', '\u0001']),
  },
  {
    rule: 'tags that look the same are the same',
    ...pair('tags', ['re\u0301union', 'r\u00e9union', 'RE\u0301UNION'], ['r\u00e9union']),
  },
  { rule: 'a project may have 100 code points', ...same('project', EMOJI.repeat(100)) },
  {
    rule: 'a project loses the white space around it and keeps its capitals',
    ...pair('project', `${WHITE_SPACE}Home  office${WHITE_SPACE}`, 'Home  office'),
  },
  { rule: 'a project is brought into NFC', ...pair('project', '\u212bngstro\u0308m', '\u00c5ngstr\u00f6m') },
  { rule: 'no project', ...same('project', null) },
  { rule: 'the first day', ...same('due_date', '1970-01-01') },
  { rule: 'the last day', ...same('due_date', '9999-12-31') },
  { rule: 'a leap day', ...same('due_date', '2028-02-29') },
  { rule: 'no day', ...same('due_date', null) },
  { rule: 'the first instant', ...pair('due_at', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z') },
  { rule: 'the last instant', ...same('due_at', '9999-12-31T23:59:59.999Z') },
  { rule: 'an instant with an offset', ...pair('due_at', '2026-12-01T00:30:00+05:45', '2026-11-30T18:45:00.000Z') },
  {
    rule: 'an instant whose offset brings it into the range',
    ...pair('due_at', '1969-12-31T23:30:00-01:00', '1970-01-01T00:30:00.000Z'),
  },
  { rule: 'an instant in lower case', ...pair('due_at', '2026-12-01t09:30:00z', '2026-12-01T09:30:00.000Z') },
  { rule: 'an instant of unknown offset', ...pair('due_at', '2026-12-01T09:30:00-00:00', '2026-12-01T09:30:00.000Z') },
  {
    rule: 'an instant keeps milliseconds and loses what is finer',
    ...pair('due_at', '2026-12-01T09:30:00.9999999999Z', '2026-12-01T09:30:00.999Z'),
  },
  { rule: 'no instant', ...same('due_at', null) },
  { rule: 'a day beside no instant', ...same('due_date', '2026-12-01', { due_at: null }) },
  { rule: 'an instant beside no day', ...same('due_at', '2026-12-01T09:30:00.000Z', { due_date: null }) },
  { rule: 'the first day to start on', ...same('start_date', '1970-01-01') },
  { rule: 'the last day to start on', ...same('start_date', '9999-12-31') },
  { rule: 'no day to start on', ...same('start_date', null) },
  { rule: 'a start after the due day', ...same('start_date', '2026-12-02', { due_date: '2026-12-01' }) },
  ...[
    [-9_007_199_254_740_991, -2_147_483_648],
    [-1_099_511_627_776, -2_147_483_648],
    [-2_147_483_649, -2_147_483_648],
    [2_147_483_648, 2_147_483_647],
    [9_007_199_254_740_991, 2_147_483_647],
  ].map(([wide = 0, order]) => ({
    rule: `order ${wide}`,
    ...same('order', wide),
    row: { order, wide_order: wide },
  })),
  ...[-2_147_483_648, 0, 2_147_483_647].map((order) => ({
    rule: `order ${order}`,
    ...same('order', order),
    row: { order, wide_order: null },
  })),
  { rule: 'no metadata', ...same('metadata', {}), row: { metadata: null } },
  {
    rule: 'metadata of strings, numbers and booleans, as they come',
    ...same('metadata', {
      'RRULE:x': 'FREQ=DAILY;\n',
      ' e\u0301 ': ' e\u0301 ',
      empty: '',
      yes: true,
      no: false,
      ...{ half: 0.5, least: 5e-324, greatest: 1.7976931348623157e308, safe: 9_007_199_254_740_991 },
    }),
  },
  { rule: 'a negative zero in metadata', ...pair('metadata', { zero: -0 }, { zero: 0 }) },
  {
    rule: 'metadata of 50 keys of 40 code points with 500 in their values',
    ...same(
      'metadata',
      Object.fromEntries(
        Array.from({ length: 50 }, (_, n) => [String(n).padStart(2, '0') + EMOJI.repeat(38), EMOJI.repeat(500)]),
      ),
    ),
  },
  {
    rule: 'metadata with keys of every object',
    ...same('metadata', JSON.parse('{"__proto__": 1, "constructor": "x", "toString": true}')),
  },
];

const TEXT = 'without U+0000 or lone surrogates';
const DETAILS = {
  title: `must be a string of 1 to 500 characters after trimming, ${TEXT}`,
  description: `must be a string of 0 to 10000 characters, ${TEXT}, or null`,
  completed: 'must be true or false',
  priority: 'must be one of none, low, medium, high',
  tags: 'must be an array of at most 20 items',
  project: `must be a string of 1 to 100 characters after trimming, ${TEXT}, or null`,
  tag: `must be a string of 1 to 50 characters after trimming, ${TEXT}`,
  due_date: 'must be a day as 2026-12-01, from 1970 to 9999, or null',
  due_at: 'must be an RFC 3339 time as 2026-12-01T09:30:00Z, from 1970 to 9999, or null',
  start_date: 'must be a day as 2026-12-01, from 1970 to 9999, or null',
  order: 'must be an integer from -9007199254740991 to 9007199254740991',
};

/** @param patch whether it is one: there null removes a key, and all keys may be exchanged for others */
const metadataDetail = (patch: boolean) =>
  `must be an object of at most ${patch ? 100 : 50} keys of 1 to 40 characters, each with a string of up to 500 characters, a finite number, true or false${patch ? ', or null to remove the key' : ''}; ${TEXT}`;

/** Metadata that POST, PUT and PATCH refuse. */
const NO_METADATA: [what: string, metadata: unknown][] = [
  ['101 keys', Object.fromEntries(Array.from({ length: 101 }, (_, n) => [n, n]))],
  ['an empty key', { '': 1 }],
  ['a key of 41 code points', { [EMOJI.repeat(41)]: 1 }],
  ['a key with U+0000', { 'a\0b': 1 }],
  ['a key with a lone surrogate', { '\ud83e': 1 }],
  ['a value of 501 code points', { colour: EMOJI.repeat(501) }],
  ['a value with U+0000', { colour: '\0' }],
  ['a value with a lone surrogate', { colour: '\udd8a' }],
  ['an array in it', { colours: ['red'] }],
  ['an object in it', { colour: { red: 1 } }],
  ['an array', ['red']],
  ['a string', 'red'],
  ['a number', 5],
  ['null', null],
];

/** What is sent, and the one fault that the answer must tell of it; `patchDetail` where a patch is told another. */
export const REFUSED: readonly {
  rule: string;
  sent: Fields;
  pointer: string;
  detail: string;
  patchDetail?: string;
}[] = [
  ...NO_METADATA.map(([what, metadata]) => ({
    rule: `metadata: ${what}`,
    sent: { metadata },
    pointer: '/metadata',
    detail: metadataDetail(false),
    patchDetail: metadataDetail(true),
  })),
  ...refused('project', [
    ['empty', ''],
    ['nothing but white space', WHITE_SPACE],
    ['101 code points', EMOJI.repeat(101)],
    ['101 code points in NFC', '\u0958'.repeat(51)],
    ['U+0000', 'a\0b'],
    ['a lone surrogate', '\ud83e'],
    ['a number', 5],
    ['an array', ['Home']],
  ]),
  ...refused('title', [
    ['empty', ''],
    ['nothing but white space', WHITE_SPACE],
    ['501 code points', EMOJI.repeat(501)],
    ['501 code points in NFC', '\u0958'.repeat(251)],
    ['U+0000', 'a\0b'],
    ['a lone high surrogate', 'a\ud83e'],
    ['a lone low surrogate', '\udd8ab'],
    ['surrogates in the wrong order', '\udd8a\ud83e'],
    ['null', null],
    ['a number', 5],
    ['an array', ['a']],
    ['an object', {}],
  ]),
  ...refused('description', [
    ['10,001 code points', EMOJI.repeat(10_001)],
    ['U+0000', '\0'],
    ['a lone surrogate', '\ud83e'],
    ['a boolean', false],
  ]),
  ...refused('completed', [
    ['a string', 'true'],
    ['a number', 1],
    ['null', null],
  ]),
  ...refused('priority', [
    ['another word', 'urgent'],
    ['another case', 'High'],
    ['white space around it', ' high'],
    ['a number', 1],
    ['null', null],
  ]),
  ...refused('tags', [
    ['21 of them', distinctTags(21)],
    ['21 of them, repeats counted', distinctTags(20).concat('tag 0')],
    ['a string', 'home'],
    ['an object', { 0: 'home' }],
    ['null', null],
  ]),
  ...[
    ['empty', ''],
    ['nothing but white space', WHITE_SPACE],
    ['51 code points', EMOJI.repeat(51)],
    ['51 code points once in lower case', 'İ'.repeat(26)],
    ['U+0000', '\0'],
    ['a lone surrogate', '\udd8a'],
    ['null', null],
    ['a number', 5],
    ['an array', ['home']],
  ].map(([what, tag]) => ({
    rule: `a tag: ${what}`,
    sent: { tags: ['home', tag] },
    pointer: '/tags/1',
    detail: DETAILS.tag,
  })),
  ...refused('due_date', [
    ['before 1970', '1969-12-31'],
    ['after 9999', '10000-01-01'],
    ['signed', '+010000-01-01'],
    ['30 February', '2026-02-30'],
    ['29 February of another year', '2026-02-29'],
    ['month 13', '2026-13-01'],
    ['day 0', '2026-01-00'],
    ['one digit', '2026-1-1'],
    ['an instant', '2026-12-01T00:00:00Z'],
    ['white space', '2026-12-01 '],
    ['empty', ''],
    ['a word of PostgreSQL', 'infinity'],
    ['a number', 20_261_201],
  ]),
  ...refused('due_at', [
    ['before 1970', '1969-12-31T23:59:59.999Z'],
    ['before 1970 by its offset', '1970-01-01T00:30:00+01:00'],
    ['after 9999', '10000-01-01T00:00:00Z'],
    ['after 9999 by its offset', '9999-12-31T23:30:00-01:00'],
    ['30 February', '2026-02-30T00:00:00Z'],
    ['hour 24', '2026-12-01T24:00:00Z'],
    ['minute 60', '2026-12-01T09:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['no offset', '2026-12-01T09:30:00'],
    ['an offset of 24 hours', '2026-12-01T09:30:00+24:00'],
    ['an offset without a colon', '2026-12-01T09:30:00+0100'],
    ['no seconds', '2026-12-01T09:30Z'],
    ['a fraction without digits', '2026-12-01T09:30:00.Z'],
    ['a day', '2026-12-01'],
    ['empty', ''],
    ['a word of PostgreSQL', 'now'],
    ['a number', 1_796_117_400_000],
  ]),
  ...refused('start_date', [
    ['before 1970', '1969-12-31'],
    ['after 9999', '10000-01-01'],
    ['30 February', '2026-02-30'],
    ['an instant', '2026-12-01T00:00:00Z'],
    ['empty', ''],
    ['a number', 20_261_201],
    ['an array', ['2026-12-01']],
  ]),
  ...refused('order', [
    ['below what a double holds exactly', -9_007_199_254_740_992],
    ['above what a double holds exactly', 9_007_199_254_740_992],
    ['beyond what a double holds exactly', 1e300],
    ['a fraction', 1.5],
    ['a string', '5'],
    ['a boolean', true],
    ['null', null],
  ]),
  {
    rule: 'due both on a day and at an instant',
    sent: { due_date: '2026-12-01', due_at: '2026-12-01T09:30:00Z' },
    pointer: '',
    detail: 'must be due either on due_date or at due_at, not both',
  },
  ...[
    ['an unknown field', 'titel', '/titel'],
    ['another case of a field', 'Title', '/Title'],
    ['a field that is empty', '', '/'],
    ['a field that a pointer has to escape', 'a/b~c', '/a~1b~0c'],
    ['what the database keeps for itself', 'wide_order', '/wide_order'],
    ['a field of every object', 'constructor', '/constructor'],
  ].map(([rule = '', field = '', pointer = '']) => ({
    rule,
    sent: { [field]: null },
    pointer,
    detail: 'unknown field',
  })),
];

function same(field: string, value: unknown, others: Fields = {}) {
  return { sent: { ...others, [field]: value }, kept: { ...others, [field]: value } };
}

function pair(field: string, sent: unknown, kept: unknown) {
  return { sent: { [field]: sent }, kept: { [field]: kept } };
}

function refused(field: keyof typeof DETAILS, values: [what: string, value: unknown][]) {
  return values.map(([what, value]) => ({
    rule: `${field}: ${what}`,
    sent: { [field]: value },
    pointer: `/${field}`,
    detail: DETAILS[field],
  }));
}

/** Values that no server has ever set, for the fields that only the server sets. */
export const READ_ONLY: Fields = {
  id: 'another',
  user_id: 5,
  completed_at: '2001-01-01T00:00:00Z',
  created_at: { never: true },
  updated_at: null,
  deleted_at: 'long ago',
  revision: -1,
  url: ['\0'],
};

/** Ids as they stand in a path, that name no task of anyone. */
export const MISSING_IDS = [
  { what: 'an id that no task has', id: '01980a3e-7c00-7000-8000-000000000000' },
  { what: 'an id of no version', id: '00000000-0000-0000-0000-000000000000' },
  { what: 'an id that is no UUID', id: 'not-an-id' },
  { what: 'an id with one digit too many', id: '01980a3e-7c00-7000-8000-0000000000000' },
  { what: 'an id with U+0000', id: '01980a3e%00' },
  { what: 'an id of another alphabet', id: '%F0%9F%A6%8A' },
  { what: 'an id that is an SQL statement', id: "'%3B%20drop%20table%20tasks--" },
] as const;
