import { gzipSync } from 'fflate';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src',
  publicDir: false,
  // The page answers at /graphql and its assets at /graphiql/, so a relative
  // base cannot work. AssetsPath in graphiql.go must agree.
  base: '/graphiql/',
  worker: { format: 'es' },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // An inlined asset is a data: URL, which the page's Content-Security-Policy
    // would have to allow for scripts and workers too.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licenses.md' },
    // Monaco is one chunk of 2.8 MB whatever one does; it is loaded from the
    // same binary as the page.
    chunkSizeWarningLimit: 4000,
    // React's "use client" marks mean nothing in a page without a server side.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  plugins: [onlyGzip()],
});

// onlyGzip replaces every output file by its gzip. It uses fflate, which is
// plain JavaScript: zlib's output may differ between processors, and CI
// compares the committed bundle with a fresh one byte for byte.
function onlyGzip() {
  return {
    name: 'only-gzip',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          const content = file.type === 'chunk' ? file.code : file.source;
          const source = gzipSync(Buffer.from(content), { level: 9, mem: 12, mtime: 0 });
          source[9] = 255; // the operating system: unknown
          delete bundle[fileName];
          this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source });
        }
      },
    },
  };
}
