import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type ActionImplEvent, actionImplDecider } from './decider.js';
import { changesAtSaving, readImplTemplate } from './impl-template.js';

const given = storyOf(actionImplDecider);

const shell = (args: string) => ({ action: { module: 'shell', args } });
const impl = { id: 4, action_id: 2, type: 'ansible', template: shell('echo {{word}}') };
const created: ActionImplEvent = { type: 'ActionImplCreated', data: impl };

t.test('an implementation is created, moved, changed and deleted', async (t) => {
  given()
    .when({ do: 'create', ...impl, type: ' ansible ' })
    .gives(t, [created]);
  const moved: ActionImplEvent = { type: 'ActionImplChanged', data: { id: 4, action_id: 3 } };
  given(created)
    .when({ do: 'change', ...impl, action_id: 3 })
    .gives(t, [moved]);
  given(created, moved)
    .when({ do: 'change', id: 4, action_id: 3, template: shell('true') })
    .gives(t, [{ type: 'ActionImplChanged', data: { id: 4, template: shell('true') } }]);
  given(created, moved)
    .when({ do: 'delete', id: 4 })
    .gives(t, [{ type: 'ActionImplDeleted', data: { id: 4 } }]);
});

t.test('templates are kept whole, unknown modules too', async (t) => {
  for (const template of [
    { action: { module: 'longscript', content: '#!/bin/sh\necho {{word | raw}}\n' } },
    { action: { module: 'copy', src: { any: ['thing', 1, null] } }, comment: 'kept' },
  ]) {
    t.match(
      given()
        .when({ do: 'create', ...impl, template })
        .events(),
      [{ data: { template } }],
    );
  }
});

t.test(
  'fields that nobody reads are refused with the nearest one, unless they are stored already',
  async (t) => {
    const wrong: [Record<string, unknown>, string][] = [
      [
        { ...shell('x'), actions: {} },
        'template has an unknown field actions: the nearest known name is action',
      ],
      [
        { action: { module: 'shell', args: 'x', arg: 'y' } },
        'template.action has an unknown field arg: the nearest known name is args',
      ],
      [
        { action: { module: 'longscript', content: 'x', args: 'y' } },
        'template.action has an unknown field args: the nearest known name is module',
      ],
    ];
    for (const [template, message] of wrong) {
      const refused = { code: 'invalid', field: 'template', message };
      given()
        .when({ do: 'create', ...impl, template })
        .refused(t, refused);
      given(created).when({ do: 'change', id: 4, template }).refused(t, refused);
      // Saved by an earlier release: it is shown, edited, and saved anew as a whole.
      const stored: ActionImplEvent = { type: 'ActionImplCreated', data: { ...impl, template } };
      const { action } = template as { action: { module: string } };
      const text = action.module === 'shell' ? { args: 'z' } : { content: 'z' };
      const edited = { ...template, action: { ...action, ...text } };
      t.match(given(stored).when({ do: 'change', id: 4, template: edited }).events(), [
        { type: 'ActionImplChanged', data: { id: 4, template: edited } },
      ]);
    }
  },
);

t.test('a text from another system is saved with plain lines, and that is said', async (t) => {
  const longscript = (content: string) => ({ action: { module: 'longscript', content } });
  const written = longscript('\uFEFF#!/bin/bash\r\necho "a\rb"\r\n');
  const saved = longscript('#!/bin/bash\necho "a\rb"\n');
  t.match(
    given()
      .when({ do: 'create', ...impl, template: written })
      .events(),
    [{ data: { template: saved } }],
  );
  t.strictSame(changesAtSaving(written), [
    'template.action.content: saved without the byte order mark at its beginning',
    'template.action.content: saved with LF line ends; 2 lines ended with CR LF',
  ]);
  t.strictSame(changesAtSaving(shell('true\r\n')), [
    'template.action.args: saved with LF line ends; 1 line ended with CR LF',
  ]);
  for (const nothing of [saved, shell('true'), {}, { action: { module: 'copy', content: '\uFEFF' } }])
    t.strictSame(changesAtSaving(nothing), []);
  // One that an earlier release saved as it came.
  t.strictSame(readImplTemplate(written), { module: 'longscript', text: '#!/bin/bash\necho "a\rb"\n' });
  given()
    .when({ do: 'create', ...impl, template: shell('\uFEFF#!/bin/sh\r\ntrue') })
    .refused(t, {
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
    given()
      .when({ do: 'create', ...impl, template })
      .refused(t, refused);
    given(created).when({ do: 'change', id: 4, template }).refused(t, refused);
  }
  given()
    .when({ do: 'create', ...impl, type: ' ' })
    .refused(t, { code: 'invalid', field: 'type' });
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
    given()
      .when({ do: 'create', ...impl, template: format(text) })
      .refused(t, error);
    given(created)
      .when({ do: 'change', id: 4, template: format(text) })
      .refused(t, error);
  }
  for (const text of [
    '{{.Name}}',
    '{{- .Name -}}',
    '{{- range .Mounts -}}{{- end -}}',
    '{{{{range .M}}}}{{{{end}}}}',
    '{{word}}',
  ]) {
    t.match(
      given()
        .when({ do: 'create', ...impl, template: format(text) })
        .events(),
      [{ type: 'ActionImplCreated' }],
      text,
    );
  }
  const declared = new Set(['end']);
  t.match(
    given()
      .when({ do: 'create', ...impl, template: format('{{end}}'), declared })
      .events(),
    [{ type: 'ActionImplCreated' }],
  );
  const stored: ActionImplEvent = {
    type: 'ActionImplCreated',
    data: { ...impl, template: format('{{end}}') },
  };
  t.match(
    given(stored)
      .when({ do: 'change', id: 4, type: 'other', template: format('{{end}}') })
      .events(),
    [{ type: 'ActionImplChanged', data: { id: 4, type: 'other' } }],
    'what was saved by an earlier release is left as it is',
  );
});

t.test('a deleted implementation is gone', async (t) => {
  const history: ActionImplEvent[] = [created, { type: 'ActionImplDeleted', data: { id: 4 } }];
  given(...history)
    .when({ do: 'change', id: 4, type: 'x' })
    .refused(t, { code: 'not_found' });
  given(...history)
    .when({ do: 'delete', id: 4 })
    .refused(t, { code: 'not_found' });
});
