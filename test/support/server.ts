/** An app behind a real socket, for what only a socket shows. */
import { createTestApp, type TestAppOptions } from './app.ts';
import { createClient, createTasks } from './client.ts';
import { Connection } from './connection.ts';
import { databases, type TestDatabase } from './databases.ts';

const [first] = databases;

/** Serves an app until it is disposed of: `await using server = serve()`. */
export function serve(options: TestAppOptions = {}, database: TestDatabase = first) {
  const test = createTestApp(database, options);
  test.app.listen({ hostname: '127.0.0.1', port: 0, reusePort: false, development: false });
  const server = test.app.server as NonNullable<typeof test.app.server>;
  const origin = server.url.origin;
  const call = createClient((request) => fetch(request, { redirect: 'manual' }), origin);
  return {
    ...test,
    origin,
    call,
    create: createTasks(call, test.root),
    /** Sends bytes as they are, on a connection of their own, for requests that no client would make. */
    async send<Body = unknown>(bytes: string | Uint8Array) {
      const connection = new Connection(origin);
      return connection.send<Body>(bytes).finally(() => connection.close());
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
