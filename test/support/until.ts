/** Waits for something that is sure to happen; a test that waits in vain ends by its time-out. */
export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await happened())) await Bun.sleep(5);
}
