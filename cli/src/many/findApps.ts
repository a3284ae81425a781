import { readdir } from "node:fs/promises"
import { join, relative } from "node:path"
import { Effect } from "effect"
import { loadTools } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"

/** More than any repository has, so that a search of a whole disk stops. */
const limits = { folders: 50_000, depth: 30, apps: 200 }

const tooMany = (root: string, what: string) =>
  new CommandFailed({
    tag: "TooManyFolders",
    exit: 2,
    message: `--all looked for configs in ${root} and stopped: ${what}`,
    fix: "run it in the folder of your repository, or list build folders in .gitignore"
  })

const twice = (folder: string, names: ReadonlyArray<string>) =>
  new CommandFailed({
    tag: "ConfigInvalid",
    exit: 2,
    message: `there are ${names.join(" and ")} in ${folder}`,
    fix: "keep one of them"
  })

/**
 * The configs in `root` (absolute) and below, sorted. Skips `node_modules`, hidden folders and folders that git ignores. Doesn't follow links
 * to folders.
 */
export const findApps = (root: string, most: Partial<typeof limits> = {}) =>
  Effect.gen(function* () {
    const { apps, depth, folders } = { ...limits, ...most }
    const { configNames, gitRulesOf } = yield* loadTools
    const names = new Set(configNames)
    const walk = async (): Promise<ReadonlyArray<string> | CommandFailed> => {
      const { enter, isIgnored } = await gitRulesOf(root)
      const found: Array<string> = []
      let seen = 0
      const visit = async (inside: string, level: number): Promise<CommandFailed | undefined> => {
        seen += 1
        if (seen > folders) return tooMany(root, `there are more than ${folders} folders`)
        const entries = await readdir(join(root, inside), { withFileTypes: true }).catch(() => [])
        const configs = entries.filter((entry) => entry.isFile() && names.has(entry.name)).map((entry) => entry.name)
        if (configs.length > 1) return twice(join(root, inside), configs)
        found.push(...configs.map((name) => join(root, inside, name)))
        if (found.length > apps) return tooMany(root, `there are more than ${apps} configs`)
        for (const entry of entries) {
          const below = inside === "" ? entry.name : `${inside}/${entry.name}`
          if (!entry.isDirectory() || entry.name === "node_modules" || entry.name.startsWith(".")) continue
          if (level >= depth || isIgnored(below, true)) continue
          await enter(below)
          const failed = await visit(below, level + 1)
          if (failed !== undefined) return failed
        }
        return undefined
      }
      return (await visit("", 0)) ?? found.sort()
    }
    const found = yield* Effect.promise(walk)
    if (found instanceof CommandFailed) return yield* found
    if (found.length > 0) return found
    return yield* new CommandFailed({
      tag: "NoApp",
      exit: 2,
      message: `no maxcloud.config.ts found in ${relative(process.cwd(), root) || "this folder"} or below`,
      fix: "run --all in a folder above your apps, or create a config with `maxcloud init`"
    })
  })
