/** What a route declares of its answers: their schemas by status, and the rest of the OpenAPI document (3.1). */
import { type TSchema, type TVoid, Type } from '@sinclair/typebox';
import {
  PROBLEM_TYPE_PREFIX,
  PROBLEMS,
  Problem as ProblemError,
  type ProblemName,
  problemDocument,
} from './problems.ts';
import { withoutValidation } from './validation.ts';

const ViolationSchema = Type.Object(
  {
    in: Type.Union([Type.Literal('body'), Type.Literal('query'), Type.Literal('path'), Type.Literal('header')]),
    pointer: Type.String({ description: 'Where in the body (RFC 6901), or the name of the parameter.' }),
    detail: Type.String(),
  },
  { additionalProperties: false },
);

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri', description: `One of ${Object.keys(PROBLEMS).join(', ')} after the prefix.` }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    instance: Type.String({ description: 'The path of the request.' }),
    request_id: Type.String({ description: 'Finds the request in the log.' }),
    errors: Type.Optional(Type.Array(ViolationSchema, { description: 'Every violation of an invalid request.' })),
  },
  { additionalProperties: false, description: 'What went wrong (RFC 9457).' },
);

const text = (description: string, example: string) => ({ description, schema: { type: 'string' }, example });

/** Response headers by the name they are referred to with. */
export const HEADERS = {
  'X-Request-Id': text('The id of this request in the log.', '0a4bd2c7-6f0e-4d47-9c1b-7f3f4c9d4b52'),
  ETag: text('The current revision as a strong validator (RFC 9110 section 8.8.3).', '"42"'),
  Location: text(
    'The address of the new task.',
    'http://127.0.0.1:3000/api/ada/tasks/01980a3e-7c00-7000-8000-000000000000',
  ),
  Link: text('The first page and, unless this is the last, the next (RFC 8288).', '<http://…>; rel="first"'),
  'X-Total-Count': { description: 'How many match the filters.', schema: { type: 'integer' }, example: 120 },
  'Preference-Applied': text('`count=exact` when it was asked for with Prefer (RFC 7240).', 'count=exact'),
  'Idempotency-Replayed': text('`true` when this repeats the first answer.', 'true'),
  'Cache-Control': text(
    'An answer belongs to one user and is revalidated before it is used again.',
    'private, no-cache',
  ),
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' }, example: 1 },
  Accept: text('The media types that a body may have.', 'application/json'),
  'Accept-Encoding': text('The content codings that a body may have: none.', 'identity'),
  'Accept-Patch': text(
    'The media types that the body of a PATCH may have (RFC 5789).',
    'application/merge-patch+json, application/json',
  ),
} as const;

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

type Responses<Code extends number, Body extends TSchema, Problems extends Status, Cacheable extends boolean> = Record<
  Code,
  Body
> &
  Record<Problems | (typeof ALWAYS)[number], typeof ProblemSchema> &
  (Cacheable extends true ? Record<304, TVoid> : unknown);

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
    ...Object.fromEntries(failures.map((code) => [code, ProblemSchema])),
  };
  const responses = {
    [status]: {
      description,
      headers: references(headers),
      ...(body && { content: { 'application/json': { schema: body, example } } }),
    },
    ...(cacheable && { 304: { description: 'The client has it.', headers: references(['ETag', 'Cache-Control']) } }),
    ...Object.fromEntries(failures.map((code) => [code, { $ref: `#/components/responses/Problem${code}` }])),
  };
  return {
    response: withoutValidation(response) as unknown as Responses<Code, Body, Problems, Cacheable>,
    detail: { ...rest, responses },
  };
}

function references(names: readonly HeaderName[]) {
  return Object.fromEntries(
    (['X-Request-Id', ...names] as const).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

const PROBLEM_HEADERS: Partial<Record<Status, HeaderName[]>> = {
  412: ['ETag'],
  415: ['Accept', 'Accept-Patch', 'Accept-Encoding'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** `components.responses`: one for each status that an operation refers to, with an example of each of its problems. */
export function problemResponses() {
  const kinds = Object.entries(PROBLEMS) as [ProblemName, { status: Status; title: string }][];
  const statuses = new Set(kinds.map(([, { status }]) => status));
  // No operation of the document answers with it: a method that is not allowed has no operation.
  statuses.delete(405);
  return Object.fromEntries(
    [...statuses].map((status) => {
      const ofStatus = kinds.filter(([, problem]) => problem.status === status);
      const examples = ofStatus.map(([kind]) => {
        const value = problemDocument(
          new ProblemError(kind, 'What is wrong, in a sentence.'),
          '/api/ada/tasks',
          'a1b2c3',
        );
        return [kind, { value }];
      });
      return [
        `Problem${status}`,
        {
          description: ofStatus.map(([kind, { title }]) => `${title} (\`${PROBLEM_TYPE_PREFIX}${kind}\`).`).join(' '),
          headers: references(PROBLEM_HEADERS[status] ?? []),
          content: {
            'application/problem+json': {
              schema: { $ref: '#/components/schemas/Problem' },
              examples: Object.fromEntries(examples),
            },
          },
        },
      ];
    }),
  );
}
