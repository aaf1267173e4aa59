import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSetName, SET_NAME_RULE } from '@rigel/contracts';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { confirmChange } from '../plan/change.js';
import { confirm } from '../plan/confirm.js';
import { adopt, applyPlan } from './apply.js';
import { consequencesOf } from './consequences.js';
import { type Document, keyOf } from './documents.js';
import { type Mistake, MOST_MISTAKES, mistakeLine, shown } from './mistakes.js';
import { makePlan, type Plan } from './plan.js';
import { inOrder, type Present, readPresent, type Thing } from './present.js';
import { readFleet } from './read.js';
import { checkReferences, type Known, namesOf } from './rules.js';
import { KINDS, type Kind } from './schema.js';
import { planData, planLines, planMarkdown, summaryOf } from './show-plan.js';
import { dataOf, FOLDERS, filesOf, yamlOf } from './write.js';

/* What the commands on files do. */

/** Characters of a plan's hash that are shown; `--plan` takes them too. */
const SHOWN = 8;

function mistakesIn(mistakes: readonly Mistake[]): CommandError {
  const shown = mistakes.slice(0, MOST_MISTAKES).map(mistakeLine);
  const more = mistakes.length > MOST_MISTAKES ? [`and ${mistakes.length - MOST_MISTAKES} more`] : [];
  return new CommandError(`the files have ${countOf(mistakes)}; nothing was done`, EXIT.couldNot, {
    lines: [...shown, ...more],
  });
}

const countOf = ({ length }: readonly Mistake[]): string =>
  length === 1 ? 'a mistake' : `${length} mistakes`;

function refusedBy({ refusals }: Plan): CommandError {
  return new CommandError('a rule stands against the plan; nothing was done', EXIT.refused, {
    lines: refusals,
  });
}

/** Checks files without a server. */
export async function lint(
  invocation: Invocation,
  path: string,
  { partial }: { partial: boolean },
): Promise<number> {
  const { print, note } = invocation;
  const { documents, mistakes } = await readFleet(invocation, path);
  if (!partial && mistakes.length === 0)
    mistakes.push(
      ...checkReferences(
        documents,
        namesOf(documents),
        'in these files (--partial allows names of objects elsewhere)',
      ),
    );
  if (print.isForPeople) for (const mistake of mistakes) print.line(mistakeLine(mistake));
  else
    print.rows(
      'mistake',
      mistakes,
      ['file', 'line', 'what', 'message'].map((field) => ({ field, title: field })),
    );
  if (mistakes.length > 0) {
    note(`${countOf(mistakes)} in ${plain(path)}`);
    return EXIT.notGood;
  }
  note(`${documents.length} ${documents.length === 1 ? 'document' : 'documents'}, no mistake`);
  return EXIT.done;
}

function checkSet(set: string | undefined, flag = '--set'): void {
  if (set !== undefined && !isSetName(set))
    throw new CommandError(`${flag} must be the name of a set: ${SET_NAME_RULE} (got ${shown(set)})`);
}

interface Compared {
  documents: Document[];
  present: Present;
  plan: Plan;
}

/** Reads files and the system, and compares them. @throws CommandError which names each mistake in the files. */
async function compare(
  invocation: Invocation,
  path: string,
  { set, prune }: { set?: string | undefined; prune?: boolean },
): Promise<Compared> {
  checkSet(set);
  if (prune && set === undefined)
    throw new CommandError('--prune needs --set: only objects of one set of files are deleted');
  const { documents, mistakes } = await readFleet(invocation, path);
  if (mistakes.length > 0) throw mistakesIn(mistakes);
  const withNodes = documents.some(({ kind, fields }) => kind === 'Pool' && fields.nodes !== undefined);
  const present = await readPresent(invocation, withNodes);
  const unknown = checkReferences(
    documents,
    namesWith(documents, present),
    'in these files or in the system',
  );
  if (unknown.length > 0) throw mistakesIn(unknown);
  return { documents, present, plan: makePlan(documents, present, { set, ...(prune ? { prune } : {}) }) };
}

