/** Writes the OpenAPI document of the service into the file that is named. */
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/log.ts';

const [file] = process.argv.slice(2);
if (!file) throw new Error('Usage: bun test/checks/openapi.ts <file>');

// Connections are made when first needed, and describing the service needs none.
const config = readConfig({ DATABASE_URL: 'postgres://127.0.0.1/none' });
const app = createApp({
  ...config,
  database: await openDatabase({ ...config, url: config.databaseUrl }),
  log: createLog('silent', () => {}),
  clock: Date.now,
  newTaskId: () => '',
  newRequestId: () => '',
  isStopping: () => false,
});
const response = await app.handle(new Request('http://127.0.0.1/swagger/json'));
await Bun.write(file, response);
process.exit(response.ok ? 0 : 1);
