import { readFileSync } from 'node:fs';
import { shellQuote } from '@rigel/command-template';
import type { OutputShares } from './attempt-output.js';
import type { AttemptAction, AttemptSpec } from './attempt-spec.js';

/** A script for a node, as a function of the nonce of its control lines. */
export type NodeScript = (nonce: string) => string;

/** The place of an attempt that the home folder could not take, see node-scripts/places.sh. */
export interface AttemptPlace {
  /** The folder of its files. */
  folder: string;
  /** Boot id of the node at that time: a restart empties memory. */
  bootId: string;
}

/** The folders that scripts search. */
export interface AttemptFolders {
  /** Folders besides `~/.rigel/attempts`, in order of preference. */
  others: readonly string[];
  /** The place of this attempt, if it has been recorded. */
  place?: AttemptPlace | undefined;
  /** The start script that could not write in the home folder had made the journal there. */
  mine?: boolean;
}

const common = `${readPart('common')}${readPart('places')}`;
const parts = {
  guard: readPart('guard'),
  start: readPart('start'),
  follow: readPart('follow'),
  stop: readPart('stop'),
  prune: readPart('prune'),
  fallback: readPart('fallback'),
  findPlace: readPart('find-place'),
  boots: readPart('boots'),
};

/**
 * Commands with these words may start processes as other users or in new process groups, so their end is checked more
 * closely.
 */
const CHANGES_USER = /\b(sudo|doas|su|runuser|setpriv|pkexec)\b/;
const LEAVES_GROUP = /\bsetsid\b|\bset\s+-\w*m|\bmonitor\b/;

/**
 * Prepares a shell that starts attempts, one after the other, see node-scripts/start.sh.
 * @param others folders besides `~/.rigel/attempts`.
 */
export function startPreparation(others: readonly string[]): NodeScript {
  const settings = { rg_key: '', rg_others: others.join(' '), rg_place: '', rg_place_boot: '', rg_mine: '' };
  return assemble(settings, [common, parts.guard, parts.start]);
}

/**
 * Begins an attempt in a prepared shell.
 * @param folders `others` only if they are more than the prepared shell has.
 */
export function attemptCommand(
  spec: AttemptSpec,
  shares: OutputShares,
  shell: string,
  folders: AttemptFolders = { others: [] },
): string {
  // Only what differs from the preparation: some shells read it one byte at a time.
  const { place, mine, others } = folders;
  const elsewhere = {
    ...(others.length > 0 ? { rg_others: others.join(' ') } : {}),
    ...(place ? { rg_place: place.folder, rg_place_boot: place.bootId, rg_mine: mine ? 1 : '' } : {}),
  };
  // Several actions share one session; and setsid has to be found before the command's own PATH applies.
  const own = spec.actions.length === 1 && spec.env?.PATH === undefined;
  const settings = {
    ...attemptSettings(spec.key, shares),
    ...elsewhere,
    rg_own: own ? 1 : '',
    rg_foreign: spec.actions.some(({ text }) => CHANGES_USER.test(text)) ? 1 : '',
    rg_wide: spec.actions.some(({ text }) => LEAVES_GROUP.test(text)) ? 1 : '',
    rg_previous: spec.previousKey ?? '',
    rg_sync: spec.restartsNode ? 1 : '',
  };
  return compound(settings, [actionFunctions(spec, shell), 'rg_attempt\n']);
}

/** The script that finds an attempt again, see node-scripts/follow.sh. */
export function followScript(
  key: string,
  shares: OutputShares,
  fromByte: number,
  folders: AttemptFolders,
): NodeScript {
  const { others, place } = folders;
  const settings = {
    ...attemptSettings(key, shares),
    rg_others: others.join(' '),
    rg_place: place?.folder ?? '',
    rg_from: fromByte,
  };
  return assemble(settings, [common, parts.guard, parts.follow]);
}

/** The script that stops an attempt, see node-scripts/stop.sh. */
export function stopScript(key: string, graceMs: number, others: readonly string[]): NodeScript {
  const settings = { rg_key: key, rg_grace: Math.ceil(graceMs / 10), rg_others: others.join(' ') };
  return assemble(settings, [common, parts.fallback, parts.stop]);
}

/** The script that finds a folder for what the home folder cannot take, see node-scripts/find-place.sh. */
export function findPlaceScript(key: string, others: readonly string[]): NodeScript {
  const settings = { rg_key: key, rg_others: others.join(' ') };
  return assemble(settings, [common, parts.fallback, parts.findPlace]);
}

/** The script that removes old attempts, see node-scripts/prune.sh. */
export function pruneScript(days: number, others: readonly string[]): NodeScript {
  const settings = { rg_key: '', rg_days: days, rg_others: others.join(' ') };
  return assemble(settings, [common, parts.prune]);
}

/** The script that answers the boot ids of an attempt and of now, see node-scripts/boots.sh. */
export function bootsScript(key: string): NodeScript {
  return assemble({ rg_key: key }, [common, parts.boots]);
}

