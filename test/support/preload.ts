/** Runs in each test process before its first file: without the runner there is no server yet. */
import { afterAll, afterEach, beforeEach } from 'bun:test';
import { lendApps, takeAppsBack } from './app.ts';
import { atEnd, cleanUp } from './cleanup.ts';
import { SERVER_URL, startPostgres } from './postgres.ts';

// A worker of the runner gives nothing back: what it opened ends with it, and its files are the runner's. `afterAll`
// would come after each of its files.
if (!process.env[SERVER_URL]) {
  const server = await startPostgres();
  process.env[SERVER_URL] = server.url;
  atEnd(server.stop);
  // A busy disk lets the server take its time.
  afterAll(cleanUp, 60_000);
}

beforeEach(lendApps);
afterEach(takeAppsBack);
