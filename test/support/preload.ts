/** Runs once in each test process, before the first file: there must be a server, and everything is given back. */
import { afterAll } from 'bun:test';
import { atEnd, cleanUp } from './cleanup.ts';
import { SERVER_URL, startPostgres } from './postgres.ts';

if (!process.env[SERVER_URL]) {
  const server = await startPostgres();
  process.env[SERVER_URL] = server.url;
  atEnd(server.stop);
}

afterAll(cleanUp);
