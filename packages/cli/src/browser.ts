import { spawn } from 'node:child_process';

/** What opens an address on a desktop; undefined: there is no desktop. */
function opener({ platform, env }: NodeJS.Process): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined;
}

/** Opens addresses in the browser of this desktop; undefined: there is none. */
export function browserOf(process: NodeJS.Process): ((address: string) => boolean) | undefined {
  const found = opener(process);
  if (!found) return undefined;
  const [program, ...words] = found;
  return (address) => {
    try {
      spawn(program, [...words, address], { stdio: 'ignore', detached: true })
        // The address is printed: a person can open it.
        .on('error', () => undefined)
        .unref();
      return true;
    } catch {
      return false;
    }
  };
}
