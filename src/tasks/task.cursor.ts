/** Cursors: a place in one ordering of one selection of one user's tasks, opaque to whoever carries them. */
import { type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { LIMITS, PRIORITIES } from '../db/limits.ts';
import { InvalidInput } from '../errors.ts';
import { Instant, Nullable, OneOf, Text } from '../http/types.ts';
import { type Sort, type SortKey, splitSort } from './task.list.ts';

/** Where a page ended: the value its last task was sorted by (null for no due time), and that task's id. */
export interface Place {
  key: string | number | null;
  id: string;
}

/** @param binding what else the place is valid for: the user and the filters */
export function encodeCursor({ key, id }: Place, sort: Sort, binding: unknown): string {
  const payload = JSON.stringify([key, id]);
  return Buffer.from(checksum(payload, sort, binding) + payload).toString('base64url');
}

/** @throws InvalidInput for anything that `encodeCursor` did not make for the same sort and binding */
export function decodeCursor(cursor: string, sort: Sort, binding: unknown): Place {
  const text = Buffer.from(cursor, 'base64url').toString();
  const place = parse(text.slice(CHECKSUM_LENGTH), sort);
  if (!place || encodeCursor(place, sort, binding) !== cursor)
    throw new InvalidInput([
      { in: 'query', pointer: 'cursor', detail: 'must come from the Link of a list with the same sort and filters' },
    ]);
  return place;
}

const CHECKSUM_LENGTH = 22;

/**
 * Tells a cursor that was made here from one that was damaged, made up, or made for something else. It is no secret:
 * a cursor opens nothing that the user's own list does not show.
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
    title: Text({ minLength: 1, maxLength: LIMITS.title }),
    priority: OneOf(PRIORITIES),
    order: Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
  } satisfies Record<SortKey, TSchema>).map(([key, schema]) => [
    key,
    Type.Tuple([schema, Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })]),
  ]),
);

function parse(payload: string, sort: Sort): Place | undefined {
  const schema = PLACES[splitSort(sort).key];
  try {
    const place: unknown = JSON.parse(payload);
    return schema && Value.Check(schema, place) ? { key: place[0] as Place['key'], id: place[1] } : undefined;
  } catch {
    return undefined;
  }
}
