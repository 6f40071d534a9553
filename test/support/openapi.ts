/** The OpenAPI document of the service, and a check of answers against it. */
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/log.ts';

interface Reference {
  $ref: string;
}

interface Content {
  schema: unknown;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

interface DocumentedResponse {
  headers?: Record<string, Reference>;
  content?: Record<string, Content>;
}

export interface Operation {
  operationId: string;
  summary: string;
  parameters?: ({ name: string; in: 'path' | 'query' | 'header'; required?: boolean } | Reference)[];
  requestBody?: { required?: boolean; content: Record<string, Content> };
  responses: Record<string, DocumentedResponse | Reference>;
}

export interface OpenApiDocument {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; responses: Record<string, DocumentedResponse> };
}

export interface Answer<Body = unknown> {
  status: number;
  headers: Record<string, string>;
  /** Parsed when it is JSON, undefined when it is empty, else the text. */
  body: Body;
}

/** The document as the service serves it; it is the same for every configuration. */
export async function openApiDocument(): Promise<OpenApiDocument> {
  // Connections are made when first needed, and describing the service needs none.
  const config = readConfig({ DATABASE_URL: 'postgres://127.0.0.1/none' });
  const app = createApp({
    ...config,
    database: await openDatabase({ ...config, url: config.databaseUrl }),
    log: createLog('silent', () => {}),
    clock: Date.now,
    newTaskId: () => '',
    newRequestId: () => '',
    isStopping: () => false,
  });
  const response = await app.handle(new Request('http://127.0.0.1/swagger/json'));
  if (!response.ok) throw new Error(`/swagger/json answered ${response.status}`);
  return (await response.json()) as OpenApiDocument;
}

type Check = (method: string, pathname: string, answer: Answer) => void;

/** Compiling the schemas takes long, so each process does it once. */
let check: Promise<Check> | undefined;

/** Throws when the document does not allow the answer. */
export async function checkAnswer(method: string, pathname: string, answer: Answer): Promise<void> {
  check ??= openApiDocument().then(createCheck);
  (await check)(method, pathname, answer);
}

const PROBLEM = 'application/problem+json';

/** Headers of HTTP itself and of CORS, which no OpenAPI document names. */
const OF_HTTP = /^(access-control-.*|connection|content-(length|type)|date)$/;

function createCheck(document: OpenApiDocument): Check {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema(document, 'openapi.json');
  const templates = Object.keys(document.paths).map((path) => ({ path, pattern: patternOf(path) }));

  return (method, pathname, answer) => {
    const { status, headers, body } = answer;
    const path = templates.find(({ pattern }) => pattern.test(pathname))?.path ?? '';
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = document.paths[path]?.[verb];

    if (!headers['x-request-id']) complain('has no X-Request-Id');
    if (method === 'HEAD' && body !== undefined) complain('has a body');
    if (operation) checkOperation(operation);
    else if (status >= 400) checkBody(PROBLEM, '/components/schemas/Problem');

    function checkOperation({ operationId, responses }: Operation) {
      const response = responses[status] ?? complain(`${operationId} does not document the status`);
      const pointer = '$ref' in response ? response.$ref.slice(1) : pointerTo('paths', path, verb, 'responses', status);
      const documented = ('$ref' in response ? valueAt(document, pointer) : response) as DocumentedResponse;
      const named = Object.entries(documented.headers ?? {}).map(([name, { $ref }]) => {
        const { required = false } = valueAt(document, $ref.slice(1)) as { required?: boolean };
        return { name: name.toLowerCase(), required };
      });
      const stray = Object.keys(headers).filter((name) => !named.some((it) => it.name === name) && !OF_HTTP.test(name));
      if (stray.length > 0) complain(`${operationId} does not document ${stray}`);
      const missing = named.filter(({ name, required }) => required && !(name in headers));
      if (missing.length > 0) complain(`lacks ${missing.map(({ name }) => name)}`);
      const [mediaType] = Object.keys(documented.content ?? {});
      if (mediaType) checkBody(mediaType, pointer + pointerTo('content', mediaType, 'schema'));
      else if (body !== undefined) complain(`${operationId} does not document a body`);
    }

    function checkBody(mediaType: string, schema: string) {
      if (headers['content-type']?.split(';')[0] !== mediaType) complain(`is not ${mediaType}`);
      if (method === 'HEAD') return;
      const validate = ajv.getSchema(`openapi.json#${encodeURI(schema)}`);
      if (!validate?.(body)) complain(`breaks its schema (${ajv.errorsText(validate?.errors)})`);
      if (mediaType === PROBLEM && (body as { status: number }).status !== status) complain('tells another status');
    }

    function complain(violation: string): never {
      throw new Error(
        `${method} ${pathname} answered ${status}, and ${violation}: ${JSON.stringify(answer).slice(0, 2000)}`,
      );
    }
  };
}

/** Whether a path is one of a template such as `/api/{user_id}/tasks/`; a slash at its end does not matter. */
function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replace(/\/$/, '').replace(/\{[^}]+\}/g, '[^/]+')}/?$`);
}

function pointerTo(...keys: (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function valueAt(document: unknown, pointer: string): unknown {
  const keys = pointer.slice(1).split('/');
  return keys.reduce((value, key) => (value as Record<string, unknown>)[key], document);
}
