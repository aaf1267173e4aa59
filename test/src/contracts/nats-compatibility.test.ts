import t from 'tap';
import { currentMessages } from './kept-releases.js';
import { type Messages, natsProblems } from './nats-compatibility.js';
import type { Schema } from './schema-compatibility.js';

const operation = (
  request: Schema,
  answer: Schema,
  more: { subject?: string; keyed?: boolean } = {},
): Messages => ({
  move: {
    kind: 'operation',
    subject: 'rigel.van.move',
    keyed: false,
    together: false,
    sealed: false,
    timeout_ms: 1,
    request,
    answer,
    ...more,
  },
});
const published = (message: Schema, subjects = ['rigel.van.moved']): Messages => ({
  moved: { kind: 'published', subjects, message },
});
const object = (properties: Record<string, Schema>, required: string[]): Schema => ({
  type: 'object',
  properties,
  required,
});
const both = { place: { type: 'string' }, speed: { type: 'integer' } };
const nothing = object({}, []);
const place = object({ place: both.place }, ['place']);
const placeAndSpeed = object(both, ['place', 'speed']);
const placeAndMaybeSpeed = object(both, ['place']);

t.test('the messages of today are compatible with themselves', async (t) => {
  t.strictSame(natsProblems(currentMessages(), currentMessages()), []);
});

t.test('optional fields may be added everywhere, and messages as well', async (t) => {
  t.strictSame(natsProblems(operation(place, place), operation(placeAndMaybeSpeed, placeAndMaybeSpeed)), []);
  t.strictSame(
    natsProblems(published(place), { ...published(placeAndMaybeSpeed), ...operation(place, place) }),
    [],
  );
});

t.test('a request: what earlier senders send must be accepted', async (t) => {
  t.strictSame(natsProblems(operation(place, nothing), operation(placeAndSpeed, nothing)), [
    'move: request: speed: is new and required',
  ]);
  t.strictSame(natsProblems(operation(placeAndSpeed, nothing), operation(place, nothing)), [
    'move: request: speed: was removed',
  ]);
  t.strictSame(
    natsProblems(operation(placeAndSpeed, nothing), operation(placeAndMaybeSpeed, nothing)),
    [],
    'it may get wider: services are upgraded before their callers',
  );
});

t.test(
  'an answer: what earlier callers rely on is there, and what today callers rely on is optional',
  async (t) => {
    t.strictSame(natsProblems(operation(nothing, placeAndSpeed), operation(nothing, place)), [
      'move: answer: speed: was removed',
    ]);
    t.strictSame(natsProblems(operation(nothing, placeAndSpeed), operation(nothing, placeAndMaybeSpeed)), [
      'move: answer: speed: was always there and is optional',
    ]);
    t.strictSame(
      natsProblems(operation(nothing, place), operation(nothing, placeAndSpeed)),
      ['move: answer: speed: is new and required'],
      'services of the last release do not answer it',
    );
  },
);

t.test('a published message: right in both directions', async (t) => {
  t.strictSame(natsProblems(published(place), published(placeAndSpeed)), [
    'moved: message: speed: is new and required',
  ]);
  t.strictSame(natsProblems(published(placeAndSpeed), published(placeAndMaybeSpeed)), [
    'moved: message: speed: was always there and is optional',
  ]);
  const how = (...names: string[]) =>
    object({ how: { anyOf: names.map((name) => ({ const: name })) } }, ['how']);
  t.strictSame(natsProblems(published(how('road')), published(how('road', 'rail'))), [
    'moved: message: how: the value "rail" is new, and earlier receivers do not know it',
  ]);
  t.strictSame(natsProblems(published(how('road', 'rail')), published(how('road'))), [
    'moved: message: how: the value "rail" was removed',
  ]);
});

t.test('subjects stay', async (t) => {
  t.strictSame(natsProblems(operation(place, place), {}), ['move: was removed']);
  t.strictSame(natsProblems(operation(place, place), operation(place, place, { subject: 'rigel.van.go' })), [
    'move: the subject was rigel.van.move and is rigel.van.go',
  ]);
  t.strictSame(natsProblems(operation(place, place, { keyed: true }), operation(place, place)), [
    'move: was keyed and is not: the subject .once was removed',
  ]);
  t.strictSame(natsProblems(published(place), published(place, ['rigel.van.gone'])), [
    'moved: is no longer published on rigel.van.moved',
  ]);
});
