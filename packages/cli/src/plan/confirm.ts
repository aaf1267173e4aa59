import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';

/**
 * Asks before something is changed. On a terminal a person answers; elsewhere `--yes` or `--plan` has to say it.
 * @param word must be typed instead of `y`, for what cannot be taken back.
 * @throws CommandError if it is not confirmed.
 */
export async function confirm(invocation: Invocation, question: string, word?: string): Promise<void> {
  const { flags, io, settings } = invocation;
  if (flags.yes || flags.plan !== undefined) return;
  const where = settings.context === undefined ? settings.url : `context ${settings.context}`;
  if (!io.inIsTerminal)
    throw new CommandError(
      `${question} (${where}) Nobody can answer here: --yes does it, --plan <hash> does it if the plan is still the same, --dry-run shows the plan`,
    );
  io.err(
    word === undefined ? `${question} (${where}) [y/N] ` : `${question} (${where})\nType ${word} to do it: `,
  );
  const answer = (await io.readLine())?.trim();
  if (answer === undefined) io.err('\n');
  const isYes = word === undefined ? /^(y|yes)$/i.test(answer ?? '') : answer === word;
  if (!isYes) throw new CommandError('nothing was done', EXIT.refused);
}
