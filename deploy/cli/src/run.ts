import { ServiceError } from '@rigel/contracts';
import { UnknownEvent } from '@rigel/event-store';
import { HistoryDamaged } from '@rigel/event-store/maintenance';
import { ProvidersFileError } from '@rigel/providers';
import { isDatabaseUnavailable } from '@rigel/runtime';
import { DatabaseNotUsable } from '@rigel/runtime/database';
import { checkCatalog } from './check-catalog.js';
import { type Command, HELP, readCommandLine } from './command-line.js';
import { migrateDatabase, prepareDatabase } from './database-commands.js';
import { orphans } from './orphans.js';
import { type Output, plainOutput } from './output.js';
import { rebuild } from './rebuild.js';
import { record } from './record.js';
import { showTask } from './task-show.js';
import { createToken, listTokens, revokeToken } from './tokens.js';
import { UsageError } from './usage-error.js';
import { verify } from './verify.js';

/** The command could not be carried out: because of the command line, the environment or the database. */
const COULD_NOT = 2;
/** Errors whose message says everything: no stack trace is printed. */
const EXPECTED = [
  UsageError,
  ProvidersFileError,
  DatabaseNotUsable,
  UnknownEvent,
  HistoryDamaged,
  ServiceError,
];

/** Runs a command line. @returns the exit status. */
export async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  terminal: Output,
): Promise<number> {
  const output = plainOutput(terminal);
  try {
    return await carryOut(readCommandLine(args), env, output);
  } catch (error) {
    const expected = EXPECTED.some((known) => error instanceof known) || isDatabaseUnavailable(error);
    const { message, stack } = error as Error;
    const lines = expected ? [message] : (stack ?? message).split('\n');
    for (const line of [`rigel: ${lines[0]}`, ...lines.slice(1)]) output.note(line);
    return COULD_NOT;
  }
}

async function carryOut(command: Command, env: NodeJS.ProcessEnv, output: Output): Promise<number> {
  switch (command.do) {
    case 'help':
      for (const line of HELP.split('\n')) output.out(line);
      return 0;
    case 'verify':
      return verify(command, env, output);
    case 'rebuild':
      return rebuild(command, env, output);
    case 'task show':
      return showTask(command, env, output);
    case 'orphans':
      return orphans(command, env, output);
    case 'check-catalog':
      return checkCatalog(command, env, output);
    case 'token create':
      return createToken(command, env, output);
    case 'token list':
      return listTokens(command, env, output);
    case 'token revoke':
      return revokeToken(command, env, output);
    case 'database prepare':
      return prepareDatabase(command, env, output);
    case 'database migrate':
      return migrateDatabase(command, env, output);
    case 'record':
      return record(command, env, output);
  }
}
