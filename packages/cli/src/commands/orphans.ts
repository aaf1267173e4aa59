import type { ProviderLook, UnknownCreation, UnownedMachine } from '@rigel/api-client';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { patiently, readTimeout } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { duration, localTime } from '../output/times.js';
import { getData, postData } from './change-things.js';

const LOOK_MS = 1_000;

interface Orphans {
  running: { since_at: string; by: string; progress: number } | null;
  last: { began_at: string; ended_at: string; by: string; reason: string } | null;
  providers: ProviderLook[];
  orphans: UnownedMachine[];
  being_made: UnownedMachine[];
  unknown: UnknownCreation[];
  counts: { orphans: number; being_made: number; unknown: number };
}

const read = (invocation: Invocation): Promise<Orphans> => getData<Orphans>(invocation, '/orphans');

/** Looks now, and waits for what is found. @throws CommandError `timeout`, `interrupted` */
async function check(invocation: Invocation, timeout: string | undefined): Promise<Orphans> {
  const { io, note, signal } = invocation;
  const timeoutMs = readTimeout(timeout ?? '10m');
  const until = io.now() + timeoutMs;
  const { begun } = await postData<{ begun: boolean }>(invocation, '/orphans/check', {});
  note(begun ? 'an executor asks the providers' : 'a look is under way already: its result is this one too');
  for (;;) {
    const found = await patiently(invocation, until, () => read(invocation));
    if (found.running === null) return found;
    if (io.now() + LOOK_MS > until)
      throw new CommandError(
        `after ${duration(timeoutMs)} the look goes on: rigel orphans shows it`,
        EXIT.timeout,
      );
    await io.sleep(LOOK_MS, signal);
    if (signal.aborted)
      throw new CommandError('interrupted; the look goes on: rigel orphans shows it', EXIT.interrupted);
  }
}

export const orphansCommand = command({
  name: 'orphans',
  help: { en: 'List machines at providers that no node has', zh: '列出无节点对应的机器' },
  flags: {
    check: { type: 'switch', help: { en: 'look now, and wait for the result', zh: '立即检查并等待结果' } },
    timeout: {
      type: 'text',
      value: '<10m>',
      help: { en: 'wait no longer than this', zh: '最长等待时间' },
    },
  },
  run: async (invocation, _args, flags) => {
    const { print, note } = invocation;
    const found = flags.check ? await check(invocation, flags.timeout) : await read(invocation);
    const { last, running, providers, counts, orphans, unknown } = found;
    if (print.isForPeople) {
      print.rows('machine', orphans, [
        { field: 'provider', title: 'provider' },
        { field: 'vm_id', title: 'machine' },
        { field: 'ip', title: 'address' },
        {
          field: 'maker',
          title: 'made by',
          text: ({ maker }) => (maker ? `task ${maker.task_id} for pool ${maker.pool_name}` : 'not known'),
        },
        { field: 'made_at', title: 'made', text: ({ made_at }) => localTime(made_at) },
      ]);
      for (const { task_id, pool_name, step, reason } of unknown)
        print.line(
          `task ${task_id} (${plain(pool_name)}), ${plain(step)}: it may have made a machine: ${plain(reason)}`,
        );
      for (const { name, outcome, reason } of providers)
        if (outcome !== 'listed')
          note(
            `${plain(name)} ${outcome === 'failed' ? 'could not be asked' : 'cannot list its machines'}${reason === '' ? '' : `: ${plain(reason)}`}`,
          );
      if (running) note(`a look is under way since ${localTime(running.since_at)}`);
      note(
        last === null
          ? 'nobody has looked yet: rigel orphans --check'
          : `${counts.orphans} machines without a node, as of ${localTime(last.ended_at)}${last.reason === '' ? '' : `: ${plain(last.reason)}`}`,
      );
    } else if (print.format === 'tsv' || print.format === 'name')
      print.rows('machine', orphans, [
        { field: 'provider', title: 'provider' },
        { field: 'vm_id', title: 'machine' },
        { field: 'ip', title: 'address' },
      ]);
    else print.one('orphans', found, []);
    if (flags.check && last !== null && last.reason !== '') return EXIT.couldNot;
    return counts.orphans === 0 ? EXIT.done : EXIT.notGood;
  },
});
