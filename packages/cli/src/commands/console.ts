import { command } from '../command/command.js';
import { getData, postData } from './change-things.js';

/** `rigel console open`: the console in a browser, signed in with a code that works once. */
export const consoleOpen = command({
  name: 'console open',
  help: {
    en: 'Open the web console, signed in; prints its address',
    zh: '打开已登录的网页控制台，并输出其地址',
  },
  flags: {
    'no-browser': { type: 'switch', help: { en: 'only print the address', zh: '只输出地址' } },
  },
  run: async (invocation, _args, flags) => {
    const { io, print, settings, note } = invocation;
    const root = `${settings.url.replace(/\/$/, '')}/console/`;
    const who = await getData<{ access: 'on' | 'off' }>(invocation, '/session');
    let address = root;
    if (who.access === 'on') {
      const { code } = await postData<{ code: string }>(invocation, '/session/code', {});
      // Behind # no server and no log sees it.
      address = `${root}signin#${encodeURIComponent(code)}`;
      note('the address signs in once, within a minute:');
    }
    if (print.isForPeople) print.line(address);
    else print.one('console', { url: address }, []);
    if (!flags['no-browser'] && print.isForPeople && io.openBrowser?.(address)) note('a browser opens it');
  },
});
