/** Says in plain words what is wrong with a value, by the schema that refused it. Never repeats the value. */
import { Kind, type TSchema } from '@sinclair/typebox';
import { type ValueError, ValueErrorType } from '@sinclair/typebox/errors';
import { Value } from '@sinclair/typebox/value';
import type { Violation } from '../errors.ts';
import { MAX_VIOLATIONS } from './problems.ts';

/**
 * The violations of `value`, one for each place, in the order of the schema; none when it is valid. It stops at the one
 * that is too many to be told.
 */
export function violationsOf(part: Violation['in'], schema: TSchema, value: unknown): Violation[] {
  const violations = new Map<string, Violation>();
  for (const error of Value.Errors(schema, value)) {
    // It only sums up its members.
    if (error.type === ValueErrorType.Intersect) continue;
    const pointer = part === 'body' ? error.path : nameOf(error.path);
    if (!violations.has(pointer)) violations.set(pointer, { in: part, pointer, detail: detailOf(error, part) });
    if (violations.size > MAX_VIOLATIONS) break;
  }
  return [...violations.values()];
}

/** A parameter is named, not pointed at. */
function nameOf(path: string): string {
  return path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
}

function detailOf({ type, schema }: ValueError, part: Violation['in']): string {
  if (type === ValueErrorType.ObjectRequiredProperty) return 'is required';
  if (type === ValueErrorType.ObjectAdditionalProperties)
    return part === 'body' ? 'unknown field' : 'unknown parameter';
  return `must be ${expectation(schema)}`;
}

function expectation(schema: TSchema): string {
  if (schema.expected) return schema.expected;
  switch (schema[Kind]) {
    case 'Text': {
      const trimmed = schema.trimmed ? ' after trimming' : '';
      const forbidden = schema.printable ? 'control characters' : 'U+0000 or lone surrogates';
      return `a string of ${schema.minLength} to ${schema.maxLength} characters${trimmed}, without ${forbidden}`;
    }
    case 'OneOf':
      return `one of ${schema.enum.join(', ')}`;
    case 'Day':
      return 'a day as 2026-12-01, from 1970 to 9999';
    case 'Instant':
      return 'an RFC 3339 time as 2026-12-01T09:30:00Z, from 1970 to 9999';
    case 'DayOrInstant':
      return 'a day as 2026-12-01 or an RFC 3339 time as 2026-12-01T09:30:00Z, from 1970 to 9999, given once';
    case 'Integer':
      return `an integer from ${schema.minimum} to ${schema.maximum}`;
    case 'DecimalInteger':
      return `an integer from ${schema.minimum} to ${schema.maximum} in plain decimal, given once`;
    case 'TrueOrFalse':
      return 'true or false, given once';
    case 'Boolean':
      return 'true or false';
    case 'Null':
      return 'null';
    case 'Repeatable':
      return `given at most ${schema.maxItems} times, each ${expectation(schema.items)}`;
    case 'Array':
      return `an array of at most ${schema.maxItems} items`;
    case 'Union':
      return schema.anyOf.map(expectation).join(', or ');
    default:
      return 'a JSON object';
  }
}
