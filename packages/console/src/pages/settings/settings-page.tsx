import type { ReactNode } from 'react';
import { Heading } from '../../app/heading.js';
import { CHOICES, changeSettings, useSettings } from '../../app/settings.js';
import { type Text, useWords } from '../../text/intl.js';
import type { KeyOf } from '../../text/words.js';
import { Choice } from '../../ui/choice.js';
import { Check } from '../../ui/field.js';
import styles from './settings-page.module.css';
import { settingsWords } from './words.js';

/** How this browser shows the console. */
export function SettingsPage(): ReactNode {
  const common = useWords();
  const text = useWords(settingsWords);
  const settings = useSettings();
  return (
    <>
      <Heading title={common('page.settings')} />
      <div className={styles.settings}>
        <Choice
          label={text('theme')}
          value={settings.theme}
          choices={CHOICES.theme.map((value) => [value, text(`theme.${value}`)])}
          onChange={(theme) => changeSettings({ theme })}
        />
        <Choice
          label={text('density')}
          value={settings.density}
          choices={CHOICES.density.map((value) => [value, text(`density.${value}`)])}
          onChange={(density) => changeSettings({ density })}
        />
        <Choice
          label={text('zone')}
          value={settings.zone}
          choices={[
            ['mine', text('zone.mine', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })],
            ['utc', text('zone.utc')],
          ]}
          onChange={(zone) => changeSettings({ zone })}
        />
        <Choice
          label={text('language')}
          value={settings.language}
          choices={CHOICES.language.map((value) => [value, languageName(value, text)])}
          onChange={(language) => changeSettings({ language })}
        />
        <Check
          isSelected={settings.letterKeys}
          onChange={(letterKeys) => changeSettings({ letterKeys })}
          hint={text('keys.what')}
        >
          {text('keys')}
        </Check>
        <p>{text('kept')}</p>
      </div>
    </>
  );
}

/** A language is called as its speakers call it: whoever cannot read the others finds it. */
function languageName(
  language: (typeof CHOICES.language)[number],
  text: Text<KeyOf<typeof settingsWords>>,
): string {
  return { system: text('language.system'), en: 'English', zh: '简体中文' }[language];
}
