import { type HeldBy, show } from '@rigel/contracts';

/** Who has a node: a task, or nobody but a removal from its pool that is under way (`task` is null). */
export interface Holder {
  node: number;
  /** As the task knows the node; undefined where it holds the node as another spelling of its own. */
  ip: string | undefined;
  task: HeldBy | null;
}

/** Who holds a node, in words that follow on "by". */
export function describeHolder(task: HeldBy | null): string {
  if (!task) return 'a removal from its pool, which is under way';
  const { task_id, name, opr_user, since, ending } = task;
  const who = `task ${task_id} (${show(name)}, of ${show(opr_user)}, since ${new Date(since).toISOString()})`;
  return ending ? `${who}, which has ended: a command of it is still being ended there` : who;
}

/** Nodes named of each holder, and holders named, at most; the others are counted. */
const NODES = 5;
const HOLDERS_NAMED = 3;

/**
 * Who holds which nodes, in one line.
 * @param nameOf what people know a node by; default: the address that its task knows, or its id.
 */
export function describeHolders(
  holders: readonly Holder[],
  nameOf: (holder: Holder) => string = ({ node, ip }) =>
    ip === undefined || ip === '-' ? `node ${node}` : ip,
): string {
  const groups = new Map<number, Holder[]>();
  for (const holder of holders) {
    const id = holder.task?.task_id ?? 0;
    const group = groups.get(id);
    if (group) group.push(holder);
    else groups.set(id, [holder]);
  }
  const all = [...groups.values()];
  const named = all.slice(0, HOLDERS_NAMED).map((group) => {
    const names = group.slice(0, NODES).map(nameOf).join(', ');
    const rest = group.length > NODES ? ` and ${group.length - NODES} more` : '';
    return `${names}${rest} by ${describeHolder(group[0]?.task ?? null)}`;
  });
  const left = all.slice(HOLDERS_NAMED);
  const nodes = left.reduce((sum, group) => sum + group.length, 0);
  const others = nodes > 0 ? `; ${nodes} more by ${left.length} other tasks` : '';
  return `${named.join('; ')}${others}`;
}
