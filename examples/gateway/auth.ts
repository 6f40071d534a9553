/**
 * Tells who is calling, for nginx and Caddy: 202 with the user in `X-Auth-Request-User`, or 401. It stands for your own
 * sign-in: oauth2-proxy (`--reverse-proxy --set-xauthrequest`, at `/oauth2/auth`) answers in the same way.
 * `TOKENS='ada:s3cret,bob:t0ken' bun auth.ts`
 */
const pairs = (process.env.TOKENS ?? '').split(',').map((pair) => pair.split(':') as [user: string, token: string]);
if (!pairs.every(([user, token]) => user && token)) throw new Error('TOKENS has to be like ada:s3cret,bob:t0ken');
const users = new Map(pairs.map(([user, token]) => [token, user]));

const server = Bun.serve({
  hostname: process.env.HOST ?? '127.0.0.1',
  port: Number(process.env.PORT ?? 4180),
  fetch(request) {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
    const user = users.get(token);
    if (user) return new Response(null, { status: 202, headers: { 'X-Auth-Request-User': user } });
    return Response.json(
      { type: 'about:blank', title: 'Unauthorized', status: 401 },
      { status: 401, headers: { 'Content-Type': 'application/problem+json', 'WWW-Authenticate': 'Bearer' } },
    );
  },
});
console.log(`Tells who is calling at ${server.url}`);
// Process 1 of a container ignores signals that it has no handler for.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
