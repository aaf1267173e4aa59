import { type Need, useWho } from '../app/role.js';
import { useWords } from '../text/intl.js';

/** Why the person may not do what needs this; undefined: they may. */
export function useForbidden(): (needed: Need | undefined) => string | undefined {
  const text = useWords();
  const who = useWho();
  return (needed) => {
    if (needed === undefined || who.may(needed)) return undefined;
    const mine = text(`role.${who.role}`);
    return needed === 'run'
      ? text('region.mayRun', { mine })
      : text('region.forbidden', { role: text(`role.${needed}`), mine });
  };
}
