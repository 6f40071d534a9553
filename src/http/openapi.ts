/** What a route declares of its answers: their schemas by status, and the rest of the OpenAPI document (3.1). */
import { type TSchema, type TUnsafe, type TVoid, Type } from '@sinclair/typebox';
import { exampleOf } from './problem-examples.ts';
import { MAX_VIOLATIONS, PROBLEM_TYPE_PREFIX, PROBLEMS, type ProblemDocument, type ProblemName } from './problems.ts';
import { withoutValidation } from './validation.ts';

const ViolationSchema = Type.Object(
  {
    in: Type.Union([Type.Literal('body'), Type.Literal('query'), Type.Literal('path'), Type.Literal('header')]),
    pointer: Type.String({ description: 'Where in the body (RFC 6901), or the name of the parameter.' }),
    detail: Type.String(),
  },
  { additionalProperties: false },
);

const KINDS = Object.keys(PROBLEMS) as ProblemName[];

/** No operation ends in one of these: what they answer is a path or a method that the document does not have. */
const OF_NO_OPERATION = ['not-found', 'method-not-allowed'] as const satisfies ProblemName[];

type OperationProblem = Exclude<ProblemName, (typeof OF_NO_OPERATION)[number]>;

/** `components.schemas`: one for each kind of problem, told apart by `type`, and `Problem` for any of them. */
export function problemSchemas() {
  const schemas = KINDS.map((kind) => [schemaName(kind), problemSchema(kind)]);
  return { Problem: oneOf(KINDS), ...Object.fromEntries(schemas) };
}

/** `task-not-found` is `TaskNotFoundProblem`. */
function schemaName(kind: ProblemName): string {
  return `${kind.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase())}Problem`;
}

function problemSchema(kind: ProblemName) {
  const { status, title } = PROBLEMS[kind];
  return Type.Object(
    {
      type: Type.Literal(PROBLEM_TYPE_PREFIX + kind),
      title: Type.String(),
      status: Type.Literal(status),
      detail: Type.String(),
      instance: Type.String({ description: 'The path of the request.' }),
      request_id: Type.String({ description: 'Finds the request in the log.' }),
      ...(kind === 'invalid-input' && {
        errors: Type.Array(ViolationSchema, {
          minItems: 1,
          maxItems: MAX_VIOLATIONS,
          description: 'Every violation of the request, or the first 100; `detail` says when there are more.',
        }),
      }),
    },
    { additionalProperties: false, description: `${title} (RFC 9457).` },
  );
}

const schemaOf = (kind: ProblemName) => ({ $ref: `#/components/schemas/${schemaName(kind)}` });

function oneOf(kinds: readonly ProblemName[]) {
  const mapping = kinds.map((kind) => [PROBLEM_TYPE_PREFIX + kind, schemaOf(kind).$ref]);
  return {
    oneOf: kinds.map(schemaOf),
    discriminator: { propertyName: 'type', mapping: Object.fromEntries(mapping) },
  };
}

const text = (description: string, example: string) => ({
  description,
  required: true,
  schema: { type: 'string' },
  example,
});

/** Response headers by the name they are referred to with; one that is not required comes with some of the answers. */
export const HEADERS = {
  'X-Request-Id': text('The id of this request in the log.', '0a4bd2c7-6f0e-4d47-9c1b-7f3f4c9d4b52'),
  'Cache-Control': text(
    'An answer belongs to one user and is revalidated before it is used again.',
    'private, no-cache',
  ),
  'X-Content-Type-Options': text('A browser takes the answer for nothing but what it says it is.', 'nosniff'),
  Vary: {
    ...text('The request headers that select the answer, for caches (RFC 9110 section 12.5.5).', 'Origin'),
    required: false,
  },
  ETag: text('The current revision as a strong validator (RFC 9110 section 8.8.3).', '"42"'),
  Location: text(
    'The address of the new task.',
    'http://127.0.0.1:3000/api/ada/tasks/01980a3e-7c00-7000-8000-000000000000',
  ),
  Link: text(
    'The first page and, unless this is the last, the next (RFC 8288).',
    '<http://127.0.0.1:3000/api/ada/tasks>; rel="first"',
  ),
  'X-Total-Count': {
    description: 'How many match the filters, when it was asked for with Prefer.',
    schema: { type: 'integer' },
    example: 120,
  },
  'Preference-Applied': {
    ...text('`count=exact` when it was asked for with Prefer (RFC 7240).', 'count=exact'),
    required: false,
  },
  'Idempotency-Replayed': { ...text('`true` when this repeats the first answer.', 'true'), required: false },
  'Retry-After': { description: 'Seconds to wait.', required: true, schema: { type: 'integer' }, example: 1 },
  Accept: { ...text('The media types that a body may have.', 'application/json'), required: false },
  'Accept-Encoding': { ...text('The content codings that a body may have: none.', 'identity'), required: false },
  'Accept-Patch': {
    ...text(
      'The media types that the body of a PATCH may have (RFC 5789).',
      'application/merge-patch+json, application/json',
    ),
    required: false,
  },
} as const;

/** On every answer. */
const GENERAL = ['X-Request-Id', 'Cache-Control', 'X-Content-Type-Options', 'Vary'] as const;

export type HeaderName = keyof typeof HEADERS;

