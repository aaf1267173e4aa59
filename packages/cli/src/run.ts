import { connect } from './api/client.js';
import { completedNames } from './api/completed-names.js';
import { commandErrorOf } from './api/refusals.js';
import { completionScript, whatIsNext } from './command/completion.js';
import { CommandError, EXIT } from './command/exit.js';
import { help, helpOf } from './command/help.js';
import type { Invocation } from './command/invocation.js';
import { manual } from './command/manual.js';
import { parse } from './command/parse.js';
import { COMMANDS } from './commands/index.js';
import type { Io } from './io.js';
import { type Format, Printer } from './output/printer.js';
import { plain } from './output/screen.js';
import { readSettings, type Settings } from './settings/settings.js';

const FORMATS: readonly string[] = ['table', 'wide', 'json', 'jsonl', 'yaml', 'name', 'tsv'];

function languageOf({ RIGEL_LANG, LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): 'en' | 'zh' {
  return /^zh/i.test(RIGEL_LANG || LC_ALL || LC_MESSAGES || LANG || '') ? 'zh' : 'en';
}

/** A token as an argument is in the shell's history and in the list of processes. */
const LOOKS_LIKE_TOKEN = /^rgl_[A-Za-z0-9_-]{16,}$/;

/** Commands that need the database, which the API does not give. */
export const ON_DATABASE: readonly string[] = ['verify', 'rebuild', 'record', 'check-catalog', 'database'];

const PRINTS_JSON = /^(json|jsonl)$/;

/**
 * Runs a command line.
 * @param release of this program, for `rigel version`.
 * @returns the exit status; see `EXIT`.
 */
export async function run(
  argv: readonly string[],
  io: Io,
  signal: AbortSignal,
  release: string,
): Promise<number> {
  let format: string | undefined;
  let context: string | undefined;
  try {
    const language = languageOf(io.env);
    if (argv.length === 0 || argv[0] === 'help' || argv[0] === '--help' || argv[0] === '-h') {
      const words = argv[0] === 'help' ? argv.slice(1) : [];
      for (const line of help(words, COMMANDS, language)) io.out(`${line}\n`);
      return argv.length === 0 ? EXIT.couldNot : EXIT.done;
    }
    if (argv[0] === '__complete') {
      for (const word of await complete(argv.slice(1), io, signal)) io.out(`${word}\n`);
      return EXIT.done;
    }
    if (argv.length === 1 && argv[0] === 'manual') {
      io.out(manual(COMMANDS, release));
      return EXIT.done;
    }
    if (argv[0] === 'completion' && argv.length === 2) {
      io.out(completionScript(argv[1] as string));
      return EXIT.done;
    }
    if (argv.length === 1 && (argv[0] === 'version' || argv[0] === '--version')) {
      io.out(`rigel ${release}\n`);
      return EXIT.done;
    }
    if (argv.some((word) => LOOKS_LIKE_TOKEN.test(word)))
      throw new CommandError(
        'an argument looks like a token: others can read arguments in the list of processes. Give it by --token-file, RIGEL_TOKEN_FILE or standard input, and revoke this one',
      );
    const onDatabase = ON_DATABASE.find((name) => argv.slice(0, name.split(' ').length).join(' ') === name);
    if (onDatabase !== undefined)
      throw new CommandError(
        `${onDatabase} works on the database: run pnpm rigel ${onDatabase} in the repository, or rigel of the image, where DATABASE_URL names it`,
      );
    const { command, args, values } = parse(argv, COMMANDS);
    if (values.help === true) {
      for (const line of helpOf(command, language)) io.out(`${line}\n`);
      return EXIT.done;
    }
    const settings = settingsOf(values, io);
    context = settings.context;
    format = (values.output as string | undefined) ?? settings.output ?? 'table';
    if (!FORMATS.includes(format))
      throw new CommandError(`output must be one of ${FORMATS.join(', ')} (got ${JSON.stringify(format)})`);
    const invocation = prepare(values, settings, format as Format, { io, signal, language });
    return (await command.run(invocation, args, values as never)) ?? EXIT.done;
  } catch (error) {
    const known = commandErrorOf(error, context);
    if (!known) {
      io.err(`rigel: ${plain((error as Error).stack ?? String(error))}\n`);
      return EXIT.couldNot;
    }
    const { code = null, correlationId = null } = known.details;
    const id = correlationId === null ? '' : ` (correlation id ${correlationId})`;
    io.err(`rigel: ${plain(known.message + id)}\n`);
    if (PRINTS_JSON.test(format ?? wantedFormat(argv, io)))
      io.err(
        `${plain(JSON.stringify({ error: { code: known.status, reason: code, message: known.message, correlation_id: correlationId } }))}\n`,
      );
    return known.status;
  }
}

/** The format that a command line asks for that cannot be read as a whole. */
function wantedFormat(argv: readonly string[], io: Io): string {
  const at = argv.findIndex((word) => /^(-o|--output)(=|$)/.test(word));
  const word = argv[at];
  if (word === undefined) return io.env.RIGEL_OUTPUT ?? '';
  return (word.includes('=') ? word.split('=')[1] : argv[at + 1]) ?? '';
}

function settingsOf(values: Record<string, unknown>, io: Io): Settings {
  const given = {
    context: values.context as string | undefined,
    url: values.url as string | undefined,
    tokenFile: values['token-file'] as string | undefined,
  };
  return readSettings(given, io);
}

function prepare(
  values: Record<string, unknown>,
  settings: Settings,
  format: Format,
  { io, signal, language }: Pick<Invocation, 'io' | 'signal' | 'language'>,
): Invocation {
  const fields = (values.fields as string | undefined)?.split(',').map((field) => field.trim());
  const flags = {
    quiet: values.quiet === true,
    yes: values.yes === true,
    debug: values.debug === true,
    ascii: values.ascii === true,
    plan: values.plan as string | undefined,
    dryRun: values['dry-run'] === true,
  };
  let client: ReturnType<typeof connect> | undefined;
  return {
    io,
    settings,
    api: () => {
      client ??= connect(settings, io, flags.debug, signal);
      return client;
    },
    print: new Printer({ format, fields, columns: io.columns, out: io.out }),
    flags,
    language,
    signal,
    note: (line) => {
      if (!flags.quiet) io.err(`${line}\n`);
    },
  };
}

/** What can stand at the end of the words; never an error, which would stand in the middle of a person's line. */
async function complete(words: readonly string[], io: Io, signal: AbortSignal): Promise<string[]> {
  try {
    const next = whatIsNext(words, COMMANDS);
    if ('words' in next) return next.words;
    const values = Object.fromEntries(
      ['context', 'url', 'token-file'].map((name) => {
        const at = words.indexOf(`--${name}`);
        return [name, at < 0 ? undefined : words[at + 1]];
      }),
    );
    // Standard input is the person's terminal.
    if (values['token-file'] === '-') return [];
    const invocation = prepare(values, settingsOf(values, io), 'name', { io, signal, language: 'en' });
    return await completedNames(invocation, next.kind, words.at(-1) ?? '');
  } catch {
    return [];
  }
}
