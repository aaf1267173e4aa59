import type { ReactNode } from 'react';
import { Heading } from '../../app/frame.js';
import { CHOICES, changeSettings, type Settings, useSettings } from '../../app/settings.js';
import { useWords, type Words } from '../../text/intl.js';
import { Choice } from '../../ui/choice.js';
import styles from './settings-page.module.css';

/** How this browser shows the console. */
export function SettingsPage(): ReactNode {
  const text = useWords();
  const settings = useSettings();
  return (
    <>
      <Heading title={text('page.settings')} />
      <div className={styles.settings}>
        <Choice
          label={text('settings.theme')}
          value={settings.theme}
          choices={CHOICES.theme.map((value) => [value, text(`settings.theme.${value}`)])}
          onChange={(theme) => changeSettings({ theme })}
        />
        <Choice
          label={text('settings.density')}
          value={settings.density}
          choices={CHOICES.density.map((value) => [value, text(`settings.density.${value}`)])}
          onChange={(density) => changeSettings({ density })}
        />
        <Choice
          label={text('settings.zone')}
          value={settings.zone}
          choices={[
            ['mine', text('settings.zone.mine', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })],
            ['utc', text('settings.zone.utc')],
          ]}
          onChange={(zone) => changeSettings({ zone })}
        />
        <Choice
          label={text('settings.language')}
          value={settings.language}
          choices={CHOICES.language.map((value) => [value, languageName(value, text)])}
          onChange={(language) => changeSettings({ language })}
        />
        <p>{text('settings.kept')}</p>
      </div>
    </>
  );
}

/** A language is called as its speakers call it: whoever cannot read the others finds it. */
function languageName(language: Settings['language'], text: Words): string {
  return { system: text('settings.language.system'), en: 'English', zh: '简体中文' }[language];
}
