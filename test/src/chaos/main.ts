import { runChaos } from './chaos.js';
import { type ChaosOptions, readOptions } from './options.js';
import { summary } from './report.js';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

let options: ChaosOptions;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(2);
}
const ending = new AbortController();
const end = (): void => {
  print('ending after this round');
  ending.abort();
};
process.once('SIGINT', end).once('SIGTERM', end);
print(`chaos: ${options.rounds} rounds over ${options.nodes} nodes, --seed ${options.seed}`);
const results = await runChaos(options, print, { signal: ending.signal });
print(summary(results));
process.exit(results.some(({ problems }) => problems.length > 0) ? 1 : 0);
