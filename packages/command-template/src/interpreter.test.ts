import t from 'tap';
import { readInterpreter, runsItsInput } from './interpreter.js';

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

t.test('programs that run their input', async (t) => {
  for (const word of ['sh', '/bin/bash', 'zsh', 'ssh', 'python3.11', 'psql']) t.ok(runsItsInput(word), word);
  for (const word of ['cat', 'tee', 'sha256sum', 'deploy.sh', 'python3x']) t.notOk(runsItsInput(word), word);
});
