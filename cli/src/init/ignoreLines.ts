import { appendFile, readFile } from "node:fs/promises"
import { join } from "node:path"

/** Examples of files that must not get into a repository, and the line that keeps them out. */
const wanted: ReadonlyArray<{ readonly line: string; readonly examples: ReadonlyArray<string> }> = [
  { line: ".maxcloud/", examples: [".maxcloud/data"] },
  { line: "node_modules/", examples: ["node_modules/x/index.js"] },
  { line: ".env", examples: [".env"] },
  { line: ".env.*", examples: [".env.local", ".env.production", ".env.production.local"] }
]

/** Variants of `.env` that are meant to be shared. */
const shared = ["!.env.example", "!.env.sample", "!.env.template"]

/** The lines that the folder's `.gitignore` and those above it lack. Files that a `!` re-includes stay included. */
const missingLines = async (folder: string): Promise<ReadonlyArray<string>> => {
  const { gitRulesOf } = await import("@maxcloud/sdk/internal")
  const { isIgnored, isKept } = await gitRulesOf(folder)
  const isOut = (path: string): boolean => {
    const parts = path.split("/")
    return parts.some((_, index) => isIgnored(parts.slice(0, index + 1).join("/"), index < parts.length - 1))
  }
  const lines = wanted.filter(({ examples }) => examples.some((example) => !isOut(example)) && !examples.some(isKept))
  return lines.flatMap(({ line }) => (line === ".env.*" ? [line, ...shared] : [line]))
}

/** Adds the missing lines to the folder's `.gitignore`, and returns them. */
export const addIgnoreLines = async (folder: string): Promise<ReadonlyArray<string>> => {
  const lines = await missingLines(folder)
  if (lines.length === 0) return lines
  const file = join(folder, ".gitignore")
  const before = await readFile(file, "utf8").catch(() => "")
  const newline = before.includes("\r\n") ? "\r\n" : "\n"
  const gap = before === "" || before.endsWith("\n") ? "" : newline
  await appendFile(file, `${gap}${lines.map((line) => `${line}${newline}`).join("")}`)
  return lines
}
