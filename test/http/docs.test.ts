import { describe, expect, test } from 'bun:test';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { version } from '../../package.json';
import type { OpenApiDocument, Operation } from '../support/openapi.ts';
import { serve } from '../support/server.ts';

/** The operations of the contract by the verbs of the design. */
const OPERATIONS = {
  'POST /api/{user_id}/tasks': 'createTask',
  'GET /api/{user_id}/tasks': 'listTasks',
  'DELETE /api/{user_id}/tasks': 'deleteTasks',
  'GET /api/{user_id}/tasks/{id}': 'getTask',
  'PUT /api/{user_id}/tasks/{id}': 'replaceTask',
  'PATCH /api/{user_id}/tasks/{id}': 'updateTask',
  'DELETE /api/{user_id}/tasks/{id}': 'deleteTask',
  'PATCH /api/{user_id}/tasks/{id}/complete': 'completeTask',
  'POST /api/{user_id}/tasks/{id}/restore': 'restoreTask',
  'GET /health/live': 'getLiveness',
  'GET /health/ready': 'getReadiness',
};

/** What is for people or for Prometheus, and no operation of the API. */
const UNDOCUMENTED = ['GET /problems/{name}', 'GET /', 'GET /metrics', 'OPTIONS /*', /^GET \/swagger/];

/** What the documentation page loads. The files of Swagger UI change with its version only. */
const FILES = [
  { path: '/swagger/favicon-32x32.png', type: 'image/png', cacheControl: 'public, max-age=3600' },
  { path: '/swagger/start.js', type: 'text/javascript', cacheControl: 'private, no-cache' },
  { path: '/swagger/swagger-ui-bundle.js', type: 'text/javascript', cacheControl: 'public, max-age=3600' },
  { path: '/swagger/swagger-ui.css', type: 'text/css', cacheControl: 'public, max-age=3600' },
];

async function open() {
  const server = serve();
  const { body } = await server.call<OpenApiDocument>('GET', '/swagger/json');
  const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
  return { ...server, document: body, operations, validator: validatorFor(body) };
}

function validatorFor(document: OpenApiDocument) {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true })).addSchema(document, 'openapi.json');
  return (schema: unknown, value: unknown) => {
    // A reference within the document, seen from a schema that is taken out of it.
    const text = JSON.stringify(schema).replaceAll('"#/', '"openapi.json#/');
    return ajv.validate(JSON.parse(text), value) ? [] : ajv.errors;
  };
}

function responsesOf(document: OpenApiDocument, operation: Operation) {
  return Object.entries(operation.responses).map(([status, response]) => ({
    status: Number(status),
    response: '$ref' in response ? document.components.responses[response.$ref.split('/').at(-1) as string] : response,
  }));
}

