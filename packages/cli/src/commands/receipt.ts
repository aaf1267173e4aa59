import type { Attempt, NodeRunAccount } from '@rigel/api-client';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';

/** How an executor came to an attempt. */
const HOW: Record<string, string> = {
  begins: 'began it',
  goes_on: 'went on with it',
  finds: 'found it on the node',
  ends: 'ended it',
};
const OVER: Record<string, string> = {
  reported: 'reported its end',
  expired: 'not heard of',
  handed_back: 'handed it back',
  released: 'released',
};

interface Chosen {
  step: string;
  /** Place of the step, from 1. */
  place: number;
  attempt: Attempt;
}

/**
 * The last attempt of a run that fits.
 * @param step place of its step, from 1; undefined: any. @param number of the attempt; undefined: the last one.
 * @throws CommandError `notFound`, which names those that there are.
 */
export function attemptOf(
  { steps, id }: NodeRunAccount,
  step: number | undefined,
  number: number | undefined,
): Chosen {
  const all = steps.flatMap(({ name, attempts }, at) =>
    attempts.map((attempt): Chosen => ({ step: name, place: at + 1, attempt })),
  );
  const found = all.findLast(
    ({ place, attempt }) => place === (step ?? place) && attempt.attempt === (number ?? attempt.attempt),
  );
  if (found) return found;
  const names = all.map(({ place, attempt }) => `${place}.${attempt.attempt}`);
  throw new CommandError(
    all.length === 0
      ? `nothing of run ${id} has begun`
      : `run ${id} has no attempt ${step ?? '*'}.${number ?? '*'}; it has ${names.join(', ')}`,
    EXIT.notFound,
  );
}

/** `2.1`: step and attempt. @throws CommandError */
function readAttempt(text: string | undefined): [step: number | undefined, attempt: number | undefined] {
  if (text === undefined) return [undefined, undefined];
  const [, step, attempt] = /^(\d{1,6})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (step === undefined)
    throw new CommandError(`the attempt must be step.attempt, like 2.1 (got ${JSON.stringify(text)})`);
  return [Number(step), attempt === undefined ? undefined : Number(attempt)];
}

/** Prints what is recorded of one attempt: when it was allowed, who had it, and how it ended. */
export function printReceipt(
  { print }: Invocation,
  account: NodeRunAccount,
  which: string | undefined,
): void {
  const { step, attempt } = attemptOf(account, ...readAttempt(which));
  if (!print.isForPeople) {
    print.one('attempt', { run: account.id, step, ...attempt }, []);
    return;
  }
  print.line(
    `${plain(step)} attempt ${attempt.attempt} on ${plain(account.ip)} (task ${account.task_id})      name ${plain(attempt.key)}`,
  );
  print.line(
    `${'allowed once'.padEnd(14)}${localTime(attempt.authorised_at)}   event ${attempt.authorised_version}`,
  );
  for (const lease of attempt.leases) {
    const until = lease.until_at === null ? '' : ` until ${localTime(lease.until_at)}`;
    const over = lease.over === null ? '' : ` (${OVER[lease.over]})`;
    print.line(
      `${plain(lease.executor)}  lease ${lease.lease}  ${HOW[lease.how]}${until}${over}   event ${lease.from_version}${lease.until_version === null ? '' : ` to ${lease.until_version}`}`,
    );
  }
  const exit = attempt.exit_code === null ? '' : `, exit status ${attempt.exit_code}`;
  print.line(
    `${'ended'.padEnd(14)}${attempt.finished_at === null ? 'not yet' : localTime(attempt.finished_at)}   ${attempt.state}${exit}${attempt.ended_version === null ? '' : `   event ${attempt.ended_version}`}`,
  );
  if (attempt.reason !== '') print.line(`${'reason'.padEnd(14)}${plain(attempt.reason)}`);
  const { bytes, stored, dropped } = attempt.output;
  print.line(
    `${'output'.padEnd(14)}${bytes} bytes, ${stored} stored, ${dropped === 0 ? 'none missing' : `${dropped} missing`}`,
  );
}
