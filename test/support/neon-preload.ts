/** Preloaded into a service under test: its Neon driver finds, in the place of Neon, a relay on this machine. */
import { neonConfig } from '@neondatabase/serverless';

Object.assign(neonConfig, {
  wsProxy: () => `${process.env.NEON_RELAY}/`,
  useSecureWebSocket: false,
  pipelineTLS: false,
  pipelineConnect: false,
});
