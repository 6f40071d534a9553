/** `bun run check`: everything that can be told about the code without running its tests. Says what failed, and why. */
import { cp } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import { audit } from './audit.ts';
import { type Outcome, ROOT, run, tool } from './command.ts';

const steps: Record<string, () => Promise<Outcome>> = {
  'lock file': () => run([process.execPath, 'install', '--frozen-lockfile', '--dry-run']),
  'format and lint': () =>
    run(tool('biome', 'check', '--error-on-warnings', '--reporter=concise', '--max-diagnostics=none')),
  types: () => run(tool('tsc', '--noEmit')),
  'unused code and dependencies': () => run(tool('knip', '--treat-config-hints-as-errors')),
  'migration drift': () => inFolder(migrationDrift),
  'OpenAPI document': () => inFolder(openApiDocument),
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

/** Generates into a copy, so that a schema without its migration leaves nothing behind but this fault. */
async function migrationDrift(folder: string): Promise<Outcome> {
  const copy = join(folder, 'drizzle');
  await cp(join(ROOT, 'drizzle'), copy, { recursive: true });
  const before = await migrationsIn(copy);
  // drizzle-kit takes every path for a relative one.
  const options = ['--dialect=postgresql', '--schema=./src/db/schema.ts', `--out=${relative(ROOT, copy)}`];
  const generated = await run(tool('drizzle-kit', 'generate', ...options));
  if (!generated.passed) return generated;
  const added = (await migrationsIn(copy)).filter((name) => !before.includes(name));
  if (added.length === 0) return generated;
  const statements = await Promise.all(added.map((name) => Bun.file(join(copy, name)).text()));
  return {
    passed: false,
    output: `The schema is ahead of the migrations; bun run generate --name=… adds:\n${statements.join('\n')}`,
  };
}

async function migrationsIn(folder: string): Promise<string[]> {
  return Array.fromAsync(new Bun.Glob('*.sql').scan(folder));
}

/** Lints the document that the service itself serves. */
async function openApiDocument(folder: string): Promise<Outcome> {
  const file = join(folder, 'openapi.json');
  const written = await run([process.execPath, join(import.meta.dir, 'openapi.ts'), file]);
  if (!written.passed) return written;
  return run(tool('redocly', 'lint', '--format=stylish', file));
}

async function inFolder(step: (folder: string) => Promise<Outcome>): Promise<Outcome> {
  const { folder, remove } = await makeFolder();
  try {
    return await step(folder);
  } finally {
    await remove();
  }
}
