/** Turns whatever goes wrong, wherever it does, into a problem document (RFC 9457). */
import { Elysia } from 'elysia';
import type { Logger } from 'pino';
import { postgresFailure } from '../db/failures.ts';
import { PROBLEMS, Problem, problemDocument, toProblem } from './problem.ts';
import type { RouteTable } from './routes.ts';
import { traceIdOf } from './trace.ts';

export function errors({ logger, routes }: { logger: Logger; routes: RouteTable }) {
  return new Elysia({ name: 'errors' })
    .onError({ as: 'global' }, ({ code, error, path, request, set }) => {
      const problem = explain();
      const { status } = PROBLEMS[problem.kind];
      const requestId = String(set.headers['x-request-id']);
      if (status >= 500)
        logger.error({ request_id: requestId, trace_id: traceIdOf(request), error: describe(error) }, problem.detail);
      Object.assign(set.headers, problem.extra.headers);
      set.status = status;
      set.headers['content-type'] = 'application/problem+json';
      return JSON.stringify(problemDocument(problem, path, requestId));

      function explain(): Problem {
        if (code === 'NOT_FOUND') return methodNotAllowed(routes.methodsOf(path)) ?? notFound();
        return toProblem(error);
      }
    })
    .options('/*', ({ path, set }) => {
      const allow = routes.methodsOf(path);
      if (allow.length === 0) throw notFound();
      set.status = 204;
      set.headers.allow = allow.join(', ');
    });
}

/**
 * What the log may say of an error: of a failed statement neither its text nor its parameters, which are the user's
 * data, but what the database said.
 */
function describe(error: unknown) {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  // A WebSocket fails with an event.
  if (cause instanceof ErrorEvent) return { name: 'ErrorEvent', message: cause.message };
  if (!(cause instanceof Error)) return { name: typeof cause };
  const { name, message, stack } = cause;
  return { name, message, ...postgresFailure(cause), stack };
}

function notFound(): Problem {
  return new Problem('not-found', 'There is nothing at this address.');
}

function methodNotAllowed(allowed: string[]): Problem | undefined {
  if (allowed.length === 0) return undefined;
  const allow = allowed.join(', ');
  return new Problem('method-not-allowed', `This address takes ${allow}.`, { headers: { allow } });
}
