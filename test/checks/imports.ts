/** Which part of `src` may import which: the arrows point one way, those of types included. */
import { join } from 'node:path';
import { type Outcome, ROOT } from './command.ts';

/** By the beginning of a file's path in `src`; the longest that fits counts. A part may always import what is listed. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'errors.ts': [],
  'types.ts': [],
  'log.ts': [],
  'terminal.ts': [],
  'db/': ['db/', 'errors.ts'],
  'http/': ['http/', 'errors.ts', 'log.ts'],
  'tasks/ids.ts': [],
  'tasks/schema.ts': ['db/schema.ts', 'types.ts'],
  'tasks/fields.ts': ['tasks/schema.ts', 'db/schema.ts', 'db/driver-values.ts'],
  'tasks/due.ts': ['errors.ts', 'types.ts'],
  'tasks/query.ts': [
    'tasks/due.ts',
    'tasks/fields.ts',
    'tasks/schema.ts',
    'db/schema.ts',
    'db/driver-values.ts',
    'errors.ts',
    'types.ts',
  ],
  'tasks/store/': [
    'tasks/store/',
    'tasks/query.ts',
    'tasks/due.ts',
    'tasks/fields.ts',
    'tasks/schema.ts',
    'db/',
    'errors.ts',
  ],
  'tasks/once.ts': ['tasks/store/', 'tasks/fields.ts', 'errors.ts'],
  'tasks/service.ts': [
    'tasks/once.ts',
    'tasks/store/',
    'tasks/query.ts',
    'tasks/fields.ts',
    'tasks/schema.ts',
    'tasks/ids.ts',
    'errors.ts',
  ],
  'tasks/openapi.ts': ['tasks/schema.ts', 'tasks/fields.ts', 'http/'],
  'tasks/routes.ts': ['tasks/', 'http/'],
  'config.ts': ['http/', 'types.ts', 'errors.ts'],
  'app.ts': ['tasks/', 'http/', 'db/', 'log.ts'],
  'backup.ts': ['db/', 'log.ts'],
  'main.ts': ['app.ts', 'backup.ts', 'config.ts', 'log.ts', 'terminal.ts', 'errors.ts', 'tasks/ids.ts', 'db/'],
};

/** The store shares statements; nothing but the app that wires it may know. */
const ONLY_APP = 'tasks/store/shared.ts';

/** Finds imports against the arrows, circles, and files that belong to no part. */
export async function importArrows(folder = join(ROOT, 'src')): Promise<Outcome> {
  const imports = new Map<string, string[]>();
  for await (const file of new Bun.Glob('**/*.ts').scan({ cwd: folder }))
    if (!file.endsWith('.d.ts')) imports.set(file, importsOf(file, await Bun.file(join(folder, file)).text()));
  const faults = [...imports].flatMap(([file, targets]) => {
    const part = partOf(file);
    if (part === undefined) return [`${file} belongs to no part of the house`];
    return targets
      .filter((target) => !isAllowed(file, part, target))
      .map((target) => `${file} may not import ${target}`);
  });
  const output = [...faults, ...circlesOf(imports).map((circle) => `circle: ${circle.join(' → ')}`)];
  return { passed: output.length === 0, output: output.sort().join('\n') };
}

function partOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((part) => file.startsWith(part))
    .sort((a, b) => b.length - a.length)[0];
}

function isAllowed(file: string, part: string, target: string): boolean {
  if (target === ONLY_APP && file !== 'app.ts') return false;
  return (MAY_IMPORT[part] ?? []).some((allowed) => target.startsWith(allowed));
}

/** The files of `src` that the text imports or exports from, also for types alone. */
function importsOf(file: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*\.ts)'/g)].map(([, path]) => path);
  return specifiers.map((path) => join(file, '..', path as string)).filter((path) => !path.startsWith('..'));
}

/** One circle for each import that closes one. */
function circlesOf(imports: ReadonlyMap<string, string[]>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  function visit(file: string, path: string[]): void {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file]);
    if (done.has(file)) return;
    done.add(file);
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
  }
  for (const file of imports.keys()) visit(file, []);
  return circles;
}
