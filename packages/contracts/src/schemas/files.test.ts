import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { OPERATIONS, PARTICIPANTS, PARTS } from '../permissions.js';
import { printed, readSchemaFiles, schemaFiles, writeSchemaFiles } from './files.js';
import { describeMessages } from './messages.js';

t.test('the files describe the messages of the code: pnpm nats-schemas writes them', async (t) => {
  const [kept, current] = [readSchemaFiles(), schemaFiles()];
  t.strictSame(Object.keys(kept).sort(), Object.keys(current).sort());
  for (const [name, text] of Object.entries(current)) t.equal(kept[name], text, name);
});

t.test('every operation, and every subject that a participant publishes to, has a description', async (t) => {
  const messages = Object.values(describeMessages());
  const described = messages.flatMap((message) =>
    message.kind === 'operation' ? [message.subject] : message.subjects,
  );
  for (const { subject } of OPERATIONS) t.ok(described.includes(subject), subject);
  for (const participant of PARTICIPANTS) {
    for (const subject of PARTS[participant].tells) {
      const found = described.some((one) => one === subject || one === subject.replace(/[^.]+$/, '*'));
      t.ok(found, `${participant} publishes to ${subject}`);
    }
  }
  t.equal(new Set(described).size, described.length, 'each once');
});

t.test('writing removes the files of messages that are gone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-schemas-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'gone.json'), '{}');
  writeSchemaFiles(folder);
  t.strictSame(readSchemaFiles(folder), schemaFiles());
});

t.test('a file is JSON, with short things in one line', async (t) => {
  const value = { short: { a: 1, b: [true, null, 'x'] }, long: ['y'.repeat(70), 'z'.repeat(70)], none: {} };
  const text = printed(value);
  t.strictSame(JSON.parse(text), value);
  t.match(text, '  "short": { "a": 1, "b": [true, null, "x"] },\n');
  t.ok(text.endsWith(',\n  "none": {}\n}\n'));
});
