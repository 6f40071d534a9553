/**
 * Sends requests and prints, as JSON, how many were answered and how long that took in milliseconds.
 *
 * At a fixed rate requests come in at their time even while earlier ones wait for an answer, as they do from people, and
 * a request's time counts from when it came in: a server that stalls cannot hide it. At the rate "full", for machines
 * without wrk, each connection sends its next request as soon as the last one is answered.
 *
 * Usage: bun generator.ts <ports> <connections> <file of requests> <expected status> <requests per second> <seconds>
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

const END_OF_HEAD = '\r\n\r\n';

const [ports = '', connections, file = '', status, rate, duration] = process.argv.slice(2);
const requests = (await Bun.file(file).text()).split('\0').map((text) => Buffer.from(text));
const durationMs = Number(duration) * 1000;

const idle: Socket<Connection>[] = [];
/** When the requests came in that found no idle connection, oldest first. */
const waiting: number[] = [];
const times: number[] = [];
let sent = 0;
let arrived = 0;
const { promise: finished, resolve: finish, reject: fail } = Promise.withResolvers<void>();

const addresses = ports.split(',').map(Number);
await Promise.all(
  Array.from({ length: Number(connections) }, async (_, index) => {
    const socket = await Bun.connect<Connection>({
      hostname: '127.0.0.1',
      port: addresses[index % addresses.length] ?? 0,
      data: { since: 0, head: '', missing: undefined },
      socket: { data: receive, close: () => fail(new Error('The server closed a connection.')) },
    });
    idle.push(socket);
  }),
);

const start = performance.now();
if (rate === 'full') for (let socket = idle.pop(); socket; socket = idle.pop()) arrive(start, socket);
else comeInAt(Number(rate));

await finished;
const seconds = (performance.now() - start) / 1000;
times.sort((a, b) => a - b);
const percentile = (share: number) => times[Math.ceil(times.length * share) - 1];
console.log(JSON.stringify({ requests: times.length, seconds, p50: percentile(0.5), p99: percentile(0.99) }));
process.exit(0);

/** A timer is good to a millisecond, so requests come in bursts of one. */
function comeInAt(perSecond: number): void {
  const arrivals = setInterval(() => {
    const now = performance.now();
    const elapsed = Math.min(now - start, durationMs);
    while (arrived < Math.floor((elapsed * perSecond) / 1000)) arrive(now, idle.pop());
    if (elapsed === durationMs) clearInterval(arrivals);
  }, 1);
}

function arrive(now: number, socket: Socket<Connection> | undefined): void {
  arrived += 1;
  if (socket) ask(socket, now);
  else waiting.push(now);
}

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
    if (connection.head.slice(9, 12) !== status) fail(new Error(`Not ${status}: ${connection.head.slice(0, 500)}`));
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(connection.head.slice(0, end))?.[1] ?? 0);
    const received = connection.head.length - end - END_OF_HEAD.length;
    connection.missing = status === '304' ? 0 : length - received;
  } else {
    connection.missing -= bytes.length;
  }
  if (connection.missing > 0) return;
  const now = performance.now();
  times.push(now - connection.since);
  connection.head = '';
  connection.missing = undefined;

  const isOver = now - start >= durationMs;
  const since = waiting.shift();
  if (since !== undefined) ask(socket, since);
  else if (rate === 'full' && !isOver) arrive(now, socket);
  else idle.push(socket);
  if (isOver && times.length === arrived) finish();
}
