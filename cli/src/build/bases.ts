import { Effect } from "effect"
import { texts } from "../args/flags.ts"
import { UsageError } from "../errors/failure.ts"

/** `SERVICE=IMAGE`. Names of images have no `=`. */
const forService = /^([a-z][a-z0-9-]{0,62})=(.+)$/

/** The flag of commands that build the services of a config. */
export const baseFlag = texts("base", "IMAGE", {
  description: "Image to build sources on, or SERVICE=IMAGE for one service; repeatable (MAXCLOUD_BUILD_BASE)"
})

/** The base image for a service's build; undefined for the builder's own choice. */
export type BaseOf = (service: string) => string | undefined

/** Reads `--base`, else `MAXCLOUD_BUILD_BASE`, which separates several with commas. */
export const basesOf = (
  flags: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
): Effect.Effect<BaseOf, UsageError> => {
  const variable = (environment["MAXCLOUD_BUILD_BASE"] ?? "").split(",").map((each) => each.trim())
  const written = flags.length > 0 ? flags : variable.filter((each) => each !== "")
  const where = flags.length > 0 ? "--base" : "MAXCLOUD_BUILD_BASE"
  const own = new Map<string, string>()
  let all: string | undefined
  for (const each of written) {
    const [, service, image] = forService.exec(each) ?? []
    const before = service === undefined ? all : own.get(service)
    if (before !== undefined) {
      return new UsageError({
        message: `${where} names two images for ${service ?? "all services"}: ${before} and ${image ?? each}`,
        fix: "write SERVICE=IMAGE for a base that only one service has"
      })
    }
    if (service === undefined || image === undefined) all = each
    else own.set(service, image)
  }
  return Effect.succeed((service) => own.get(service) ?? all)
}
