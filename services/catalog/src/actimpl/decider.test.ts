import t from 'tap';
import { type ActionImplCommand, type ActionImplEvent, actionImplDecider } from './decider.js';
import { changesAtSaving, readImplTemplate } from './impl-template.js';

const decide = (events: ActionImplEvent[], command: ActionImplCommand) =>
  actionImplDecider.decide(command, events.reduce(actionImplDecider.evolve, actionImplDecider.initial));

const shell = (args: string) => ({ action: { module: 'shell', args } });
const impl = { id: 4, action_id: 2, type: 'ansible', template: shell('echo {{word}}') };
const created: ActionImplEvent = { type: 'ActionImplCreated', data: impl };

t.test('an implementation is created, moved, changed and deleted', async (t) => {
  t.strictSame(decide([], { do: 'create', ...impl, type: ' ansible ' }), [created]);
  const moved: ActionImplEvent = { type: 'ActionImplChanged', data: { id: 4, action_id: 3 } };
  t.strictSame(decide([created], { do: 'change', ...impl, action_id: 3 }), [moved]);
  t.strictSame(decide([created, moved], { do: 'change', id: 4, action_id: 3, template: shell('true') }), [
    { type: 'ActionImplChanged', data: { id: 4, template: shell('true') } },
  ]);
  t.strictSame(decide([created, moved], { do: 'delete', id: 4 }), [
    { type: 'ActionImplDeleted', data: { id: 4 } },
  ]);
});

t.test('templates are kept whole, unknown modules and fields too', async (t) => {
  for (const template of [
    { action: { module: 'longscript', content: '#!/bin/sh\necho {{word | raw}}\n' }, comment: 'kept' },
    { action: { module: 'copy', src: { any: ['thing', 1, null] } } },
  ]) {
    t.match(decide([], { do: 'create', ...impl, template }), [{ data: { template } }]);
  }
});

t.test('a text from another system is saved with plain lines, and that is said', async (t) => {
  const longscript = (content: string) => ({
    action: { module: 'longscript', content, kept: 1 },
    more: 'kept',
  });
  const given = longscript('\uFEFF#!/bin/bash\r\necho "a\rb"\r\n');
  const saved = longscript('#!/bin/bash\necho "a\rb"\n');
  t.match(decide([], { do: 'create', ...impl, template: given }), [{ data: { template: saved } }]);
  t.strictSame(changesAtSaving(given), [
    'template.action.content: saved without the byte order mark at its beginning',
    'template.action.content: saved with LF line ends; 2 lines ended with CR LF',
  ]);
  t.strictSame(changesAtSaving(shell('true\r\n')), [
    'template.action.args: saved with LF line ends; 1 line ended with CR LF',
  ]);
  for (const nothing of [saved, shell('true'), {}, { action: { module: 'copy', content: '\uFEFF' } }])
    t.strictSame(changesAtSaving(nothing), []);
  // One that an earlier release saved as it came.
  t.strictSame(readImplTemplate(given), { module: 'longscript', text: '#!/bin/bash\necho "a\rb"\n' });
  t.throws(() => decide([], { do: 'create', ...impl, template: shell('\uFEFF#!/bin/sh\r\ntrue') }), {
    message: /a script that begins with #! is a longscript/,
  });
});

t.test('a template that could never run safely is refused when it is saved', async (t) => {
  let deep: unknown = 1;
  for (let n = 0; n < 40; n++) deep = [deep];
  const wrong: [Record<string, unknown>, string | RegExp][] = [
    [{}, 'template.action must be an object (got undefined)'],
    [{ action: ['shell'] }, `template.action must be an object (got ['shell'])`],
    [{ action: {} }, 'template.action.module must be a string (got undefined)'],
    [{ action: { module: 5 } }, 'template.action.module must be a string (got 5)'],
    [{ action: { module: 'shell', content: 'x' } }, 'template.action.args must be a string (got undefined)'],
    [
      { action: { module: 'longscript', args: 'x' } },
      'template.action.content must be a string (got undefined)',
    ],
    [shell('echo {{word | upper}}'), /^template: 1:6: .*unknown filter 'upper'/],
    [shell('echo "{{word}}'), /^template: \d+:\d+: /],
    [shell('echo a\0b'), 'template contains a NUL or a broken character (got echo a b)'],
    [{ ...shell('x'), more: { '\ud800': 1 } }, /^template contains a NUL or a broken character/],
    [{ ...shell('x'), more: deep }, /^template is nested too deeply/],
  ];
  for (const [template, message] of wrong) {
    const refused = { code: 'invalid', field: 'template', message };
    t.throws(() => decide([], { do: 'create', ...impl, template }), refused);
    t.throws(() => decide([created], { do: 'change', id: 4, template }), refused);
  }
  t.throws(() => decide([], { do: 'create', ...impl, type: ' ' }), { code: 'invalid', field: 'type' });
});

t.test('words of Go templates are no parameters, unless the action declares them', async (t) => {
  const format = (text: string) => shell(`docker ps --format '${text}'`);
  const refused: [string, RegExp][] = [
    ['{{.ID}}{{end}}', /^template: 1:28: {{end}} would be the parameter end, .* write {{{{end}}}}; if it is/],
    ['{{else}}', /write {{{{else}}}}/],
    ['{{ range }}', /write {{{{range}}}}/],
    ['{{if .Mounts}}x', /1:21: {{if .Mounts}} is no placeholder: .* write {{{{if .Mounts}}}}$/],
    ['{{range .Mounts}}x', /write {{{{range .Mounts}}}}$/],
    ['{{json | upper}}', /write {{{{json \| upper}}}}$/],
  ];
  for (const [text, message] of refused) {
    const error = { code: 'invalid', field: 'template', message };
    t.throws(() => decide([], { do: 'create', ...impl, template: format(text) }), error);
    t.throws(() => decide([created], { do: 'change', id: 4, template: format(text) }), error);
  }
  for (const text of [
    '{{.Name}}',
    '{{- .Name -}}',
    '{{- range .Mounts -}}{{- end -}}',
    '{{{{range .M}}}}{{{{end}}}}',
    '{{word}}',
  ]) {
    t.match(
      decide([], { do: 'create', ...impl, template: format(text) }),
      [{ type: 'ActionImplCreated' }],
      text,
    );
  }
  const declared = new Set(['end']);
  t.match(decide([], { do: 'create', ...impl, template: format('{{end}}'), declared }), [
    { type: 'ActionImplCreated' },
  ]);
  const stored: ActionImplEvent = {
    type: 'ActionImplCreated',
    data: { ...impl, template: format('{{end}}') },
  };
  t.match(
    decide([stored], { do: 'change', id: 4, type: 'other', template: format('{{end}}') }),
    [{ type: 'ActionImplChanged', data: { id: 4, type: 'other' } }],
    'what was saved by an earlier release is left as it is',
  );
});

t.test('a deleted implementation is gone', async (t) => {
  const history: ActionImplEvent[] = [created, { type: 'ActionImplDeleted', data: { id: 4 } }];
  t.throws(() => decide(history, { do: 'change', id: 4, type: 'x' }), { code: 'not_found' });
  t.throws(() => decide(history, { do: 'delete', id: 4 }), { code: 'not_found' });
});
