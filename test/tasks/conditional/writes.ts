/** Every way to change one task. */
import type { Task } from '../../../src/tasks/schema.ts';
import type { TestApp } from '../../support/app.ts';
import type { Answer } from '../../support/openapi.ts';

export interface Write {
  name: string;
  method: string;
  /** Comes after the address of the task. */
  path: string;
  /** `n` makes one body differ from another. */
  body?: (n: number) => object;
  /** Whether it is for a task in the bin. */
  deleted?: true;
  success: 200 | 204;
}

export const WRITES: readonly Write[] = [
  { name: 'PUT', method: 'PUT', path: '', body: (n) => ({ title: `put ${n}` }), success: 200 },
  { name: 'PATCH', method: 'PATCH', path: '', body: (n) => ({ title: `patch ${n}` }), success: 200 },
  { name: 'PATCH complete', method: 'PATCH', path: '/complete', success: 200 },
  { name: 'DELETE', method: 'DELETE', path: '', success: 204 },
  { name: 'POST restore', method: 'POST', path: '/restore', deleted: true, success: 200 },
];

/** A task that the write can change, at a revision that is not its first. */
export async function prepare({ call, create }: TestApp, { deleted }: Write): Promise<Task> {
  const { url } = await create();
  const { body } = await call<Task>('PATCH', url, { body: { order: 1 } });
  if (!deleted) return body;
  await call('DELETE', url);
  return { ...body, revision: body.revision + 1 };
}

export function send(
  { call }: TestApp,
  { method, path, body }: Write,
  { url }: Task,
  headers: Record<string, string> = {},
  n = 0,
): Promise<Answer> {
  return call(method, url + path, { body: body?.(n), headers });
}
