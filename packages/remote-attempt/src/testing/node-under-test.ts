import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionSettings, connectToNode } from '../connect.js';
import { type NodeConnection, shellOf } from '../node-connection.js';
import type { PosixShell } from './shells.js';
import { type Sshd, type SshdOptions, startSshd } from './sshd.js';

/** A real SSH server, with access to its files for a test. */
export interface NodeUnderTest {
  sshd: Sshd;
  settings: ConnectionSettings;
  /** A fresh connection, closed by `stop`. */
  connect(): Promise<NodeConnection>;
  /** The content of a file below the sessions' home folder; empty if there is none. */
  homeFile(name: string): Promise<string>;
  /** The path of an attempt's journal. */
  journalFile(key: string): string;
  stop(): Promise<void>;
}

/** Starts a node whose scripts and commands run in the given shell. */
export async function startNodeUnderTest(
  options: SshdOptions = {},
  shell?: PosixShell,
): Promise<NodeUnderTest> {
  const sshd = await startSshd({ ...options, env: { ...shell?.env, ...options.env } });
  const settings: ConnectionSettings = {
    user: sshd.user,
    privateKey: sshd.privateKey,
    hostKeyPolicy: 'accept-new',
    connectTimeoutMs: 20_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
  };
  const connections: NodeConnection[] = [];
  return {
    sshd,
    settings,
    connect: async () => {
      const connection = await connectToNode({ host: '127.0.0.1', port: sshd.port }, settings);
      connections.push(connection);
      if (shell !== undefined) shellOf(connection).shell = shell.path;
      return connection;
    },
    homeFile: (name) => readFile(join(sshd.home, name), 'utf8').catch(() => ''),
    journalFile: (key) => join(sshd.home, '.rigel/attempts', `${key}.journal`),
    stop: async () => {
      for (const connection of connections) connection.close();
      await sshd.stop();
    },
  };
}

/** Waits until a condition holds; after the time limit it fails and names the condition. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  ms = 30_000,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${ms / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Whether a process exists and is not a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return state !== '' && state !== 'Z' && state !== 'X';
}
