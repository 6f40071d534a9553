/** Far longer than anything waited for here takes, so that a test that waits in vain says so. */
const LIMIT_MS = 30_000;

/** Waits for something that is sure to happen, and throws when it does not. */
export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await happened())) {
    if (performance.now() > deadline) throw new Error(`It never happened: ${happened}`);
    await Bun.sleep(5);
  }
}
