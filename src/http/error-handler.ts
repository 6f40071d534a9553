/** Answers every error with a problem document (RFC 9457), and 405 or OPTIONS with the methods of the path. */
import { Elysia } from 'elysia';
import type { Logger } from 'pino';
import type { AllowedMethods } from './allowed-methods.ts';
import { PROBLEMS, Problem, problemDocument, toProblem, typePrefixOf } from './problems.ts';
import { traceIdOf } from './trace.ts';

export interface ErrorHandlerOptions {
  logger: Logger;
  /** What the log may say of an error. */
  describeError: (error: unknown) => object;
  allowedMethods: AllowedMethods;
  /** Where clients reach the service; a gateway takes its path away. */
  publicUrl?: string | undefined;
}

export function errorHandler({ logger, describeError, allowedMethods, publicUrl }: ErrorHandlerOptions) {
  const prefix = publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
  const typePrefix = typePrefixOf(publicUrl);
  return new Elysia({ name: 'error-handler' })
    .onError({ as: 'global' }, ({ code, error, path, request, set }) => {
      const problem = explain();
      const { status } = PROBLEMS[problem.kind];
      const requestId = String(set.headers['x-request-id']);
      if (status >= 500)
        logger.error(
          { request_id: requestId, trace_id: traceIdOf(request), error: describeError(error) },
          problem.detail,
        );
      Object.assign(set.headers, problem.extra.headers);
      set.status = status;
      set.headers['content-type'] = 'application/problem+json';
      return JSON.stringify(problemDocument(problem, prefix + path, requestId, typePrefix));

      function explain(): Problem {
        if (code === 'NOT_FOUND') return methodNotAllowed(allowedMethods.of(path)) ?? notFound();
        return toProblem(error);
      }
    })
    .options('/*', ({ path, set }) => {
      const allow = allowedMethods.of(path);
      if (allow.length === 0) throw notFound();
      set.status = 204;
      set.headers.allow = allow.join(', ');
    });
}

function notFound(): Problem {
  return new Problem('not-found', 'There is nothing at this address.');
}

function methodNotAllowed(allowed: string[]): Problem | undefined {
  if (allowed.length === 0) return undefined;
  const allow = allowed.join(', ');
  return new Problem('method-not-allowed', `This address takes ${allow}.`, { headers: { allow } });
}
