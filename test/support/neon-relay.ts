/** Stands in for Neon's proxy: carries the bytes of a WebSocket to a PostgreSQL server and back. */
import { neonConfig } from '@neondatabase/serverless';
import type { Socket } from 'bun';

export interface NeonRelay {
  /** The same database as `url`, under the host that makes the service take the Neon driver. */
  urlOf: (url: string) => string;
  stop: () => Promise<void>;
}

interface Tunnel {
  server: Promise<Socket>;
}

/** Starts a relay in front of a server and points the Neon driver of this process to it. */
export function startNeonRelay(serverUrl: string): NeonRelay {
  const { hostname, port } = new URL(serverUrl);
  const relay = Bun.serve<Tunnel>({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, server) =>
      server.upgrade(request, { data: {} as Tunnel }) ? undefined : new Response('WebSocket only', { status: 426 }),
    websocket: {
      open(client) {
        client.data.server = Bun.connect({
          hostname,
          port: Number(port),
          socket: {
            data: (_, bytes) => void client.sendBinary(bytes),
            close: () => client.close(),
            error: () => client.close(),
          },
        });
      },
      async message(client, message) {
        const socket = await client.data.server;
        socket.write(message);
      },
      async close(client) {
        (await client.data.server).end();
      },
    },
  });
  Object.assign(neonConfig, {
    wsProxy: () => `127.0.0.1:${relay.port}/`,
    useSecureWebSocket: false,
    pipelineTLS: false,
    pipelineConnect: false,
  });
  return {
    urlOf: (url) => Object.assign(new URL(url), { host: 'test.neon.tech:5432' }).href,
    stop: () => relay.stop(true),
  };
}
