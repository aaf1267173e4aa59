import { setTimeout as delay } from 'node:timers/promises';
import { processStart } from './process-identity.js';
import type { ProcessRecord } from './run-folder.js';
import type { SupervisorLog } from './supervisor-log.js';

const POLL_MS = 50;
const KILL_DEADLINE_MS = 5_000;

/**
 * Ends the processes that a supervisor left when it died, in the order in which it would have stopped them. It ends only
 * recorded processes that are still the same: a process number that belongs to another process by now is left alone.
 *
 * @param deadlineMs time that each has to end before it is killed
 * @throws Error if one cannot be ended
 */
export async function endLeftovers(
  records: ProcessRecord[],
  log: SupervisorLog,
  deadlineMs: number,
): Promise<void> {
  const alive: ProcessRecord[] = [];
  for (const record of records) if (await runs(record)) alive.push(record);
  if (alive.length === 0) return;
  const names = alive.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
  log.warn({ processes: alive }, `ending processes that an earlier instance left behind: ${names}`);

  const stages = [...new Set(alive.map(({ stopStage }) => stopStage))].sort((a, b) => a - b);
  for (const stage of stages) {
    await Promise.all(
      alive.filter(({ stopStage }) => stopStage === stage).map((record) => end(record, deadlineMs)),
    );
  }
}

async function end(record: ProcessRecord, deadlineMs: number): Promise<void> {
  const steps: [NodeJS.Signals, number][] = [
    [record.stopSignal, deadlineMs],
    ['SIGKILL', KILL_DEADLINE_MS],
  ];
  for (const [signal, waitMs] of steps) {
    try {
      process.kill(record.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw new Error(`cannot end ${record.name} (pid ${record.pid}) of an earlier instance`, {
        cause: error,
      });
    }
    const deadline = Date.now() + waitMs;
    while (Date.now() < deadline) {
      if (!(await runs(record))) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`${record.name} (pid ${record.pid}) of an earlier instance does not end`);
}

async function runs({ pid, started }: ProcessRecord): Promise<boolean> {
  return (await processStart(pid)) === started;
}
