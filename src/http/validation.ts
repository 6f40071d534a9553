/** Reads a request, admits it, and checks all its parts against the schemas of its route at once. */
import { type TObject, type TSchema, Type } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { InvalidInput, type Violation } from '../errors.ts';
import type { Admission, Admitted } from './admission.ts';
import { invalidInput } from './problems.ts';
import { parseQuery } from './query.ts';
import { violationsOf } from './violations.ts';

interface Schemas {
  params: TSchema;
  query?: TObject;
  body?: TSchema;
}

/** Reads a body and admits the request. */
type BodyReader = (context: Parts) => Promise<unknown>;

interface Checks {
  readBody?: BodyReader;
  /** Each reads a header that the route takes. @throws InvalidInput when it is malformed */
  headers?: readonly ((request: Request) => unknown)[];
  /** Each looks for what no schema says in a request that is refused already. @throws InvalidInput */
  more?: readonly ((context: Parts, found: readonly Violation[]) => void)[];
}

/** A body that has a schema must be read: an unread one would pass unchecked. */
type ChecksFor<S extends Schemas> = S extends { body: TSchema }
  ? [checks: Checks & { readBody: BodyReader }]
  : [checks?: Checks];

interface Parts extends Admitted {
  params: unknown;
  query: unknown;
  body: unknown;
  request: Request;
}

/**
 * The schemas of a route, for its types and its documentation, and the hook that reads a request and checks it. Elysia's
 * own checks stop at the first part that is wrong and cost three times as much when one is; of a repeated parameter its
 * query keeps the last.
 * @throws Problem 400 with every violation of path, query, headers and body, and what `readBody` throws
 */
export function checked<S extends Schemas>(admission: Admission, schemas: S, ...rest: ChecksFor<S>) {
  const [{ readBody, headers = [], more = [] } = {}] = rest as [Checks?];
  const params = part('path', schemas.params);
  const query = schemas.query && part('query', schemas.query);
  const body = schemas.body && part('body', schemas.body);
  // Bound, so that Elysia cannot read it: for a context that is passed on it would parse cookies, headers and query too.
  return { ...withoutValidation(schemas), parse: 'none', transform: hook().bind(undefined) } as const;

  // In blocks: Elysia awaits a hook that looks as if it returned something.
  function hook(): (context: Parts) => void | Promise<void> {
    if (body && readBody) {
      return async (context) => {
        let found: readonly Violation[];
        try {
          context.body = await readBody(context);
          found = body(context.body);
        } catch (error) {
          found = violationsOfError(error);
        }
        refuse(context, params(context.params), unknown(context.request), malformed(context.request), found);
      };
    }
    if (schemas.query && query) {
      const { query: schema } = schemas;
      return (context) => {
        admission.admit(context);
        context.query = parseQuery(context.request.url, schema);
        refuse(context, params(context.params), query(context.query), malformed(context.request));
      };
    }
    return (context) => {
      admission.admit(context);
      refuse(context, params(context.params), unknown(context.request), malformed(context.request));
    };
  }

  /** The parameters of a request to a route that takes none. */
  function unknown({ url }: Request): readonly Violation[] {
    return url.includes('?') ? noParameters(parseQuery(url, NO_PARAMETERS)) : NONE;
  }

  function malformed(request: Request): readonly Violation[] {
    return headers.length === 0 ? NONE : headers.flatMap((read) => thrownBy(() => read(request)));
  }

  function refuse(context: Parts, ...parts: (readonly Violation[])[]): void {
    if (parts.every(({ length }) => length === 0)) return;
    const found = parts.flat();
    for (const look of more) found.push(...thrownBy(() => look(context, found)));
    throw invalidInput(found);
  }
}

const NONE: readonly Violation[] = [];

const NO_PARAMETERS = Type.Object({}, { additionalProperties: false });
const noParameters = part('query', NO_PARAMETERS);

/** A check of one part of a request, compiled when first needed: at start it would delay the first answer. */
function part(name: Violation['in'], schema: TSchema): (value: unknown) => readonly Violation[] {
  let check: TypeCheck<TSchema> | undefined;
  return (value) => {
    check ??= TypeCompiler.Compile(schema);
    return check.Check(value) ? NONE : violationsOf(name, schema, value);
  };
}

function thrownBy(read: () => unknown): readonly Violation[] {
  try {
    read();
    return NONE;
  } catch (error) {
    return violationsOfError(error);
  }
}

/** @throws every other error */
function violationsOfError(error: unknown): readonly Violation[] {
  if (error instanceof InvalidInput) return error.violations;
  throw error;
}

/** Marks schemas that Elysia shall not check. */
export function withoutValidation<S extends object>(schemas: S): S {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, { ...schema, noValidate: true }]),
  ) as unknown as S;
}
