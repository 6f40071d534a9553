/** `/swagger`, the interactive page, with all its files served from here, and `/swagger/json`, the OpenAPI document. */
import { dirname, join } from 'node:path';
import { type AnyElysia, Elysia } from 'elysia';
import { version } from '../../package.json';
import { JSON_TYPES, PATCH_TYPES } from './json-body.ts';
import { HEADERS, PARAMETERS, problemResponses, problemSchemas } from './openapi.ts';
import { PROBLEM_TYPE_PREFIX, typePrefixOf } from './problems.ts';
import { staticFile } from './static-file.ts';

const ASSETS = dirname(Bun.resolveSync('swagger-ui-dist/package.json', import.meta.dir));

/** Swagger UI sets tables side by side that no phone is wide enough for, and has a column for links, which we have not. */
const STYLE = `
.swagger-ui .response-col_links { display: none; }
@media (max-width: 640px) {
  .swagger-ui .wrapper, .swagger-ui .opblock .opblock-section-header, .swagger-ui .opblock-body .table-container,
  .swagger-ui .responses-wrapper .responses-inner { padding-left: 10px; padding-right: 10px; }
  .swagger-ui :is(.parameters, .responses-table), .swagger-ui :is(.parameters, .responses-table) > tbody,
  .swagger-ui :is(.parameters, .responses-table) > tbody > tr,
  .swagger-ui :is(.parameters, .responses-table) > tbody > tr > td:not(.response-col_links) {
    display: block; width: auto; min-width: 0; max-width: 100%; padding-left: 0; }
  .swagger-ui :is(.parameters, .responses-table) > thead, .swagger-ui .headers :is(td, th):last-child { display: none; }
  .swagger-ui .parameters-col_description :is(input, select) { width: 100%; max-width: 100%; }
  .swagger-ui .headers :is(td, th) { padding: 4px 8px 4px 0; vertical-align: top; }
  .swagger-ui .opblock-body { overflow-wrap: anywhere; }
}
`;

/** @param root the way from the page to `/`: a gateway may serve all of this under a path of its own. */
const page = (root: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Todo API</title>
<link rel="stylesheet" href="${root}swagger/swagger-ui.css">
<link rel="icon" href="${root}swagger/favicon-32x32.png">
<style>${STYLE}</style>
</head>
<body>
<div id="swagger-ui"></div>
<script src="${root}swagger/swagger-ui-bundle.js"></script>
<script src="${root}swagger/start.js"></script>
</body>
</html>
`;

/** The page may load only what this service serves, and talk only to this service, as its clients reach it. */
const policy = (publicUrl: string | undefined) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    `connect-src 'self'${publicUrl ? ` ${new URL(publicUrl).origin}` : ''}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const START = `const url = new URL('json', document.currentScript.src).href;
SwaggerUIBundle({ url, dom_id: '#swagger-ui', deepLinking: true });
`;

const DESCRIPTION = `Tasks of many users over HTTP. It trusts the user_id in the path: a gateway stands in front.

Bun answers what never becomes a request itself, with an empty body and the end of the connection: 400 to broken framing
or a malformed head, 431 to a head of over 16 KiB or 200 fields, 505 to another version of HTTP or a space in the target.
At a method that it does not know it ends the connection without an answer.`;

const hidden = { detail: { hide: true } };

/**
 * @param routes that the document describes
 * @param schemas that it can refer to under `#/components/schemas`
 * @param publicUrl where clients reach the service, if not at the address of the document
 */
export function docs(routes: readonly AnyElysia[], schemas: Record<string, unknown>, publicUrl?: string) {
  const document = staticFile('application/json', async () =>
    JSON.stringify(await describe(routes, schemas, publicUrl)),
  );
  return new Elysia({ name: 'docs' })
    .get('/swagger/json', document, hidden)
    .get(
      '/swagger',
      ({ path, set }) => {
        set.headers['content-type'] = 'text/html; charset=utf-8';
        set.headers['content-security-policy'] = policy(publicUrl);
        return page(path.endsWith('/') ? '../' : '');
      },
      hidden,
    )
    .get(
      '/swagger/start.js',
      staticFile('text/javascript', async () => START),
      hidden,
    )
    .get('/swagger/swagger-ui.css', asset('swagger-ui.css', 'text/css'), hidden)
    .get('/swagger/swagger-ui-bundle.js', asset('swagger-ui-bundle.js', 'text/javascript'), hidden)
    .get('/swagger/favicon-32x32.png', asset('favicon-32x32.png', 'image/png'), hidden)
    .get('/', ({ redirect }) => redirect('swagger'), hidden);
}

/** A file of Swagger UI, which changes with its version only. */
function asset(name: string, type: string) {
  const answer = staticFile(type, () => Bun.file(join(ASSETS, name)).bytes());
  return async (context: Parameters<typeof answer>[0]) => {
    context.set.headers['cache-control'] = 'public, max-age=3600';
    return answer(context);
  };
}

/** Has the plugin describe the routes in an app of their own. It is loaded on first use: most processes never need it. */
async function describe(
  routes: readonly AnyElysia[],
  schemas: Record<string, unknown>,
  publicUrl: string | undefined,
): Promise<object> {
  const { swagger } = await import('@elysiajs/swagger');
  const plugin = swagger({
    documentation: {
      openapi: '3.1.0',
      info: {
        title: 'Todo API',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl ?? '/' }],
      security: [],
      tags: [
        { name: 'tasks', description: 'The tasks of one user.' },
        { name: 'health', description: 'For load balancers and orchestrators.' },
      ],
      components: {
        schemas: { ...problemSchemas(), ...schemas },
        headers: HEADERS,
        parameters: PARAMETERS,
        responses: problemResponses(),
      },
    } as never,
  });
  const app = routes.reduce((all, some) => all.use(some), new Elysia().use(plugin) as AnyElysia);
  const response = await app.handle(new Request('http://localhost/swagger/json'));
  return finish((await response.json()) as OpenApiDocument, publicUrl);
}

interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  parameters?: unknown[];
  headers?: string[];
  request?: { name: string; example: unknown; optional?: boolean };
}

/** Keywords of our own validators, which mean nothing to a reader of JSON Schema. */
const INTERNAL = new Set(['trimmed', 'lowerCase', 'printable', 'expected', 'noValidate']);

/**
 * Corrects the plugin's document: it lists three media types for a body but not the one of a merge patch, names no
 * schema of a body, knows no request headers, and ends paths in a slash.
 */
function finish(document: OpenApiDocument, publicUrl: string | undefined): object {
  const paths = Object.entries(document.paths).map(([path, operations]) => [
    path.replace(/(?<=.)\/$/, ''),
    Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, complete(method, operation)])),
  ]);
  const text = JSON.stringify({ ...document, paths: Object.fromEntries(paths) }, (key, value) =>
    INTERNAL.has(key) ? undefined : shown(value),
  );
  return JSON.parse(text.replaceAll(PROBLEM_TYPE_PREFIX, typePrefixOf(publicUrl)));
}

/** A condition across fields keeps generators from making one object type: the document has it in words only. */
function shown(value: { allOf?: { properties?: object }[]; description?: string } | null): unknown {
  const fields = value?.allOf?.[0];
  return fields?.properties ? { ...fields, description: value?.description } : value;
}

function complete(method: string, { headers = [], parameters = [], request, ...source }: Operation) {
  const { requestBody: _, ...operation } = source as object & { requestBody?: unknown };
  return {
    ...operation,
    parameters: [...parameters, ...headers.map((name) => ({ $ref: `#/components/parameters/${name}` }))],
    ...(request && { requestBody: bodyOf(method === 'patch' ? PATCH_TYPES : JSON_TYPES, request) }),
  };
}

function bodyOf(types: readonly string[], { name, example, optional = false }: NonNullable<Operation['request']>) {
  const content = { schema: { $ref: `#/components/schemas/${name}` }, example };
  return { required: !optional, content: Object.fromEntries(types.map((type) => [type, content])) };
}
