import { Asked, type Case, NotAvailable, WrongAnswer } from './case.js';
import { consoleCases } from './cases/console.js';
import { effectCases } from './cases/effects.js';
import { envelopeCases } from './cases/envelope.js';
import { repetitionCases } from './cases/repetitions.js';
import { sampleCases } from './cases/samples.js';
import { taskCases } from './cases/tasks.js';
import { endpoints } from './endpoints/index.js';
import { ApiSender, type SenderOptions } from './http.js';
import { pagingCases } from './rules/paging.js';
import { refusingCases } from './rules/refusing.js';
import { repeatingCases } from './rules/repeating.js';
import { sendingCases } from './rules/sending.js';
import { World } from './world.js';

/** Every rule for every endpoint. */
export const cases: readonly Case[] = [
  ...endpoints.flatMap((spec) => [
    ...sendingCases(spec),
    ...refusingCases(spec),
    ...pagingCases(spec),
    ...repeatingCases(spec),
  ]),
  ...effectCases,
  ...repetitionCases,
  ...taskCases,
  ...consoleCases,
  ...sampleCases,
  ...envelopeCases,
];

export interface Outcome {
  endpoint: string;
  rule: string;
  /** `missing`: the server says that it does not have the operation yet. */
  verdict: 'passed' | 'failed' | 'missing';
  /** What was sent and answered, and what is wrong with it. */
  detail: string;
}

/** Cases that are under way at once. */
const PARALLEL = 12;

/**
 * Looks at every case on the server at this address, and removes afterwards what can be removed.
 * @param onOutcome is told each outcome as it is known.
 */
export async function runSuite(
  url: URL,
  chosen: readonly Case[],
  onOutcome: (outcome: Outcome) => void,
  options: SenderOptions = {},
): Promise<void> {
  const sender = new ApiSender(url, options);
  const world = new World(sender);
  const asked = new Asked(world, sender);
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let each = waiting.shift(); each; each = waiting.shift()) onOutcome(await outcomeOf(each, asked));
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, work));
  } finally {
    await world.cleanUp();
  }
}

async function outcomeOf({ endpoint, rule, run }: Case, asked: Asked): Promise<Outcome> {
  try {
    await run(asked);
    return { endpoint, rule, verdict: 'passed', detail: '' };
  } catch (error) {
    if (error instanceof NotAvailable) return { endpoint, rule, verdict: 'missing', detail: error.message };
    const detail = error instanceof WrongAnswer ? error.message : String(error);
    return { endpoint, rule, verdict: 'failed', detail };
  }
}
