import type { Logger } from 'pino';
import type { TaskCommand } from '../task/commands.js';
import { runAt, type TaskState } from '../task/state.js';

/**
 * The first host key that the holder of a node's lease saw of the node is pinned and holds until a person removes the node: a report that
 * tells of another one is taken without it, and people are told.
 */
export function withoutKnownHostKey(
  command: TaskCommand | null,
  { state, hostKeys }: { state: TaskState; hostKeys: ReadonlyMap<number, string> },
  log: Logger,
): TaskCommand | null {
  if (command?.type !== 'report' || command.hostKey === undefined) return command;
  const { id, node, ip, claimedBy: executor } = runAt(state, command.run);
  const pinned = hostKeys.get(node);
  if (pinned === undefined) return command;
  const { hostKey: reported, ...others } = command;
  if (reported !== pinned) {
    log.warn(
      { task: state.id, run: id, node: ip, executor, pinned, reported },
      'an executor reported another host key than is pinned of the node; the pinned one stays. If the node was set up anew, remove it from its ' +
        'pool and add it again',
    );
  }
  return others;
}
