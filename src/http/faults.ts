/** Says in plain words what is wrong with a value, by the schema that refused it. Never repeats the value. */
import { Kind, type TObject, type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Fault } from '../errors.ts';

/** More than these help nobody, and a body can have tens of thousands. */
const MAX_FAULTS = 100;

/**
 * Finds what TypeBox's own `Value.Errors` finds, by test; that goes through five nested generators for each fault, which
 * was a tenth of the whole request (test/bench/LOG.md).
 * @returns every fault of `value`, one for each place, in the order of the schema, up to 100; none when it is valid.
 */
export function faultsOf(part: Fault['in'], schema: TSchema, value: unknown): Fault[] {
  const faults: Fault[] = [];
  visit(schema, value, '');
  // Whatever a schema may ask for that is not looked for here: what it refuses is never let through.
  if (faults.length === 0 && !Value.Check(schema, value)) add('', `must be ${expectation(schema)}`);
  return faults;

  function visit(schema: TSchema, value: unknown, pointer: string): void {
    if (schema[Kind] === 'Intersect') {
      for (const member of schema.allOf) visit(member, value, pointer);
    } else if (schema[Kind] === 'Object' && isObject(value)) {
      visitMembers(schema as TObject, value, pointer);
    } else if (schema[Kind] === 'Array' && Array.isArray(value)) {
      if (value.length > schema.maxItems) add(pointer, `must be ${expectation(schema)}`);
      for (const [position, item] of value.entries()) visit(schema.items, item, `${pointer}/${position}`);
    } else if (!Value.Check(schema, value)) {
      add(pointer, `must be ${expectation(schema)}`);
    }
  }

  function visitMembers(
    { properties, required = [], additionalProperties }: TObject,
    value: Record<string, unknown>,
    pointer: string,
  ): void {
    for (const name of required) if (!Object.hasOwn(value, name)) add(place(pointer, name), 'is required');
    if (additionalProperties === false) {
      for (const name in value)
        if (!Object.hasOwn(properties, name)) add(place(pointer, name), 'is not a known name here');
    }
    for (const name in properties) {
      const property = properties[name];
      if (property && Object.hasOwn(value, name)) visit(property, value[name], place(pointer, name));
    }
  }

  /** A query or path parameter is named, not pointed at. */
  function place(pointer: string, name: string): string {
    return part === 'body' ? `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` : name;
  }

  function add(pointer: string, detail: string): void {
    if (faults.length === MAX_FAULTS || faults.some((fault) => fault.pointer === pointer)) return;
    faults.push({ in: part, pointer, detail });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
