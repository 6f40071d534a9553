/**
 * Coalesces calls made in one turn of the event loop into one statement: PostgreSQL then spends on each call a third of
 * what it would spend on one alone (test/bench/LOG.md).
 */
import { DatabaseUnavailable } from '../errors.ts';
import { postgresError } from './driver-errors.ts';

/** A larger batch is split, so that another connection can take its share. */
const MAX_KEYS = 64;

interface Call<Key, Value> {
  key: Key;
  resolve: (value: Value | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * @param load reads the values of all keys; it starts after the last of them was asked for, so no caller gets an older value
 * @param nameOf returns the same string for a key and for its value
 * @returns a read of one key; it resolves to undefined where there is no value, and rejects when `load` does
 */
export function batchedReads<Key, Value>(
  load: (keys: Key[]) => Promise<Value[]>,
  nameOf: (item: Key | Value) => string,
): (key: Key) => Promise<Value | undefined> {
  return gather<Key, Value>(async (calls) => {
    try {
      const values = new Map<string, Value>();
      for (const value of await load(calls.map(({ key }) => key))) values.set(nameOf(value), value);
      for (const { key, resolve } of calls) resolve(values.get(nameOf(key)));
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  });
}

/**
 * @param writeAll writes what it can without waiting for anyone, and returns what it wrote
 * @param writeOne writes one alone: a call with no company, one whose name an earlier call has, and each that `writeAll`
 *   skipped or rolled back
 * @param nameOf returns the same string for a key and for its value
 * @returns one write; it resolves to undefined when `writeOne` does. When `writeAll` fails without a word from PostgreSQL,
 *   the outcome is unknown and every call of the batch rejects.
 */
export function batchedWrites<Key, Value>(
  writeAll: (keys: Key[]) => Promise<Value[]>,
  writeOne: (key: Key) => Promise<Value | undefined>,
  nameOf: (item: Key | Value) => string,
): (key: Key) => Promise<Value | undefined> {
  return gather<Key, Value>(async (calls) => {
    const firsts = new Map<string, Call<Key, Value>>();
    for (const call of calls) {
      const name = nameOf(call.key);
      if (!firsts.has(name)) firsts.set(name, call);
    }
    const left = new Set(calls);
    if (firsts.size > 1)
      try {
        for (const value of await writeAll([...firsts.values()].map(({ key }) => key))) {
          const call = firsts.get(nameOf(value));
          if (call && left.delete(call)) call.resolve(value);
        }
      } catch (error) {
        const isRolledBack = postgresError(error) !== undefined && !(error instanceof DatabaseUnavailable);
        if (!isRolledBack) for (const call of firsts.values()) if (left.delete(call)) call.reject(error);
      }
    for (const { key, resolve, reject } of left) void writeOne(key).then(resolve, reject);
  });
}

function gather<Key, Value>(send: (calls: Call<Key, Value>[]) => void): (key: Key) => Promise<Value | undefined> {
  let gathered: Call<Key, Value>[] = [];

  function sendAll(): void {
    const calls = gathered;
    gathered = [];
    if (calls.length > 0) send(calls);
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (gathered.length === 0) setImmediate(sendAll);
      gathered.push({ key, resolve, reject });
      if (gathered.length === MAX_KEYS) sendAll();
    });
}
