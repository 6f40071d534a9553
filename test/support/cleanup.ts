/** What this process has to give back when its last test is done. */
const cleanups: (() => Promise<void>)[] = [];

export function atEnd(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup);
}

/** Runs every cleanup, the latest first. */
export async function cleanUp(): Promise<void> {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
}
