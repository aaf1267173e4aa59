/// <reference lib="dom" />
import type { Page } from 'playwright-core';

/*
 * A page in the pseudo-language (packages/console/src/text/pseudo.ts): its texts are 40 % longer, and those of the catalogues have no
 * plain letter.
 */

const WIDTHS = [1440, 360];
let turn = 0;

/** The widths of the next tab: one of them in turns, or both, as every night. */
const widths = (): number[] =>
  process.env.RIGEL_EVERY_OPENING === '1' ? WIDTHS : [WIDTHS[turn++ % WIDTHS.length] as number];

/** Tabs and regions are drawn within this time. */
const SETTLE_MS = 300;

/** What of a page does not fit, or has plain letters. */
export async function readPseudo(page: Page): Promise<string[]> {
  const answers: Promise<string>[] = [];
  page.on('response', (response) => answers.push(response.text().catch(() => '')));
  await page.reload();
  await page.locator('main h1, main [role=alert]').first().waitFor();
  const found = new Set<string>();
  const tabs = page.locator('main [role=tab]');
  for (let tab = 0; tab < Math.max(1, await tabs.count()); tab++) {
    await page.setViewportSize({ width: WIDTHS[0] as number, height: 900 });
    // A dialog lies over the tabs.
    if (tab > 0 && (await page.getByRole('dialog').count()) > 0) break;
    if (tab > 0) await tabs.nth(tab).click();
    await page.waitForTimeout(SETTLE_MS);
    await page.waitForFunction(() => document.querySelector('[data-loading]') === null);
    for (const width of widths()) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(SETTLE_MS);
      for (const text of await page.evaluate(whatDoesNotFit)) found.add(`${width}: ${text}`);
    }
    const told = likeTold((await Promise.all(answers)).join('\n'));
    for (const text of await page.evaluate(plainTexts))
      if (!partsOf(text).every((part) => told.includes(part))) found.add(`plain: ${text}`);
  }
  return [...found];
}

/** A text of the API or of the page in a form in which one is found in the other: times go on. */
const likeTold = (text: string): string =>
  text.replaceAll('\\n', '\n').replaceAll('\\"', '"').replaceAll('\\u001b', '␛').replace(/\d+/g, '0');

/** What a text is put together of, but the units of numbers and the days of the week. */
function partsOf(text: string): string[] {
  return likeTold(text)
    .split(/[·→,\n]|: /)
    .map((part) => part.trim())
    .filter((part) => !/^(0(\.0)? (ms|s|m|h|d) ?)+$|^0 (Mon|Tue|Wed|Thu|Fri|Sat|Sun)$/.test(part));
}

/** Buttons, tabs, headings of columns whose text is cut, cells that cut words, and what must be scrolled to the side; in the browser. */
function whatDoesNotFit(): string[] {
  const wrong: string[] = [];
  const isWider = ({ scrollWidth, clientWidth }: Element): boolean => scrollWidth > clientWidth + 1;
  const wordsOf = (place: Element): string => place.textContent?.trim().slice(0, 60) ?? '';
  if (isWider(document.documentElement)) wrong.push('the page scrolls to the side');
  for (const place of document.querySelectorAll('body *')) {
    const { overflowX, display } = getComputedStyle(place);
    if (!isWider(place) || display === 'inline' || place.clientWidth < 2) continue;
    const words = wordsOf(place);
    const isPart = place.matches(
      'button, a, label, [role=tab], [role=columnheader], th, h1, h2, h3, summary',
    );
    // A cell that cuts its text has the whole of it in a title.
    const isCell = place.matches('[role=gridcell]') && !place.querySelector('[title]');
    if ((isPart || isCell) && /[⟦⟧]/.test(words)) wrong.push(`cut: ${place.tagName} ${words}`);
    // A list of tabs, and what can be scrolled by keys, is meant to be.
    else if (/auto|scroll/.test(overflowX) && !place.matches('[role=tablist], [tabindex="0"], .cm-scroller'))
      wrong.push(`scrolls to the side: ${place.tagName} ${place.className} ${words}`);
  }
  return wrong;
}

/** Texts with plain letters that stand in no code; in the browser. */
function plainTexts(): string[] {
  const texts: string[] = [];
  const add = (text: string): void => {
    const plain = text.trim();
    if (/[A-Za-z]{2}/.test(plain) && !/[⟦⟧]/.test(plain)) texts.push(plain);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const place = node.parentElement;
    if (place && !place.closest('code, pre, kbd, time, script, style, .cm-editor'))
      add(node.textContent ?? '');
  }
  for (const name of ['title', 'aria-label', 'placeholder', 'alt'])
    for (const place of document.querySelectorAll(`[${name}]`))
      if (!place.closest('time, .cm-editor')) add(place.getAttribute(name) ?? '');
  return texts;
}
