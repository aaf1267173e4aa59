import { existsSync } from 'node:fs';
import { Refusal } from './refusal.js';
import { runProgram } from './run-program.js';

/** A version of semver.org without build metadata: a tag of an image cannot have a `+`. */
const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*)?$/;

/** @throws Refusal when it is no version. */
export function checkVersion(version: string): void {
  if (VERSION.test(version)) return;
  throw new Refusal(
    `${version === '' ? 'nothing' : version} is not a version: give one like 1.2.3 or 1.2.3-rc.1 (semver.org, without build metadata)`,
  );
}

export const isPreRelease = (version: string): boolean => version.includes('-');

const FILES_SHOWN = 5;

/** @throws Refusal when files differ from the last commit: the release could not be built again. */
export async function checkCleanTree(root: string): Promise<void> {
  const changed = (await runProgram(root, 'git', ['status', '--porcelain'])).split('\n').filter(Boolean);
  if (changed.length === 0) return;
  const shown = changed.slice(0, FILES_SHOWN).map((line) => line.slice(3));
  const more = changed.length > FILES_SHOWN ? ` and ${changed.length - FILES_SHOWN} more` : '';
  throw new Refusal(
    `the tree differs from its last commit (${shown.join(', ')}${more}): commit or remove that, so that the release can be built again`,
  );
}

/** @throws Refusal when there is such a release: its tag or its folder. */
export async function checkNew(root: string, version: string, out: string): Promise<void> {
  const tag = await runProgram(root, 'git', ['tag', '--list', `v${version}`]);
  if (tag.trim() !== '')
    throw new Refusal(`${version} exists: git has the tag v${version}. Choose the next version`);
  if (existsSync(out))
    throw new Refusal(`${out} exists: remove it to make ${version} again, or name another folder with --out`);
}
