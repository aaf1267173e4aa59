import type { Browser } from 'playwright-core';
import { type Rig, startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { axeFindings, openPage, scrollsSideways, startBrowser } from './browser.js';
import { type FurnishedRig, type Role, startFurnishedRig } from './furnished-rig.js';
import { Ingress } from './ingress.js';
import { readPseudo } from './pseudo.js';

/*
 * Every page in every state, theme, language and role. A test opens each page in each state once (`pairs`), every night
 * `pnpm console-matrix` opens all of them (`product`).
 */

const STATES = ['full', 'empty', 'error', 'stale'] as const;
const THEMES = ['light', 'dark', 'contrast'] as const;
const LANGUAGES = ['en', 'zh'] as const;
const ROLES = ['viewer', 'operator', 'admin'] as const satisfies readonly Role[];
const WIDTHS = [1440, 360] as const;

export interface Case {
  page: string;
  state: (typeof STATES)[number];
  theme: (typeof THEMES)[number];
  language: (typeof LANGUAGES)[number];
  role: Role;
  width: number;
}

/** The pages, with the part of the address that names an object of a furnished system. */
const PAGES: Readonly<Record<string, (made: FurnishedRig) => string>> = {
  overview: () => '',
  tasks: () => 'tasks',
  task: ({ task }) => `task/${task}`,
  run: ({ task, failedNode }) => `task/${task}?node=${failedNode}`,
  fleet: () => 'fleet',
  pool: ({ pool }) => `pool/${pool}`,
  nodes: () => 'nodes',
  node: ({ failedNode }) => `node/${failedNode}`,
  schedules: () => 'schedules',
  schedule: ({ schedule }) => `schedules?schedule=${schedule}`,
  catalog: () => 'catalog',
  action: ({ action }) => `catalog/action/${action}`,
  template: ({ template }) => `catalog/template/${template}`,
  newTask: () => 'tasks/new',
  machines: () => 'machines',
  audit: () => 'audit',
  access: () => 'access',
  system: () => 'system',
  settings: () => 'settings',
  help: () => 'help',
};

/** Further addresses with many words: forms, dialogs and what a panel shows. */
const FORMS: Readonly<Record<string, (made: FurnishedRig) => string>> = {
  start: ({ task }) => `task/${task}?do=start`,
  pause: ({ task }) => `task/${task}?do=pause`,
  stop: ({ task }) => `task/${task}?do=stop`,
  table: ({ task }) => `task/${task}?view=table`,
  deploy: ({ pool }) => `pool/${pool}?do=deploy`,
  expand: ({ pool }) => `pool/${pool}?do=expand`,
  shrink: ({ pool }) => `pool/${pool}?do=shrink`,
  paste: () => 'nodes?view=paste',
  newSchedule: () => 'schedules?edit=new',
  step: () => 'catalog?tab=steps&step=1',
  planned: ({ template, pool }) => `tasks/new?template=${template}&pool=${pool}`,
};

/** Pages whose stale state the pairs have: each waits for a read to fail. */
const STALE_IN_PAIRS = ['overview', 'task', 'pool'];

/** Each page in each state once; themes, languages, roles and widths take turns, so that each page meets each of them. */
export function pairs(): Case[] {
  return Object.keys(PAGES).flatMap((page, p) =>
    STATES.filter((state) => state !== 'stale' || STALE_IN_PAIRS.includes(page)).map((state, s) => ({
      page,
      state,
      theme: THEMES[(p + s) % 3] as Case['theme'],
      language: LANGUAGES[(p + s) % 2] as Case['language'],
      role: ROLES[(p + 2 * s) % 3] as Role,
      width: WIDTHS[(Math.floor(p / 2) + s) % 2] as number,
    })),
  );
}

/** All of them; widths take turns. */
export function product(): Case[] {
  let turn = 0;
  return Object.keys(PAGES).flatMap((page) =>
    STATES.flatMap((state) =>
      THEMES.flatMap((theme) =>
        LANGUAGES.flatMap((language) =>
          ROLES.map((role) => ({ page, state, theme, language, role, width: WIDTHS[turn++ % 2] as number })),
        ),
      ),
    ),
  );
}

/** What pages are opened on: a furnished system, an empty one, and an ingress that can refuse. */
export class Matrix {
  private constructor(
    private readonly browser: Browser,
    private readonly made: FurnishedRig,
    private readonly bare: Rig,
    private readonly bareTokens: Readonly<Record<Role, string>>,
    private readonly ingress: Ingress,
  ) {}

  static async start(): Promise<Matrix> {
    const made = await startFurnishedRig(60);
    const bare = await startRig({
      executors: 1,
      fastDatabase: true,
      env: { gateway: { RIGEL_ACCESS: 'on' } },
    });
    const token = async (role: Role) => (await createToken(bare.stack.databaseUrl, role, role)).token;
    const tokens = {
      viewer: await token('viewer'),
      operator: await token('operator'),
      admin: await token('admin'),
    };
    return new Matrix(await startBrowser(), made, bare, tokens, await Ingress.start(made.rig.stack.httpUrl));
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.ingress.close();
    await this.bare.stop();
    await this.made.stop();
  }

  /** Names of what is read in the pseudo-language. */
  static readonly read = [...Object.keys(PAGES), ...Object.keys(FORMS)];

  /**
   * Opens a page in the pseudo-language, and looks at each of its tabs, on a wide and a narrow screen in turns.
   * @returns texts that do not fit, and texts that are in no catalogue
   */
  async read(name: string): Promise<string[]> {
    const path = ({ ...PAGES, ...FORMS }[name] as (made: FurnishedRig) => string)(this.made);
    this.ingress.upstream = this.made.rig.stack.httpUrl;
    const opening = { language: 'pseudo', token: this.made.tokens.admin } as const;
    const { page, close } = await openPage(this.browser, this.ingress.console + path, opening);
    return readPseudo(page).finally(close);
  }

  /** @returns what is wrong with the page. */
  async open({ page: name, state, theme, language, role, width }: Case): Promise<string[]> {
    const { ingress } = this;
    const path = (PAGES[name] as (made: FurnishedRig) => string)(this.made);
    const isBare = state === 'empty';
    ingress.upstream = isBare ? this.bare.stack.httpUrl : this.made.rig.stack.httpUrl;
    const tokens = isBare ? this.bareTokens : this.made.tokens;
    const refuse = () => {
      ingress.refusals = [{ path: /^\/(?!console|session)/, status: 503 }];
    };
    if (state === 'error') refuse();
    const opened = await openPage(this.browser, ingress.console + path, {
      theme,
      language,
      width,
      height: width === 360 ? 740 : 900,
      token: tokens[role],
    });
    const { page, faults, close } = opened;
    try {
      await page.locator('main h1, main [role=alert]').first().waitFor();
      if (state === 'stale') {
        await page.waitForTimeout(1_000);
        refuse();
        ingress.cutStreams();
        await page
          .locator('[data-stale]')
          .first()
          .waitFor({ timeout: 9_000 })
          .catch(() => undefined);
      } else await page.waitForTimeout(300);
      const found = (await axeFindings(page)).map((rule) => `axe: ${rule}`);
      // The browser itself notes each request that was refused.
      found.push(
        ...faults.filter((text) => !/Failed to load resource: .* status of (40[0134]|503)/.test(text)),
      );
      if (await scrollsSideways(page)) found.push('it scrolls to the side');
      return found;
    } finally {
      ingress.refusals = [];
      await close();
    }
  }
}
