/** What every request gets: an id, a limit to its size, and one line of log. */
import { Elysia } from 'elysia';
import type { Logger } from 'pino';
import { contentTooLarge } from './problem.ts';

/** What an id may look like that a client or a proxy sends; any other is replaced, so that it cannot forge log lines. */
const REQUEST_ID = /^[\w.~:/+=-]{1,128}$/;

export interface RequestOptions {
  log: Logger;
  newRequestId: () => string;
  maxBodyBytes: number;
}

/** Gives each answer `X-Request-Id` (a valid incoming one is kept) and logs it: the route's pattern, never the path. */
export function requests({ log, newRequestId, maxBodyBytes }: RequestOptions) {
  return new Elysia({ name: 'requests' })
    .decorate('startedAt', 0)
    .onRequest((context) => {
      const { request, set } = context;
      context.startedAt = performance.now();
      const given = request.headers.get('x-request-id');
      set.headers['x-request-id'] = given !== null && REQUEST_ID.test(given) ? given : newRequestId();
      set.headers['x-content-type-options'] = 'nosniff';
      // Answers are of one user: no cache may share them, nor give one out without asking.
      set.headers['cache-control'] = 'private, no-cache';
      // Before anything of the body is read; a body of unknown length is counted while it is.
      if (Number(request.headers.get('content-length')) > maxBodyBytes) throw contentTooLarge(maxBodyBytes);
    })
    .onAfterResponse({ as: 'global' }, ({ request, set, route, startedAt }) => {
      log.info(
        {
          request_id: set.headers['x-request-id'],
          method: request.method,
          route: route || null,
          status: set.status,
          duration_ms: Math.round((performance.now() - startedAt) * 1000) / 1000,
        },
        'request',
      );
    });
}
