import type { ElementType, Key, ReactElement } from 'react';
import { Fragment, jsx as reactJsx, jsxs as reactJsxs } from 'react/jsx-runtime';
import { visible } from './visible.js';

/*
 * What JSX of the console is compiled to (`vite.config.ts`): React's own functions, before which every text is made visible. Names,
 * reasons and lines come from elsewhere, and a control character in one of them would change how the text around it is read; so no
 * page has to think of it. Values of fields and what is copied stay as they are.
 */

type Props = Record<string, unknown>;

/** Attributes that are read, by people or aloud. */
const READ = ['title', 'aria-label', 'alt', 'placeholder'];

function shown(child: unknown): unknown {
  if (typeof child === 'string') return visible(child);
  return Array.isArray(child) && child.some((one) => typeof one === 'string') ? child.map(shown) : child;
}

function withVisibleText(type: ElementType, props: Props): Props {
  let changed: Props | undefined;
  const names = typeof type === 'string' ? ['children', ...READ] : ['children'];
  for (const name of names) {
    const value = props[name];
    if (value === undefined) continue;
    const seen = shown(value);
    if (seen !== value) changed = { ...(changed ?? props), [name]: seen };
  }
  return changed ?? props;
}

export { Fragment };

/** As React's, for an element with at most one child. */
export const jsx = (type: ElementType, props: Props, key?: Key): ReactElement =>
  reactJsx(type, withVisibleText(type, props), key);

/** As React's, for an element whose children were written down one by one. */
export const jsxs = (type: ElementType, props: Props, key?: Key): ReactElement =>
  reactJsxs(type, withVisibleText(type, props), key);
