import { resolve, sep } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"

/** The absolute source folder of each service that has one. */
export const sourceFolders = (loaded: LoadedConfig): ReadonlyMap<string, string> =>
  new Map(
    loaded.spec.services.flatMap(({ name, source }) =>
      source === undefined ? [] : [[name, source.directory ?? resolve(loaded.folder, source.path)] as const]
    )
  )

/**
 * Stamps each service with the version of its folder. The folder's path stays the same when its files change, so a changing label creates
 * the new revision that reads them.
 */
export const makeStamps = () => {
  const stamps = new Map<string, string>()
  const stampOf = (service: string) => {
    const known = stamps.get(service)
    if (known !== undefined) return known
    const stamp = Date.now().toString(36)
    stamps.set(service, stamp)
    return stamp
  }
  return {
    /** Whether one of these files is in a source folder. Services with that folder get a new stamp, unless they reload by themselves. */
    changed: (
      loaded: LoadedConfig,
      paths: ReadonlySet<string>,
      reloads: (service: string) => boolean = () => false
    ): boolean => {
      let any = false
      for (const [service, folder] of sourceFolders(loaded)) {
        if (reloads(service)) continue
        if (![...paths].some((path) => path === folder || path.startsWith(`${folder}${sep}`))) continue
        stamps.delete(service)
        any = true
      }
      return any
    },
    /** Gives the services of these source folders a new stamp. Returns whether there are any. */
    restart: (loaded: LoadedConfig, folders: ReadonlySet<string>): boolean => {
      const services = [...sourceFolders(loaded)].filter(([, folder]) => folders.has(folder))
      for (const [service] of services) stamps.delete(service)
      return services.length > 0
    },
    stamped: (loaded: LoadedConfig): LoadedConfig => ({
      ...loaded,
      spec: {
        ...loaded.spec,
        services: loaded.spec.services.map((service) =>
          service.source === undefined
            ? service
            : { ...service, labels: { ...service.labels, "dev-version": stampOf(service.name) } }
        )
      }
    })
  }
}
