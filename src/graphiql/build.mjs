// Bundles the page into a folder of content-hashed files, each with its gzip twin, a licence
// file and a manifest. Called by hatch_build.py: node build.mjs <output folder> <sources' digest>.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const [folder, sources] = process.argv.slice(2);

// GraphiQL embeds its fonts as data: URLs, 85 % of its style sheet. The system's fonts load at
// once, and the policy needs no font-src.
function withSystemFonts(css) {
  return replaced(css, [
    [/@font-face\s*\{[^}]*\}/g, ''],
    [/"Roboto", sans-serif/g, 'system-ui, sans-serif'],
    [/"Fira Code", monospace/g, 'ui-monospace, "DejaVu Sans Mono", monospace'],
  ]);
}

// A style attribute in markup is what style-src 'self' forbids; page.css says the same.
function withoutInlineStyle(js) {
  return replaced(js, [[/ style="[^"]*"/g, '']]);
}

// A pattern that no longer matches means the package changed: the build must not pass in silence.
function replaced(text, rules) {
  return rules.reduce((before, [pattern, replacement]) => {
    const after = before.replace(pattern, replacement);
    if (after === before) throw new Error(`nothing matches ${pattern}`);
    return after;
  }, text);
}

const strictPolicy = {
  name: 'strict-policy',
  setup({ onLoad, onResolve }) {
    const rewrite = (filter, loader, change) =>
      onLoad({ filter }, ({ path }) => ({ loader, contents: change(readFileSync(path, 'utf8')) }));
    rewrite(/graphiql[/\\]dist[/\\]style\.css$/, 'css', withSystemFonts);
    rewrite(/codemirror[/\\]addon[/\\]search[/\\]jump-to-line\.js$/, 'js', withoutInlineStyle);
    // It injects <style> elements to lock the scrolling of a page; this page never scrolls.
    onResolve({ filter: /^react-remove-scroll$/ }, () => ({
      path: join(import.meta.dirname, 'page', 'no-scroll-lock.js'),
    }));
  },
};

function hashedCopy(path) {
  const body = readFileSync(path);
  const [stem, extension] = basename(path).split('.');
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const name = `${stem}-${hash}.${extension}`;
  writeFileSync(join(folder, name), body);
  return name;
}

// The packages' licences ask that their text goes along with every copy.
function licences(inputs) {
  const packages = new Set(
    Object.keys(inputs).flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []),
  );
  return [...packages].sort().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json')));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(path, file), 'utf8').trim() : '';
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
}

function compressed(name) {
  writeFileSync(
    join(folder, `${name}.gz`),
    gzipSync(readFileSync(join(folder, name)), { level: constants.Z_BEST_COMPRESSION }),
  );
}

// One file instead of many: GraphiQL needs all of CodeMirror's parts before the first key stroke.
const { metafile } = await build({
  entryPoints: ['page/main.jsx'],
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  minify: true,
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.graphql': 'text' },
  plugins: [strictPolicy],
  outdir: 'bundle',
  metafile: true,
  logLevel: 'error',
});

mkdirSync(folder, { recursive: true });
const files = {
  script: hashedCopy('bundle/main.js'),
  style: hashedCopy('bundle/main.css'),
  icon: hashedCopy('page/icon.svg'),
};
Object.values(files).forEach(compressed);
const rule = `\n${'-'.repeat(80)}\n\n`;
writeFileSync(join(folder, 'LICENSES.txt'), licences(metafile.inputs).join(rule));
writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify({ sources, ...files }, null, 2)}\n`);
