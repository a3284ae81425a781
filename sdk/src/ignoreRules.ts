import { readFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"

/** Is a path (relative to the folder, separated by `/`) left out? */
export type IsIgnored = (path: string, isDirectory: boolean) => boolean

const readIfThere = (file: string): Promise<string | undefined> => readFile(file, "utf8").catch(() => undefined)

/** One pattern of `.dockerignore` as an expression that also holds for all below it (moby/patternmatcher). */
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

/** `.dockerignore`: patterns are anchored at the folder, the last one that matches decides. */
export const dockerRules = (content: string): IsIgnored => {
  const rules = content
    .split(/\r?\n/)
    .map((_) => _.trim())
    .filter((_) => _ !== "" && !_.startsWith("#"))
    .map((_) => (_.startsWith("!") ? { keep: true, pattern: _.slice(1).trim() } : { keep: false, pattern: _ }))
    .map(({ keep, pattern }) => ({ keep, expression: dockerPattern(pattern) }))
  const canReturn = rules.some((_) => _.keep)
  return (path, isDirectory) => {
    const last = rules.findLast((_) => _.expression.test(path))
    if (last === undefined || last.keep) return false
    // What is left out may hold what a later `!` brings back: such a folder has to be entered.
    return !(isDirectory && canReturn)
  }
}

/** The folders from the root of the git repository, or `folder` itself where there is none, down to `folder`. */
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

/** `.gitignore` of the folder, of those above it in its repository, and of those below it. */
const gitRules = async (folder: string): Promise<{ isIgnored: IsIgnored; enter: (path: string) => Promise<void> }> => {
  const { default: ignore } = await import("ignore")
  const levels: Array<{ base: string; rules: ReturnType<typeof ignore> }> = []
  const add = async (base: string) => {
    const content = await readIfThere(join(base, ".gitignore"))
    if (content === undefined) return
    const rules = ignore().add(content)
    const below = relative(base, folder)
    // A source inside a folder that git ignores (a build's output) is meant as it is.
    const startsInside = !relative(folder, base).startsWith("..")
    if (!startsInside && rules.ignores(`${below}/`)) return
    levels.push({ base, rules })
  }
  for (const base of await foldersOfRepository(folder)) await add(base)
  return {
    enter: (path) => add(join(folder, path)),
    isIgnored: (path, isDirectory) => {
      const full = join(folder, path)
      for (const { base, rules } of levels.toReversed()) {
        const inside = relative(base, full)
        if (inside.startsWith("..")) continue
        const { ignored, unignored } = rules.test(isDirectory ? `${inside}/` : inside)
        if (ignored || unignored) return ignored
      }
      return false
    }
  }
}

/**
 * What a snapshot of `folder` leaves out: by its `.dockerignore` where it has one, else by `.gitignore`. `enter` is to be called with
 * each folder below before what is in it is asked for.
 */
export const ignoreRulesOf = async (
  folder: string
): Promise<{ readonly isIgnored: IsIgnored; readonly enter: (path: string) => Promise<void> }> => {
  const docker = await readIfThere(join(folder, ".dockerignore"))
  if (docker !== undefined) return { isIgnored: dockerRules(docker), enter: async () => {} }
  return gitRules(folder)
}
