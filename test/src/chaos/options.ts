/** What `pnpm chaos` is asked for. */
export interface ChaosOptions {
  rounds: number;
  /** Decides which faults come, and what the clients do. Their timing is the machine's. */
  seed: number;
  nodes: number;
  /** No further round is begun after so many minutes. */
  minutes: number;
  /** Every so many rounds the task is stopped in the middle; 0 for never. */
  stopEvery: number;
}

const LIMITS: Record<keyof ChaosOptions, { flag: string; least: number; most: number }> = {
  rounds: { flag: '--rounds', least: 1, most: 10_000 },
  seed: { flag: '--seed', least: 0, most: 0xffff_ffff },
  nodes: { flag: '--nodes', least: 4, most: 5_000 },
  minutes: { flag: '--minutes', least: 1, most: 10_000 },
  stopEvery: { flag: '--stop-every', least: 0, most: 10_000 },
};

/** Reads the command line. @throws Error that names the option and the value that is wrong. */
export function readOptions(args: readonly string[]): ChaosOptions {
  const options: ChaosOptions = {
    rounds: 20,
    seed: Date.now() % 1_000_000,
    nodes: 300,
    minutes: 10_000,
    stopEvery: 4,
  };
  const rest = args.filter((arg) => arg !== '--');
  for (let index = 0; index < rest.length; index += 2) {
    const [flag = '', value] = [rest[index], rest[index + 1]];
    const entry = Object.entries(LIMITS).find(([, limits]) => limits.flag === flag);
    if (!entry) {
      const known = Object.values(LIMITS).map((limits) => limits.flag);
      throw new Error(`there is no option ${flag}; there are ${known.join(', ')}`);
    }
    const [name, { least, most }] = entry;
    const number = Number(value);
    if (value === undefined || !/^\d+$/.test(value) || number < least || number > most) {
      throw new Error(`${flag} must be a whole number from ${least} to ${most}, not ${value ?? 'nothing'}`);
    }
    options[name as keyof ChaosOptions] = number;
  }
  return options;
}
