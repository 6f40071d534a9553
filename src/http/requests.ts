/** What every request goes through first and last: an id, limits, one line of log, metrics. */
import { Elysia } from 'elysia';
import type { Log } from '../log.ts';
import type { Admission } from './admission.ts';
import { type AllowedHosts, isAllowedHost } from './hosts.ts';
import type { Metrics } from './metrics.ts';
import { contentTooLarge, Problem } from './problems.ts';
import { refuseAmbiguousTarget } from './target.ts';
import { traceIdOf } from './trace.ts';

/** An id that a client or a proxy may choose; any other is replaced, so that it cannot forge log lines. */
const REQUEST_ID = /^[\w.~:/+=-]{1,128}$/;

/** Answered for any Host, even while shedding load. HAProxy's health check asks for `/` unless told otherwise. */
const ALWAYS_ANSWERED = /^https?:\/\/[^/]*\/(health|metrics|$)/;

export interface RequestOptions {
  log: Log;
  metrics: Metrics;
  newRequestId: () => string;
  allowedHosts: AllowedHosts;
  admission: Admission;
  maxBodyBytes: number;
  /** Whether this process is about to end, so that clients should connect elsewhere. */
  isStopping: () => boolean;
}

/**
 * Gives each answer an `X-Request-Id` (a valid incoming one is kept) and each request a line of log, with the route's
 * pattern and never its path, which names the user. Refuses foreign hosts, large bodies and overload at once.
 */
export function requests(options: RequestOptions) {
  const { log, metrics, newRequestId, allowedHosts, admission, maxBodyBytes, isStopping } = options;
  return (
    new Elysia({ name: 'requests' })
      .decorate({ startedAt: 0, admitted: false })
      .onRequest((context) => {
        const { request, set } = context;
        const { headers } = request;
        context.startedAt = performance.now();
        const given = headers.get('x-request-id');
        set.headers['x-request-id'] = given !== null && REQUEST_ID.test(given) ? given : newRequestId();
        set.headers['x-content-type-options'] = 'nosniff';
        // An answer belongs to one user: no cache may share it, or give it out without asking.
        set.headers['cache-control'] = 'private, no-cache';
        if (isStopping()) set.headers.connection = 'close';
        const { url } = request;
        refuseAmbiguousTarget(url);
        if (!isAllowedHost(url, allowedHosts) && !ALWAYS_ANSWERED.test(url))
          throw new Problem('misdirected', 'This service does not answer to that host name; see ALLOWED_HOSTS.');
        // Before the body is read; a body of unknown length is counted while it is read.
        if (Number(headers.get('content-length')) > maxBodyBytes) throw contentTooLarge(maxBodyBytes);
        if (!ALWAYS_ANSWERED.test(url)) admission.refuseIfFull();
      })
      // The last hook, also of a refused request. `onAfterResponse` would cost each request a turn of the event loop. A
      // handler that returns a promise has to be `async`, or this does not wait for it.
      .mapResponse({ as: 'global' }, (context) => {
        // Not passed on as a whole: Elysia would parse cookies, headers and query for it.
        const { request, set, route, startedAt, admitted, responseValue } = context;
        if (admitted) admission.release();
        context.admitted = false;
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
        // This is the answer to a request that failed.
        return responseValue as Response;
      })
  );
}