function namesWith(documents: readonly Document[], { things }: Present): Known {
  const names = namesOf(documents);
  return Object.fromEntries(
    Object.entries(names).map(([kind, own]) => [
      kind,
      new Set([
        ...own,
        ...[...things.values()].filter((thing) => thing.kind === kind).map(({ name }) => name),
      ]),
    ]),
  ) as unknown as Known;
}

const where = ({ settings }: Invocation): string =>
  settings.context === undefined ? settings.url : `context ${settings.context} (${settings.url})`;

/** Shows what apply would change. */
export async function plan(
  invocation: Invocation,
  path: string,
  flags: { set: string | undefined; prune: boolean; exitCode: boolean },
): Promise<number> {
  const { print, note } = invocation;
  const { plan: made, present } = await compare(invocation, path, flags);
  made.notes.push(...(await consequencesOf(invocation, made, present)));
  if (print.format === 'markdown') print.line(planMarkdown(made));
  else if (print.isForPeople) {
    note(`${where(invocation)}    plan ${made.hash.slice(0, SHOWN)}`);
    for (const line of planLines(made)) print.line(line);
  } else print.one('plan', planData(made), []);
  if (made.refusals.length > 0) throw refusedBy(made);
  return flags.exitCode && made.changes.length > 0 ? EXIT.notGood : EXIT.done;
}

/** Makes the system what the files say. */
export async function apply(
  invocation: Invocation,
  path: string,
  asked: { set: string | undefined; prune: boolean; pruneMax: number | undefined },
): Promise<number> {
  const { flags, note, print, settings } = invocation;
  const { plan: made, present } = await compare(invocation, path, asked);
  const hash = made.hash.slice(0, SHOWN);
  made.notes.push(...(await consequencesOf(invocation, made, present)));
  const line = flags.dryRun && print.isForPeople ? (text: string) => print.line(text) : note;
  note(`${where(invocation)}    plan ${hash}`);
  for (const text of planLines(made)) line(text);
  if (flags.dryRun && !print.isForPeople) print.one('plan', planData(made), []);
  if (made.refusals.length > 0) throw refusedBy(made);
  if (flags.dryRun) return EXIT.done;
  if (flags.plan !== undefined && !(flags.plan.length >= SHOWN && made.hash.startsWith(flags.plan)))
    throw new CommandError(
      `the plan is ${hash} now, and not ${flags.plan}: nothing was done; look at the new plan, and confirm that one`,
      EXIT.refused,
    );
  if (made.changes.length === 0) return EXIT.done;
  const deletions = made.changes.filter(({ do: what }) => what === 'delete').length;
  if (deletions > 0 && flags.yes && flags.plan === undefined && deletions > (asked.pruneMax ?? 0))
    throw new CommandError(
      `${deletions} objects would be deleted, and --prune-max allows ${asked.pruneMax ?? 0}: nothing was done`,
      EXIT.refused,
    );
  const question = `Make these changes: ${summaryOf(made)}?`;
  await confirm(
    invocation,
    question,
    deletions > 0 ? String(deletions) : settings.protected ? settings.context : undefined,
  );
  await applyPlan(invocation, made, present, asked.set);
  if (print.format !== 'table' && print.format !== 'wide') print.one('plan', planData(made), []);
  note(
    `done: ${summaryOf(made).replaceAll('to create', 'created').replaceAll('to change', 'changed').replaceAll('to delete', 'deleted')}`,
  );
  return EXIT.done;
}

