import { ON_DATABASE, readConfig } from '@rigel/cli';

/** Commands that the API has too. */
const BOTH = ['task show', 'orphans', 'token create', 'token list', 'token revoke'];

/** Somebody has said where the API is. */
function hasContext(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (env.RIGEL_CONTEXT || env.RIGEL_URL) return true;
  // Flags that only the commands of the API have say it too.
  if (args.some((arg) => /^(-o.*|--(context|url|output|fields)(=.*)?)$/.test(arg))) return true;
  return readConfig(env).current !== undefined;
}

/**
 * Whether a command line is for the commands on the database, or for the API.
 *
 * What both have goes by the API if somebody has said where that is, and otherwise by the database, as the first token
 * must: no token is there yet. `--via api` or `--via database` says it for one command.
 * @returns the command line without `--via`.
 */
export function needsDatabase(
  given: readonly string[],
  env: NodeJS.ProcessEnv,
): { isForDatabase: boolean; args: string[] } {
  const at = given.findIndex((arg) => arg === '--via' || arg.startsWith('--via='));
  const via = at < 0 ? undefined : given[at] === '--via' ? given[at + 1] : given[at]?.slice('--via='.length);
  const args =
    at < 0
      ? [...given]
      : given.filter((_, place) => place !== at && !(given[at] === '--via' && place === at + 1));
  const begins = (name: string): boolean => args.slice(0, name.split(' ').length).join(' ') === name;
  if (ON_DATABASE.some(begins)) return { isForDatabase: true, args };
  if (!BOTH.some(begins)) return { isForDatabase: false, args };
  if (via === 'api' || via === 'database') return { isForDatabase: via === 'database', args };
  // Another value is refused by the command that gets it, which names the flag.
  return { isForDatabase: !hasContext(args, env), args: [...given] };
}
