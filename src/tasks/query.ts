/** How a request selects: filters, sorts, cursors and preconditions. */
import { type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { toRfc3339 } from '../db/driver-values.ts';
import { InvalidInput, type Violation } from '../errors.ts';
import { Instant, Nullable } from '../types.ts';
import { normaliseTags, type StoredTask } from './fields.ts';
import { type DeleteQuery, ListQuery, SORT_KEYS, type Sort, type SortKey, Task, type UserPath } from './schema.ts';

/** Which tasks; everything that is given must hold. */
export interface TaskFilter {
  completed?: boolean | undefined;
  priority?: Task['priority'] | undefined;
  /** The task has all of these. */
  tags?: readonly string[] | undefined;
  /** Somewhere in title or description, in any case. */
  q?: string | undefined;
  /** Due before, or after, this instant. */
  due_before?: string | undefined;
  due_after?: string | undefined;
  /** In the bin, instead of out of it. */
  deleted?: boolean | undefined;
}

/** The filter of a query, its values in their normal form. */
export function filterOf(query: DeleteQuery & Pick<ListQuery, 'deleted'>): TaskFilter {
  const { completed, priority, tag, q, due_before, due_after, deleted } = query;
  return {
    completed: completed && completed === 'true',
    priority,
    tags: tag && normaliseTags(tag),
    q,
    due_before: due_before && toRfc3339(due_before),
    due_after: due_after && toRfc3339(due_after),
    deleted: deleted === 'true' || undefined,
  };
}

/** One page of a list. */
export interface Selection {
  filter: TaskFilter;
  sort: Sort;
  /** The most tasks. */
  limit: number;
  /** Where to go on, as `next` of an earlier page said. */
  cursor?: string | undefined;
}

export function selectionOf({ sort = '-created_at', limit = '50', cursor, ...query }: ListQuery): Selection {
  return { filter: filterOf(query), sort, limit: Number(limit), cursor };
}

export function splitSort(sort: Sort): { key: SortKey; descending: boolean } {
  const descending = sort.startsWith('-');
  return { key: (descending ? sort.slice(1) : sort) as SortKey, descending };
}

/** Where a page ended: the value its last task was sorted by (null for no due time), and that task's id. */
export interface Place {
  key: string | number | null;
  id: string;
}

/** The place right after a task. */
export function placeOf(task: StoredTask, sort: Sort): Place {
  const { key } = splitSort(sort);
  const due = task.due_at ?? (task.due_date && `${task.due_date}T00:00:00.000Z`);
  return { key: key === 'due' ? due : task[key], id: task.id };
}

/** An opaque text for a place in one ordering. @param binding what else it is valid for: the user and the filter */
export function encodeCursor({ key, id }: Place, sort: Sort, binding: unknown): string {
  const payload = JSON.stringify([key, id]);
  return Buffer.from(checksum(payload, sort, binding) + payload).toString('base64url');
}

/** @throws InvalidInput for anything that `encodeCursor` did not make for the same sort and binding */
export function decodeCursor(cursor: string, sort: Sort, binding: unknown): Place {
  const place = parsePlace(payloadOf(cursor), sort);
  if (!place || encodeCursor(place, sort, binding) !== cursor) throw foreignCursor();
  return place;
}

/**
 * Checks the cursor of a list that is refused already. Where its user, sort or filters are wrong, a cursor of any list of
 * this service may be meant. @throws InvalidInput
 */
export function checkCursor({ user_id }: UserPath, query: ListQuery, violations: readonly Violation[]): void {
  const { cursor } = query;
  const wrong = new Set(violations.map(({ pointer }) => pointer));
  if (typeof cursor !== 'string' || wrong.has('cursor')) return;
  if (BOUND.some((name) => wrong.has(name))) {
    if (!SORT_KEYS.some((sort) => parsePlace(payloadOf(cursor), sort))) throw foreignCursor();
  } else {
    const { sort, filter } = selectionOf(query);
    decodeCursor(cursor, sort, bindingOf(user_id, filter));
  }
}

/** What a cursor is bound to, by the names of parameters. */
const BOUND = ['user_id', ...Object.keys(ListQuery.properties).filter((name) => name !== 'limit')];

/** What a cursor is valid for besides its sort. */
export const bindingOf = (user_id: string, filter: TaskFilter): unknown => [user_id, filter];

const foreignCursor = () =>
  new InvalidInput([
    { in: 'query', pointer: 'cursor', detail: 'must come from the Link of a list with the same sort and filters' },
  ]);

const CHECKSUM_LENGTH = 22;

function payloadOf(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString().slice(CHECKSUM_LENGTH);
}

/**
 * Tells a cursor that was made here from one that was damaged, made up, or made for another list. It is no secret: a
 * cursor opens nothing that the user's own list does not show.
 */
function checksum(payload: string, sort: Sort, binding: unknown): string {
  const hasher = new Bun.CryptoHasher('sha256').update(JSON.stringify([payload, sort, binding]));
  return hasher.digest('base64url').slice(0, CHECKSUM_LENGTH);
}

/** An instant as this service writes it, and no longer. */
const StoredInstant = Type.Intersect([Instant(), Type.String({ pattern: '^.{10}T.{8}\\.\\d{3}Z$' })]);

/** What the database may be asked to compare with, for each sort. */
const PLACES = Object.fromEntries(
  Object.entries({
    created_at: StoredInstant,
    updated_at: StoredInstant,
    due: Nullable(StoredInstant),
    title: Task.properties.title,
    priority: Task.properties.priority,
    order: Task.properties.order,
  } satisfies Record<SortKey, TSchema>).map(([key, schema]) => [
    key,
    Type.Tuple([schema, Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })]),
  ]),
);

function parsePlace(payload: string, sort: Sort): Place | undefined {
  const schema = PLACES[splitSort(sort).key];
  try {
    const place: unknown = JSON.parse(payload);
    return schema && Value.Check(schema, place) ? { key: place[0] as Place['key'], id: place[1] } : undefined;
  } catch {
    return undefined;
  }
}

/** The revisions of its target under which a write may happen. */
export interface Precondition {
  /** One of these; undefined is any. */
  if_match?: readonly number[] | undefined;
  /** None of these; `*` is none at all, undefined any. */
  if_none_match?: readonly number[] | '*' | undefined;
}

export function allows({ if_match, if_none_match }: Precondition, revision: number): boolean {
  if (if_none_match === '*' || if_none_match?.includes(revision)) return false;
  return if_match === undefined || if_match.includes(revision);
}
