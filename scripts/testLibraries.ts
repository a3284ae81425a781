import { createHash } from "node:crypto"
import { existsSync, globSync, readFileSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { type BuildOptions, build } from "esbuild"
import type { Plugin } from "vitest/config"

const root = dirname(import.meta.dirname)

/** What most test files import, and what takes half a second or more to load from its hundreds of files. */
const isBundled = /^(?:effect|@effect\/[a-z-]+|@kubernetes\/client-node)(?:\/|$)/
const imported = /\bfrom "((?:effect|@effect|@kubernetes\/client-node)[^"]*)"/g

/** Each imported module with a folder that can resolve it. */
const importedModules = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const files = globSync("{builder,cli,config-schema,oci,scripts,sdk,server,synth}/**/*.ts", {
    cwd: root,
    exclude: (name) => name === "node_modules" || name === "dist"
  })
  for (const file of files.toSorted()) {
    for (const [, name = ""] of readFileSync(join(root, file), "utf8").matchAll(imported)) {
      if (isBundled.test(name) && !found.has(name)) found.set(name, dirname(join(root, file)))
    }
  }
  return found
}

/** The name of a module's file in the bundle, without its extension. */
const entryOf = (name: string) => name.replaceAll("/", "+")

const bundle = (modules: ReadonlyMap<string, string>, folder: string): BuildOptions => ({
  entryPoints: [...modules.keys()].map((name) => ({ in: name, out: entryOf(name) })),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  outdir: folder,
  outExtension: { ".js": ".mjs" },
  logLevel: "error",
  // For CommonJS in it. The libraries declare `createRequire` themselves.
  banner: {
    js: 'import { createRequire as requireOfBundle } from "node:module"; const require = requireOfBundle(import.meta.url);'
  },
  external: ["vitest", "pg-native", "bufferutil", "utf-8-validate"],
  plugins: [
    {
      name: "entries",
      setup(builder) {
        builder.onResolve({ filter: isBundled }, ({ kind, path }) =>
          kind === "entry-point"
            ? builder.resolve(path, { kind: "import-statement", resolveDir: modules.get(path) ?? root })
            : undefined
        )
      }
    }
  ]
})

/** Changes with the libraries' versions, with what is imported of them, and with this file. */
const keyOf = (modules: ReadonlyMap<string, string>): string => {
  const hash = createHash("sha256")
  for (const file of [join(root, "pnpm-lock.yaml"), import.meta.filename]) hash.update(readFileSync(file))
  return hash
    .update(JSON.stringify([...modules.keys()]))
    .digest("hex")
    .slice(0, 16)
}

/**
 * Loads these libraries from one bundle instead of their many files: each test file has a process of its own, which they cost a second of
 * processor time. Programs that tests start load them themselves.
 */
export const testLibraries = async (): Promise<Plugin> => {
  const modules = importedModules()
  const folder = join(root, "node_modules", ".test-libraries", keyOf(modules))
  if (!existsSync(folder)) {
    const made = `${folder}.${process.pid}`
    await build(bundle(modules, made))
    try {
      renameSync(made, folder)
    } catch {
      // Another run was faster.
      rmSync(made, { recursive: true, force: true })
    }
  }
  return {
    name: "test-libraries",
    enforce: "pre",
    resolveId: (id) => (modules.has(id) ? { id: join(folder, `${entryOf(id)}.mjs`), external: true } : undefined)
  }
}
