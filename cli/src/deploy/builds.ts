import type { LoadedConfig, SourceReport } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { printable } from "../output/format.ts"

/** The steps of each service's build, one per line. This only reads the folders. */
export const buildLines = (loaded: LoadedConfig, sources: ReadonlyArray<SourceReport>, services: ReadonlySet<string>) =>
  Effect.promise(async (): Promise<ReadonlyArray<string>> => {
    const { planBuild } = await import("@maxcloud/builder")
    const lines: Array<string> = []
    for (const { cut, folder, services: names } of sources)
      for (const name of names.filter((name) => services.has(name))) {
        const service = loaded.spec.services.find((service) => service.name === name)
        const hasCommand = service?.command !== undefined
        const said = await planBuild({ folder, package: cut?.package, build: service?.build, hasCommand }).then(
          ({ name, steps }) => [name, ...steps],
          // The deploy reports the same problem for the snapshot.
          (cause: unknown) => [cause instanceof Error ? cause.message : String(cause)]
        )
        lines.push(...said.map((value, at) => printable(at === 0 ? `  build of ${name}: ${value}` : `    ${value}`)))
      }
    return lines
  })
