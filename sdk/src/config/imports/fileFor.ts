import { statSync } from "node:fs"
import { basename, dirname, join } from "node:path"

/** Endings that an import may leave out, in the order in which they are tried. */
export const importedExtensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"] as const

/** TypeScript lets an import name the file that the compiler will write. */
const sourceOf: Readonly<Record<string, string>> = { ".js": ".ts", ".mjs": ".mts", ".cjs": ".cts" }

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/**
 * The file that an import of `path` (absolute) means: the file itself, else with an extension, else the `.ts` of a `.js`, else the `index`
 * of the folder. Type declarations (`.d.ts`) can't be run, so they don't count.
 */
export const fileFor = (path: string): string | undefined => {
  const written = /\.[mc]?js$/.exec(path)?.[0] ?? ""
  const source = sourceOf[written]
  const candidates = [
    ...(path.endsWith("/")
      ? []
      : [path, ...importedExtensions.map((importedExtension) => `${path}${importedExtension}`)]),
    ...(source === undefined ? [] : [join(dirname(path), `${basename(path, written)}${source}`)]),
    ...importedExtensions.map((importedExtension) => join(path, `index${importedExtension}`))
  ]
  return candidates.filter((candidate) => !/\.d\.[mc]?ts$/.test(candidate)).find(isFile)
}