describe('The OpenAPI document', () => {
  test('is of version 3.1 and names every operation once, by the verbs that the code uses', async () => {
    await using server = await open();
    const { document, operations } = server;
    expect(document.openapi).toStartWith('3.1.');
    expect(document.info).toEqual({
      title: 'Todo API',
      version,
      description: expect.stringMatching(/^Tasks of many users over HTTP\..*\b400\b.*\b431\b.*\b505\b/s),
      license: { name: 'MIT', identifier: 'MIT' },
    });
    expect(document.servers).toEqual([{ url: '/' }]);
    expect(Object.fromEntries(operations.map(({ name, operation }) => [name, operation.operationId]))).toEqual(
      OPERATIONS,
    );
  });

  test('leaves out no route of the service', async () => {
    await using server = await open();
    const { app, operations } = server;
    const routes = app.routes.map(
      ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, '')}`,
    );
    const isMeantTo = (route: string) =>
      UNDOCUMENTED.some((known) => (typeof known === 'string' ? known === route : known.test(route)));
    expect(routes.filter((route) => !isMeantTo(route)).sort()).toEqual(operations.map(({ name }) => name).sort());
  });

  test('is the same each time', async () => {
    await using server = serve();
    const read = async () => (await fetch(`${server.origin}/swagger/json`)).text();
    expect(await read()).toBe(await read());
  });

  test('has a summary, a success and the problems of each operation', async () => {
    await using server = await open();
    const { document, operations } = server;
    for (const { name, operation } of operations) {
      expect(operation.summary, name).toBeTruthy();
      const responses = responsesOf(document, operation);
      expect(
        responses.filter(({ status }) => status < 300),
        name,
      ).toHaveLength(1);
      expect(
        responses.map(({ status }) => status),
        name,
      ).toEqual(expect.arrayContaining([500, 503]));
      for (const { status, response } of responses) {
        expect(response?.headers, `${name} ${status}`).toHaveProperty('X-Request-Id');
        const types = Object.keys(response?.content ?? {});
        if (status >= 400) expect(types, `${name} ${status}`).toEqual(['application/problem+json']);
        else expect(types, `${name} ${status}`).toEqual([204, 304].includes(status) ? [] : ['application/json']);
      }
    }
  });

  test('has an example of each body, and each is valid', async () => {
    await using server = await open();
    const { document, operations, validator } = server;
    for (const { name, operation } of operations) {
      const bodies = [operation.requestBody, ...responsesOf(document, operation).map(({ response }) => response)];
      for (const [type, { schema, example, examples }] of bodies.flatMap((body) =>
        Object.entries(body?.content ?? {}),
      )) {
        const values = examples ? Object.values(examples).map(({ value }) => value) : [example];
        for (const value of values) {
          expect(value, `${name} ${type}`).toBeDefined();
          expect(validator(schema, value), `${name} ${type}`).toEqual([]);
        }
      }
    }
  });

  test('names the request headers and the media types that each operation takes', async () => {
    await using server = await open();
    const headersOf = ({ parameters = [] }: Operation) =>
      parameters.flatMap((parameter) => ('$ref' in parameter ? [parameter.$ref.split('/').at(-1)] : []));
    const taken = server.operations.map(({ operation }) => [
      operation.operationId,
      { headers: headersOf(operation), types: Object.keys(operation.requestBody?.content ?? {}) },
    ]);
    const json = ['application/json'];
    const patch = ['application/merge-patch+json', 'application/json'];
    expect(Object.fromEntries(taken)).toEqual({
      createTask: { headers: ['Idempotency-Key'], types: json },
      listTasks: { headers: ['If-None-Match', 'Prefer'], types: [] },
      deleteTasks: { headers: ['If-Match'], types: [] },
      getTask: { headers: ['If-None-Match'], types: [] },
      replaceTask: { headers: ['If-Match'], types: json },
      updateTask: { headers: ['If-Match', 'Idempotency-Key'], types: patch },
      deleteTask: { headers: ['If-Match'], types: [] },
      completeTask: { headers: ['If-Match', 'Idempotency-Key'], types: patch },
      restoreTask: { headers: ['If-Match', 'Idempotency-Key'], types: [] },
      getLiveness: { headers: [], types: [] },
      getReadiness: { headers: [], types: [] },
    });
  });

  test('shows examples that the service takes', async () => {
    await using server = await open();
    const { call, root, create, operations } = server;
    for (const { name, operation } of operations) {
      for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {})) {
        const { id } = await create();
        const [method = '', template = ''] = name.split(' ');
        const path = template.replace('/api/{user_id}/tasks', root).replace('{id}', id);
        const answer = await call(method, path, { body: example, headers: { 'content-type': type } });
        expect([200, 201], `${name} ${type} ${JSON.stringify(answer.body)}`).toContain(answer.status);
      }
    }
  });

  test('names the schema of each body, which a client may leave out only where it takes none', async () => {
    await using server = await open();
    const bodies = server.operations.flatMap(({ operation: { operationId, requestBody } }) => {
      if (!requestBody) return [];
      const schemas = Object.values(requestBody.content).map(({ schema }) => schema);
      return [{ operationId, required: requestBody.required, schemas }];
    });
    const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    expect(bodies).toEqual([
      { operationId: 'createTask', required: true, schemas: [refer('NewTask')] },
      { operationId: 'replaceTask', required: true, schemas: [refer('TaskReplacement')] },
      { operationId: 'updateTask', required: true, schemas: [refer('TaskPatch'), refer('TaskPatch')] },
      { operationId: 'completeTask', required: false, schemas: [refer('Completion'), refer('Completion')] },
    ]);
  });

  test('has bodies of one object type each, which a task that was read fits', async () => {
    await using server = await open();
    const { schemas } = server.document.components as unknown as { schemas: Record<string, Record<string, unknown>> };
    for (const name of ['NewTask', 'TaskReplacement', 'TaskPatch'])
      for (const keyword of ['allOf', 'anyOf', 'oneOf', 'not']) expect(schemas[name], name).not.toHaveProperty(keyword);
    expect(schemas.TaskList?.items).toEqual({ $ref: '#/components/schemas/Task' });
    const task = await server.create();
    expect(server.validator(schemas.TaskReplacement, { ...task, title: 'x' })).toEqual([]);
  });

  test('gives request headers no example, which the page would send when nobody asked', async () => {
    await using server = await open();
    const { parameters } = server.document.components as unknown as { parameters: Record<string, object> };
    expect(Object.keys(parameters).sort()).toEqual(['Idempotency-Key', 'If-Match', 'If-None-Match', 'Prefer']);
    for (const parameter of Object.values(parameters)) expect(Object.keys(parameter)).not.toContain('example');
  });

  test('refers to nothing that is not there, and leaks nothing of how it was made', async () => {
    await using server = await open();
    const { document } = server;
    const text = JSON.stringify(document);
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#([^"]+)"/g)) {
      const target = pointer
        .slice(1)
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], document);
      expect(target, pointer).toBeDefined();
    }
    for (const word of ['"$id"', '"trimmed"', '"lowerCase"', '"expected"', '"noValidate"'])
      expect(text).not.toContain(word);
  });
});

describe('The documentation page', () => {
  test('is where / leads', async () => {
    await using server = serve();
    expect(await server.call('GET', '/')).toMatchObject({ status: 302, headers: { location: 'swagger' } });
  });

  test('is revalidated, runs no script but its own, and stands in no frame', async () => {
    await using server = serve();
    const page = await server.call('GET', '/swagger');
    expect(page).toEqual({
      status: 200,
      headers: {
        'cache-control': 'private, no-cache',
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        vary: 'Origin',
        'x-content-type-options': 'nosniff',
        'x-request-id': 'request-1',
      },
      body: expect.stringContaining('<div id="swagger-ui"></div>'),
    });
  });

  test.each(['/swagger', '/swagger/'])('asks for nothing that is not served from here, at %s', async (path) => {
    await using server = serve();
    const { origin } = server;
    const page = await (await fetch(origin + path)).text();
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
    const resolved = addresses.map((address) => new URL(address, origin + path).pathname);
    expect(resolved.sort()).toEqual(FILES.map(({ path }) => path));
    // A gateway may serve it under a path of its own.
    expect(addresses.filter((address) => address.startsWith('/'))).toEqual([]);
    for (const { path } of FILES) {
      const file = await fetch(origin + path);
      expect(file.status, path).toBe(200);
      expect((await file.bytes()).byteLength, path).toBeGreaterThan(50);
    }
  });

  test.each(FILES)('may keep $path for an hour, which is of its type', async ({ path, type, cacheControl }) => {
    await using server = serve();
    const { headers } = await fetch(server.origin + path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': cacheControl,
      'content-type': type,
      'x-content-type-options': 'nosniff',
    });
  });

  test('is told to read the document of this service, and to give each operation an address', async () => {
    await using server = serve();
    const script = await (await fetch(`${server.origin}/swagger/start.js`)).text();
    expect(script).toBe(`const url = new URL('json', document.currentScript.src).href;
SwaggerUIBundle({ url, dom_id: '#swagger-ui', deepLinking: true });
`);
  });
});
