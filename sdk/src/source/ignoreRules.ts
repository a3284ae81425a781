import { readFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { dockerfileNames } from "@maxcloud/config-schema"

/** Whether a path (relative to the folder, separated by `/`) is left out. */
export type IsIgnored = (path: string, isDirectory: boolean) => boolean

export interface Rules {
  readonly isIgnored: IsIgnored
  /** Whether a `!` names the file itself. A `!` for a folder or with `*` doesn't mean that the user wants to send a secret. */
  readonly isKept: (path: string) => boolean
}

const lastName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const readIfThere = (file: string): Promise<string | undefined> => readFile(file, "utf8").catch(() => undefined)

/** A pattern of `.dockerignore` as a regular expression that also matches everything below it (moby/patternmatcher). */
const dockerPattern = (pattern: string): RegExp => {
  const cleaned = pattern.replace(/^\/+|\/+$/g, "").replace(/^\.\//, "")
  let expression = ""
  for (let at = 0; at < cleaned.length; at++) {
    const char = cleaned[at] ?? ""
    if (cleaned.startsWith("**/", at)) {
      expression += "(?:.*/)?"
      at += 2
    } else if (cleaned.startsWith("**", at)) {
      expression += ".*"
      at += 1
    } else if (char === "*") expression += "[^/]*"
    else if (char === "?") expression += "[^/]"
    else if (char === "[" && cleaned.indexOf("]", at + 2) > 0) {
      const end = cleaned.indexOf("]", at + 2)
      expression += cleaned.slice(at, end + 1)
      at = end
    } else if (char === "\\" && at + 1 < cleaned.length) expression += cleaned[++at]?.replace(/\W/, "\\$&") ?? ""
    else expression += char.replace(/[.+^${}()|\]\\[]/, "\\$&")
  }
  return new RegExp(`^${expression}(?:/.*)?$`)
}

/** `.dockerignore`: patterns are anchored at the folder, and the last one that matches decides. */
export const dockerRules = (content: string): Rules => {
  const rules = content
    .split(/\r?\n/)
    .map((text) => text.trim())
    .filter((text) => text !== "" && !text.startsWith("#"))
    .map((text) =>
      text.startsWith("!") ? { keep: true, pattern: text.slice(1).trim() } : { keep: false, pattern: text }
    )
    .map(({ keep, pattern }) => ({ keep, name: lastName(pattern), expression: dockerPattern(pattern) }))
  const canReturn = rules.some((rule) => rule.keep)
  const lastOf = (path: string) => rules.findLast((rule) => rule.expression.test(path))
  return {
    isIgnored: (path, isDirectory) => {
      const last = lastOf(path)
      if (last === undefined || last.keep) return false
      // A later `!` may re-include files in an excluded folder, so enter that folder.
      return !(isDirectory && canReturn)
    },
    isKept: (path) => {
      const last = lastOf(path)
      return last?.keep === true && last.name === lastName(path)
    }
  }
}

/** The folders from the root of the git repository (or only `folder` if there is none) down to `folder`. */
const foldersOfRepository = async (folder: string): Promise<ReadonlyArray<string>> => {
  const { stat } = await import("node:fs/promises")
  const folders = [folder]
  for (let at = folder; ; at = dirname(at)) {
    const isRoot = await stat(join(at, ".git")).then(
      () => true,
      () => false
    )
    if (isRoot) return folders
    if (dirname(at) === at) return [folder]
    folders.unshift(dirname(at))
  }
}

/** The `.gitignore` files of the folder, of those above it in its repository, and of those below it. */
export const gitRulesOf = async (folder: string): Promise<Rules & { enter: (path: string) => Promise<void> }> => {
  const { default: ignore } = await import("ignore")
  const levels: Array<{ base: string; rules: ReturnType<typeof ignore>; kept: ReadonlyArray<string> }> = []
  const add = async (base: string) => {
    const content = await readIfThere(join(base, ".gitignore"))
    if (content === undefined) return
    // Like git on Linux: `logs` doesn't match `Logs`.
    const rules = ignore({ ignorecase: false }).add(content)
    const below = relative(base, folder)
    // If git ignores the folder of a source (a build's output), its user still wants to send it.
    const startsInside = !relative(folder, base).startsWith("..")
    if (!startsInside && rules.ignores(`${below}/`)) return
    const kept = content.split("\n").flatMap((text) => (text.startsWith("!") ? [text.slice(1).trimEnd()] : []))
    levels.push({ base, rules, kept })
  }
  for (const base of await foldersOfRepository(folder)) await add(base)
  const verdictOf = (path: string, isDirectory: boolean): "ignored" | "kept" | "named" | undefined => {
    const full = join(folder, path)
    for (const { base, kept, rules } of levels.toReversed()) {
      const inside = relative(base, full)
      // A folder's own rules apply to its contents.
      if (inside === "" || inside.startsWith("..")) continue
      const { ignored, unignored } = rules.test(isDirectory ? `${inside}/` : inside)
      if (ignored) return "ignored"
      if (!unignored) continue
      const naming = kept.filter((value) => lastName(value) === lastName(inside))
      return naming.length > 0 && ignore({ ignorecase: false }).add(naming).ignores(inside) ? "named" : "kept"
    }
    return undefined
  }
  return {
    enter: (path) => add(join(folder, path)),
    isIgnored: (path, isDirectory) => verdictOf(path, isDirectory) === "ignored",
    isKept: (path) => verdictOf(path, false) === "named"
  }
}

/** Files that an image build needs. They are sent even if `.dockerignore` excludes them from the image, as many do. */
const ofBuilds: ReadonlySet<string> = new Set([...dockerfileNames, ".dockerignore"])

/**
 * The rules for files that a snapshot of `folder` leaves out: its `.dockerignore` if it has one, else `.gitignore`. Call `enter` with each
 * subfolder before asking about its contents.
 */
export const ignoreRulesOf = async (
  folder: string
): Promise<Rules & { readonly enter: (path: string) => Promise<void> }> => {
  const docker = await readIfThere(join(folder, ".dockerignore"))
  if (docker !== undefined) {
    const { isIgnored, isKept } = dockerRules(docker)
    return {
      isIgnored: (path, isDirectory) => !ofBuilds.has(path) && isIgnored(path, isDirectory),
      isKept,
      enter: async () => {}
    }
  }
  return gitRulesOf(folder)
}
