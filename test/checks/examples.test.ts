import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { ROOT } from './command.ts';
import { checkCompose, checkKubernetes, examples } from './examples.ts';

const read = (name: string) => Bun.file(join(ROOT, 'examples', name)).text();

test('The examples have the form that Compose and Kubernetes ask for', async () => {
  expect(await examples()).toEqual({ passed: true, output: '' });
});

test('A misspelt field of the Compose file is a fault', async () => {
  const { passed, output } = checkCompose((await read('compose.yaml')).replace('read_only:', 'readonly:'));
  expect(passed).toBe(false);
  expect(output).toContain('data/services/gateway must NOT have additional properties');
});

test.each([
  ['readOnlyRootFilesystem: true', 'readonlyRootFilesystem: true', `'"readonlyRootFilesystem"' does not exist`],
  ['replicas: 2', 'replicas: two', "Type 'string' is not assignable to type 'number'"],
  ['kind: PodDisruptionBudget', 'kind: PodDisruption', "has no exported member 'PodDisruption'"],
])('In the manifests of Kubernetes, %s may not become %s', async (text, wrong, fault) => {
  const { passed, output } = await checkKubernetes((await read('kubernetes.yaml')).replace(text, wrong));
  expect(passed).toBe(false);
  expect(output).toContain(fault);
});
