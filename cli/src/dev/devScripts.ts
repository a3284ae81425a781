import { relative } from "node:path"
import type { DevStart } from "@maxcloud/builder"
import type { ServiceSpec } from "@maxcloud/config-schema"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { sourceFolders } from "./inPlace.ts"

/** Whether a file of this name determines how a service runs. */
export const namesScripts = (file: string): boolean => /^(?:package\.json|deno\.jsonc?)$/.test(file)

/** Services that run the `dev` script of their package.json, which reloads by itself. */
export const makeDevScripts = (isOn: boolean) => {
  let known: ReadonlyMap<string, DevStart> = new Map()

  const find = async (loaded: LoadedConfig): Promise<ReadonlyMap<string, DevStart>> => {
    const found = new Map<string, DevStart>()
    const folders = sourceFolders(loaded)
    const { devStart } = await import("@maxcloud/builder")
    for (const { command, name } of isOn ? loaded.spec.services : []) {
      const folder = folders.get(name)
      // A command in the config takes precedence here too.
      if (folder === undefined || command !== undefined) continue
      // The service reports an invalid package.json when it starts.
      const start = await devStart(folder).catch(() => undefined)
      if (start !== undefined) found.set(name, start)
    }
    return found
  }

  const lineOf = (name: string, { notInstalled, start, tool }: DevStart, folder: string): string => {
    const script = tool ?? ("script" in start ? start.script.trim() : start.file)
    const said = `${name} runs its dev script (${script}), which reloads by itself: changes to its files don't redeploy it`
    if (notInstalled === undefined) return said
    return `${said}. Its dependencies aren't installed: run "${notInstalled} install"${folder === "" ? "" : ` in ${folder}`}`
  }

  return {
    of: (service: string): DevStart | undefined => known.get(service),
    /** Rereads the folders: the source folders that now run differently, and the lines to print about them. */
    reload: (loaded: LoadedConfig) =>
      Effect.promise(async () => {
        const before = known
        known = await find(loaded)
        const lines: Array<string> = []
        const changed: Array<string> = []
        for (const [name, folder] of sourceFolders(loaded)) {
          const now = known.get(name)
          if (JSON.stringify(now) === JSON.stringify(before.get(name))) continue
          changed.push(folder)
          if (now !== undefined) lines.push(lineOf(name, now, relative(loaded.folder, folder)))
        }
        return { changed, lines }
      }),
    /**
     * The app with these services running their scripts. A development server expects to be the only one in its folder, and starts slowly, so
     * it never has two instances and isn't scaled to zero.
     */
    applied: (loaded: LoadedConfig): LoadedConfig => {
      const folders = sourceFolders(loaded)
      const service = (one: ServiceSpec): ServiceSpec => {
        const directory = folders.get(one.name)
        if (one.source === undefined || directory === undefined || !known.has(one.name)) return one
        const source = { path: one.source.path, directory, script: "dev" } as const
        return { ...one, scale: { ...one.scale, min: 1, max: 1 }, source }
      }
      return { ...loaded, spec: { ...loaded.spec, services: loaded.spec.services.map(service) } }
    }
  }
}
