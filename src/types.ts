/**
 * TypeBox types for what JSON Schema cannot state or TypeBox counts differently. To a reader of the OpenAPI document each
 * is plain JSON Schema; the check here is stricter.
 */
import { Kind, type SchemaOptions, type Static, type TSchema, Type, TypeRegistry } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

interface TextSchema extends TSchema {
  minLength: number;
  maxLength: number;
  /** White space at both ends does not count; it is removed before the value is stored. */
  trimmed?: boolean;
  /** It is stored in lower case, and its length counts in lower case. */
  lowerCase?: boolean;
  /** Control characters (Unicode category Cc) are refused. */
  printable?: boolean;
}

const CONTROL = /\p{Cc}/u;

TypeRegistry.Set<TextSchema>('Text', (schema, value) => {
  if (typeof value !== 'string') return false;
  let counted = schema.trimmed ? value.trim() : value;
  // No text has fewer UTF-16 units in lower case. The checks below take longer, and a text may have 250,000.
  if (counted.length > 2 * schema.maxLength || !isStorable(value)) return false;
  if (schema.printable && CONTROL.test(value)) return false;
  if (schema.lowerCase) counted = counted.toLowerCase();
  // There are at most as many code points as UTF-16 units, and at least half as many, so counting is rarely needed.
  const units = counted.length;
  if (units <= schema.maxLength) return units >= schema.minLength;
  return units <= 2 * schema.maxLength && countCodePoints(counted) <= schema.maxLength;
});

type TextOptions = Pick<TextSchema, 'minLength' | 'maxLength' | 'trimmed' | 'lowerCase' | 'printable'> & SchemaOptions;

/** A string that PostgreSQL can store, its length in Unicode code points. */
export const Text = (options: TextOptions) =>
  Type.Unsafe<string>({
    ...options,
    type: 'string',
    ...(options.trimmed && { pattern: '\\S' }),
    ...(options.printable && { pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' }),
    [Kind]: 'Text',
  });

TypeRegistry.Set<{ enum: string[] }>('OneOf', (schema, value) => schema.enum.includes(value as string));

/** One of a few words. */
export const OneOf = <const T extends string>(words: readonly T[], options?: SchemaOptions) =>
  Type.Unsafe<T>({ ...options, type: 'string', enum: words, [Kind]: 'OneOf' });

const FIRST_DAY = '1970-01-01';
const FIRST_INSTANT = Date.parse('1970-01-01T00:00:00Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

TypeRegistry.Set('Day', (_, value) => isDay(value));

/** A calendar day, RFC 3339 `full-date`, from 1970 to 9999: outside that range some driver fails. */
export const Day = (options?: SchemaOptions) =>
  Type.Unsafe<string>({ ...options, type: 'string', format: 'date', [Kind]: 'Day' });

TypeRegistry.Set('Instant', (_, value) => isInstant(value));

/** An instant, RFC 3339 `date-time` with any offset, from 1970 to 9999 in UTC; no leap second. */
export const Instant = (options?: SchemaOptions) =>
  Type.Unsafe<string>({ ...options, type: 'string', format: 'date-time', [Kind]: 'Instant' });

TypeRegistry.Set('DayOrInstant', (_, value) => isDay(value) || isInstant(value));

/** A day or an instant in a query. */
export const DayOrInstant = (options?: SchemaOptions) =>
  Type.Unsafe<string>({ ...options, type: 'string', [Kind]: 'DayOrInstant' });

TypeRegistry.Set<{ minimum: number; maximum: number }>('DecimalInteger', (schema, value) => {
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,15})$/.test(value)) return false;
  return Number(value) >= schema.minimum && Number(value) <= schema.maximum;
});

/** A non-negative integer in a query, in plain decimal; it stays a string. */
export const DecimalInteger = (options: { minimum: number; maximum: number } & SchemaOptions) =>
  Type.Unsafe<string>({ ...options, type: 'integer', [Kind]: 'DecimalInteger' });

TypeRegistry.Set('TrueOrFalse', (_, value) => value === 'true' || value === 'false');

/** `true` or `false` in a query; it stays a string. */
export const TrueOrFalse = (options?: SchemaOptions) =>
  Type.Unsafe<'true' | 'false'>({ ...options, type: 'boolean', [Kind]: 'TrueOrFalse' });

TypeRegistry.Set<{ items: TSchema; maxItems: number }>(
  'Repeatable',
  (schema, value) =>
    Array.isArray(value) && value.length <= schema.maxItems && value.every((item) => Value.Check(schema.items, item)),
);

/** A parameter that may be repeated in a query. (Elysia would split a single value at its commas.) */
export const Repeatable = <T extends TSchema>(items: T, options: { maxItems: number } & SchemaOptions) =>
  Type.Unsafe<Static<T>[]>({ ...options, type: 'array', items, [Kind]: 'Repeatable' });

export const Nullable = <T extends TSchema>(schema: T, options?: SchemaOptions) =>
  Type.Union([schema, Type.Null()], options);

/** PostgreSQL stores no U+0000, and UTF-8 has no lone surrogates. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function isDay(value: unknown): boolean {
  return typeof value === 'string' && isInCalendar(value) && value >= FIRST_DAY;
}

function isInstant(value: unknown): boolean {
  const match = typeof value === 'string' ? INSTANT.exec(value) : null;
  if (!match?.[1] || !isInCalendar(match[1])) return false;
  const time = Date.parse(match[0]);
  return time >= FIRST_INSTANT && time <= LAST_INSTANT;
}

/** JavaScript reads 30 February as 2 March. */
function isInCalendar(day: string): boolean {
  if (!DAY.test(day)) return false;
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
