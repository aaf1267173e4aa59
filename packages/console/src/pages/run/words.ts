import { words } from '../../text/words.js';

/** Words for one-off commands. */
export const runWords = words(
  {
    open: 'Run a command…',
    'title.pool': 'Run a command on {pool}',
    'title.nodes': 'Run a command on {count, plural, one {# node} other {# nodes}}',
    script: 'Command or script',
    'script.hint':
      'For /bin/sh, unless the first line names an interpreter (#!). It runs as it is written, without parameters. The task keeps it: write no secret into it.',
    'script.missing': 'Write what is to run.',
    'script.long': 'It has {count, number} characters, and may have {most, number}.',
    limit: 'Seconds that it may take on a node',
    'limit.hint': 'Empty: as long as a step of a template.',
    'limit.error': 'Must be a whole number of seconds, 1 to 86,400.',
    numbers: 'A number is not one that counts.',
    action: 'Run on {count, plural, one {# node} other {# nodes}}',
    verb: 'Run',
    reading: 'The nodes are being read.',
  },
  {
    open: '执行命令…',
    'title.pool': '在 {pool} 上执行命令',
    'title.nodes': '在 {count} 个节点上执行命令',
    script: '命令或脚本',
    'script.hint':
      '由 /bin/sh 执行，除非首行（#!）指定了解释器。按原文执行，没有参数。任务会保存它：不要写入密钥。',
    'script.missing': '请填写要执行的内容。',
    'script.long': '共 {count, number} 个字符，最多 {most, number} 个。',
    limit: '每个节点上的最长秒数',
    'limit.hint': '留空：与模板步骤相同。',
    'limit.error': '必须是 1 到 86,400 的整数秒。',
    numbers: '有一个数字无效。',
    action: '在 {count} 个节点上执行',
    verb: '执行',
    reading: '正在读取节点。',
  },
);
