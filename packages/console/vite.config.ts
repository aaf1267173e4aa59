import { fileURLToPath } from 'node:url';
import optimizeLocales from '@react-aria/optimize-locales-plugin';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // Asset names are relative: the console works under any prefix (see `<base>` in the gateway's page).
  base: './',
  resolve: {
    alias: {
      'visible-text/jsx-runtime': fileURLToPath(new URL('src/text/jsx-runtime.ts', import.meta.url)),
    },
  },
  // All text of the console is made visible on its way to React.
  plugins: [
    react({ jsxImportSource: 'visible-text' }),
    { ...optimizeLocales.vite({ locales: ['en-US', 'zh-CN'] }), enforce: 'pre' },
  ],
  build: {
    outDir: 'build/files',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
  },
});
