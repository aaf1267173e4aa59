import type { NodeRunInfo } from '../support/api.js';
import { nodeNumber, outputOf, RETRIES, STEPS } from './work.js';

/** What a run left behind: what the API says of it, and what ran on its node. */
export interface RunFacts {
  run: NodeRunInfo;
  /** Text of each step. */
  log: [string, string][];
  /** How often each attempt's command ran, by `step/attempt`. */
  ran: Map<string, number>;
}

/** What came out of looking at a run. */
export interface RunCheck {
  problems: string[];
  attempts: number;
  /** Attempts whose node could not be reached: nothing ran. */
  unreached: number;
}

const SUCCEEDED = 2;
const FAILED = 3;

/**
 * Compares a run of `workSteps` that has ended with what must have happened. What is not known beforehand is only which
 * attempts did not reach their node, because its connection was cut while it was opened: those count as failed attempts,
 * and their commands must not have run.
 */
export function checkRun({ run, log, ran }: RunFacts): RunCheck {
  const host = run.ip.split(':')[0] ?? '';
  const check: RunCheck = { problems: [], attempts: 0, unreached: 0 };
  const wrong = (what: string): void => {
    check.problems.push(`run ${run.id} on ${run.ip}: ${what}`);
  };
  let expected = 0;
  let over = false;
  STEPS.forEach((step, index) => {
    const record = run.steps.list[index];
    const attempts = over ? 0 : (record?.attempts ?? 0);
    const { outputs, ends } = readLog(log[index]?.[1] ?? '');
    if (over && ((record?.attempts ?? 0) > 0 || outputs.size + ends.size > 0)) {
      wrong(`step ${step.label} was begun after the run had failed`);
    }
    let status = 0;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const times = ran.get(`${index}/${attempt}`) ?? 0;
      const end = ends.get(attempt);
      check.attempts++;
      if (end?.startsWith(`${run.ip}: `)) {
        check.unreached++;
        status = -1;
        if (times !== 0) wrong(`step ${step.label} attempt ${attempt} ran, but its verdict is: ${end}`);
        continue;
      }
      expected++;
      status = step.status(nodeNumber(host), attempt);
      if (times !== 1) wrong(`step ${step.label} attempt ${attempt} ran ${times} times`);
      const verdict = status === 0 ? undefined : `exit status ${status}`;
      if (end !== verdict) wrong(`step ${step.label} attempt ${attempt}: ${end}, not ${verdict}`);
      if (status === 0 && attempt < attempts) wrong(`step ${step.label} succeeded and was repeated`);
      const output = outputs.get(attempt);
      if (output !== outputOf(step.label, host, attempt)) {
        wrong(`step ${step.label} attempt ${attempt} printed ${JSON.stringify(output)}`);
      }
    }
    if (over) return;
    if (attempts === 0) wrong(`step ${step.label} was not begun`);
    over = status !== 0;
    if (over && attempts !== RETRIES + 1) wrong(`step ${step.label} failed after ${attempts} attempts`);
    if (record?.state !== (over ? FAILED : SUCCEEDED))
      wrong(`step ${step.label} is in state ${record?.state}`);
  });
  if (run.state !== (over ? FAILED : SUCCEEDED)) wrong(`its state is ${run.state}`);
  const lines = [...ran.values()].reduce((sum, times) => sum + times, 0);
  if (lines !== expected && check.problems.length === 0) wrong(`${lines} commands ran, not ${expected}`);
  return check;
}

/** The output of each attempt, and how each ended that did not succeed. */
function readLog(text: string): { outputs: Map<number, string>; ends: Map<number, string> } {
  const outputs = new Map<number, string>();
  const ends = new Map<number, string>();
  for (const line of text.split(/(?<=\n)/)) {
    const [, failed, reason] = /^\[attempt (\d+) (?:failed|was ended): (.*)\]\n$/.exec(line) ?? [];
    if (failed !== undefined) {
      ends.set(Number(failed), reason ?? '');
      continue;
    }
    const attempt = Number(/attempt (\d+)\n$/.exec(line)?.[1] ?? 0);
    outputs.set(attempt, (outputs.get(attempt) ?? '') + line);
  }
  return { outputs, ends };
}
