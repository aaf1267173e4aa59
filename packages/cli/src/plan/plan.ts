import type { Preview } from '@rigel/api-client';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { duration } from '../output/times.js';
import { confirm } from './confirm.js';

/** Characters of a plan's hash that are shown; `--plan` takes them too. */
const SHOWN = 8;
/** As many of the nodes that are left out are named. */
const SOME = 5;

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** How much of a plan is shown. */
export interface Detail {
  scripts: boolean;
  leftOut: boolean;
}

/** A plan as people read it: what will happen to how many nodes, in which batches, by which steps. */
export function describePlan(title: string, plan: Preview, detail: Detail): string[] {
  const { tasks, nodes, left_out: left, steps, warnings, duration: time, at_once: atOnce } = plan;
  const [task] = tasks;
  const batches = tasks.reduce((sum, { batches }) => sum + batches, 0);
  const size = Math.max(0, ...tasks.map(({ batch_size }) => batch_size));
  const made = nodes.to_make > 0 ? `, ${nodes.to_make} of them to be made` : '';
  const halts =
    task && task.max_failed !== null
      ? `, halts after more than ${plural(task.max_failed, 'failure')}`
      : batches > 1
        ? ', halts after a batch without a success (--max-failed)'
        : '';
  const lines = [
    `${title}: ${plural(nodes.count, 'node')}${made}, ${plural(batches, 'batch', 'batches')} of up to ${size}${halts}`,
  ];
  if (left.count > 0) {
    lines.push(
      `  left out: ${plural(left.count, 'node')}${detail.leftOut ? '' : '          (--show-left-out)'}`,
    );
    const shown = detail.leftOut ? left.rows : [];
    for (const { ip, text } of shown) lines.push(`    ${plain(ip)}  ${plain(text)}`);
    if (detail.leftOut && left.count > shown.length) lines.push(`    and ${left.count - shown.length} more`);
  }
  const width = Math.max(0, ...steps.map(({ name }) => plain(name).length));
  for (const [at, step] of steps.entries()) {
    const values = step.params.map(({ name, value, secret, source }) =>
      secret
        ? `${name}=secret ${value}`
        : `${name}=${JSON.stringify(value)}${source === 'call' ? '' : ` (${source})`}`,
    );
    const more = [
      ...values,
      ...(step.retry_times > 0 ? [`${plural(step.retry_times, 'retry', 'retries')}`] : []),
      ...(step.ignore_error ? ['goes on if it fails'] : []),
      ...(step.timeout > 0 ? [`at most ${duration(step.timeout * 1_000)}`] : []),
    ];
    lines.push(`  ${at + 1} ${plain(step.name).padEnd(width)}  ${plain(more.join(', '))}`.trimEnd());
    if (!detail.scripts) continue;
    for (const { script, cut } of step.actions) {
      for (const line of script.split('\n')) lines.push(`      │ ${plain(line)}`);
      if (cut) lines.push('      │ …');
    }
  }
  if (!detail.scripts && steps.some(({ actions }) => actions.some(({ script }) => script !== '')))
    lines.push('    what runs on a node: --show-scripts');
  for (const { text } of warnings) lines.push(`  ! ${plain(text)}`);
  const last =
    time === null
      ? ''
      : `like the last ${time.task_ids.length}: about ${duration(time.likely_ms)} (${duration(time.least_ms)} to ${duration(time.most_ms)}). `;
  lines.push(`${last}At most ${plural(atOnce, 'node')} out of service at a time.`);
  return lines;
}

export interface Planned {
  /** `deploy shop:8 to pool shop`. */
  title: (plan: Preview) => string;
  /** `Deploy to 958 nodes of shop?` */
  question: (plan: Preview) => string;
  preview: () => Promise<Preview>;
  /** Does what the plan shows, and nothing else. @returns ids of the tasks. */
  run: (ifPlan: string) => Promise<readonly number[]>;
  detail: Detail;
  /** What has to be typed: the name of a protected pool. */
  typed?: string | undefined;
}

/**
 * Shows the plan, asks, and does exactly what was shown.
 * @returns ids of the tasks; undefined: nothing was done, as `--dry-run` asked.
 */
export async function carryOut(
  invocation: Invocation,
  planned: Planned,
): Promise<readonly number[] | undefined> {
  const { flags, print, note, settings } = invocation;
  const plan = await planned.preview();
  const hash = plan.plan.slice(0, SHOWN);
  if (flags.dryRun) {
    if (!print.isForPeople) print.one('plan', plan, []);
    else {
      for (const line of describePlan(planned.title(plan), plan, planned.detail)) print.line(line);
      print.line(`plan ${hash}`);
    }
    if (plan.refused !== null) throw new CommandError(plain(plan.refused), EXIT.refused);
    return undefined;
  }
  note(
    `${settings.context === undefined ? settings.url : `context ${settings.context} (${settings.url})`}    plan ${hash}`,
  );
  for (const line of describePlan(planned.title(plan), plan, planned.detail)) note(line);
  if (plan.refused !== null) throw new CommandError(plain(plan.refused), EXIT.refused);
  if (flags.plan !== undefined && !(flags.plan.length >= SHOWN && plan.plan.startsWith(flags.plan)))
    throw new CommandError(
      `the plan is ${hash} now, and not ${flags.plan}: nothing was done; look at the new plan, and confirm that one`,
      EXIT.refused,
    );
  // A context that is protected asks for its own name, a protected pool for the pool's.
  const typed = planned.typed ?? (settings.protected ? settings.context : undefined);
  await confirm(invocation, planned.question(plan), typed);
  return planned.run(plan.plan);
}

/** Names of the first few, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length - SOME;
  return `${names.slice(0, SOME).map(plain).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
