/**
 * Power cuts, seen from outside. strace records what the service does to its folder, and what it answers. From that the
 * test makes the folder as a cut at any moment would leave it: what was synced, and any part of the rest. It starts the
 * service on that folder, and looks for every task that was acknowledged before the cut.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../support/folder.ts';
import {
  type Acknowledged,
  type Cut,
  luckBy,
  type Outcome,
  outcomeOf,
  type Phases,
  phasesOf,
  randomBy,
  replay,
} from './power/cuts.ts';
import { Disk } from './power/disk.ts';
import { type Recording, record } from './power/recorded-service.ts';

/** Cuts in each of seven phases. Each is a start of the service. */
const CUTS = Number(process.env.POWER_CUTS ?? (process.env.CI ? 4 : 1));
const SEED = Number(process.env.POWER_CUT_SEED ?? Date.now() % 1_000_000);
const TIMEOUT_MS = 1_800_000;

const random = randomBy(SEED);
const LUCK = luckBy(random);
const hasStrace = process.platform === 'linux' && Bun.which('strace') !== null;
if (!hasStrace) console.warn('Power cuts are not tested here: that needs Linux and strace (apt-get install strace).');

// With CI set it must be there.
describe.if(hasStrace || process.env.CI === 'true')(`A power cut (seed ${SEED})`, () => {
  const outcomes: Outcome[] = [];
  let home: Awaited<ReturnType<typeof makeFolder>>;
  let first: Recording;
  /** What a cut under load has left, for the next service. */
  const left = { folder: '', acknowledged: new Map() as Acknowledged };

  beforeAll(async () => {
    home = await makeFolder();
  });
  afterAll(async () => {
    const sum = (key: 'acknowledged' | 'lost') => outcomes.reduce((total, outcome) => total + outcome[key], 0);
    const closed = outcomes.filter(({ error }) => error).length;
    console.log(
      `${outcomes.length} power cuts (seed ${SEED}): of ${sum('acknowledged')} acknowledged tasks ${sum('lost')} were lost; ${closed} folders did not open`,
    );
    await home.remove();
  });

  function cutsIn(phases: Phases): Cut[] {
    const lucks = Object.keys(LUCK);
    return Object.entries(phases).flatMap(([phase, moments], index) =>
      Array.from({ length: CUTS }, (_, n) => ({
        phase,
        at: moments[Math.floor(random() * moments.length)] as number,
        luck: lucks[(index + n) % lucks.length] as string,
      })),
    );
  }

  async function cutAll(recording: Recording, disk: Disk, acknowledged: Acknowledged, cuts: Cut[]): Promise<Outcome[]> {
    const found: Outcome[] = [];
    await replay(recording, disk, acknowledged, cuts, async (cut) => {
      const folder = join(home.folder, `cut ${outcomes.length}`);
      await disk.leave(folder, (LUCK[cut.luck] as () => ReturnType<(typeof LUCK)[string]>)());
      if (cut.phase === 'load') {
        left.folder = `${folder} again`;
        left.acknowledged = new Map(acknowledged);
        await cp(folder, left.folder, { recursive: true });
      }
      const outcome = await outcomeOf(cut, folder, acknowledged);
      outcomes.push(outcome);
      found.push(outcome);
    });
    expect(found.length).toBe(cuts.length);
    return found;
  }

  const isLoss = ({ lost, error }: Outcome) => lost > 0 || error !== undefined;

  test(
    'at the first start, under load or during a checkpoint loses no acknowledged task',
    async () => {
      first = await record(join(home.folder, 'first'), join(home.folder, 'first.trace'), async (service) => {
        await service.load(100);
        await Promise.all([service.load(200), service.backUp(join(home.folder, 'copy'))]);
        await service.load(100);
        await service.stop('SIGKILL');
      });
      const phases = await phasesOf(first, { start: 'the first start' });
      expect(Object.keys(phases)).toEqual(['the first start', 'load', 'a checkpoint']);
      const cuts = cutsIn(phases);
      expect((await cutAll(first, new Disk(), new Map(), cuts)).filter(isLoss)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  // Only in CI or when POWER_CUTS asks for it: a second recording takes a quarter of a minute.
  test.if(process.env.CI === 'true' || process.env.POWER_CUTS !== undefined)(
    'during the recovery from another one, after it or at a stop loses none either',
    async () => {
      const disk = await Disk.holding(left.folder);
      const { folder, acknowledged } = left;
      const second = await record(folder, join(home.folder, 'second.trace'), async (service) => {
        await service.load(100);
        await service.stop('SIGTERM');
      });
      const cuts = cutsIn(await phasesOf(second, { start: 'a recovery', stop: 'a stop' }));
      expect((await cutAll(second, disk, acknowledged, cuts)).filter(isLoss)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'is simulated with everything that the service wrote',
    async () => {
      const disk = new Disk();
      await replay(first, disk, new Map(), [], async () => {});
      const replayed = join(home.folder, 'replayed');
      await disk.leave(replayed, { name: () => true, sector: () => true });
      const { stdout } = Bun.spawnSync(['diff', '-r', '-q', '-x', '*.sock', first.folder, replayed]);
      expect(stdout.toString()).toBe('');
    },
    TIMEOUT_MS,
  );
});
