import type { Logger } from 'pino';
import type { TaskCommand } from '../task/commands.js';
import { runAt, type TaskState } from '../task/state.js';

/**
 * The first host key that an executor reported of a node under its lease is pinned, and holds until a person removes the node. A report
 * with another key counts without the key, and the log says so.
 */
export function withoutKnownHostKey(
  command: TaskCommand | null,
  { state, hostKeys }: { state: TaskState; hostKeys: ReadonlyMap<number, string> },
  log: Logger,
): TaskCommand | null {
  if (command?.do !== 'report' || command.hostKey === undefined) return command;
  const { id, node, ip, claimedBy: executor } = runAt(state, command.run);
  const pinned = hostKeys.get(node);
  if (pinned === undefined) return command;
  const { hostKey: reported, ...others } = command;
  if (reported !== pinned) {
    log.warn(
      { task: state.id, run: id, node: ip, executor, pinned, reported },
      `executor ${executor} reported another host key of node ${ip} than the pinned one, which stays. If somebody reinstalled the node, remove it ` +
        'from its pool and add it again',
    );
  }
  return others;
}
