import fc from 'fast-check';
import t from 'tap';
import { EventTypes, type EventVersions, type NewEvent, UnknownEvent } from '../index.js';

/** A family of events that has changed its shapes: amounts were euros, then cents, then cents with a currency. */
type AccountEvent =
  | NewEvent<'Opened', { owner: string }>
  | NewEvent<'Paid', { cents: number; currency: string }>;

const versions: EventVersions<AccountEvent> = {
  Opened: [],
  Paid: [
    ({ euros }: { euros: number }) => ({ cents: Math.round(euros * 100) }),
    ({ cents }: { cents: number }) => ({ cents, currency: 'EUR' }),
  ],
};
const types = new EventTypes<AccountEvent>(versions);

const event = (type: string, schema: number, data: unknown) => ({
  position: 17,
  stream: 'account-1',
  version: 3,
  type,
  schema,
  data,
});

t.test('the current version follows from the upcasters, and is what is appended', async (t) => {
  t.equal(types.versionOf('Opened'), 1);
  t.equal(types.versionOf('Paid'), 3);
  t.strictSame(types.names, ['Opened', 'Paid']);
  t.throws(() => types.versionOf('Closed'), { name: 'UnknownEvent', message: /type Closed/ });
});

t.test('an event of any version arrives in the current shape', async (t) => {
  const current = { cents: 250, currency: 'EUR' };
  t.strictSame(types.upcast(event('Paid', 1, { euros: 2.5 })), event('Paid', 3, current));
  t.strictSame(types.upcast(event('Paid', 2, { cents: 250 })), event('Paid', 3, current));
  const already = event('Paid', 3, current);
  t.equal(types.upcast(already), already, 'the very same, nothing is copied');
});

t.test('what is not known is an error that says what and where', async (t) => {
  t.throws(() => types.upcast(event('Paid', 4, {})), {
    constructor: UnknownEvent,
    message:
      'event 17 (account-1, version 3) is a Paid of schema version 4; this program knows versions 1 to 3',
  });
  t.throws(() => types.upcast(event('Closed', 1, {})), {
    constructor: UnknownEvent,
    message: 'event 17 (account-1, version 3) has the unknown type Closed',
  });
  for (const schema of [0, -1, 1.5, Number.NaN]) {
    t.throws(() => types.upcast(event('Paid', schema, {})), UnknownEvent, String(schema));
  }
  t.throws(() => types.upcast(event('constructor', 1, {})), UnknownEvent, 'not what objects inherit');
});

t.test('property: whatever the version it was written in, the amount is the same', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (cents) => {
      const read = [
        types.upcast(event('Paid', 1, { euros: cents / 100 })),
        types.upcast(event('Paid', 2, { cents })),
        types.upcast(event('Paid', 3, { cents, currency: 'EUR' })),
      ];
      return new Set(read.map((e) => JSON.stringify(e))).size === 1;
    }),
  );
});
