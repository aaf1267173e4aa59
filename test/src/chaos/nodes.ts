import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RAN } from './work.js';

/** How often each attempt's command ran on a node, by the attempt's identity. */
export async function ranOn(home: string, host: string): Promise<Map<string, number>> {
  const text = await readFile(join(home, RAN, host), 'utf8').catch(() => '');
  const ran = new Map<string, number>();
  for (const line of text.split('\n')) {
    const key = line.split(' ')[0];
    if (key) ran.set(key, (ran.get(key) ?? 0) + 1);
  }
  return ran;
}

/** Takes an attempt's identity apart. */
export function parseAttempt(key: string): { task: string; run: number; step: number; attempt: number } {
  const [, task = '', run, step, attempt] = /^(.+)-r(\d+)-s(\d+)-a(\d+)$/.exec(key) ?? [];
  return { task, run: Number(run), step: Number(step), attempt: Number(attempt) };
}

/** Processes on this machine, which all nodes are, that belong to attempts of a task: their command lines. */
export async function aliveOf(task: string): Promise<string[]> {
  const alive: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '');
    if (!environment.includes(`RIGEL_ATTEMPT=${task}-`)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    // A process that has just ended has no command line any more.
    if (line !== '') alive.push(`${entry} ${line.replaceAll('\0', ' ').trim().slice(0, 80)}`);
  }
  return alive;
}
