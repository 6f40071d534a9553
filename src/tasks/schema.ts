/** The shapes of a task on the wire, and the types that come from them. */
import { type Static, type TObject, Type } from '@sinclair/typebox';
import { LIMITS, PRIORITIES } from '../db/schema.ts';
import {
  Day,
  DayOrInstant,
  DecimalInteger,
  Instant,
  Nullable,
  OneOf,
  Repeatable,
  Text,
  TrueOrFalse,
} from '../types.ts';

const INT32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };

const UserId = Text({
  minLength: 1,
  maxLength: LIMITS.userId,
  printable: true,
  description: 'Whose task it is. Without `/` and `\\`.',
});
const Title = Text({
  minLength: 1,
  maxLength: LIMITS.title,
  trimmed: true,
  description: 'White space at both ends is removed. Lengths count Unicode code points.',
});
const Description = Nullable(Text({ minLength: 0, maxLength: LIMITS.description }));
const Priority = OneOf(PRIORITIES);
const Tag = Text({ minLength: 1, maxLength: LIMITS.tag, trimmed: true, lowerCase: true });
const Tags = Type.Array(Tag, {
  maxItems: LIMITS.tags,
  description: 'Each is trimmed and lower-cased; repeats are removed, the order is kept.',
});
const DueDate = Nullable(Day(), {
  description: 'A calendar day with no time zone. A task has due_date or due_at, not both.',
});
const DueAt = Nullable(Instant(), { description: 'An instant. A task has due_date or due_at, not both.' });
const StartDate = Nullable(Day(), { description: 'Not before this calendar day.' });
const Order = Type.Integer({ ...INT32, description: "The client's own manual order. Default: 0." });

export const Task = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'A UUID version 7: ids sort by creation time.' }),
    user_id: UserId,
    title: Title,
    description: Description,
    completed: Type.Boolean(),
    completed_at: Nullable(Instant(), { description: 'When `completed` last became true; null while it is false.' }),
    priority: Priority,
    tags: Tags,
    due_date: DueDate,
    due_at: DueAt,
    start_date: StartDate,
    order: Order,
    created_at: Instant(),
    updated_at: Instant(),
    revision: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "The number of this task's last change among all changes of its user's tasks; also its ETag.",
    }),
    url: Type.String({ format: 'uri', description: 'The absolute address of this task.' }),
  },
  { additionalProperties: false, description: 'A task.' },
);
export type Task = Static<typeof Task>;

export const TaskList = Type.Array(Task);

/** The fields that a client may write. */
const Writable = {
  title: Title,
  description: Type.Optional(Description),
  completed: Type.Optional(Type.Boolean({ description: 'Default: false.' })),
  priority: Type.Optional(OneOf(PRIORITIES, { description: 'Default: medium.' })),
  tags: Type.Optional(Tags),
  due_date: Type.Optional(DueDate),
  due_at: Type.Optional(DueAt),
  start_date: Type.Optional(StartDate),
  order: Type.Optional(Order),
};

export type WritableField = keyof typeof Writable;

const IGNORED = Type.Optional(
  Type.Unknown({ readOnly: true, description: 'Ignored, so that GET, edit, send back works.' }),
);

/** The fields that the server sets; a client may send them back. */
const ReadOnly = {
  id: IGNORED,
  user_id: IGNORED,
  completed_at: IGNORED,
  created_at: IGNORED,
  updated_at: IGNORED,
  revision: IGNORED,
  url: IGNORED,
} satisfies Record<Exclude<keyof Task, WritableField>, unknown>;

/** One of the two is null or absent. (`not` would say the same, but Elysia 1.4.30 cannot compile it.) */
const DueOnce = Type.Union(
  [
    Type.Object({ due_date: Type.Optional(Type.Null()) }, { additionalProperties: true }),
    Type.Object({ due_at: Type.Optional(Type.Null()) }, { additionalProperties: true }),
  ],
  { expected: 'due either on due_date or at due_at, not both' },
);

const withDueOnce = <T extends TObject>(fields: T, description: string) =>
  Type.Unsafe<Static<T>>(Type.Intersect([fields, DueOnce], { description }));

const strict = { additionalProperties: false };

export const NewTask = withDueOnce(Type.Object(Writable, strict), 'A task to create.');
export type NewTask = Static<typeof NewTask>;

export const TaskReplacement = withDueOnce(
  Type.Object({ ...Writable, ...ReadOnly }, strict),
  'The whole task: what is left out takes its default.',
);
export type TaskReplacement = Static<typeof TaskReplacement>;

export const TaskPatch = withDueOnce(
  Type.Object({ ...Type.Partial(Type.Object(Writable)).properties, ...ReadOnly }, strict),
  'A JSON merge patch (RFC 7396): what is left out stays, null clears a field that can be null.',
);
export type TaskPatch = Static<typeof TaskPatch>;

export const Completion = Type.Object(
  { completed: Type.Optional(Type.Boolean()) },
  { ...strict, description: 'The wanted state; without it the state is toggled.' },
);

export const UserPath = Type.Object({ user_id: UserId });
export type UserPath = Static<typeof UserPath>;

export const TaskPath = Type.Object({
  ...UserPath.properties,
  id: Type.String({ description: 'A UUID. Anything but the id of a task of this user is a 404.' }),
});
export type TaskPath = Static<typeof TaskPath>;

export const SORT_KEYS = ['created_at', 'updated_at', 'due', 'title', 'priority', 'order'] as const;
export type SortKey = (typeof SORT_KEYS)[number];
/** A key in ascending order, or with a leading `-` in descending order. */
export type Sort = SortKey | `-${SortKey}`;

const filters = {
  completed: Type.Optional(TrueOrFalse({ description: 'Only those that are, or are not, completed.' })),
  priority: Type.Optional(OneOf(PRIORITIES)),
  tag: Type.Optional(
    Repeatable(Tag, {
      maxItems: LIMITS.tags,
      description: 'May be repeated: only those that have all of these tags.',
    }),
  ),
  q: Type.Optional(
    Text({
      minLength: 1,
      maxLength: LIMITS.title,
      description: 'Only those with this text in title or description, in any case.',
    }),
  ),
  due_before: Type.Optional(
    DayOrInstant({ description: 'Only those due before this; a day counts as its first instant in UTC.' }),
  ),
  due_after: Type.Optional(
    DayOrInstant({ description: 'Only those due after this; a day counts as its first instant in UTC.' }),
  ),
};

export const ListQuery = Type.Object(
  {
    limit: Type.Optional(DecimalInteger({ minimum: 1, maximum: 200, description: 'How many at most. Default: 50.' })),
    cursor: Type.Optional(
      Text({
        minLength: 1,
        maxLength: 4096,
        description: 'Where to go on, copied from the Link of the page before.',
      }),
    ),
    sort: Type.Optional(
      OneOf([...SORT_KEYS, ...SORT_KEYS.map((key) => `-${key}` as const)], {
        description: 'A leading - is for descending; without a due time comes last either way. Default: -created_at.',
      }),
    ),
    ...filters,
    deleted: Type.Optional(TrueOrFalse({ description: 'true: those in the bin. Default: false.' })),
  },
  strict,
);
export type ListQuery = Static<typeof ListQuery>;

export const DeleteQuery = Type.Object(filters, strict);
export type DeleteQuery = Static<typeof DeleteQuery>;
