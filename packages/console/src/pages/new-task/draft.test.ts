import t from 'tap';
import { type Draft, isInAddress, limitIn, readDraft, requestOf, selectionOf, writeDraft } from './draft.js';

const again = (draft: Draft): Draft => readDraft(writeDraft(draft));

t.test('an address shows the same form to everybody', async (t) => {
  const forms = [
    '',
    'template=3&pool=4,5&status=3&ip=10.0.&name=a%20b',
    'template=3&nodes=10.0.0.7%2C10.0.3.%5B1-4%5D&max_num=5&max_fail_ratio=2&timeout=60&auto=no&held=leave_out',
    'template=3&from=42&state=3&step=start&reason=exit%20%E2%80%B9n%E2%80%BA',
    `template=3&params=${encodeURIComponent('{"tag":"web:8’; rm -rf /","step":{"key":{"secret":"db"}},"n":7}')}`,
    'template=3&from=42&by=list',
    'template=3&labels=zone%3Db%2C!canary&pool=4&status=1&first=20&order=label%3Azone',
    'template=3&by=labels',
    'template=3&labels=a&by=pool',
    'max_num=many',
  ];
  for (const form of forms) {
    const draft = readDraft(new URLSearchParams(form));
    t.strictSame(again(draft), draft, form);
  }
});

t.test('what cannot be a value is not given', async (t) => {
  const draft = readDraft(
    new URLSearchParams('template=x&pool=1,-2,zz&max_num=1e3&max_ratio=101&timeout=&params=[1]&by=rack'),
  );
  t.match(draft, { by: 'pool', pools: [1], params: {} });
  t.equal(draft.template, undefined);
  t.equal(draft.max_num, '1e3', 'it stays on the screen');
  t.ok(Number.isNaN(limitIn(draft, 'max_num')));
  t.ok(Number.isNaN(limitIn(draft, 'max_ratio')));
  t.equal(limitIn(draft, 'timeout'), undefined);
  t.strictSame(readDraft(new URLSearchParams('params={')).params, {});
});

t.test(
  'a list that is too long for an address stays out, and the form still says that it is one',
  async (t) => {
    const draft = {
      ...readDraft(new URLSearchParams('template=1')),
      by: 'list' as const,
      nodes: '10.0.0.7 '.repeat(400),
    };
    t.notOk(isInAddress(draft));
    t.notOk(writeDraft(draft).has('nodes'));
    t.equal(again(draft).by, 'list');
  },
);

t.test('the request has what was entered, and nothing else', async (t) => {
  const template = { id: 3, name: 'rollout' };
  t.strictSame(requestOf(readDraft(new URLSearchParams('')), template, ['10.0.0.7']), {
    template_id: 3,
    task_name: 'rollout',
    nodes: [{ ip: '10.0.0.7' }],
    params: {},
  });
  const given =
    'name=%20v8%20&max_num=0&max_ratio=10&max_fail_num=0&auto=no&held=leave_out&timeout=5&params={"a":""}';
  t.strictSame(requestOf(readDraft(new URLSearchParams(given)), template, []), {
    template_id: 3,
    task_name: 'v8',
    timeout: 5,
    auto: false,
    max_ratio: 10,
    max_num: 0,
    max_fail_num: 0,
    nodes: [],
    params: { a: '' },
    held_nodes: 'leave_out',
  });
});

t.test('a form by labels asks for a selection, and names no node', async (t) => {
  const template = { id: 3, name: 'rollout' };
  const draft = (query: string) => readDraft(new URLSearchParams(query));
  t.match(requestOf(draft('labels=%20zone%3Db%20'), template, ['10.0.0.7']), {
    select: { labels: 'zone=b' },
  });
  t.notOk('nodes' in requestOf(draft('labels=a'), template, ['10.0.0.7']));
  t.strictSame(selectionOf(draft('labels=a&pool=4,5&status=3&first=20&order=label%3Azone')), {
    pools: [4, 5],
    labels: 'a',
    status: 'failed',
    limit: 20,
    order: 'label:zone',
  });
  t.ok(Number.isNaN(limitIn(draft('labels=a&first=0'), 'first')));
});
