import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type ParsedTemplate, parseTemplate } from '../parse-template.js';
import { renderTemplate } from '../render-template.js';
import { shellQuote } from '../shell-quote.js';
import { TemplateError } from '../template-error.js';
import { NOBODY, type Shell } from '../testing/shells.js';
import { KINDS } from './kinds.js';
import { HOSTILE_VALUES } from './values.js';

/*
 * Makes templates by the thousand and runs each that is accepted, with every hostile value, in every shell. A template
 * of which a value ran is a failure, whatever the reason.
 */

/** What a run of the fuzzer is asked for. */
export interface FuzzOptions {
  /** Ends when this many commands have been rendered and run. */
  readonly commands: number;
  readonly seed: number;
  readonly shells: readonly Shell[];
  /** Accepted templates of a kind that are run together, before those of the next kind. Default 60. */
  readonly batch?: number;
  /** Shells that run at once. */
  readonly jobs: number;
  /** Names of kinds; all by default. */
  readonly kinds?: readonly string[];
  /** Reads templates without the rules, to see that values run then. Default false. */
  readonly withoutRules?: boolean;
  /** Called after each batch. */
  readonly onProgress?: (report: FuzzReport) => void;
  readonly signal?: AbortSignal;
}

/** Figures of one kind of templates. */
export interface KindFigures {
  generated: number;
  /** With a message that says what to write instead. */
  refused: number;
  /** Accepted, for integers only, so that no hostile value can be rendered. */
  integersOnly: number;
  /** Accepted with at least one hostile value. */
  accepted: number;
  /** Texts for a shell: an accepted template with one value. */
  commands: number;
}

/** What a run of the fuzzer saw. */
export interface FuzzReport {
  readonly seed: number;
  readonly kinds: Record<string, KindFigures>;
  /** How many commands each shell was given, and ran to the end. */
  readonly runs: Record<string, number>;
  /** Texts of templates of which a value ran, by the shell. */
  readonly failures: { kind: string; shell: string; template: string }[];
  /** Texts of templates that kept a shell from going on with the next one: it hung, or was ended. */
  readonly unfinished: { kind: string; shell: string; template: string }[];
}

/** Templates of a batch: enough to make the start of a shell cheap, few enough that its time limit means something. */
const BATCH = 60;
/** A shell that has not come to the end of one more template for so long is stuck. */
const STUCK_MS = 20_000;
const PRELUDE = 'exec 2>/dev/null; set -f; FUNCNEST=50; TMOUT=2; ulimit -t 60 2>/dev/null\n';
const CANARY = 'canary';

interface Usable {
  readonly kind: string;
  readonly text: string;
  readonly scripts: readonly string[];
}