/** Request headers that several operations take. None has an example: Swagger UI would send it when nobody asked. */
export const PARAMETERS = {
  'If-Match': header('If-Match', 'An ETag such as `"42"`. Only if the task has it: else 412.'),
  'If-None-Match': header('If-None-Match', 'An ETag such as `"42"`. Only if it has another one: else 304.'),
  'Idempotency-Key': header(
    'Idempotency-Key',
    'A name of this request. A repeat within 24 hours gets the first answer.',
  ),
  Prefer: header('Prefer', '`count=exact` asks for X-Total-Count.'),
} as const;

function header(name: string, description: string) {
  return { name, in: 'header', description, schema: { type: 'string' } };
}

type Status = (typeof PROBLEMS)[ProblemName]['status'];

/** Any request can end in one of these. */
const ALWAYS = [400, 413, 421, 500, 503] as const satisfies Status[];

interface Success<Code extends number, Body extends TSchema> {
  status: Code;
  description: string;
  /** Without it the answer has no body. */
  schema?: Body;
  /** The name of the schema under `#/components/schemas`. */
  name?: string;
  example?: unknown;
  headers?: readonly HeaderName[];
}

interface Operation<Code extends number, Body extends TSchema, Problems extends Status, Cacheable extends boolean> {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  /** Request headers that it takes, by their names in PARAMETERS. */
  headers?: (keyof typeof PARAMETERS)[];
  /** The body, if it takes one: the name of its schema under `#/components/schemas`, and whether it may be left out. */
  request?: { name: string; example: unknown; optional?: boolean };
  success: Success<Code, Body>;
  /** Statuses of the problems that it can end in, besides those that any request can. */
  problems: readonly Problems[];
  /** Whether a client that has the answer gets a 304. */
  cacheable?: Cacheable;
}

/** The kinds of problems that an operation ends in with a status. */
type KindOf<S extends Status> = {
  [Kind in OperationProblem]: (typeof PROBLEMS)[Kind]['status'] extends S ? Kind : never;
}[OperationProblem];

type Responses<Code extends number, Body extends TSchema, Problems extends Status, Cacheable extends boolean> = Record<
  Code,
  Body
> & {
  [S in Problems | (typeof ALWAYS)[number]]: TUnsafe<ProblemDocument<KindOf<S>>>;
} & (Cacheable extends true ? Record<304, TVoid> : unknown);

/**
 * The part of a route's hook that declares its answers: `response`, for the types of clients, and `detail`, for the
 * document. Elysia checks no answer against them; the tests do.
 */
export function operation<
  Code extends number,
  Body extends TSchema = TVoid,
  Problems extends Status = never,
  Cacheable extends boolean = false,
>({ success, problems, cacheable, ...rest }: Operation<Code, Body, Problems, Cacheable>) {
  const { status, description, schema, name, example, headers = [] } = success;
  const body = name === undefined ? schema : { $ref: `#/components/schemas/${name}` };
  const failures = [...problems, ...ALWAYS];
  const response = {
    [status]: schema ?? Type.Void(),
    ...(cacheable && { 304: Type.Void() }),
    // What a client's types come from is the type of `response`, not its value.
    ...Object.fromEntries(failures.map((code) => [code, Type.Unknown()])),
  };
  const responses = {
    [status]: {
      description,
      headers: references(headers),
      ...(body && { content: { 'application/json': { schema: body, example } } }),
    },
    ...(cacheable && { 304: { description: 'The client has it.', headers: references(['ETag']) } }),
    ...Object.fromEntries(failures.map((code) => [code, { $ref: `#/components/responses/Problem${code}` }])),
  };
  return {
    response: withoutValidation(response) as unknown as Responses<Code, Body, Problems, Cacheable>,
    detail: { ...rest, responses },
  };
}

function references(names: readonly HeaderName[]) {
  return Object.fromEntries([...GENERAL, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

const PROBLEM_HEADERS: Partial<Record<Status, HeaderName[]>> = {
  412: ['ETag'],
  415: ['Accept', 'Accept-Patch', 'Accept-Encoding'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** `components.responses`: one for each status that an operation refers to, with an example of each of its problems. */
export function problemResponses() {
  const kinds = KINDS.filter((kind) => !OF_NO_OPERATION.some((other) => other === kind));
  const statuses = new Set(kinds.map((kind) => PROBLEMS[kind].status));
  return Object.fromEntries(
    [...statuses].map((status) => [`Problem${status}`, problemResponse(status, kinds.filter(hasStatus(status)))]),
  );
}

const hasStatus = (status: Status) => (kind: ProblemName) => PROBLEMS[kind].status === status;

function problemResponse(status: Status, kinds: ProblemName[]) {
  const [only, ...others] = kinds;
  return {
    description: kinds.map((kind) => `${PROBLEMS[kind].title} (\`${PROBLEM_TYPE_PREFIX}${kind}\`).`).join(' '),
    headers: references(PROBLEM_HEADERS[status] ?? []),
    content: {
      'application/problem+json': {
        schema: only && others.length === 0 ? schemaOf(only) : oneOf(kinds),
        examples: Object.fromEntries(kinds.map((kind) => [kind, { value: exampleOf(kind) }])),
      },
    },
  };
}
