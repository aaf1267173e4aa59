import { Refusal } from './refusal.js';

/**
 * What a changelog in the form of Keep a Changelog says of one version: the text below its heading.
 *
 * @throws Refusal when the version has no section, an empty one, or one without a date
 */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## )/m).slice(1);
  const section = sections.find((text) => text.startsWith(`## [${version}]`));
  if (section === undefined) {
    const known = sections.map((text) => /^## \[([^\]]+)\]/.exec(text)?.[1]).filter(Boolean);
    throw new Refusal(
      `CHANGELOG.md has no section [${version}] (it has ${known.join(', ')}): rename [Unreleased], and begin a new one`,
    );
  }
  const [heading = '', ...lines] = section.split('\n');
  if (!/^## \[[^\]]+\] - \d{4}-\d\d-\d\d$/.test(heading)) {
    throw new Refusal(
      `the section [${version}] of CHANGELOG.md has no date: write "## [${version}] - <year>-<month>-<day>"`,
    );
  }
  const notes = lines.join('\n').trim();
  if (notes === '') throw new Refusal(`the section [${version}] of CHANGELOG.md is empty`);
  return `${notes}\n`;
}