/** Any other script; control lines mark the beginning of its output, and give its exit status. */
export function outsideScript(text: string): NodeScript {
  return (nonce) =>
    compound({ rg_nonce: nonce }, [
      `printf '\\n%s output\\n' "$rg_nonce"\n`,
      `(\n${text}\n) </dev/null 2>&1\n`,
      `printf '\\n%s status %s\\n' "$rg_nonce" "$?"\nexit 0\n`,
    ]);
}

function attemptSettings(key: string, shares: OutputShares): Record<string, string | number> {
  return { rg_key: key, rg_head: shares.headBytes, rg_tail: shares.tailBytes };
}

function assemble(settings: Record<string, string | number>, texts: string[]): NodeScript {
  return (nonce) => compound({ rg_nonce: nonce, ...settings }, texts);
}

/**
 * The script is one compound command: a shell reads all of it before it runs any part. So a connection that breaks
 * while the script is on its way leaves nothing half done.
 */
function compound(settings: Record<string, string | number>, texts: string[]): string {
  const assignments = Object.entries(settings).map(
    ([name, value]) => `${name}=${shellQuote(String(value))}\n`,
  );
  return `{\n${assignments.join('')}${texts.join('')}}\n`;
}

/** The functions that start.sh expects: they write the action files, and run them one after the other. */
function actionFunctions(spec: AttemptSpec, shell: string): string {
  const env = Object.entries({ ...spec.env, RIGEL_ATTEMPT: spec.key });
  const exports = env.map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  const confidential = spec.actions.some((action) => action.confidential);
  const writes = spec.actions.map((action, index) => {
    const file = `"$rg_file.${fileName(action, index)}"`;
    // Only a script that calls itself again has to be executable (`exec sudo "$0"`).
    const executable = interpreterOf(action) === undefined ? '' : ` && chmod 700 ${file}`;
    return `rg_what=${fileName(action, index)}\nprintf %s ${shellQuote(fileText(action))} >${file}${executable} || return 1\n`;
  });
  const remove = 'rm -f "$rg_file".private-*\n';
  const writeAll = confidential
    ? `rg_umask=$(umask)\numask 077\nrg_write_private\nset -- $?\numask "$rg_umask"\n[ $1 = 0 ] || ${remove}return $1\n`
    : writes.join('');
  // A new shell for every action, so that `exit`, `exec`, `$$`, traps and syntax errors belong to the action.
  const runs = spec.actions.map((action, index) => {
    const file = `"$rg_file.${fileName(action, index)}"`;
    const interpreter = interpreterOf(action);
    const program =
      interpreter === undefined ? `rg_run ${shell}` : `rg_interpret ${interpreter.map(shellQuote).join(' ')}`;
    // This shell survives TERM, so it checks whether it was stopped before it starts another action.
    const goOn = index === 0 ? '' : 'rg_fold "$rg_journal"\n[ -z "$rg_stop" ] || return 0\n';
    return `${goOn}rg_action=${index}\n${program} ${file}\n[ $rg_status = 0 ] || return 0\n`;
  });
  // An action that is not reached does not remove its file itself.
  const runAll = confidential ? `rg_run_private\n${remove}` : runs.join('');
  return (
    `rg_env() {\n${exports.join('')}}\n` +
    (confidential
      ? `rg_write_private() {\n${writes.join('')}}\nrg_run_private() {\n${runs.join('')}}\n`
      : '') +
    `rg_write_actions() {\n${writeAll}}\n` +
    `rg_run_actions() {\n${runAll}}\n`
  );
}

function fileName({ confidential }: AttemptAction, index: number): string {
  return `${confidential ? 'private' : 'action'}-${index}`;
}

/** What stands in an action's file. A confidential one removes the file once its shell has opened it. */
function fileText({ text, confidential }: AttemptAction): string {
  if (!confidential) return text;
  // On the line of the text's own beginning, so that the numbers of lines stay right.
  const [head = ''] = /^#!.*\n/.exec(text) ?? [];
  return `${head}rm -f -- "$0" 2>/dev/null || :; ${text.slice(head.length)}`;
}

/**
 * What a script's first line asks for, as the kernel reads it: a program and at most one argument, which may hold
 * blanks. It is called by us, not by the kernel, so that a home whose programs may not be run (noexec) makes no
 * difference.
 */
function interpreterOf(action: AttemptAction): string[] | undefined {
  const line = action.kind === 'script' ? /^#![ \t]*(.*)/.exec(action.text)?.[1]?.trimEnd() : undefined;
  const [, program = '', argument = ''] = /^([^ \t]+)[ \t]*(.*)$/.exec(line ?? '') ?? [];
  if (program === '') return undefined;
  return argument === '' ? [program] : [program, argument];
}

/** Reads a script and leaves out its comments and indentation: some shells read their standard input byte by byte. */
function readPart(name: string): string {
  const text = readFileSync(new URL(`../node-scripts/${name}.sh`, import.meta.url), 'utf8');
  return text
    .replace(/^[ \t]*#.*\n/gm, '')
    .replace(/^[ \t]+/gm, '')
    .replace(/^\n+/gm, '');
}
