import type { AttemptOutcome, AttemptSpec } from '@rigel/remote-attempt';
import type { UntimedResult } from '../step-runner.js';
import type { Unended } from './run-node.js';

/* Results of attempts, from what the node says of their commands. */

const OUTPUT_LOST =
  "the disk of the node was full when the command ended, or its user's quota used up: output may be missing";

/** The result of a command that no executor ended. */
export function exitResult(
  outcome: Extract<AttemptOutcome, { kind: 'exited' }>,
  spec: AttemptSpec,
): UntimedResult {
  const { exitCode, outputLost } = outcome;
  if (exitCode === 0) {
    return { status: 'succeeded', reason: '', exit_code: 0, ...(outputLost ? { note: OUTPUT_LOST } : {}) };
  }
  const reason = exitReason(outcome, spec) + (outputLost ? `; ${OUTPUT_LOST}` : '');
  return { status: 'failed', reason, exit_code: exitCode };
}

/** What a shell means by the statuses that it gives itself; the output has its words. */
const shellStatus: Record<number, string> = {
  126: 'from a shell: it may not run the command',
  127: 'from a shell: it does not find the command',
};

function exitReason(outcome: Extract<AttemptOutcome, { kind: 'exited' }>, spec: AttemptSpec): string {
  // A status above 128 may stand for a signal, or the command may have chosen it.
  const meaning = outcome.signal ? `128 + ${outcome.signal}` : shellStatus[outcome.exitCode];
  const how = `exit status ${outcome.exitCode}${meaning ? ` (${meaning})` : ''}`;
  return spec.actions.length > 1 ? `action ${outcome.actionName}: ${how}` : how;
}

/**
 * The fields of a result that say that a command may still run. Beside a command that withstands KILL no other attempt
 * begins; on a node that was away the next attempt ends the command first.
 */
export function mayRun(unended: Unended | undefined): Pick<UntimedResult, 'may_run' | 'no_retry'> {
  if (!unended) return {};
  return unended.alive ? { may_run: true, no_retry: true } : { may_run: true };
}
