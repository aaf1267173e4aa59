import t from 'tap';
import { toStepOption } from './step-options.js';

const none = { retry_times: 0, ignore_error: false };

t.test('absent or empty options mean no parameters and no retry', async (t) => {
  const expected = { name: 'a', param_values: {}, retry: none };
  t.strictSame(toStepOption({ name: 'a' }), expected);
  t.strictSame(toStepOption({ name: 'a', param_values: '', retry: '' }), expected);
  t.strictSame(toStepOption({ name: 'a', param_values: {}, retry: {} }), expected);
});

t.test('the retry option may be nested or flat, the nested one goes first', async (t) => {
  t.strictSame(toStepOption({ name: 'a', retry: { retry_times: 2, ignore_error: true } }).retry, {
    retry_times: 2,
    ignore_error: true,
  });
  t.strictSame(toStepOption({ name: 'a', retry_times: 3, ignore_error: true }).retry, {
    retry_times: 3,
    ignore_error: true,
  });
  t.strictSame(toStepOption({ name: 'a', retry: { retry_times: 0 }, retry_times: 3 }).retry, none);
});

t.test('limits of a step are there only where they were given', async (t) => {
  const limits = { timeout: 30, stop_grace: 0, reboot: true, ready_wait: 20 };
  t.strictSame(toStepOption({ name: 'a', ...limits }), {
    name: 'a',
    param_values: {},
    retry: none,
    ...limits,
  });
  t.strictSame(toStepOption({ name: 'a', reboot: false }), { name: 'a', param_values: {}, retry: none });
});

t.test('allowed secrets go along where they are given', async (t) => {
  const allowed_secrets = { password: ['db-password'] };
  t.strictSame(toStepOption({ name: 'a', allowed_secrets }), {
    name: 'a',
    param_values: {},
    retry: none,
    allowed_secrets,
  });
});
