/** Reads what PostgreSQL answers, in the messages of its protocol, into rows. */
import { type ParserOptions, protocol, type QueryOptions, type Results } from '@electric-sql/pglite';

export interface Column {
  name: string;
  type: number;
  /** Whether a value may hold more than ASCII. */
  isText: boolean;
  parse: ((text: string) => unknown) | undefined;
}

const ROW = 0x44;
const ERROR = 0x45;
const COMPLETE = 0x43;
const HEADER = 5;

/** Types whose text is ASCII: boolean, integers, oid, floating point, date and times, numeric, uuid. */
const ASCII_TYPES = new Set([16, 20, 21, 23, 26, 700, 701, 1082, 1114, 1184, 1700, 2950]);
const BIGINT = 20;
const TEXT = 25;
const TEXT_ARRAY = 1009;

/**
 * The answer to the description of a statement.
 * @throws DatabaseError when PostgreSQL refuses the statement
 */
export function columnsOf(answer: Buffer, parsers: ParserOptions): { parameterTypes: number[]; columns: Column[] } {
  let parameterTypes: number[] = [];
  let columns: Column[] = [];
  new protocol.Parser().parse(answer, (message) => {
    if (message instanceof protocol.messages.DatabaseError) throw message;
    if (message instanceof protocol.messages.ParameterDescriptionMessage) parameterTypes = message.dataTypeIDs;
    if (message instanceof protocol.messages.RowDescriptionMessage)
      columns = message.fields.map(({ name, dataTypeID: type }) => {
        return { name, type, isText: !ASCII_TYPES.has(type), parse: parserOf(type, parsers) };
      });
  });
  return { parameterTypes, columns };
}

/** @throws DatabaseError when PostgreSQL says so */
export function readAnswer<Row>(answer: Buffer, columns: Column[], options: QueryOptions = {}): Results<Row> {
  const { rowMode, parsers = {} } = options;
  const parse = columns.map(({ type, parse }) => (type in parsers ? parsers[type] : parse));
  // A character for each byte: a value of ASCII is a part of it, which takes no copy.
  const text = answer.toString('latin1');
  const rows: Row[] = [];
  let affectedRows = 0;
  for (let at = 0; at < answer.length; ) {
    const kind = answer[at];
    const end = at + 1 + answer.readInt32BE(at + 1);
    if (kind === ROW) {
      const values = valuesOf(answer, text, at + HEADER, columns, parse);
      if (rowMode === 'array') rows.push(values as Row);
      else {
        const row: Record<string, unknown> = {};
        for (let index = 0; index < columns.length; index += 1) row[(columns[index] as Column).name] = values[index];
        rows.push(row as Row);
      }
    } else if (kind === COMPLETE)
      affectedRows = Number(/^(?:INSERT|UPDATE|DELETE|MERGE) .*?(\d+)\0$/.exec(text.slice(at + HEADER, end))?.[1] ?? 0);
    else if (kind === ERROR) throwError(answer.subarray(at, end));
    at = end;
  }
  return { rows, affectedRows, fields: columns.map(({ name, type }) => ({ name, dataTypeID: type })) };
}

function valuesOf(answer: Buffer, text: string, start: number, columns: Column[], parse: Column['parse'][]): unknown[] {
  const values = new Array<unknown>(columns.length);
  let at = start + 2;
  for (let index = 0; index < columns.length; index += 1) {
    const length = answer.readInt32BE(at);
    at += 4;
    if (length < 0) {
      values[index] = null;
      continue;
    }
    let value = text.slice(at, at + length);
    if ((columns[index] as Column).isText && BEYOND_ASCII.test(value)) value = answer.toString('utf8', at, at + length);
    const read = parse[index];
    values[index] = read ? read(value) : value;
    at += length;
  }
  return values;
}

const BEYOND_ASCII = /[\x80-\xff]/;

function parserOf(type: number, parsers: ParserOptions): Column['parse'] {
  const parse = parsers[type];
  if (type === TEXT || !parse) return undefined;
  // 15 digits are exact as a number.
  if (type === BIGINT) return (text) => (text.length < 16 ? Number(text) : parse(text));
  // Without quotes there is nothing to resolve.
  if (type === TEXT_ARRAY)
    return (text) => (text === '{}' ? [] : /["\\N]/.test(text) ? parse(text) : text.slice(1, -1).split(','));
  return parse;
}

function throwError(message: Buffer): never {
  new protocol.Parser().parse(message, (error) => {
    throw error;
  });
  throw new Error('PostgreSQL sent an error that cannot be read.');
}
