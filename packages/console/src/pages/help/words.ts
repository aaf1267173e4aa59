import { words } from '../../text/words.js';

/** The words of the help. */
export const helpWords = words(
  {
    'keys.safe':
      'No key by itself stops, deletes or runs anything. Keys without a modifier can be turned off in the settings.',
    'keys.pages': 'Pages',
    'keys.lists': 'Lists and tables',
    'keys.everywhere': 'Everywhere',
    'pair.then': 'then',
    'pair.or': 'or',
    'key.tab': 'the next control',
    'key.escape': 'close the dialog or the panel',
    'key.help': 'this page',
    'key.down': 'the next row',
    'key.up': 'the row before',
    'key.first': 'the first row',
    'key.last': 'the last row',
    'key.open': 'open the row',
    'key.select': 'select the row, where rows can be selected',
    api: 'The API',
    'api.page': 'All operations, with their parameters and examples',
  },
  {
    'keys.safe': '任何按键本身都不会停止、删除或执行任何操作。无需组合键的快捷键可以在设置中关闭。',
    'keys.pages': '页面',
    'keys.lists': '列表和表格',
    'keys.everywhere': '所有页面',
    'pair.then': '然后',
    'pair.or': '或',
    'key.tab': '下一个控件',
    'key.escape': '关闭对话框或面板',
    'key.help': '本页',
    'key.down': '下一行',
    'key.up': '上一行',
    'key.first': '第一行',
    'key.last': '最后一行',
    'key.open': '打开该行',
    'key.select': '选中该行（在可选择的表格中）',
    api: 'API',
    'api.page': '所有操作及其参数和示例',
  },
);
