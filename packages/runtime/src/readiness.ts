import { sharedLook } from './shared-look.js';

const OK = 'ok';
/** A check that does not answer in this time has failed: supervisors do not wait longer either. */
const CHECK_TIMEOUT_MS = 1_800;
/** How long answers count. Anybody who reaches the operations server may ask, and a check may be an SQL statement. */
const KEPT_MS = 500;

/** Gives `ok`, or the reason why not. */
export type Check = () => Promise<string> | string;

/** Whether this process can do its work: it has started, does not shut down, and every check is `ok`. */
export class Readiness {
  private readonly checks = new Map<string, Check>();
  private readonly asked = sharedLook(
    () => answers(this.checks),
    () => KEPT_MS,
  );
  private phase: 'starting' | 'started' | 'ending' = 'starting';

  /** Adds a check. It replaces one of the same name. */
  add(checks: Record<string, Check>): void {
    for (const [name, check] of Object.entries(checks)) this.checks.set(name, check);
  }

  started(): void {
    if (this.phase === 'starting') this.phase = 'started';
  }

  ending(): void {
    this.phase = 'ending';
  }

  /** Each check's answer, and `process`: `ok` from the end of the start to the beginning of the shutdown. */
  async look(): Promise<{ ready: boolean; checks: Record<string, string> }> {
    const checks = await this.asked();
    const all = { process: this.phase === 'started' ? OK : this.phase, ...checks };
    return { ready: Object.values(all).every((state) => state === OK), checks: all };
  }
}

/** Asks all checks at once. If one throws or takes too long, that is its answer. */
export async function answers(checks: Iterable<[string, Check]>): Promise<Record<string, string>> {
  const asked = [...checks].map(async ([name, check]) => [name, await inTime(check)] as const);
  return Object.fromEntries(await Promise.all(asked));
}

async function inTime(check: Check): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`no answer within ${CHECK_TIMEOUT_MS / 1_000} s`), CHECK_TIMEOUT_MS);
    });
    return await Promise.race([(async () => check())(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
