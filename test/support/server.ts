/** An app behind a real socket, for what only a socket shows. */
import { createClient, createTasks, createTestApp, type TestAppOptions } from './app.ts';
import { databases, type TestDatabase } from './databases.ts';

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const [first] = databases as [TestDatabase];

/** Serves an app until it is disposed of: `await using server = serve()`. */
export function serve(options: TestAppOptions = {}, database = first) {
  const test = createTestApp(database, options);
  test.app.listen({ hostname: '127.0.0.1', port: 0, reusePort: false, development: false });
  const server = test.app.server as NonNullable<typeof test.app.server>;
  const origin = server.url.origin;
  const call = createClient(database, (request) => fetch(request, { redirect: 'manual' }), origin);
  return {
    ...test,
    origin,
    call,
    create: createTasks(call, test.root),
    /** Sends bytes as they are, for requests that no client would make, and reads the answer to the end. */
    send: (request: string | Uint8Array) => sendRaw(Number(server.port), request),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** The request must ask for `Connection: close`, else this waits for the server to lose its patience. */
async function sendRaw(port: number, request: string | Uint8Array): Promise<RawAnswer> {
  const chunks: Uint8Array[] = [];
  const closed = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open: (socket) => void socket.write(request),
      data: (_, chunk) => void chunks.push(new Uint8Array(chunk)),
      close: () => closed.resolve(),
      error: (_, error) => closed.reject(error),
    },
  });
  await closed.promise;
  const [head = '', body = ''] = Buffer.concat(chunks)
    .toString()
    .split(/\r\n\r\n(.*)/s);
  const [status = '', ...fields] = head.split('\r\n');
  const headers = fields.map((field) => field.split(/: */, 2) as [string, string]);
  return {
    status: Number(status.split(' ')[1]),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body,
  };
}
