/**
 * Makes one statement of many: of what is asked for within one turn of the event loop. PostgreSQL spends a third on each
 * request of what it would on one by itself (test/bench/LOG.md).
 */
import { DatabaseUnavailable } from '../errors.ts';
import { postgresFailure } from './failures.ts';

/** More than these go into another statement, for another connection. */
const MAX_KEYS = 64;

interface Request<Key, Value> {
  key: Key;
  resolve: (value: Value | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * @param load reads what there is under the keys; it is asked only after the last of them was asked for, so that no one
 *   gets what was there before
 * @param nameOf tells whose a value is: what it yields for the value and for its key is the same
 * @returns a read of one key, which yields undefined where there is nothing. When `load` fails, so do all its reads.
 */
export function batchedReads<Key, Value>(
  load: (keys: Key[]) => Promise<Value[]>,
  nameOf: (item: Key | Value) => string,
): (key: Key) => Promise<Value | undefined> {
  return gather<Key, Value>(async (batch) => {
    try {
      const values = new Map<string, Value>();
      for (const value of await load(batch.map(({ key }) => key))) values.set(nameOf(value), value);
      for (const { key, resolve } of batch) resolve(values.get(nameOf(key)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  });
}

/**
 * @param writeAll does what it can do at once, without waiting for anyone, and yields what it wrote
 * @param writeOne does one write: what came alone, what has the name of one before it, and what `writeAll` did not do, be
 *   it that all of it was undone because one failed
 * @param nameOf tells whose a value is: what it yields for the value and for its key is the same
 * @returns one write; it yields undefined when `writeOne` does. Unless PostgreSQL said that it refused the statement, no
 *   one can know what was written: all its writes fail.
 */
export function batchedWrites<Key, Value>(
  writeAll: (keys: Key[]) => Promise<Value[]>,
  writeOne: (key: Key) => Promise<Value | undefined>,
  nameOf: (item: Key | Value) => string,
): (key: Key) => Promise<Value | undefined> {
  return gather<Key, Value>(async (batch) => {
    const firsts = new Map<string, Request<Key, Value>>();
    for (const request of batch) {
      const name = nameOf(request.key);
      if (!firsts.has(name)) firsts.set(name, request);
    }
    const left = new Set(batch);
    if (firsts.size > 1)
      try {
        for (const value of await writeAll([...firsts.values()].map(({ key }) => key))) {
          const request = firsts.get(nameOf(value));
          if (request && left.delete(request)) request.resolve(value);
        }
      } catch (error) {
        const isUndone = postgresFailure(error) !== undefined && !(error instanceof DatabaseUnavailable);
        if (!isUndone) for (const request of firsts.values()) if (left.delete(request)) request.reject(error);
      }
    for (const { key, resolve, reject } of left) void writeOne(key).then(resolve, reject);
  });
}

function gather<Key, Value>(send: (batch: Request<Key, Value>[]) => void): (key: Key) => Promise<Value | undefined> {
  let requests: Request<Key, Value>[] = [];

  function sendAll(): void {
    const batch = requests;
    requests = [];
    if (batch.length > 0) send(batch);
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (requests.length === 0) setImmediate(sendAll);
      requests.push({ key, resolve, reject });
      if (requests.length === MAX_KEYS) sendAll();
    });
}
