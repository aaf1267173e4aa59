import t from 'tap';
import { type Rig, type RigOptions, startRig } from './rig.js';

/**
 * The systems that the test files of a folder share: `pnpm test` runs all files of such a folder in one process, and by itself
 * each file starts the system for itself. What a test makes there has a name and addresses of its own (`loopbackNodes`: each file
 * begins at another offset), and no test stops, kills or counts what is not its own.
 */
const SYSTEMS = {
  /** Two executors, failed attempts are repeated at once. */
  'one-system': {
    env: { scheduler: { RIGEL_RETRY_DELAY: '0.1' }, executor: { RIGEL_LOG_LEVEL: 'debug' } },
  },
  /** Two replicas of what owns data; nothing is run on nodes, by as many as there are. */
  'one-replicated-system': {
    executors: 1,
    schedulers: 2,
    twice: ['catalog', 'inventory'],
    env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop', RIGEL_EXECUTOR_SLOTS: '1000' } },
  },
} as const satisfies Record<string, RigOptions>;

const started = new Map<string, Promise<Rig>>();

/** The running system of a folder; it stops when the tests of this process have ended. */
export function sharedRig(folder: keyof typeof SYSTEMS): Promise<Rig> {
  const running = started.get(folder) ?? startRig(SYSTEMS[folder]);
  if (!started.has(folder)) t.teardown(async () => (await running).stop());
  started.set(folder, running);
  return running;
}
