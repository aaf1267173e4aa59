import { type ReactNode, useId } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import type { Need } from '../app/role.js';
import controls from './controls.module.css';
import { useForbidden } from './forbidden.js';
import styles from './menu.module.css';

export interface MenuAction {
  /** Unique in its menu. */
  name: string;
  words: string;
  onAction: () => void;
  needs?: Need;
  /** Why it is not possible now: the item says so, and does nothing. */
  impossible?: string | undefined;
}

/** Further actions behind a button. What the role or the moment does not allow stands there too, and says why. */
export function ActionMenu({ label, actions }: { label: string; actions: readonly MenuAction[] }): ReactNode {
  const forbidden = useForbidden();
  const name = useId();
  const whyNot = ({ needs, impossible }: MenuAction): string | undefined => forbidden(needs) ?? impossible;
  return (
    <MenuTrigger>
      <AriaButton id={name} data-actions className={`${controls.button} ${styles.open}`} aria-label={label}>
        <span aria-hidden="true">⋯</span>
      </AriaButton>
      <Popover className={styles.popover ?? ''} placement="bottom end">
        <Menu
          className={styles.menu ?? ''}
          aria-label={label}
          onAction={(key) => {
            const chosen = actions.find(({ name }) => name === key);
            if (chosen && whyNot(chosen) === undefined) chosen.onAction();
          }}
        >
          {actions.map((action) => {
            const why = whyNot(action);
            return (
              <MenuItem
                key={action.name}
                id={action.name}
                textValue={action.words}
                className={styles.item ?? ''}
                data-impossible={why === undefined ? undefined : true}
              >
                {/* Both are its name: a screen reader tells the reason too. */}
                <span>{action.words}</span>
                {why !== undefined && <small>{why}</small>}
              </MenuItem>
            );
          })}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
