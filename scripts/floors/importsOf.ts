import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface Import {
  readonly specifier: string
  readonly isType: boolean
  /** Is it an `import("…")`? */
  readonly isLazy: boolean
}

/** A file's imports, including those of its re-exports. */
export const importsOf = (file: string): ReadonlyArray<Import> =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /^\s*(import|export)\s+(type\s)?[^"';`]*?from\s+"([^"]+)"|(import)\("([^"]+)"\)/gm
    )
  ].map((match) => ({
    specifier: match[3] ?? match[5] ?? "",
    isType: match[2] !== undefined,
    isLazy: match[4] !== undefined
  }))

/** A folder's files without tests. */
export const sourcesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((text) => text.endsWith(".ts") && !text.includes("node_modules") && !text.endsWith(".test.ts"))
    .map((value) => join(folder, value))
