import { checkName, nameOfCharacter, ServiceError, SYSTEM_ACTORS, show } from '@rigel/contracts';
import { looksLike } from './look-alikes.js';

/*
 * Rules for the name of a new token. In tasks, in the audit and on terminals the name stands for the owner of the
 * token. So no two names may look alike, and none may look different from its content. Names of earlier releases stay
 * as they are.
 */

/** Scripts whose letters a name may have. Those on one line may be mixed, as people who write them do. */
const SCRIPTS: readonly (readonly [name: string, letters: RegExp])[] = [
  ['Latin', /[\p{Script=Latin}]/u],
  ['Cyrillic', /[\p{Script=Cyrillic}]/u],
  ['Greek', /[\p{Script=Greek}]/u],
  ['Armenian', /[\p{Script=Armenian}]/u],
  ['Georgian', /[\p{Script=Georgian}]/u],
  ['Hebrew', /[\p{Script=Hebrew}]/u],
  ['Arabic', /[\p{Script=Arabic}]/u],
  ['Devanagari', /[\p{Script=Devanagari}]/u],
  ['Bengali', /[\p{Script=Bengali}]/u],
  ['Tamil', /[\p{Script=Tamil}]/u],
  ['Thai', /[\p{Script=Thai}]/u],
  [
    'East Asian',
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Hangul}\u30fc]/u,
  ],
];
/** No letter of these scripts looks like a Latin one, so they may be mixed with Latin. */
const BESIDE_LATIN = 'East Asian';

const MARK_OR_LETTER = /^[\p{L}\p{M}]$/u;
const OTHERS = /^[0-9._@+:\- ]$/;
const EXPECTED = 'letters of one script, digits, spaces and . _ - + : @';

/**
 * Checks the name of a new token.
 * @returns the name to store: in the normal form NFC, trimmed.
 * @throws ServiceError `invalid`, which names the wrong character.
 */
export function checkTokenName(value: string): string {
  const name = checkName(value).normalize('NFC');
  if (/ {2}/.test(name)) throw refused(name, 'has two spaces in a row, which look like one');
  let script: string | undefined;
  for (const character of name) {
    const its = scriptOf(name, character);
    if (its === undefined || its === script) continue;
    if (script !== undefined && !goTogether(script, its))
      throw refused(
        name,
        `has ${described(character)}, a letter of the script ${its} beside letters of ${script}: take letters of one script`,
      );
    // A script that may be mixed with Latin does not allow a third one.
    if (script !== 'Latin') script = its;
  }
  const system = SYSTEM_ACTORS.find(
    (actor) => looksLike(actor, name.toLowerCase()) || looksLike(actor, name),
  );
  if (system === undefined) return name;
  throw refused(
    name,
    system === name.toLowerCase()
      ? 'is one of the system itself'
      : `looks like ${system}, which is one of the system itself`,
  );
}

/** The script of a letter; undefined for a digit or a sign. @throws ServiceError */
function scriptOf(name: string, character: string): string | undefined {
  if (OTHERS.test(character)) return undefined;
  // Compatibility forms of old character sets, like wide or ringed letters, look like the letters themselves.
  const script =
    MARK_OR_LETTER.test(character) && character.normalize('NFKC') === character
      ? SCRIPTS.find(([, letters]) => letters.test(character))?.[0]
      : undefined;
  if (script !== undefined) return script;
  throw refused(name, `has ${described(character)}, which no name may have: take ${EXPECTED}`);
}

const goTogether = (one: string, other: string): boolean =>
  [one, other].includes(BESIDE_LATIN) && [one, other].includes('Latin');

function described(character: string): string {
  const seen = /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? ` (${show(character)})` : '';
  return `the character ${nameOfCharacter(character)}${seen}`;
}

function refused(name: string, why: string): ServiceError {
  return new ServiceError('wrong_form', `name ${show(name)} ${why}`, 'name', { value: name });
}
