import t from 'tap';
import { stepEnvironment } from './step-environment.js';

const plan = { task_id: 7, uuid: 'u', correlation_id: 'c', steps: [] };

t.test('the environment of a command has its task, operator, node and pool', async (t) => {
  t.strictSame(
    stepEnvironment({ ...plan, task_name: 'version 2', operator: 'ann', pool: 'web' }, '10.0.0.7:2222'),
    {
      RIGEL_CORRELATION_ID: 'c',
      RIGEL_TASK_ID: '7',
      RIGEL_TASK_NAME: 'version 2',
      RIGEL_OPERATOR: 'ann',
      RIGEL_NODE_ADDRESS: '10.0.0.7:2222',
      RIGEL_POOL: 'web',
    },
  );
});

t.test(
  'given a plan of an earlier scheduler, variables without a value are absent; values are cleaned and bounded',
  async (t) => {
    t.strictSame(stepEnvironment(plan, 'a'), {
      RIGEL_CORRELATION_ID: 'c',
      RIGEL_TASK_ID: '7',
      RIGEL_NODE_ADDRESS: 'a',
    });
    const { RIGEL_TASK_NAME, RIGEL_OPERATOR, RIGEL_POOL } = stepEnvironment(
      { ...plan, task_name: 'a\0b', operator: '𝔸'.repeat(300), pool: `'; $(id)\n` },
      'a',
    );
    t.equal(RIGEL_TASK_NAME, 'ab');
    t.equal(RIGEL_OPERATOR, '𝔸'.repeat(255), 'whole characters');
    t.equal(RIGEL_POOL, `'; $(id)\n`, 'it is quoted, not changed');
  },
);