/** Runs the fuzzer. @throws only when it cannot run a shell. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const kinds = options.kinds ?? Object.keys(KINDS);
  const report: FuzzReport = { seed: options.seed, kinds: {}, runs: {}, failures: [], unfinished: [] };
  let commands = 0;
  for (let batch = 0; commands < options.commands && !options.signal?.aborted; batch++) {
    const kind = kinds[batch % kinds.length] as string;
    const usable = makeBatch(kind, batch, options, report);
    commands += usable.reduce((sum, { scripts }) => sum + scripts.length, 0);
    await eachAtOnce(options.shells, options.jobs, (shell) => runBatch(shell, usable, report));
    options.onProgress?.(report);
  }
  return report;
}

function makeBatch(kind: string, batch: number, options: FuzzOptions, report: FuzzReport): Usable[] {
  const arbitrary = KINDS[kind];
  if (!arbitrary) throw new Error(`no kind ${kind}: there are ${Object.keys(KINDS).join('; ')}`);
  report.kinds[kind] ??= { generated: 0, refused: 0, integersOnly: 0, accepted: 0, commands: 0 };
  const figures = report.kinds[kind];
  const usable: Usable[] = [];
  // What is refused costs next to nothing.
  const size = options.batch ?? BATCH;
  for (let round = 0; usable.length < size && round < 20; round++) {
    const seed = (options.seed + batch * 1_000 + round) | 0;
    for (const text of fc.sample(arbitrary, { numRuns: size, seed })) {
      if (usable.length === size) break;
      figures.generated++;
      const template = parsed(text, options.withoutRules ?? false);
      if (!template) {
        figures.refused++;
        continue;
      }
      const scripts = [...new Set(rendered(template))];
      if (scripts.length === 0) {
        figures.integersOnly++;
        continue;
      }
      figures.accepted++;
      figures.commands += scripts.length;
      usable.push({ kind, text, scripts });
    }
  }
  return usable;
}

/** The template, or undefined when it is refused. */
function parsed(text: string, accepted: boolean): ParsedTemplate | undefined {
  try {
    return parseTemplate(text, 'script', { accepted });
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

/** The texts of a template with each hostile value that it takes. */
function rendered(template: ParsedTemplate): string[] {
  if (!template.parameters.some(({ raw }) => !raw)) return [];
  return HOSTILE_VALUES.flatMap((p) => {
    try {
      return [renderTemplate(template, { p })];
    } catch (error) {
      if (error instanceof TemplateError) return [];
      throw error;
    }
  });
}

/** Runs all in one shell, and again behind a template at which it stopped. */
async function runBatch(shell: Shell, usable: readonly Usable[], report: FuzzReport): Promise<void> {
  const name = shell.join(' ');
  const entry = ({ kind, text }: Usable) => ({ kind, shell: name, template: text });
  for (let start = 0; start < usable.length; ) {
    const batch = usable.slice(start);
    const seen = await runTemplates(shell, batch);
    for (const index of seen.ran) {
      // What goes on in the background may leave its file while the next one runs.
      const suspects = [batch[index], batch[index - 1], batch[index - 2]].filter((one) => one !== undefined);
      let found = suspects[0] as Usable;
      for (const suspect of suspects) {
        if ((await runTemplates(shell, [suspect])).ran.length === 0) continue;
        found = suspect;
        break;
      }
      report.failures.push(entry(found));
    }
    const count = batch.slice(0, seen.finished).reduce((sum, { scripts }) => sum + scripts.length, 0);
    report.runs[name] = (report.runs[name] ?? 0) + count;
    const stuck = batch[seen.finished];
    if (stuck) report.unfinished.push(entry(stuck));
    start += seen.finished + 1;
  }
}

/**
 * Of which templates a value ran, and how many the shell came to the end of; each command has a subshell of its own.
 */
async function runTemplates(
  [program, ...options]: Shell,
  usable: readonly Usable[],
): Promise<{ ran: number[]; finished: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'template-'));
  try {
    if (NOBODY) chownSync(folder, NOBODY.uid, NOBODY.gid);
    const canary = join(folder, CANARY);
    const blocks = usable.map(({ scripts }) => {
      const commands = scripts.map((script) => `( eval ${shellQuote(script.replaceAll(CANARY, canary))} )`);
      return `{\n${commands.join('\n')}\n} </dev/null >/dev/null\nif [ -f ${canary} ]; then rm -f ${canary}; echo ran; else echo no; fi\n`;
    });
    const child = spawn(program, options, {
      cwd: folder,
      ...NOBODY,
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    const endGroup = () => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nobody is left in it.
      }
    };
    let timer = setTimeout(endGroup, STUCK_MS);
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      clearTimeout(timer);
      timer = setTimeout(endGroup, STUCK_MS);
    });
    child.stdin.on('error', () => undefined); // it ended early, as its output tells
    child.stdin.end(`${PRELUDE}${blocks.join('')}`);
    // Not `close`: what a command left behind may hold the output open.
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => setImmediate(resolve));
    });
    clearTimeout(timer);
    endGroup();
    const results = output.split('\n').slice(0, -1);
    const ran = results.flatMap((result, index) => (result === 'ran' ? [index] : []));
    if (existsSync(canary) && results.length > 0) ran.push(results.length - 1);
    return { ran: [...new Set(ran)], finished: results.length };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function eachAtOnce<T>(
  all: readonly T[],
  jobs: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const waiting = [...all];
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one);
    }),
  );
}
