import { setTimeout as sleep } from 'node:timers/promises';
import { catalog, inventory, nameSome, type ResolvedStep, ServiceError, show } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { readGivenSecrets, readScheduleUses, schedulesUsing } from './read.js';
import { describeGivenSecret, refusalsOf, secretsToAllow } from './refusals.js';

const PAGE = 100;
const TRY_AGAIN_MS = 5_000;
/** The services start together. A service that is not there by then is down, which other lines and alerts say. */
const DEADLINE_MS = 300_000;
const CONTEXT = { correlationId: 'catalog-check', actor: 'scheduler' };
/** Reasons that a line names. */
const NAMED = 5;

export interface CheckParts {
  bus: Bus;
  db: Kysely<unknown>;
  log: Logger;
  /** Ends the check. */
  signal: AbortSignal;
}

/**
 * Writes a line into the log for each template whose tasks are refused now, with what uses it. It only looks, beside everything else;
 * `rigel check-catalog` says the same at any time.
 */
export async function checkCatalogAtStart(parts: CheckParts): Promise<void> {
  const { log, signal } = parts;
  const until = Date.now() + DEADLINE_MS;
  for (;;) {
    try {
      const { templates, refused } = await check(parts);
      log.info({ templates, refused }, 'the templates of the catalog were checked');
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (Date.now() >= until) {
        log.warn(
          { err: error },
          'the templates of the catalog could not be checked: run `rigel check-catalog`',
        );
        return;
      }
    }
    await sleep(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}

async function check({ bus, db, log, signal }: CheckParts): Promise<{ templates: number; refused: number }> {
  // Asked first: before the catalog is there nothing else is to be done.
  const templates = await listTemplates(bus, signal);
  const given = await readGivenSecrets(db);
  const schedules = await readScheduleUses(db);
  let refused = 0;
  for (const { id, name } of templates) {
    signal.throwIfAborted();
    const reasons = await refusals(bus, id, given);
    if (reasons === undefined || reasons.length === 0) continue;
    refused++;
    const { pools, total } = await bus.call(inventory.poolsNaming, { template_id: id }, CONTEXT);
    const scheduled = schedulesUsing(schedules, pools).map((schedule) => schedule.id);
    const uses = [
      ...(total > 0 ? [`pools ${nameSome(pools, total)}`] : []),
      ...(scheduled.length > 0 ? [`scheduled tasks ${scheduled.join(', ')}`] : []),
    ];
    log.warn(
      { template: id, reasons: reasons.slice(0, NAMED), count: reasons.length, pools: total, scheduled },
      `tasks of template ${show(name)} (id ${id}) are refused now: ${reasons[0]}; ` +
        `it is used by ${uses.length > 0 ? uses.join(' and ') : 'no pool'}`,
    );
  }
  return { templates: templates.length, refused };
}

async function listTemplates(bus: Bus, signal: AbortSignal): Promise<{ id: number; name: string }[]> {
  const found: { id: number; name: string }[] = [];
  for (let page = 1; ; page++) {
    signal.throwIfAborted();
    const { rows, total } = await bus.call(catalog.listTemplates, { page, page_size: PAGE }, CONTEXT);
    found.push(...rows.map(({ id, name }) => ({ id, name })));
    if (rows.length === 0 || page * PAGE >= total) return found;
  }
}

/** Why tasks of a template are refused; undefined: it is gone by now. */
async function refusals(
  bus: Bus,
  id: number,
  given: Awaited<ReturnType<typeof readGivenSecrets>>,
): Promise<string[] | undefined> {
  let steps: readonly ResolvedStep[];
  try {
    ({ steps } = await bus.call(catalog.resolveTemplate, { id }, CONTEXT));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.code === 'not_found') return undefined;
    if (error.code === 'invalid') return [error.message];
    throw error;
  }
  const ofThis = given.filter(({ template }) => template === id);
  return [...refusalsOf(steps), ...secretsToAllow(steps, ofThis).map(describeGivenSecret)];
}
