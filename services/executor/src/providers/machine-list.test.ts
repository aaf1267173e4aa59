import { MAX_LISTED_MACHINES } from '@rigel/contracts';
import type { ListedMachine } from '@rigel/providers';
import t from 'tap';
import { readable } from './machine-list.js';

const machine = (over: Partial<ListedMachine>): ListedMachine => ({
  vmId: 'i-1',
  ip: '10.0.0.7',
  state: 'ready',
  reason: '',
  ...over,
});

t.test(
  'what a provider says of its machines has a form and a limit, or is left out and counted',
  async (t) => {
    const wrong: unknown[] = ['', 'a b', 'a\nb', '\u202ei', 'x'.repeat(256), 7, null, undefined];
    for (const vmId of wrong) {
      const answer = readable([machine({}), machine({ vmId: vmId as string })]);
      t.match(answer, { machines: [{ vm_id: 'i-1' }], unreadable: 1, more: 0 }, JSON.stringify(vmId));
      t.equal(answer.machines.length, 1);
    }
    t.match(readable([machine({ ip: 'here; rm -rf /' })]), { machines: [], unreadable: 1 });
    t.strictSame(
      readable([machine({ token: '<b>\n', madeAt: -1, reason: 'x'.repeat(1e6) })]).machines,
      [{ vm_id: 'i-1', ip: '10.0.0.7', token: '', made: null }],
      'a token or time that cannot be one is not known',
    );
    for (const madeAt of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, '7'])
      t.equal(readable([machine({ madeAt: madeAt as number })]).machines[0]?.made, null);
    t.equal(readable([machine({ madeAt: 1_700_000_000_000 })]).machines[0]?.made, 1_700_000_000_000);
    const many = Array.from({ length: MAX_LISTED_MACHINES + 3 }, (_, n) => machine({ vmId: `i-${n}` }));
    const { machines, more } = readable(many);
    t.equal(machines.length, MAX_LISTED_MACHINES);
    t.equal(more, 3);
  },
);
