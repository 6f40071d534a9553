/** Stands in for Neon's proxy in front of a server that may be down: a WebSocket whose bytes go to PostgreSQL. */
import { connect, type Socket } from 'node:net';

interface Tunnel {
  server?: Socket;
}

/** @returns the relay's `url`; the driver is pointed at it by `NEON_RELAY`. */
export function startRelay(serverUrl: string) {
  const { hostname, port } = new URL(serverUrl);
  const relay = Bun.serve<Tunnel>({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, server) =>
      server.upgrade(request, { data: {} }) ? undefined : new Response('WebSocket only', { status: 426 }),
    websocket: {
      open(client) {
        const server = connect(Number(port), hostname);
        client.data.server = server;
        server.on('data', (bytes: Buffer<ArrayBuffer>) => void client.sendBinary(bytes));
        server.on('error', () => {});
        server.on('close', () => client.close());
      },
      message: (client, bytes) => void client.data.server?.write(bytes),
      close: (client) => void client.data.server?.destroy(),
    },
  });
  return { url: relay.url.href, stop: () => relay.stop(true) };
}
