/** A TCP proxy in front of a server that can be told to fail in the ways a network does. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

interface Pair {
  client: Socket;
  server: Socket;
}

export interface FaultyProxy {
  /** `host:port`. */
  host: string;
  /** The same server as `url`, through this proxy. */
  urlOf: (url: string) => string;
  /** How many clients are connected. */
  connections: () => number;
  /** Carries everything, as at the start. Connections that have fallen into the hole stay there. */
  pass: () => Promise<void>;
  /** Accepts connections and all bytes, and answers nothing; established connections too, or `count` of them. */
  swallow: (count?: number) => void;
  /** Connects new clients with another server; those that are connected stay where they are. */
  moveTo: (url: string) => void;
  /** Goes on carrying what the clients that are connected send, and nothing of what they are answered. */
  loseAnswers: () => void;
  /** Drops every connection and takes no new one. */
  refuse: () => Promise<void>;
  /** Drops every connection, and takes new ones. */
  cut: () => void;
  stop: () => Promise<void>;
}

export async function startFaultyProxy(serverUrl: string): Promise<FaultyProxy> {
  let { hostname, port } = new URL(serverUrl);
  const pairs = new Set<Pair>();
  const swallowed = new Set<Socket>();
  let isHole = false;

  const listener = createServer((client) => {
    client.on('error', () => {});
    if (isHole) {
      hold(client);
      return;
    }
    const server = connect(Number(port), hostname);
    const pair = { client, server };
    pairs.add(pair);
    server.on('error', () => {});
    client.on('close', () => drop(pair));
    server.on('close', () => drop(pair));
    client.pipe(server);
    server.pipe(client);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const own = listener.address() as AddressInfo;

  function drop(pair: Pair): void {
    if (!pairs.delete(pair)) return;
    pair.client.destroy();
    pair.server.destroy();
  }

  function hold(client: Socket): void {
    swallowed.add(client);
    client.on('close', () => swallowed.delete(client));
    client.resume();
  }

  function cut(): void {
    for (const pair of [...pairs]) drop(pair);
    for (const client of swallowed) client.destroy();
  }

  async function refuse(): Promise<void> {
    const closed = listener.listening && once(listener, 'close');
    listener.close();
    cut();
    await closed;
  }

  return {
    host: `127.0.0.1:${own.port}`,
    urlOf: (url) => Object.assign(new URL(url), { host: `127.0.0.1:${own.port}` }).href,
    connections: () => pairs.size + swallowed.size,
    async pass() {
      isHole = false;
      if (listener.listening) return;
      listener.listen(own.port, own.address);
      await once(listener, 'listening');
    },
    swallow(count) {
      isHole = count === undefined;
      for (const pair of [...pairs].slice(0, count)) {
        pairs.delete(pair);
        pair.client.unpipe();
        pair.server.unpipe();
        pair.server.destroy();
        hold(pair.client);
      }
    },
    moveTo(url) {
      ({ hostname, port } = new URL(url));
    },
    loseAnswers() {
      for (const { server } of pairs) server.unpipe().resume();
    },
    refuse,
    cut,
    stop: refuse,
  };
}
