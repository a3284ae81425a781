import { readFileSync } from "node:fs"
import { dirname, relative } from "node:path"

const root = dirname(import.meta.dirname)

const pureModules = /^node:(?:assert|buffer|crypto|events|path|stream|url|util)/
const machine = /\b(?:process|vi|globalThis|fetch|toMatch\w*Snapshot)\b/
/** Helpers of tests start databases, servers and programs. */
const helper = /(?:^|[/])test[/]|[./](?:embedded|Database|Server)[/."]/

/**
 * Whether a test file touches nothing but its own modules: no process, file, socket or environment, and no helper that does. Such files
 * share threads and load the libraries once for all of them, which is most of the time that they take.
 */
export const sharesThread = (file: string): boolean => {
  const text = readFileSync(file, "utf8")
  const imports = [...text.matchAll(/(?:from|import\() ?"([^"]+)"/g)].map(([, name = ""]) => name)
  const isPure = (name: string) => (name.startsWith("node:") ? pureModules.test(name) : !helper.test(name))
  return !helper.test(relative(root, file)) && !machine.test(text) && imports.every(isPure)
}
