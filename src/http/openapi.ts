/** Pieces of the OpenAPI document (3.1) that Elysia does not make from the schemas of a route. */
import { type TSchema, Type } from '@sinclair/typebox';
import {
  PROBLEM_TYPE_PREFIX,
  PROBLEMS,
  Problem as ProblemError,
  type ProblemName,
  problemDocument,
} from './problem.ts';

const FaultSchema = Type.Object(
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
    errors: Type.Optional(Type.Array(FaultSchema, { description: 'Every fault of an invalid request.' })),
  },
  { additionalProperties: false, description: 'What went wrong (RFC 9457).' },
);

const text = (description: string, example: string) => ({ description, schema: { type: 'string' }, example });

/** Response headers by the name they are referred to with. */
export const HEADERS = {
  'X-Request-Id': text('The id of this request in the log.', '0a4bd2c7-6f0e-4d47-9c1b-7f3f4c9d4b52'),
  ETag: text('The revision as a strong validator (RFC 9110 section 8.8.3).', '"42"'),
  Location: text(
    'The address of the new task.',
    'http://127.0.0.1:3000/api/ada/tasks/01980a3e-7c00-7000-8000-000000000000',
  ),
  'Cache-Control': text('Answers are of one user, and are checked before they are used again.', 'private, no-cache'),
  Allow: text('The methods of this address.', 'GET, POST, DELETE, HEAD, OPTIONS'),
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' }, example: 1 },
} as const;

export type HeaderName = keyof typeof HEADERS;

/** A reference to each of the headers. */
export function headers(...names: readonly HeaderName[]) {
  return Object.fromEntries(
    (['X-Request-Id', ...names] as const).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

export interface Success {
  status: 200 | 201 | 204;
  description: string;
  schema?: TSchema | { $ref: string };
  example?: unknown;
  headers?: readonly HeaderName[];
}

/** The `responses` of an operation: its success, what can go wrong with it, and what can with any. */
export function responses(success: Success, problems: ProblemName[]) {
  const { status, description, schema, example } = success;
  const body = schema && { content: { 'application/json': { schema, example } } };
  return {
    [status]: { description, headers: headers(...(success.headers ?? [])), ...body },
    ...Object.fromEntries(
      [...problems, 'internal-error' as const, 'unavailable' as const].map((name) => [
        PROBLEMS[name].status,
        { $ref: `#/components/responses/${name}` },
      ]),
    ),
  };
}

const EXTRA_HEADERS: Partial<Record<ProblemName, HeaderName[]>> = {
  'method-not-allowed': ['Allow'],
  unavailable: ['Retry-After'],
};

/** `components.responses`: one for each problem. */
export function problemResponses() {
  const entries = Object.keys(PROBLEMS).map((key) => {
    const name = key as ProblemName;
    const example = problemDocument(
      new ProblemError(name, 'What is wrong, in a sentence.'),
      '/api/ada/tasks',
      'a1b2c3',
    );
    return [
      name,
      {
        description: `${PROBLEMS[name].title} (\`${PROBLEM_TYPE_PREFIX}${name}\`).`,
        headers: headers(...(EXTRA_HEADERS[name] ?? [])),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } },
      },
    ];
  });
  return Object.fromEntries(entries);
}
