/** Makes one read of many: what is asked for by key within one turn of the event loop goes into one statement. */

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
export function batched<Key, Value>(
  load: (keys: Key[]) => Promise<Value[]>,
  nameOf: (item: Key | Value) => string,
): (key: Key) => Promise<Value | undefined> {
  let requests: Request<Key, Value>[] = [];

  async function send(): Promise<void> {
    const batch = requests;
    if (batch.length === 0) return;
    requests = [];
    try {
      const values = new Map<string, Value>();
      for (const value of await load(batch.map(({ key }) => key))) values.set(nameOf(value), value);
      for (const { key, resolve } of batch) resolve(values.get(nameOf(key)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (requests.length === 0) setImmediate(send);
      requests.push({ key, resolve, reject });
      if (requests.length === MAX_KEYS) void send();
    });
}
