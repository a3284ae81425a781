import { basename, dirname, relative, sep } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import type { configNames, sourceFilterOf } from "@maxcloud/sdk/internal"
import { type Held, makeBrake } from "./brake.ts"
import { makeContents } from "./contents.ts"
import { sourceFolders } from "./inPlace.ts"

export interface Changes {
  /** Whether the config may have changed. */
  readonly config: boolean
  /** The sources' files, as absolute paths. */
  readonly sources: ReadonlySet<string>
  readonly held: ReadonlyArray<Held>
}

const insideOf = (file: string, folder: string): string | undefined => {
  const inside = relative(folder, file)
  return inside === "" || inside.startsWith("..") ? undefined : inside.split(sep).join("/")
}

/**
 * Finds out which changes matter. We watch everything, but a source consists of the files in its snapshot. Files that git ignores and files
 * with unchanged content don't trigger a redeployment.
 */
export const makeChanges = (
  sdk: { readonly configNames: typeof configNames; readonly sourceFilterOf: typeof sourceFilterOf },
  now?: () => number
) => {
  const names = new Set(sdk.configNames)
  const contents = makeContents()
  const brake = makeBrake(now)

  const taken = async (files: Iterable<string>, folders: Iterable<string>): Promise<ReadonlySet<string>> => {
    const found = new Set<string>()
    for (const folder of new Set(folders)) {
      const isSource = await sdk.sourceFilterOf(folder)
      for (const file of files) {
        const inside = insideOf(file, folder)
        if (inside !== undefined && (await isSource(inside))) found.add(file)
      }
    }
    return found
  }

  return {
    /**
     * `folder` is the config's: the config may read any file there. No file redeploys services that reload by themselves, so they can't
     * cause a loop.
     */
    of: async (
      batch: ReadonlySet<string>,
      folder: string,
      current: LoadedConfig | undefined,
      reloads: (service: string) => boolean = () => false
    ): Promise<Changes> => {
      const own = new Set(current?.files)
      const folders = current === undefined ? [] : [...sourceFolders(current).values()]
      // A config isn't part of a source. If it can't be read, it's missing from `own`.
      const isConfig = (file: string) => dirname(file) === folder && names.has(basename(file))
      const configs = [...batch].filter((value) => own.has(value) || isConfig(value))
      const meant = new Set([...(await taken(batch, [folder, ...folders])), ...configs])
      const changed = await contents.changed(meant)
      const inSources = await taken(changed, folders)
      const ofSources = changed.filter((value) => inSources.has(value))
      const redeploying = [...(current === undefined ? [] : sourceFolders(current))].flatMap(([service, source]) =>
        reloads(service) ? [] : [source]
      )
      const redeploys = await taken(ofSources, redeploying)
      const { held, passed } = brake.pass(redeploys)
      return {
        config: passed.length > 0 || changed.some((value) => own.has(value) || !inSources.has(value)),
        sources: new Set([...passed, ...ofSources.filter((ofSource) => !redeploys.has(ofSource))]),
        held
      }
    }
  }
}
