import { createHash } from 'node:crypto';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { confirm } from './confirm.js';

/** Characters of a change's hash. */
const HASH = 8;
/** Values that are longer are shown line by line. */
const ONE_LINE = 100;

/** A field that a change sets. `before`: undefined where the thing is made. */
export interface FieldChange {
  field: string;
  before?: unknown;
  after: unknown;
}

/** A change of one thing that is no task: what it sets, and how it is done. */
export interface Change {
  /** `update pool web`; also the question. */
  title: string;
  fields: readonly FieldChange[];
  /** What the change was made from; another version has another hash. */
  version?: number | null | undefined;
  /** What follows from it, in words. */
  consequences?: readonly string[];
  /** What has to be typed instead of `y`. */
  typed?: string | undefined;
  /** There is nothing to do if no field changes. */
  needsFields?: boolean;
}

const textOf = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Fields of `wanted` that are given and differ from the thing as it is. */
export function fieldChanges(
  before: Readonly<Record<string, unknown>> | undefined,
  wanted: Readonly<Record<string, unknown>>,
): FieldChange[] {
  return Object.entries(wanted)
    .filter(([name, value]) => value !== undefined && !(before && same(before[name], value)))
    .map(([field, after]) => (before ? { field, before: before[field], after } : { field, after }));
}

/** Lines of a text that changed: those that both begin or end with are left out. */
export function lineChanges(before: string, after: string): string[] {
  const old = before === '' ? [] : before.split('\n');
  const now = after === '' ? [] : after.split('\n');
  let from = 0;
  while (from < old.length && from < now.length && old[from] === now[from]) from++;
  let end = 0;
  while (
    end < old.length - from &&
    end < now.length - from &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  )
    end++;
  return [
    ...(from > 0 ? [`  … ${from} lines as before`] : []),
    ...old.slice(from, old.length - end).map((line) => `- ${plain(line)}`),
    ...now.slice(from, now.length - end).map((line) => `+ ${plain(line)}`),
    ...(end > 0 ? [`  … ${end} lines as before`] : []),
  ];
}

/** `desc: "a" → "b"`; long texts line by line. */
export function describeField({ field, before, after }: FieldChange): string[] {
  const [old, now] = [textOf(before), textOf(after)];
  if (/\n/.test(old + now) || old.length > ONE_LINE || now.length > ONE_LINE)
    return [`  ${plain(field)}:`, ...lineChanges(old, now).map((line) => `    ${line}`)];
  const shown = (value: unknown): string => plain(JSON.stringify(value));
  return [
    before === undefined
      ? `  ${plain(field)}: ${shown(after)}`
      : `  ${plain(field)}: ${shown(before)} → ${shown(after)}`,
  ];
}

function hashOf({ title, fields, version }: Change): string {
  const text = JSON.stringify([title, version ?? null, fields]);
  return createHash('sha256').update(text).digest('hex').slice(0, HASH);
}

/**
 * Shows a change and asks for it. The caller does it if the answer is true.
 * @returns false: nothing is to be done, as `--dry-run` asked or because nothing differs.
 * @throws CommandError `refused` if the change is not confirmed, or is another one than `--plan` names.
 */
export async function confirmChange(invocation: Invocation, change: Change): Promise<boolean> {
  const { flags, note, print, settings } = invocation;
  if (change.needsFields === true && change.fields.length === 0) {
    note(`${change.title}: nothing differs, nothing to do`);
    return false;
  }
  const hash = hashOf(change);
  const lines = [
    ...change.fields.flatMap(describeField),
    ...(change.consequences ?? []).map((line) => `  ${plain(line)}`),
  ];
  if (flags.dryRun) {
    if (!print.isForPeople) print.one('plan', { plan: hash, title: change.title, fields: change.fields }, []);
    else for (const line of [change.title, ...lines, `plan ${hash}`]) print.line(line);
    return false;
  }
  const where =
    settings.context === undefined ? settings.url : `context ${settings.context} (${settings.url})`;
  for (const line of [`${where}    plan ${hash}`, change.title, ...lines]) note(line);
  if (flags.plan !== undefined && flags.plan !== hash)
    throw new CommandError(
      `the plan is ${hash} now, and not ${flags.plan}: nothing was done; look at the new plan, and confirm that one`,
      EXIT.refused,
    );
  const typed = change.typed ?? (settings.protected ? settings.context : undefined);
  await confirm(invocation, `${change.title[0]?.toUpperCase()}${change.title.slice(1)}?`, typed);
  return true;
}
