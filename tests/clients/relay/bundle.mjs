// Bundles the page of this folder: `node bundle.mjs`, where the artifacts are.

import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';

await build({
  entryPoints: ['page.jsx'],
  bundle: true,
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  outfile: 'dist/page.js',
  logLevel: 'error',
});
const icon = '<link rel="icon" href="data:,">';
const page = '<div id="root"></div><script src="page.js"></script>';
writeFileSync('dist/index.html', `<!doctype html>${icon}${page}`);
