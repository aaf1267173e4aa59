import { ACTIONS, CONSEQUENCES } from '@rigel/access/maintenance';
import { HISTORIES } from '@rigel/database-cli';
import t from 'tap';

t.test(
  'of every type of event it is said whether it is in the audit, and what it is called there',
  async (t) => {
    for (const { service, types } of Object.values(HISTORIES)) {
      t.strictSame(
        [...Object.keys(ACTIONS[service]), ...CONSEQUENCES[service]].sort(),
        types.names.sort(),
        service,
      );
    }
  },
);
