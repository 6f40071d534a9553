/** Writes the OpenAPI document of the service into the file that is named. */
import { openApiDocument } from '../support/openapi.ts';

const [file] = process.argv.slice(2);
if (!file) throw new Error('Usage: bun test/checks/openapi.ts <file>');
await Bun.write(file, JSON.stringify(await openApiDocument()));
process.exit(0);
