/** Lets the Neon driver of this process reach a PostgreSQL server. */
import { neonConfig } from '@neondatabase/serverless';
import { startRelay } from './relay.ts';

export interface NeonRelay {
  /** The same database as `url`, under the host that makes the service take the Neon driver. */
  urlOf: (url: string) => string;
  stop: () => Promise<void>;
}

/** Starts a relay in front of a server and points the Neon driver of this process to it. */
export function startNeonRelay(serverUrl: string): NeonRelay {
  const { url, stop } = startRelay(serverUrl);
  Object.assign(neonConfig, {
    wsProxy: () => `${new URL(url).host}/`,
    useSecureWebSocket: false,
    pipelineTLS: false,
    pipelineConnect: false,
  });
  return { urlOf: (address) => Object.assign(new URL(address), { host: 'test.neon.tech:5432' }).href, stop };
}
