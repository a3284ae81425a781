import { statSync } from "node:fs"
import { basename, dirname, join } from "node:path"

/** Extensions that an import may leave out, in the order of the attempts. */
export const importedExtensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"] as const

/** In TypeScript, an import can name the file that the compiler will write. */
const sourceOf: Readonly<Record<string, string>> = { ".js": ".ts", ".mjs": ".mts", ".cjs": ".cts" }

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/**
 * The file for an import of `path` (absolute): the file itself, else with an extension, else the `.ts` for a `.js`, else the folder's `index`.
 * Type declarations (`.d.ts`) can't run, so they don't count.
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
