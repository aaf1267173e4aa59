import { baseName } from './evaluating.js';

const POSIX_LIKE_SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'ksh93', 'mksh']);

/** Which interpreter a script's first line asks for. */
export interface Interpreter {
  /** The file name without its folder, such as `bash` or `python3`. */
  readonly name: string;
  /** Whether it reads shell command language, so that a placeholder's place can be understood. */
  readonly posixLike: boolean;
}

/**
 * Reads a `#!` line (without its line break), also `#!/usr/bin/env bash`, `#!/usr/bin/env -S bash -e` and
 * `#!/bin/busybox sh`.
 */
export function readInterpreter(line: string): Interpreter {
  const words = line.slice(2).split(/[ \t]+/);
  const rest = words.filter((word) => word !== '');
  let name = baseName(rest.shift() ?? '');
  if (name === 'env') {
    while (/^-|=/.test(rest[0] ?? '')) rest.shift();
    name = baseName(rest.shift() ?? '');
  }
  if (name === 'busybox') name = baseName(rest.shift() ?? '');
  return { name, posixLike: POSIX_LIKE_SHELLS.has(name) };
}
