import { type HeldBy, NO_ADDRESS, type RefusalData, show } from '@rigel/contracts';

/** What has a node: a task, or a removal from its pool that is under way (`task` is null). */
export interface Holder {
  node: number;
  /** The node's address as the task knows it; undefined when the task holds the node as another spelling of one of its own. */
  ip: string | undefined;
  task: HeldBy | null;
}

/** The holder of a node, in words that follow on "by". */
export function describeHolder(task: HeldBy | null): string {
  if (!task) return 'a removal from its pool, which is under way';
  const { task_id, name, opr_user, since, ending } = task;
  const who = `task ${task_id} (${show(name)}, of ${show(opr_user)}, since ${new Date(since).toISOString()})`;
  return ending ? `${who}, which has ended: an executor is still ending a command of it there` : who;
}

/** The same for programs: how many nodes are held, and by which task the first one. */
export function heldFacts(holders: readonly Holder[]): RefusalData {
  const [{ node, ip, task } = { node: 0, ip: undefined, task: null }] = holders;
  return {
    count: holders.length,
    node,
    ip: ip ?? null,
    task: task?.task_id ?? null,
    name: task?.name ?? null,
    opr_user: task?.opr_user ?? null,
    since: task?.since ?? null,
  };
}

/** Nodes named of each holder, and holders named, at most; the text counts the others. */
const NODES = 5;
const HOLDERS_NAMED = 3;

/**
 * Which tasks hold which nodes, in one line.
 * @param nameOf how people call a node; default: the address that its task knows, or its id.
 */
export function describeHolders(
  holders: readonly Holder[],
  nameOf: (holder: Holder) => string = ({ node, ip }) =>
    ip === undefined || ip === NO_ADDRESS ? `node ${node}` : ip,
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
