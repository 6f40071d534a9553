/** What every request goes through first and last: an id, limits, one line of log, metrics. */
import { Elysia } from 'elysia';
import type { Log } from '../log.ts';
import { type AllowedHosts, isAllowedHost } from './hosts.ts';
import type { Load } from './load.ts';
import type { Metrics } from './metrics.ts';
import { contentTooLarge, Problem } from './problem.ts';
import { traceIdOf } from './trace.ts';

/** What an id may look like that a client or a proxy sends; any other is replaced, so that it cannot forge log lines. */
const REQUEST_ID = /^[\w.~:/+=-]{1,128}$/;

/** For those who watch the service: by its address, whatever its name, and under load most of all. */
const ALWAYS_ANSWERED = /^https?:\/\/[^/]*\/(health|metrics)/;

export interface RequestOptions {
  log: Log;
  metrics: Metrics;
  newRequestId: () => string;
  allowedHosts: AllowedHosts;
  /** Requests beyond its limit are refused with 503. */
  load: Load;
  maxBodyBytes: number;
  /** Whether this process is about to end, so that clients must not use their connection again. */
  isStopping: () => boolean;
}

/**
 * Gives each answer `X-Request-Id` (a valid incoming one is kept), and a line of log with the route's pattern, never
 * its path, which names the user. Refuses at once what must not be let in: foreign hosts, large bodies, overload.
 */
export function requests(options: RequestOptions) {
  const { log, metrics, newRequestId, allowedHosts, load, maxBodyBytes, isStopping } = options;
  return (
    new Elysia({ name: 'requests' })
      .decorate('startedAt', 0)
      .onRequest((context) => {
        const { request, set } = context;
        const { headers } = request;
        context.startedAt = performance.now();
        load.enter();
        const given = headers.get('x-request-id');
        set.headers['x-request-id'] = given !== null && REQUEST_ID.test(given) ? given : newRequestId();
        set.headers['x-content-type-options'] = 'nosniff';
        // Answers are of one user: no cache may share them, nor give one out without asking.
        set.headers['cache-control'] = 'private, no-cache';
        if (isStopping()) set.headers.connection = 'close';
        const { url } = request;
        if (!isAllowedHost(url, allowedHosts) && !ALWAYS_ANSWERED.test(url))
          throw new Problem('misdirected', 'This service does not answer to that host name; see ALLOWED_HOSTS.');
        // Before anything of the body is read; a body of unknown length is counted while it is.
        if (Number(headers.get('content-length')) > maxBodyBytes) throw contentTooLarge(maxBodyBytes);
        if (load.isFull() && !ALWAYS_ANSWERED.test(url)) load.refuse();
      })
      // Last of all hooks, of a refused request as well. `onAfterResponse` would take a turn of the event loop for each. A
      // handler that returns a promise has to be `async`, or this does not wait for it.
      .mapResponse({ as: 'global' }, ({ request, set, route, startedAt, responseValue }) => {
        load.leave();
        const milliseconds = performance.now() - startedAt;
        const { method } = request;
        const status = responseValue instanceof Response ? responseValue.status : Number(set.status);
        metrics.observeRequest(milliseconds, { method, route: route || 'none', status });
        log.request({
          requestId: String(set.headers['x-request-id']),
          traceId: traceIdOf(request),
          method,
          route: route || null,
          status,
          milliseconds,
        });
        // What is returned here is the answer to a request that failed.
        return responseValue as Response;
      })
  );
}
