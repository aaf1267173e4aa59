/*
 * A one-time code in the address: `signin#rgc_…`, which a program with a token opens. Browsers do not send the part behind
 * the `#`, so no server and no proxy sees it.
 */

const CODE = /^#(rgc_[\w-]{43})$/;

let code: string | undefined;

/** Takes the code out of the address, before anything else looks at it or keeps it in the history. */
export function readCodeFromAddress(): void {
  const found = CODE.exec(location.hash)?.[1];
  if (found === undefined) return;
  code = found;
  history.replaceState(null, '', location.pathname + location.search);
}

/** The code, once. */
export function takeCode(): string | undefined {
  const taken = code;
  code = undefined;
  return taken;
}