/** Marks what is as the files say as belonging to a set. */
export async function adoptAll(
  invocation: Invocation,
  path: string,
  { set, from }: { set: string; from: string | undefined },
): Promise<number> {
  const { note } = invocation;
  checkSet(from, '--from');
  const { documents, plan: made, present } = await compare(invocation, path, {});
  checkSet(set);
  const differing = new Map(made.changes.map((change) => [keyOf(change), change]));
  const marks: Thing[] = [];
  const left: string[] = [];
  for (const document of inOrder(documents)) {
    const thing = present.things.get(keyOf(document));
    if (document.kind === 'Schedule' || thing?.set === set) continue;
    const title = `${document.kind} ${document.name}`;
    if (!thing) left.push(`${title} does not exist`);
    else if (differing.has(keyOf(document))) left.push(`${title} is not as the files say`);
    else if (thing.set !== '' && thing.set !== from)
      left.push(`${title} belongs to the set ${thing.set} (--from)`);
    else marks.push(thing);
  }
  for (const text of left) note(`  not adopted: ${plain(text)}`);
  if (marks.length === 0) {
    note('nothing to do');
    return left.length > 0 ? EXIT.notGood : EXIT.done;
  }
  const fields = marks.map(({ kind, name, set: before }) => ({
    field: `set of ${kind} ${name}`,
    before,
    after: set,
  }));
  const title = `mark ${marks.length} objects as objects of the set ${set}`;
  if (!(await confirmChange(invocation, { title, fields }))) return EXIT.done;
  for (const [done, thing] of marks.entries()) {
    try {
      await adopt(invocation, thing, set);
    } catch (error) {
      note(
        `${done} of ${marks.length} objects are marked; ${thing.kind} ${plain(thing.name)} is refused. Repeat it then`,
      );
      throw error;
    }
  }
  note(`${marks.length} objects belong to the set ${set}`);
  return left.length > 0 ? EXIT.notGood : EXIT.done;
}

/** `pools`, `pool` and `Pool` are the kind Pool. */
function kindsOf(words: readonly string[]): readonly Kind[] {
  if (words.length === 0) return KINDS;
  return words.map((word) => {
    const kind = KINDS.find(
      (known) => known.toLowerCase() === word.toLowerCase() || FOLDERS[known] === word.toLowerCase(),
    );
    if (kind) return kind;
    throw new CommandError(
      `${shown(word)} is no kind: there are ${KINDS.map((known) => FOLDERS[known]).join(', ')}`,
    );
  });
}

/** Writes what the system has, as documents. */
export async function exportFleet(
  invocation: Invocation,
  words: readonly string[],
  { folder, set, replace }: { folder: string | undefined; set: string | undefined; replace: boolean },
): Promise<number> {
  const { io, note } = invocation;
  checkSet(set);
  const kinds = kindsOf(words);
  if (folder !== undefined) prepareFolder(folder, replace);
  const { things, unsaid } = await readPresent(invocation, kinds.includes('Pool'));
  const isWanted = (thing: Thing): boolean => {
    if (!kinds.includes(thing.kind)) return false;
    if (set === undefined) return true;
    if (thing.kind !== 'Schedule') return thing.set === set;
    return (
      things.get(keyOf({ kind: 'Pool', name: thing.name.slice(0, thing.name.lastIndexOf(' ')) }))?.set === set
    );
  };
  const wanted = inOrder([...things.values()].filter(isWanted));
  for (const text of unsaid) note(`! files cannot say it: ${plain(text)}`);
  if (folder === undefined) {
    for (const [at, thing] of wanted.entries()) io.out(`${at === 0 ? '' : '---\n'}${yamlOf(dataOf(thing))}`);
    return EXIT.done;
  }
  writeFiles(folder, filesOf(wanted));
  note(`${wanted.length} documents are in ${plain(folder)}`);
  return EXIT.done;
}

/** Files of an export, with the script files beside them. */
const IS_OURS = /\.(yaml|sh)$/;

/** @throws CommandError if the folder has documents already, and they are not to be replaced. */
export function prepareFolder(folder: string, replace: boolean): void {
  for (const name of Object.values(FOLDERS)) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    const files = readdirSync(path).filter((file) => IS_OURS.test(file));
    if (files.length > 0 && !replace)
      throw new CommandError(
        `${path} has files already: --replace deletes its ${files.length} .yaml and .sh files first`,
      );
  }
}

/** Writes files; those of an earlier export that are none of these go. */
export function writeFiles(folder: string, files: readonly { path: string; text: string }[]): void {
  for (const name of Object.values(FOLDERS)) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    for (const file of readdirSync(path)) if (IS_OURS.test(file)) rmSync(join(path, file));
  }
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
