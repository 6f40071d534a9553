/** Runs once in each test process, before the first file: there must be a server, and everything is given back. */
import { afterAll, setDefaultTimeout } from 'bun:test';
import { atEnd, cleanUp } from './cleanup.ts';
import { SERVER_URL, startPostgres } from './postgres.ts';

// A test that hangs must end some day; no test is judged by how long it takes.
setDefaultTimeout(60_000);

if (!process.env[SERVER_URL]) {
  const server = await startPostgres();
  process.env[SERVER_URL] = server.url;
  atEnd(server.stop);
}

afterAll(cleanUp);
