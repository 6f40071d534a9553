/** Reads `Link` (RFC 8288), and walks over the pages of a list as a client does: from `next` to `next`. */
import type { Task } from '../../src/tasks/schema.ts';
import type { Call } from './client.ts';
import type { Answer } from './openapi.ts';

export interface Links {
  first?: string;
  next?: string;
}

export function linksOf(headers: Record<string, string>): Links {
  const found = (headers.link ?? '').matchAll(/<([^>]*)>; rel="(first|next)"(?:, |$)/g);
  return Object.fromEntries([...found].map(([, address, relation]) => [relation, address]));
}

/**
 * The pages from `address` on to the one without a next. Each has as many tasks as its limit says, but for the last;
 * `limits` gives the limit of each page, the first one again after the last. Each page waits for `ready`.
 */
export async function walk(
  call: Call,
  address: string,
  limits: readonly number[],
  ready: () => Promise<void> = async () => {},
): Promise<Task[][]> {
  const pages: Task[][] = [];
  for (let next: string | undefined = address; next !== undefined; ) {
    await ready();
    const limit = limits[pages.length % limits.length] as number;
    const { status, headers, body }: Answer<Task[]> = await call('GET', withParameter(next, 'limit', limit));
    if (status !== 200) throw new Error(`Page ${pages.length + 1} answered ${status}: ${JSON.stringify(body)}`);
    next = linksOf(headers).next;
    if (next === undefined ? body.length > limit : body.length !== limit)
      throw new Error(`Page ${pages.length + 1} has ${body.length} tasks, and the limit was ${limit}`);
    pages.push(body);
  }
  return pages;
}

export function withParameter(address: string, name: string, value: string | number): string {
  const [path, query] = address.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set(name, String(value));
  return `${path}?${parameters}`;
}
