/**
 * How statements reach PGlite. Its own `query` has each one parsed and planned anew, and takes an answer apart value by
 * value through several copies: for a page of 50 tasks that took more than PostgreSQL (test/bench/LOG.md).
 */
import { type PGlite, protocol, type QueryOptions, type Results } from '@electric-sql/pglite';
import { type Column, columnsOf, readAnswer } from './answers.ts';

/** What Drizzle asks of a client, and how much it has asked. */
export interface Connection {
  readonly usage: { statements: number; lastAt: number };
  query<Row>(text: string, values?: unknown[], options?: QueryOptions): Promise<Results<Row>>;
  /** Statements that are not part of it wait until it has ended. */
  transaction<T>(work: (connection: Pick<Connection, 'query'>) => Promise<T>): Promise<T>;
}

interface Prepared {
  name: string;
  parameterTypes: number[];
  columns: Column[];
}

/** Statements kept prepared, each of which takes some 50 kB of this process; the one unused for longest gives way. */
const MAX_PREPARED = 100;

/** The rows of a statement that Drizzle ran as it was given. */
export const rowsOf = <Row>(result: unknown): Row[] => (result as Results<Row>).rows;

const { serialize } = protocol;
const EXECUTE = Buffer.concat([serialize.execute({}), serialize.sync()]);

export function connect(pglite: PGlite): Connection {
  const prepared = new Map<string, Prepared>();
  const usage = { statements: 0, lastAt: 0 };
  let names = 0;
  let transactionEnd: Promise<void> | undefined;

  async function send(...messages: Uint8Array[]): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    await pglite.execProtocolRawStream(Buffer.concat(messages), {
      syncToFs: false,
      // The bytes are PostgreSQL's own buffer, which it fills anew.
      onRawData: (bytes) => void chunks.push(bytes.slice()),
    });
    return Buffer.concat(chunks);
  }

  async function prepare(text: string): Promise<Prepared> {
    const known = prepared.get(text);
    if (known) {
      // The latest in use comes last.
      prepared.delete(text);
      prepared.set(text, known);
      return known;
    }
    if (prepared.size >= MAX_PREPARED) await forget(prepared.keys().next().value as string);
    const name = `s${++names}`;
    const answer = await send(
      serialize.parse({ name, text }),
      serialize.describe({ type: 'S', name }),
      serialize.sync(),
    );
    const statement = { name, ...columnsOf(answer, pglite.parsers) };
    prepared.set(text, statement);
    return statement;
  }

  async function forget(text: string): Promise<void> {
    const name = prepared.get(text)?.name;
    prepared.delete(text);
    if (name) await send(serialize.close({ type: 'S', name }), serialize.sync());
  }

  async function run<Row>(text: string, values: unknown[] = [], options?: QueryOptions): Promise<Results<Row>> {
    const { name, parameterTypes, columns } = await prepare(text);
    const texts = values.map((value, index) => textOf(value, parameterTypes[index] ?? 0));
    const answer = await send(serialize.bind({ statement: name, values: texts }), EXECUTE);
    usage.statements += 1;
    usage.lastAt = performance.now();
    return readAnswer<Row>(answer, columns, options);
  }

  function textOf(value: unknown, type: number): string | null {
    if (value === null || value === undefined) return null;
    const write = pglite.serializers[type];
    return write ? write(value) : String(value);
  }

  return {
    usage,
    async query(text, values, options) {
      while (transactionEnd) await transactionEnd;
      return run(text, values, options);
    },
    async transaction(work) {
      while (transactionEnd) await transactionEnd;
      const { promise, resolve } = Promise.withResolvers<void>();
      transactionEnd = promise;
      try {
        return await pglite.transaction(() => work({ query: run }));
      } finally {
        // It may have changed tables that statements are prepared for.
        for (const text of [...prepared.keys()]) await forget(text);
        transactionEnd = undefined;
        resolve();
      }
    },
  };
}
