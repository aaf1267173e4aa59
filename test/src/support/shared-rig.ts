import t from 'tap';
import { type Rig, type RigOptions, startRig } from './rig.js';

/**
 * Systems that several test files share: `pnpm test` runs those that name the same one in one process; by itself each file starts
 * it. What a test makes there has a name and addresses of its own (each file begins at another offset of `loopbackNodes`), and no
 * test stops or kills a part of it, or counts what others may have made.
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

/** The running system of this name; it stops when the tests of this process have ended. */
export function sharedRig(name: keyof typeof SYSTEMS): Promise<Rig> {
  const running = started.get(name) ?? startRig(SYSTEMS[name]);
  if (!started.has(name)) t.teardown(async () => (await running).stop());
  started.set(name, running);
  return running;
}
