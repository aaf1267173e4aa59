import { readFile } from 'node:fs/promises';
import { ApiSender } from './http.js';
import { cases, type Outcome, runSuite } from './suite.js';

/* pnpm conformance: see CONTRIBUTING.md. */

const USAGE = `Looks whether a server keeps the rules of the API: every endpoint, every way of sending, every documented failure.
  pnpm conformance <http://host:port> [part of an endpoint or rule ...]

Where the server asks for a token, RIGEL_TOKEN has one with the role admin, or RIGEL_TOKEN_FILE names a file with it.
It makes clusters, pools, templates and tasks under names of its own, and removes what can be removed: tasks stay, stopped, with the nodes they still hold.
Status 0: all rules are kept. 1: some are not. 2: wrong usage, or nobody answers.`;

const FAILED = 1;
const UNUSABLE = 2;

function wrong(message: string): never {
  process.stderr.write(`${message}\n\n${USAGE}\n`);
  process.exit(UNUSABLE);
}

function serverAddress(text: string | undefined): URL {
  if (text === undefined) wrong('the address of a server is missing');
  if (!URL.canParse(text)) wrong(`${text} is not an address`);
  const url = new URL(text);
  if (!['http:', 'https:'].includes(url.protocol))
    wrong(`${text} is not an address that begins with http:// or https://`);
  if (url.pathname !== '/' || url.search !== '') wrong(`${text} must end after host and port`);
  return url;
}

/** Never an argument: those of a command are seen by everybody on the machine. */
async function tokenFrom(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { RIGEL_TOKEN: token, RIGEL_TOKEN_FILE: file } = env;
  if (token && file) wrong('RIGEL_TOKEN and RIGEL_TOKEN_FILE are both set');
  if (!file) return token || undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    wrong(`RIGEL_TOKEN_FILE is wrong: ${(error as Error).message}`);
  }
}

async function main(): Promise<number> {
  const [address, ...words] = process.argv.slice(2).filter((arg) => arg !== '--');
  if (address === '--help' || address === '-h') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const url = serverAddress(address);
  const chosen = cases.filter(
    ({ endpoint, rule }) => words.length === 0 || words.some((word) => `${endpoint}: ${rule}`.includes(word)),
  );
  if (chosen.length === 0) wrong(`no endpoint or rule contains ${words.join(' or ')}`);
  const token = await tokenFrom(process.env);
  try {
    const answer = await new ApiSender(url, { token }).send({ method: 'GET', path: '/token/list' });
    // Off, or the token of an administrator: the endpoint is there and answers.
    if ([401, 403].includes(answer.status)) {
      const why = token === undefined ? 'RIGEL_TOKEN is not set' : 'that of RIGEL_TOKEN is none';
      process.stderr.write(
        `${url.origin} asks for a token of an administrator, and ${why} (${answer.status})\n`,
      );
      return UNUSABLE;
    }
  } catch (error) {
    process.stderr.write(`${url.origin} does not answer: ${(error as Error).message}\n`);
    return UNUSABLE;
  }
  const counts = { passed: 0, failed: 0, missing: 0 };
  const missing = new Set<string>();
  const report = ({ endpoint, rule, verdict, detail }: Outcome): void => {
    counts[verdict]++;
    if (verdict === 'missing') missing.add(endpoint);
    if (verdict === 'failed') process.stdout.write(`FAILED ${endpoint}: ${rule}\n${detail}\n\n`);
  };
  await runSuite(url, chosen, report, { token });
  if (missing.size > 0) process.stdout.write(`not available on this server: ${[...missing].join(', ')}\n`);
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.missing} not available\n`);
  return counts.failed === 0 ? 0 : FAILED;
}

process.exitCode = await main();
