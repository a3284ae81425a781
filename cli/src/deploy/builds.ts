import type { LoadedConfig, SourceReport } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { printable } from "../output/format.ts"
import type { SourceImages } from "./sourceImages.ts"

/** Where the image of a service comes from, if this machine builds it. */
const imageLine = (wanted: SourceImages, service: string, defaultBase: string) => {
  const image = wanted.images.find(({ services }) => services.some((name) => name === service))
  return image === undefined
    ? undefined
    : `built on this machine, based on ${image.base ?? defaultBase}, and pushed to ${wanted.host}/${wanted.repository}`
}

/** The steps of each service's build, one per line. This only reads the folders. */
export const buildLines = (
  loaded: LoadedConfig,
  sources: ReadonlyArray<SourceReport>,
  services: ReadonlySet<string>,
  wanted: SourceImages | undefined = undefined
) =>
  Effect.promise(async (): Promise<ReadonlyArray<string>> => {
    const { defaultBase, planBuild } = await import("@maxcloud/builder")
    const lines: Array<string> = []
    for (const { cut, folder, services: names } of sources)
      for (const name of names.filter((name) => services.has(name))) {
        const service = loaded.spec.services.find((service) => service.name === name)
        const hasCommand = service?.command !== undefined
        const said = await planBuild({ folder, package: cut?.package, build: service?.build, hasCommand }).then(
          (plan) => {
            const line = wanted === undefined ? undefined : imageLine(wanted, name, defaultBase(plan.name, "3.x"))
            return [plan.name, ...plan.steps, ...(line === undefined ? [] : [line])]
          },
          // The deploy reports the same problem for the snapshot.
          (cause: unknown) => [cause instanceof Error ? cause.message : String(cause)]
        )
        lines.push(...said.map((value, at) => printable(at === 0 ? `  build of ${name}: ${value}` : `    ${value}`)))
      }
    return lines
  })
