import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The console serves the result under a policy without inline scripts, data URLs of scripts, or other origins.
export default defineConfig({
  plugins: [react()],
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
});
