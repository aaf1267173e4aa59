import t from 'tap';
import { runnerOfInput } from './evaluating.js';
import { readInterpreter } from './interpreter.js';

t.test('shells', async (t) => {
  for (const line of [
    '#!/bin/sh',
    '#! /bin/bash -eu',
    '#!/usr/bin/env dash',
    '#!/usr/bin/env -S bash -e',
    '#!/usr/bin/env A=1 ksh',
    '#!/bin/busybox sh',
    '#!/bin/busybox ash',
    '#!mksh',
  ]) {
    t.equal(readInterpreter(line).posixLike, true, line);
  }
});

t.test('other interpreters', async (t) => {
  for (const [line, name] of [
    ['#!/usr/bin/python3', 'python3'],
    ['#!/usr/bin/env node', 'node'],
    ['#!/bin/zsh', 'zsh'],
    ['#!/usr/bin/fish', 'fish'],
    ['#!/bin/csh -f', 'csh'],
    ['#!/bin/busybox awk', 'awk'],
    ['#!/bin/sh\r', 'sh\r'],
    ['#!', ''],
  ] as const) {
    t.same(readInterpreter(line), { name, posixLike: false }, line);
  }
});

const line = (...words: string[]) => words.map((text, index) => ({ text, isCommand: index === 0 }));

t.test('programs that run their input', async (t) => {
  for (const word of [
    'sh',
    '/bin/bash',
    'rbash',
    'ksh93',
    'zsh-5.9',
    'ssh',
    'python3.11',
    'psql',
    '.',
    'source',
    'ed',
  ])
    t.equal(runnerOfInput(line(word)), word, word);
  for (const word of ['sh', 'ssh', 'psql'])
    t.equal(runnerOfInput(line('x', word)), word, `${word}, behind another`);
  for (const word of ['cat', 'tee', 'sha256sum', 'deploy.sh', 'python3x', 'show', 'finish'])
    t.equal(runnerOfInput(line(word)), undefined, word);
  t.equal(runnerOfInput(line('cat', 'ed')), undefined, 'a word that may be anything');
  t.equal(runnerOfInput(line('awk', '{ print }')), undefined);
  t.equal(runnerOfInput(line('awk', '-f', '-')), 'awk');
  t.equal(runnerOfInput(line('sed', '-f', '/dev/stdin', 'file')), 'sed');
});
