import { words } from '../../text/words.js';

/** The words of the settings. */
export const settingsWords = words(
  {
    theme: 'Theme',
    'theme.system': 'As the system',
    'theme.light': 'Light',
    'theme.dark': 'Dark',
    'theme.contrast': 'High contrast',
    density: 'Density',
    'density.dense': 'Dense',
    'density.comfortable': 'Comfortable',
    zone: 'Time zone',
    'zone.mine': 'Mine ({zone})',
    'zone.utc': 'UTC',
    language: 'Language',
    'language.system': 'As the browser',
    kept: 'These settings are kept in this browser.',
  },
  {
    theme: '主题',
    'theme.system': '跟随系统',
    'theme.light': '浅色',
    'theme.dark': '深色',
    'theme.contrast': '高对比度',
    density: '密度',
    'density.dense': '紧凑',
    'density.comfortable': '宽松',
    zone: '时区',
    'zone.mine': '本地（{zone}）',
    'zone.utc': 'UTC',
    language: '语言',
    'language.system': '跟随浏览器',
    kept: '这些设置保存在此浏览器中。',
  },
);
