/**
 * What front ends are written with, each as a project of its own: it compiles with `strict`, and does the same things
 * over a socket. Nothing that is generated is kept.
 */
import { expect, test } from 'bun:test';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run, tool } from '../checks/command.ts';
import { makeFolder } from '../support/folder.ts';
import { openApiDocument } from '../support/openapi.ts';
import { serve } from '../support/server.ts';

const PROGRAMS = join(import.meta.dir, 'programs');
const GENERATE = join(import.meta.dir, 'generate.ts');
const TIMEOUT_MS = 300_000;

/** What each of the programs does. */
const DONE = {
  title: '2026-12-01',
  replaced: 'Buy milk',
  patched: ['high', null],
  completed: true,
  listed: true,
  stale: 'urn:problem-type:todo-api:precondition-failed',
  pointers: ['/title'],
  some: true,
  removed: 204,
  missing: 'urn:problem-type:todo-api:task-not-found',
};

const COMPILER_OPTIONS = {
  target: 'ESNext',
  module: 'Preserve',
  moduleResolution: 'bundler',
  lib: ['ESNext', 'DOM', 'DOM.Iterable'],
  types: ['bun'],
  strict: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  noEmit: true,
};

interface Project {
  folder: string;
  run: (...command: string[]) => Promise<string>;
}

/** A project in a folder of its own, with packages of this one. @param prepare makes what the program imports */
async function inProject(
  program: string,
  packages: string[],
  options: object,
  prepare: (project: Project) => Promise<unknown>,
): Promise<void> {
  const { folder, remove } = await makeFolder();
  await using server = serve();
  const execute: Project['run'] = async (...command) => {
    const { passed, output } = await run(command, { cwd: folder, env: { ORIGIN: server.origin } });
    if (!passed) throw new Error(`${command.join(' ')}\n${output}`);
    return output;
  };
  try {
    for (const name of packages) {
      const link = join(folder, 'node_modules', name);
      await mkdir(join(link, '..'), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), link);
    }
    await cp(join(PROGRAMS, program), join(folder, program));
    const compilerOptions = { ...COMPILER_OPTIONS, ...options };
    await Bun.write(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: [program] }));
    await prepare({ folder, run: execute });
    await execute(...tool('tsc', '--project', join(folder, 'tsconfig.json')));
    expect(JSON.parse(await execute(process.execPath, join(folder, program)))).toEqual(DONE);
  } finally {
    await remove();
  }
}

test(
  'A client of openapi-typescript and openapi-fetch compiles and works',
  () =>
    inProject(
      'openapi-fetch.ts',
      ['openapi-fetch', 'openapi-typescript-helpers', '@types/bun', 'bun-types', '@types/node', 'undici-types'],
      { allowImportingTsExtensions: true },
      async ({ folder, run }) => {
        await Bun.write(join(folder, 'openapi.json'), JSON.stringify(await openApiDocument()));
        await run(
          process.execPath,
          GENERATE,
          'openapi-typescript',
          join(folder, 'openapi.json'),
          join(folder, 'schema.ts'),
        );
      },
    ),
  TIMEOUT_MS,
);

test(
  'A client of @hey-api/openapi-ts compiles and works',
  () =>
    inProject(
      'hey-api.ts',
      ['@types/bun', 'bun-types', '@types/node', 'undici-types'],
      { allowImportingTsExtensions: true },
      async ({ folder, run }) => {
        await Bun.write(join(folder, 'openapi.json'), JSON.stringify(await openApiDocument()));
        await run(process.execPath, GENERATE, 'hey-api', join(folder, 'openapi.json'), join(folder, 'client'));
      },
    ),
  TIMEOUT_MS,
);

test(
  'A client of Eden compiles and works with the type of the app that the package exports',
  () =>
    inProject(
      'eden.ts',
      ['elysia', '@elysiajs/eden', '@sinclair/typebox', '@types/bun', 'bun-types', '@types/node', 'undici-types'],
      {},
      async ({ folder, run }) => {
        await run(process.execPath, `--cwd=${ROOT}`, 'pm', 'pack', '--filename', join(folder, 'package.tgz'));
        const unpacked = join(folder, 'node_modules/todo-api');
        await mkdir(unpacked, { recursive: true });
        await run('tar', '-xzf', join(folder, 'package.tgz'), '--strip-components=1', '-C', unpacked);
      },
    ),
  TIMEOUT_MS,
);

test('What docs/clients.md shows stands in these programs, line by line', async () => {
  const text = await Bun.file(join(ROOT, 'docs/clients.md')).text();
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const programs = await Promise.all(
    ['openapi-fetch.ts', 'hey-api.ts', 'eden.ts'].map((name) => Bun.file(join(PROGRAMS, name)).text()),
  );
  expect(blocks.length).toBeGreaterThanOrEqual(programs.length);
  for (const block of blocks) {
    const lines = block.replace("'http://127.0.0.1:3000'", "process.env.ORIGIN ?? ''").split('\n');
    const strangers = programs.map((program) => lines.filter((line) => !program.split('\n').includes(line)));
    expect(strangers).toContainEqual([]);
  }
});
