/**
 * Generates a client: `bun test/clients/generate.ts openapi-typescript|hey-api <document> <output>`. Both generators work
 * with the API of TypeScript 6, which TypeScript 7 no longer has; to them this is `typescript`.
 */
import { plugin } from 'bun';

plugin({
  name: 'typescript-6',
  setup(build) {
    build.module('typescript', async () => {
      const { default: typescript } = await import('@typescript/typescript6');
      return { loader: 'object', exports: { ...typescript, default: typescript } };
    });
  },
});

const [generator, document = '', output = ''] = process.argv.slice(2);
if (generator === 'openapi-typescript') {
  const { default: generate, astToString } = await import('openapi-typescript');
  await Bun.write(output, astToString(await generate(await Bun.file(document).text())));
} else if (generator === 'hey-api') {
  const { createClient } = await import('@hey-api/openapi-ts');
  await createClient({ input: document, output, logs: { level: 'silent', file: false } });
} else {
  throw new Error('Usage: bun test/clients/generate.ts openapi-typescript|hey-api <document> <output>');
}
