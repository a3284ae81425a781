import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface Import {
  readonly specifier: string
  readonly isType: boolean
  /** By `import("…")`. */
  readonly isLazy: boolean
}

/** What a file imports or exports again. */
export const importsOf = (file: string): ReadonlyArray<Import> =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /^\s*(import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|(import)\("([^"]+)"\)/gm
    )
  ].map((_) => ({ specifier: _[3] ?? _[5] ?? "", isType: _[2] !== undefined, isLazy: _[4] !== undefined }))

/** Files of a folder, tests left out. */
export const sourcesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((_) => _.endsWith(".ts") && !_.includes("node_modules") && !_.endsWith(".test.ts"))
    .map((_) => join(folder, _))
