// How the dashboard is built: into dist/, which the gateway serves at "/" under a Content-Security-Policy of 'self' alone.
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` serves the sources and passes API requests on to a running gateway.
const GATEWAY = loadEnv('development', '.', 'ASSAY_')['ASSAY_GATEWAY'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // No data: URLs and no module preload shim, so that the policy can stay as narrow as it is.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { '/api': GATEWAY, '/readyz': GATEWAY } },
  // Styles are read as well: a test computes the contrasts of their tokens.
  test: { include: ['src/**/*.test.ts'], environment: 'node', css: true },
});
