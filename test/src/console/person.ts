import type { Locator, Page } from 'playwright-core';

/** A person finds what they look for within so many presses of a key; a page that needs more is at fault. */
const MOST_PRESSES = 30;

type Role = Parameters<Page['getByRole']>[0];

/** Moves the focus by the key Tab alone. @throws Error when that takes more presses than a person bears. */
export async function tabTo(page: Page, wanted: Locator): Promise<void> {
  // What lies under a dialog cannot be meant.
  const place = await wanted.and(page.locator(':not([inert] *)')).first().elementHandle();
  for (let presses = 0; presses <= MOST_PRESSES; presses++) {
    if (await place?.evaluate((element) => element === element.ownerDocument.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${MOST_PRESSES} presses of Tab do not lead to ${wanted}`);
}

/** A person without a mouse: what they do to a page are presses of keys, and nothing else. */
export class KeyboardPerson {
  constructor(private readonly page: Page) {}

  /** Presses keys one after the other. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /** Goes to a page by `g` and its letter. */
  async open(letter: string, title: string): Promise<void> {
    await this.press('g', letter);
    await this.named('heading', title).first().waitFor();
  }

  /** Opens what the search finds by a text, from a field of the page too. */
  async search(typed: string, found: RegExp): Promise<void> {
    await this.press('ControlOrMeta+k');
    await this.page.locator('[role=combobox]:focus').waitFor();
    await this.type(typed);
    await this.page.getByRole('option', { selected: true, name: found }).waitFor();
    await this.press('Enter');
  }

  /** Goes by Tab to what has this role and name. */
  async goTo(role: Role, name: string | RegExp): Promise<void> {
    await tabTo(this.page, this.named(role, name));
  }

  /** Goes by Tab to a button or a link, and presses it. */
  async use(name: string | RegExp, role: Role = 'button'): Promise<void> {
    await this.goTo(role, name);
    // They see that a button cannot be pressed yet.
    await this.page.locator(':focus:not([aria-disabled="true"])').waitFor();
    await this.press('Enter');
  }

  /** Goes by Tab to a field and replaces what is in it. */
  async fill(name: string | RegExp, text: string): Promise<void> {
    await tabTo(this.page, this.named('textbox', name).or(this.named('searchbox', name)));
    await this.press('ControlOrMeta+A');
    await this.type(text);
  }

  /** Closes the dialog by Escape. Who pressed it before the focus had come into the dialog goes there by Tab, and presses it again. */
  async closeDialog(): Promise<void> {
    const dialog = this.page.getByRole('dialog');
    for (let presses = 0; presses < MOST_PRESSES; presses++) {
      await this.press('Escape');
      await this.page.waitForTimeout(300);
      if ((await dialog.count()) === 0) return;
      await this.press('Tab');
    }
    throw new Error(`${MOST_PRESSES} presses of Escape do not close the dialog`);
  }

  /** Goes by Tab to a button that opens a list, and chooses from it by the beginning of a name. */
  async choose(name: string | RegExp, option: string): Promise<void> {
    await this.use(name);
    const wanted = this.named('option', option);
    await wanted.waitFor();
    await this.type(option);
    await wanted.and(this.page.locator(':focus')).waitFor();
    await this.press('Enter');
    await wanted.waitFor({ state: 'detached' });
  }

  /** Goes by Tab to a field that searches while one types, and takes the first that it finds. */
  async find(name: string | RegExp, typed: string): Promise<void> {
    await this.goTo('combobox', name);
    await this.type(typed);
    const found = this.page.getByRole('option', { name: typed }).first();
    await found.waitFor();
    await this.press('ArrowDown', 'Enter');
    await found.waitFor({ state: 'detached' });
  }

  /** Goes by Tab to a page's tabs, and opens one of them by arrows. */
  async openTab(name: string | RegExp): Promise<void> {
    await tabTo(this.page, this.page.locator('[role=tab][aria-selected=true]'));
    await this.along('ArrowRight', this.named('tab', name));
    await this.press('Enter');
  }

  /** Goes by Tab into a table, and by arrows to the row that has a text. */
  async goToRow(table: string, text: string): Promise<void> {
    const rows = this.named('grid', table).getByRole('row');
    await rows.filter({ hasText: text }).first().waitFor();
    await tabTo(this.page, rows.and(this.page.locator('[tabindex="0"]')));
    await this.along('ArrowDown', rows.filter({ hasText: text }));
  }

  private named(role: Role, name: string | RegExp): Locator {
    return this.page.getByRole(role, { name, exact: true });
  }

  /** Presses a key until the focus has come to what is wanted. */
  private async along(key: string, wanted: Locator): Promise<void> {
    const there = wanted.and(this.page.locator(':focus'));
    for (let presses = 0; presses <= MOST_PRESSES; presses++) {
      if ((await there.count()) > 0) return;
      await this.press(key);
      // A table draws the next row before it gives it the focus.
      await this.page.waitForTimeout(50);
    }
    throw new Error(`${MOST_PRESSES} presses of ${key} do not lead to ${wanted}`);
  }
}
