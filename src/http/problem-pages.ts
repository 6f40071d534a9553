/** `/problems/{name}` explains a problem to a person: the `type` of a problem leads there when PUBLIC_URL is set. */
import { Elysia } from 'elysia';
import { PROBLEMS, Problem, type ProblemName } from './problems.ts';

/** When a problem comes, and what to do about it, in the words of docs/errors.md. */
export const EXPLANATIONS: Record<ProblemName, readonly [when: string, advice: string]> = {
  'invalid-input': [
    'malformed JSON, or a field, parameter, header or cursor that is wrong or unknown',
    'mend what `errors` lists: every violation of the request, or the first 100, each with its place',
  ],
  'ambiguous-target': [
    'dot segments, `//`, `\\`, `;`, `#`, `%2F`, `%5C` or bytes that are not UTF-8 in the path; no valid `Host`, or two',
    'send the path in its normal form; a `user_id` has no slash and no backslash',
  ],
  'not-found': ['no such path', 'look at `/swagger` for the paths that there are'],
  'task-not-found': [
    "this user has no task with this id, or it is in the bin; another user's task looks the same",
    'list the tasks, or the bin with `deleted=true`',
  ],
  'method-not-allowed': ['the path has other methods', 'use one of those in `Allow`'],
  'request-timeout': [
    'the connection ended before the body did, or the body came too slowly',
    'send it again; with an `Idempotency-Key` nothing happens twice',
  ],
  'precondition-failed': [
    '`If-Match` does not name the current revision, which `ETag` does',
    'read it again, apply the change to what it is now, and send that with the new `ETag`',
  ],
  'content-too-large': ['the body is over `MAX_BODY_BYTES`', 'send less; `detail` says how much is allowed'],
  'unsupported-media-type': [
    'the body is not `application/json`, nor for PATCH `application/merge-patch+json`',
    'set `Content-Type` to what `Accept` or `Accept-Patch` names',
  ],
  misdirected: ['`Host` is not among `ALLOWED_HOSTS`', 'use a name that the service answers to, or add this one'],
  'key-reused': [
    'the key came within 24 hours with another method, path or body',
    'take a new `Idempotency-Key` for each new request',
  ],
  'precondition-required': [
    'no `If-Match`, and `REQUIRE_IF_MATCH=true`',
    'read it first and send its `ETag` in `If-Match`',
  ],
  'too-many-requests': [
    'more requests of one user at once than a process takes, or no turn in time; nothing was done',
    'try again after `Retry-After`, with fewer at once',
  ],
  'internal-error': ['a fault of the service', 'tell whoever runs it the `request_id`: the log has the cause'],
  unavailable: [
    'the database does not answer, and the outcome of a write is not known; or it takes no writes, and `detail` says so',
    'try again after `Retry-After`, a write with the same `Idempotency-Key`',
  ],
  overloaded: ['more than `MAX_IN_FLIGHT` requests at once; nothing was done', 'try again after `Retry-After`'],
  stopping: ['`/health/ready` only: the process was told to end', 'send requests to another process'],
};

export function problemPages() {
  return new Elysia({ name: 'problem-pages' }).get(
    '/problems/:name',
    ({ params: { name }, set }) => {
      if (!isProblem(name)) throw new Problem('not-found', 'There is no problem of that name.');
      set.headers['content-type'] = 'text/html; charset=utf-8';
      set.headers['content-security-policy'] = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
      set.headers['cache-control'] = 'public, max-age=3600';
      return page(name);
    },
    { detail: { hide: true } },
  );
}

const isProblem = (name: string): name is ProblemName => Object.hasOwn(PROBLEMS, name);

function page(name: ProblemName): string {
  const { status, title } = PROBLEMS[name];
  const [when, advice] = EXPLANATIONS[name].map(html);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title>
</head>
<body>
<h1>${html(title)}</h1>
<p><code>${name}</code>, status ${status}</p>
<h2>When</h2>
<p>${when}</p>
<h2>What to do</h2>
<p>${advice}</p>
</body>
</html>
`;
}

/** Plain text with code between backticks. */
function html(text: string): string {
  return Bun.escapeHTML(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}
