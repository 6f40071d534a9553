import type { TObject, TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import type { Fault } from '../errors.ts';
import { faultsOf } from './faults.ts';
import { invalidInput } from './problem.ts';
import { parseQuery } from './query.ts';

interface Schemas {
  params: TSchema;
  query?: TObject;
  body?: TSchema;
}

type BodyReader = (request: Request) => Promise<unknown>;

/** A body that has a schema must be read: one that is not would pass unchecked. */
type ReaderFor<S extends Schemas> = S extends { body: TSchema } ? [readBody: BodyReader] : [readBody?: undefined];

interface Parts {
  params: unknown;
  query: unknown;
  body: unknown;
  request: Request;
}

/**
 * The schemas of a route, for its types and its documentation, and the hook that reads a request and checks it against
 * them: all parts at once, where Elysia would stop at the first that is wrong, and for a third of the cost when one is.
 * The hook reads the body by `readBody`, and replaces what Elysia makes of the query, where of a repeated parameter the
 * last one wins.
 */
export function checked<S extends Schemas>(schemas: S, ...reader: ReaderFor<S>) {
  const [readBody] = reader as [BodyReader?];
  const params = part('path', schemas.params);
  const query = schemas.query && part('query', schemas.query);
  const body = schemas.body && part('body', schemas.body);
  return { ...withoutValidation(schemas), parse: 'none', transform: hook() } as const;

  // In blocks: what Elysia takes for a function that returns something, it awaits.
  function hook(): (context: Parts) => void | Promise<void> {
    if (body && readBody) {
      return async (context) => {
        context.body = await readBody(context.request);
        refuse(params.faults(context.params), body.faults(context.body));
      };
    }
    if (schemas.query && query) {
      const { query: schema } = schemas;
      return (context) => {
        context.query = parseQuery(context.request.url, schema);
        refuse(params.faults(context.params), query.faults(context.query));
      };
    }
    return (context) => {
      refuse(params.faults(context.params));
    };
  }
}

const NONE: readonly Fault[] = [];

function part(name: Fault['in'], schema: TSchema) {
  let check: TypeCheck<TSchema> | undefined;
  return {
    /** Compiled when first needed: at start it would delay the first answer. */
    faults(value: unknown): readonly Fault[] {
      check ??= TypeCompiler.Compile(schema);
      return check.Check(value) ? NONE : faultsOf(name, schema, value);
    },
  };
}

function refuse(...faults: (readonly Fault[])[]): void {
  if (faults.some(({ length }) => length > 0)) throw invalidInput(faults.flat());
}

function withoutValidation<S extends Schemas>(schemas: S): S {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, { ...schema, noValidate: true }]),
  ) as unknown as S;
}
