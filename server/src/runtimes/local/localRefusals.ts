import type { AppSpec } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { NamespaceKey } from "../port/Runtime.ts"
import type { InstanceSpec, Instances } from "./instances/Instance.ts"

/** The organization of this machine's owner, on a server that needs no credential. */
export const localOrganization = "local"

const processesRefused =
  'sources run as processes of this machine, which only the organization "local" may, on a server that needs no credential (MAXCLOUD_AUTH=local): use an image'
const inPlaceRefused =
  "a source runs in place only where the server was started for it (`maxcloud dev`): deploy a snapshot"

type Kind = InstanceSpec["program"]["kind"]

/** Why an organization may not run a kind of program on this server; undefined: it may. */
export type Refusal = (key: NamespaceKey, kind: Kind) => string | undefined

export const makeRefusal =
  (mayRunProcesses: (key: NamespaceKey) => boolean, inPlace: boolean): Refusal =>
  (key, kind) => {
    if (kind === "image") return undefined
    if (!mayRunProcesses(key)) return processesRefused
    return kind === "directory" && !inPlace ? inPlaceRefused : undefined
  }

/** The parts of an AppSpec that can't run here, with the path of each fault in the config. */
export const localProblems = (
  refusal: Refusal,
  instances: typeof Instances.Service,
  key: NamespaceKey,
  spec: AppSpec
) =>
  Effect.gen(function* () {
    const missing = yield* Effect.cachedFunction((kind: Kind) => instances.missing(kind, key))
    const found = yield* Effect.forEach(spec.services, (service, index) =>
      Effect.gen(function* () {
        const kind =
          service.image !== undefined ? "image" : service.source?.directory !== undefined ? "directory" : "snapshot"
        const message = refusal(key, kind) ?? (yield* missing(kind))
        return message === undefined
          ? []
          : [{ path: ["services", index, kind === "image" ? "image" : "source"], message }]
      })
    )
    return found.flat()
  })
