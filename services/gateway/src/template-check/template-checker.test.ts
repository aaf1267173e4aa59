import type { CheckResult } from '@rigel/command-template';
import t from 'tap';
import { TemplateChecker } from './template-checker.js';

const checker = new TemplateChecker();
const check = (text: string, more: object = {}): Promise<CheckResult> =>
  checker.check({ module: 'longscript', text, params: {}, values: {}, ...more });

t.test('a value stays data, a secret stays a name', async (t) => {
  const params = { tag: 'string', password: 'string' };
  const values = { tag: "'; rm -rf / #", password: { secret: 'db-password' } };
  const result = await check('run "{{tag}}" {{password}}', { params, values });
  t.match(result, {
    accepted: true,
    value_refusal: null,
    uses: [{ name: 'tag', context: 'double' }, { context: 'bare' }],
  });
  t.equal(
    result.rendered,
    `rigel_param_1=''\\''; rm -rf / #'; rigel_param_2='‹secret db-password›'; run "\${rigel_param_1}" "\${rigel_param_2}"`,
  );
});

t.test('what would be code is refused with its place and advice', async (t) => {
  t.match(await check('true\neval {{tag}}'), {
    accepted: false,
    refusal: { line: 2, column: 6, parameter: 'tag', reason: /runs/, advice: String },
    rendered: null,
  });
  t.match(await check('seq {{end}}'), { accepted: false, refusal: { advice: /\{\{\{\{end\}\}\}\}/ } });
  t.match(await check('#!/bin/sh\ntrue', { module: 'shell' }), { accepted: false, refusal: { line: 1 } });
});

t.test('values that a task would not take are refused, never with the value', async (t) => {
  const refused = async (text: string, values: object, params: object = {}) => {
    const { value_refusal, rendered } = await check(text, { values, params });
    t.equal(rendered, null);
    return value_refusal?.reason;
  };
  t.match(await refused('echo {{a}}', {}), 'a is missing');
  t.match(await refused('echo {{a}}', { a: ['x'] }), /is a list/);
  t.match(await refused('echo {{a}}', { a: 'hunter2' }, { a: 'integer' }), /must be an integer/);
  t.notMatch(await refused('exit {{a}}', { a: 'hunter2' }), 'hunter2');
  t.match(await refused('{{a | raw}}', { a: { secret: 's' } }), /cannot be pasted as code/);
  t.match(await refused('exit {{a}}', { a: { secret: 's' } }), /counts with it/);
  t.match(await refused('{{a | raw}}'.repeat(1_000), { a: 'x'.repeat(10_000) }), /longer than/);
});

t.test('a check that takes too long is ended, and the next one works', async (t) => {
  // Functions within functions: each brace looks through all that are open.
  await t.rejects(check('f() { '.repeat(170_000)), { code: 'invalid', field: 'text' });
  t.match(await check('true'), { accepted: true });
});

t.test('only so many checks wait', async (t) => {
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => check('true')));
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 16);
  t.match(outcomes.at(-1), { status: 'rejected', reason: { name: 'GatewayIsFull' } });
});
