/** The client of the tests: asks through whatever sends, and checks each answer against the OpenAPI document. */
import type { Task } from '../../src/tasks/schema.ts';
import { type Answer, checkAnswer } from './openapi.ts';

export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, without a content type. */
  raw?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  headers?: Record<string, string>;
}

export type Call = <Body = unknown>(method: string, path: string, options?: RequestOptions) => Promise<Answer<Body>>;

/** Resolves paths against `origin`. Throws when the document does not allow an answer. */
export function createClient(send: (request: Request) => Promise<Response>, origin: string): Call {
  return async <Body>(method: string, path: string, { body, raw, headers }: RequestOptions = {}) => {
    const payload = body === undefined ? raw : JSON.stringify(body);
    const request = new Request(path.startsWith('/') ? origin + path : path, { method, body: payload });
    if (payload !== undefined) request.headers.delete('content-type');
    if (body !== undefined) request.headers.set('content-type', 'application/json');
    // What `fetch` does with a body whose length it knows; `handle` gets a request that never was sent.
    if (typeof payload === 'string') request.headers.set('content-length', String(Buffer.byteLength(payload)));
    for (const [name, value] of Object.entries(headers ?? {})) request.headers.set(name, value);
    const response = await send(request);
    const answer = readAnswer(response.status, Object.fromEntries(response.headers), await response.text());
    if (!path.startsWith('/swagger')) await checkAnswer(method, new URL(request.url).pathname, answer);
    return answer as Answer<Body>;
  };
}

/** Creates tasks that the test is not about. */
export function createTasks(call: Call, root: string) {
  return async (fields: Record<string, unknown> = {}): Promise<Task> => {
    const { status, body } = await call<Task>('POST', root, { body: { title: 'Buy milk', ...fields } });
    if (status !== 201) throw new Error(`The task was not created: ${JSON.stringify(body)}`);
    return body;
  };
}

/** The answer without the headers that only a socket adds. */
export function readAnswer(status: number, headers: Record<string, string>, text: string): Answer {
  const { date: _, 'content-length': __, ...others } = headers;
  const isJson = /^application\/(problem\+)?json\b/.test(others['content-type'] ?? '');
  return { status, headers: others, body: text === '' ? undefined : isJson ? JSON.parse(text) : text };
}
