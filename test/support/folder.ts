import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the runner says that all temporary folders of a run go. */
export const FOLDER = 'TEST_FOLDER';

/** Makes an empty folder that every user of the machine can enter, and the function that removes it. */
export async function makeFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(process.env[FOLDER] ?? tmpdir(), 'todo-api-test-'));
  await chmod(folder, 0o755);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
