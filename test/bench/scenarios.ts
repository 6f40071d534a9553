/** What is asked of the servers: the same requests, in the same order, in every run. */
import { idOfRow, type Share } from './databases.ts';

export interface BenchRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Instead of `body`, where each run must send something else. */
  bodyOfRun?: (run: number) => unknown;
}

export interface Scenario {
  name: string;
  status: number;
  /** Whether the hand-written server does it too: it validates nothing, so it has no 400. */
  byHand: boolean;
  /** Whether what a server answers differs from run to run, as it does with new ids and times. */
  writes: boolean;
  requests: BenchRequest[];
  /** The requests are sent with the `ETag` that the server gives for them. */
  conditional?: boolean;
}

export const DATA: Share = { prefix: 'user-', users: 10_000, rows: 1_000_000 };

/** More than are sent in a second, so that nothing but the database's own cache is warm. */
const REQUESTS = 20_000;

export function scenarios(share: Share): Scenario[] {
  const random = mulberry32(5);
  const upTo = (limit: number) => Math.floor(random() * limit);
  // Half of the users are only read, so that their tags stay valid while the others are written to.
  const reader = () => 2 * upTo(share.users / 2);
  const writer = () => reader() + 1;
  const rowOf = (user: number) => user + share.users * upTo(share.rows / share.users);
  const list = (user: number) => `/api/${share.prefix}${user}/tasks`;
  const task = (user: number) => `${list(user)}/${idOfRow(rowOf(user))}`;
  const many = <T>(make: (n: number) => T, count = REQUESTS) => Array.from({ length: count }, (_, n) => make(n));
  const get = (path: string): BenchRequest => ({ method: 'GET', path });
  const read = { status: 200, byHand: true, writes: false };
  const write = { status: 200, byHand: true, writes: true };

  return [
    { name: 'single read', ...read, requests: many(() => get(task(reader()))) },
    { name: 'page of 50', ...read, requests: many(() => get(list(reader()))) },
    { name: 'filtered page', ...read, requests: many(() => get(`${list(reader())}?completed=false`)) },
    {
      name: 'create',
      ...write,
      status: 201,
      requests: many((n) => ({
        method: 'POST',
        path: list(writer()),
        body: { title: `New task ${n}`, priority: 'high', tags: ['home', 'errand'], due_date: '2026-12-01' },
      })),
    },
    {
      name: 'update',
      ...write,
      // So many tasks, each with another title in each run, that no request finds its work already done.
      requests: many(
        (n) => ({ method: 'PATCH', path: task(writer()), bodyOfRun: (run) => ({ title: `Renamed ${run} ${n}` }) }),
        100_000,
      ),
    },
    { name: 'complete', ...write, requests: many(() => ({ method: 'PATCH', path: `${task(writer())}/complete` })) },
    { name: '304, one task', ...read, status: 304, conditional: true, requests: many(() => get(task(reader())), 2000) },
    { name: '304, list', ...read, status: 304, conditional: true, requests: many(() => get(list(reader())), 2000) },
    {
      name: '400',
      status: 400,
      byHand: false,
      writes: false,
      requests: many(() => ({ method: 'POST', path: list(writer()), body: { titel: 'Buy milk', priority: 'urgent' } })),
    },
  ];
}

/** The bytes of HTTP/1.1. Both servers hear the same name, so that they make the same addresses of it. */
export function toWire({ method, path, headers, ...request }: BenchRequest, run: number): string {
  const body = request.bodyOfRun ? request.bodyOfRun(run) : request.body;
  const content = body === undefined ? '' : JSON.stringify(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost'];
  for (const [name, value] of Object.entries(headers ?? {})) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${content.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${content}`;
}

export function send(base: string, { method, path, headers, ...request }: BenchRequest): Promise<Response> {
  const body = request.bodyOfRun ? request.bodyOfRun(0) : request.body;
  return fetch(base + path, {
    method,
    headers: { ...headers, host: 'localhost', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** The requests with the `ETag` that the server gives for each of them now; it is asked for a few at a time. */
export async function withEtags(base: string, requests: BenchRequest[]): Promise<BenchRequest[]> {
  const known: BenchRequest[] = [];
  const left = requests.entries();
  const ask = async () => {
    for (const [n, request] of left) {
      const response = await send(base, request);
      await response.arrayBuffer();
      known[n] = { ...request, headers: { 'if-none-match': response.headers.get('etag') ?? '"none"' } };
    }
  };
  await Promise.all(Array.from({ length: 16 }, ask));
  return known;
}

/** A small generator of random numbers from 0 to 1 that can be seeded, by Tommy Ettinger; public domain. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
