/**
 * Sends a fixed number of requests per second and prints, as JSON, how long the answers took in milliseconds. Requests
 * come in at their time even while earlier ones wait for an answer, as they do from people, and a request's time counts
 * from when it came in: a server that stalls cannot hide it.
 *
 * Usage: bun paced.ts <port> <file of requests> <expected status> <requests per second> <seconds>
 */
import type { Socket } from 'bun';

interface Connection {
  /** When the request that it carries came in. */
  since: number;
  /** What has come of the head of the answer. */
  head: string;
  /** Bytes of the body still to come; undefined while the head is. */
  missing: number | undefined;
}

const CONNECTIONS = 128;
const END_OF_HEAD = '\r\n\r\n';

const [port, file = '', status, rate, seconds] = process.argv.slice(2);
const requests = (await Bun.file(file).text()).split('\0').map((text) => Buffer.from(text));
const total = Math.round(Number(rate) * Number(seconds));

const idle: Socket<Connection>[] = [];
/** When the requests came in that found no idle connection, oldest first. */
const waiting: number[] = [];
const times: number[] = [];
let sent = 0;
const { promise: finished, resolve: finish, reject: fail } = Promise.withResolvers<void>();

await Promise.all(
  Array.from({ length: CONNECTIONS }, async () => {
    const socket = await Bun.connect<Connection>({
      hostname: '127.0.0.1',
      port: Number(port),
      data: { since: 0, head: '', missing: undefined },
      socket: {
        data: receive,
        close: () => fail(new Error('The server closed a connection.')),
      },
    });
    idle.push(socket);
  }),
);

const start = performance.now();
let arrived = 0;
/** A timer is good to a millisecond, so requests come in bursts of one. */
const arrivals = setInterval(() => {
  const now = performance.now();
  const due = Math.min(total, Math.floor(((now - start) * Number(rate)) / 1000));
  for (; arrived < due; arrived += 1) {
    const socket = idle.pop();
    if (socket) ask(socket, now);
    else waiting.push(now);
  }
  if (arrived === total) clearInterval(arrivals);
}, 1);

await finished;
times.sort((a, b) => a - b);
const percentile = (share: number) => times[Math.ceil(times.length * share) - 1];
console.log(JSON.stringify({ p50: percentile(0.5), p99: percentile(0.99) }));
process.exit(0);

function ask(socket: Socket<Connection>, since: number): void {
  socket.data.since = since;
  const request = requests[sent++ % requests.length] as Buffer;
  if (socket.write(request) !== request.length) fail(new Error('A request did not fit into the socket.'));
}

function receive(socket: Socket<Connection>, bytes: Buffer): void {
  const connection = socket.data;
  if (connection.missing === undefined) {
    connection.head += bytes.toString('latin1');
    const end = connection.head.indexOf(END_OF_HEAD);
    if (end === -1) return;
    if (connection.head.slice(9, 12) !== status) fail(new Error(connection.head.slice(0, 500)));
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(connection.head.slice(0, end))?.[1] ?? 0);
    const received = connection.head.length - end - END_OF_HEAD.length;
    connection.missing = status === '304' ? 0 : length - received;
  } else {
    connection.missing -= bytes.length;
  }
  if (connection.missing > 0) return;
  times.push(performance.now() - connection.since);
  connection.head = '';
  connection.missing = undefined;
  if (times.length === total) finish();
  const since = waiting.shift();
  if (since === undefined) idle.push(socket);
  else ask(socket, since);
}
